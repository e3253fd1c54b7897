"""Following a chain through all that nodes do: hours of it, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from io import StringIO
from itertools import pairwise
from typing import Any, Final

import pytest

from integritee.primitives.ids import ParentchainId
from integritee.worker.chain_config import ChainConfig
from integritee.worker.console import Console
from integritee.worker.contact import LEAPS_FROM
from integritee.worker.endpoints import DEMOTION, MAX_BEHIND, MAX_PAUSE, Fault
from integritee.worker.funding import Funding
from integritee.worker.progress import Display
from integritee.worker.sync import COMPARE_PAUSE, HEAD_LIMIT, REQUEST_LIMIT, ParentchainSync

from .small_world import BLOCK_TIME, Blockchain, Enclave, Node, World
from .virtual_time import in_virtual_time

A, B, C = "ws://a:1", "ws://b:2", "ws://c:3"

Deed = Callable[[World], None]
Deeds = Sequence[tuple[float, Deed]]
"""When, in seconds from the start, something happens."""


class Story:
    """What became of a world: `world`, `enclave` and `sync` as they are at the end."""

    def __init__(self, world: World, enclave: Enclave, deeds: Deeds, seconds: float, id: ParentchainId) -> None:
        self.world, self.enclave = world, enclave
        self.progress = StringIO()
        in_virtual_time(self._run(deeds, seconds, id))

    async def _run(self, deeds: Deeds, seconds: float, id: ParentchainId) -> None:
        config = ChainConfig(id, tuple(self.world.nodes))
        display = Display(id.name, Console(self.progress))
        connect, funding, say = self.world.connect, self.world.funding, self.world.said.append
        sync = self.sync = ParentchainSync(config, self.enclave, funding, say, display, connect, roll=lambda: 0.0)
        tasks = [asyncio.create_task(sync.run()), asyncio.create_task(self.world.turn())]
        now = 0.0
        for at, deed in [*deeds, (seconds, lambda world: None)]:
            await asyncio.sleep(at - now)
            now = at
            deed(self.world)
        self.lag = self.world.chain.finalized - self.enclave.number
        self.endpoint, self.switches = sync.endpoint, sync.endpoints.switches
        self.connected, self.finalized = sync.chain is not None, sync.finalized
        await sync.submit([b"extrinsic"])
        for task in tasks:
            assert not task.done()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def story(
    *urls: str,
    deeds: Deeds = (),
    seconds: float = 600,
    chain: Blockchain | None = None,
    trust: str = "grandpa",
    number: int = 0,
    before: Deed = lambda world: None,
    id: ParentchainId = ParentchainId.Integritee,
) -> Story:
    world = World(chain or Blockchain(), *urls)
    before(world)
    return Story(world, Enclave(world.chain, trust, number), deeds, seconds, id)


def node(url: str, **behaviour: Any) -> Deed:
    """A node that behaves otherwise from then on."""

    def change(world: World) -> None:
        for name, value in behaviour.items():
            assert hasattr(world.nodes[url], name)
            setattr(world.nodes[url], name, value)

    return change


def down(*urls: str) -> Deed:
    return lambda world: [world.nodes[url].go_down() for url in urls] and None


def up(*urls: str) -> Deed:
    return lambda world: [world.nodes[url].come_up() for url in urls] and None


def serves(url: str, chain: Blockchain) -> Deed:
    """A node that is on another chain from then on; its connections break."""

    def move(world: World) -> None:
        world.nodes[url].go_down()
        world.nodes[url] = Node(chain)

    return move


def stop(world: World) -> None:
    world.chain.stopped = True


def resume(world: World) -> None:
    world.chain.stopped = False


AFTER: Final = 600.0

STORIES: Final[dict[str, tuple[tuple[str, ...], Deeds, str, int]]] = {
    # what happens: endpoints, deeds, the endpoint in use at the end, switches
    "nothing": ((A, B), [], A, 0),
    "the first is not there": ((A, B), [(0, down(A))], B, 1),
    "the first goes away": ((A, B), [(100, down(A))], B, 1),
    "the first restarts": ((A, B), [(100, down(A)), (101, up(A))], B, 1),
    "the only one restarts": ((A,), [(100, down(A)), (130, up(A))], A, 0),
    "all go away, one comes back": ((A, B, C), [(100, down(A, B, C)), (300, up(C))], C, -1),
    "all go away and come back": ((A, B), [(100, down(A, B)), (300, up(A, B))], "", -1),
    "the first lies": ((A, B), [(100, node(A, forges=True))], B, 1),
    "the first lies, and the second goes away": (
        (A, B),
        [(50, node(A, forges=True)), (100, down(B)), (130, node(A, forges=False))],
        A,
        -1,
    ),
    "the first becomes slow": ((A, B), [(100, node(A, delay=REQUEST_LIMIT + 1))], B, 1),
    "the first is slow in answering, yet in time": ((A, B), [(100, node(A, delay=0.4))], A, 0),
    "the first drops its subscriptions": ((A, B), [(100, node(A, is_mute=True))], B, 1),
    "the only one drops its subscriptions": (
        (A,),
        [(100, node(A, is_mute=True)), (300, node(A, is_mute=False))],
        A,
        0,
    ),
    "the first falls behind": ((A, B), [(100, node(A, lag=MAX_BEHIND + 10))], B, 1),
    "the first falls a little behind": ((A, B), [(100, node(A, lag=MAX_BEHIND // 4)), (400, node(A, lag=0))], A, 0),
    "the first says only that it has blocks": ((A, B), [(100, node(A, hides_blocks=True))], B, 1),
    "the first moves to another chain": ((A, B), [(100, serves(A, Blockchain("other")))], B, 1),
    "the first moves to a fork": ((A, B), [(100, serves(A, Blockchain(fork_at=20, finalized=40)))], B, -1),
    "nothing is finalized for long": ((A,), [(60, stop), (300, resume)], A, 0),
}


@pytest.mark.parametrize("name", STORIES)
def test_the_enclave_stays_at_the_head(name: str) -> None:
    urls, deeds, endpoint, switches = STORIES[name]
    end = story(*urls, deeds=deeds, seconds=AFTER)
    assert 0 <= end.lag <= 1
    assert end.endpoint == (endpoint or end.endpoint)
    assert switches in (-1, end.switches)


@pytest.mark.parametrize(
    "deeds",
    [[(100, down(A))], [(100, down(A)), (130, node(A, lag=MAX_BEHIND + 30)), (130, up(A))]],
    ids=["not there", "behind"],
)
def test_an_endpoint_that_does_not_do_is_no_connection(deeds: Deeds) -> None:
    end = story(A, deeds=deeds, seconds=200)
    assert (end.connected, end.finalized) == (False, None)


def test_a_fault_is_logged_once_until_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    deeds = [(100.0, down(A)), (300.0, up(A)), (400.0, down(A))]
    story(A, deeds=deeds, seconds=500)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == 2 * ["[Integritee] ws://a:1: unreachable: lost (client.connection_failed)"]


@pytest.mark.parametrize("url", [A, B])
def test_a_node_of_another_chain_is_never_fed(url: str) -> None:
    other = Blockchain("other", finalized=500)
    end = story(A, B, deeds=[(100, serves(url, other)), (110, down(A if url == B else B))], seconds=AFTER)
    assert end.world.nodes[url].served_blocks == 0
    assert all(params.genesis == end.world.chain.headers[0] for params in end.enclave.introductions)
    assert end.enclave.refusals == []


def test_a_node_of_another_chain_at_first_contact_is_left(caplog: pytest.LogCaptureFixture) -> None:
    end = story(A, B, before=serves(A, Blockchain("other")))
    assert end.endpoint == B and end.lag <= 1
    assert "wrong chain" in caplog.text and "enclave.foreign_genesis" in caplog.text


@pytest.mark.parametrize("odd", [TypeError("int() of None"), KeyError("data"), ValueError("x"), AttributeError("x")])
def test_metadata_that_is_nonsense_does_not_end_the_feed(odd: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    async def funding(self: World, chain: Any) -> Funding:
        if chain.url == A:
            raise odd
        return Funding(0, 0)

    monkeypatch.setattr(World, "funding", funding)
    end = story(A, B)
    assert end.endpoint == B and end.lag <= 1


def test_no_back_off_is_long_and_none_is_busy() -> None:
    end = story(A, B, deeds=[(0, down(A, B))], seconds=3600)
    attempts = [at for at, url in end.world.attempts if url == A]
    gaps = [after - before for before, after in pairwise(attempts)]
    assert gaps == sorted(gaps)
    assert max(gaps) <= 2 * MAX_PAUSE
    assert len(attempts) < 3600 / MAX_PAUSE + 10


def test_the_first_is_used_again_once_the_second_fails() -> None:
    deeds = [(100.0, node(A, forges=True)), (120.0, node(A, forges=False)), (900.0, down(B))]
    assert story(A, B, deeds=deeds, seconds=1000).endpoint == A


def test_a_liar_is_asked_last_for_a_while() -> None:
    end = story(A, B, deeds=[(100.0, node(A, forges=True))], seconds=100 + DEMOTION[Fault.LIED] - 10)
    assert [url for _, url in end.world.attempts].count(A) == 1
    assert end.enclave.refusals == ["parentchain.bad_vote_signature"]


def test_all_lie() -> None:
    """Nobody is believed, everybody is asked again, and the first honest answer is taken."""
    lie = [(100.0, node(url, forges=True)) for url in (A, B)]
    assert story(A, B, deeds=lie, seconds=500).lag > 50
    assert story(A, B, deeds=[*lie, (500.0, node(B, forges=False))], seconds=600).lag <= 1


@pytest.mark.parametrize("claimed", [1000, 10**3 * 2])
def test_who_claims_more_than_it_has_does_not_shut_out_the_others(claimed: int) -> None:
    """B says it is far ahead, and has forged blocks only."""
    rogue = Blockchain(finalized=claimed)
    end = story(A, B, deeds=[(100, serves(B, rogue)), (101, node(B, forges=True))], seconds=1000)
    assert end.endpoint == A and end.lag <= 1


@pytest.mark.parametrize("chain", ParentchainId)
@pytest.mark.parametrize("trust", ["grandpa", "unproven"])
@pytest.mark.parametrize(
    "upgrades, begin",
    [({40: 2}, 0), ({15: 2, 20: 3, 22: 4}, 0), ({12: 2}, 5), ({9: 2}, 5), ({3: 2, 6: 3}, 0)],
    ids=["while following", "three of them", "soon", "before the start", "two before the start"],
)
def test_runtime_upgrades_need_no_restart(
    upgrades: dict[int, int], begin: int, trust: str, chain: ParentchainId
) -> None:
    end = story(A, chain=Blockchain(upgrades=upgrades), number=begin, trust=trust, id=chain)
    assert end.lag <= 1
    assert end.switches == 0 and len(end.world.attempts) == 1, "nothing was lost over it"


def test_an_upgrade_that_the_subscription_does_not_tell_of() -> None:
    end = story(A, chain=Blockchain(upgrades={40: 2}), deeds=[(50.0, node(A, is_mute=True))], seconds=900)
    assert end.lag <= HEAD_LIMIT / BLOCK_TIME + 1


def test_only_final_blocks_are_fed() -> None:
    """What is not final yet may be another block later; the enclave here would refuse a second one."""
    end = story(A, B, deeds=[(100, down(A)), (130, up(A)), (200, down(B)), (230, up(B))], seconds=AFTER)
    assert end.enclave.refusals == []
    assert end.lag <= 1


@pytest.mark.parametrize("number, has_state", [(0, False), (5, True)])
def test_a_pruned_node_does_for_an_enclave_that_is_past_that(number: int, has_state: bool) -> None:
    end = story(A, before=node(A, pruned_below=4), number=number)
    assert (end.lag <= 1) is has_state


def test_a_fresh_enclave_finds_the_node_that_keeps_all() -> None:
    end = story(A, B, before=node(A, pruned_below=4))
    assert end.endpoint == B and end.lag <= 1


@pytest.mark.parametrize(
    "number, length, searched", [(0, LEAPS_FROM - 10, False), (0, LEAPS_FROM, True), (1, LEAPS_FROM, False)]
)
def test_leaps_are_looked_for_only_if_they_help(number: int, length: int, searched: bool) -> None:
    end = story(A, chain=Blockchain(finalized=length), number=number, seconds=20)
    assert (end.world.nodes[A].storage_requests > 0) is searched


def test_leaps_that_were_refused_are_not_shown_again() -> None:
    """The chain is read block by block then."""
    world = World(Blockchain(finalized=LEAPS_FROM), A)
    world.nodes[A].set_changes = 1
    enclave = Enclave(world.chain)
    end = Story(world, enclave, [], 60, ParentchainId.Integritee)
    assert end.lag <= 1
    assert enclave.refusals == ["parentchain.bad_vote_signature"]


def test_leaps_are_looked_for_once() -> None:
    end = story(A, chain=Blockchain(finalized=LEAPS_FROM), deeds=[(1, down(A)), (2, up(A))], seconds=20)
    assert end.world.nodes[A].storage_requests == 1 * 2  # begin and end of the chain


def test_a_full_inbox_is_nobodys_fault() -> None:
    world = World(Blockchain(), A, B)
    enclave = Enclave(world.chain)
    enclave.inbox_full = True

    def empty(_: World) -> None:
        enclave.inbox_full = False

    end = Story(world, enclave, [(200, empty)], 400, ParentchainId.Integritee)
    assert end.lag <= 1
    assert set(enclave.refusals) == {"enclave.inbox_full"}
    assert [url for _, url in world.attempts].count(A) == 1


def test_progress_is_shown_while_catching_up() -> None:
    chain = Blockchain(finalized=2000)
    end = story(A, chain=chain, before=node(A, delay=0.5), number=1, trust="unproven", id=ParentchainId.TargetA)
    lines = end.progress.getvalue().splitlines()
    assert lines[0].startswith("[TargetA] block 1 of ")
    assert " left" in lines[1]
    assert len(lines) < 30


def test_the_level_of_trust_is_said_once() -> None:
    end = story(A, deeds=[(50, down(A)), (60, up(A))], trust="unproven", id=ParentchainId.TargetB)
    finality = [text for text in end.world.said if "finality" in text]
    assert [text.split(" (")[0] for text in finality] == ["[TargetB] finality: unproven"]


@pytest.mark.parametrize(
    "deeds, expected",
    [
        ([], [A]),
        ([(100, down(A)), (200, up(A)), (300, down(A)), (400, up(A))], [A, A, A]),
        ([(100, node(A, forges=True))], [A, A]),  # and not once a pause
        ([(100, node(A, forges=True)), (300, node(A, forges=False)), (400, down(A)), (410, up(A))], [A, A, A]),
    ],
    ids=["once", "after each loss", "not again and again", "when it is over"],
)
def test_connections_are_said(deeds: Deeds, expected: list[str]) -> None:
    said = [text for text in story(A, deeds=deeds).world.said if "connected" in text]
    genesis = Blockchain().headers[0].hash().hex()
    assert said == [f"[Integritee] connected to {url}, spec 1, genesis 0x{genesis}" for url in expected]


def test_extrinsics_go_to_the_endpoint_in_use() -> None:
    end = story(A, B, deeds=[(100, down(A))], seconds=200)
    assert [n.submitted for n in end.world.nodes.values()] == [[], [b"extrinsic"]]


def test_extrinsics_while_there_is_no_connection() -> None:
    end = story(A, deeds=[(100, down(A))], seconds=200)
    assert end.world.nodes[A].submitted == []


def test_urls_in_the_log_have_no_secrets(caplog: pytest.LogCaptureFixture) -> None:
    url = "wss://user:secret@a:1/key"
    story(url, B, deeds=[(50, down(url))], seconds=100)
    assert "wss://a:1: unreachable" in caplog.text
    assert "secret" not in caplog.text and "key" not in caplog.text


def test_comparing_takes_less_than_the_limit_of_staleness() -> None:
    assert COMPARE_PAUSE <= HEAD_LIMIT < 600
