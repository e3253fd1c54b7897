"""The network between validateers: every message may be late, lost, doubled, or meet a cut."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from .clock import Action, Clock

LATENCY_MS: Final = (5, 60)
SLOW_MS: Final = (400, 2500)


@dataclass
class Conditions:
    """How the network is doing: what faults change and calm restores. Shares are 0…1."""

    lost: float = 0.0
    doubled: float = 0.0
    jitter_ms: int = 0
    """A message may take so much longer: later ones overtake it."""
    groups: dict[int, int] = field(default_factory=dict)
    """By validateer; only those of one group hear each other."""
    slow: set[tuple[int, int]] = field(default_factory=set)
    """Links (source, target) that take seconds."""


class Network:
    """Links between validateers, by number."""

    def __init__(self, clock: Clock, dice: random.Random) -> None:
        self._clock, self._dice = clock, dice
        self.conditions = Conditions()
        self.sent = self.lost = 0

    def is_cut(self, source: int, target: int) -> bool:
        groups = self.conditions.groups
        return groups.get(source, 0) != groups.get(target, 0)

    def send(self, source: int, target: int, arrive: Action) -> None:
        """Have `arrive` done at the target's place, some time, perhaps twice or never."""
        conditions, dice = self.conditions, self._dice
        self.sent += 1
        if self.is_cut(source, target) or dice.random() < conditions.lost:
            self.lost += 1
            return
        self._clock.after(self._latency(source, target), arrive)
        if dice.random() < conditions.doubled:
            self._clock.after(self._latency(source, target), arrive)

    def _latency(self, source: int, target: int) -> int:
        shortest, longest = SLOW_MS if (source, target) in self.conditions.slow else LATENCY_MS
        return self._dice.randint(shortest, longest + self.conditions.jitter_ms)

    def restore(self) -> None:
        """All is well again; what is under way arrives."""
        self.conditions = Conditions()
