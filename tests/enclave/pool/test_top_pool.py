"""The pool's rules one by one, and the senders who try to bend them."""

from __future__ import annotations

import pytest

from integritee.crypto import blake2_256
from integritee.enclave import pool as p
from integritee.enclave.pool import PoolEntry, PoolLimits, StatusChanged, TopPool
from integritee.errors import IntegriteeError
from integritee.primitives import rpc

NOW = 1_700_000_000_000
ALICE, BOB, MALLORY = b"alice", b"bob", b"mallory"
FAILED = p.TooLowPriority(0, b"")


def top(sender: bytes, nonce: int, *, size: int = 200, salt: int = 0) -> PoolEntry[str]:
    return PoolEntry(blake2_256(b"%b %d %d" % (sender, nonce, salt)), sender, nonce, size, "payload")


def told(events: list[StatusChanged]) -> list[tuple[bytes, str, str | None]]:
    return [(e.hash, type(e.status).__name__, e.reason.code if e.reason else None) for e in events]


@pytest.fixture
def pool() -> TopPool[str]:
    return TopPool()


def fill(pool: TopPool[str], sender: bytes, nonces: range) -> list[PoolEntry[str]]:
    entries = [top(sender, nonce) for nonce in nonces]
    for entry in entries:
        pool.submit(entry, 0, NOW)
    return entries


# --- ready and future


def test_next_expected_nonce_is_ready(pool: TopPool[str]) -> None:
    entry = top(ALICE, 7)
    assert told(pool.submit(entry, 7, NOW)) == [(entry.hash, "Ready", None)]
    assert list(pool.ready()) == [entry]
    assert pool.next_nonce(ALICE, 7) == 8


def test_gap_waits_and_the_missing_nonce_promotes_all_followers(pool: TopPool[str]) -> None:
    zero, one, two, four = (top(ALICE, n) for n in (0, 1, 2, 4))
    for late in (two, four, one):
        assert told(pool.submit(late, 0, NOW)) == [(late.hash, "Future", None)]
    assert told(pool.submit(zero, 0, NOW)) == [(e.hash, "Ready", None) for e in (zero, one, two)]
    assert list(pool.ready()) == [zero, one, two]
    assert pool.next_nonce(ALICE, 0) == 3
    assert pool.future_count == 1


def test_first_come_first_served_across_senders(pool: TopPool[str]) -> None:
    entries = [top(ALICE, 0), top(BOB, 0), top(ALICE, 1), top(MALLORY, 0), top(BOB, 1)]
    for entry in entries:
        pool.submit(entry, 0, NOW)
    assert pool.take_ready(3) == entries[:3]
    assert pool.take_ready(9) == entries[3:]
    assert pool.take_ready(1) == []


def test_newer_account_nonce_at_submission_is_believed(pool: TopPool[str]) -> None:
    old = fill(pool, ALICE, range(2))
    entry = top(ALICE, 2)
    events = told(pool.submit(entry, 2, NOW))
    assert events == [
        (old[0].hash, "Invalid", "pool.stale_nonce"),
        (old[1].hash, "Invalid", "pool.stale_nonce"),
        (entry.hash, "Ready", None),
    ]


def test_undone_block_makes_entries_wait_again(pool: TopPool[str]) -> None:
    pool.submit(top(ALICE, 5), 5, NOW)
    assert [e.status for e in pool.on_nonce_changed(ALICE, 4, NOW)] == [rpc.Future()]
    assert [e.status for e in pool.submit(top(ALICE, 4), 4, NOW)] == [rpc.Ready(), rpc.Ready()]


# --- refusals


