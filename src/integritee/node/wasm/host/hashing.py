"""``ext_hashing``: hash functions (`Hashing` of sp-io)."""

from __future__ import annotations

from Crypto.Hash import keccak

from integritee.crypto.hashing import (
    blake2_128,
    blake2_256,
    keccak_256,
    sha2_256,
    twox_64,
    twox_128,
    twox_256,
)

from ..externalities import Externalities
from ..interface import Fixed8, Fixed16, Fixed32, Fixed64, Interface, Span

hashing = Interface("hashing")


@hashing.function("keccak_256")
def keccak_256_(host: Externalities, data: Span) -> Fixed32:
    return keccak_256(data)


@hashing.function("keccak_512")
def keccak_512(host: Externalities, data: Span) -> Fixed64:
    digest: bytes = keccak.new(digest_bits=512, data=data).digest()
    return digest


@hashing.function("sha2_256")
def sha2_256_(host: Externalities, data: Span) -> Fixed32:
    return sha2_256(data)


@hashing.function("blake2_128")
def blake2_128_(host: Externalities, data: Span) -> Fixed16:
    return blake2_128(data)


@hashing.function("blake2_256")
def blake2_256_(host: Externalities, data: Span) -> Fixed32:
    return blake2_256(data)


@hashing.function("twox_64")
def twox_64_(host: Externalities, data: Span) -> Fixed8:
    return twox_64(data)


@hashing.function("twox_128")
def twox_128_(host: Externalities, data: Span) -> Fixed16:
    return twox_128(data)


@hashing.function("twox_256")
def twox_256_(host: Externalities, data: Span) -> Fixed32:
    return twox_256(data)
