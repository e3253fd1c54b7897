"""Where a community meets: a square grid of locations in the mid Atlantic, on the ellipsoid of WGS 84."""

from __future__ import annotations

import math
import random
from itertools import accumulate, repeat
from typing import Final, NamedTuple

from .model import LOCATIONS

SPACING: Final = 1000.0
"""Metres between neighbours, along geodesics."""

WEST, EAST = -56.0, -21.0
SOUTH, NORTH = 13.0, 41.0
"""Degrees between which the north-western corner lies: there is water for thousands of kilometres."""

SEMI_MAJOR: Final = 6_378_137.0
FLATTENING: Final = 1 / 298.257223563
"""WGS 84."""

EAST_AZIMUTH, SOUTH_AZIMUTH = 90.0, 180.0
PRECISION: Final = 1e-12
"""Radians of arc at which Vincenty's iteration ends: a hundredth of a millimetre."""


class Point(NamedTuple):
    """Degrees, north and east positive."""

    lat: float
    lon: float


def grid(seed: int, count: int = LOCATIONS, spacing: float = SPACING) -> list[Point]:
    """The locations of a seed, `count` a square number: column by column from the west, each from the north."""
    dice = random.Random(f"locations of {seed}")  # noqa: S311  # dice, no keys
    corner = Point(dice.uniform(SOUTH, NORTH), dice.uniform(WEST, EAST))
    side = math.isqrt(count)
    northern_row = _line(corner, EAST_AZIMUTH, side, spacing)
    return [point for top in northern_row for point in _line(top, SOUTH_AZIMUTH, side, spacing)]


def _line(start: Point, azimuth: float, count: int, spacing: float) -> list[Point]:
    """`count` points, each seen from the one before in the same direction."""
    return list(
        accumulate(repeat(spacing, count - 1), lambda point, step: moved(point, azimuth, step), initial=start)
    )


def moved(start: Point, azimuth: float, distance: float) -> Point:
    """Where a geodesic of `distance` metres ends that leaves `start` at `azimuth` degrees, clockwise from north.

    The direct problem, by T. Vincenty, Direct and Inverse Solutions of Geodesics on the Ellipsoid (Survey Review
    XXIII, 176, 1975), whose equation numbers are beside the lines.
    """
    f, b = FLATTENING, SEMI_MAJOR * (1 - FLATTENING)
    alpha1, tan_u1 = math.radians(azimuth), (1 - f) * math.tan(math.radians(start.lat))
    cos_u1 = 1 / math.hypot(1, tan_u1)
    sin_u1 = tan_u1 * cos_u1
    sigma1 = math.atan2(tan_u1, math.cos(alpha1))  # 1
    sin_alpha = cos_u1 * math.sin(alpha1)  # 2
    cos2_alpha = 1 - sin_alpha**2
    u2 = cos2_alpha * (SEMI_MAJOR**2 - b**2) / b**2
    a_ = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)))  # 3
    b_ = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)))  # 4
    sigma, before = distance / (b * a_), math.inf
    while abs(sigma - before) > PRECISION:
        before = sigma
        cos_2m, sin_s, cos_s = math.cos(2 * sigma1 + sigma), math.sin(sigma), math.cos(sigma)  # 5
        last = b_ / 6 * cos_2m * (4 * sin_s**2 - 3) * (4 * cos_2m**2 - 3)
        delta = b_ * sin_s * (cos_2m + b_ / 4 * (cos_s * (2 * cos_2m**2 - 1) - last))  # 6
        sigma = distance / (b * a_) + delta  # 7
    cos_2m, sin_s, cos_s = math.cos(2 * sigma1 + sigma), math.sin(sigma), math.cos(sigma)
    across = sin_u1 * sin_s - cos_u1 * cos_s * math.cos(alpha1)
    lat = math.atan2(sin_u1 * cos_s + cos_u1 * sin_s * math.cos(alpha1), (1 - f) * math.hypot(sin_alpha, across))  # 8
    lam = math.atan2(sin_s * math.sin(alpha1), cos_u1 * cos_s - sin_u1 * sin_s * math.cos(alpha1))  # 9
    c = f / 16 * cos2_alpha * (4 + f * (4 - 3 * cos2_alpha))  # 10
    lon = lam - (1 - c) * f * sin_alpha * (sigma + c * sin_s * (cos_2m + c * cos_s * (2 * cos_2m**2 - 1)))  # 11
    return Point(math.degrees(lat), start.lon + math.degrees(lon))
