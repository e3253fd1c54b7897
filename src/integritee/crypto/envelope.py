"""Messages to the holder of an X25519 key (RFC 7748), perhaps from another one: ephemeral keys, HKDF, AES-256-GCM.

    sealed   ephemeral public key 32 bytes ‖ ciphertext ‖ tag
    key      HKDF-SHA256(DH(ephemeral, recipient) ‖ DH(sender, recipient), salt = the public keys of all,
             info = "integritee/envelope/v1" ‖ context)        without a sender there is one secret and one key less

The idea is that of HPKE's base and authenticated modes (RFC 9180). One key seals one message, so its nonce is zero.
Whoever has the recipient's private key can also make what seems to come from the sender; others cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from .aead import KEY_LENGTH, NONCE_LENGTH, TAG_LENGTH, aead_open, aead_seal, derive_key
from .errors import AeadTampered, InvalidLength

LABEL: Final = b"integritee/envelope/v1"
ENVELOPE_OVERHEAD: Final = KEY_LENGTH + TAG_LENGTH
"""Bytes that a sealed message is longer than its plaintext."""
_NONCE: Final = bytes(NONCE_LENGTH)


def envelope_public(private: bytes) -> bytes:
    """The public key (32 bytes) of a private one (any 32 unpredictable bytes). Raises `InvalidLength`."""
    return _private(private).public_key().public_bytes_raw()


def envelope_seal(
    recipient: bytes,
    plaintext: bytes,
    context: bytes,
    random: Callable[[int], bytes],
    sender: bytes | None = None,
) -> bytes:
    """Seal for the public key `recipient`; with the private key `sender` it can be told who did.

    `context` has to be the same when it is opened. Raises `InvalidLength`; `AeadTampered` if `recipient` is no key.
    """
    ephemeral = random(KEY_LENGTH)
    secret = agree(ephemeral, recipient)
    keys = [envelope_public(ephemeral), recipient]
    if sender is not None:
        secret += agree(sender, recipient)
        keys.append(envelope_public(sender))
    key = derive_key(secret, LABEL + context, b"".join(keys))
    return keys[0] + aead_seal(key, _NONCE, plaintext, context)


def envelope_open(private: bytes, sealed: bytes, context: bytes, sender: bytes | None = None) -> bytes:
    """The plaintext of what was sealed for `private`, by the holder of the public key `sender` if one is given.

    Raises `AeadTampered` if anything differs.
    """
    if len(sealed) < ENVELOPE_OVERHEAD:
        raise AeadTampered
    ephemeral, ciphertext = sealed[:KEY_LENGTH], sealed[KEY_LENGTH:]
    secret = agree(private, ephemeral)
    keys = [ephemeral, envelope_public(private)]
    if sender is not None:
        secret += agree(private, sender)
        keys.append(sender)
    key = derive_key(secret, LABEL + context, b"".join(keys))
    return aead_open(key, _NONCE, ciphertext, context)


def _private(key: bytes) -> X25519PrivateKey:
    if len(key) != KEY_LENGTH:
        raise InvalidLength("X25519 key", expected=KEY_LENGTH, found=len(key))
    return X25519PrivateKey.from_private_bytes(key)


def agree(private: bytes, public: bytes) -> bytes:
    """The shared secret (32 bytes) of two X25519 keys. Raises `InvalidLength`; `AeadTampered` if `public` is no key.

    Points of small order, which would make it known to all, are no keys.
    """
    if len(public) != KEY_LENGTH:
        raise InvalidLength("X25519 key", expected=KEY_LENGTH, found=len(public))
    try:
        return _private(private).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise AeadTampered from None
