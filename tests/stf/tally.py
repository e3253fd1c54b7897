"""What arbitrary histories consisted of: steps, calls by name and end, getters, failures by code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from integritee.stf.ledger import Ledger

DONE: Final = "done"
ANSWERED: Final = "answered"
PUBLIC: Final = "public "
"""Before the names of public getters, which some share with trusted ones."""

NOT_PUBLIC: Final = "stf.not_public"
"""How public getters end that exist on the wire only."""

UNSPECIFIC: Final = frozenset({"stf.filtered", "stf.invalid_nonce", "stf.invalid_signature"})
"""Refusals that say nothing about the call: whichever it was, it would have been refused."""


@dataclass
class Tally:
    """Counts; those of several histories add up. Keys are (name, DONE or ANSWERED or the error's code)."""

    lives: int = 0
    retired: int = 0
    """Lives that ended in retirement."""
    blocks: int = 0
    steps: int = 0
    """Calls executed and getters asked."""
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    getters: Counter[tuple[str, str]] = field(default_factory=Counter)

    def call(self, name: str, end: str) -> None:
        self.steps += 1
        self.calls[name, end] += 1

    def getter(self, name: str, end: str) -> None:
        self.steps += 1
        self.getters[name, end] += 1

    def add(self, other: Tally) -> None:
        self.lives += other.lives
        self.retired += other.retired
        self.blocks += other.blocks
        self.steps += other.steps
        self.calls.update(other.calls)
        self.getters.update(other.getters)

    def failures(self) -> Counter[str]:
        """Failed and refused calls and getters by code."""
        found: Counter[str] = Counter()
        for counted in (self.calls, self.getters):
            for (_, end), count in counted.items():
                if end not in (DONE, ANSWERED):
                    found[end] += count
        return found

    @staticmethod
    def by_name(counted: Counter[tuple[str, str]]) -> dict[str, tuple[int, int]]:
        """How often each of the calls, or getters, went well and failed."""
        found: dict[str, tuple[int, int]] = {}
        for (name, end), count in sorted(counted.items()):
            well, failed = found.get(name, (0, 0))
            found[name] = (well + count, failed) if end in (DONE, ANSWERED) else (well, failed + count)
        return found

    def gaps(self, ledger: Ledger) -> Iterator[str]:
        """What the histories have missed: calls that never went well or never failed for a reason of their own,
        getters that were never answered or, if not public, never refused."""
        for name in ledger.calls:
            ends = {end for called, end in self.calls if called == name}
            if DONE not in ends:
                yield f"call {name} was never done, only {sorted(ends)}"
            if not ends - UNSPECIFIC - {DONE}:
                yield f"call {name} never failed for a reason of its own"
        for name in (*ledger.trusted_getters, *(PUBLIC + name for name in ledger.public_getters)):
            ends = {end for asked, end in self.getters if asked == name}
            if ANSWERED not in ends and ends != {NOT_PUBLIC}:
                yield f"getter {name} was never answered, only {sorted(ends)}"
            if name in ledger.trusted_getters and not ends - UNSPECIFIC - {ANSWERED}:
                yield f"getter {name} was never refused for a reason of its own"
