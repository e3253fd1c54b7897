"""SS58 addresses: base58(prefix ‖ account ‖ checksum) for 32-byte accounts.

Format: `sp-core/src/crypto.rs` (`Ss58Codec`) and the SS58 registry. The checksum is the first two bytes of
BLAKE2b-512("SS58PRE" ‖ prefix ‖ account). Prefixes 0..=63 take one byte; 64..=16383 take two, whose bit
layout is ``01 p7…p2 | p1 p0 p13…p8``.

Decoding is strict: each account and prefix has exactly one text.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from base58 import b58decode, b58encode

from .errors import InvalidLength, InvalidSs58Prefix, InvalidSs58Text, Ss58ChecksumMismatch

ACCOUNT_LENGTH = 32
CHECKSUM_LENGTH = 2
DEFAULT_PREFIX = 42
MAX_PREFIX = 0x3FFF
RESERVED_PREFIXES = frozenset({46, 47})
"""Kept free by the registry for future formats; no network may use them."""
MAX_TEXT_LENGTH = 50
"""base58 characters of the longest address: 36 bytes."""

_CHECKSUM_CONTEXT = b"SS58PRE"
_BASE58 = re.compile(r"[1-9A-HJ-NP-Za-km-z]+")


def ss58_encode(account: bytes, prefix: int = DEFAULT_PREFIX) -> str:
    """Write a 32-byte account as the address of the network `prefix` (0..=16383).

    Raises `InvalidLength` or `InvalidSs58Prefix`.
    """
    if len(account) != ACCOUNT_LENGTH:
        raise InvalidLength("account", expected=ACCOUNT_LENGTH, found=len(account))
    body = _encode_prefix(prefix) + account
    text: str = b58encode(body + _checksum(body)).decode("ascii")
    return text


def ss58_decode(text: str) -> tuple[bytes, int]:
    """Read an address; returns the 32-byte account and the network prefix.

    Raises `InvalidSs58Text`, `InvalidSs58Prefix` or `Ss58ChecksumMismatch`.
    """
    if len(text) > MAX_TEXT_LENGTH:
        raise InvalidSs58Text("too long")
    # The library would forgive trailing white space.
    if not _BASE58.fullmatch(text):
        raise InvalidSs58Text("not base58")
    data: bytes = b58decode(text)
    prefix_length = 1 if data[0] < 0x40 else 2
    if len(data) != prefix_length + ACCOUNT_LENGTH + CHECKSUM_LENGTH:
        raise InvalidSs58Text("wrong length")
    prefix = _decode_prefix(data[:prefix_length])
    body, found = data[:-CHECKSUM_LENGTH], data[-CHECKSUM_LENGTH:]
    expected = _checksum(body)
    if found != expected:
        raise Ss58ChecksumMismatch(expected=expected, found=found)
    return body[prefix_length:], prefix


def _encode_prefix(prefix: int) -> bytes:
    if not 0 <= prefix <= MAX_PREFIX or prefix in RESERVED_PREFIXES:
        raise InvalidSs58Prefix(prefix)
    if prefix < 0x40:
        return bytes([prefix])
    return bytes([0x40 | (prefix >> 2 & 0x3F), (prefix & 0b11) << 6 | prefix >> 8])


def _decode_prefix(data: bytes) -> int:
    if len(data) == 1:
        prefix = data[0]
        if prefix in RESERVED_PREFIXES:
            raise InvalidSs58Prefix(prefix)
        return prefix
    if data[0] >= 0x80:
        raise InvalidSs58Prefix(data[0])
    prefix = (data[0] & 0x3F) << 2 | data[1] >> 6 | (data[1] & 0x3F) << 8
    if prefix < 0x40:
        raise InvalidSs58Prefix(prefix)
    return prefix


def _checksum(body: bytes) -> bytes:
    return blake2b(_CHECKSUM_CONTEXT + body).digest()[:CHECKSUM_LENGTH]
