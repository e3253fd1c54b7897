"""Nibble strings: `bytes` that hold one nibble (0 to 15) per byte, high nibble of a key byte first.

One byte per nibble costs memory but makes slicing, prefix tests and ordering single C calls. The order of
nibble strings is the order of the keys they come from.
"""

from __future__ import annotations

from binascii import hexlify, unhexlify
from typing import Final

from integritee.trie.errors import KeyTooLong

# Node headers count at most 65,535 nibbles (sp-trie, `trie_constants::NIBBLE_SIZE_BOUND`).
MAX_KEY_BYTES: Final = 32_767

_HEX: Final = b"0123456789abcdef"
_FROM_HEX: Final = bytes.maketrans(_HEX, bytes(range(16)))
_TO_HEX: Final = bytes.maketrans(bytes(range(16)), _HEX)


def unpack(key: bytes) -> bytes:
    """Nibbles of a key, two per byte. Raises KeyTooLong."""
    if len(key) > MAX_KEY_BYTES:
        raise KeyTooLong(len(key), MAX_KEY_BYTES)
    return hexlify(key).translate(_FROM_HEX)


def pack(nibbles: bytes) -> bytes:
    """Two nibbles per byte; an odd number is padded with a zero nibble in front."""
    if len(nibbles) & 1:
        nibbles = b"\0" + nibbles
    return unhexlify(nibbles.translate(_TO_HEX))


def shared(left: bytes, right: bytes) -> int:
    """Number of leading nibbles two strings have in common."""
    count = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        count += 1
    return count
