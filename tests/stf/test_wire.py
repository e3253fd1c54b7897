"""Bytes on the wire: what the JS client makes, the enclave reads, and the other way round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import base58
import pytest

from integritee.apps.catalog import client_ledger
from integritee.apps.guess_the_number.types import GuessTheNumberInfo
from integritee.crypto import Ed25519Pair, Sr25519Pair, blake2_256, ss58_decode
from integritee.frame.pallets.system import AccountInfo
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.ids import AccountId, ParentchainId
from integritee.primitives.rpc import DirectRequestStatus, RpcReturnValue
from integritee.primitives.signature import Sr25519, verify, verify_wrapped
from integritee.scale import codec
from integritee.scale.errors import DecodeError, UnknownVariant
from integritee.stf.executor import Executor
from integritee.stf.operation import (
    DirectCall,
    Getter,
    IndirectCall,
    Public,
    PublicGetter,
    Trusted,
    TrustedCall,
    TrustedCallSigned,
    TrustedGetter,
    TrustedOperation,
)
from integritee.stf.types import (
    AccountEssentials,
    AccountInfoAndSessionProxies,
    BucketRange,
    ParentchainsInfo,
    ShardInfo,
    TimestampedTrustedNote,
)

from .golden_json import named, value_of

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "js-types.json").read_text())
SHARD, MRENCLAVE = (bytes.fromhex(VECTORS[name][2:]) for name in ("shard", "mrenclave"))
DELEGATE = Ed25519Pair.from_seed(bytes.fromhex(VECTORS["ed25519_seed"][2:]))


LEDGER = client_ledger()


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def values(*types: str) -> list[Any]:
    return [pytest.param(v, id=v.get("note", v["type"])) for v in VECTORS["values"] if v["type"] in types]


SIGNED_CALLS = VECTORS["signed_calls"]
SIGNED_GETTERS = VECTORS["signed_getters"]

ENUMS: dict[str, tuple[Any, dict[str, Any]]] = {
    "IntegriteeTrustedCall": (TrustedCall, LEDGER.calls),
    "IntegriteeTrustedGetter": (TrustedGetter, LEDGER.trusted_getters),
    "IntegriteePublicGetter": (PublicGetter, LEDGER.public_getters),
}

STRUCTS: dict[str, Any] = {
    "AccountInfo": AccountInfo,
    "AccountInfoAndSessionProxies": AccountInfoAndSessionProxies,
    "AccountEssentials": AccountEssentials,
    "ParentchainsInfo": ParentchainsInfo,
    "ShardInfo": ShardInfo,
    "NotesBucketInfo": BucketRange,
    "Vec<TimestampedTrustedNote>": list[TimestampedTrustedNote],
    "GuessTheNumberInfo": GuessTheNumberInfo,
    "Vault": tuple[AccountId, ParentchainId],
    "RpcReturnValue": RpcReturnValue,
    "DirectRequestStatus": DirectRequestStatus,
    "Request": Request,
}


@pytest.mark.parametrize("golden", values(*ENUMS))
def test_calls_and_getters_both_ways(golden: dict[str, Any]) -> None:
    value, definitions = ENUMS[golden["type"]]
    definition, args = named(definitions, LEDGER, golden["json"])
    composed = value(definition, args)
    assert LEDGER.codec(value).encode(composed) == raw(golden["hex"])
    assert LEDGER.codec(value).decode(raw(golden["hex"])) == composed


@pytest.mark.parametrize("golden", values(*STRUCTS))
def test_answers_both_ways(golden: dict[str, Any]) -> None:
    hint = STRUCTS[golden["type"]]
    composed = value_of(hint, golden["json"])
    assert LEDGER.codec(hint).encode(composed) == raw(golden["hex"])
    assert LEDGER.codec(hint).decode(raw(golden["hex"])) == composed


WITHOUT_GOLDEN_VALUE = {
    "timestamp_set",  # the enclave's own; the client declares it with other types
    "note_bloat",
    "waste_time",
    "spam_extrinsics",
    "force_unshield_all",
    "remove_session_proxy",
    "balance_set_balance",
    "evm_withdraw",
    "evm_call",
    "evm_create",
    "evm_create2",
    "encointer.balance_transfer",
    "encointer.register_participant",
    "encointer.register_attestations",
    "encointer.grant_reputation",
    "encointer.set_community_metadata",
}
"""Calls that the client's types do not have."""


