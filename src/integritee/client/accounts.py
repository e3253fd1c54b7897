"""Accounts as people write them (worker `cli/src/command_utils.rs`, `trusted_command_utils.rs`).

    //Alice               a development account                recipient  owner  signer
    5Grw…                 an SS58 address of any network       recipient  owner  signer, if the key store has it
    0x and 64 digits      a secret seed, not a public key                 owner  signer
    bottom drive obey …   a secret phrase                                 owner  signer

A recipient is never named by its secret: what looks like a public key in hex would be taken for a seed, and
the funds would be lost. No error repeats a text, which may be a secret with a typing error.
"""

from __future__ import annotations

from integritee.crypto import CryptoError, KeyPair, Sr25519Pair, ss58_decode

from .errors import UnknownAccount
from .keystore import KeyStore


def recipient(text: str) -> bytes:
    """The account (32 bytes) that a text names without its secret. Raises UnknownAccount."""
    if text.startswith("//"):
        return _from_secret(text).public
    account = _address(text)
    if account is None:
        raise UnknownAccount("a recipient is an SS58 address or a development account such as //Alice")
    return account


def owner(text: str) -> bytes:
    """The account (32 bytes) that a text names, by its secret or without. Raises UnknownAccount."""
    account = _address(text)
    return _from_secret(text).public if account is None else account


def signer(text: str, store: KeyStore) -> KeyPair:
    """The key pair that a text names; sr25519 unless the store says otherwise.

    Raises UnknownAccount, UnusableKeyFile.
    """
    account = _address(text)
    return _from_secret(text) if account is None else store.pair(account)


def _address(text: str) -> bytes | None:
    try:
        return ss58_decode(text)[0]
    except CryptoError:
        return None


def _from_secret(text: str) -> Sr25519Pair:
    try:
        return Sr25519Pair.from_uri(text)
    except CryptoError:
        raise UnknownAccount("neither an SS58 address, nor //Path, a hex seed or a secret phrase") from None
