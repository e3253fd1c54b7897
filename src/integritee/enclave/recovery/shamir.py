"""Secret sharing (A. Shamir, "How to share a secret", 1979) over GF(256), byte by byte.

Share `x` of a byte is the value at `x` of a random polynomial whose constant term is the byte; as many points as it
has coefficients determine it, fewer say nothing. Field: that of AES, x^8 + x^4 + x^3 + x + 1 (FIPS 197, 4.2).

Table look-ups take time that depends on the secret. Both sides run where nobody measures single look-ups: splitting
inside an enclave once per export, combining once per import.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

MAX_SHARES: Final = 255


def _tables() -> tuple[bytes, bytes]:
    """Powers of the generator 3, twice in a row, and logarithms to it."""
    powers, logarithms, value = bytearray(510), bytearray(256), 1
    for exponent in range(255):
        powers[exponent] = powers[exponent + 255] = value
        logarithms[value] = exponent
        value ^= (value << 1) ^ (0x11B if value & 0x80 else 0)
    return bytes(powers), bytes(logarithms)


_POWERS, _LOGARITHMS = _tables()


def multiply(a: int, b: int) -> int:
    return _POWERS[_LOGARITHMS[a] + _LOGARITHMS[b]] if a and b else 0


def divide(a: int, b: int) -> int:
    """Raises ZeroDivisionError."""
    if b == 0:
        raise ZeroDivisionError
    return _POWERS[_LOGARITHMS[a] + 255 - _LOGARITHMS[b]] if a else 0


def split(secret: bytes, threshold: int, count: int, random: Callable[[int], bytes]) -> list[bytes]:
    """`count` shares, the first of them at x = 1, of which any `threshold` give the secret. Raises ValueError."""
    if not 1 <= threshold <= count <= MAX_SHARES:
        raise ValueError(f"{threshold} of {count} shares")
    coefficients = [secret, *(random(len(secret)) for _ in range(threshold - 1))]
    return [_evaluate(coefficients, x) for x in range(1, count + 1)]


def combine(shares: Mapping[int, bytes]) -> bytes:
    """What shares (by their x, of equal lengths) lead to: the secret if they are right and enough, else nonsense."""
    weights = {x: _weight(x, shares) for x in shares}
    length = min(map(len, shares.values()), default=0)
    secret = bytearray(length)
    for x, share in shares.items():
        for at in range(length):
            secret[at] ^= multiply(weights[x], share[at])
    return bytes(secret)


def _evaluate(coefficients: list[bytes], x: int) -> bytes:
    """Horner's scheme."""
    value = bytes(len(coefficients[0]))
    for coefficient in reversed(coefficients):
        value = bytes(multiply(v, x) ^ c for v, c in zip(value, coefficient, strict=True))
    return value


def _weight(x: int, shares: Mapping[int, bytes]) -> int:
    """Of share `x` in Lagrange's interpolation at 0; subtraction is XOR."""
    weight = 1
    for other in shares:
        if other != x:
            weight = multiply(weight, divide(other, other ^ x))
    return weight