@pytest.mark.parametrize(
    ("entry", "error", "facts"),
    [
        (top(ALICE, 2), p.StaleNonce, {"found": 2, "expected": 3}),
        (top(ALICE, 3), p.AlreadyImported, {"hash": top(ALICE, 3).hash}),
        (top(ALICE, 3, salt=1), p.TooLowPriority, {"nonce": 3, "held": top(ALICE, 3).hash}),
        (top(ALICE, 6), p.AlreadyImported, {"hash": top(ALICE, 6).hash}),
        (top(ALICE, 69), p.NonceTooFar, {"found": 69, "expected": 4, "limit": 64}),
        (top(BOB, 68), p.NonceTooFar, {"found": 68, "expected": 3, "limit": 64}),
        (top(ALICE, 4, size=1 << 18), p.TooLarge, {"found": 1 << 18, "limit": 128 * 1024}),
    ],
)
def test_refusals(
    pool: TopPool[str], entry: PoolEntry[str], error: type[p.PoolError], facts: dict[str, object]
) -> None:
    pool.submit(top(ALICE, 3), 3, NOW)
    pool.submit(top(ALICE, 6), 3, NOW)
    with pytest.raises(error) as caught:
        pool.submit(entry, 3, NOW)
    assert vars(caught.value) == facts
    assert len(pool) == 2


LEGACY_TEXTS = {
    p.TemporarilyBanned: "Trusted Operation temporarily Banned",
    p.AlreadyImported: "Already imported",
    p.TooLowPriority: "Too low priority",
    p.LimitReached: "TrustedOperation couldn't enter the pool because of the limit",
    p.TooLarge: "TrustedOperation couldn't enter the pool because of the limit",
    p.StaleNonce: "Invalid trusted operation",
    p.NonceTooFar: "The pool is not accepting future trusted operations",
}


@pytest.mark.parametrize(("error", "text"), LEGACY_TEXTS.items())
def test_legacy_texts_and_codes(error: type[p.PoolError], text: str) -> None:
    assert error.legacy_text == text
    assert error.code.startswith("pool.")
    assert issubclass(error, IntegriteeError)


def test_codes_are_unique() -> None:
    leaves = [leaf for leaf in p.PoolError.__subclasses__() if leaf.__module__ == p.PoolError.__module__]
    assert len({leaf.code for leaf in leaves}) == len(leaves) == 11


# --- replacement


def test_future_entry_is_usurped_ready_one_is_not(pool: TopPool[str]) -> None:
    waiting, newer = top(ALICE, 2), top(ALICE, 2, salt=1)
    pool.submit(waiting, 0, NOW)
    assert told(pool.submit(newer, 0, NOW)) == [
        (waiting.hash, "Usurped", "pool.replaced"),
        (newer.hash, "Future", None),
    ]
    assert waiting.hash not in pool
    fill(pool, ALICE, range(2))
    with pytest.raises(p.TooLowPriority):
        pool.submit(waiting, 0, NOW)
    assert newer.hash in pool


def test_entry_under_execution_is_not_replaced(pool: TopPool[str]) -> None:
    first, second = fill(pool, ALICE, range(2))
    pool.take_ready(2)
    pool.reject(first.hash, FAILED, NOW, nonce_used=False)  # `second` waits now, yet is still out
    with pytest.raises(p.TooLowPriority):
        pool.submit(top(ALICE, 1, salt=1), 0, NOW)
    assert told(pool.release(NOW)) == [(second.hash, "Future", None)]
    assert told(pool.submit(top(ALICE, 1, salt=1), 0, NOW))[0] == (second.hash, "Usurped", "pool.replaced")


# --- settling


def test_included_entries_leave_with_their_block(pool: TopPool[str]) -> None:
    entries = fill(pool, ALICE, range(3))
    block = bytes(32)
    events = pool.confirm_included([entries[1].hash, b"unknown" * 4, entries[0].hash], block)
    assert events == [StatusChanged(entries[i].hash, rpc.InSidechainBlock(block)) for i in (1, 0)]
    assert list(pool.ready()) == [entries[2]]
    assert pool.next_nonce(ALICE, 2) == 3


def test_inclusion_by_a_peer_overtakes_what_it_left_out(pool: TopPool[str]) -> None:
    entries = fill(pool, ALICE, range(3))
    events = told(pool.confirm_included([entries[1].hash], bytes(32)))
    assert events == [(entries[1].hash, "InSidechainBlock", None), (entries[0].hash, "Invalid", "pool.stale_nonce")]
    assert list(pool.ready()) == [entries[2]]


