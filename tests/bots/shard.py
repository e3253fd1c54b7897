"""Workers of a shard as far as agents see them: what each knows, and what they tell each other."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from integritee.apps.encointer.types import CeremonyPhase, Location, Meetup, Reputation, SchedulerState
from integritee.bots.agents import Agents
from integritee.bots.community import Community, Progress
from integritee.bots.workers import Seat, Workers
from integritee.client.errors import ConnectionFailed, OperationCancelled, ValueNotPresent
from integritee.crypto import KeyPair

CID = b"c" * 32
CEREMONY = 7
NOON = 1_700_000_000_000


class Shard:
    """`known` is what each worker knows: calls by sender. `says_no` refuses whatever is called."""

    def __init__(self) -> None:
        self.known: dict[str, dict[bytes, Any]] = {"a": {}, "b": {}}
        self.up = {"a", "b"}
        self.tells_others = True
        self.says_no = False
        self.before_answer: Callable[[str], None] = lambda url: None
        self.reputable: set[bytes] = set()
        self.meetups: dict[bytes, Meetup] = {}
        self.schedules: dict[str, list[tuple[CeremonyPhase, int]]] = {}
        self.calls = 0

    def schedule(self, url: str) -> tuple[CeremonyPhase, int]:
        """What a worker says of it: one thing after the other, if there are such."""
        return self.schedules[url].pop(0) if url in self.schedules else (CeremonyPhase.Attesting, 100)

    def execute(self, url: str, sender: bytes, what: Any) -> None:
        if self.says_no or sender in self.known[url]:
            raise OperationCancelled(bytes(32), "Invalid", code="encointer.already_registered")
        for place in self.known if self.tells_others else (url,):
            self.known[place][sender] = what


class Client:
    """A connection to one of them."""

    def __init__(self, shard: Shard, url: str) -> None:
        self._shard, self.rpc = shard, SimpleNamespace(url=url)

    async def close(self) -> None:
        pass

    def _expect(self) -> None:
        if self.rpc.url not in self._shard.up:
            raise ConnectionFailed(self.rpc.url, "closed")

    async def call(self, name: str, sender: bytes, *args: Any, signer: KeyPair) -> None:
        self._expect()
        assert signer.public == sender
        self._shard.calls += 1
        self._shard.execute(self.rpc.url, sender, args[-1])
        self._shard.before_answer(self.rpc.url)
        self._expect()

    async def get(self, name: str, account: bytes = b"", *args: Any, signer: KeyPair | None = None) -> Any:
        self._expect()
        match name.removeprefix("encointer."):
            case "scheduler_state":
                phase, block = self._shard.schedule(self.rpc.url)
                return SchedulerState(CEREMONY, phase, block)
            case "participant_index":
                return int(account in self._shard.known[self.rpc.url])
            case "reputation":
                assert args == (CID, CEREMONY - 1)
                return Reputation.VerifiedUnlinked if account in self._shard.reputable else Reputation.Unverified
            case "meetup":
                if account not in self._shard.meetups:
                    raise ValueNotPresent(name)
                return self._shard.meetups[account]
            case "attestations":
                return [attestation.public for attestation in self._shard.known[self.rpc.url].get(account, ())]
        raise AssertionError(name)


def community(shard: Shard, agents: Agents) -> Community:
    seats = [Seat(Client(shard, url)) for url in sorted(shard.up)]  # type: ignore[arg-type]
    workers = Workers(seats, SimpleNamespace(), bytes(32))  # type: ignore[arg-type]

    def tell(progress: Progress) -> None:
        assert progress.done <= progress.total

    return Community(CID, agents, workers, tell)


def meetup(index: int, participants: list[bytes], location: Location | None) -> Meetup:
    return Meetup(index, participants, location, None if location is None else NOON + index)
