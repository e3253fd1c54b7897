"""SCALE forms of the runtime API: golden bytes from the format's definition."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.frame import validity as v
from integritee.frame.overlay import EmptyBackend, Overlay
from integritee.node import runtime_api as api
from integritee.node.block import Block, checked_extrinsic, decode_body, encode_body, extrinsic_hash
from integritee.node.errors import BadRuntimeInput, RuntimeApiMissing
from integritee.node.inherents import BlockTime, encode_inherents, last_timestamp
from integritee.node.keystore import DEV_ACCOUNTS, Keystore
from integritee.node.keystore import UnknownDevAccount as UnknownName
from integritee.node.validity import validity_text
from integritee.primitives.header import Digest, Header
from integritee.primitives.storage import storage_prefix
from integritee.scale import Err, Ok, decode, encode
from integritee.scale.errors import DecodeError, UnknownVariant

from .toy_runtime import ToyEngine


class Answers:
    """An engine that says one thing and remembers what it was asked."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked: list[tuple[str, bytes]] = []

    def call(self, name: str, overlay: Overlay, args: bytes) -> bytes:
        self.asked.append((name, args))
        return self.answer


def state() -> Overlay:
    return Overlay(EmptyBackend())


@pytest.mark.parametrize(
    "value, encoded",
    [
        (v.Invalid(v.Call()), "0000"),
        (v.Invalid(v.Payment()), "0001"),
        (v.Invalid(v.Future()), "0002"),
        (v.Invalid(v.Stale()), "0003"),
        (v.Invalid(v.BadProof()), "0004"),
        (v.Invalid(v.AncientBirthBlock()), "0005"),
        (v.Invalid(v.ExhaustsResources()), "0006"),
        (v.Invalid(v.CustomInvalid(77)), "00074d"),
        (v.Invalid(v.BadMandatory()), "0008"),
        (v.Invalid(v.MandatoryValidation()), "0009"),
        (v.Invalid(v.BadSigner()), "000a"),
        (v.Invalid(v.IndeterminateImplicit()), "000b"),
        (v.Invalid(v.UnknownOrigin()), "000c"),
        (v.Unknown(v.CannotLookup()), "0100"),
        (v.Unknown(v.NoUnsignedValidator()), "0101"),
        (v.Unknown(v.CustomUnknown(1)), "010201"),
    ],
)
def test_validity_errors(value: Any, encoded: str) -> None:
    assert encode(v.TransactionValidityError, value).hex() == encoded
    assert decode(v.TransactionValidityError, bytes.fromhex(encoded)) == value
    assert validity_text(value)


def test_validity() -> None:
    valid = v.ValidTransaction(258, [], [b"\x07\x08"], 64, True)
    data = "0002010000000000000004080708400000000000000001"
    assert encode(v.TransactionValidity, Ok(valid)).hex() == data
    assert decode(v.TransactionValidity, bytes.fromhex("010003")) == Err(v.Invalid(v.Stale()))


def version_data(apis: str, rest: str) -> bytes:
    """spec_name ‖ impl_name ‖ authoring ‖ spec ‖ impl ‖ apis ‖ transaction ‖ system_version."""
    return bytes.fromhex("0c6162630478010000009a01000002000000" + apis + rest)


CORE_5 = "04df6acb689907609b05000000"


class Versioned(Answers):
    """With a version of the transaction queue's API beside its answer, which is not remembered as asked."""

    def __init__(self, answer: bytes, version: int | None) -> None:
        super().__init__(answer)
        queue = "00" if version is None else f"04d2bc9897eed08f15{version:02x}000000"
        self.version = version_data(queue, "0800000000")

    def call(self, name: str, overlay: Overlay, args: bytes) -> bytes:
        return self.version if name == "Core_version" else super().call(name, overlay, args)


@pytest.mark.parametrize(
    "version, block",
    [(None, b"\xaa" * 32), (2, b""), (3, b"\xaa" * 32), (4, b"\xaa" * 32)],
    ids=["not-announced", "2-names-no-block", "3", "4"],
)
def test_validate_transaction(version: int | None, block: bytes) -> None:
    engine = Versioned(bytes.fromhex("010100"), version)
    verdict = api.validate_transaction(engine, state(), v.TransactionSource.External, b"\x04\x09", b"\xaa" * 32)
    assert verdict == v.Unknown(v.CannotLookup())
    assert engine.asked == [("TaggedTransactionQueue_validate_transaction", b"\x02\x04\x09" + block)]


@pytest.mark.parametrize(
    "answer, outcome",
    [
        ("0000", api.Dispatched()),
        ("0001030a02000000", api.Dispatched(bytes.fromhex("030a02000000"))),
        ("010006", v.Invalid(v.ExhaustsResources())),
        ("010100", v.Unknown(v.CannotLookup())),
    ],
)
def test_apply_extrinsic(answer: str, outcome: object) -> None:
    assert api.apply_extrinsic(Answers(bytes.fromhex(answer)), state(), b"\x04\x09") == outcome


@pytest.mark.parametrize("answer", ["", "00", "0002", "0200", "01ff", "0100"])
def test_nonsense_from_the_runtime(answer: str) -> None:
    with pytest.raises(DecodeError):
        api.apply_extrinsic(Answers(bytes.fromhex(answer)), state(), b"\x04\x09")


def test_unknown_result_names_itself() -> None:
    with pytest.raises(UnknownVariant) as caught:
        api.apply_extrinsic(Answers(b"\x07\x00"), state(), b"")
    assert caught.value.type_name == "ApplyExtrinsicResult"


