"""A community whose ledger is a few lines of Python: right by the model's own rules, or wrong in one way."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from integritee.apps.encointer.types import CeremonyPhase, SchedulerState
from integritee.bots.agents import Agents
from integritee.bots.community import Community
from integritee.bots.files import Files
from integritee.bots.model import assignment, attendees
from integritee.bots.run import Run

FIRST = 10
PHASES = len(CeremonyPhase)


class LedgerOfOne(Community):
    """`reward` says what an attendance is worth: ceremony and number of the agent -> units."""

    def __init__(self, agents: Agents, reward: Callable[[int, int], Fraction]) -> None:
        self.agents, self._reward = agents, reward
        self.step = PHASES
        self.registered = 0
        self.was_attested = False
        self.held: list[Fraction] = []
        self.sizes: tuple[int, ...] = ()
        self.is_lying_about: set[str] = set()

    @property
    def ceremony(self) -> int:
        return self.step // PHASES

    async def schedule(self) -> SchedulerState:
        return SchedulerState(self.ceremony, CeremonyPhase(self.step % PHASES), 0)

    async def passed(self, ceremony: int, phase: CeremonyPhase) -> None:
        assert self.step > ceremony * PHASES + phase

    async def balances(self) -> list[Fraction]:
        return [*self.held, *[Fraction()] * (len(self.agents) - len(self.held))]

    async def supply(self) -> Fraction:
        return sum(self.held, Fraction()) + ("supply" in self.is_lying_about)

    async def participants(self) -> int:
        return self.registered

    async def meetup_sizes(self) -> tuple[int, ...]:
        return self.sizes

    async def has_begun(self) -> bool:
        return self.registered > 0

    async def register(self) -> None:
        self.registered = len(self.agents)

    async def attest(self) -> None:
        self.was_attested = True

    async def advance(self) -> None:
        """To the next phase, with what goes with it."""
        self.step += 1
        match CeremonyPhase(self.step % PHASES):
            case CeremonyPhase.Assigning:
                reputables = sum(balance > 0 for balance in self.held) or FIRST
                self.sizes = assignment(reputables, self.registered - reputables)
            case CeremonyPhase.Registering:
                self.held = await self.balances()
                paid = attendees(self.sizes) if self.was_attested else 0
                for number in range(paid):
                    self.held[number] += self._reward(self.ceremony - 1, number)
                self.registered, self.was_attested = 0, False


def fair(ceremony: int, number: int) -> Fraction:
    return Fraction(1)


def community(
    directory: Path, reward: Callable[[int, int], Fraction] = fair, target: int = 1200
) -> tuple[LedgerOfOne, Run]:
    """A new one of ten, and its ceremonies."""
    files = Files(directory)
    agents = Agents(1, files.keys(bytes(32)))
    agents.grow(FIRST)
    ledger = LedgerOfOne(agents, reward)
    return ledger, Run(ledger, files, target)
