"""Headers of a real chain: SCALE, JSON and hash."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.primitives.grandpa import (
    GrandpaJustification,
    Precommit,
    ScheduledChange,
    finality_threshold,
    grandpa_logs,
    precommit_payload,
)
from integritee.primitives.header import (
    AURA_ENGINE,
    GRANDPA_ENGINE,
    Consensus,
    Digest,
    DigestItem,
    Header,
    Other,
    PreRuntime,
    RuntimeEnvironmentUpdated,
    Seal,
    aura_slot,
    aura_slot_digest,
)
from integritee.scale import DecodeError, decode, encode

from .vectors import load, raw

BLOCKS = load("chains/integritee-paseo-50.json")["blocks"]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda b: str(b["number"]))
def test_real_headers(block: dict[str, Any]) -> None:
    header = Header.from_rpc(block["header"])
    assert header.encoded() == raw(block["header_scale"])
    assert header.hash() == raw(block["hash"])
    assert decode(Header, raw(block["header_scale"])) == header
    assert header.to_rpc() == block["header"]
    assert header.number == block["number"]


@pytest.mark.parametrize(
    ("item", "hexed"),
    [
        (Other(b"\x01"), "000401"),
        (Consensus(GRANDPA_ENGINE, b"\x02"), "0446524e4b0402"),
        (Seal(AURA_ENGINE, bytes(64)), "05617572610101" + "00" * 64),
        (PreRuntime(AURA_ENGINE, b""), "066175726100"),
        (RuntimeEnvironmentUpdated(), "08"),
        (aura_slot_digest(0x1234), "0661757261203412000000000000"),
    ],
)
def test_digest_items(item: DigestItem, hexed: str) -> None:
    assert encode(DigestItem, item).hex() == hexed
    assert decode(DigestItem, bytes.fromhex(hexed)) == item


@pytest.mark.parametrize("tag", [1, 2, 3, 7, 9, 255])
def test_unknown_digest_items(tag: int) -> None:
    with pytest.raises(DecodeError):
        decode(DigestItem, bytes([tag]) + bytes(40))


def header_with(*logs: DigestItem) -> Header:
    return Header(bytes(32), 5, bytes(32), bytes(32), Digest(list(logs)))


def test_slot_of_a_header() -> None:
    assert aura_slot(header_with(aura_slot_digest(77))) == 77
    assert aura_slot(header_with(PreRuntime(b"babe", bytes(8)))) is None
    assert aura_slot(header_with(PreRuntime(AURA_ENGINE, bytes(7)))) is None


def test_grandpa_logs_are_found_among_others() -> None:
    change = encode(ScheduledChange, ScheduledChange([(b"\x01" * 32, 2)], 3))
    header = header_with(aura_slot_digest(1), Consensus(GRANDPA_ENGINE, change), Consensus(b"BEEF", b"no"))
    assert grandpa_logs(header) == [change]


def test_what_grandpa_voters_sign() -> None:
    payload = precommit_payload(Precommit(b"\xaa" * 32, 258), 3, 4)
    assert payload.hex() == "01" + "aa" * 32 + "02010000" + "0300000000000000" + "0400000000000000"


@pytest.mark.parametrize(("total", "threshold"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (100, 67)])
def test_finality_threshold(total: int, threshold: int) -> None:
    assert finality_threshold(total) == threshold
    assert 3 * threshold > 2 * total


def test_justification_layout() -> None:
    hexed = "0700000000000000" + "bb" * 32 + "05000000" + "04" + "bb" * 32 + "05000000" + "cc" * 64 + "dd" * 32 + "00"
    found = decode(GrandpaJustification, bytes.fromhex(hexed))
    assert (found.round, found.commit.target_number, found.votes_ancestries) == (7, 5, [])
    assert found.commit.precommits[0].id == b"\xdd" * 32
    assert encode(GrandpaJustification, found).hex() == hexed


@pytest.mark.parametrize(
    "view",
    [
        {},
        {"parentHash": "0x00", "number": "0x1", "stateRoot": "0x", "extrinsicsRoot": "0x", "digest": {}},
        {"parentHash": "zz", "number": "0x1", "stateRoot": "0x", "extrinsicsRoot": "0x", "digest": {"logs": []}},
        {"parentHash": "0x", "number": "one", "stateRoot": "0x", "extrinsicsRoot": "0x", "digest": {"logs": []}},
        {
            "parentHash": "0x",
            "number": "0x1",
            "stateRoot": "0x",
            "extrinsicsRoot": "0x",
            "digest": {"logs": ["0x99"]},
        },
    ],
)
def test_what_is_no_header(view: dict[str, object]) -> None:
    with pytest.raises((KeyError, ValueError, DecodeError)):
        Header.from_rpc(view)
