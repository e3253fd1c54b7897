"""Mnemonic phrases: BIP-39 words (English), turned into a mini secret the way of `substrate-bip39`.

Unlike BIP-39 proper, PBKDF2 runs over the entropy and not over the phrase:
mini secret = PBKDF2-HMAC-SHA512(entropy, "mnemonic" ‖ password, 2048 rounds)[:32].
"""

from __future__ import annotations

import os
from functools import cache
from hashlib import pbkdf2_hmac
from typing import TYPE_CHECKING

from .errors import InvalidMnemonic

if TYPE_CHECKING:
    from mnemonic import Mnemonic

MINI_SECRET_LENGTH = 32
WORD_COUNTS = (12, 15, 18, 21, 24)
_BYTES_OF_ENTROPY = {12: 16, 15: 20, 18: 24, 21: 28, 24: 32}
_PBKDF2_ROUNDS = 2048


def generate_mnemonic(words: int = 12) -> str:
    """A fresh phrase of 12, 15, 18, 21 or 24 words from the system's randomness."""
    if words not in _BYTES_OF_ENTROPY:
        raise InvalidMnemonic("word count must be 12, 15, 18, 21 or 24")
    return entropy_to_mnemonic(os.urandom(_BYTES_OF_ENTROPY[words]))


def entropy_to_mnemonic(entropy: bytes) -> str:
    """The phrase that stands for 16, 20, 24, 28 or 32 bytes of entropy."""
    if len(entropy) not in _BYTES_OF_ENTROPY.values():
        raise InvalidMnemonic("entropy must have 16, 20, 24, 28 or 32 bytes")
    phrase: str = _english().to_mnemonic(entropy)
    return phrase


def mnemonic_to_entropy(phrase: str) -> bytes:
    """The 16 to 32 bytes behind a phrase; raises `InvalidMnemonic`."""
    words = phrase.split()
    if len(words) not in WORD_COUNTS:
        raise InvalidMnemonic("word count must be 12, 15, 18, 21 or 24")
    english = _english()
    if not set(words) <= set(english.wordlist):
        raise InvalidMnemonic("unknown word")
    try:
        return bytes(english.to_entropy(words))
    except ValueError:
        raise InvalidMnemonic("checksum mismatch") from None


def mnemonic_to_mini_secret(phrase: str, password: str = "") -> bytes:
    """The 32-byte seed of a phrase and an optional password; raises `InvalidMnemonic`."""
    entropy = mnemonic_to_entropy(phrase)
    try:
        salt = b"mnemonic" + password.encode()
    except UnicodeEncodeError:
        raise InvalidMnemonic("password is not valid Unicode") from None
    return pbkdf2_hmac("sha512", entropy, salt, _PBKDF2_ROUNDS, MINI_SECRET_LENGTH)


@cache
def _english() -> Mnemonic:
    # Imported on use: most processes never read a phrase.
    from mnemonic import Mnemonic

    return Mnemonic("english")
