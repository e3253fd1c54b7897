"""Who meets whom, where and when: the assignment of generation 1, which has no chance in it.

Source: encointer pallet `ceremonies` 0.3. One thing differs: upstream removes the wrong meetups if more than one is
too small; here those go that are too small, and the others keep their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .types import Location

MEETUP_DIVISOR: Final = 12
"""One meetup more for each so many participants."""

MIN_PARTICIPANTS: Final = 3
NEWBIE_DIVISOR: Final = 4
"""One newbie for so many reputables, in the whole community."""

NOON_MS: Final = 43_200_000
MS_PER_DEGREE: Final = 240_000
"""Of the sun."""


def assign(reputables: Sequence[bytes], newbies: Sequence[bytes]) -> list[list[bytes]]:
    """Meetups 1, 2, …, each with its participants; those too small for a meetup are empty.

    Both are in the order of registration. Meetups take reputables in turns. A newbie is offered one meetup, where at
    most a quarter may be newbies; who finds no room there stays out.
    """
    invited = len(reputables) + min(len(newbies), len(reputables) // NEWBIE_DIVISOR)
    count = invited // MEETUP_DIVISOR + 1
    meetups: list[list[bytes]] = [[*reputables[i::count]] for i in range(count)]
    room = [NEWBIE_DIVISOR * len(meetup) // (NEWBIE_DIVISOR - 1) for meetup in meetups]
    for k, newbie in enumerate(newbies):
        if len(meetups[k % count]) < room[k % count]:
            meetups[k % count].append(newbie)
    return [meetup if len(meetup) >= MIN_PARTICIPANTS else [] for meetup in meetups]


def meetup_time(location: Location, attesting_start: int) -> int:
    """Unix ms of high sun at a place, on the day that the phase of attesting begins with (Unix ms)."""
    degrees = abs(location.lon.bits) >> 32
    sun = degrees * MS_PER_DEGREE
    return attesting_start + NOON_MS - (sun if location.lon.bits >= 0 else -sun)
