"""The JSON types of the project, in the registry of polkadot-js that clients would use them with.

They read and write what the ledger does, and what `@encointer/types` does for all that the package defines.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from integritee.apps.catalog import client_ledger
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.ids import AccountId, ParentchainId
from integritee.primitives.rpc import RpcReturnValue
from integritee.primitives.sidechain import SidechainHeader
from integritee.primitives.signature import MultiSignature
from integritee.reference.js_types import js_types
from integritee.stf.ledger import CALL, PUBLIC_GETTER, TRUSTED_GETTER
from integritee.stf.operation import (
    DirectCall,
    Get,
    Getter,
    IndirectCall,
    Public,
    PublicGetter,
    Trusted,
    TrustedCall,
    TrustedCallSigned,
    TrustedGetter,
    TrustedGetterSigned,
    TrustedOperation,
)

from ..reference.random_values import random_arguments, random_value
from .reports import Report, run_client

pytestmark = pytest.mark.timeout(900)  # the first test of all may install the client

LEDGER = client_ledger()
TYPES = js_types(LEDGER)
EACH = 4

WIRE = {
    CALL: ("IntegriteeTrustedCall", TrustedCall, LEDGER.calls),
    TRUSTED_GETTER: ("IntegriteeTrustedGetter", TrustedGetter, LEDGER.trusted_getters),
    PUBLIC_GETTER: ("IntegriteePublicGetter", PublicGetter, LEDGER.public_getters),
}

ANOTHER_LAYOUT = ("timestamp_set",)
"""Calls of the enclave that the package, whose users cannot make them, defines with other arguments."""

Value = tuple[str, str, str]
"""(what it is, name of its type, 0x-hex of its bytes)"""


def values() -> list[Value]:
    random = Random(20)
    return [value for _ in range(EACH) for value in (*wire_values(random), *other_values(random))]


def wire_values(random: Random) -> list[Value]:
    return [
        (name, type_name, hexed(wire, wire(definition, random_arguments(definition, random))))
        for type_name, wire, definitions in WIRE.values()
        for name, definition in definitions.items()
    ]


def other_values(random: Random) -> list[Value]:
    """Answers of getters, what is signed around calls and getters, and what the RPC adds."""
    getters = {"trusted": LEDGER.trusted_getters, "public": LEDGER.public_getters}
    answers = [
        (name, TYPES["returns"][kind][name], random_answer(definition, random))
        for kind, definitions in getters.items()
        for name, definition in definitions.items()
    ]
    call = LEDGER.call("balance_transfer", *random_arguments(LEDGER.calls["balance_transfer"], random))
    getter = LEDGER.trusted_getter("notes_for", *random_arguments(LEDGER.trusted_getters["notes_for"], random))
    delegate = random_value(AccountId | None, random)
    signed = TrustedCallSigned(call, 7, delegate, random_value(MultiSignature, random))
    asked = Trusted(TrustedGetterSigned(getter, delegate, random_value(MultiSignature, random)))
    vault = tuple[AccountId, ParentchainId]
    return [
        *answers,
        ("signed call", "IntegriteeTrustedCallSigned", hexed(TrustedCallSigned, signed)),
        ("signed getter", "IntegriteeTrustedGetterSigned", hexed(TrustedGetterSigned, asked.signed)),
        ("getter", "IntegriteeGetter", hexed(Getter, asked)),
        ("public", "IntegriteeGetter", hexed(Getter, Public(LEDGER.public_getter("some_value")))),
        ("indirect", "IntegriteeTrustedOperation", hexed(TrustedOperation, IndirectCall(signed))),
        ("direct", "IntegriteeTrustedOperation", hexed(TrustedOperation, DirectCall(signed))),
        ("get", "IntegriteeTrustedOperation", hexed(TrustedOperation, Get(asked))),
        ("request", "Request", hexed(Request, random_value(Request, random))),
        ("return value", "RpcReturnValue", hexed(RpcReturnValue, random_value(RpcReturnValue, random))),
        ("header", "SidechainHeader", hexed(SidechainHeader, random_value(SidechainHeader, random))),
        ("vault", "Vault", hexed(vault, random_value(vault, random))),
    ]


def random_answer(definition: Any, random: Random) -> str:
    return "0x" + LEDGER.encode_answer(definition, random_value(definition.returns, random)).hex()


def hexed(hint: Any, value: Any) -> str:
    return "0x" + LEDGER.codec(hint).encode(value).hex()


VALUES = values()


@pytest.fixture(scope="module")
def registry(javascript: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    path = tmp_path_factory.mktemp("registry") / "values.json"
    listed = [{"type": kind, "hex": text, "apart": name in ANOTHER_LAYOUT} for name, kind, text in VALUES]
    path.write_text(json.dumps({"types": TYPES["types"], "values": listed}))
    return run_client("registry.mjs", ["node", "registry.mjs", str(path)], javascript)


@pytest.mark.parametrize("index", range(len(VALUES)), ids=[f"{name}-{kind}" for name, kind, _ in VALUES])
def test_values(registry: Report, index: int) -> None:
    """Read and written, made anew from its parts; where the package knows the type, by its names, too."""
    text = VALUES[index][2]
    found = registry[f"value:{index}"]
    assert (found["ours"], found["made"]) == (text, text)
    if "theirs" in found:
        assert (found["theirs"], found["crossed"]) == (text, text)


@pytest.mark.parametrize("kind", WIRE)
def test_every_variant_of_the_package_was_among_the_values(registry: Report, kind: str) -> None:
    """Names of variants are the package's, apps' included."""
    type_name, _, definitions = WIRE[kind]
    defined = {name.replace("_", "") for name in registry["types"]["variants"][type_name]}
    ours = {name.partition(".")[0].replace("_", "") for name in definitions}
    assert defined <= ours
    met = {
        name.partition(".")[0].replace("_", "")
        for i, (name, kind_of_value, _) in enumerate(VALUES)
        if kind_of_value == type_name and "theirs" in registry[f"value:{i}"]
    }
    assert met == defined - {name.replace("_", "") for name in ANOTHER_LAYOUT}