def test_every_call_of_the_client_has_a_golden_value() -> None:
    covered = {
        LEDGER.codec(TrustedCall).decode(raw(v["hex"])).definition for v in VECTORS["values"] if "Call" in v["type"]
    }
    assert {name for name, d in LEDGER.calls.items() if d not in covered} == WITHOUT_GOLDEN_VALUE
    assert {v["type"] for v in VECTORS["values"]} == {*ENUMS, *STRUCTS}
    assert (len(SIGNED_CALLS), len(SIGNED_GETTERS)) == (160, 16)


@pytest.mark.parametrize("golden", SIGNED_CALLS)
def test_signed_calls(golden: dict[str, Any]) -> None:
    top = raw(golden["top"])
    operation = LEDGER.codec(TrustedOperation).decode(top)
    assert isinstance(operation, DirectCall if golden["kind"] == "direct_call" else IndirectCall)
    assert LEDGER.codec(TrustedOperation).encode(operation) == top
    assert LEDGER.top_hash(operation) == raw(golden["top_hash"]) == blake2_256(top)
    signed = operation.signed
    assert LEDGER.codec(TrustedCallSigned).encode(signed) == raw(golden["signed"])
    assert signed.nonce == golden["nonce"]
    assert signed.signer == ss58_decode(golden["signer"])[0]
    assert (signed.delegate is None) is (golden["delegate"] is None)
    payload = LEDGER.call_payload(signed.call, signed.nonce, MRENCLAVE, SHARD)
    assert payload == raw(golden["payload"])
    assert verify(signed.signature, payload, signed.signer) is not golden["wrapped"]
    Executor(LEDGER, LEDGER.runtime(), MRENCLAVE, SHARD).verify(signed)


@pytest.mark.parametrize(
    "golden", [c for c in SIGNED_CALLS if c["scheme"] == "ed25519" and not c["wrapped"] and c["delegate"]]
)
def test_we_sign_as_the_client_does(golden: dict[str, Any]) -> None:
    theirs: TrustedCallSigned = LEDGER.codec(TrustedCallSigned).decode(raw(golden["signed"]))
    assert LEDGER.sign_call(theirs.call, theirs.nonce, DELEGATE, MRENCLAVE, SHARD) == theirs


@pytest.mark.parametrize("golden", SIGNED_GETTERS)
def test_signed_getters(golden: dict[str, Any]) -> None:
    request: Request = codec(Request).decode(raw(golden["request"]))
    assert request == Request(SHARD, raw(golden["getter"]))
    getter = LEDGER.codec(Getter).decode(request.cyphertext)
    assert isinstance(getter, Trusted)
    assert LEDGER.codec(Getter).encode(getter) == request.cyphertext
    Executor(LEDGER, LEDGER.runtime(), MRENCLAVE, SHARD).verify_getter(getter.signed)
    if golden["delegate"]:
        assert LEDGER.sign_getter(getter.signed.getter, DELEGATE) == getter.signed


# -- recorded from browser extensions


EXTENSION_CALL = bytes.fromhex(
    "030648fa130f901e5572e075db41da1ef1884a9d0acae9e964ff3f406651d7413c000000000000000000000000"
    "00000000000000000000000000000000000000000a000000000000000000000000000000496e636f676e697465"
    "65546573746e657430303030303030303030303030303301000000000136c2c45f0096aef4b404c540627be525"
    "de2ce85daad3e75f9d0758a4ccb3ab0e448a2b259b0ff582e0ef8a2c532e3fc85605b62fc390aa016c3c0448c9"
    "16d48f"
)
EXTENSION_SHARD = b"IncogniteeTestnet000000000000003"
EXTENSION_GETTER = bytes.fromhex(
    "01000648fa130f901e5572e075db41da1ef1884a9d0acae9e964ff3f406651d7413c0001"
    "c0e043e931689c9ff51a883c587baeab43d77cdf701085238af124441b293f0e"
    "6784c982d82b517b4795d7bf643ab67be5bcf58242ca7e33898c382cb0ef3383"
)


