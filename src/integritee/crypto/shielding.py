"""The shielding key: RSA-3072, with which clients encrypt what only the enclave may read.

Message format: RSAES-OAEP with SHA-256 for hash and MGF1 and an empty label (RFC 8017 §7.1). A plaintext is
cut into chunks of up to 318 bytes; each becomes one block of 384 bytes; the empty plaintext has no block.
Nothing binds the blocks together: integrity comes from the signature inside the message.

Key format: the serde JSON of the SGX SDK's `Rsa3072PubKey` and `Rsa3072KeyPair`: each integer is an array of
octets in little-endian order and fixed width. Other libraries write big-endian; this one swaps at the JSON
boundary and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Self, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from .errors import (
    InvalidCiphertextLength,
    InvalidShieldingKey,
    PlaintextTooLong,
    ShieldingDecryptionFailed,
)
from .hashing import blake2_256

KEY_BITS = 3072
BLOCK_LENGTH = KEY_BITS // 8
"""Bytes of one ciphertext block."""
CHUNK_LENGTH = BLOCK_LENGTH - 2 * SHA256.digest_size - 2
"""Plaintext bytes that fit one block: 318."""
MAX_BLOCKS = 64
"""Blocks of the longest message; decrypting them takes the enclave about 45 ms."""
MAX_CIPHERTEXT_LENGTH = MAX_BLOCKS * BLOCK_LENGTH
MAX_PLAINTEXT_LENGTH = MAX_BLOCKS * CHUNK_LENGTH
MAX_JSON_LENGTH = 16 * 1024
"""Bytes of the longest accepted key file; the compact private form has about 7,000."""
PUBLIC_EXPONENT = 65537

_OAEP = padding.OAEP(mgf=padding.MGF1(algorithm=SHA256()), algorithm=SHA256(), label=None)

_Octet = Annotated[int, msgspec.Meta(ge=0, le=255)]
_Octets4 = Annotated[list[_Octet], msgspec.Meta(min_length=4, max_length=4)]
_Octets192 = Annotated[list[_Octet], msgspec.Meta(min_length=192, max_length=192)]
_Octets384 = Annotated[list[_Octet], msgspec.Meta(min_length=384, max_length=384)]


class _PublicMembers(msgspec.Struct, forbid_unknown_fields=True):
    n: _Octets384
    e: _Octets4


class _PrivateMembers(msgspec.Struct, forbid_unknown_fields=True):
    """The order of the members counts: the account of the ledger is derived from these bytes."""

    n: _Octets384
    d: _Octets384
    e: _Octets4
    p: _Octets192
    q: _Octets192
    dmp1: _Octets192
    dmq1: _Octets192
    iqmp: _Octets192


_Members = TypeVar("_Members", _PublicMembers, _PrivateMembers)


@dataclass(frozen=True, slots=True)
class ShieldingPublicKey:
    """What a client needs to encrypt for the enclave."""

    n: int = field(repr=False)
    e: int
    _key: rsa.RSAPublicKey = field(repr=False, compare=False)

    @classmethod
    def from_numbers(cls, n: int, e: int) -> Self:
        """Use a 3072-bit modulus and an odd exponent below 2^32. Raises `InvalidShieldingKey`."""
        if n.bit_length() != KEY_BITS or n % 2 == 0:
            raise InvalidShieldingKey("the modulus is not an odd number of 3072 bits")
        if not 3 <= e < 1 << 32:
            raise InvalidShieldingKey("the exponent is out of range")
        try:
            key = rsa.RSAPublicNumbers(e, n).public_key()
        except ValueError:
            raise InvalidShieldingKey("the numbers are not an RSA key") from None
        return cls(n, e, key)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read ``{"n":[384 octets],"e":[4 octets]}``, little-endian. Raises `InvalidShieldingKey`."""
        members = _decode(text, _PublicMembers)
        return cls.from_numbers(_integer(members.n), _integer(members.e))

    def to_json(self) -> str:
        """The compact JSON that clients fetch."""
        members = _PublicMembers(n=_octets(self.n, 384), e=_octets(self.e, 4))
        return msgspec.json.encode(members).decode("ascii")

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt up to `MAX_PLAINTEXT_LENGTH` bytes into blocks of 384. Raises `PlaintextTooLong`."""
        if len(plaintext) > MAX_PLAINTEXT_LENGTH:
            raise PlaintextTooLong(limit=MAX_PLAINTEXT_LENGTH, found=len(plaintext))
        return b"".join(self._key.encrypt(chunk, _OAEP) for chunk in _split(plaintext, CHUNK_LENGTH))


@dataclass(frozen=True, slots=True)
class ShieldingKey:
    """The enclave's half. Immutable; threads may share it, and RSA runs without the interpreter lock."""

    public: ShieldingPublicKey
    _key: rsa.RSAPrivateKey = field(repr=False, compare=False)

    @classmethod
    def generate(cls) -> Self:
        """A fresh key from the system's randomness; takes a few tenths of a second."""
        return cls._of(rsa.generate_private_key(PUBLIC_EXPONENT, KEY_BITS))

    @classmethod
    def from_private_json(cls, text: str | bytes) -> Self:
        """Read what `private_json` wrote and check that the numbers belong together.

        That the primes are prime is taken from who made them: whoever could exchange them knows the key anyway.
        Raises `InvalidShieldingKey`, which never quotes the text.
        """
        members = _decode(text, _PrivateMembers)
        public = ShieldingPublicKey.from_numbers(_integer(members.n), _integer(members.e))
        numbers = rsa.RSAPrivateNumbers(
            p=_integer(members.p),
            q=_integer(members.q),
            d=_integer(members.d),
            dmp1=_integer(members.dmp1),
            dmq1=_integer(members.dmq1),
            iqmp=_integer(members.iqmp),
            public_numbers=rsa.RSAPublicNumbers(public.e, public.n),
        )
        if not _belong_together(numbers):
            raise InvalidShieldingKey("the numbers are not an RSA key")
        try:  # OpenSSL's own check takes as long as making a key, nearly all of it to find the primes prime
            return cls._of(numbers.private_key(unsafe_skip_rsa_key_validation=True))
        except ValueError:
            raise InvalidShieldingKey("the numbers are not an RSA key") from None

    def private_json(self) -> bytes:
        """The whole key as compact JSON. Secret: for sealing and for provisioning a peer."""
        numbers = self._key.private_numbers()
        members = _PrivateMembers(
            n=_octets(numbers.public_numbers.n, 384),
            d=_octets(numbers.d, 384),
            e=_octets(numbers.public_numbers.e, 4),
            p=_octets(numbers.p, 192),
            q=_octets(numbers.q, 192),
            dmp1=_octets(numbers.dmp1, 192),
            dmq1=_octets(numbers.dmq1, 192),
            iqmp=_octets(numbers.iqmp, 192),
        )
        return msgspec.json.encode(members)

    def ledger_account_seed(self) -> bytes:
        """Ed25519 seed of the ledger's own account: all enclaves that share this key share the account."""
        return blake2_256(self.private_json())

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Decrypt whole blocks of 384 bytes, at most `MAX_BLOCKS`.

        A ciphertext shorter than one block is padded with leading zeros: the JS client passes its single
        block through a big integer and so loses them in one of 256 cases.
        Raises `InvalidCiphertextLength` or `ShieldingDecryptionFailed`.
        """
        if 0 < len(ciphertext) < BLOCK_LENGTH:
            ciphertext = ciphertext.rjust(BLOCK_LENGTH, b"\0")
        if len(ciphertext) % BLOCK_LENGTH or len(ciphertext) > MAX_CIPHERTEXT_LENGTH:
            raise InvalidCiphertextLength(block=BLOCK_LENGTH, limit=MAX_CIPHERTEXT_LENGTH, found=len(ciphertext))
        try:
            return b"".join(self._key.decrypt(block, _OAEP) for block in _split(ciphertext, BLOCK_LENGTH))
        except ValueError:
            raise ShieldingDecryptionFailed from None

    @classmethod
    def _of(cls, key: rsa.RSAPrivateKey) -> Self:
        numbers = key.public_key().public_numbers()
        return cls(ShieldingPublicKey.from_numbers(numbers.n, numbers.e), key)


def _belong_together(numbers: rsa.RSAPrivateNumbers) -> bool:
    """Whether one private exponent undoes the public one, whole and in halves (RFC 8017 §3.2)."""
    p, q, d, public = numbers.p, numbers.q, numbers.d, numbers.public_numbers
    return (
        min(p, q) > 2
        and p * q == public.n > d
        and all(d * public.e % (prime - 1) == 1 for prime in (p, q))
        and (numbers.dmp1, numbers.dmq1) == (d % (p - 1), d % (q - 1))
        and numbers.iqmp < p
        and numbers.iqmp * q % p == 1
    )


def _decode(text: str | bytes, members: type[_Members]) -> _Members:
    if len(text) > MAX_JSON_LENGTH:
        raise InvalidShieldingKey("too long")
    try:
        return msgspec.json.decode(text, type=members)
    except (ValueError, RecursionError):
        raise InvalidShieldingKey("not the expected JSON") from None


def _split(data: bytes, length: int) -> list[bytes]:
    return [data[start : start + length] for start in range(0, len(data), length)]


def _octets(number: int, width: int) -> list[int]:
    return list(number.to_bytes(width, "little"))


def _integer(octets: list[int]) -> int:
    return int.from_bytes(bytes(octets), "little")
