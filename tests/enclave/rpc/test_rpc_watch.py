"""Update frames byte for byte, and when a watch speaks, waits and ends."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.enclave.rpc.errors import TooManyWatches
from integritee.enclave.rpc.limits import MAX_HELD_UPDATES
from integritee.enclave.rpc.watch import Push, Watcher, WatchRegistry, update_frame
from integritee.primitives.rpc import (
    Broadcast,
    Dropped,
    FinalityTimeout,
    Finalized,
    Future,
    InSidechainBlock,
    Invalid,
    Ready,
    Retracted,
    Submitted,
    TrustedOperationStatus,
    Usurped,
)

from .conftest import refusal

TOP = b"\xab" * 32
BLOCK = b"\xcd" * 32


def frame(result: str, more: str = "") -> bytes:
    return (
        '{"jsonrpc":"2.0","id":1,"method":"author_submitAndWatchExtrinsic",'
        f'"params":{{"error":null,"result":"{result}","subscription":"0x{"ab" * 32}"{more}}}}}'
    ).encode()


STATUSES = [
    (Submitted(), "0x0100", False),
    (Future(), "0x0101", False),
    (Ready(), "0x0102", False),
    (Broadcast(), "0x0103", False),
    (InSidechainBlock(BLOCK), "0x0104" + "cd" * 32, True),
    (Retracted(), "0x0105", False),
    (FinalityTimeout(), "0x0106", False),
    (Finalized(), "0x0107", True),
    (Usurped(), "0x0108", True),
    (Dropped(), "0x0109", True),
    (Invalid(), "0x010a", True),
]


@pytest.mark.parametrize(("status", "result", "is_last"), STATUSES)
def test_updates_are_byte_exact_and_end_when_nothing_follows(
    watches: WatchRegistry, status: TrustedOperationStatus, result: str, is_last: bool
) -> None:
    watcher = watches.open(1)
    watcher.bind(TOP)
    assert watches.release(watcher) == []
    assert watches.update(TOP, status) == [Push(1, frame(result))]
    assert len(watches) == (0 if is_last else 1)
    assert watches.update(TOP, Ready()) == ([] if is_last else [Push(1, frame("0x0102"))])


def test_a_reason_stands_last_among_the_params() -> None:
    text = update_frame(TOP, Invalid(), refusal("stf.nonce", "nonce too low", expected=3, found=2))
    reason = '{"code":"stf.nonce","message":"nonce too low","data":{"expected":3,"found":2}}'
    assert text == frame("0x010a", f',"reason":{reason}')


def test_updates_wait_for_the_reply_and_keep_their_order(watches: WatchRegistry) -> None:
    watcher = watches.open(1)
    watcher.bind(TOP)
    assert watches.update(TOP, Future()) == []
    assert watches.update(TOP, Ready()) == []
    assert watches.release(watcher) == [Push(1, frame("0x0101")), Push(1, frame("0x0102"))]
    assert watches.update(TOP, Broadcast()) == [Push(1, frame("0x0103"))]


def test_a_last_update_is_held_as_well(watches: WatchRegistry) -> None:
    watcher = watches.open(1)
    watcher.bind(TOP)
    assert watches.update(TOP, Invalid()) == []
    assert len(watches) == 0
    assert watches.release(watcher) == [Push(1, frame("0x010a"))]
    assert watches.release(watcher) == []


def test_held_updates_are_bounded_and_the_latest_survive(watches: WatchRegistry) -> None:
    watcher = watches.open(1)
    watcher.bind(TOP)
    for _ in range(MAX_HELD_UPDATES):
        watches.update(TOP, Ready())
    watches.update(TOP, Invalid())
    held = watches.release(watcher)
    assert len(held) == MAX_HELD_UPDATES
    assert held[-1] == Push(1, frame("0x010a"))


def test_unwatched_operations_and_unbound_watches_are_silent(watches: WatchRegistry) -> None:
    watcher = watches.open(1)
    assert watches.update(TOP, Ready()) == []
    assert watches.release(watcher) == []


def test_several_connections_may_watch_one_operation(watches: WatchRegistry) -> None:
    watches.connect(2)
    for number in (1, 2):
        watcher = watches.open(number)
        watcher.bind(TOP)
        watcher.bind(TOP)
        watches.release(watcher)
    assert [push.connection for push in watches.update(TOP, Ready())] == [1, 2]
    watches.disconnect(1)
    assert [push.connection for push in watches.update(TOP, Ready())] == [2]


def test_a_failed_submission_leaves_an_earlier_watch_alone(watches: WatchRegistry) -> None:
    first, again = watches.open(1), watches.open(1)
    first.bind(TOP)
    watches.release(first)
    again.bind(TOP)
    watches.discard(again)
    watches.discard(again)
    assert watches.update(TOP, Ready()) == [Push(1, frame("0x0102"))]
    assert len(watches) == 1


def test_a_connection_takes_its_watches_along(watches: WatchRegistry) -> None:
    bound, unbound = watches.open(1), watches.open(1)
    bound.bind(TOP)
    watches.update(TOP, Ready())
    watches.disconnect(1)
    watches.disconnect(1)
    unbound.bind(TOP)
    late = watches.open(1)
    late.bind(TOP)
    assert len(watches) == 0
    assert watches.update(TOP, Ready()) == []
    assert [watches.release(watcher) for watcher in (bound, unbound, late)] == [[], [], []]


@pytest.mark.parametrize(("limits", "limit"), [({"per_connection": 2}, 2), ({"total": 2}, 2)])
def test_watches_are_bounded(limits: dict[str, int], limit: int) -> None:
    watches = WatchRegistry(**limits)
    watches.connect(1)
    watches.connect(2)
    watches.open(1)
    last = watches.open(1)
    with pytest.raises(TooManyWatches) as refused:
        watches.open(1)
    assert refused.value.limit == limit
    watches.discard(last)
    assert watches.open(2 if "total" in limits else 1)


def test_the_reason_is_json() -> None:
    text = update_frame(TOP, Dropped(), refusal("pool.full", 'the "pool" is full', limit=2**60))
    assert json.loads(text)["params"]["reason"] == {
        "code": "pool.full",
        "message": 'the "pool" is full',
        "data": {"limit": str(2**60)},
    }


# -- a block that can still be given up


IN_BLOCK = InSidechainBlock(BLOCK)
OTHER = InSidechainBlock(b"\xef" * 32)
IN_BLOCK_HEX, OTHER_HEX = "0x0104" + "cd" * 32, "0x0104" + "ef" * 32


def top(number: int) -> bytes:
    return number.to_bytes(32, "big")


def watching(watches: WatchRegistry, top_hash: bytes = TOP, connection: int = 1) -> Watcher:
    watcher = watches.open(connection)
    watcher.bind(top_hash)
    watches.release(watcher)
    return watcher


def heard(watches: WatchRegistry, status: TrustedOperationStatus, top_hash: bytes = TOP, *, lingers: bool) -> bool:
    return bool(watches.update(top_hash, status, lingers=lingers))


@pytest.mark.parametrize(
    ("later", "results", "remaining"),
    [
        ([], [], 1),
        ([(Retracted(), True)], ["0x0105"], 1),
        ([(Retracted(), True), (Ready(), True), (OTHER, False), (Ready(), True)], ["0x0105", "0x0102", OTHER_HEX], 0),
        ([(Retracted(), True), (OTHER, True), (Retracted(), True)], ["0x0105", OTHER_HEX, "0x0105"], 1),
        ([(Retracted(), True), (Invalid(), True), (Ready(), True)], ["0x0105", "0x010a"], 0),
        ([(OTHER, True)], [OTHER_HEX], 1),
        ([(OTHER, False), (Retracted(), True)], [OTHER_HEX], 0),
        ([(Dropped(), True), (Retracted(), True)], ["0x0109"], 0),
    ],
)
def test_what_follows_a_block_that_can_be_given_up(
    watches: WatchRegistry, later: list[tuple[TrustedOperationStatus, bool]], results: list[str], remaining: int
) -> None:
    watching(watches)
    assert watches.update(TOP, IN_BLOCK, lingers=True) == [Push(1, frame(IN_BLOCK_HEX))]
    pushes = [push for status, lingers in later for push in watches.update(TOP, status, lingers=lingers)]
    assert pushes == [Push(1, frame(result)) for result in results]
    assert len(watches) == remaining


@pytest.mark.parametrize(("status", "result", "is_last"), STATUSES)
def test_only_a_block_makes_a_watch_linger(
    watches: WatchRegistry, status: TrustedOperationStatus, result: str, is_last: bool
) -> None:
    watching(watches)
    assert watches.update(TOP, status, lingers=True) == [Push(1, frame(result))]
    assert watches.lingering_count == isinstance(status, InSidechainBlock)
    assert len(watches) == (not is_last or isinstance(status, InSidechainBlock))


def test_a_final_block_ends_what_lingers_without_a_word(watches: WatchRegistry) -> None:
    for number in range(4):
        watching(watches, top(number))
    for number in range(3):
        watches.update(top(number), IN_BLOCK, lingers=True)
    watches.update(top(2), Retracted())
    watches.settle([top(0), top(2), top(3), top(99)])
    assert (len(watches), watches.lingering_count) == (3, 1)
    assert [heard(watches, Retracted(), top(number), lingers=True) for number in range(4)] == [
        False,
        True,
        True,
        True,
    ]


def test_a_connection_takes_what_lingers_along(watches: WatchRegistry) -> None:
    watcher = watching(watches)
    watches.update(TOP, IN_BLOCK, lingers=True)
    watches.disconnect(1)
    assert (len(watches), watches.lingering_count) == (0, 0)
    assert watches.update(TOP, Retracted()) == []
    assert watches.release(watcher) == []
    watches.settle([TOP])


def test_a_block_before_the_reply_is_held_back_and_the_watch_lingers(watches: WatchRegistry) -> None:
    watcher = watches.open(1)
    watcher.bind(TOP)
    watches.update(TOP, IN_BLOCK, lingers=True)
    watches.update(TOP, Retracted())
    assert watches.release(watcher) == [Push(1, frame(IN_BLOCK_HEX)), Push(1, frame("0x0105"))]
    assert watches.update(TOP, OTHER) == [Push(1, frame(OTHER_HEX))]


def test_the_end_of_a_lingering_watch_leaves_what_is_held_back(watches: WatchRegistry) -> None:
    watcher = watches.open(1)
    watcher.bind(TOP)
    watches.update(TOP, IN_BLOCK, lingers=True)
    watches.settle([TOP])
    assert watches.release(watcher) == [Push(1, frame(IN_BLOCK_HEX))]


def test_what_lingers_leaves_its_place_to_new_watches() -> None:
    watches = WatchRegistry(total=2, per_connection=1)
    watches.connect(1)
    for number in range(5):
        watching(watches, top(number))
        with pytest.raises(TooManyWatches):
            watches.open(1)
        watches.update(top(number), IN_BLOCK, lingers=True)
    assert watches.lingering_count == 5
    for number in range(5):  # all at once: each was admitted in its time, but nobody else is now
        assert heard(watches, Retracted(), top(number), lingers=True)
    with pytest.raises(TooManyWatches):
        watches.open(1)
    assert (len(watches), watches.lingering_count) == (5, 0)


@pytest.mark.parametrize(
    ("limits", "order", "ended"),
    [
        ({"lingering": 2}, [(1, 0), (2, 1), (1, 2)], [0]),
        ({"lingering": 0}, [(1, 0), (2, 1)], [0, 1]),
        ({"lingering": 2}, [(1, 0), (1, 1), (1, 0), (2, 2)], [1]),
        ({"lingering_per_connection": 2}, [(2, 9), (1, 0), (1, 1), (1, 2), (2, 3)], [0]),
        ({"lingering_per_connection": 1, "lingering": 2}, [(2, 9), (1, 0), (1, 1), (1, 2)], [0, 1]),
    ],
)
def test_the_oldest_of_what_lingers_ends_first(
    limits: dict[str, int], order: list[tuple[int, int]], ended: list[int]
) -> None:
    watches = WatchRegistry(**limits)
    watches.connect(1)
    watches.connect(2)
    bound = set()
    for connection, number in order:
        if number not in bound:
            watching(watches, top(number), connection)
        bound.add(number)
        watches.update(top(number), IN_BLOCK, lingers=True)
    assert [number for number in sorted(bound) if not heard(watches, Retracted(), top(number), lingers=True)] == ended


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["open", "block", "lingering block", "retracted", "settle", "discard", "leave"]),
        st.integers(1, 2),
        st.integers(0, 2),
    ),
    max_size=60,
)


@given(STEPS)
def test_whatever_happens_the_limits_hold_and_nothing_is_left_behind(steps: list[tuple[str, int, int]]) -> None:
    watches = WatchRegistry(total=4, per_connection=3, lingering=3, lingering_per_connection=2)
    watchers: list[Watcher] = []
    for number in (1, 2):
        watches.connect(number)
    for step, connection, number in steps:
        match step:
            case "open":
                try:
                    watchers.append(watching(watches, top(number), connection))
                except TooManyWatches:
                    assert len(watches) - watches.lingering_count >= 3
            case "block":
                watches.update(top(number), IN_BLOCK)
                assert not heard(watches, Ready(), top(number), lingers=False)
            case "lingering block":
                watches.update(top(number), IN_BLOCK, lingers=True)
            case "retracted":
                told = watches.update(top(number), Retracted())
                assert len(watches) - watches.lingering_count >= len(told)
            case "settle":
                watches.settle([top(number)])
            case "discard" if watchers:
                watches.discard(watchers[number % len(watchers)])
            case "leave":
                watches.disconnect(connection)
                watches.connect(connection)
        assert watches.lingering_count <= 3
        assert len(watches) <= len(watchers)
    watches.disconnect(1)
    watches.disconnect(2)
    assert (len(watches), watches.lingering_count) == (0, 0)
    assert not any(heard(watches, Retracted(), top(number), lingers=False) for number in range(3))
