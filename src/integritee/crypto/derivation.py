"""Secret URIs and derivation junctions.

Rules: `sp-core/src/crypto.rs` (`SecretUri`, `DeriveJunction`). A URI is

    [phrase | 0x-seed] (//hard | /soft)* [///password]

where a seed has 64 hex digits and a missing phrase stands for the public development phrase. A junction
becomes a 32-byte chain code: the SCALE encoding of its value, padded with zeros, or hashed with BLAKE2b-256
when longer than 32 bytes. A path element that reads as a u64 is that number, any other is a string.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from .errors import InvalidLength, InvalidSecretUri
from .hashing import blake2_256
from .mnemonic import mnemonic_to_mini_secret

DEV_PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"
CHAIN_CODE_LENGTH = 32
SEED_LENGTH = 32
MAX_URI_LENGTH = 4096
"""UTF-8 bytes of the longest accepted URI."""

_URI = re.compile(r"(?P<phrase>[^/]*)(?P<path>(?://?[^/]+)*)(?:///(?P<password>.*))?", re.DOTALL)
_PATH_ELEMENT = re.compile(r"/(/?)([^/]+)")
_HEX_SEED = re.compile(r"0x[0-9a-fA-F]{64}")
_UNSIGNED = re.compile(r"\+?[0-9]+")
_U64_MAX = 2**64 - 1


class Junction(NamedTuple):
    """One step of a derivation path."""

    chain_code: bytes
    is_hard: bool


@dataclass(frozen=True, slots=True)
class SecretUri:
    """What a URI says: the 32-byte root seed (mini secret) and the path from there."""

    seed: bytes = field(repr=False)
    path: tuple[Junction, ...] = field(repr=False)


def parse_secret_uri(uri: str) -> SecretUri:
    """Read a secret URI.

    An empty text is refused: it is more likely a lost setting than a wish for the development key.
    Raises `InvalidSecretUri` or `InvalidMnemonic`; neither quotes the URI.
    """
    if not uri:
        raise InvalidSecretUri("empty")
    try:
        length = len(uri.encode())
    except UnicodeEncodeError:
        raise InvalidSecretUri("not valid Unicode") from None
    if length > MAX_URI_LENGTH:
        raise InvalidSecretUri("too long")
    parts = _URI.fullmatch(uri)
    if parts is None:
        raise InvalidSecretUri("malformed path")
    phrase = parts["phrase"] or DEV_PHRASE
    return SecretUri(_root_seed(phrase, parts["password"] or ""), parse_path(parts["path"]))


def parse_path(path: str) -> tuple[Junction, ...]:
    """Read a path such as ``//hard/soft//7``; the empty path has no junctions."""
    elements = _PATH_ELEMENT.findall(path)
    if "".join(f"/{slash}{text}" for slash, text in elements) != path:
        raise InvalidSecretUri("malformed path")
    return tuple(Junction(_path_chain_code(text), bool(slash)) for slash, text in elements)


def hard_junction(data: bytes) -> bytes:
    """Chain code (32 bytes) of a byte-string junction, encoded as SCALE ``Vec<u8>``.

    With a 32-byte shard this gives the chain code of the shard's vault account.
    """
    return _chain_code(_compact_length(len(data)) + data)


def checked_chain_code(chain_code: bytes) -> bytes:
    """Return the chain code unchanged or raise `InvalidLength`."""
    if len(chain_code) != CHAIN_CODE_LENGTH:
        raise InvalidLength("chain code", expected=CHAIN_CODE_LENGTH, found=len(chain_code))
    return chain_code


def checked_seed(seed: bytes) -> bytes:
    """Return the seed unchanged or raise `InvalidLength`."""
    if len(seed) != SEED_LENGTH:
        raise InvalidLength("seed", expected=SEED_LENGTH, found=len(seed))
    return seed


def _root_seed(phrase: str, password: str) -> bytes:
    if not phrase.startswith("0x"):
        return mnemonic_to_mini_secret(phrase, password)
    if not _HEX_SEED.fullmatch(phrase):
        raise InvalidSecretUri("a hex seed needs 64 digits after 0x")
    return bytes.fromhex(phrase[2:])


def _path_chain_code(text: str) -> bytes:
    if _UNSIGNED.fullmatch(text) and (number := int(text)) <= _U64_MAX:
        return _chain_code(number.to_bytes(8, "little"))
    return hard_junction(text.encode())


def _chain_code(encoded: bytes) -> bytes:
    if len(encoded) > CHAIN_CODE_LENGTH:
        return blake2_256(encoded)
    return encoded.ljust(CHAIN_CODE_LENGTH, b"\0")


def _compact_length(length: int) -> bytes:
    """SCALE compact form of a length below 2^30."""
    if length < 1 << 6:
        return bytes([length << 2])
    if length < 1 << 14:
        return (length << 2 | 0b01).to_bytes(2, "little")
    return (length << 2 | 0b10).to_bytes(4, "little")
