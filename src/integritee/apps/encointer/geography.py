"""Distances on the globe in fixed point, and the rule that keeps two places from being visited at one time of day.

All meetups of a ceremony are at high sun. The sun crosses a degree in 240 s, so who travels east or west gains or
loses that much: two places are far enough apart if the way between them takes longer, at the best speed there is.
"""

from __future__ import annotations

from math import isqrt
from typing import Final

from .fixed_point import I32F32, ONE
from .types import Location

EARTH_RADIUS: Final = 6_371_000
"""Metres."""

RADIANS_PER_DEGREE: Final = 0x0477_D1A8_94A7_4E40
"""π / 180 with 64 fractional bits."""

HALF_PI: Final = 90 * RADIANS_PER_DEGREE
SECONDS_PER_DEGREE: Final = 240
"""Of the sun."""

MAX_SPEED: Final = 83
"""Metres per second, about 300 km/h."""

HALF_TURN: Final = 180 << 32
"""Degrees with 32 fractional bits, as all coordinates."""

QUARTER_TURN: Final = 90 << 32


def is_on_earth(place: Location) -> bool:
    return abs(place.lat.bits) <= QUARTER_TURN and abs(place.lon.bits) <= HALF_TURN


def distance(one: Location, other: Location) -> int:
    """Whole metres on the great circle (haversine)."""
    half_lat = _sine(_radians(one.lat.bits - other.lat.bits) // 2)
    half_lon = _sine(_radians(one.lon.bits - other.lon.bits) // 2)
    cosines = _cosine(_radians(one.lat.bits)) * _cosine(_radians(other.lat.bits)) >> 64
    a = (half_lat * half_lat >> 64) + (cosines * (half_lon * half_lon >> 64) >> 64)
    return 2 * EARTH_RADIUS * _arcsine(isqrt(min(a, ONE) << 64)) >> 64


def distance_to_pole(place: Location) -> int:
    """Metres to the nearer one."""
    return distance(place, Location(I32F32(QUARTER_TURN if place.lat.bits >= 0 else -QUARTER_TURN), place.lon))


def distance_to_date_line(place: Location) -> int:
    """Metres to the date line on the same latitude."""
    return distance(place, Location(place.lat, I32F32(HALF_TURN)))


def solar_trip_time(one: Location, other: Location) -> int:
    """Seconds that the fastest traveller is late for high sun at one place after high sun at the other."""
    sun = abs(one.lon.bits - other.lon.bits) * SECONDS_PER_DEGREE >> 32
    return distance(one, other) // MAX_SPEED - sun


def _radians(degrees: int) -> int:
    return degrees * RADIANS_PER_DEGREE >> 32


def _sine(x: int) -> int:
    """For |x| ≤ π."""
    return _alternating(abs(x), abs(x), 1) * (1 if x >= 0 else -1)


def _cosine(x: int) -> int:
    return _alternating(ONE, abs(x), 0)


def _alternating(term: int, x: int, n: int) -> int:
    """xⁿ/n! − xⁿ⁺²/(n+2)! + …, of which the first term is given."""
    total, sign, square = term, -1, x * x >> 64
    while term:
        term = (term * square >> 64) // ((n + 1) * (n + 2))
        total, sign, n = total + sign * term, -sign, n + 2
    return total


def _arcsine(x: int) -> int:
    """For 0 ≤ x ≤ 1. Near 1 the series would be slow: asin x = π/2 − 2 asin √((1 − x) / 2)."""
    if 2 * x > ONE:
        return HALF_PI - 2 * _arcsine(isqrt((ONE - x) // 2 << 64))
    term, total, square, n = x, x, x * x >> 64, 1
    while term:
        term = (term * square >> 64) * n // (n + 1)
        n += 2
        total += term // n
    return total