def test_failure_without_nonce_use_makes_followers_wait(pool: TopPool[str]) -> None:
    entries = fill(pool, ALICE, range(3))
    assert told(pool.reject(entries[0].hash, FAILED, NOW, nonce_used=False)) == [
        (entries[0].hash, "Invalid", FAILED.code),
        (entries[1].hash, "Future", None),
        (entries[2].hash, "Future", None),
    ]
    substitute = top(ALICE, 0, salt=1)
    pool.submit(substitute, 0, NOW)
    assert list(pool.ready()) == [substitute, *entries[1:]]


def test_failure_with_nonce_use_lets_followers_pass(pool: TopPool[str]) -> None:
    entries = fill(pool, ALICE, range(3))
    assert pool.take_ready(3) == entries
    assert told(pool.reject(entries[1].hash, FAILED, NOW, nonce_used=True)) == [
        (entries[1].hash, "Invalid", FAILED.code)
    ]
    included = pool.confirm_included([entries[0].hash, entries[2].hash], bytes(32))
    assert [type(e.status) for e in included] == [rpc.InSidechainBlock] * 2
    assert len(pool) == 0
    assert pool.release(NOW) == []


def test_what_a_block_did_not_reach_comes_first_next_time(pool: TopPool[str]) -> None:
    alice = fill(pool, ALICE, range(3))
    pool.take_ready(3)
    bob = fill(pool, BOB, range(1))
    pool.confirm_included([alice[0].hash], bytes(32))
    assert pool.release(NOW) == []
    assert pool.take_ready(9) == [*alice[1:], *bob]


def test_order_holds_if_the_gap_is_filled_before_the_release(pool: TopPool[str]) -> None:
    entries = fill(pool, ALICE, range(4))
    pool.take_ready(3)
    pool.reject(entries[1].hash, FAILED, NOW, nonce_used=False)
    substitute = top(ALICE, 1, salt=1)
    pool.submit(substitute, 0, NOW)
    assert pool.next_nonce(ALICE, 0) == 4
    pool.confirm_included([entries[0].hash], bytes(32))
    pool.release(NOW)
    assert list(pool.ready()) == [substitute, *entries[2:]]


def test_taken_entry_passed_by_the_account_is_reported_at_release(pool: TopPool[str]) -> None:
    entry = fill(pool, ALICE, range(1))[0]
    pool.take_ready(1)
    assert pool.on_nonce_changed(ALICE, 1, NOW) == []
    assert told(pool.release(NOW)) == [(entry.hash, "Invalid", "pool.stale_nonce")]
    assert len(pool) == 0


def test_settling_twice_changes_nothing(pool: TopPool[str]) -> None:
    entry = fill(pool, ALICE, range(1))[0]
    pool.confirm_included([entry.hash], bytes(32))
    assert pool.confirm_included([entry.hash], bytes(32)) == []
    assert pool.reject(entry.hash, FAILED, NOW, nonce_used=False) == []
    assert pool.submit(top(ALICE, 1), 1, NOW) != []


# --- time


def test_future_entry_expires(pool: TopPool[str]) -> None:
    entry = top(ALICE, 2)
    pool.submit(entry, 0, NOW)
    pool.submit(top(BOB, 0), 0, NOW)
    life = pool.limits.future_ms
    assert pool.expire(NOW + life - 1) == []
    assert told(pool.expire(NOW + life)) == [(entry.hash, "Dropped", "pool.expired")]
    assert pool.ready_count == len(pool) == 1


def test_ban_ends(pool: TopPool[str]) -> None:
    entry = fill(pool, ALICE, range(1))[0]
    pool.reject(entry.hash, FAILED, NOW, nonce_used=False)
    end = NOW + pool.limits.ban_ms
    with pytest.raises(p.TemporarilyBanned) as caught:
        pool.submit(entry, 0, end - 1)
    assert caught.value.until == end
    assert told(pool.submit(entry, 0, end)) == [(entry.hash, "Ready", None)]


