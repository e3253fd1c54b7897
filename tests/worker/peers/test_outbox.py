"""The queue before a peer: order, limits, age."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.worker.peers.outbox import MAX_AGE, MAX_BYTES, MAX_MESSAGES, Outbox

HALF = "x" * (MAX_BYTES // 2)
PARAMETERS = ["", "x", HALF[::2], HALF, HALF + "x"]
"""Of many lengths; made once, for they are long."""


def outbox_of(*parameters: str) -> Outbox:
    outbox = Outbox()
    for parameter in parameters:
        outbox.put("m", parameter, 0.0)
    return outbox


def taken(outbox: Outbox, now: float = 0.0) -> list[str]:
    """All that is there."""
    found = []
    while (message := outbox.take(now)) is not None:
        found.append(message.parameter)
    return found


@pytest.mark.parametrize(
    "parameters, sent, dropped",
    [
        ([], [], 0),
        (["a", "b"], ["a", "b"], 0),
        ([str(n) for n in range(MAX_MESSAGES + 3)], [str(n) for n in range(3, MAX_MESSAGES + 3)], 3),
        (["a", HALF, HALF], [HALF, HALF], 1),
        (["x" * (MAX_BYTES + 1)], [], 1),
        (["a", "x" * (MAX_BYTES + 1), "b"], ["b"], 2),
    ],
)
def test_in_order_and_the_oldest_go_when_it_is_too_much(parameters: list[str], sent: list[str], dropped: int) -> None:
    outbox = outbox_of(*parameters)
    assert outbox.bytes == sum(map(len, sent))
    assert taken(outbox) == sent
    assert (outbox.dropped, outbox.bytes, len(outbox)) == (dropped, 0, 0)


def test_what_is_old_is_not_sent() -> None:
    outbox = Outbox()
    for born in (0.0, 5.0, 10.0):
        outbox.put("m", str(born), born)
    assert taken(outbox, MAX_AGE + 5) == ["5.0", "10.0"]
    assert outbox.dropped == 1


def test_what_did_not_arrive_comes_first_again_in_order() -> None:
    outbox = outbox_of("a", "b", "c")
    a, b = outbox.take(0.0), outbox.take(0.0)
    assert a is not None and b is not None
    for message in (a, b):
        outbox.put_back(message)
    assert taken(outbox) == ["a", "b", "c"]


def test_what_did_not_arrive_goes_first_when_it_is_too_much() -> None:
    outbox = outbox_of("gone")
    gone = outbox.take(0.0)
    assert gone is not None
    for number in range(MAX_MESSAGES):
        outbox.put("m", str(number), 0.0)
    outbox.put_back(gone)
    assert (taken(outbox)[0], outbox.dropped) == ("0", 1)


@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "take", "back"]), st.sampled_from(range(len(PARAMETERS)))), max_size=30
    )
)
def test_nothing_is_lost_without_being_counted(steps: list[tuple[str, int]]) -> None:
    outbox, sent, put = Outbox(), [], 0
    for step, which in steps:
        if step == "put":
            outbox.put("m", PARAMETERS[which], 0.0)
            put += 1
        elif step == "back" and sent:
            outbox.put_back(sent.pop())
        elif step == "take" and (message := outbox.take(0.0)) is not None:
            sent.append(message)
    assert 0 <= outbox.bytes <= MAX_BYTES and len(outbox) <= MAX_MESSAGES
    assert outbox.dropped + len(sent) + len(outbox) == put
