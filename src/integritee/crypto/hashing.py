"""Hash functions of Substrate, each from bytes to bytes.

Definitions: `sp-core/src/hashing.rs` and the storage hashers of `frame-support/src/hash.rs`. "twox" is
XXH64 run with seeds 0, 1, … whose results are concatenated in little-endian order; it is fast and not
collision resistant, so it must never digest input that an attacker chooses freely.
"""

from __future__ import annotations

from hashlib import blake2b, sha256
from typing import Final

from blake3 import blake3
from xxhash import xxh64_intdigest

__all__ = [
    "blake2_64",
    "blake2_128",
    "blake2_128_concat",
    "blake2_256",
    "blake3_256",
    "identity",
    "keccak_256",
    "sha2_256",
    "twox_64",
    "twox_64_concat",
    "twox_128",
    "twox_256",
]

_BLAKE2_256: Final = blake2b(digest_size=32)


def blake2_64(data: bytes) -> bytes:
    """BLAKE2b with an 8-byte digest."""
    return blake2b(data, digest_size=8).digest()


def blake2_128(data: bytes) -> bytes:
    """BLAKE2b with a 16-byte digest."""
    return blake2b(data, digest_size=16).digest()


def blake2_256(data: bytes) -> bytes:
    """BLAKE2b with a 32-byte digest."""
    hasher = _BLAKE2_256.copy()  # quicker than to make one
    hasher.update(data)
    return hasher.digest()


def blake3_256(data: bytes) -> bytes:
    """BLAKE3 (32 bytes)."""
    return blake3(data).digest()


def sha2_256(data: bytes) -> bytes:
    """SHA-256 (32 bytes)."""
    return sha256(data).digest()


def keccak_256(data: bytes) -> bytes:
    """Keccak-256 with the original padding, as Ethereum uses it; not SHA3-256 (32 bytes)."""
    # Imported on use: only the EVM needs it, and the import costs more than all others here together.
    from Crypto.Hash import keccak

    digest: bytes = keccak.new(digest_bits=256, data=data).digest()
    return digest


def twox_64(data: bytes) -> bytes:
    """XXH64 with seed 0 (8 bytes)."""
    return xxh64_intdigest(data, 0).to_bytes(8, "little")


def twox_128(data: bytes) -> bytes:
    """XXH64 with seeds 0 and 1 (16 bytes)."""
    return xxh64_intdigest(data, 0).to_bytes(8, "little") + xxh64_intdigest(data, 1).to_bytes(8, "little")


def twox_256(data: bytes) -> bytes:
    """XXH64 with seeds 0 to 3 (32 bytes)."""
    return b"".join(xxh64_intdigest(data, seed).to_bytes(8, "little") for seed in range(4))


def blake2_128_concat(data: bytes) -> bytes:
    """Storage hasher for keys that users choose: 16 digest bytes, then the key itself."""
    return blake2b(data, digest_size=16).digest() + data


def twox_64_concat(data: bytes) -> bytes:
    """Storage hasher for keys that the runtime chooses: 8 digest bytes, then the key itself."""
    return xxh64_intdigest(data, 0).to_bytes(8, "little") + data


def identity(data: bytes) -> bytes:
    """Storage hasher for keys that are already uniformly distributed: the key unchanged."""
    return data
