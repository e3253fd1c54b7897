"""What a ceremony was like beside what it had to be like."""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Final, TypeAlias

from .errors import ModelViolated
from .model import Ceremony

DECIMALS: Final = 20
"""Of amounts: enough to tell neighbouring ones with 64 fractional bits from each other."""

COLUMN: Final = 26

Value: TypeAlias = int | Fraction | tuple[int, ...]


@dataclass
class Found:
    """What has been seen of a ceremony so far; None has not. Names are those of `Ceremony`."""

    population: int | None = None
    newbies: int | None = None
    sizes: tuple[int, ...] | None = None
    rewards: int | None = None
    supply: Fraction | None = None
    supply_after: Fraction | None = None


@dataclass(frozen=True)
class Difference:
    """None: there is no such thing."""

    what: str
    expected: Value | None
    found: Value | None


def compare(expected: Ceremony, found: Found) -> None:
    """Raises ModelViolated if anything that has been seen is not as expected."""
    different = differences(expected, found)
    if different:
        raise ModelViolated(expected.number, table(different))


def differences(expected: Ceremony, found: Found) -> list[Difference]:
    """In the order of `Found`; meetups one by one."""
    pairs = ((field.name, getattr(expected, field.name), getattr(found, field.name)) for field in fields(found))
    return [
        difference
        for name, wanted, seen in pairs
        if seen is not None and seen != wanted
        for difference in (_meetups(wanted, seen) if name == "sizes" else [Difference(_title(name), wanted, seen)])
    ]


def _meetups(wanted: tuple[int, ...], seen: tuple[int, ...]) -> list[Difference]:
    count = max(len(wanted), len(seen))
    sizes = zip(*((*sizes, *([None] * (count - len(sizes)))) for sizes in (wanted, seen)), strict=True)
    return [Difference(f"meetup {i}", one, other) for i, (one, other) in enumerate(sizes, 1) if one != other]


def _title(name: str) -> str:
    return name.replace("_", " ")


def table(different: list[Difference]) -> str:
    lines = [f"  {'':14}{'expected':>{COLUMN}}{'found':>{COLUMN}}"]
    lines += [f"  {d.what:14}{_text(d.expected):>{COLUMN}}{_text(d.found):>{COLUMN}}" for d in different]
    return "\n".join(lines)


def _text(value: Value | None) -> str:
    if value is None:
        return "none"
    return amount_text(value) if isinstance(value, Fraction) else str(value)


def amount_text(amount: Fraction) -> str:
    """Up to `DECIMALS` decimals, one at least: ``10.0``."""
    scaled = round(amount * 10**DECIMALS)
    whole, decimals = divmod(abs(scaled), 10**DECIMALS)
    return f"{'-' if scaled < 0 else ''}{whole}.{f'{decimals:0{DECIMALS}d}'.rstrip('0') or '0'}"
