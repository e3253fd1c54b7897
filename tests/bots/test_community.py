"""What agents do in a phase, and what becomes of it when workers go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from integritee.apps.encointer.claims import is_proven, is_signed
from integritee.apps.encointer.types import CeremonyPhase
from integritee.bots import community as module
from integritee.bots import workers as connections
from integritee.bots.agents import Agent, Agents
from integritee.bots.community import Community
from integritee.bots.founding import location
from integritee.bots.geometry import Point
from integritee.client.errors import ConnectionFailed, OperationCancelled
from integritee.client.keystore import KeyStore

from .shard import CEREMONY, CID, NOON, Shard, community, meetup

AGENTS = 8


@pytest.fixture(autouse=True)
def nobody_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(url: str, *_: object) -> None:
        raise ConnectionFailed(url, "nobody there")

    monkeypatch.setattr(connections, "_connect", refuse)
    monkeypatch.setattr(module, "REFUSAL_PAUSE", 0.01)
    monkeypatch.setattr(module, "REFUSAL_PATIENCE", 0.1)


@pytest.fixture
def shard() -> Shard:
    return Shard()


@pytest.fixture
async def bots(shard: Shard, tmp_path: Path) -> Community:
    agents = Agents(1, KeyStore(tmp_path))
    agents.grow(AGENTS)
    found = community(shard, agents)
    await found.schedule()
    return found


async def test_everybody_registers_once(shard: Shard, bots: Community) -> None:
    await bots.register()
    await bots.register()
    assert shard.known["a"].keys() == shard.known["b"].keys() == {agent.account for agent in bots.agents}
    assert shard.calls == AGENTS


async def test_who_attended_proves_it(shard: Shard, bots: Community) -> None:
    first, *others = bots.agents
    shard.reputable = {first.account}
    await bots.register()
    proof = shard.known["a"][first.account]
    assert (proof.prover, proof.attendee, proof.ceremony_index) == (first.account, first.account, CEREMONY - 1)
    assert proof.currency_identifier == CID
    assert is_proven(proof)
    assert all(shard.known["a"][agent.account] is None for agent in others)


async def test_what_a_lost_worker_alone_knew_is_done_again(shard: Shard, bots: Community) -> None:
    """It keeps everything to itself, and goes with the last answer."""
    shard.tells_others = False

    def answer(url: str) -> None:
        if shard.calls == AGENTS:
            shard.up.discard("b")
            shard.tells_others = True

    shard.before_answer = answer
    await bots.register()
    assert shard.known["a"].keys() == {agent.account for agent in bots.agents}
    assert shard.calls == AGENTS + AGENTS // 2
    assert bots.workers.losses == 1


async def test_a_call_that_a_lost_worker_had_passed_on_counts(shard: Shard, bots: Community) -> None:
    """It goes between telling others and answering."""
    shard.before_answer = lambda url: shard.up.discard("b") if url == "b" else None
    await bots.register()
    assert shard.known["a"].keys() == {agent.account for agent in bots.agents}


async def test_a_call_that_is_executed_late_counts(shard: Shard, bots: Community) -> None:
    """Refused since the block with it was made elsewhere, and that block has not arrived."""
    agent = next(iter(bots.agents))
    shard.says_no = True
    looks = 0

    async def is_done(worker: object, asked: object) -> bool:
        nonlocal looks
        looks += 1
        return looks > 2

    await bots._ensure(agent, is_done, bots._register)
    assert looks >= 3


async def test_a_call_that_is_too_early_is_made_again(shard: Shard, bots: Community) -> None:
    """The worker has left the block with which the phase began, and gets another one."""
    shard.says_no = True
    attempts = 0

    async def act(worker: Any, agent: Agent) -> None:
        nonlocal attempts
        attempts += 1
        shard.says_no = attempts < 3
        await bots._register(worker, agent)

    await bots._ensure(next(iter(bots.agents)), bots._is_registered, act)
    assert attempts == 3


async def test_calls_that_are_refused_are_failures(shard: Shard, bots: Community) -> None:
    shard.says_no = True
    with pytest.raises(OperationCancelled) as refused:
        await bots.register()
    assert refused.value.code == "encointer.already_registered"


async def test_all_of_a_meetup_attest_each_other(shard: Shard, bots: Community) -> None:
    """Five meet somewhere, two have nowhere to go, one was not assigned."""
    accounts = [agent.account for agent in bots.agents]
    here, nowhere = accounts[:5], accounts[5:7]
    place = location(Point(40.0, -30.0))
    shard.meetups = {who: meetup(1, here, place) for who in here} | {who: meetup(2, nowhere, None) for who in nowhere}
    await bots.attest()
    assert shard.known["a"].keys() == shard.known["b"].keys() == set(here)
    for who, attestations in shard.known["a"].items():
        assert [attestation.public for attestation in attestations] == [other for other in here if other != who]
        for attestation in attestations:
            claim = attestation.claim
            assert is_signed(attestation)
            assert (claim.claimant, claim.currency_identifier, claim.ceremony_index) == (who, CID, CEREMONY)
            assert (claim.meetup_index, claim.location, claim.timestamp) == (1, place, NOON + 1)
            assert claim.number_of_participants_confirmed == len(here)


PREVIOUS, PRESENT = CeremonyPhase.Assigning, CeremonyPhase.Attesting


@pytest.mark.parametrize(
    ("workers", "blocks", "looks"),
    [
        ("a", [(PREVIOUS, 9), (PRESENT, 10)], 2),
        ("ab", [(PREVIOUS, 9), (PRESENT, 10), (PRESENT, 11), (PRESENT, 12)], 4),
        ("ab", [(PRESENT, 10), (PRESENT, 11), (PREVIOUS, 9), (PRESENT, 11), (PRESENT, 12), (PRESENT, 13)], 6),
    ],
    ids=["one worker", "several workers", "one of which is set back"],
)
async def test_a_phase_has_begun_when_no_worker_is_set_back_before_it(
    workers: str, blocks: list[tuple[CeremonyPhase, int]], looks: int, shard: Shard, tmp_path: Path
) -> None:
    shard.up = set(workers)
    shard.schedules = {url: list(blocks) for url in workers}
    await community(shard, Agents(1, KeyStore(tmp_path))).reached(CEREMONY, PRESENT)
    assert [len(blocks) - len(left) for left in shard.schedules.values()] == [looks] * len(workers)
