"""Getting keys and state from somebody, however many do not provide them."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.messages import Failure, Provisioned, Provisioning
from integritee.worker.errors import EnclaveDied, EnclaveSilent
from integritee.worker.peers.provisioning import Source, be_provisioned, peers_by_activity, predecessor

from ..virtual_time import in_virtual_time
from .small_shard import Node, Shard

FOUND = Provisioned(7, b"\x07" * 32, 3, 1000)


class Enclave:
    """Is provisioned by the hosts in `good`, after so many attempts in all."""

    def __init__(self, good: set[str], after: int = 0) -> None:
        self.good, self.after = good, after
        self.requests: list[Provisioning] = []
        self.said: list[str] = []
        self.failure: Exception = RemoteFailure(Failure("provisioning.refused", "not you", "{}"))

    async def provision(self, request: Provisioning) -> Provisioned:
        self.requests.append(request)
        if request.host not in self.good or len(self.requests) <= self.after:
            raise self.failure
        return FOUND

    def hosts(self) -> list[str]:
        return [request.host for request in self.requests]


def provisioned(enclave: Enclave, shard: Shard, limit: float = 60.0) -> Provisioned:
    async def work() -> Provisioned:
        running = asyncio.create_task(shard.network.run())
        await shard.network.known()

        async def sources() -> list[Source]:
            return await peers_by_activity(shard.network)

        try:
            async with asyncio.timeout(limit):
                return await be_provisioned(enclave.provision, sources, enclave.said.append, lambda: 0.0)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    return in_virtual_time(work())


def at(host: str, activity: int, **facts: object) -> Node:
    return Node(mu_ra_url=f"{host}:3443", last_activity=activity, **facts)  # type: ignore[arg-type]


def test_the_one_that_was_active_last() -> None:
    enclave = Enclave({"b", "c"})
    assert provisioned(enclave, Shard(a=at("a", 3), b=at("b", 9), c=at("c", 5))) == FOUND
    assert enclave.requests == [Provisioning("b", 3443, succeed=False)]


def test_then_the_next() -> None:
    enclave = Enclave({"a"})
    assert provisioned(enclave, Shard(a=at("a", 3), b=at("b", 9), c=at("c", 5))) == FOUND
    assert enclave.hosts() == ["b", "c", "a"]


@pytest.mark.parametrize("bad", [{"is_up": False}, {"refuses": True}, {"mu_ra_url": "nowhere:0"}])
def test_who_cannot_even_be_asked_is_passed_over(bad: dict[str, object]) -> None:
    shard = Shard(a=at("a", 3), b=Node(last_activity=9, **bad))  # type: ignore[arg-type]
    enclave = Enclave({"a"})
    assert provisioned(enclave, shard) == FOUND
    assert enclave.hosts() == ["a"]


def test_all_again_after_a_pause_and_said_once() -> None:
    enclave = Enclave({"a"}, after=9)
    assert provisioned(enclave, Shard(a=at("a", 3), b=at("b", 9))) == FOUND
    assert enclave.hosts() == ["b", "a"] * 5
    assert len(enclave.said) == 4  # for each of the two, that it is asked and that it does not provide


def test_pauses_grow() -> None:
    enclave = Enclave(set())
    with pytest.raises(TimeoutError):
        provisioned(enclave, Shard(a=at("a", 3)), limit=3600)
    assert 300 < len(enclave.requests) < 400


def test_another_reason_is_news() -> None:
    enclave = Enclave({"a"}, after=2)
    first = enclave.failure

    async def provision(request: Provisioning) -> Provisioned:
        try:
            return await enclave.provision(request)
        finally:
            enclave.failure = EnclaveSilent("Provisioning", 3600.0) if enclave.failure is first else first

    async def sources() -> list[Source]:
        return [predecessor("a", 1)]

    assert in_virtual_time(be_provisioned(provision, sources, enclave.said.append, lambda: 0.0)) == FOUND
    assert len([text for text in enclave.said if text.startswith("[!]")]) == 2


def test_nobody_there_yet() -> None:
    shard = Shard(a=at("a", 3))
    shard.listed = []
    enclave = Enclave({"a"})

    async def work() -> Provisioned:
        await shard.network.refresh()

        async def sources() -> list[Source]:
            if asyncio.get_running_loop().time() > 100:
                shard.listed = ["a"]
            return await peers_by_activity(shard.network)

        try:
            return await be_provisioned(enclave.provision, sources, enclave.said.append, lambda: 0.0)
        finally:
            for peer in shard.network.peers:
                await peer.close()

    assert in_virtual_time(work()) == FOUND


def test_a_predecessor_is_succeeded() -> None:
    enclave = Enclave({"old"})

    async def sources() -> list[Source]:
        return [predecessor("old", 9)]

    assert in_virtual_time(be_provisioned(enclave.provision, sources, enclave.said.append)) == FOUND
    assert enclave.requests == [Provisioning("old", 9, succeed=True)]


def test_a_wrong_configuration_is_not_tried_again() -> None:
    enclave = Enclave(set())
    enclave.failure = RemoteFailure(Failure("enclave.other_slot_duration", "set --slot-ms", "{}"))
    with pytest.raises(RemoteFailure, match="--slot-ms"):
        provisioned(enclave, Shard(a=at("a", 3), b=at("b", 9)))
    assert len(enclave.requests) == 1


def test_an_enclave_that_dies_is_not_asked_again() -> None:
    enclave = Enclave(set())
    enclave.failure = EnclaveDied(1)
    with pytest.raises(EnclaveDied):
        provisioned(enclave, Shard(a=at("a", 3)))
