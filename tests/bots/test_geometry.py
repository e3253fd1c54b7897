"""Locations on the ellipsoid."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from integritee.bots.geometry import EAST, NORTH, SEMI_MAJOR, SOUTH, WEST, Point, grid, moved

QUARTER_MERIDIAN = 10_001_965.7293
"""Metres from the equator to a pole on WGS 84."""


def dms(degrees: int, minutes: int, seconds: float) -> float:
    return math.copysign(abs(degrees) + minutes / 60 + seconds / 3600, degrees)


@pytest.mark.parametrize(
    ("start", "azimuth", "distance", "end"),
    [
        # Flinders Peak to Buninyong, the worked example of Geoscience Australia
        (
            Point(dms(-37, 57, 3.72030), dms(144, 25, 29.52440)),
            dms(306, 52, 5.37),
            54_972.271,
            Point(dms(-37, 39, 10.15610), dms(143, 55, 35.38390)),
        ),
        (Point(0, 0), 90, SEMI_MAJOR * math.pi / 180, Point(0, 1)),
        (Point(41, -56), 0, 0, Point(41, -56)),
    ],
)
def test_geodesics(start: Point, azimuth: float, distance: float, end: Point) -> None:
    assert moved(start, azimuth, distance) == pytest.approx(tuple(end), abs=1e-7)


def test_a_quarter_of_a_meridian_ends_at_the_pole() -> None:
    assert moved(Point(0, 0), 0, QUARTER_MERIDIAN).lat == pytest.approx(90, abs=1e-7)


def test_a_seed_decides_where_the_grid_is() -> None:
    assert grid(1) == grid(1)
    assert grid(1) != grid(2)


@pytest.mark.parametrize("seed", range(5))
def test_the_grid(seed: int) -> None:
    points = grid(seed)
    columns = [points[i : i + 10] for i in range(0, 100, 10)]
    assert len(set(points)) == 100
    assert SOUTH <= points[0].lat <= NORTH
    assert WEST <= points[0].lon <= EAST
    for column in columns:
        assert all(north.lat > south.lat for north, south in pairwise(column))
        assert all(north.lon == pytest.approx(south.lon) for north, south in pairwise(column))
    for west, east in pairwise(columns):
        assert west[0].lon < east[0].lon
        assert moved(west[0], 90, 1000) == east[0]
