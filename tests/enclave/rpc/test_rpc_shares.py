"""What clients share: turns, places, bytes; and the pieces that streams are cut into. No sockets."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.enclave.rpc.budget import Budget
from integritee.enclave.rpc.frames import is_one_frame
from integritee.enclave.rpc.pieces import Pieces
from integritee.enclave.rpc.places import Places
from integritee.enclave.rpc.turns import REST_SECONDS, Turns


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("by_clock", [False, True], ids=["work to come", "work done"])
async def test_turns_are_taken_at_once_until_a_round_is_over_and_then_in_fair_order(by_clock: bool) -> None:
    clock = Clock()
    turns: Turns[int] = Turns(2.0, clock)
    taken: list[str] = []

    def start(name: str) -> None:
        taken.append(name)
        clock.now += by_clock

    for number in range(5):
        turns.take(1, partial(start, f"a{number}"), 1.0 - by_clock)
    assert (taken, len(turns)) == (["a0", "a1"], 3)
    for number in range(2):
        turns.take(2, partial(start, f"b{number}"), 1.0 - by_clock)
    assert (taken, len(turns)) == (["a0", "a1", "b0"], 4)
    await asyncio.sleep(0)
    assert taken == ["a0", "a1", "b0", "a2", "b1"]
    await asyncio.sleep(0)
    assert taken == ["a0", "a1", "b0", "a2", "b1", "a3", "a4"]
    await asyncio.sleep(0)
    turns.take(1, partial(start, "again"))
    assert taken[-1] == "again"


async def test_while_others_need_the_core_full_rounds_are_followed_by_a_rest() -> None:
    others_are_busy = True
    turns: Turns[int] = Turns(1.0, Clock(), rounds_per_rest=lambda: 3 * others_are_busy)
    taken: list[int] = []
    loop, later = asyncio.get_running_loop(), []
    loop.call_later = lambda seconds, act: later.append((seconds, act))  # type: ignore[method-assign,assignment]
    for number in range(6):
        turns.take(1, partial(taken.append, number), 1.0)
    for _ in range(8):
        await asyncio.sleep(0)
    assert taken == [0, 1, 2]
    (rest,) = later
    assert rest[0] == REST_SECONDS
    turns.take(1, partial(taken.append, 6), 1.0)
    assert taken == [0, 1, 2], "nobody has a turn meanwhile,"
    turns.take(2, partial(taken.append, 9), 1.0)
    assert taken == [0, 1, 2, 9], "but for newcomers,"
    turns.take(3, partial(taken.append, 10), 1.0)
    turns.take(3, partial(taken.append, 11), 1.0)
    assert taken == [0, 1, 2, 9], "unless there are many"
    rest[1]()
    assert taken == [0, 1, 2, 9, 10]
    others_are_busy = False
    for _ in range(8):
        await asyncio.sleep(0)
    assert taken == [0, 1, 2, 9, 10, 3, 11, 4, 5, 6]


async def test_who_had_its_turns_at_once_is_behind_who_had_none() -> None:
    turns: Turns[int] = Turns(1.0, Clock())
    taken: list[int] = []
    for caller in (1, 1, 2):
        turns.take(caller, partial(taken.append, caller), 1.0)
    for _ in range(2):
        await asyncio.sleep(0)
    assert taken == [1, 2, 1]


async def test_others_get_a_breath_after_each_full_round_that_more_follows() -> None:
    breaths: list[int] = []
    turns: Turns[int] = Turns(2.0, Clock(), breathe=lambda: breaths.append(len(turns)))
    for _ in range(5):
        turns.take(1, lambda: None, 1.0)
    for _ in range(10):
        await asyncio.sleep(0)
    assert breaths == [3, 1], "and none after the last one, which was not full"
    turns.take(1, lambda: None, 1.0)
    await asyncio.sleep(0)
    assert len(breaths) == 2


async def test_a_turn_that_takes_long_is_a_round() -> None:
    clock = Clock()
    turns: Turns[int] = Turns(2.0, clock)
    taken: list[int] = []

    def start(number: int) -> None:
        taken.append(number)
        clock.now += 100.0

    for number in range(3):
        turns.take(number, partial(start, number))
    for expected in (1, 2, 3):
        assert len(taken) == expected
        await asyncio.sleep(0)


async def test_waiting_for_a_turn_and_no_longer() -> None:
    turns: Turns[int] = Turns(1.0, Clock())
    tasks = [asyncio.create_task(turns.wait(caller, 1.0)) for caller in (1, 1, 2)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
    assert [type(result) for result in results] == [type(None), asyncio.CancelledError, type(None)]
    await asyncio.wait_for(turns.wait(3), 10)
    assert len(turns) == 0


@pytest.mark.parametrize(
    "story, answers",
    [
        ("a1 a2 a3 a4", [None, None, None, 4]),
        ("a1 a2 -1 a3 a4 a5", [None, None, None, None, 5]),
        ("a1 a2 a3 b4", [None, None, None, 3]),
        ("a1 a2 a3 b4 b5 c6", [None, None, None, 3, 5, 2]),
        ("a1 b2 c3 d4", [None, None, None, 4]),
        ("a1 b2 a3 c4 d5", [None, None, None, 3, 5]),
    ],
    ids=[
        "one site does not displace itself",
        "places come back",
        "a newcomer takes one of those with most",
        "until it has as many",
        "all alike: first come, first served",
        "the latest of the site goes",
    ],
)
def test_places(story: str, answers: list[int | None]) -> None:
    """Three places; clients by site and number, or leaving. Who has to go for each newcomer?"""
    places: Places[str] = Places(3)
    found = []
    for event in story.split():
        if event.startswith("-"):
            places.leave(int(event[1:]))
        else:
            found.append(places.enter(int(event[1:]), event[0]))
        assert len(places) <= 3
    assert found == answers


@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=200), st.integers(1, 20))
def test_whoever_comes_often_keeps_nobody_out(sites: list[str], capacity: int) -> None:
    """No site is refused while another has two places more."""
    places: Places[str] = Places(capacity)
    inside: dict[int, str] = {}
    for number, site in enumerate(sites):
        gone = places.enter(number, site)
        inside[number] = site
        if gone is not None:
            del inside[gone]
        counts = [list(inside.values()).count(each) for each in set(inside.values())]
        if gone == number:
            assert max(counts) <= list(inside.values()).count(site) + 1
        assert len(inside) == len(places) <= capacity


def test_an_unknown_client_leaves_no_place() -> None:
    Places[str](1).leave(7)


@pytest.mark.parametrize(
    "changes, may",
    [
        ([(0, 100)], True),
        ([(0, 90), (0, 11)], False),
        ([(0, 90), (0, 10)], True),
        ([(0, 200), (0, 5)], True),
        ([(0, 200), (150, 100)], True),
        ([(0, 90), (90, 0), (0, 90)], True),
    ],
    ids=["full", "too much", "spared", "spared though full", "less than before", "given back"],
)
def test_budget_of_100_bytes_that_spares_10(changes: list[tuple[int, int]], may: bool) -> None:
    budget = Budget(100, 10)
    assert [budget.change(*change) for change in changes][-1] is may
    assert budget.held == sum(after - before for before, after in changes)


@given(st.lists(st.binary(max_size=300)), st.lists(st.integers(0, 3)))
def test_pieces_are_all_of_a_stream_and_never_large(chunks: list[bytes], frames: list[int]) -> None:
    pieces = Pieces(16, 64)
    for chunk in chunks:
        pieces.add(chunk)
    found = []
    while pieces.size:
        piece = pieces.next()
        assert len(piece) <= 64
        found.append(bytes(piece))
        pieces.brought(frames.pop() if frames else 0)
    assert b"".join(found) == b"".join(chunks)
    assert bytes(pieces.next()) == b""


def test_a_piece_can_be_cut_to_measure_from_what_came_at_once() -> None:
    pieces = Pieces(16, 64)
    assert bytes(pieces.head) == b""
    for chunk in (b"a" * 100, b"b" * 10):
        pieces.add(chunk)
    assert [len(pieces.head), len(pieces.next(90)), len(pieces.head), len(pieces.next(50)), pieces.size] == [
        100,
        90,
        10,
        10,
        10,
    ]


def test_pieces_grow_within_a_frame_only() -> None:
    pieces = Pieces(16, 64)
    pieces.add(bytes(1000))
    sizes = []
    for frames in (0, 0, 0, 1, 0, 2, 2):
        sizes.append(len(pieces.next()))
        pieces.brought(frames)
    assert sizes == [16, 32, 64, 64, 16, 32, 16]
    assert not pieces.is_one(b"")
    pieces.clear()
    assert pieces.is_one(bytes(16)) and not pieces.is_one(bytes(17))


@pytest.mark.parametrize(
    "data, is_one",
    [
        (b"\x81", True),
        (b"\x81\x80" + bytes(4), True),
        (b"\x81\x80" + bytes(5), False),
        (b"\x81\xfd" + bytes(4 + 125), True),
        (b"\x81\xfd" + bytes(4 + 126), False),
        (b"\x81\xfe\x01\x00" + bytes(4 + 256), True),
        (b"\x81\xfe\x01\x00" + bytes(4 + 257), False),
        (b"\x81\xff" + (70_000).to_bytes(8, "big") + bytes(4 + 70_000), True),
        (b"\x81\xff" + (70_000).to_bytes(8, "big") + bytes(4 + 70_001), False),
    ],
)
def test_one_frame(data: bytes, is_one: bool) -> None:
    assert is_one_frame(data) is is_one
