"""A shard in a file that only its custodians can open, together.

    file      "ITEEXPRT" ‖ version u8 ‖ length u32 ‖ header ‖ length u32 ‖ evidence ‖ frame*          (little-endian)
    frame     length u32 ‖ ciphertext ‖ tag
    message   1 in the last one, else 0, u8 ‖ the secrets in the first one, then a piece of the state's entries
    entry     length of key u32 ‖ length of value u32 ‖ key ‖ value
    identity  SHA-256("integritee/bundle/v1" ‖ header)
    key       HKDF-SHA256(data key, salt = identity, info = "integritee/bundle/v1")
    nonce     index of the frame, 12 bytes; associated data: identity

The data key is drawn for one bundle and divided (`shamir`); each share is sealed to one custodian, and the header has
its hash, so that a wrong one is known. The identity covers the header with all that, the evidence of the exporting
enclave covers the identity: nobody else can make a bundle that a custodian takes for real. Reading and writing hold a
piece of the file in memory at a time.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, BinaryIO, Final

from integritee.boundary.messages import MAX_CUSTODIANS
from integritee.crypto import aead_open, aead_seal, derive_key
from integritee.crypto.aead import NONCE_LENGTH, TAG_LENGTH
from integritee.crypto.envelope import ENVELOPE_OVERHEAD
from integritee.crypto.errors import AeadTampered
from integritee.primitives.ids import H256, AccountId, ShardIdentifier
from integritee.scale import Bounded, Bytes32, DecodeError, Struct, codec, u8, u64

from ..attestation.report_data import Binding, Purpose
from ..attestation.tee import Evidence
from .errors import BundleTampered, BundleTooLarge, NotABundle

MAGIC: Final = b"ITEEXPRT"
VERSION: Final = 1
LABEL: Final = b"integritee/bundle/v1"

SHARE_LENGTH: Final = 32
MAX_HEADER: Final = 64 << 10
MAX_EVIDENCE: Final = 1 << 20
MAX_SECRETS: Final = 33 << 20
"""Bytes of the first message: what belongs to a state and what an enclave has under way, 16 MiB each, and keys."""
CHUNK: Final = 1 << 20
"""Bytes of entries in one message."""
MAX_ENTRY: Final = 64 << 20
"""Bytes of one entry, as in snapshots."""
MAX_FRAMES: Final = 1 << 20
"""Frames of one file: a tebibyte."""

_LENGTH: Final = struct.Struct("<I")
_LENGTHS: Final = struct.Struct("<II")


class SealedShare(Struct, frozen=True):
    """One custodian's: his X25519 public key, the hash of his share (`share_hash`), and the share sealed to him."""

    custodian: Bytes32
    hash: H256
    sealed: Annotated[bytes, Bounded(SHARE_LENGTH + ENVELOPE_OVERHEAD)]


class BundleHeader(Struct, frozen=True):
    """What a bundle says of itself, for all to read. Which state it holds, which enclave exported it (measurement,
    account, public shielding key as JSON) and when (unix ms, as its host said), and who can open it."""

    shard: ShardIdentifier
    genesis: H256
    number: u64
    hash: H256
    state_root: H256
    entries: u64
    state_bytes: u64
    measurement: H256
    account: AccountId
    shielding_key: Annotated[bytes, Bounded(16 << 10)]
    exported_at: u64
    nonce: Bytes32
    threshold: u8
    shares: Annotated[list[SealedShare], Bounded(MAX_CUSTODIANS)]

    @property
    def identity(self) -> bytes:
        """The 32 bytes by which custodians know a bundle."""
        return hashlib.sha256(LABEL + HEADER.encode(self)).digest()

    @property
    def custodians(self) -> list[bytes]:
        return [share.custodian for share in self.shares]

    def binding(self) -> Binding:
        """What the evidence in a bundle has to vouch for."""
        return Binding(
            purpose=Purpose.SHARD_EXPORT,
            account=self.account,
            tls_public_key=b"",
            shielding_key=self.shielding_key,
            genesis_hash=self.genesis,
            shard=self.shard,
            challenge=self.identity,
        )


class BundleSecrets(Struct, frozen=True):
    """What no host sees. The keys that enclaves of a shard share, what belongs to the state beside its entries, and
    the enclave's own identity (`adoption`)."""

    shielding_key: bytes
    state_key: Bytes32
    meta: bytes
    estate: bytes

    def __repr__(self) -> str:
        return "BundleSecrets()"


HEADER: Final = codec(BundleHeader)
EVIDENCE: Final = codec(Evidence)
SECRETS: Final = codec(BundleSecrets)


@dataclass(frozen=True)
class BundleFront:
    """The readable part of a bundle."""

    header: BundleHeader
    evidence: Evidence


def share_context(nonce: bytes, index: int) -> bytes:
    """What share `index` (from 1) of a bundle is sealed with."""
    return b"share" + nonce + bytes((index,))


def share_hash(nonce: bytes, index: int, share: bytes) -> bytes:
    """Tells a share from a wrong one; being random, it cannot be guessed from this."""
    return hashlib.sha256(LABEL + share_context(nonce, index) + share).digest()


