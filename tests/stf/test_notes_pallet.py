"""pallet Notes: what is kept, who finds it, and what is dropped when there is too much."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.crypto import blake2_128_concat, twox_128
from integritee.frame.errors import DispatchFailure, Module, ModuleError
from integritee.scale import decode, encode
from integritee.scale.errors import DecodeError
from integritee.stf.types import (
    BucketInfo,
    BucketRange,
    Ipfs,
    NoteString,
    SgxRuntimeEvent,
    SuccessfulTrustedCall,
    TimestampedTrustedNote,
    TrustedNote,
)

from .small_ledger import ALICE, BOB, CHARLIE, NOW, SmallLedger, fresh

GOLDEN = json.loads((Path(__file__).parents[1] / "vectors" / "js-types.json").read_text())["values"]

BUCKET = 51_200
HALF_KILOBYTE = NoteString(b"o" * 499)
"""Encodes to 512 bytes with its time and version: a hundred of them fill a bucket exactly."""


def text(n: int) -> NoteString:
    return NoteString(b"%d" % n)


def said(ledger: SmallLedger, who: bytes, bucket: int = 0) -> list[TrustedNote]:
    return [stamped.note for stamped in ledger.notes.notes_for(who, bucket)]


# -- bytes


@pytest.mark.parametrize(
    ("note", "raw"),
    [
        (SuccessfulTrustedCall(b"\x01\x02"), "00080102"),
        (SgxRuntimeEvent(b""), "0100"),
        (NoteString(b"hi"), "02086869"),
        (Ipfs(b"Q" * 46), "03" + "51" * 46),
    ],
)
def test_notes_on_the_wire(note: TrustedNote, raw: str) -> None:
    assert encode(TrustedNote, note).hex() == raw
    assert decode(TrustedNote, bytes.fromhex(raw)) == note
    stamped = TimestampedTrustedNote(NOW, 1, note)
    assert encode(TimestampedTrustedNote, stamped) == NOW.to_bytes(8, "little") + b"\x01\x00" + bytes.fromhex(raw)


def test_there_are_four_kinds_of_notes() -> None:
    with pytest.raises(DecodeError):
        decode(TrustedNote, b"\x04\x00")


@pytest.mark.parametrize(
    ("type_", "hint"),
    [("NotesBucketInfo", BucketRange), ("Vec<TimestampedTrustedNote>", list[TimestampedTrustedNote])],
)
def test_bytes_of_the_js_client(type_: str, hint: Any) -> None:
    (golden,) = (bytes.fromhex(v["hex"][2:]) for v in GOLDEN if v["type"] == type_)
    assert encode(hint, decode(hint, golden)) == golden


def test_a_bucket_is_24_bytes() -> None:
    raw = encode(BucketInfo, BucketInfo(1, 512, 5, 9))
    assert raw.hex() == "01000000" + "00020000" + "0500000000000000" + "0900000000000000"


def test_storage_keys_are_the_originals() -> None:
    notes = fresh().notes
    found = {
        "LastNoteIndex": notes.last_note_index.key,
        "LastBucketIndex": notes.last_bucket_index.key,
        "FirstBucketIndex": notes.first_bucket_index.key,
        "ClosedBucketsSize": notes.closed_buckets_size.key,
        "Buckets": notes.buckets.prefix,
        "Notes": notes.notes.prefix,
        "NotesLookup": notes.notes_lookup.prefix,
    }
    for item, key in found.items():
        assert key == bytes.fromhex("bc9ae3d730e6b65610c77bb52a0ad404") + twox_128(item.encode())
    bucket, note = b"\x07\0\0\0", b"\x09\0\0\0\0\0\0\0"
    assert notes.buckets.key_of(7) == notes.buckets.prefix + blake2_128_concat(bucket)
    assert notes.notes.key_of(7, 9) == notes.notes.prefix + blake2_128_concat(bucket) + blake2_128_concat(note)
    linked = notes.notes_lookup.prefix + blake2_128_concat(bucket) + blake2_128_concat(ALICE)
    assert notes.notes_lookup.key_of(7, ALICE) == linked


# -- storing


def test_a_first_note() -> None:
    ledger = fresh()
    before = set(ledger.state.changes())
    ledger.notes.store((BOB, ALICE), text(1))
    stamped = TimestampedTrustedNote(NOW, 1, text(1))
    size = len(encode(TimestampedTrustedNote, stamped))
    notes = ledger.notes
    assert notes.notes_for(ALICE, 0) == notes.notes_for(BOB, 0) == [stamped]
    assert notes.notes_for(CHARLIE, 0) == notes.notes_for(ALICE, 1) == []
    assert notes.notes.get(0, 0) == stamped
    assert notes.buckets.get(0) == BucketInfo(0, size, NOW, NOW)
    found = (notes.first_bucket_index.get(), notes.last_bucket_index.get(), notes.last_note_index.get())
    assert found == (0, 0, 0)
    written = set(ledger.state.changes()) - before
    assert written == {
        notes.first_bucket_index.key,
        notes.last_bucket_index.key,
        notes.buckets.key_of(0),
        notes.notes.key_of(0, 0),
        notes.last_note_index.key,
        notes.notes_lookup.key_of(0, ALICE),
        notes.notes_lookup.key_of(0, BOB),
    }


def test_notes_of_an_account_in_order() -> None:
    ledger = fresh()
    for n, accounts in enumerate([(ALICE, BOB), (CHARLIE, ALICE), (CHARLIE,), (), (BOB, BOB)]):
        ledger.timestamp.now.put(NOW + n)
        ledger.notes.store(accounts, text(n))
    assert said(ledger, ALICE) == [text(0), text(1)]
    assert said(ledger, BOB) == [text(0), text(4)]
    assert said(ledger, CHARLIE) == [text(1), text(2)]
    assert [ledger.notes.notes_lookup.get(0, who) for who in (ALICE, BOB, CHARLIE)] == [[0, 1], [0, 4], [1, 2]]
    assert ledger.notes.last_note_index.get() == 4
    bucket = ledger.notes.buckets.get(0)
    assert bucket is not None
    assert (bucket.begins_at, bucket.ends_at) == (NOW, NOW + 4)
    assert ledger.notes.notes_for(BOB, 0)[1].timestamp == NOW + 4


def test_notes_survive_transactions_and_blocks() -> None:
    """Links are appended to what is committed, to open transactions, and undone with them."""
    ledger = fresh()
    ledger.notes.store((ALICE,), text(0))
    committed = SmallLedger(type(ledger.state)(ledger.state.settled()))
    committed.notes.store((ALICE,), text(1))
    with committed.transaction():
        committed.notes.store((ALICE,), text(2))
    with pytest.raises(ZeroDivisionError), committed.transaction():
        committed.notes.store((ALICE,), text(3))
        1 // 0
    committed.notes.store((ALICE,), text(4))
    assert said(committed, ALICE) == [text(0), text(1), text(2), text(4)]
    assert committed.notes.notes_lookup.get(0, ALICE) == [0, 1, 2, 3]
    again = SmallLedger(type(ledger.state)(committed.state.settled()))
    assert said(again, ALICE) == said(committed, ALICE)


def test_a_missing_note_is_passed_over() -> None:
    ledger = fresh()
    for n in range(3):
        ledger.notes.store((ALICE,), text(n))
    ledger.notes.notes.remove(0, 1)
    assert said(ledger, ALICE) == [text(0), text(2)]


@pytest.mark.parametrize(
    ("links", "note", "index"),
    [
        ((ALICE, BOB, CHARLIE), text(0), 2),
        ((), NoteString(b"o" * 500), 3),
        ((), SuccessfulTrustedCall(b"o" * 500), 3),
        ((), SgxRuntimeEvent(b"o" * 5000), 3),
        ((ALICE, BOB, CHARLIE), NoteString(b"o" * 500), 2),
    ],
)
def test_refusals(links: tuple[bytes, ...], note: TrustedNote, index: int) -> None:
    ledger = fresh()
    before = ledger.state.changes()
    with pytest.raises(DispatchFailure) as caught, ledger.transaction():
        ledger.notes.store(links, note)
    assert caught.value.error == Module(ModuleError(40, bytes([index, 0, 0, 0])))
    assert caught.value.code == {2: "notes.too_many_linked_accounts", 3: "notes.note_too_long"}[index]
    assert ledger.state.changes() == before


@pytest.mark.parametrize("note", [HALF_KILOBYTE, SuccessfulTrustedCall(b"o" * 499), Ipfs(b"o" * 46)])
def test_what_just_fits(note: TrustedNote) -> None:
    ledger = fresh()
    ledger.notes.store((ALICE, BOB, ALICE), note)
    assert said(ledger, BOB) == [note]


# -- buckets


def fill(ledger: SmallLedger, buckets: int) -> None:
    """Fill so many buckets to the last byte."""
    for _ in range(100 * buckets):
        ledger.notes.store((ALICE,), HALF_KILOBYTE)


def test_a_full_bucket_is_followed_by_the_next() -> None:
    ledger = fresh()
    notes = ledger.notes
    fill(ledger, 1)
    assert (notes.last_bucket_index.get(), notes.closed_buckets_size.get()) == (0, 0)
    assert notes.bucket_range() == BucketRange(*[BucketInfo(0, BUCKET, NOW, NOW)] * 2)
    ledger.timestamp.now.put(NOW + 1)
    notes.store((BOB,), Ipfs(b"o" * 46))
    assert (notes.last_bucket_index.get(), notes.closed_buckets_size.get()) == (1, BUCKET)
    newest = BucketInfo(1, 57, NOW + 1, NOW + 1)
    assert notes.bucket_range() == BucketRange(BucketInfo(0, BUCKET, NOW, NOW), newest)
    assert (said(ledger, BOB, 0), said(ledger, BOB, 1)) == ([], [Ipfs(b"o" * 46)])
    assert notes.notes_lookup.get(1, BOB) == [100]


def test_a_note_that_does_not_fit_closes_the_bucket_early() -> None:
    ledger = fresh()
    ledger.notes.store((), Ipfs(b"o" * 46))
    fill(ledger, 1)
    assert ledger.notes.closed_buckets_size.get() == 57 + 99 * 512
    last = ledger.notes.bucket_range().maybe_last
    assert last is not None
    assert (last.index, last.bytes_) == (1, 512)


def test_no_bucket_yet() -> None:
    assert fresh().notes.bucket_range() == BucketRange(None, None)


def small(total: int) -> SmallLedger:
    """Buckets of two half-kilobyte notes, `total` bytes altogether."""
    ledger = fresh()
    ledger.notes.max_bucket_size, ledger.notes.max_total_size = 1024, total
    return ledger


@pytest.mark.parametrize(
    ("total", "notes", "first", "last", "closed"),
    [
        # A bucket is dropped when the closed ones and a full new one would reach the limit.
        (4096, 2, 0, 0, 0),
        (4096, 4, 0, 1, 1024),
        (4096, 6, 0, 2, 2048),
        (4096, 7, 1, 3, 2048),
        (4096, 8, 1, 3, 2048),
        (4096, 9, 2, 4, 2048),
        (4097, 7, 0, 3, 3072),
        (4097, 9, 1, 4, 3072),
        (1024, 5, 2, 2, 0),
        (0, 5, 2, 2, 0),
    ],
)
def test_retention(total: int, notes: int, first: int, last: int, closed: int) -> None:
    ledger = small(total)
    for _ in range(notes):
        ledger.notes.store((ALICE, BOB), HALF_KILOBYTE)
    pallet = ledger.notes
    assert pallet.first_bucket_index.get() == first
    assert pallet.last_bucket_index.get() == last
    assert pallet.closed_buckets_size.get() == closed
    kept = range(first, last + 1)
    assert sorted(index for index, _ in pallet.buckets.items()) == list(kept)
    for bucket in range(last + 2):
        assert bool(said(ledger, ALICE, bucket)) is (bucket in kept)
        assert bool(list(pallet.notes.items_under(bucket))) is (bucket in kept)
        assert pallet.notes_lookup.contains(bucket, BOB) is (bucket in kept)
    assert pallet.last_note_index.get() == notes - 1


def test_a_lower_limit_drops_several_buckets_at_once() -> None:
    ledger = small(1 << 20)
    for _ in range(12):
        ledger.notes.store((ALICE,), HALF_KILOBYTE)
    assert ledger.notes.first_bucket_index.get() == 0
    ledger.notes.max_total_size = 3072
    ledger.notes.store((ALICE,), HALF_KILOBYTE)
    assert (ledger.notes.first_bucket_index.get(), ledger.notes.last_bucket_index.get()) == (5, 6)
    assert ledger.notes.closed_buckets_size.get() == 1024


def test_the_real_limits() -> None:
    """99 full buckets and a new one fit in; the next one drops the oldest."""
    notes = fresh().notes
    assert (notes.max_note_size, notes.max_bucket_size, notes.max_total_size) == (512, 51_200, 5_120_000)
    ledger = fresh()
    for index in range(99):
        ledger.notes.buckets.put(index, BucketInfo(index, BUCKET, NOW, NOW))
    ledger.notes.first_bucket_index.put(0)
    ledger.notes.last_bucket_index.put(98)
    ledger.notes.closed_buckets_size.put(98 * BUCKET)
    ledger.notes.store((), HALF_KILOBYTE)
    assert (ledger.notes.first_bucket_index.get(), ledger.notes.closed_buckets_size.get()) == (1, 98 * BUCKET)
    assert not ledger.notes.buckets.contains(0)
    assert ledger.notes.buckets.contains(1)


# -- laws


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from([ALICE, BOB, CHARLIE]), max_size=2), st.integers(0, 499)), max_size=80
    ),
    st.integers(1024, 8192),
)
def test_nothing_is_lost_but_what_is_old(history: list[tuple[list[bytes], int]], total: int) -> None:
    """Sizes add up, links lead to notes, and what is kept is the newest."""
    ledger = small(total)
    for who, length in history:
        ledger.notes.store(who, NoteString(b"x" * length))
    notes = ledger.notes
    buckets = dict(notes.buckets.items())
    kept = {index: dict(notes.notes.items_under(index)) for index in buckets}
    for index, bucket in buckets.items():
        assert bucket is not None
        size = sum(len(encode(TimestampedTrustedNote, stamped)) for stamped in kept[index].values())
        assert bucket.bytes_ == size <= notes.max_bucket_size
    if buckets:
        newest = max(buckets)
        assert sorted(buckets) == list(range(min(buckets), newest + 1))
        closed = sum(bucket.bytes_ for index, bucket in buckets.items() if bucket and index != newest)
        assert notes.closed_buckets_size.get() == closed
        assert closed + notes.max_bucket_size < total or len(buckets) == 1
    numbers = sorted(number for found in kept.values() for number in found)
    assert numbers == list(range(len(history) - len(numbers), len(history)))
    for who in (ALICE, BOB, CHARLIE):
        linked = [number for index in sorted(buckets) for number in notes.notes_lookup.get(index, who)]
        assert linked == [number for number in numbers if who in history[number][0]]
