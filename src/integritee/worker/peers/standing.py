"""How well a peer serves: its score, and the rests it gets. Policy only: `now` is seconds of a monotonic clock.

A score lies between 0 and 1 and moves with each answer towards how fast that was, down with each lapse. Better peers
are asked first; nobody is given up.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from integritee.worker.endpoints import JITTER, pause

INITIAL_SCORE: Final = 0.5
GAIN: Final = 0.2
"""How far one answer moves the score towards what it is worth."""

HALF_WORTH: Final = 1.0
"""Seconds after which an answer is worth half of an immediate one."""


class Lapse(enum.Enum):
    """What was wrong with a peer."""

    UNREACHABLE = "unreachable"
    """No connection, or it broke."""
    SLOW = "slow"
    """No answer in time."""
    REFUSED = "refused"
    """It says no."""
    USELESS = "useless"
    """The enclave could do nothing with its blocks: perhaps those of a fork that lost."""
    LIED = "lied"
    """What it sent cannot be true, or is no answer at all."""


KEPT_SCORE: Final[dict[Lapse, float]] = {
    Lapse.UNREACHABLE: 0.6,
    Lapse.SLOW: 0.6,
    Lapse.REFUSED: 0.9,
    Lapse.USELESS: 0.8,
    Lapse.LIED: 0.1,
}
"""The part of the score that a lapse leaves."""

MAX_REST: Final = 4.0
"""Short, since a peer that comes back has blocks to be told."""

LIE_REST: Final = 60.0
"""Seconds before a peer that lied is told anything."""

TAKES_REST: Final = frozenset({Lapse.UNREACHABLE, Lapse.SLOW, Lapse.LIED})


def rest(lapse: Lapse, failures: int, roll: float) -> float:
    """Seconds, after so many failures in a row; `roll` in [0, 1) is chance: not all return to a peer at once."""
    if lapse is Lapse.LIED:
        return LIE_REST * (1 - JITTER * roll)
    return pause(failures, roll, MAX_REST)


@dataclass
class Standing:
    """Of one peer. `failures` are those in a row that ask for a rest; `is_up` says how the latest contact went."""

    score: float = INITIAL_SCORE
    failures: int = 0
    rests_until: float = float("-inf")
    is_up: bool = False
    latest: Lapse | None = None

    def served(self, seconds: float) -> None:
        """It answered after so long."""
        worth = HALF_WORTH / (HALF_WORTH + max(seconds, 0.0))
        self.score += GAIN * (worth - self.score)
        self.failures, self.is_up, self.latest = 0, True, None

    def lapsed(self, lapse: Lapse, now: float, roll: float) -> None:
        """`roll` as in `rest`."""
        self.score *= KEPT_SCORE[lapse]
        self.latest = lapse
        self.is_up = lapse not in (Lapse.UNREACHABLE, Lapse.SLOW)
        if lapse in TAKES_REST:
            self.failures += 1
            self.rests_until = now + rest(lapse, self.failures, roll)

    def is_resting(self, now: float) -> bool:
        return self.rests_until > now

    def rank(self, now: float) -> tuple[bool, float]:
        """Sorts the peer to ask first to the front: those that rest come last, better ones before worse."""
        return self.is_resting(now), -self.score
