"""Distances against what is known of the Earth, and the two ways to lose time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.apps.encointer.fixed_point import I32F32
from integritee.apps.encointer.geography import (
    EARTH_RADIUS,
    distance,
    distance_to_date_line,
    distance_to_pole,
    is_on_earth,
    solar_trip_time,
)

from .kit import place

LATITUDES = st.integers(-90 << 32, 90 << 32)
LONGITUDES = st.integers(-180 << 32, 180 << 32)
PLACES = st.builds(lambda lat, lon: place_of(lat, lon), LATITUDES, LONGITUDES)


def place_of(lat: int, lon: int):
    from integritee.apps.encointer.types import Location

    return Location(I32F32(lat), I32F32(lon))


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        (("0", "0"), ("0", "0"), 0),
        (("0", "0"), ("0", "1"), 111_194),
        (("0", "0"), ("0", "180"), 20_015_086),
        (("90", "0"), ("-90", "77"), 20_015_086),
        (("0", "-180"), ("0", "180"), 0),
        (("48.85", "2.35"), ("51.5", "-0.12"), 343_127),
    ],
)
def test_distances(one: tuple[str, str], other: tuple[str, str], metres: int) -> None:
    assert abs(distance(place(*one), place(*other)) - metres) <= 1


@given(one=PLACES, other=PLACES)
def test_distances_are_those_of_the_haversine(one, other) -> None:
    lat1, lon1, lat2, lon2 = (math.radians(c.bits / 2**32) for p in (one, other) for c in (p.lat, p.lon))
    a = math.sin((lat1 - lat2) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon1 - lon2) / 2) ** 2
    expected = 2 * EARTH_RADIUS * math.asin(math.sqrt(min(a, 1.0)))
    assert abs(distance(one, other) - expected) < 2
    assert distance(one, other) == distance(other, one)


@pytest.mark.parametrize(
    ("where", "pole", "date_line"),
    [
        (("81", "10"), 1_000_754, 1_993_829),
        (("-81", "10"), 1_000_754, 1_993_829),
        (("0", "171"), 10_007_543, 1_000_754),
    ],
)
def test_poles_and_date_line(where: tuple[str, str], pole: int, date_line: int) -> None:
    assert abs(distance_to_pole(place(*where)) - pole) <= 1
    assert abs(distance_to_date_line(place(*where)) - date_line) <= 1


@pytest.mark.parametrize(
    ("one", "other", "seconds"),
    [
        (("0", "0"), ("0", "0"), 0),
        (("40", "-30"), ("40.009", "-30"), 12),  # a kilometre north
        (("40", "-30"), ("40", "-29.9883"), 12 - 2),  # a kilometre east
        (("0", "0"), ("0", "1"), 111_194 // 83 - 240),
        (("80", "0"), ("80", "1"), 19_308 // 83 - 240),  # where the sun is faster than any traveller
    ],
)
def test_solar_trip_time(one: tuple[str, str], other: tuple[str, str], seconds: int) -> None:
    assert solar_trip_time(place(*one), place(*other)) == seconds


@pytest.mark.parametrize(
    ("where", "is_there"),
    [(("90", "180"), True), (("-90", "-180"), True), (("90.0001", "0"), False), (("0", "-180.0001"), False)],
)
def test_the_earth_ends_somewhere(where: tuple[str, str], is_there: bool) -> None:
    assert is_on_earth(place(*where)) is is_there