def test_bans_are_bounded() -> None:
    pool: TopPool[str] = TopPool(PoolLimits(bans=2))
    entries = [top(ALICE, 0, salt=salt) for salt in range(3)]
    for entry in entries:
        pool.submit(entry, 0, NOW)
        pool.reject(entry.hash, FAILED, NOW, nonce_used=False)
    pool.submit(entries[0], 0, NOW)  # the oldest ban is forgotten
    with pytest.raises(p.TemporarilyBanned):
        pool.submit(entries[2], 0, NOW)


# --- attackers


def test_one_sender_cannot_keep_others_out() -> None:
    pool: TopPool[str] = TopPool(PoolLimits(slots=100, sender_slots=100))
    flood = fill(pool, MALLORY, range(100))
    events = told(pool.submit(top(ALICE, 0), 0, NOW))
    assert events == [(flood[-1].hash, "Dropped", "pool.evicted"), (top(ALICE, 0).hash, "Ready", None)]
    with pytest.raises(p.LimitReached):
        pool.submit(flood[-1], 0, NOW)
    fill(pool, ALICE, range(1, 50))
    with pytest.raises(p.LimitReached) as caught:  # both hold half: neither evicts the other
        pool.submit(top(ALICE, 50), 0, NOW)
    assert (caught.value.scope, caught.value.limit) == ("pool", 100)
    assert pool.next_nonce(MALLORY, 0) == pool.next_nonce(ALICE, 0) == 50


def test_large_operations_count_by_their_bytes() -> None:
    pool: TopPool[str] = TopPool(PoolLimits(slots=10, slot_bytes=1000, sender_slots=10))
    for nonce in range(2):
        pool.submit(top(MALLORY, nonce, size=4001), 0, NOW)
    assert pool.used_slots == 10
    events = told(pool.submit(top(ALICE, 0), 0, NOW))
    assert events[0] == (top(MALLORY, 1).hash, "Dropped", "pool.evicted")
    assert pool.used_slots == 6


def test_eviction_does_not_take_more_than_the_newcomer_gets() -> None:
    pool: TopPool[str] = TopPool(PoolLimits(slots=4, slot_bytes=1000, sender_slots=4))
    fill(pool, BOB, range(2))
    fill(pool, MALLORY, range(2))
    with pytest.raises(p.LimitReached):
        pool.submit(top(ALICE, 0, size=2000), 0, NOW)
    assert told(pool.submit(top(ALICE, 0, size=1000), 0, NOW))[0][0] == top(BOB, 1).hash


def test_one_sender_cannot_fill_the_future() -> None:
    pool: TopPool[str] = TopPool(PoolLimits(future_slots=10))
    fill(pool, MALLORY, range(1, 11))
    events = told(pool.submit(top(ALICE, 3), 0, NOW))
    assert events == [(top(MALLORY, 10).hash, "Dropped", "pool.evicted"), (top(ALICE, 3).hash, "Future", None)]
    with pytest.raises(p.LimitReached) as caught:
        pool.submit(top(MALLORY, 10), 0, NOW)
    assert caught.value.scope == "future"


def test_sender_limit() -> None:
    pool: TopPool[str] = TopPool(PoolLimits(sender_slots=3))
    fill(pool, MALLORY, range(3))
    with pytest.raises(p.LimitReached) as caught:
        pool.submit(top(MALLORY, 3), 0, NOW)
    assert caught.value.scope == "sender"


def test_operations_under_execution_are_not_evicted() -> None:
    pool: TopPool[str] = TopPool(PoolLimits(slots=3, sender_slots=3))
    flood = fill(pool, MALLORY, range(3))
    pool.take_ready(3)
    with pytest.raises(p.LimitReached):
        pool.submit(top(ALICE, 0), 0, NOW)
    pool.confirm_included([flood[0].hash], bytes(32))
    assert told(pool.submit(top(ALICE, 0), 0, NOW)) == [(top(ALICE, 0).hash, "Ready", None)]


