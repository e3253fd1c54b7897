"""Operations on their way between enclaves, and the hosts who would like to read, change or repeat them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from integritee.enclave.pool import gossip as g
from integritee.enclave.pool.entry import MAX_ENTRY_BYTES
from integritee.enclave.pool.gossip import GossipError, GossipLimits, OperationGossip
from integritee.enclave.rpc.limits import MAX_MESSAGE_BYTES
from integritee.enclave.selftest.damage import flipped
from integritee.scale import encode

NOW = 1_700_000_000_000
STATE_KEY, SHARD = b"\x51" * 32, b"\x05" * 32
ALICE, BOB = b"\x0a" * 32, b"\x0b" * 32
OPERATIONS = [b"first", b"", b"third" * 100]
DELAY = GossipLimits().delay_ms
HEADER = 32 + 32 + 8
NONCE = slice(HEADER, HEADER + 12)


def counter() -> g.Randomness:
    """Nonces that differ."""
    numbers = itertools.count(1)
    return lambda size: next(numbers).to_bytes(size, "big")


def enclave(account: bytes = BOB, *, key: bytes = STATE_KEY, shard: bytes = SHARD, **limits: int) -> OperationGossip:
    return OperationGossip(key, shard, account, counter(), GossipLimits(**limits))


def batch(operations: list[bytes] = OPERATIONS, now: int = NOW, **options: bytes) -> bytes:
    """What ALICE's enclave sends at `now`."""
    alice = enclave(ALICE, **options)
    for operation in operations:
        alice.add(operation, now - DELAY)
    sealed = alice.batch(now)
    assert sealed is not None
    assert len(alice) == 0
    return sealed


def insiders(plain: bytes, *, shard: bytes = SHARD, sender: bytes = ALICE, sent: int = NOW) -> bytes:
    """A batch made by hand with the state key, as the module's first lines say."""
    origin, nonce = shard + sender + sent.to_bytes(8, "little"), b"\x09" * 12
    root = HKDF(SHA256(), 32, None, b"integritee/operation-gossip/base-key/v1").derive(STATE_KEY)
    key = HKDF(SHA256(), 32, origin, b"integritee/operation-gossip/v1").derive(root)
    return origin + nonce + AESGCM(key).encrypt(nonce, plain, b"integritee/operation-gossip/v1" + origin)


def padded(operations: list[bytes]) -> bytes:
    plain = encode(list[bytes], operations)
    return plain + bytes(-len(plain) % 1024)


# -- format and round trip


def test_another_enclave_of_the_shard_gets_what_was_sent() -> None:
    assert enclave().open(batch(), NOW + 7) == OPERATIONS


def test_the_format_is_as_documented() -> None:
    assert enclave().open(insiders(padded(OPERATIONS)), NOW) == OPERATIONS
    alice = OperationGossip(STATE_KEY, SHARD, ALICE, lambda size: b"\x09" * size)
    for operation in OPERATIONS:
        alice.add(operation, NOW - DELAY)
    assert alice.batch(NOW) == insiders(padded(OPERATIONS))


@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=40))
def test_whatever_operations_arrive_in_order(operations: list[bytes]) -> None:
    assert enclave().open(batch(operations), NOW) == operations


def test_a_host_sees_no_operation_and_sizes_only_in_steps() -> None:
    sealed = [batch([b"\x77" * size]) for size in (0, 1, 100, 1000, 1021)]
    assert {len(one) for one in sealed} == {HEADER + 12 + 1024 + 16}
    assert len(batch([b"\x77" * 1022])) == HEADER + 12 + 2048 + 16
    assert not any(b"\x77" * 8 in one for one in sealed)


