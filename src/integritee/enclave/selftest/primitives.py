"""Hashes, signatures, ciphers and key derivation against answers that others published or made.

Sources: the JS clients (`known_answers.json`), FIPS 180-4, RFC 7693, RFC 7748 §6.1, RFC 8032 §7.1, RFC 6979 A.2.5,
AES-GCM test case 14 (McGrew, Viega), the test vectors of BLAKE3 and of substrate-bip39.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import cache, partial
from typing import Final

from integritee import crypto
from integritee.attestation import p256

from .check import Check, Setup, expect, expect_refusal
from .damage import flipped
from .known_answers import known_answers, raw

HASHES: Final = (
    ("sha2_256", b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("blake2_64", b"", "e4a6a0577479b2b4"),
    ("blake3_256", b"abc", "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
)
JS_HASHES: Final = ("blake2_128", "blake2_256", "keccak_256", "twox_64", "twox_128", "twox_256")

RFC8032: Final = (
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    b"\x72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
)
"""Test 2: secret, public, message, signature."""

RFC6979: Final = (
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
    b"sample",
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
)
"""P-256 with SHA-256: public point, message, r ‖ s."""

RFC7748: Final = (
    "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
)
"""Bob's private and public key."""

GCM_14: Final = "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"
"""AES-256-GCM of 16 zeros, key and nonce all zero: ciphertext ‖ tag."""

BIP39_PHRASE: Final = "abandon " * 11 + "about"
BIP39_SECRET: Final = "44e9d125f037ac1d51f0a7d3649689d422c2af8b1ec8e00d71db4d7bf6d127e3"  # noqa: S105  # published
"""Its mini secret with the password "Substrate"."""


STRANGER: Final = raw(RFC7748[1])

MEMBERS: Final = (
    ("n", "n", 384),
    ("d", "d", 384),
    ("e", "e", 4),
    ("p", "p", 192),
    ("q", "q", 192),
    ("dmp1", "dp", 192),
    ("dmq1", "dq", 192),
    ("iqmp", "qi", 192),
)
"""Of an RSA key: our name (in that order), the JWK's, bytes."""


def checks(setup: Setup) -> Iterator[Check]:
    answers = known_answers()
    for name, data, digest in HASHES:
        yield Check(name, partial(_hash, name, [(data, digest)]))
    for name in JS_HASHES:
        yield Check(name, partial(_hash, name, [(each["utf8"].encode(), each[name]) for each in answers["hashes"]]))
    yield Check("ed25519 sign", _ed25519_sign)
    yield Check("ed25519 verify", partial(_verifies, "ed25519"))
    yield Check("sr25519 sign", _sr25519_sign)
    yield Check("sr25519 verify", partial(_verifies, "sr25519"))
    yield Check("ECDSA P-256 verify", _p256)
    yield Check("key derivation", _key_derivation)
    yield Check("mnemonic", _mnemonic)
    yield Check("RSA-OAEP decrypt", _decrypt)
    yield Check("RSA-OAEP encrypt", _encrypt)
    yield Check("AES-256-GCM", _gcm)
    yield Check("X25519", _x25519)
    yield Check("X25519 envelope", partial(_envelope, setup))


def _hash(name: str, known: list[tuple[bytes, str]]) -> None:
    for data, digest in known:
        expect(getattr(crypto, name)(data), raw(digest), f"of {data!r}")


def _ed25519_sign() -> None:
    secret, public, message, signature = RFC8032
    pair = crypto.Ed25519Pair.from_seed(raw(secret))
    expect(pair.public, raw(public), "public key")
    expect(pair.sign(message), raw(signature), "signature")


def _sr25519_sign() -> None:
    pair = crypto.Sr25519Pair.from_uri("//Alice")
    signature = pair.sign(b"message")
    expect(crypto.verify_sr25519(signature, b"message", pair.public), True, "own signature")
    expect(pair.sign(b"message") == signature, False, "a second signature is the same")


