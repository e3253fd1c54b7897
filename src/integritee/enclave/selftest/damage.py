"""Damage that is certain: whatever bytes the random source has made, the damaged ones are others."""

from __future__ import annotations


def flipped(data: bytes, position: int, mask: int = 1) -> bytes:
    """With the bits of `mask` (1 to 255) changed in one byte; a negative position counts from the end.

    Raises IndexError.
    """
    damaged = bytearray(data)
    damaged[position] ^= mask
    return bytes(damaged)
