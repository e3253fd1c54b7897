"""Blocks with an event that the metadata does not explain: what else happened in them counts, unless it decides
about money or nobody can tell where it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integritee.crypto import ss58_decode
from integritee.enclave.parentchain.contract import EVENTS_KEY, ParentchainContract, Place
from integritee.enclave.parentchain.inbound import InboundBlock, read_block
from integritee.metadata import EventRecord, RuntimeMetadata
from integritee.metadata.errors import EventsOutOfStep
from integritee.primitives.header import Header
from integritee.primitives.ids import ParentchainId
from integritee.scale import DecodeError, decode, encode_compact
from integritee.scale.errors import UnknownVariant

VECTORS = Path(__file__).parents[2] / "vectors"
CHAIN = json.loads((VECTORS / "chains" / "integritee-paseo-50.json").read_text())
BLOCKS = CHAIN["blocks"]
VAULT, ENCLAVE = (ss58_decode(CHAIN["accounts"][name])[0] for name in ("vault", "enclave_ed25519_seed_07"))
METADATA = RuntimeMetadata.parse((VECTORS / "metadata" / "integritee-paseo.metadata.scale").read_bytes())
CONTRACT = ParentchainContract(
    METADATA, Place(ParentchainId.Integritee, bytes.fromhex(CHAIN["shard"][2:]), ENCLAVE, VAULT)
)

UNKNOWN_PALLET = 0xC8
UNKNOWN_EVENT = 0xF7
DECISIVE = {"System", "Balances", "Proxy", "EnclaveBridge", "Utility"}
"""Of the pallets whose events the enclave goes by, those that the recording has events of."""


def unhex(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def records(number: int) -> list[EventRecord]:
    return METADATA.decode_events(unhex(BLOCKS[number - 1]["values"]["0x" + EVENTS_KEY.hex()]))


def encoded(record: EventRecord) -> bytes:
    return METADATA.encode_events([record])[1:]


def altered(record: EventRecord, pallet: int | None, event: int | None) -> bytes:
    """The record as one of another pallet, or another one of its pallet."""
    raw = bytearray(encoded(record))
    at = 5 if record.phase.name == "ApplyExtrinsic" else 1
    raw[at] = raw[at] if pallet is None else pallet
    raw[at + 1] = raw[at + 1] if event is None else event
    return bytes(raw)


def read(number: int, events: list[bytes]) -> InboundBlock:
    block = BLOCKS[number - 1]
    header = decode(Header, unhex(block["header_scale"]))
    extrinsics = [unhex(extrinsic["hex"]) for extrinsic in block["extrinsics"]]
    return read_block(CONTRACT, header, extrinsics, {EVENTS_KEY: encode_compact(len(events)) + b"".join(events)}, b"")


EVERY_EVENT = [
    pytest.param(number, at, id=f"{number}-{at}-{record}")
    for number in range(1, len(BLOCKS) + 1)
    for at, record in enumerate(records(number))
]


@pytest.mark.parametrize(("number", "at"), EVERY_EVENT)
def test_any_event_may_be_strange(number: int, at: int) -> None:
    """As one of an unknown pallet it is passed over, and nothing else changes; as an unknown one of its own pallet
    it is passed over if that pallet decides about nothing."""
    found = records(number)
    parts = [encoded(record) for record in found]
    rest = [record for i, record in enumerate(found) if i != at]
    expected = read(number, [encoded(record) for record in rest])
    assert read(number, [*parts[:at], altered(found[at], UNKNOWN_PALLET, None), *parts[at + 1 :]]) == expected
    unknown_event = [*parts[:at], altered(found[at], None, UNKNOWN_EVENT), *parts[at + 1 :]]
    if found[at].pallet in DECISIVE:
        with pytest.raises(UnknownVariant):
            read(number, unknown_event)
    else:
        assert read(number, unknown_event) == expected


def test_deposits_before_and_after_a_strange_event() -> None:
    """Of block 6, where the treasury says something between two deposits."""
    found = records(6)
    parts = [encoded(record) for record in found]
    at = next(i for i, record in enumerate(found) if str(record) == "Treasury.Deposit")
    parts[at] = altered(found[at], UNKNOWN_PALLET, None)
    block = read(6, parts)
    assert [deposit.amount for deposit in block.deposits] == [5 * 10**12, 3 * 10**12 + 7]
    assert len(block.outcomes) == len(BLOCKS[5]["extrinsics"])


def test_where_nobody_can_tell_what_follows_nothing_is_guessed() -> None:
    """Two strange events: where the first one ends does not show. The block waits for better metadata."""
    found = records(6)
    parts = [encoded(record) for record in found]
    for at, record in enumerate(found):
        if record.pallet == "Treasury":
            parts[at] = altered(record, UNKNOWN_PALLET, None)
    with pytest.raises(EventsOutOfStep):
        read(6, parts)


@pytest.mark.parametrize("raw", [b"\x04", b"\xff" * 40], ids=["one that is missing", "far too many"])
def test_what_is_no_list_of_events(raw: bytes) -> None:
    header = decode(Header, unhex(BLOCKS[0]["header_scale"]))
    with pytest.raises((DecodeError, EventsOutOfStep)):
        read_block(CONTRACT, header, [], {EVENTS_KEY: raw}, b"")