def _verifies(scheme: str) -> None:
    """Signatures of the JS client are valid, for nothing and nobody else. They are what a signed call ends with."""
    verify = getattr(crypto, f"verify_{scheme}")
    for each in known_answers()["signed_calls"]:
        if each["scheme"] == scheme and not each["wrapped"]:
            signature, payload, public = raw(each["signed"])[-64:], raw(each["payload"]), raw(each["public"])
            which = f"signature of call {each['call']}"
            expect(verify(signature, payload, public), True, which)
            expect(verify(signature, payload + b"\0", public), False, f"{which} over something else")
            expect(verify(signature, payload, STRANGER), False, f"{which} by another")


def _p256() -> None:
    point, message, signature = raw(RFC6979[0]), RFC6979[1], raw(RFC6979[2])
    expect(p256.verify(point, signature, message), True, "signature")
    expect(p256.verify(point, signature, message + b"\0"), False, "the same over something else")


def _key_derivation() -> None:
    for each in known_answers()["keys"]:
        pair = (crypto.Sr25519Pair if each["scheme"] == "sr25519" else crypto.Ed25519Pair).from_uri(each["uri"])
        expect(pair.public, raw(each["public"]), f"{each['scheme']} {each['uri']}")


def _mnemonic() -> None:
    expect(crypto.mnemonic_to_entropy(BIP39_PHRASE), bytes(16), "entropy")
    expect(crypto.entropy_to_mnemonic(bytes(16)), BIP39_PHRASE, "phrase")
    expect(crypto.mnemonic_to_mini_secret(BIP39_PHRASE, "Substrate"), raw(BIP39_SECRET), "mini secret")
    phrase = crypto.generate_mnemonic()
    expect(crypto.entropy_to_mnemonic(crypto.mnemonic_to_entropy(phrase)), phrase, "a new phrase")


def _decrypt() -> None:
    key = golden_shielding_key()
    for each in known_answers()["shielding"]["ciphertexts"]:
        expect(key.decrypt(raw(each["cipher"])), raw(each["plain"]))
    damaged = flipped(raw(known_answers()["shielding"]["ciphertexts"][0]["cipher"]), 100)
    expect_refusal("crypto.shielding_decryption_failed", "a damaged ciphertext", lambda: key.decrypt(damaged))


def _encrypt() -> None:
    key, plain = golden_shielding_key(), bytes(range(256)) * 2
    sealed = key.public.encrypt(plain)
    expect(key.decrypt(sealed), plain)
    expect(key.public.encrypt(plain) == sealed, False, "a second ciphertext is the same")


def _gcm() -> None:
    key, nonce, sealed = bytes(32), bytes(12), raw(GCM_14)
    expect(crypto.aead_seal(key, nonce, bytes(16)), sealed, "ciphertext and tag")
    expect(crypto.aead_open(key, nonce, sealed), bytes(16), "plaintext")
    for position in (0, -1):
        _expect_tampered("damaged", flipped(sealed, position), b"")
    _expect_tampered("with other associated data", sealed, b"x")


def _expect_tampered(what: str, sealed: bytes, associated: bytes) -> None:
    open_it = partial(crypto.aead_open, bytes(32), bytes(12), sealed, associated)
    expect_refusal("crypto.aead_tampered", what, open_it)


def _x25519() -> None:
    private, public = RFC7748
    expect(crypto.envelope_public(raw(private)), raw(public))


def _envelope(setup: Setup) -> None:
    key = setup.random(32)
    sealed = crypto.envelope_seal(crypto.envelope_public(key), b"secret", b"context", setup.random)
    expect(crypto.envelope_open(key, sealed, b"context"), b"secret")
    expect_refusal("crypto.aead_tampered", "in another context", lambda: crypto.envelope_open(key, sealed, b"other"))


@cache
def golden_shielding_key() -> crypto.ShieldingKey:
    """The RSA key of the known answers."""
    jwk: dict[str, str] = known_answers()["shielding"]["jwk_private"]

    def octets(name: str, width: int) -> list[int]:
        found = base64.urlsafe_b64decode(jwk[name] + "=" * (-len(jwk[name]) % 4))
        return list(found[::-1].ljust(width, b"\0"))

    members = {ours: octets(theirs, width) for ours, theirs, width in MEMBERS}
    return crypto.ShieldingKey.from_private_json(json.dumps(members, separators=(",", ":")))
