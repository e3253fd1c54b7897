"""What is found of a ceremony against what the model says."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from integritee.bots.check import Found, amount_text, compare
from integritee.bots.errors import ModelViolated
from integritee.bots.model import Ceremony, expected

SEVENTH = expected(7)


def seen(ceremony: Ceremony) -> Found:
    """A ledger that does as the model says."""
    return Found(
        population=ceremony.population,
        newbies=ceremony.newbies,
        sizes=ceremony.sizes,
        rewards=ceremony.rewards,
        supply=Fraction(ceremony.supply),
        supply_after=Fraction(ceremony.supply_after),
    )


@pytest.mark.parametrize("number", [1, 2, 13, 24])
def test_what_is_as_expected_passes(number: int) -> None:
    compare(expected(number), seen(expected(number)))


def test_what_has_not_been_seen_is_not_compared() -> None:
    compare(SEVENTH, Found())
    compare(SEVENTH, Found(population=33))


@pytest.mark.parametrize(
    ("planted", "lines"),
    [
        ({"rewards": 32}, ["rewards 33 32"]),
        ({"supply_after": Fraction(136)}, ["supply after 137 136.0"]),
        ({"supply": Fraction(2 * 104 - 1, 2)}, ["supply 104 103.5"]),
        ({"supply": Fraction(104) + Fraction(1, 2**64)}, ["supply 104 104.00000000000000000005"]),
        ({"population": 32, "newbies": 5}, ["population 33 32", "newbies 6 5"]),
        ({"sizes": (11, 12, 10)}, ["meetup 2 11 12", "meetup 3 11 10"]),
        ({"sizes": (11, 11)}, ["meetup 3 11 none"]),
        ({"sizes": (11, 11, 11, 3)}, ["meetup 4 none 3"]),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_differences_are_found_and_shown(planted: dict[str, object], lines: list[str]) -> None:
    with pytest.raises(ModelViolated) as violated:
        compare(SEVENTH, replace(seen(SEVENTH), **planted))  # type: ignore[arg-type]
    title, *found = violated.value.difference.splitlines()
    assert title.split() == ["expected", "found"]
    assert [line.split() for line in found] == [line.split() for line in lines]
    assert violated.value.data()["ceremony"] == 7
    assert str(violated.value).startswith("ceremony 7 is not as the model says\n")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Fraction(0), "0.0"),
        (Fraction(10), "10.0"),
        (Fraction(-1, 4), "-0.25"),
        (Fraction(1, 3), "0.33333333333333333333"),
    ],
)
def test_amounts(amount: Fraction, text: str) -> None:
    assert amount_text(amount) == text
