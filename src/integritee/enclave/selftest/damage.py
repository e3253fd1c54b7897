"""Damage that is certain: whatever bytes the random source has made, the damaged ones are others."""

from __future__ import annotations


def flipped(data: bytes, position: int) -> bytes:
    """With the lowest bit of one byte changed; a negative position counts from the end. Raises IndexError."""
    damaged = bytearray(data)
    damaged[position] ^= 1
    return bytes(damaged)
