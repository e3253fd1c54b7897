"""Frames between front end and ledger: how they are cut, when they leave, and where it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.enclave.frontend import link as module
from integritee.enclave.frontend.errors import LinkFailed
from integritee.enclave.frontend.link import HEAD, MAX_PAYLOAD, PAUSE_SECONDS, Frame, FrameReader, Kind, Link

NUMBERS = st.integers(0, 2**32 - 1)
FRAMES = st.builds(Frame, st.sampled_from(Kind), NUMBERS, NUMBERS, st.binary(max_size=40))


def written(frame: Frame) -> bytes:
    return HEAD.pack(len(frame.payload), frame.kind, frame.number, frame.connection) + frame.payload


@given(st.lists(FRAMES, max_size=8), st.lists(st.integers(0, 400), max_size=8))
def test_frames_are_read_wherever_the_stream_is_cut(frames: list[Frame], cuts: list[int]) -> None:
    stream, reader = b"".join(map(written, frames)), FrameReader()
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[start:end] for start, end in pairwise(edges)]
    assert [frame for piece in pieces for frame in reader.feed(piece)] == frames


@pytest.mark.parametrize(("length", "is_read"), [(MAX_PAYLOAD, True), (MAX_PAYLOAD + 1, False), (2**32 - 1, False)])
def test_a_frame_has_a_greatest_length(length: int, is_read: bool) -> None:
    reader = FrameReader()
    if is_read:
        assert reader.feed(HEAD.pack(length, Kind.BLOCKS, 1, 1)) == []
    else:
        with pytest.raises(LinkFailed, match=str(length)):
            reader.feed(HEAD.pack(length, Kind.BLOCKS, 1, 1))


def test_a_long_frame_comes_in_many_pieces() -> None:
    """In about no time: it took as long as the square of its length while each piece was joined to those before."""
    frame, reader = Frame(Kind.BLOCKS, 7, 1, bytes(MAX_PAYLOAD)), FrameReader()
    stream = written(frame) + written(frame)[:5]
    pieces = [stream[start : start + 512] for start in range(0, len(stream), 512)]
    assert [found for piece in pieces for found in reader.feed(piece)] == [frame]
    assert reader.feed(written(frame)[5:]) == [frame]


class Wire(asyncio.Transport):
    """Notes what is written, and in how many pieces. `unsent` bytes wait."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.reads: list[str] = []
        self.unsent = 0
        self.is_over = False

    def write(self, data: Any) -> None:
        self.pieces.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self.is_over

    def close(self) -> None:
        self.is_over = True

    abort = close

    def pause_reading(self) -> None:
        self.reads.append("pause")

    def resume_reading(self) -> None:
        self.reads.append("resume")


class Timer:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def later(self, seconds: float, act: Callable[[], None]) -> Any:
        assert seconds == PAUSE_SECONDS
        self.due.append(act)
        return self

    def cancel(self) -> None:
        self.due.clear()

    def pause_is_over(self) -> None:
        (act,) = self.due
        self.due.clear()
        act()


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def link(timer: Timer, wire: Wire) -> Link:
    link = Link(lambda frame: None, lambda: None, timer.later)
    link.connection_made(wire)
    return link


def numbers(wire: Wire) -> list[list[int]]:
    """Of the frames in each piece that left."""
    return [[frame.number for frame in FrameReader().feed(piece)] for piece in wire.pieces]


@pytest.mark.parametrize(
    ("sent", "left"),
    [
        ("1", [[1]]),  # nobody waits where little is said
        ("1 2 3 .", [[1], [2, 3]]),
        ("1 . 2", [[1], [2]]),
        ("1 . 2 3 . 4 .", [[1], [2], [3], [4]]),
        ("1 2 3! 4 .", [[1], [2, 3], [4]]),  # what hurries takes along what waits, and stays behind it
        ("1! 2! 3!", [[1], [2], [3]]),
        ("1 2 . 3 . 4", [[1], [2], [3]]),
    ],
)
def test_frames_that_need_not_hurry_leave_together(
    link: Link, timer: Timer, wire: Wire, sent: str, left: list[list[int]]
) -> None:
    """A dot is the end of a pause, `!` is a frame that hurries."""
    for word in sent.split():
        if word == ".":
            timer.pause_is_over()
        else:
            link.send(Kind.ANSWER, b"x", int(word.rstrip("!")), hurries="!" in word)
    assert numbers(wire) == left


def test_what_waits_leaves_before_the_end(link: Link, wire: Wire) -> None:
    for number in (1, 2):
        link.send(Kind.TELL, number=number, hurries=False)
    link.close()
    assert numbers(wire) == [[1], [2]]
    link.send(Kind.TELL, number=3)
    assert len(wire.pieces) == 2


def test_a_side_that_does_not_read_ends_the_link(link: Link, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_UNSENT", 10)
    wire.unsent = 10
    link.send(Kind.TELL)
    assert not wire.is_over
    wire.unsent = 11
    link.send(Kind.TELL)
    assert wire.is_over


def test_the_other_side_waits_as_long_as_it_should(link: Link, wire: Wire) -> None:
    for wait in (False, True, True, False, False, True):
        link.have_other_side_wait(wait)
    assert wire.reads == ["pause", "resume", "pause"]
    link.close()
    link.have_other_side_wait(False)
    assert len(wire.reads) == 3
