"""Authenticated encryption (AES-256-GCM, NIST SP 800-38D) and key derivation (HKDF-SHA256, RFC 5869).

The caller chooses the nonce, since only it knows what is unique: a counter, a block number, randomness.
Using one nonce twice under one key reveals both plaintexts and breaks authentication for good.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import AeadMessageTooLong, AeadTampered, InvalidLength

KEY_LENGTH = 32
NONCE_LENGTH = 12
TAG_LENGTH = 16
"""A sealed message is this much longer than its plaintext."""
MAX_MESSAGE_LENGTH = 1 << 30
"""Bytes of plaintext or associated data in one message."""


def derive_key(root: bytes, label: bytes, salt: bytes = b"") -> bytes:
    """The 32-byte key for one purpose.

    `root` is secret and unpredictable but need not be uniform, `label` names the purpose, `salt` is public
    and separates instances, such as shards or sessions.
    """
    return HKDF(algorithm=SHA256(), length=KEY_LENGTH, salt=salt or None, info=label).derive(root)


def aead_seal(key: bytes, nonce: bytes, plaintext: bytes, associated_data: bytes = b"") -> bytes:
    """Encrypt and authenticate; returns ciphertext ‖ 16-byte tag.

    `associated_data` is authenticated and not included. Key 32 bytes, nonce 12 bytes, never used before
    with this key. Raises `InvalidLength` or `AeadMessageTooLong`.
    """
    cipher = _cipher(key, nonce)
    _check_length(max(len(plaintext), len(associated_data)))
    return cipher.encrypt(nonce, plaintext, associated_data)


def aead_open(key: bytes, nonce: bytes, sealed: bytes, associated_data: bytes = b"") -> bytes:
    """Verify and decrypt what `aead_seal` returned for the same key, nonce and associated data.

    Raises `AeadTampered` if anything differs, `InvalidLength` or `AeadMessageTooLong`.
    """
    cipher = _cipher(key, nonce)
    _check_length(max(len(sealed) - TAG_LENGTH, len(associated_data)))
    try:
        return cipher.decrypt(nonce, sealed, associated_data)
    except InvalidTag:
        raise AeadTampered from None


class AeadKey:
    """A key that seals or opens many short messages. The cipher is set up once, which takes longer than a message.

    Nonces and lengths are the caller's to mind: 12 bytes, never used before; below `MAX_MESSAGE_LENGTH`.
    """

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        """Use a key of 32 bytes. Raises `InvalidLength`."""
        self._cipher = _cipher(key, bytes(NONCE_LENGTH))

    def seal(self, nonce: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
        """As `aead_seal`."""
        return self._cipher.encrypt(nonce, plaintext, associated_data)

    def open(self, nonce: bytes, sealed: bytes, associated_data: bytes) -> bytes:
        """As `aead_open`. Raises `AeadTampered`."""
        try:
            return self._cipher.decrypt(nonce, sealed, associated_data)
        except InvalidTag:
            raise AeadTampered from None


def _cipher(key: bytes, nonce: bytes) -> AESGCM:
    if len(key) != KEY_LENGTH:
        raise InvalidLength("key", expected=KEY_LENGTH, found=len(key))
    if len(nonce) != NONCE_LENGTH:
        raise InvalidLength("nonce", expected=NONCE_LENGTH, found=len(nonce))
    return AESGCM(key)


def _check_length(length: int) -> None:
    if length > MAX_MESSAGE_LENGTH:
        raise AeadMessageTooLong(limit=MAX_MESSAGE_LENGTH, found=length)
