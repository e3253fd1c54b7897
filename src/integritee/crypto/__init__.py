"""Hashes, key pairs, addresses, the shielding key and authenticated encryption: all from bytes to bytes."""

from .aead import AeadKey, aead_open, aead_seal, derive_key
from .derivation import DEV_PHRASE, Junction, SecretUri, hard_junction, parse_path, parse_secret_uri
from .envelope import agree, envelope_open, envelope_public, envelope_seal
from .errors import CryptoError
from .hashing import (
    blake2_64,
    blake2_128,
    blake2_128_concat,
    blake2_256,
    blake3_256,
    identity,
    keccak_256,
    sha2_256,
    twox_64,
    twox_64_concat,
    twox_128,
    twox_256,
)
from .keys import Ed25519Pair, KeyPair, Sr25519Pair, verify_ed25519, verify_sr25519
from .mnemonic import entropy_to_mnemonic, generate_mnemonic, mnemonic_to_entropy, mnemonic_to_mini_secret
from .shielding import ShieldingKey, ShieldingPublicKey
from .ss58 import ss58_decode, ss58_encode

__all__ = [
    "DEV_PHRASE",
    "AeadKey",
    "CryptoError",
    "Ed25519Pair",
    "Junction",
    "KeyPair",
    "SecretUri",
    "ShieldingKey",
    "ShieldingPublicKey",
    "Sr25519Pair",
    "aead_open",
    "aead_seal",
    "agree",
    "blake2_64",
    "blake2_128",
    "blake2_128_concat",
    "blake2_256",
    "blake3_256",
    "derive_key",
    "entropy_to_mnemonic",
    "envelope_open",
    "envelope_public",
    "envelope_seal",
    "generate_mnemonic",
    "hard_junction",
    "identity",
    "keccak_256",
    "mnemonic_to_entropy",
    "mnemonic_to_mini_secret",
    "parse_path",
    "parse_secret_uri",
    "sha2_256",
    "ss58_decode",
    "ss58_encode",
    "twox_64",
    "twox_64_concat",
    "twox_128",
    "twox_256",
    "verify_ed25519",
    "verify_sr25519",
]
