"""Blocks and extrinsics as the node handles them.

An extrinsic is opaque: always its full SCALE form, compact length prefix included, as clients send it, bodies
hold it and its hash covers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from integritee.crypto import blake2_256
from integritee.primitives.header import Header
from integritee.scale import decode, decode_compact, encode_compact
from integritee.scale.errors import TrailingBytes, UnexpectedEnd


@dataclass(frozen=True)
class Block:
    """A header, seal included, and its extrinsics."""

    header: Header
    extrinsics: tuple[bytes, ...]

    @cached_property
    def hash(self) -> bytes:
        return self.header.hash()

    @property
    def number(self) -> int:
        return self.header.number


def extrinsic_hash(extrinsic: bytes) -> bytes:
    """blake2_256 of the whole encoding: the hash that RPC and pool use."""
    return blake2_256(extrinsic)


def checked_extrinsic(extrinsic: bytes) -> bytes:
    """The extrinsic itself if its length prefix fits. Raises UnexpectedEnd, TrailingBytes, NonCanonicalCompact."""
    length, start = decode_compact(extrinsic)
    end = start + length
    if end > len(extrinsic):
        raise UnexpectedEnd(start, length, len(extrinsic) - start)
    if end < len(extrinsic):
        raise TrailingBytes(end, len(extrinsic))
    return extrinsic


def encode_body(extrinsics: Sequence[bytes]) -> bytes:
    """Vec<OpaqueExtrinsic>."""
    return encode_compact(len(extrinsics)) + b"".join(extrinsics)


def decode_body(data: bytes) -> tuple[bytes, ...]:
    """Extrinsics of a Vec<OpaqueExtrinsic>, each with its length prefix. Raises DecodeError."""
    return tuple(encode_compact(len(inner)) + inner for inner in decode(list[bytes], data))
