"""Key stores on disk: one file per key (Substrate `client/keystore`, without a password).

A file's name is the hex of its four-byte key type and of its public key, its content the secret phrase as a JSON
string. `integritee-cli` keeps parentchain accounts in ``./my_keystore`` and the accounts of a shard in
``./my_trusted_keystore/<shard in base58>``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

import base58

from integritee.crypto import CryptoError, Ed25519Pair, KeyPair, Sr25519Pair, generate_mnemonic, ss58_encode

from .errors import UnknownAccount, UnusableKeyFile

BASE_DIRECTORY: Final = Path("my_keystore")
TRUSTED_DIRECTORY: Final = Path("my_trusted_keystore")

SR25519: Final = b"sr25"
ED25519: Final = b"ed25"

MAX_FILE_SIZE: Final = 4096
"""Bytes of the longest key file that is read."""

_PAIRS: Final[dict[bytes, type[Sr25519Pair] | type[Ed25519Pair]]] = {SR25519: Sr25519Pair, ED25519: Ed25519Pair}


class KeyStore:
    """Keys in a directory, which is created with the first key."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def base(cls) -> KeyStore:
        """Parentchain accounts, below the current directory."""
        return cls(BASE_DIRECTORY)

    @classmethod
    def trusted(cls, shard: bytes) -> KeyStore:
        """Accounts of a shard (32 bytes), below the current directory."""
        return cls(TRUSTED_DIRECTORY / base58.b58encode(shard).decode())

    def generate(self) -> Sr25519Pair:
        """A fresh sr25519 key with a phrase of twelve words."""
        phrase = generate_mnemonic()
        pair = Sr25519Pair.from_uri(phrase)
        self.insert(SR25519, phrase, pair.public)
        return pair

    def insert(self, key_type: bytes, secret_uri: str, public: bytes) -> None:
        """Store a key; its file is readable by its owner only."""
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self._path(key_type, public)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(secret_uri, ensure_ascii=False))

    def remove(self, key_type: bytes, public: bytes) -> None:
        """Forget a key for good; nothing if it is not there."""
        self._path(key_type, public).unlink(missing_ok=True)

    def public_keys(self, key_type: bytes) -> list[bytes]:
        """Public keys of one type, in the order of their files' names."""
        if not self.directory.is_dir():
            return []
        names = sorted(path.name for path in self.directory.iterdir())
        return [key[4:] for name in names if (key := _parse_name(name)) is not None and key[:4] == key_type]

    def pair(self, public: bytes) -> KeyPair:
        """The pair of a public key, of either type. Raises UnknownAccount, UnusableKeyFile."""
        for key_type, scheme in _PAIRS.items():
            path = self._path(key_type, public)
            if path.is_file():
                return _load(path, scheme, public)
        raise UnknownAccount(f"the secret of {ss58_encode(public)} is not in {self.directory}")

    def _path(self, key_type: bytes, public: bytes) -> Path:
        return self.directory / (key_type + public).hex()


def _parse_name(name: str) -> bytes | None:
    """Key type and public key in a file's name; None if it is no key's."""
    try:
        key = bytes.fromhex(name)
    except ValueError:
        return None
    return key if len(key) == 36 else None


def _load(path: Path, scheme: type[Sr25519Pair] | type[Ed25519Pair], public: bytes) -> KeyPair:
    with path.open("rb") as file:
        content = file.read(MAX_FILE_SIZE + 1)
    try:
        secret_uri = json.loads(content[:MAX_FILE_SIZE])
    except ValueError:
        secret_uri = None
    if not isinstance(secret_uri, str):
        raise UnusableKeyFile(str(path), "no secret phrase as a JSON string")
    try:
        pair = scheme.from_uri(secret_uri)
    except CryptoError:
        raise UnusableKeyFile(str(path), "no usable secret phrase") from None
    if pair.public != public:
        raise UnusableKeyFile(str(path), "the phrase is another key's")
    return pair
