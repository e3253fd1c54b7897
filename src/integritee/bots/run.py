"""Ceremonies one after the other, each compared with the model."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, TypeAlias

from integritee.apps.encointer.types import CeremonyPhase

from .check import Found, compare
from .community import Community
from .files import Files
from .model import MAX_POPULATION, expected, growth

NO_END: Final = 0
"""Instead of a number of ceremonies."""

Advance: TypeAlias = Callable[[], Awaitable[None]]
"""Makes the parentchain go on to the next phase."""


@dataclass(frozen=True)
class Report:
    """Ceremony `number` of a community, as it was; 0 is before the first. `seconds` of each phase last until the next
    one is known."""

    number: int
    found: Found
    seconds: dict[CeremonyPhase, float] = field(default_factory=dict)


class Run:
    """The ceremonies of a community whose growth ends at a population of `target`.

    Which one it is, the number of lines in its statistics tells.
    """

    def __init__(self, community: Community, files: Files, target: int = MAX_POPULATION) -> None:
        self._community, self._files, self._target = community, files, target
        self._balances: list[Fraction] | None = None

    async def ceremonies(self, count: int, advance: Advance) -> AsyncIterator[Report]:
        """`count` ceremonies, or without end, from the present phase on; the first one may be under way.

        Raises ModelViolated, FileUnreadable, and as `Community`.
        """
        left = itertools.count() if count == NO_END else iter(range(count))
        for _ in left:
            while not (report := await self._ceremony(advance)).number:
                pass  # founded while others did not register any more, so it begins with the next one
            yield report
            compare(expected(report.number, self._target), report.found)

    async def _ceremony(self, advance: Advance) -> Report:
        found, seconds = Found(), dict[CeremonyPhase, float]()
        while True:
            began = time.monotonic()
            schedule = await self._community.schedule()
            await self.phase(schedule.phase, found)
            await advance()
            await self._community.passed(schedule.ceremony_index, schedule.phase)
            seconds[schedule.phase] = time.monotonic() - began
            if schedule.phase is CeremonyPhase.Attesting:
                break
        await self._reward(found)
        return Report(len(self._files.statistics()), found, seconds)

    # -- phases --------------------------------------------------------------------------------------

    async def one_phase(self) -> Report:
        """What is to do in the present phase, once. Raises as `ceremonies`."""
        found = Found()
        began = time.monotonic()
        schedule = await self._community.schedule()
        await self.phase(schedule.phase, found)
        report = Report(len(self._files.statistics()), found, {schedule.phase: time.monotonic() - began})
        if report.number:
            compare(expected(report.number, self._target), found)
        return report

    async def phase(self, phase: CeremonyPhase, found: Found) -> None:
        match phase:
            case CeremonyPhase.Registering:
                await self._register(found)
            case CeremonyPhase.Assigning:
                found.population = await self._community.participants()
                found.sizes = await self._community.meetup_sizes()
            case CeremonyPhase.Attesting:
                await self._community.attest()

    async def _register(self, found: Found) -> None:
        """Take stock, grow, and register; growth is left out where this goes on with what was begun before."""
        agents = self._community.agents
        if self._balances is None:
            self._balances = await self._community.balances()
        balances = self._balances
        found.supply = sum(balances, Fraction())
        if not await self._community.has_begun():
            self._files.add_statistics(len(agents), found.supply)
            holders = sum(balance > 0 for balance in balances)
            found.newbies = growth(holders, len(agents), self._target) if found.supply else 0
            newcomers = agents.grow(found.newbies)
            balances += [Fraction()] * len(newcomers)
        await self._community.register()

    async def _reward(self, found: Found) -> None:
        """See who was paid; the next ceremony begins with what everybody has now."""
        await self._community.schedule()
        found.supply_after = await self._community.supply()
        before, self._balances = self._balances, await self._community.balances()
        if before is not None:
            found.rewards = sum(now > then for then, now in zip(before, self._balances, strict=True))
