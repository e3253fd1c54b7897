"""The queue before a peer: order, limits, age."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from integritee.worker.peers.outbox import MAX_AGE, MAX_BYTES, MAX_MESSAGES, Message, Outbox


def message(name: str = "", born: float = 0.0) -> Message:
    return Message("m", name, born)


def test_in_order() -> None:
    outbox = Outbox()
    for name in ("a", "b"):
        outbox.put(message(name))
    first = outbox.head(0.0)
    assert first == message("a") == outbox.head(0.0)
    outbox.done(first)
    assert (outbox.head(0.0), len(outbox), outbox.dropped) == (message("b"), 1, 0)


def test_the_oldest_go_when_there_are_too_many() -> None:
    outbox = Outbox()
    for number in range(MAX_MESSAGES + 3):
        outbox.put(message(str(number)))
    assert (outbox.head(0.0), len(outbox), outbox.dropped) == (message("3"), MAX_MESSAGES, 3)


def test_the_oldest_go_when_they_are_too_long() -> None:
    outbox = Outbox()
    half = "x" * (MAX_BYTES // 2)
    for name in ("a", half, half):
        outbox.put(message(name))
    assert (len(outbox), outbox.bytes, outbox.dropped) == (2, MAX_BYTES, 1)


def test_one_that_is_too_long_is_not_kept() -> None:
    outbox = Outbox()
    outbox.put(message("x" * (MAX_BYTES + 1)))
    assert (outbox.head(0.0), outbox.bytes, outbox.dropped) == (None, 0, 1)


def test_what_is_old_is_not_sent() -> None:
    outbox = Outbox()
    outbox.put(message("a", 0.0))
    outbox.put(message("b", 5.0))
    assert outbox.head(MAX_AGE) == message("a", 0.0)
    assert outbox.head(MAX_AGE + 1) == message("b", 5.0)
    assert (outbox.head(MAX_AGE + 6), outbox.dropped) == (None, 2)


def test_done_with_one_that_was_dropped_takes_no_other() -> None:
    outbox = Outbox()
    gone = message("gone")
    outbox.put(gone)
    for number in range(MAX_MESSAGES):
        outbox.put(message(str(number)))
    outbox.done(gone)
    assert outbox.head(0.0) == message("0")


@given(st.lists(st.tuples(st.booleans(), st.integers(0, MAX_BYTES)), max_size=30))
def test_bytes_are_those_of_what_waits(steps: list[tuple[bool, int]]) -> None:
    outbox, sent = Outbox(), 0
    text = "x" * MAX_BYTES
    for is_put, length in steps:
        if is_put:
            outbox.put(message(text[:length]))
        elif (head := outbox.head(0.0)) is not None:
            outbox.done(head)
            sent += 1
    assert 0 <= outbox.bytes <= MAX_BYTES and len(outbox) <= MAX_MESSAGES
    assert outbox.dropped + sent + len(outbox) == sum(is_put for is_put, _ in steps)
