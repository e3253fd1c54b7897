"""Who meets whom: the table of the growth model, and what may happen at its edges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.apps.encointer.meetups import assign, meetup_time

from .kit import place

POPULATIONS = (
    *(10, 12, 15, 18, 22, 27, 33, 41, 51, 63, 78, 97, 121, 151, 188, 235, 293, 366, 457, 571, 713, 891, 1113, 1200),
)
MEETUPS = (1, 2, 2, 2, 2, 3, 3, 4, 5, 6, 7, 9, 11, 13, 16, 20, 25, 31, 39, 48, 60, 75, 93, 101)
SIZES = (
    *(
        (10, 10),
        (6, 6),
        (7, 8),
        (8, 10),
        (11, 11),
        (8, 10),
        (11, 11),
        (10, 11),
        (10, 11),
        (10, 11),
        (11, 12),
        (10, 12),
    ),
    *((10, 12), (11, 13), (11, 13), (11, 13), (11, 13), (11, 13), (11, 13), (11, 13), (11, 13), (11, 13), (11, 13)),
    (11, 13),
)


def people(count: int, kind: bytes = b"p") -> list[bytes]:
    return [kind + number.to_bytes(31, "big") for number in range(count)]


@pytest.mark.parametrize(
    ("before", "population", "meetups", "sizes"),
    [(POPULATIONS[max(k - 1, 0)], POPULATIONS[k], MEETUPS[k], SIZES[k]) for k in range(len(POPULATIONS))],
    ids=[f"ceremony {k}" for k in range(1, 25)],
)
def test_a_growing_community_admits_all_newbies(
    before: int, population: int, meetups: int, sizes: tuple[int, int]
) -> None:
    found = assign(people(before), people(population - before, b"n"))
    assert len(found) == meetups
    assert sum(map(len, found)) == population
    lengths = sorted(map(len, found))
    assert sizes[0] <= lengths[0]
    assert lengths[-1] <= sizes[1]


def test_1200_make_one_meetup_more_than_there_are_locations() -> None:
    found = assign(people(1113), people(87, b"n"))
    assert (len(found), len(found[100])) == (101, 11)


@pytest.mark.parametrize(
    ("reputables", "newbies", "sizes"),
    [
        (0, 0, [0]),
        (0, 30, [0]),  # who nobody knows does not meet anybody
        (2, 0, [0]),
        (2, 5, [0]),  # 8 // 3 == 2 leaves no room for a third
        (3, 0, [3]),
        (3, 5, [4]),
        (11, 0, [11]),
        (12, 0, [6, 6]),
        (10, 2, [6, 6]),
        (9, 100, [12]),
        (10, 100, [6, 6]),
    ],
)
def test_sizes(reputables: int, newbies: int, sizes: list[int]) -> None:
    assert list(map(len, assign(people(reputables), people(newbies, b"n")))) == sizes


def test_a_newbie_without_room_is_not_offered_another_meetup() -> None:
    first, second = assign(people(13), people(6, b"n"))  # 7 and 6 reputables have room for 2 newbies each
    newbies = people(6, b"n")
    assert first[7:] == [newbies[0], newbies[2]]
    assert second[6:] == [newbies[1], newbies[3]]


@given(reputables=st.integers(0, 200), newbies=st.integers(0, 200))
def test_nobody_meets_twice_and_newbies_are_few(reputables: int, newbies: int) -> None:
    known, unknown = people(reputables), people(newbies, b"n")
    meetups = assign(known, unknown)
    everybody = [who for meetup in meetups for who in meetup]
    assert len(everybody) == len(set(everybody))
    assert set(everybody) <= {*known, *unknown}
    for meetup in meetups:
        assert not meetup or len(meetup) >= 3
        assert 4 * sum(who in unknown for who in meetup) <= len(meetup)


@pytest.mark.parametrize(
    ("lon", "minutes"), [("0", 0), ("1.9", -4), ("-1.9", 4), ("90", -360), ("-56", 224), ("-0.5", 0)]
)
def test_meetups_are_at_high_sun(lon: str, minutes: int) -> None:
    noon = 43_200_000
    assert meetup_time(place("10", lon), 1000) == 1000 + noon + minutes * 60_000