def test_every_batch_has_a_nonce_and_a_key_of_its_own() -> None:
    alice = enclave(ALICE, batch_operations=1)
    for number in range(3):
        alice.add(b"same", NOW - DELAY + number // 2)
    batches = [alice.batch(NOW), alice.batch(NOW), alice.batch(NOW + 1)]
    found = [one for one in batches if one is not None]
    assert len({one[NONCE] for one in found}) == len({one[HEADER + 12 :] for one in found}) == 3


# -- what a host may try


def altered_at(position: int) -> Callable[[bytes], bytes]:
    return lambda sealed: flipped(sealed, position)


def at_time(sealed: bytes, ms: int) -> bytes:
    return sealed[:64] + ms.to_bytes(8, "little") + sealed[72:]


ATTACKS: dict[str, tuple[Callable[[bytes], bytes], type[GossipError]]] = {
    "another shard is named": (altered_at(0), g.ForeignBatch),
    "another sender is named": (altered_at(32), g.BatchTampered),
    "an old batch is made to look fresh": (
        lambda s: at_time(batch(now=NOW - g.MAX_AGE_MS - 1), NOW),
        g.BatchTampered,
    ),
    "a fresh batch is made to look fresher": (lambda s: at_time(s, NOW + 1), g.BatchTampered),
    "the nonce is altered": (altered_at(HEADER), g.BatchTampered),
    "an operation is altered": (altered_at(HEADER + 12), g.BatchTampered),
    "the tag is altered": (altered_at(-1), g.BatchTampered),
    "the end is cut off": (lambda s: s[:-1], g.BatchTampered),
    "something is appended": (lambda s: s + b"\0", g.BatchTampered),
    "two batches are crossed": (lambda s: s[:HEADER] + batch(now=NOW + 1)[HEADER:], g.BatchTampered),
    "the batch of another shard is relabelled": (lambda s: SHARD + batch(shard=b"\x06" * 32)[32:], g.BatchTampered),
    "it is sealed under another key": (lambda s: batch(key=b"\x52" * 32), g.BatchTampered),
    "it is of another shard": (lambda s: batch(shard=b"\x06" * 32), g.ForeignBatch),
    "it was kept for too long": (lambda s: batch(now=NOW - g.MAX_AGE_MS - 1), g.BatchTooOld),
    "it is from the future": (lambda s: batch(now=NOW + g.MAX_AHEAD_MS + 1), g.BatchTooEarly),
    "its time is as far off as can be": (lambda s: at_time(s, 2**64 - 1), g.BatchTooEarly),
    "nothing": (lambda s: b"", g.BatchMalformed),
    "head without a body": (lambda s: s[: HEADER + 12 + 16], g.BatchMalformed),
    "more than a batch holds": (lambda s: s + bytes(g.MAX_BATCH_BYTES), g.BatchMalformed),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_host_cannot(attack: str) -> None:
    altered, error = ATTACKS[attack]
    genuine, bob = batch(), enclave()
    with pytest.raises(GossipError) as refused:
        bob.open(altered(genuine), NOW)
    assert type(refused.value) is error
    assert bob.open(genuine, NOW) == OPERATIONS, "whatever was tried before"


@given(st.binary(max_size=400) | st.binary(max_size=300).map(lambda tail: batch()[:HEADER] + tail))
def test_garbage_is_refused_with_an_error_of_ours(garbage: bytes) -> None:
    with pytest.raises(GossipError):
        enclave().open(garbage, NOW)


@pytest.mark.parametrize("offset", [-g.MAX_AGE_MS, -1, 0, g.MAX_AHEAD_MS])
def test_clocks_may_differ_a_little(offset: int) -> None:
    assert enclave().open(batch(now=NOW + offset), NOW) == OPERATIONS


def test_a_batch_is_opened_once_for_as_long_as_it_can_be() -> None:
    bob, ahead = enclave(), batch(now=NOW + g.MAX_AHEAD_MS)
    bob.open(ahead, NOW)
    last = NOW + g.MAX_AHEAD_MS + g.MAX_AGE_MS
    for later in (NOW, NOW + 1, last):
        bob.open(batch([b"another"], now=later), later)
        with pytest.raises(g.BatchReplayed) as refused:
            bob.open(ahead, later)
        assert refused.value.sender == ALICE
    with pytest.raises(g.BatchTooOld):
        bob.open(ahead, last + 1)


def test_what_a_host_hands_back_to_its_own_enclave_is_known() -> None:
    alice = enclave(ALICE)
    alice.add(b"operation", NOW)
    sealed = alice.batch(NOW + DELAY)
    assert sealed is not None
    with pytest.raises(g.BatchReplayed):
        alice.open(sealed, NOW + DELAY)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(g, "MAX_REMEMBERED", 3)
    bob, batches = enclave(), [batch(now=NOW + number) for number in range(5)]
    for one in batches:
        bob.open(one, NOW)
    assert bob.open(batches[0], NOW) == OPERATIONS, "forgotten"
    for known in (batches[3], batches[4]):
        with pytest.raises(g.BatchReplayed):
            bob.open(known, NOW)
    bob.open(batch(now=NOW + 2 * g.MAX_AGE_MS), NOW + 2 * g.MAX_AGE_MS)
    assert len(bob._known) == 1, "what is too old anyway need not be known"


# -- what another enclave may send


@pytest.mark.parametrize(
    ("plain", "error"),
    [
        (b"", g.BatchMalformed),
        (padded([b"a"])[:-1] + b"\x01", g.BatchMalformed),
        (padded([b"a"]) + bytes(1024), g.BatchMalformed),
        (b"\x08\x04a", g.BatchMalformed),
        (b"\x08" + b"\xff" * 1023, g.BatchMalformed),
        (b"\x04" + encode(bytes, bytes(MAX_ENTRY_BYTES + 1)), g.BatchMalformed),
        (padded([b""] * (g.MAX_BATCH_OPERATIONS + 1)), g.TooManyOperations),
        (b"\x02\x00\x01\x00" * 256, g.TooManyOperations),
    ],
    ids=[
        "empty",
        "padding is not zero",
        "too much padding",
        "cut off",
        "garbage",
        "an operation larger than any",
        "too many operations",
        "a count that nothing follows",
    ],
)
def test_a_batch_of_nonsense_is_refused_though_its_seal_is_good(plain: bytes, error: type[GossipError]) -> None:
    with pytest.raises(GossipError) as refused:
        enclave().open(insiders(plain), NOW)
    assert type(refused.value) is error


def test_as_many_operations_as_are_allowed_are_read() -> None:
    most = [b"x"] * g.MAX_BATCH_OPERATIONS
    assert enclave().open(insiders(padded(most)), NOW) == most
    assert enclave().open(insiders(padded([])), NOW) == []


# -- when a batch leaves, and with what


def sent(gossip: OperationGossip, now: int) -> list[list[bytes]]:
    """All batches that are due."""
    batches = iter(lambda: gossip.batch(now), None)
    return [enclave().open(sealed, now) for sealed in batches]


@pytest.mark.parametrize(
    ("limits", "added", "at", "batches", "waiting"),
    [
        ({}, [], 100, [], 0),
        ({}, [(0, 1)], 19, [], 1),
        ({}, [(0, 1)], 20, [1], 0),
        ({}, [(0, 1), (19, 5)], 20, [6], 0),
        ({"delay_ms": 0}, [(0, 1)], 0, [1], 0),
        ({}, [(3_600_000, 1)], 0, [1], 0),
        ({"batch_operations": 3}, [(0, 2)], 0, [], 2),
        ({"batch_operations": 3}, [(0, 3)], 0, [3], 0),
        ({"batch_operations": 3}, [(0, 7)], 0, [3, 3], 1),
        ({"batch_operations": 3}, [(0, 7)], 20, [3, 3, 1], 0),
        ({"batch_operations": 3}, [(0, 3), (15, 2)], 20, [3], 2),
    ],
)
def test_operations_travel_together_but_do_not_wait_for_long(
    limits: dict[str, int], added: list[tuple[int, int]], at: int, batches: list[int], waiting: int
) -> None:
    """`added`: (ms, how many); `batches`: how many in each. A clock that was set back keeps nobody waiting."""
    gossip = enclave(ALICE, **limits)
    names = (b"%d" % number for number in itertools.count())
    operations = []
    for ms, count in added:
        for name in itertools.islice(names, count):
            gossip.add(name, NOW + ms)
            operations.append(name)
    found = sent(gossip, NOW + at)
    assert [len(one) for one in found] == batches
    assert [operation for one in found for operation in one] == operations[: sum(batches)]
    assert len(gossip) == waiting
    assert gossip.due_in(NOW + at) == (added[-1][0] + gossip.limits.delay_ms - at if waiting else None)


@given(st.lists(st.integers(0, 5000), max_size=60))
def test_no_batch_is_longer_than_allowed_and_all_arrive(sizes: list[int]) -> None:
    gossip, limit = enclave(ALICE, batch_bytes=8192, batch_operations=9), 8192
    operations = [bytes([number]) * size for number, size in enumerate(sizes)]
    for operation in operations:
        gossip.add(operation, NOW)
    batches = list(iter(lambda: gossip.batch(NOW + DELAY), None))
    assert all(len(sealed) <= limit for sealed in batches)
    assert [operation for sealed in batches for operation in enclave().open(sealed, NOW)] == operations
    assert gossip.dropped == 0


def test_the_longest_batch_fits_into_a_message_of_the_trusted_rpc() -> None:
    gossip = enclave(ALICE)
    for _ in range(4):
        gossip.add(bytes(MAX_ENTRY_BYTES), NOW)
    sealed = gossip.batch(NOW)
    assert sealed is not None and len(enclave().open(sealed, NOW)) == 3
    assert 2 * g.MAX_BATCH_BYTES + 1024 < MAX_MESSAGE_BYTES
    assert g.MAX_BATCH_BYTES <= g.MAX_SEALED_OPERATIONS


@pytest.mark.parametrize(
    ("limits", "remaining"),
    [
        ({"backlog_operations": 3}, [b"2" * 10, b"3" * 10, b"4" * 10]),
        ({"backlog_bytes": 25}, [b"3" * 10, b"4" * 10]),
        ({"backlog_bytes": 30}, [b"2" * 10, b"3" * 10, b"4" * 10]),
        ({"backlog_bytes": 9}, []),
    ],
)
def test_if_too_much_waits_the_oldest_do_not_travel(limits: dict[str, int], remaining: list[bytes]) -> None:
    gossip = enclave(ALICE, **limits)
    for number in range(5):
        gossip.add(b"%d" % number * 10, NOW)
    assert gossip.dropped == 5 - len(remaining)
    assert sent(gossip, NOW + DELAY) == ([remaining] if remaining else [])


def test_what_no_batch_could_hold_does_not_travel_and_holds_up_nothing() -> None:
    gossip = enclave(ALICE)
    for operation in (b"before", bytes(MAX_ENTRY_BYTES + 1), b"behind"):
        gossip.add(operation, NOW)
    assert sent(gossip, NOW + DELAY) == [[b"before", b"behind"]]
    assert gossip.dropped == 1
    small = enclave(ALICE, batch_bytes=4096)
    small.add(bytes(4096), NOW)
    assert (len(small), small.dropped) == (0, 1)
