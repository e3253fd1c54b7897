"""Compact integers (parity-scale-codec `compact.rs`): the two low bits of the first byte give the mode."""

from __future__ import annotations

from typing import Final

from .errors import EncodeError, NonCanonicalCompact, UnexpectedEnd

MAX_COMPACT: Final = (1 << 536) - 1
"""Largest value the format can carry (67 bytes of payload)."""

_ONE_BYTE: Final = tuple(bytes((value << 2,)) for value in range(1 << 6))


def encode_compact(value: int) -> bytes:
    """Shortest compact form of 0 ≤ value ≤ MAX_COMPACT."""
    if value < 0:
        raise EncodeError("a natural number", str(value))
    if value < 1 << 6:
        return _ONE_BYTE[value]
    if value < 1 << 14:
        return (value << 2 | 1).to_bytes(2, "little")
    if value < 1 << 30:
        return (value << 2 | 2).to_bytes(4, "little")
    if value > MAX_COMPACT:
        raise EncodeError("at most 536 bits", f"{value.bit_length()} bits")
    size = (value.bit_length() + 7) // 8
    return bytes(((size - 4) << 2 | 3,)) + value.to_bytes(size, "little")


def decode_compact(data: bytes, at: int = 0) -> tuple[int, int]:
    """(value, offset behind it). Raises UnexpectedEnd, NonCanonicalCompact."""
    if at >= len(data):
        raise UnexpectedEnd(at, 1, 0)
    first = data[at]
    mode = first & 3
    if mode == 0:
        return first >> 2, at + 1
    if mode == 3:
        return _decode_big(data, at, (first >> 2) + 4)
    size = 2 if mode == 1 else 4
    end = at + size
    if end > len(data):
        raise UnexpectedEnd(at, size, len(data) - at)
    value = int.from_bytes(data[at:end], "little") >> 2
    if value < (1 << 6 if mode == 1 else 1 << 14):
        raise NonCanonicalCompact(at, value)
    return value, end


def _decode_big(data: bytes, at: int, size: int) -> tuple[int, int]:
    end = at + 1 + size
    if end > len(data):
        raise UnexpectedEnd(at, size + 1, len(data) - at)
    value = int.from_bytes(data[at + 1 : end], "little")
    if value < 1 << 30 or data[end - 1] == 0:
        raise NonCanonicalCompact(at, value)
    return value, end