def test_a_call_signed_by_a_browser_extension() -> None:
    mrenclave = base58.b58decode("8weGnjvG3nh6UzoYjqaTjpWjX1ouNPioA1K5134DJc5j")
    signed: TrustedCallSigned = LEDGER.codec(TrustedCallSigned).decode(EXTENSION_CALL)
    assert len(EXTENSION_CALL) == 183
    assert (signed.call.name, signed.nonce, signed.delegate) == ("balance_unshield", 1, None)
    assert signed.call.args[3] == EXTENSION_SHARD
    payload = LEDGER.call_payload(signed.call, 1, mrenclave, EXTENSION_SHARD)
    assert not verify(signed.signature, payload, signed.signer)
    assert verify_wrapped(signed.signature, payload, signed.signer)
    assert LEDGER.top_hash(DirectCall(signed)).hex() == (
        "2f985e8da0471664a6ed134a2d895ccb91ceb2d7f92f67926f98a89bec3ba3ed"
    )
    assert LEDGER.top_hash(IndirectCall(signed)).hex() == (
        "8ae5aba7f9053dfc9f9609de2e94aa4646af1cee6ccb8c16264bd807a3995629"
    )
    assert blake2_256(LEDGER.codec(TrustedCall).encode(signed.call)).hex() == (
        "570e8678b7994ef45ebd9e218dac30182735d97061a6081c2a025a95f7beb332"
    )


def test_a_getter_signed_by_a_browser_extension() -> None:
    getter = LEDGER.codec(Getter).decode(EXTENSION_GETTER)
    assert isinstance(getter, Trusted)
    assert getter.signed.getter.definition.name == "account_info"
    payload = LEDGER.codec(TrustedGetter).encode(getter.signed.getter)
    assert not verify(getter.signed.signature, payload, getter.signed.signer)
    Executor(LEDGER, LEDGER.runtime(), bytes(32), bytes(32)).verify_getter(getter.signed)


# -- strictness


@pytest.mark.parametrize("index", [8, 9, 13, 19, 23, 29, 32, 41, 47, 52, 89, 94, 128, 254])
def test_unknown_discriminants(index: int) -> None:
    with pytest.raises(UnknownVariant):
        LEDGER.codec(TrustedCall).decode(bytes([index]) + bytes(200))


@pytest.mark.parametrize("cut", [0, 1, 32, 33, 100, 182])
def test_truncated_and_padded_calls(cut: int) -> None:
    with pytest.raises(DecodeError):
        LEDGER.codec(TrustedCallSigned).decode(EXTENSION_CALL[:cut])
    with pytest.raises(DecodeError):
        LEDGER.codec(TrustedCallSigned).decode(EXTENSION_CALL + bytes(cut + 1))


def test_direct_and_indirect_forms_have_different_hashes() -> None:
    alice = Sr25519Pair.from_uri("//Alice")
    signed = LEDGER.sign_call(LEDGER.call("noop", alice.public), 0, alice, MRENCLAVE, SHARD)
    assert isinstance(signed.signature, Sr25519)
    assert LEDGER.top_hash(DirectCall(signed)) != LEDGER.top_hash(IndirectCall(signed))


def test_public_getters_need_no_signature() -> None:
    some_value = Public(LEDGER.public_getter("some_value"))
    assert LEDGER.codec(Getter).encode(some_value) == b"\x00\x00"


def test_unknown_names() -> None:
    for compose in (LEDGER.call, LEDGER.trusted_getter, LEDGER.public_getter):
        with pytest.raises(KeyError):
            compose("give_me_everything")
