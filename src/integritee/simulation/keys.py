"""Keys of a simulated world. All of them are public, so they are worth nothing anywhere else."""

from __future__ import annotations

from functools import cache
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric import rsa

from integritee.crypto import Ed25519Pair, ShieldingKey, ShieldingPublicKey, blake2_256

_P: Final = int(
    "f4ab24bc6f81a7289d6fdf9b7dcface38973e013aa7e5f1bd84df1c933cf599fd2fd0a76ff957294a8c2a4120dab80b0d95745c63d2fc1cd"
    "464803a1499b72dd032083c10d994efe6291dfeffc4bf039d110ea27858863a2e9bb87fd167f112131f8f8fa057c5b2e4dfe481f9c8187a1"
    "30a783c13ae9f3714730e55ea17cf9c88cfc11f141346463a7238bbe4c6735bd851405e43e58c6758d9bde4c5d0dbf482b681c6bac515007"
    "abbed2d5d48224e9ab56514239b65ca239f15b36f3ef350d",
    16,
)
_Q: Final = int(
    "ec47ac398cc859235d113276d0694c9bf5fff61ea1f73f7a722169117fc8dc77d2b7e7b2463d9664e7d13016b24f9a3e330ef81dc72b1e96"
    "e730a0125512ac50f3eed788fa0126fe2995f55a09b78c40e34792e053eaa553b7a3ae215634462dbc7b44617eeeac2bde9134e42dccb576"
    "608d3efcd23b8797582f89113550357b764eabd2178994c2db533ec40278aac6c9ee94d0bbab3c6035b27d3da1342bb14d9f2ea257380390"
    "b56c3252e297ee37f0d6a606a40e5ecda38ed8c481ba10bb",
    16,
)
_EXPONENT: Final = 65537


def seed(name: str) -> bytes:
    """32 bytes for the account of that name."""
    return blake2_256(b"integritee/simulation/" + name.encode())


def pair(name: str) -> Ed25519Pair:
    """The account of that name."""
    return Ed25519Pair.from_seed(seed(name))


@cache
def shielding_secret() -> bytes:
    """The shielding key as enclaves seal it: generating one is slow, and nothing a seed could say."""
    d = pow(_EXPONENT, -1, (_P - 1) * (_Q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p=_P,
        q=_Q,
        d=d,
        dmp1=d % (_P - 1),
        dmq1=d % (_Q - 1),
        iqmp=pow(_Q, -1, _P),
        public_numbers=rsa.RSAPublicNumbers(_EXPONENT, _P * _Q),
    )
    public = ShieldingPublicKey.from_numbers(_P * _Q, _EXPONENT)
    return ShieldingKey(public, numbers.private_key()).private_json()


class UncheckedSeal:
    """Stands in for the Aura key: real ones sign with fresh randomness, and nobody here reads the seals."""

    scheme: Literal["sr25519"] = "sr25519"
    public: Final = blake2_256(b"integritee/simulation/aura")

    def sign(self, message: bytes) -> bytes:
        return blake2_256(message) * 2


AURA: Final = UncheckedSeal()
GRANDPA: Final = pair("grandpa")
GOVERNOR: Final = pair("governor")
"""Funds enclaves."""

USERS: Final = {name: pair(name) for name in ("ann", "ben", "cat", "dan")}
