"""The growth model against the figures that are known of it."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.bots.model import (
    BOOTSTRAPPERS,
    MAX_POPULATION,
    assignment,
    attendees,
    ceremonies,
    expected,
    growth,
    meetup_count,
)

# ceremony; population and supply in the line of the statistics; newbies, population, meetups, attendees, sizes
KNOWN = """
 1    10    0   0   10   1   10  10-10
 2    10   10   2   12   2   12   6-6
 3    12   22   3   15   2   15   7-8
 4    15   37   3   18   2   18   8-10
 5    18   55   4   22   2   22  11-11
 6    22   77   5   27   3   27   8-10
 7    27  104   6   33   3   33  11-11
 8    33  137   8   41   4   41  10-11
 9    41  178  10   51   5   51  10-11
10    51  229  12   63   6   63  10-11
11    63  292  15   78   7   78  11-12
12    78  370  19   97   9   97  10-12
13    97  467  24  121  11  121  10-12
14   121  588  30  151  13  151  11-13
15   151  739  37  188  16  188  11-13
16   188  927  47  235  20  235  11-13
17   235 1162  58  293  25  293  11-13
18   293 1455  73  366  31  366  11-13
19   366 1821  91  457  39  457  11-13
20   457 2278 114  571  48  571  11-13
21   571 2849 142  713  60  713  11-13
22   713 3562 178  891  75  891  11-13
23   891 4453 222 1113  93 1113  11-13
24  1113 5566  87 1200 101 1189  11-13
25  1200 6755   0 1200 101 1189  11-13
26  1200 7944   0 1200 101 1189  11-13
"""


@pytest.mark.parametrize("line", KNOWN.strip().splitlines(), ids=lambda line: line.split()[0])
def test_known_ceremonies(line: str) -> None:
    number, before, supply, newbies, population, meetups, paid, sizes = line.split()
    found = expected(int(number))
    assert (found.population - found.newbies, found.supply) == (int(before), int(supply))
    assert (found.newbies, found.population) == (int(newbies), int(population))
    assert (found.meetups, found.rewards) == (int(meetups), int(paid))
    assert f"{min(found.sizes)}-{max(found.sizes)}" == sizes


@pytest.mark.parametrize(("number", "signatures"), [(12, 952), (13, 1214), (16, 2544), (20, 6262)])
def test_known_numbers_of_signatures(number: int, signatures: int) -> None:
    assert sum(n * (n - 1) for n in expected(number).sizes) == signatures


@pytest.mark.parametrize(
    ("reputables", "newbies", "sizes"),
    [
        (10, 0, (10,)),
        (10, 2, (6, 6)),
        (12, 3, (8, 7)),
        (3, 5, (4,)),  # a meetup of three takes one newbie in
        (2, 1, (2,)),  # one of two nobody
        (0, 7, (0,)),
    ],
)
def test_assignments(reputables: int, newbies: int, sizes: tuple[int, ...]) -> None:
    assert assignment(reputables, newbies) == sizes


def test_meetups_of_two_and_those_without_location_are_not_paid() -> None:
    assert attendees((2,)) == 0
    assert attendees((3, 4, 5), locations=2) == 7


@pytest.mark.parametrize(
    ("holders", "population", "target", "newbies"),
    [(10, 10, 1200, 2), (10, 12, 1200, 2), (1113, 1113, 1200, 87), (1200, 1200, 1200, 0), (30, 20, 10, 0)],
)
def test_growth(holders: int, population: int, target: int, newbies: int) -> None:
    assert growth(holders, population, target) == newbies


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_assignments_lose_no_reputables_and_take_few_newbies(reputables: int, newbies: int) -> None:
    sizes = assignment(reputables, newbies)
    assert len(sizes) == meetup_count(reputables, newbies)
    assert reputables <= sum(sizes) <= min(reputables + newbies, reputables * 4 // 3)
    assert max(sizes) - min(sizes) <= max(2, newbies)


@given(st.integers(BOOTSTRAPPERS, MAX_POPULATION))
def test_communities_never_shrink_and_stop_at_their_target(target: int) -> None:
    run = list(islice(ceremonies(target), 40))
    assert all(a.population <= b.population <= target for a, b in pairwise(run))
    assert all(b.supply == a.supply_after for a, b in pairwise(run))
    assert run[-1].population == target
