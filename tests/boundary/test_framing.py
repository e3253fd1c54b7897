"""Frames: what goes in comes out, however the stream is cut, and nothing malformed passes."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from integritee.boundary.framing import (
    HEADER,
    MAX_FRAME,
    Frame,
    FrameDecoder,
    FrameTooLong,
    FramingError,
    Kind,
    MalformedFrame,
    encode_frame,
)

FRAMES = st.builds(
    Frame, st.sampled_from(Kind), st.integers(0, 2**64 - 1), st.integers(0, 255), st.binary(max_size=40)
)


@given(st.lists(FRAMES, max_size=8), st.lists(st.integers(1, 30), min_size=1))
def test_any_cut_of_the_stream(frames: list[Frame], cuts: list[int]) -> None:
    data = b"".join(map(encode_frame, frames))
    decoder, found, at, i = FrameDecoder(), [], 0, 0
    while at < len(data):
        size = cuts[i % len(cuts)]
        found += decoder.feed(data[at : at + size])
        at, i = at + size, i + 1
    assert found == frames


@given(st.binary(max_size=64))
def test_arbitrary_bytes(data: bytes) -> None:
    try:
        frames = FrameDecoder().feed(data)
    except FramingError:
        return
    assert b"".join(map(encode_frame, frames)) == data[: sum(4 + HEADER + len(f.payload) for f in frames)]


def test_layout() -> None:
    frame = Frame(Kind.REQUEST, 0x0102, 7, b"abc")
    assert encode_frame(frame) == b"\x0d\0\0\0" + b"\0" + b"\x02\x01" + bytes(6) + b"\x07" + b"abc"


@pytest.mark.parametrize("length", [0, 1, HEADER - 1])
def test_too_short(length: int) -> None:
    with pytest.raises(MalformedFrame):
        FrameDecoder().feed(length.to_bytes(4, "little") + bytes(20))


@pytest.mark.parametrize("length", [MAX_FRAME + 1, 2**32 - 1])
def test_too_long_is_refused_before_it_is_read(length: int) -> None:
    with pytest.raises(FrameTooLong) as caught:
        FrameDecoder().feed(length.to_bytes(4, "little"))
    assert caught.value.data() == {"found": length, "limit": MAX_FRAME}


@pytest.mark.parametrize("kind", [4, 255])
def test_unknown_kind(kind: int) -> None:
    with pytest.raises(MalformedFrame):
        FrameDecoder().feed(encode_frame(Frame(Kind.NOTICE, 0, 1, b""))[:4] + bytes([kind]) + bytes(9))


def test_what_is_too_long_is_not_sent() -> None:
    with pytest.raises(FrameTooLong):
        encode_frame(Frame(Kind.NOTICE, 0, 1, bytes(MAX_FRAME)))