def write_bundle(
    file: BinaryIO,
    front: BundleFront,
    data_key: bytes,
    secrets: BundleSecrets,
    items: Iterable[tuple[bytes, bytes]],
) -> None:
    """Write a bundle. Raises BundleTooLarge, OSError."""
    first = SECRETS.encode(secrets)
    if len(first) > MAX_SECRETS:
        raise BundleTooLarge(len(first), MAX_SECRETS)
    header, evidence = HEADER.encode(front.header), EVIDENCE.encode(front.evidence)
    file.write(MAGIC + bytes((VERSION,)))
    file.write(_LENGTH.pack(len(header)) + header + _LENGTH.pack(len(evidence)) + evidence)
    seal = _Frames(data_key, front.header.identity)
    file.write(seal.frame(b"\0" + first))
    pending = bytearray()
    for key, value in items:
        pending += _LENGTHS.pack(len(key), len(value)) + key + value
        while len(pending) > CHUNK:
            file.write(seal.frame(b"\0" + pending[:CHUNK]))
            del pending[:CHUNK]
    file.write(seal.frame(b"\1" + pending))


def read_front(file: BinaryIO) -> BundleFront:
    """The readable part, from the beginning of a file. Nothing in it is verified. Raises NotABundle, OSError."""
    if file.read(len(MAGIC)) != MAGIC:
        raise NotABundle("it begins otherwise")
    if (version := file.read(1)) != bytes((VERSION,)):
        raise NotABundle(f"format version {version.hex()}")
    try:
        header: BundleHeader = HEADER.decode(_block(file, MAX_HEADER))
        evidence: Evidence = EVIDENCE.decode(_block(file, MAX_EVIDENCE))
    except DecodeError as malformed:
        raise NotABundle(malformed.code) from None
    return BundleFront(header, evidence)


def read_content(file: BinaryIO, header: BundleHeader, data_key: bytes) -> tuple[BundleSecrets, Iterator[bytes]]:
    """Secrets, and pieces of the entries as they are read; the file stands behind its readable part.

    The first raises BundleTampered if the data key is wrong, the pieces when they come to what was altered.
    """
    frames = _Frames(data_key, header.identity)
    is_last, first = frames.read(file, MAX_SECRETS)
    try:
        secrets: BundleSecrets = SECRETS.decode(first)
    except DecodeError:
        raise BundleTampered("secrets") from None
    if is_last:
        raise BundleTampered("state")
    return secrets, _pieces(file, frames)


def entries_of(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Entries of the state. Raises BundleTampered as the pieces do, or if one is not whole."""
    data = bytearray()
    for piece in pieces:
        data += piece
        at = 0
        while len(data) - at >= _LENGTHS.size:
            key_length, value_length = _LENGTHS.unpack_from(data, at)
            if key_length + value_length > MAX_ENTRY:
                raise BundleTampered("an entry's length")
            start, middle = at + _LENGTHS.size, at + _LENGTHS.size + key_length
            if middle + value_length > len(data):
                break
            yield bytes(data[start:middle]), bytes(data[middle : middle + value_length])
            at = middle + value_length
        del data[:at]
    if data:
        raise BundleTampered("the last entry")


def _pieces(file: BinaryIO, frames: _Frames) -> Iterator[bytes]:
    is_last = False
    while not is_last:
        is_last, piece = frames.read(file, CHUNK)
        yield piece
    if file.read(1):
        raise BundleTampered("bytes behind the end")


class _Frames:
    """Seals or opens the messages of one bundle in order."""

    def __init__(self, data_key: bytes, identity: bytes) -> None:
        self._key, self._identity = derive_key(data_key, LABEL, identity), identity
        self._index = 0

    def frame(self, message: bytes | bytearray) -> bytes:
        sealed = aead_seal(self._key, self._nonce(), bytes(message), self._identity)
        return _LENGTH.pack(len(sealed)) + sealed

    def read(self, file: BinaryIO, limit: int) -> tuple[bool, bytes]:
        """Whether it is the last message, and what it holds. Raises BundleTampered."""
        head = file.read(_LENGTH.size)
        length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
        if not TAG_LENGTH < length <= limit + 1 + TAG_LENGTH or self._index >= MAX_FRAMES:
            raise BundleTampered(f"frame {self._index}")
        sealed = file.read(length)
        if len(sealed) != length:  # the tag says nothing about the length
            raise BundleTampered(f"frame {self._index}")
        try:
            message = aead_open(self._key, self._nonce(), sealed, self._identity)
        except AeadTampered:
            raise BundleTampered(f"frame {self._index - 1}") from None
        return message[0] == 1, message[1:]

    def _nonce(self) -> bytes:
        nonce = self._index.to_bytes(NONCE_LENGTH, "little")
        self._index += 1
        return nonce


def _block(file: BinaryIO, limit: int) -> bytes:
    head = file.read(_LENGTH.size)
    length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else limit + 1
    data = file.read(length) if length <= limit else b""
    if len(data) != length:
        raise NotABundle("it is cut off, or a part is too long")
    return data
