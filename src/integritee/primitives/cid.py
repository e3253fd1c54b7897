"""Content identifiers of files, as `ipfs add` computes them, so that nobody's word for one has to be taken.

    content ─ chunks of 256 KiB ─ leaves ─ nodes of up to 174 links, level by level ─ root

    v0   leaf = dag-pb node with the chunk        text = base58(multihash), 46 characters "Qm…"
    v1   leaf = the chunk itself (codec raw)      text = "b" ‖ base32(1 ‖ codec ‖ multihash), 59 characters

    multihash  0x12 0x20 ‖ SHA-256(block)
    node       link* ‖ 0x0a length data                     protobuf PBNode: the links come first
    link       0x12 length (0x0a length hash ‖ 0x12 0 ‖ 0x18 size)       size of all blocks below, this one included
    data       8 2 ‖ (0x12 length chunk)? ‖ 0x18 file size ‖ (0x20 size below)*             UnixFS, type File

All leaves are at one depth (balanced layout); content of one chunk has its leaf for a root.

Sources: IPLD dag-pb, UnixFS and multiformats CID specifications; Kubo's defaults for `ipfs add` (v0) and
`ipfs add --cid-version=1`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import base58

from .ipfs import MAX_CID_LENGTH, InvalidCid

CHUNK_BYTES: Final = 256 * 1024
"""Content of one leaf."""

MAX_LINKS: Final = 174
"""Children of one node."""

CID_V0_LENGTH: Final = 46
"""Characters of a CID of version 0."""

_SHA2_256: Final = b"\x12\x20"
_DAG_PB: Final = 0x70
_RAW: Final = 0x55


@dataclass(frozen=True, slots=True)
class Cid:
    """Identifier of a block: `codec` says what it is, `digest` is its SHA-256 (32 bytes)."""

    version: int
    codec: int
    digest: bytes

    @classmethod
    def parse(cls, text: str) -> Cid:
        """Read the text form. Raises InvalidCid."""
        try:
            found = cls._of_bytes(*_unbased(text))
        except (ValueError, binascii.Error):
            raise InvalidCid(text) from None
        if found is None or str(found) != text:  # there is one text for each
            raise InvalidCid(text)
        return found

    @classmethod
    def _of_bytes(cls, version: int, data: bytes) -> Cid | None:
        codec = data[1] if version and len(data) > 1 and data[0] == 1 else _DAG_PB
        multihash = data[2:] if version else data
        if len(multihash) != 34 or multihash[:2] != _SHA2_256 or codec not in (_DAG_PB, _RAW):
            return None
        return cls(version, codec, multihash[2:])

    def __bytes__(self) -> bytes:
        """As links have it."""
        return (bytes((1, self.codec)) if self.version else b"") + _SHA2_256 + self.digest

    def __str__(self) -> str:
        if not self.version:
            return base58.b58encode(bytes(self)).decode()
        return "b" + base64.b32encode(bytes(self)).decode().lower().rstrip("=")

    def is_of(self, content: bytes) -> bool:
        """Whether `content` is the file that this identifies."""
        return self.of(content) == self

    def of(self, content: bytes) -> Cid:
        """The identifier of another content, in this one's version."""
        return cid_of(_chunks(content), self.version)


def cid_v0(content: bytes) -> str:
    """What `ipfs add` prints for a file: 46 characters."""
    return str(cid_of(_chunks(content), 0))


def cid_v1(content: bytes) -> str:
    """What `ipfs add --cid-version=1` prints for a file: 59 characters."""
    return str(cid_of(_chunks(content), 1))


def cid_of(pieces: Iterable[bytes], version: int) -> Cid:
    """Identifier of the content that comes in pieces of any size; all but a link for each chunk is forgotten."""
    level = [_leaf(chunk, version) for chunk in _rechunked(pieces)]
    while len(level) > 1:
        level = [_parent(level[start : start + MAX_LINKS], version) for start in range(0, len(level), MAX_LINKS)]
    return level[0].cid


@dataclass(frozen=True, slots=True)
class _Link:
    """A block: its identifier, the bytes of it and all blocks below, and how much of the file is in them."""

    cid: Cid
    size: int
    content: int


def _leaf(chunk: bytes, version: int) -> _Link:
    if version:
        return _Link(_identify(chunk, version, _RAW), len(chunk), len(chunk))
    data = b"\x08\x02" + (_bytes(0x12, chunk) if chunk else b"") + b"\x18" + _varint(len(chunk))
    block = _bytes(0x0A, data)
    return _Link(_identify(block, version, _DAG_PB), len(block), len(chunk))


def _parent(children: list[_Link], version: int) -> _Link:
    content = sum(child.content for child in children)
    links = b"".join(
        _bytes(0x12, _bytes(0x0A, bytes(child.cid)) + b"\x12\x00\x18" + _varint(child.size)) for child in children
    )
    sizes = b"".join(b"\x20" + _varint(child.content) for child in children)
    block = links + _bytes(0x0A, b"\x08\x02\x18" + _varint(content) + sizes)
    return _Link(_identify(block, version, _DAG_PB), len(block) + sum(child.size for child in children), content)


def _identify(block: bytes, version: int, codec: int) -> Cid:
    return Cid(version, codec, hashlib.sha256(block).digest())


def _bytes(tag: int, data: bytes) -> bytes:
    """A protobuf field of bytes."""
    return bytes((tag,)) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _chunks(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), CHUNK_BYTES):
        yield content[start : start + CHUNK_BYTES]


def _rechunked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in chunks; one empty chunk if there are none."""
    pending, is_empty = bytearray(), True
    for piece in pieces:
        pending += piece
        while len(pending) >= CHUNK_BYTES:
            yield bytes(pending[:CHUNK_BYTES])
            del pending[:CHUNK_BYTES]
            is_empty = False
    if pending or is_empty:
        yield bytes(pending)


def _unbased(text: str) -> tuple[int, bytes]:
    """Version, and the bytes behind a text. Raises ValueError."""
    if len(text) > MAX_CID_LENGTH or not text.isascii():
        raise ValueError(text)
    if text.startswith("b"):
        digits = text[1:].upper()
        return 1, base64.b32decode(digits + "=" * (-len(digits) % 8))
    return 0, base58.b58decode(text)
