"""The little of DER (ITU-T X.690) that the SGX extension and the simulated certificates need.

Reading is strict: definite lengths in their shortest form, no trailing bytes. Malformed input raises
`ValueError`; callers say what it means to them.
"""

from __future__ import annotations

from typing import Final

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
ENUMERATED: Final = 0x0A
UTF8_STRING: Final = 0x0C
GENERALIZED_TIME: Final = 0x18
UTC_TIME: Final = 0x17
SEQUENCE: Final = 0x30
SET: Final = 0x31

_MAX_LENGTH_OCTETS: Final = 3


def read_one(data: bytes, tag: int) -> bytes:
    """Content of the single element that `data` holds; it must have this tag."""
    found, content, end = _read(data, 0)
    if found != tag:
        raise ValueError(f"tag {found:#x} instead of {tag:#x}")
    if end != len(data):
        raise ValueError("bytes after the element")
    return content


def read_all(data: bytes) -> list[tuple[int, bytes]]:
    """Tag and content of the elements that fill `data`."""
    elements = []
    at = 0
    while at < len(data):
        tag, content, at = _read(data, at)
        elements.append((tag, content))
    return elements


def read_unsigned(content: bytes) -> int:
    """Value of the content of a non-negative INTEGER or ENUMERATED in its shortest form."""
    if not content or content[0] & 0x80:
        raise ValueError("integer is empty or negative")
    if len(content) > 1 and content[0] == 0 and not content[1] & 0x80:
        raise ValueError("integer has leading zeros")
    return int.from_bytes(content, "big")


def _read(data: bytes, at: int) -> tuple[int, bytes, int]:
    if at + 2 > len(data):
        raise ValueError("element ends early")
    tag, length = data[at], data[at + 1]
    at += 2
    if length & 0x80:
        octets = length & 0x7F
        if not 1 <= octets <= _MAX_LENGTH_OCTETS or at + octets > len(data):
            raise ValueError("bad length")
        length = int.from_bytes(data[at : at + octets], "big")
        if length < 0x80 or length >> (8 * (octets - 1)) == 0:
            raise ValueError("length is not in its shortest form")
        at += octets
    end = at + length
    if end > len(data):
        raise ValueError("element ends early")
    return tag, data[at:end], end


def element(tag: int, *contents: bytes) -> bytes:
    """One element around the concatenated contents."""
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def unsigned(value: int, tag: int = INTEGER) -> bytes:
    """A non-negative INTEGER (or ENUMERATED)."""
    return element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def boolean(value: bool) -> bytes:
    return element(BOOLEAN, b"\xff" if value else b"\x00")


def object_identifier(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER from its dotted form."""
    first, second, *arcs = (int(arc) for arc in dotted.split("."))
    return element(OBJECT_IDENTIFIER, bytes((40 * first + second,)), *(_base128(arc) for arc in arcs))


def _base128(arc: int) -> bytes:
    digits = [arc & 0x7F]
    while arc := arc >> 7:
        digits.append(arc & 0x7F | 0x80)
    return bytes(reversed(digits))