@pytest.mark.parametrize(
    "answer, mode",
    [
        (b"", api.ExtrinsicInclusionMode.AllExtrinsics),
        (b"\0", api.ExtrinsicInclusionMode.AllExtrinsics),
        (b"\1", api.ExtrinsicInclusionMode.OnlyInherents),
    ],
)
def test_inclusion_mode(answer: bytes, mode: api.ExtrinsicInclusionMode) -> None:
    header = Header(bytes(32), 1, bytes(32), bytes(32), Digest([]))
    engine = Answers(answer)
    assert api.initialize_block(engine, state(), header) is mode
    assert engine.asked == [("Core_initialize_block", header.encoded())]


def test_runtime_version() -> None:
    version = api.core_version(Answers(version_data(CORE_5, "0800000000")), state())
    assert version.to_rpc() == {
        "specName": "abc",
        "implName": "x",
        "authoringVersion": 1,
        "specVersion": 410,
        "implVersion": 2,
        "apis": [["0xdf6acb689907609b", 5]],
        "transactionVersion": 8,
        "systemVersion": 0,
        "stateVersion": 0,
    }


@pytest.mark.parametrize(
    "rest, transaction_version, system_version",
    [("", 1, 0), ("06000000", 6, 0), ("0600000001", 6, 1)],
    ids=["core-2", "core-3", "core-4"],
)
def test_older_runtimes_say_less_of_their_version(rest: str, transaction_version: int, system_version: int) -> None:
    version = api.decode_version(version_data("00", rest))
    assert (version.transaction_version, version.system_version) == (transaction_version, system_version)


@pytest.mark.parametrize("rest", ["06", "060000000001"])
def test_what_is_no_version(rest: str) -> None:
    with pytest.raises(DecodeError):
        api.decode_version(version_data("00", rest))


def test_other_calls() -> None:
    assert api.aura_slot_duration(Answers(bytes.fromhex("7017000000000000")), state()) == 6000
    assert api.aura_authorities(Answers(b"\x04" + b"\1" * 32), state()) == [b"\1" * 32]
    assert api.grandpa_authorities(Answers(b"\x04" + b"\1" * 32 + b"\2" + bytes(7)), state()) == [(b"\1" * 32, 2)]
    assert api.grandpa_current_set_id(Answers(b"\5" + bytes(7)), state()) == 5
    engine = Answers(b"\7\0\0\0")
    assert api.account_nonce(engine, state(), b"\1" * 32) == 7
    assert engine.asked == [("AccountNonceApi_account_nonce", b"\1" * 32)]


def test_missing_function() -> None:
    with pytest.raises(RuntimeApiMissing) as caught:
        ToyEngine().call("Core_fly", state(), b"")
    assert caught.value.data() == {"name": "Core_fly"}
    with pytest.raises(BadRuntimeInput):
        ToyEngine().call("BlockBuilder_apply_extrinsic", state(), b"\x04\xff")


# --- inherents


def test_inherent_data() -> None:
    """Two entries in key order: `auraslot` before `timstap0`."""
    data = encode_inherents(BlockTime(timestamp=1_700_000_000_123, slot=283_333_333).inherents())
    assert data.hex() == (
        "08"
        + b"auraslot".hex()
        + "20"
        + (283_333_333).to_bytes(8, "little").hex()
        + b"timstap0".hex()
        + "20"
        + (1_700_000_000_123).to_bytes(8, "little").hex()
    )
    assert encode_inherents({}) == b"\0"


@pytest.mark.parametrize(
    "parent, now, advance, timestamp, slot",
    [
        (0, 12_345, 1, 12_345, 2),
        (0, 12_345, 6000, 12_345, 2),
        (12_000, 12_345, 1, 12_345, 2),
        (12_345, 12_345, 1, 12_346, 2),
        (20_000, 12_345, 1, 20_001, 3),
        (12_345, 12_400, 6000, 18_345, 3),
        (12_345, 30_000, 6000, 30_000, 5),
    ],
)
def test_block_time(parent: int, now: int, advance: int, timestamp: int, slot: int) -> None:
    before = state()
    if parent:
        before.put(storage_prefix("Timestamp", "Now"), parent.to_bytes(8, "little"))
    assert last_timestamp(before) == parent
    assert BlockTime.after(before, now, 6000, advance) == BlockTime(timestamp, slot)


# --- blocks


def test_body() -> None:
    extrinsics = (b"\x04\x09", b"\x00", b"\x01\x01" + bytes(64))
    assert encode_body(extrinsics) == b"\x0c" + b"".join(extrinsics)
    assert decode_body(encode_body(extrinsics)) == extrinsics
    assert decode_body(b"\0") == ()
    block = Block(Header(bytes(32), 3, bytes(32), bytes(32), Digest([])), extrinsics)
    assert (block.number, block.hash) == (3, block.header.hash())


@pytest.mark.parametrize("data", [b"", b"\x08\x09", b"\x04\x09\x09", b"\x01\x00"])
def test_length_prefix_is_checked(data: bytes) -> None:
    with pytest.raises(DecodeError):
        checked_extrinsic(data)


def test_extrinsic_hash_covers_the_prefix() -> None:
    assert checked_extrinsic(b"\x04\x09") == b"\x04\x09"
    assert extrinsic_hash(b"\x04\x09") != extrinsic_hash(b"\x09")


# --- keys


def test_dev_keys() -> None:
    keys = Keystore.dev("Alice")
    assert [k.hex() for k in keys.aura] == ["d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"]
    assert [k.hex() for k in keys.grandpa] == ["88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee"]
    assert len(Keystore.dev(*DEV_ACCOUNTS).grandpa) == len(DEV_ACCOUNTS)
    assert repr(keys) == "Keystore()"


def test_unknown_dev_name() -> None:
    with pytest.raises(UnknownName) as caught:
        Keystore.dev("alice", "mallory")
    assert caught.value.name == "mallory"
