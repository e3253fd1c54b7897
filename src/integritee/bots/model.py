"""How a community grows by the rules of Encointer's first generation if nobody makes a mistake.

Nothing here knows the ledger: populations, meetups, rewards and supply of every ceremony follow from the numbers of
the one before. Rules: `bot-community.py` (growth) and pallet `encointer-ceremonies` v0.3.7 (assignment, rewards).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from typing import Final

LOCATIONS: Final = 100
BOOTSTRAPPERS: Final = 10
MEETUP_SIZE: Final = 12
"""What the number of participants is divided by to get that of meetups."""

MAX_POPULATION: Final = MEETUP_SIZE * LOCATIONS
GROWTH_DIVISOR: Final = 4
"""So many members of a community bring a newbie, and so many reputables admit one."""

NEWBIES_OF_A_MEETUP: Final = 3
"""So many reputables of a meetup take one newbie in."""

SMALLEST_MEETUP: Final = 3
"""A majority of fewer votes counts for nothing."""

REWARD: Final = 1


@dataclass(frozen=True)
class Ceremony:
    """What is to be seen of a ceremony.

    `population` counts the accounts after growth by `newbies`, `sizes` are those of the meetups by index, and
    `rewards` counts the accounts that were paid. `supply` is what there was before that and `supply_after` behind it,
    in units of the community's currency.
    """

    number: int
    population: int
    newbies: int
    sizes: tuple[int, ...]
    rewards: int
    supply: int
    supply_after: int

    @property
    def meetups(self) -> int:
        return len(self.sizes)


def growth(holders: int, population: int, target: int = MAX_POPULATION) -> int:
    """Newbies that join a `population` of which `holders` have been paid before; `target` is not exceeded."""
    return max(0, min(holders // GROWTH_DIVISOR, target - population))


def meetup_count(reputables: int, newbies: int) -> int:
    return (reputables + min(newbies, reputables // GROWTH_DIVISOR)) // MEETUP_SIZE + 1


def assignment(reputables: int, newbies: int) -> tuple[int, ...]:
    """Sizes of the meetups of so many participants: everybody in turn, newbies where there is room for one."""
    meetups = meetup_count(reputables, newbies)
    known = [len(range(meetup, reputables, meetups)) for meetup in range(meetups)]
    sizes = list(known)
    for newbie in range(newbies):
        meetup = newbie % meetups
        if sizes[meetup] < known[meetup] * (NEWBIES_OF_A_MEETUP + 1) // NEWBIES_OF_A_MEETUP:
            sizes[meetup] += 1
    return tuple(sizes)


def attendees(sizes: tuple[int, ...], locations: int = LOCATIONS) -> int:
    """Participants whose meetup has a location and a majority: the others have no attestations."""
    return sum(size for size in sizes[:locations] if size >= SMALLEST_MEETUP)


def ceremonies(target: int = MAX_POPULATION) -> Iterator[Ceremony]:
    """The ceremonies of a community from its first one on, without end; its population stops at `target`.

    All who were paid last time are reputable, and so are the bootstrappers before the first time. A meetup that is
    not paid can only be the last one, where there are neither newbies nor bootstrappers, who register first: so
    everybody has been paid before.
    """
    population = reputables = BOOTSTRAPPERS
    supply = 0
    for number in count(1):
        newbies = growth(population, population, target) if supply else 0
        population += newbies
        sizes = assignment(reputables, population - reputables)
        rewards = attendees(sizes)
        yield Ceremony(number, population, newbies, sizes, rewards, supply, supply + REWARD * rewards)
        supply += REWARD * rewards
        reputables = rewards


def expected(number: int, target: int = MAX_POPULATION) -> Ceremony:
    """Ceremony `number`, from 1."""
    return next(islice(ceremonies(target), number - 1, None))
