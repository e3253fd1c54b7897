"""What holds for each of the runtimes: the state's code chooses, metadata is enough for clients, blocks run again."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from integritee.frame.fees import RuntimeDispatchInfo
from integritee.frame.overlay import EmptyBackend, Overlay
from integritee.frame.pallets.system import RuntimeVersion
from integritee.metadata import (
    RuntimeMetadata,
    TransactionParameters,
    decode_extrinsic,
    message_to_sign,
    signed_extrinsic,
    signing_payload,
)
from integritee.node.chains import NAMES, WELL_KNOWN, load_spec
from integritee.node.errors import BadRuntimeInput
from integritee.node.runtime.encointer import EncointerRuntime
from integritee.node.runtime.engine import RUNTIMES
from integritee.node.runtime.presets import CODE_KEY, NodeRuntime
from integritee.node.runtime.target_a import TargetARuntime
from integritee.node.runtime.target_b import TargetBRuntime
from integritee.primitives.era import Era
from integritee.primitives.storage import storage_prefix
from integritee.scale import Ok, decode, encode, u32

from .chain_kit import ALICE, BOB, ENGINE, Chain, apply

each = pytest.mark.parametrize("kind", RUNTIMES, ids=lambda kind: kind.__name__)
MISSING = {"no pallet": ("Teerex", TargetBRuntime), "no asset": ("Assets", TargetARuntime)}


@cache
def metadata(kind: type[NodeRuntime], version: int = 14) -> RuntimeMetadata:
    """As a node of a chain of the runtime answers."""
    answer = ENGINE.call("Metadata_metadata_at_version", Chain(kind).overlay(), encode(u32, version))
    found = RuntimeMetadata.parse_answer(answer)
    assert found is not None
    return found


def parameters(chain: Chain, nonce: int, **more: Any) -> TransactionParameters:
    version = chain.runtime().system.version
    return TransactionParameters(
        nonce,
        Era.mortal(64, chain.number),
        chain.hash(),
        chain.hash(0),
        version.spec_version,
        version.transaction_version,
        **more,
    )


def transfer(chain: Chain, nonce: int = 0, **more: Any) -> bytes:
    """Made of metadata alone, as foreign clients do."""
    described = metadata(chain.kind)
    call = described.call("Balances", "transfer_keep_alive", {"dest": ("Id", BOB.public), "value": 10**10})
    given = parameters(chain, nonce, **more)
    signature = ALICE.sign(message_to_sign(signing_payload(described, call, given)))
    return signed_extrinsic(described, call, ALICE.public, ALICE.scheme, signature, given)


@each
def test_the_code_in_the_state_chooses_the_runtime(kind: type[NodeRuntime]) -> None:
    chain = Chain(kind)
    version = decode(RuntimeVersion, ENGINE.call("Core_version", chain.overlay(), b""))
    assert version == kind().system.version  # type: ignore[attr-defined]
    assert chain.overlay().get(CODE_KEY) == kind.code


def test_runtimes_are_told_apart() -> None:
    assert len({kind.code for kind in RUNTIMES}) == len({Chain(kind).hash(0) for kind in RUNTIMES}) == len(RUNTIMES)


@pytest.mark.parametrize("code", [None, b"chain two"])
def test_other_code_means_integritee_solo(code: bytes | None) -> None:
    overlay = Overlay(EmptyBackend())
    if code is not None:
        overlay.put(CODE_KEY, code)
    assert decode(RuntimeVersion, ENGINE.call("Core_version", overlay, b"")).spec_name == "integritee-solo"


@each
def test_versions_of_metadata_tell_the_same(kind: type[NodeRuntime]) -> None:
    old, new = metadata(kind, 14), metadata(kind, 15)
    assert list(old.pallets) == list(new.pallets)
    identifiers = [extension.identifier for extension in kind.signed_extensions]
    for described in (old, new):
        assert [extension.identifier for extension in described.signed_extensions] == identifiers
        for entry in described.types.types:
            described.types.codec(entry.id)


@each
def test_metadata_is_enough_to_sign_and_to_read(kind: type[NodeRuntime]) -> None:
    chain, described = Chain(kind), metadata(kind)
    chain.make()
    extrinsic = transfer(chain, tip=7)
    found = decode_extrinsic(described, extrinsic)
    assert (found.signer, found.tip, str(found.call)) == (ALICE.public, 7, "Balances.transfer_keep_alive")
    assert isinstance(chain.validate(extrinsic), Ok)
    info = ENGINE.call("TransactionPaymentApi_query_info", chain.overlay(), extrinsic + encode(u32, len(extrinsic)))
    assert chain.make(extrinsic) == [Ok(Ok(None))]
    raw = chain.overlay().get(storage_prefix("System", "Events"))
    (paid,) = [e for e in described.decode_events(raw or b"") if str(e) == "TransactionPayment.TransactionFeePaid"]
    assert paid.fields["actual_fee"] == decode(RuntimeDispatchInfo, info).partial_fee + 7


@each
def test_blocks_run_again(kind: type[NodeRuntime]) -> None:
    chain = Chain(kind)
    batch = chain.call("Utility", "batch", [chain.call("System", "remark", b"hi")] * 2)
    chain.make(chain.sign(batch), chain.sign(chain.call("Sudo", "sudo", batch), nonce=1))
    chain.execute(chain.block())


@each
def test_presets(kind: type[NodeRuntime]) -> None:
    chain = Chain(kind)
    answer = ENGINE.call("GenesisBuilder_get_preset", chain.overlay(), encode(str | None, "development"))
    document = json.loads(decode(bytes | None, answer) or b"")
    assert {name[0].upper() + name[1:] for name in document} <= set(chain.runtime().pallets)
    assert {"aura", "balances", "grandpa", "sudo"} <= set(document)
    assert document["balances"]["balances"][0][0] == "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"


@each
def test_funds_add_up(kind: type[NodeRuntime]) -> None:
    runtime = Chain(kind).runtime()
    held = sum(info.data.free + info.data.reserved for _, info in runtime.system.account.items())
    assert held == runtime.balances.total_issuance.get() > 0


@pytest.mark.parametrize("made_for", RUNTIMES, ids=lambda kind: f"for {kind.__name__}")
@pytest.mark.parametrize("on", RUNTIMES, ids=lambda kind: f"on {kind.__name__}")
def test_an_extrinsic_is_good_for_one_chain(made_for: type[NodeRuntime], on: type[NodeRuntime]) -> None:
    """Target B's have another layout; those of the others cover the genesis."""
    home, chain = Chain(made_for), Chain(on)
    overlay, _ = chain.open()
    try:
        taken = isinstance(apply(overlay, transfer(home)), Ok)
    except BadRuntimeInput:
        taken = False
    assert taken is (made_for is on)


# -- names


@pytest.mark.parametrize(
    ("name", "id", "symbol", "kind"),
    [
        ("dev", "integritee-solo-dev", "TEER", RUNTIMES[0]),
        ("target-a-dev", "target-a-dev", "TEER", TargetARuntime),
        ("target-a", "target-a-dev", "TEER", TargetARuntime),
        ("encointer-dev", "encointer-dev", "TEER", EncointerRuntime),
        ("target-b-dev", "target-b-dev", "UNIT", TargetBRuntime),
        ("target-b", "target-b-dev", "UNIT", TargetBRuntime),
    ],
)
def test_chains_by_name(name: str, id: str, symbol: str, kind: type[NodeRuntime]) -> None:
    spec = load_spec(name)
    assert (spec.id, spec.properties["tokenSymbol"], spec.properties["tokenDecimals"]) == (id, symbol, 12)
    assert spec.genesis[CODE_KEY] == kind.code
    assert spec.properties["ss58Format"] == kind().system.ss58_prefix  # type: ignore[attr-defined]


def test_chains_keep_their_data_apart() -> None:
    assert len({load_spec(name).id for name in NAMES}) == len(WELL_KNOWN)
