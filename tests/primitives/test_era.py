"""Mortality: encoding, birth and death."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.primitives.era import ERA_CODEC, MAX_PERIOD, MIN_PERIOD, Era
from integritee.scale.errors import DecodeError, OutOfRange, TrailingBytes, UnexpectedEnd

from .vectors import load, raw

mortal = st.builds(Era.mortal, st.integers(0, 100_000), st.integers(0, 1 << 32))


@pytest.mark.parametrize(
    ("period", "current", "era", "hexed"),
    [
        (64, 1_234_567, Era(64, 7), "7500"),
        (32, 99, Era(32, 3), "3400"),
        (64, 42, Era(64, 42), "a502"),
        (4, 5, Era(4, 1), "1100"),
        (1, 5, Era(4, 1), "1100"),
        (5, 5, Era(8, 5), "5200"),
        (4096, 4095, Era(4096, 4095), "fbff"),
        (32_768, 20_001, Era(32_768, 20_000), "4e9c"),
        (65_536, 65_535, Era(65_536, 65_520), "ffff"),
        (1_000_000, 17, Era(65_536, 16), "1f00"),
    ],
)
def test_mortal_eras(period: int, current: int, era: Era, hexed: str) -> None:
    assert Era.mortal(period, current) == era
    assert ERA_CODEC.encode(era).hex() == hexed
    assert ERA_CODEC.decode(bytes.fromhex(hexed)) == era


def test_eras_of_the_js_client() -> None:
    cases = {(c["era"], c["era_args"]["current"], c["era_args"]["period"]) for c in _mortal_cases()}
    assert cases
    for hexed, current, period in cases:
        assert ERA_CODEC.encode(Era.mortal(period, current)) == raw(hexed)


def _mortal_cases() -> list[dict[str, dict[str, int]]]:
    return [c for chain in load("extrinsics.json")["chains"] for c in chain["cases"] if c["era_args"]]


@pytest.mark.parametrize(
    ("era", "current", "birth", "death"),
    [
        (Era(), 0, 0, None),
        (Era(), 12_345, 0, None),
        (Era(64, 42), 42, 42, 106),
        (Era(64, 42), 105, 42, 106),
        (Era(64, 42), 106, 106, 170),
        (Era(64, 42), 41, 42, 106),
        (Era(4, 0), 7, 4, 8),
        (Era(65_536, 16), 15, 16, 65_552),
    ],
)
def test_birth_and_death(era: Era, current: int, birth: int, death: int | None) -> None:
    assert (era.birth(current), era.death(current)) == (birth, death)


@pytest.mark.parametrize(
    ("hexed", "error"),
    [("", UnexpectedEnd), ("01", UnexpectedEnd), ("0001", TrailingBytes), ("1000", OutOfRange), ("f100", OutOfRange)],
)
def test_what_is_no_era(hexed: str, error: type[DecodeError]) -> None:
    with pytest.raises(error):
        ERA_CODEC.decode(bytes.fromhex(hexed))


@given(mortal)
def test_eras_survive(era: Era) -> None:
    assert MIN_PERIOD <= era.period <= MAX_PERIOD
    assert era.phase < era.period
    assert ERA_CODEC.decode(ERA_CODEC.encode(era)) == era


@given(st.binary(min_size=1, max_size=2))
def test_eras_are_canonical(data: bytes) -> None:
    try:
        era = ERA_CODEC.decode(data)
    except DecodeError:
        return
    assert ERA_CODEC.encode(era) == data


@given(st.integers(0, 70_000), st.integers(0, 1 << 32))
def test_an_era_contains_the_block_it_was_made_for(period: int, current: int) -> None:
    era = Era.mortal(period, current)
    death = era.death(current)
    assert death is not None
    assert era.birth(current) <= current < death
