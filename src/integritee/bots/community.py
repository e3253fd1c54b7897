"""What the agents of a community do in each phase of a ceremony, over the SDK.

What is done is looked at: a phase is over when everything in it is known to every worker. So it may be begun again at
any time, and it does not matter whether a worker took with it what it had been told.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeAlias, TypeVar

from integritee.apps.encointer.claims import attest, prove_attendance
from integritee.apps.encointer.fixed_point import ONE
from integritee.apps.encointer.types import (
    Attestation,
    BalanceEntry,
    CeremonyPhase,
    ClaimOfAttendance,
    Meetup,
    Reputation,
    SchedulerState,
)
from integritee.client.errors import OperationCancelled, RequestRefused, ValueNotPresent
from integritee.client.worker import WorkerClient

from .agents import Agent, Agents
from .workers import Gone, Workers

PHASES: Final = len(CeremonyPhase)

REFUSAL_PATIENCE: Final = 5.0
"""Seconds in which a refused call is made again: it may have been executed already, by way of a worker that went, or
be too early for a worker that left its latest blocks for others."""

REFUSAL_PAUSE: Final = 0.25
"""Seconds between two such attempts."""

SET_BACK: Final = 2
"""Parentchain blocks that several workers are to know of a phase: who leaves a block or two is still in it then."""

T = TypeVar("T")

Question: TypeAlias = Callable[[WorkerClient, Agent], Awaitable[T]]


@dataclass(frozen=True)
class Progress:
    """So many agents are done with something in a phase of a ceremony."""

    ceremony: int
    phase: CeremonyPhase
    what: str
    done: int
    total: int


Tell: TypeAlias = Callable[[Progress], None]


class Community:
    """Agents of the community `cid`, who talk to `workers`. Methods raise NotSettled, NoWorkerLeft, ClientError."""

    def __init__(self, cid: bytes, agents: Agents, workers: Workers, tell: Tell) -> None:
        self.cid, self.agents, self.workers = cid, agents, workers
        self._tell = tell
        self._schedule = SchedulerState(0, CeremonyPhase.Registering, 0)

    # -- looking -------------------------------------------------------------------------------------

    async def schedule(self) -> SchedulerState:
        """Ceremony and phase as a worker knows them."""
        self._schedule = await self.workers.ask(0, lambda worker: worker.get("encointer.scheduler_state"))
        return self._schedule

    async def passed(self, ceremony: int, phase: CeremonyPhase) -> None:
        """Wait until every worker knows that a phase is over."""
        await self._reached(f"the phase after {phase.name} of ceremony {ceremony}", PHASES * ceremony + phase + 1)

    async def reached(self, ceremony: int, phase: CeremonyPhase) -> None:
        """Wait until every worker knows that a phase has begun."""
        await self._reached(f"{phase.name} of ceremony {ceremony}", PHASES * ceremony + phase)

    async def _reached(self, what: str, step: int) -> None:
        margin = SET_BACK if len(self.workers.urls) > 1 else 0
        begun: dict[str, int] = {}

        async def is_known(worker: WorkerClient) -> bool:
            state: SchedulerState = await worker.get("encointer.scheduler_state")
            if PHASES * state.ceremony_index + state.phase < step:
                begun.pop(worker.rpc.url, None)
                return False
            return state.block_number >= begun.setdefault(worker.rpc.url, state.block_number) + margin

        while not await self.workers.settled(what, is_known):
            pass

    async def known(self) -> None:
        """Wait until every worker knows the community."""

        async def is_known(worker: WorkerClient) -> bool:
            return self.cid in await worker.get("encointer.communities")

        while not await self.workers.settled("the community", is_known):
            pass

    async def balances(self) -> list[Fraction]:
        """Of all agents, in their order."""

        async def balance(worker: WorkerClient, agent: Agent) -> Fraction:
            entry: BalanceEntry = await worker.get("encointer.balance", agent.account, self.cid, signer=agent.pair)
            return Fraction(entry.principal.bits, ONE)

        return await self._each("balances", self.agents, lambda agent: self._ask(agent, balance))

    async def supply(self) -> Fraction:
        """All that was ever issued."""
        entry: BalanceEntry = await self.workers.ask(
            0, lambda worker: worker.get("encointer.total_issuance", self.cid)
        )
        return Fraction(entry.principal.bits, ONE)

    async def participants(self) -> int:
        """Who is registered. Not to be known while accounts register."""
        count: int = await self.workers.ask(0, lambda worker: worker.get("encointer.participant_count", self.cid))
        return count

    async def meetup_sizes(self) -> tuple[int, ...]:
        """Of all meetups, by their indices; agents count, others would not."""

        async def index(worker: WorkerClient, agent: Agent) -> int:
            found: int = await worker.get("encointer.meetup_index", agent.account, self.cid, signer=agent.pair)
            return found

        indices = await self._each("meetups", self.agents, lambda agent: self._ask(agent, index))
        count: int = await self.workers.ask(0, lambda worker: worker.get("encointer.meetup_count", self.cid))
        return tuple(indices.count(meetup) for meetup in range(1, count + 1))

    async def has_begun(self) -> bool:
        """Whether the first of the agents is registered for the present ceremony."""
        first = next(iter(self.agents))
        return await self._ask(first, self._is_registered)

    # -- registering ---------------------------------------------------------------------------------

    async def register(self) -> None:
        """Have everybody registered, with a proof of attendance whoever attended the last ceremony."""
        await self._have("registrations", list(self.agents), self._is_registered, self._register)

    async def _is_registered(self, worker: WorkerClient, agent: Agent) -> bool:
        index: int = await worker.get("encointer.participant_index", agent.account, self.cid, signer=agent.pair)
        return index > 0

    async def _register(self, worker: WorkerClient, agent: Agent) -> None:
        last = self._schedule.ceremony_index - 1
        reputation = await worker.get("encointer.reputation", agent.account, self.cid, last, signer=agent.pair)
        is_reputable = reputation is Reputation.VerifiedUnlinked
        proof = prove_attendance(agent.pair, last, self.cid) if is_reputable else None
        await worker.call("encointer.register_participant", agent.account, self.cid, proof, signer=agent.pair)

    # -- attesting -----------------------------------------------------------------------------------

    async def attest(self) -> None:
        """Have everybody attested by all others of the same meetup, unless there is no place for it."""
        given = await self._attestations()

        async def is_attested(worker: WorkerClient, agent: Agent) -> bool:
            attesters = await worker.get("encointer.attestations", agent.account, self.cid, signer=agent.pair)
            return len(attesters) == len(given[agent])

        async def hand_in(worker: WorkerClient, agent: Agent) -> None:
            await worker.call("encointer.register_attestations", agent.account, given[agent], signer=agent.pair)

        await self._have("attestations", list(given), is_attested, hand_in)

    async def _attestations(self) -> dict[Agent, list[Attestation]]:
        """What the others of its meetup sign for each agent that has somewhere to go."""

        async def meetup(worker: WorkerClient, agent: Agent) -> Meetup | None:
            try:
                found: Meetup = await worker.get("encointer.meetup", agent.account, self.cid, signer=agent.pair)
            except ValueNotPresent:
                return None
            return found if found.location is not None and found.time is not None else None

        found = await self._each("meetups", self.agents, lambda agent: self._ask(agent, meetup))
        meetups = {agent: m for agent, m in zip(self.agents, found, strict=True) if m is not None}
        here = {agent.account: agent for agent in meetups}
        given = {}
        for agent, place in meetups.items():
            claim = self._claim(agent, place)
            others = [here[who] for who in place.participants if who in here and who != agent.account]
            given[agent] = [attest(claim, other.pair) for other in others]
            await asyncio.sleep(0)  # signing takes a while
        return given

    def _claim(self, agent: Agent, meetup: Meetup) -> ClaimOfAttendance:
        assert meetup.location is not None
        assert meetup.time is not None
        return ClaimOfAttendance(
            claimant=agent.account,
            ceremony_index=self._schedule.ceremony_index,
            currency_identifier=self.cid,
            meetup_index=meetup.index,
            location=meetup.location,
            timestamp=meetup.time,
            number_of_participants_confirmed=len(meetup.participants),
        )

    # -- all of them ---------------------------------------------------------------------------------

    async def _have(self, what: str, agents: Sequence[Agent], is_done: Question[bool], act: Question[None]) -> None:
        """Have `agents` act until `is_done` for each of them, as every worker sees it."""

        async def is_known(worker: WorkerClient) -> bool:
            return all(await asyncio.gather(*(is_done(worker, agent) for agent in agents)))

        while True:
            losses = self.workers.losses
            await self._each(what, agents, lambda agent: self._ensure(agent, is_done, act))
            is_complete = losses == self.workers.losses
            if is_complete and (len(self.workers.urls) == 1 or await self.workers.settled(what, is_known)):
                return

    async def _ensure(self, agent: Agent, is_done: Question[bool], act: Question[None]) -> None:
        refused_since: float | None = None
        while not await self._ask(agent, is_done):
            try:
                await self.workers.once(agent.number, lambda worker: act(worker, agent))
                return
            except Gone:
                continue
            except (OperationCancelled, RequestRefused):
                now = time.monotonic()
                refused_since = refused_since or now
                if now > refused_since + REFUSAL_PATIENCE:
                    raise
            await asyncio.sleep(REFUSAL_PAUSE)

    async def _ask(self, agent: Agent, question: Question[T]) -> T:
        return await self.workers.ask(agent.number, lambda worker: question(worker, agent))

    async def _each(self, what: str, agents: Iterable[Agent], act: Callable[[Agent], Awaitable[T]]) -> list[T]:
        """All at the same time, beginning in their order; results are in that order, too."""
        everybody = list(agents)
        schedule, done = self._schedule, 0

        def tell() -> None:
            self._tell(Progress(schedule.ceremony_index, schedule.phase, what, done, len(everybody)))

        tell()

        async def one(agent: Agent) -> T:
            nonlocal done
            result = await act(agent)
            done += 1
            tell()
            return result

        tasks = [asyncio.ensure_future(one(agent)) for agent in everybody]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
