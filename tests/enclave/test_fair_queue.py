"""Whose turn it is, as tables of who asked when, and the laws: nothing is lost, and nobody waits for a crowd."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.enclave.fair_queue import REMEMBERED, FairQueue


@pytest.mark.parametrize(
    "story, order",
    [
        ("a1 a2 a3", "a1 a2 a3"),
        ("a1 a2 a3 b1 c1", "a1 b1 c1 a2 a3"),
        ("a1 a2 a3 . b1", "a1 b1 a2 a3"),
        ("a1 a2 b1 b2 . . c1", "a1 b1 c1 a2 b2"),
        ("a1 a2 a3 b1 . . b2 . .", "a1 b1 a2 b2 a3"),
        ("a1 a2 a3 a4 b1 . . . b2", "a1 b1 a2 b2 a3 a4"),
        ("a1 . a2 b1", "a1 b1 a2"),
        ("a1 a2 a3 b1 b2 c1 . . . : : :", "a1 b1 c1 a2 a3 b2"),
        ("a1 a2 a3 b1 b2 . . : c1 : : :", "a1 b1 b2 c1 a2 a3"),
        ("a1 a2 . : ", "a1 a2"),
    ],
    ids=[
        "order of a key",
        "keys take turns",
        "a newcomer goes first",
        "before all that were served",
        "one at a time gains nothing",
        "who is back in between waits for its turn",
        "an empty queue remembers whom it served",
        "a parcel grows by the rest of who was served",
        "a newcomer comes before the rest of a parcel",
        "a parcel when there is nobody else",
    ],
)
def test_order(story: str, order: str) -> None:
    """Items are pushed in this order; at a dot one is popped, at a colon the parcel grows by one, and the rest
    is popped in the end."""
    queue: FairQueue[str, str] = FairQueue()
    served = []
    for event in story.split():
        if event == ".":
            served.append(queue.pop())
        elif event == ":":
            served.append(queue.pop_again())
        else:
            queue.push(event[0], event)
    while queue:
        served.append(queue.pop())
    assert " ".join(served) == order


@pytest.mark.parametrize("pop", [FairQueue.pop, FairQueue.pop_again])
def test_nothing_to_pop(pop: Callable[[FairQueue[int, int]], int]) -> None:
    with pytest.raises(IndexError):
        pop(FairQueue())


@given(st.lists(st.one_of(st.none(), st.integers(0, 5))))
def test_every_item_comes_once_and_in_the_order_of_its_key(events: list[int | None]) -> None:
    queue: FairQueue[int, int] = FairQueue()
    waiting: dict[int, deque[int]] = {key: deque() for key in range(6)}
    for number, key in enumerate(events):
        if key is not None:
            queue.push(key, 6 * number + key)
            waiting[key].append(6 * number + key)
        elif queue:
            item = queue.pop()
            assert waiting[item % 6].popleft() == item
        assert len(queue) == sum(map(len, waiting.values()))


@given(st.integers(1, 20), st.integers(1, 50), st.integers(0, 200))
def test_who_asks_seldom_waits_for_no_flood(floods: int, depth: int, served: int) -> None:
    queue: FairQueue[int, int] = FairQueue()
    for key in range(floods):
        for _ in range(depth):
            queue.push(key, key)
    for _ in range(min(served, floods * depth)):
        queue.pop()
    queue.push(-1, -1)
    if served >= floods:  # each of them had its first turn
        assert queue.pop() == -1
    else:
        assert -1 in [queue.pop() for _ in range(floods - served + 1)]


@given(st.integers(1, 40), st.integers(1, 8))
def test_nor_for_a_flood_of_single_questions(floods: int, rounds: int) -> None:
    """Each of a flood asks one thing, all are served, and each asks again: so each is alone with its question, as
    others are, but was served lately."""
    queue: FairQueue[int, int] = FairQueue()
    queue.serve(-1)
    for _ in range(rounds):
        for key in range(floods):
            queue.push(key, key)
        while queue:
            queue.pop()
    for key in range(floods):
        queue.push(key, key)
    queue.push(-1, -1)
    assert queue.pop() == -1


def test_newcomers_hold_up_nobody_for_long() -> None:
    """However many come, each with its first question, who was served before has its turn."""
    queue: FairQueue[int, int] = FairQueue()
    queue.serve(-1)
    queue.push(-1, -1)
    for key in range(2 * REMEMBERED):
        queue.push(key, key)
        if queue.pop() == -1:
            break
    assert key <= REMEMBERED
    assert len(queue) == 1


def test_of_those_who_left_no_more_is_remembered_than_is_needed() -> None:
    queue: FairQueue[int, int] = FairQueue()
    for key in range(3 * REMEMBERED):
        queue.push(key, key)
        queue.pop()
    assert len(queue._served) <= REMEMBERED and not queue._waiting and not queue._line
