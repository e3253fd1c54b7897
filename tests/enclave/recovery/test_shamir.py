"""Secret sharing: the field's known products, polynomials worked out by hand, and the law of enough shares."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.enclave.recovery.shamir import combine, divide, multiply, split


@pytest.mark.parametrize(
    ("a", "b", "product"),
    [
        (0x57, 0x83, 0xC1),  # FIPS 197, 4.2
        (0x57, 0x13, 0xFE),  # FIPS 197, 4.2.1
        (0x57, 0x02, 0xAE),
        (0x53, 0xCA, 0x01),
        (0x57, 0x01, 0x57),
        (0x57, 0x00, 0x00),
        (0x80, 0x02, 0x1B),
    ],
)
def test_products(a: int, b: int, product: int) -> None:
    assert multiply(a, b) == multiply(b, a) == product
    if b:
        assert divide(product, b) == a


def test_division_by_zero() -> None:
    with pytest.raises(ZeroDivisionError):
        divide(1, 0)


@pytest.mark.parametrize(
    ("secret", "coefficients", "shares"),
    [
        ("2a", [], ["2a", "2a"]),
        ("2a", ["57"], ["7d", "84", "d3"]),  # 2a ^ 57·x: 57, ae, f9
        ("00ff", ["0101"], ["01fe", "02fd", "03fc"]),
        ("01", ["00", "01"], ["00", "05", "04"]),  # 1 ^ x²: 1, 4, 5
    ],
)
def test_by_hand(secret: str, coefficients: list[str], shares: list[str]) -> None:
    drawn = iter(coefficients)
    found = split(bytes.fromhex(secret), len(coefficients) + 1, len(shares), lambda n: bytes.fromhex(next(drawn)))
    assert [share.hex() for share in found] == shares


@given(st.binary(min_size=1, max_size=40), st.integers(1, 5), st.integers(0, 3), st.randoms(use_true_random=False))
def test_any_so_many_shares_give_the_secret(secret: bytes, threshold: int, more: int, dice: object) -> None:
    shares = dict(enumerate(split(secret, threshold, threshold + more, dice.randbytes), 1))  # type: ignore[attr-defined]
    for chosen in combinations(shares, threshold):
        assert combine({x: shares[x] for x in chosen}) == secret
    assert combine(shares) == secret


def test_one_share_too_few_fits_every_secret() -> None:
    """Whatever two of three shares are, each first byte is as likely: some third share leads to it."""
    shares = dict(enumerate(split(b"\x2a", 3, 3, lambda n: b"\x57" * n), 1))
    known = {x: shares[x] for x in (1, 2)}
    assert {combine(known | {3: bytes((guess,))})[0] for guess in range(256)} == set(range(256))


@pytest.mark.parametrize(("threshold", "count"), [(0, 1), (2, 1), (1, 256), (0, 0)])
def test_what_cannot_be_split(threshold: int, count: int) -> None:
    with pytest.raises(ValueError, match="shares"):
        split(b"x", threshold, count, bytes)