def test_full_pool_of_many_senders() -> None:
    """At the real limits: admission, eviction and inclusion of everything leave no residue."""
    pool: TopPool[str] = TopPool()
    entries = [top(b"s%d" % (i % 1024), i // 1024) for i in range(8192)]
    for entry in entries:
        pool.submit(entry, 0, NOW)
    assert pool.ready_count == 8192
    assert told(pool.submit(top(ALICE, 0), 0, NOW))[0][1] == "Dropped"
    taken = pool.take_ready(10_000)
    pool.confirm_included([e.hash for e in taken], bytes(32))
    assert (len(pool), pool.used_slots, pool.ready_count, pool.future_count) == (0, 0, 0, 0)


# --- held entries


def test_a_held_entry_keeps_its_place_and_the_later_ones_wait_behind_it(pool: TopPool[str]) -> None:
    held, later, other = top(ALICE, 0), top(ALICE, 1), top(BOB, 0)
    assert told(pool.submit(held, 0, NOW, held=True)) == [(held.hash, "Future", None)]
    assert pool.next_nonce(ALICE, 0) == 1
    assert told(pool.submit(later, 0, NOW)) == [(later.hash, "Future", None)]
    pool.submit(other, 0, NOW)
    assert [entry.hash for entry in pool.ready()] == [other.hash]

    assert told(pool.resume(held.hash, "another payload")) == [(e.hash, "Ready", None) for e in (held, later)]
    assert [(e.hash, e.payload) for e in pool.take_ready(3)] == [
        (other.hash, "payload"),
        (held.hash, "another payload"),
        (later.hash, "payload"),
    ]
    assert pool.resume(held.hash, "a third one") == []


def test_a_held_entry_behind_a_gap_waits_for_both(pool: TopPool[str]) -> None:
    held, first = top(ALICE, 1), top(ALICE, 0)
    pool.submit(held, 0, NOW, held=True)
    assert told(pool.submit(first, 0, NOW)) == [(first.hash, "Ready", None)]
    assert told(pool.resume(held.hash, "payload")) == [(held.hash, "Ready", None)]


def test_a_withdrawn_entry_may_come_again(pool: TopPool[str]) -> None:
    held, later = top(ALICE, 0), top(ALICE, 1)
    pool.submit(held, 0, NOW, held=True)
    pool.submit(later, 0, NOW)
    assert told(pool.withdraw(held.hash, FAILED)) == [(held.hash, "Dropped", FAILED.code)]
    assert pool.withdraw(held.hash, FAILED) == []
    assert (len(pool), pool.used_slots, pool.next_nonce(ALICE, 0)) == (1, 1, 0)
    assert told(pool.submit(held, 0, NOW)) == [(e.hash, "Ready", None) for e in (held, later)]


def test_nothing_replaces_a_held_entry(pool: TopPool[str]) -> None:
    held, rival = top(ALICE, 0), top(ALICE, 0, salt=1)
    pool.submit(held, 0, NOW, held=True)
    with pytest.raises(p.TooLowPriority):
        pool.submit(rival, 0, NOW)
    with pytest.raises(p.AlreadyImported):
        pool.submit(held, 0, NOW)


def test_a_held_entry_is_overtaken_like_any_other(pool: TopPool[str]) -> None:
    held, next_ = top(ALICE, 0), top(ALICE, 1)
    pool.submit(held, 0, NOW, held=True)
    pool.submit(next_, 0, NOW)
    events = told(pool.on_nonce_changed(ALICE, 1, NOW))
    assert events == [(held.hash, "Invalid", "pool.stale_nonce"), (next_.hash, "Ready", None)]
    assert pool.resume(held.hash, "payload") == []


def test_what_is_not_held_is_neither_resumed_nor_withdrawn(pool: TopPool[str]) -> None:
    (ready,) = fill(pool, ALICE, range(1))
    assert pool.resume(ready.hash, "another") == pool.withdraw(ready.hash, FAILED) == []
    assert [entry.payload for entry in pool.ready()] == ["payload"]
