"""Key pairs and signatures: sr25519 (schnorrkel) and ed25519 (RFC 8032).

Key derivation: `sp-core/src/sr25519.rs` and `sp-core/src/ed25519.rs`. sr25519 signs under the context
"substrate" and its signatures are randomised; ed25519 signatures are deterministic.

Pairs compare by scheme and public key, and never show their secrets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol, Self

import sr25519
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .derivation import checked_chain_code, checked_seed, parse_secret_uri
from .errors import SoftDerivationUnsupported
from .hashing import blake2_256

PUBLIC_KEY_LENGTH = 32
SIGNATURE_LENGTH = 64

_ED25519_HARD_CONTEXT = b"\x2cEd25519HDKD"
"""SCALE encoding of the string that separates this derivation from other uses of the hash."""


class KeyPair(Protocol):
    """Something that can sign: a local pair, or a stand-in for a key held elsewhere."""

    @property
    def scheme(self) -> Literal["sr25519", "ed25519"]: ...

    @property
    def public(self) -> bytes:
        """32 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """A signature of 64 bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Sr25519Pair:
    """A schnorrkel pair over Ristretto."""

    public: bytes
    _secret: bytes = field(repr=False, compare=False)

    @property
    def scheme(self) -> Literal["sr25519"]:
        return "sr25519"

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Expand a 32-byte mini secret. Raises `InvalidLength`."""
        return cls(*sr25519.pair_from_seed(checked_seed(seed)))

    @classmethod
    def from_uri(cls, uri: str) -> Self:
        """Make the pair of a secret URI such as ``//Alice`` or ``phrase//hard/soft///password``.

        Raises `InvalidSecretUri` or `InvalidMnemonic`.
        """
        secret = parse_secret_uri(uri)
        pair = cls.from_seed(secret.seed)
        for chain_code, is_hard in secret.path:
            pair = pair.derive_hard(chain_code) if is_hard else pair.derive_soft(chain_code)
        return pair

    def derive_hard(self, chain_code: bytes) -> Self:
        """The child that only the holder of this secret can find (32-byte chain code)."""
        return self._child(sr25519.hard_derive_keypair(self._extended(chain_code), b""))

    def derive_soft(self, chain_code: bytes) -> Self:
        """The child whose public key follows from this public key (32-byte chain code)."""
        return self._child(sr25519.derive_keypair(self._extended(chain_code), b""))

    def sign(self, message: bytes) -> bytes:
        """A randomised signature of 64 bytes."""
        signature: bytes = sr25519.sign((self.public, self._secret), message)
        return signature

    def _extended(self, chain_code: bytes) -> tuple[bytes, bytes, bytes]:
        return checked_chain_code(chain_code), self.public, self._secret

    def _child(self, extended: tuple[bytes, bytes, bytes]) -> Self:
        _, public, secret = extended
        return type(self)(public, secret)


@dataclass(frozen=True, slots=True)
class Ed25519Pair:
    """An Ed25519 pair. `seed` is the 32-byte secret, kept readable because it is what gets sealed."""

    public: bytes
    seed: bytes = field(repr=False, compare=False)
    _key: Ed25519PrivateKey = field(repr=False, compare=False)

    @property
    def scheme(self) -> Literal["ed25519"]:
        return "ed25519"

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Use a 32-byte seed (the RFC's private key). Raises `InvalidLength`."""
        key = Ed25519PrivateKey.from_private_bytes(checked_seed(seed))
        return cls(key.public_key().public_bytes_raw(), bytes(seed), key)

    @classmethod
    def from_uri(cls, uri: str) -> Self:
        """Make the pair of a secret URI with hard junctions only.

        Raises `InvalidSecretUri`, `InvalidMnemonic` or `SoftDerivationUnsupported`.
        """
        secret = parse_secret_uri(uri)
        pair = cls.from_seed(secret.seed)
        for chain_code, is_hard in secret.path:
            if not is_hard:
                raise SoftDerivationUnsupported("ed25519")
            pair = pair.derive_hard(chain_code)
        return pair

    def derive_hard(self, chain_code: bytes) -> Self:
        """The child with seed BLAKE2b-256("Ed25519HDKD" as SCALE ‖ seed ‖ chain code)."""
        return self.from_seed(blake2_256(_ED25519_HARD_CONTEXT + self.seed + checked_chain_code(chain_code)))

    def sign(self, message: bytes) -> bytes:
        """The signature of 64 bytes."""
        return self._key.sign(message)


def verify_sr25519(signature: bytes, message: bytes, public: bytes) -> bool:
    """Whether the signature is valid; malformed input is an invalid signature, never an exception."""
    if len(signature) != SIGNATURE_LENGTH or len(public) != PUBLIC_KEY_LENGTH:
        return False
    try:
        valid: bool = sr25519.verify(signature, message, public)
    except ValueError:  # a point or scalar that is not canonical
        return False
    return valid


def verify_ed25519(signature: bytes, message: bytes, public: bytes) -> bool:
    """Whether the signature is valid; malformed input is an invalid signature, never an exception.

    Verification is cofactorless as in RFC 8032 §5.1.7. Substrate's ZIP-215 rule also accepts some
    signatures by keys of small order, which no honest signer produces.
    """
    if len(signature) != SIGNATURE_LENGTH or len(public) != PUBLIC_KEY_LENGTH:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
