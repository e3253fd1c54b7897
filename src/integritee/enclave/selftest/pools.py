"""The pool of trusted operations: which of them are ready, in which order, and which are not let in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from integritee.crypto import blake2_256

from ..errors import NotReady
from ..pool import PoolEntry, TopPool
from ..pool.entry import FUTURE_LIFETIME_MS, MAX_ENTRY_BYTES, MAX_NONCE_GAP
from .check import Check, Setup, expect, expect_refusal

ANN, BEN = b"\x0a" * 32, b"\x0b" * 32
NOW: Final = 1_800_000_000_000
BLOCK: Final = b"\x01" * 32


def checks(setup: Setup) -> Iterator[Check]:
    yield Check("calls become ready in the order of their nonces", _order)
    yield Check("what is in a block is gone", _included)
    yield Check("what failed without using its nonce is banned", _banned)
    yield Check("what is not let in", _refused)
    yield Check("what waits too long for an earlier nonce is dropped", _expired)


def _entry(sender: bytes, nonce: int, salt: bytes = b"", size: int = 100) -> PoolEntry[None]:
    return PoolEntry(blake2_256(sender + bytes((nonce,)) + salt), sender, nonce, size, None)


def _ready(pool: TopPool[None]) -> list[tuple[bytes, int]]:
    return [(entry.sender, entry.nonce) for entry in pool.ready()]


def _order() -> None:
    pool: TopPool[None] = TopPool()
    for sender, nonce in ((ANN, 1), (BEN, 0), (ANN, 2)):
        pool.submit(_entry(sender, nonce), 0, NOW)
    expect((_ready(pool), pool.future_count), ([(BEN, 0)], 2), "ready, and how many wait")
    expect(pool.next_nonce(ANN, 0), 0, "the next nonce")
    pool.submit(_entry(ANN, 0), 0, NOW)
    expect(_ready(pool), [(BEN, 0), (ANN, 0), (ANN, 1), (ANN, 2)], "ready once the gap is closed")
    expect(pool.next_nonce(ANN, 0), 3, "the next nonce then")


def _included() -> None:
    pool: TopPool[None] = TopPool()
    for nonce in range(3):
        pool.submit(_entry(ANN, nonce), 0, NOW)
    pool.take_ready(2)
    pool.confirm_included([_entry(ANN, nonce).hash for nonce in range(2)], BLOCK)
    pool.release(NOW)
    expect(_ready(pool), [(ANN, 2)])


def _banned() -> None:
    pool: TopPool[None] = TopPool()
    for nonce in range(2):
        pool.submit(_entry(ANN, nonce), 0, NOW)
    pool.take_ready(1)
    pool.reject(_entry(ANN, 0).hash, NotReady("a test"), NOW, nonce_used=False)
    expect((_ready(pool), pool.future_count), ([], 1), "ready, and how many wait")
    again = _entry(ANN, 0)
    expect_refusal("pool.temporarily_banned", "the same call again", lambda: pool.submit(again, 0, NOW))


def _refused() -> None:
    pool: TopPool[None] = TopPool()
    pool.submit(_entry(ANN, 5), 5, NOW)
    for code, entry in (
        ("pool.already_imported", _entry(ANN, 5)),
        ("pool.stale_nonce", _entry(ANN, 4)),
        ("pool.nonce_too_far", _entry(ANN, 7 + MAX_NONCE_GAP)),
        ("pool.too_low_priority", _entry(ANN, 5, b"other")),
        ("pool.too_large", _entry(ANN, 6, size=MAX_ENTRY_BYTES + 1)),
    ):
        expect_refusal(code, code, lambda entry=entry: pool.submit(entry, 5, NOW))  # type: ignore[misc]
    expect(_ready(pool), [(ANN, 5)], "ready")


def _expired() -> None:
    pool: TopPool[None] = TopPool()
    pool.submit(_entry(ANN, 1), 0, NOW)
    pool.expire(NOW + FUTURE_LIFETIME_MS - 1)
    expect(pool.future_count, 1, "waiting, before its time is over")
    pool.expire(NOW + FUTURE_LIFETIME_MS)
    expect(pool.future_count, 0, "waiting, after that")
