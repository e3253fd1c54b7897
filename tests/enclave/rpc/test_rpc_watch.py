"""Update frames byte for byte, and when a watch speaks, waits and ends."""

from __future__ import annotations

import json

import pytest

from integritee.enclave.rpc.errors import TooManyWatches
from integritee.enclave.rpc.limits import MAX_HELD_UPDATES
from integritee.enclave.rpc.watch import Push, WatchRegistry, update_frame
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
