"""A relayed note as it lies on IPFS: sealed, so that whoever keeps it sees no more than its length in steps.

    content  nonce 12 ‖ AES-256-GCM(key, nonce, plain, associated data "integritee/relayed-note/v1")
    plain    text as SCALE (compact length ‖ UTF-8) ‖ zeros up to a multiple of 1024
    nonce    the first 12 bytes of HKDF-SHA256(key, info "integritee/relayed-note/v1 nonce", salt = hash of the call)
    key      the sender's; else HKDF-SHA256(state key, info "integritee/relayed-note/v1 key", salt = hash of the call)

The hash of the call is that of the trusted operation that sent the note. No two have the same, so a sender may use a
key for many notes; and every enclave of a shard makes the same content of a call.
"""

from __future__ import annotations

from typing import Final

from integritee.crypto import aead_open, aead_seal, derive_key
from integritee.crypto.aead import NONCE_LENGTH, TAG_LENGTH
from integritee.crypto.errors import AeadTampered
from integritee.primitives.ipfs import MAX_CONTENT_BYTES, MAX_NOTE_BYTES, ContentTooLong, ContentUnreadable
from integritee.scale import DecodeError, codec

LABEL: Final = b"integritee/relayed-note/v1"

PADDING: Final = 1024
"""Bytes of a step in length."""

MAX_SEALED_BYTES: Final = NONCE_LENGTH + MAX_NOTE_BYTES + 4 + PADDING + TAG_LENGTH
assert MAX_SEALED_BYTES <= MAX_CONTENT_BYTES

_TEXT: Final = codec(str)


def own_key(state_key: bytes, top_hash: bytes) -> bytes:
    """The key (32 bytes) of a note whose sender brings none."""
    return derive_key(state_key, LABEL + b" key", top_hash)


def seal_note(key: bytes, text: str, top_hash: bytes) -> bytes:
    """The content for a note that operation `top_hash` sends. Raises ContentTooLong."""
    plain = _TEXT.encode(text)
    if len(plain) > MAX_NOTE_BYTES + 4:
        raise ContentTooLong(len(text.encode()), MAX_NOTE_BYTES)
    nonce = derive_key(key, LABEL + b" nonce", top_hash)[:NONCE_LENGTH]
    return nonce + aead_seal(key, nonce, plain + bytes(-len(plain) % PADDING), LABEL)


def open_note(key: bytes, content: bytes) -> str:
    """The text in the content of a note. Raises ContentTooLong, ContentUnreadable."""
    if len(content) > MAX_SEALED_BYTES:
        raise ContentTooLong(len(content), MAX_SEALED_BYTES)
    if len(content) < NONCE_LENGTH + TAG_LENGTH:
        raise ContentUnreadable
    try:
        plain = aead_open(key, content[:NONCE_LENGTH], content[NONCE_LENGTH:], LABEL)
        text, _ = _TEXT.decode_prefix(plain)
    except (AeadTampered, DecodeError):
        raise ContentUnreadable from None
    found: str = text
    return found
