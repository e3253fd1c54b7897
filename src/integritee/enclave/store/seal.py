"""Sealed files: AES-256-GCM messages under a key that belongs to one file only.

    header   "ITEE" ‖ version u8 ‖ TEE kind u8 ‖ label (SCALE str) ‖ counter u64 ‖ salt 16 bytes
    key      HKDF-SHA256(seal key, salt = header salt, info = "integritee/store/" ‖ label)
    nonce    index of the message in the file, 12 bytes little-endian
    AAD      header ‖ tag of the message before (zeros for the first)

The host can restore any older state of the disk, so no counter of ours is sure to be new; a file's salt,
drawn at random when the file is created, is. A file is written by one process once, front to back, and
never continued later: thus no nonce is used twice under one key whatever the host puts back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from integritee.crypto import aead_open, aead_seal, derive_key
from integritee.crypto.aead import KEY_LENGTH, NONCE_LENGTH, TAG_LENGTH
from integritee.crypto.errors import AeadTampered, InvalidLength
from integritee.scale import Bounded, Bytes4, Bytes16, DecodeError, Struct, codec, u8, u64

from .errors import SealBroken, WrongCounter, WrongKind, WrongLabel, WrongVersion

MAGIC: Final = b"ITEE"
VERSION: Final = 1
SALT_LENGTH: Final = 16
MAX_LABEL: Final = 32
"""Bytes of a file's label."""

NO_TAG: Final = bytes(TAG_LENGTH)
"""Stands before the first message of a file, and before the first record of all."""

Random = Callable[[int], bytes]
"""So many unpredictable bytes."""


class Header(Struct, frozen=True):
    """What a sealed file says about itself: readable by all, alterable by nobody."""

    magic: Bytes4
    version: u8
    kind: u8
    label: Annotated[str, Bounded(MAX_LABEL)]
    counter: u64
    salt: Bytes16


_HEADER: Final = codec(Header)
_FIXED_LENGTH: Final = len(_HEADER.encode(Header(MAGIC, VERSION, 0, "", 0, bytes(SALT_LENGTH))))


MAX_HEADER: Final = _FIXED_LENGTH + MAX_LABEL
"""Enough bytes of a file to hold its header."""


def header_length(label: str) -> int:
    """Bytes of the header of a file with this label."""
    return _FIXED_LENGTH + len(label)


class FileCipher:
    """Seals and opens the messages of one file."""

    __slots__ = ("_key", "header", "prefix")

    def __init__(self, key: bytes, header: Header, prefix: bytes) -> None:
        self._key = key
        self.header = header
        self.prefix = prefix
        """The encoded header: the file's first bytes."""

    def seal(self, index: int, previous: bytes, message: bytes) -> bytes:
        """Ciphertext ‖ tag of message number `index`, which follows the message with tag `previous`."""
        return aead_seal(self._key, _nonce(index), message, self.prefix + previous)

    def open(self, index: int, previous: bytes, sealed: bytes) -> bytes | None:
        """The message, or None if anything differs from what was sealed."""
        try:
            return aead_open(self._key, _nonce(index), sealed, self.prefix + previous)
        except AeadTampered:
            return None


class Sealer:
    """Makes and recognises the sealed files of one enclave on one kind of TEE."""

    __slots__ = ("_key", "_kind", "_random")

    def __init__(self, key: bytes, kind: int, random: Random) -> None:
        """`key` is the TEE's 32-byte sealing key, `kind` its number (0…255), written into every file."""
        if len(key) != KEY_LENGTH:
            raise InvalidLength("seal key", expected=KEY_LENGTH, found=len(key))
        self._key = key
        self._kind = kind
        self._random = random

    def new_file(self, label: str, counter: int) -> FileCipher:
        """The cipher for a file about to be written."""
        header = Header(MAGIC, VERSION, self._kind, label, counter, self._random(SALT_LENGTH))
        return self._cipher(header, _HEADER.encode(header))

    def open_file(self, name: str, data: bytes, label: str, counter: int | None = None) -> FileCipher:
        """The cipher for the file `name` that begins with `data`.

        The header is authenticated only by opening a message with the cipher. Raises `SealBroken`,
        `WrongVersion`, `WrongKind`, `WrongLabel`, or `WrongCounter` unless `counter` is None.
        """
        if data[: len(MAGIC)] != MAGIC or len(data) < _FIXED_LENGTH:
            raise SealBroken(name)
        if data[len(MAGIC)] != VERSION:
            raise WrongVersion(name, expected=VERSION, found=data[len(MAGIC)])
        try:
            header, end = _HEADER.decode_prefix(data)
        except DecodeError:
            raise SealBroken(name) from None
        if header.kind != self._kind:
            raise WrongKind(name, expected=self._kind, found=header.kind)
        if header.label != label:
            raise WrongLabel(name, expected=label, found=header.label)
        if counter is not None and header.counter != counter:
            raise WrongCounter(name, expected=counter, found=header.counter)
        return self._cipher(header, data[:end])

    def seal_blob(self, label: str, counter: int, message: bytes) -> bytes:
        """A whole sealed file holding one message."""
        cipher = self.new_file(label, counter)
        return cipher.prefix + cipher.seal(0, NO_TAG, message)

    def open_blob(self, name: str, blob: bytes, label: str) -> tuple[int, bytes]:
        """Counter and message of a file from `seal_blob`. Raises as `open_file`."""
        cipher = self.open_file(name, blob, label)
        sealed = blob[len(cipher.prefix) :]
        message = cipher.open(0, NO_TAG, sealed)
        if message is None:
            raise SealBroken(name)
        return cipher.header.counter, message

    def _cipher(self, header: Header, prefix: bytes) -> FileCipher:
        key = derive_key(self._key, b"integritee/store/" + header.label.encode(), header.salt)
        return FileCipher(key, header, prefix)


def _nonce(index: int) -> bytes:
    return index.to_bytes(NONCE_LENGTH, "little")
