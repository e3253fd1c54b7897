"""Both edges over real sockets and TLS, with connections that break."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_network
from typing import Any

import pytest

from integritee.enclave.attestation import SimulationTee
from integritee.enclave.attestation.tee import Evidence
from integritee.enclave.errors import NotReady
from integritee.enclave.provisioning import (
    SKIP_RA_BANNER,
    FetchLimits,
    ProvisioningServer,
    Role,
    ShardTerms,
    fetch,
)
from integritee.enclave.provisioning.errors import (
    GaveUp,
    Refused,
    StateTooLarge,
)
from integritee.enclave.provisioning.tls import server_tls
from integritee.trie import Trie

from ...attestation.forge import MR_ENCLAVE
from .enclaves import (
    CLIENT,
    ESTATE,
    META,
    NEW_CODE,
    SERVER,
    STATE,
    STATE_KEY,
    STRANGER,
    Enclave,
    client,
    party,
    server,
    shielding_key,
)
from .loopback import LARGE, Pauses, large_state, serving
from .relay import Relay, running

# --- as it should be


async def test_a_joiner_gets_keys_and_state() -> None:
    provider, seen = server(), list[tuple[int, int]]()
    async with serving(provider) as listener:
        found = await fetch("127.0.0.1", listener.port, client(), Role.JOIN, lambda *progress: seen.append(progress))
    assert dict(found.state.items()) == STATE
    assert found.state.root() == provider.state.root()
    assert found.secrets.shielding_key == shielding_key("server").private_json()
    assert (found.secrets.state_key, found.meta, found.estate) == (STATE_KEY, META, b"")
    assert (found.provider, found.entries) == (SERVER, len(STATE))
    assert provider.log == ["snapshot", "secrets", "admitted b0 as JOIN"]
    assert seen == [(0, 30_000), (found.size, 30_000)]


async def test_an_empty_state_is_a_state() -> None:
    async with serving(server(state=Trie.empty())) as listener:
        found = await fetch("127.0.0.1", listener.port, client(), Role.JOIN)
    assert (dict(found.state.items()), found.entries, found.size) == ({}, 0, 0)


async def test_a_successor_gets_the_estate_of_an_enclave_that_has_retired() -> None:
    provider = server(shard_terms=ShardTerms(successor=NEW_CODE, signers=(SERVER,), max_instances=1))
    async with serving(provider) as listener:
        for _ in range(2):  # it may come again
            found = await fetch("127.0.0.1", listener.port, client(measurement=NEW_CODE), Role.SUCCEED)
            assert found.estate == ESTATE
        assert provider.log[:4] == [
            "snapshot",
            "handed over to b0",
            "secrets",
            "snapshot",
        ]
        assert provider.shard_terms.handed_over_to == CLIENT
        for role in Role:
            other = Enclave(party(STRANGER, "client"), measurement=NEW_CODE if role is Role.SUCCEED else MR_ENCLAVE)
            with pytest.raises(Refused) as caught:
                await fetch("127.0.0.1", listener.port, other, role)
            assert caught.value.reason == "provisioning.handed_over"


async def test_an_enclave_that_has_no_state_to_give_does_not_retire() -> None:
    class Unready(Enclave):
        def snapshot(self) -> Any:
            raise NotReady("the confirmed chain is known here")

    provider = Unready(party(SERVER, "server"), shard_terms=ShardTerms(successor=NEW_CODE))
    async with serving(provider) as listener:
        with pytest.raises(Refused) as caught:
            await fetch("127.0.0.1", listener.port, client(measurement=NEW_CODE), Role.SUCCEED)
    assert caught.value.reason == "enclave.not_ready"
    assert provider.log == []


@pytest.mark.parametrize(
    ("networks", "allowed"),
    [(["10.0.0.0/8"], False), ([], False), (["::1/128"], False), (["10.0.0.0/8", "127.0.0.1/32"], True)],
    ids=["another network", "nowhere", "another loopback", "a network and this machine"],
)
async def test_where_a_successor_may_be(networks: list[str], allowed: bool) -> None:
    provider = server(shard_terms=ShardTerms(successor=NEW_CODE))
    listener = ProvisioningServer(provider, successors=[ip_network(network) for network in networks])
    await listener.start("127.0.0.1", 0)
    try:
        await fetch("127.0.0.1", listener.port, client(), Role.JOIN)  # that is not about joiners
        heir = client(measurement=NEW_CODE)
        if allowed:
            assert (await fetch("127.0.0.1", listener.port, heir, Role.SUCCEED)).estate == ESTATE
        else:
            with pytest.raises(Refused) as caught:
                await fetch("127.0.0.1", listener.port, heir, Role.SUCCEED)
            assert caught.value.reason == "provisioning.successor_elsewhere"
            assert "handed over to b0" not in provider.log
    finally:
        await listener.stop()


async def test_two_successors_at_once() -> None:
    """The second finds what the first has changed, even if the enclave takes its time and does not look itself."""

    class Careless(Enclave):
        async def hand_over(self, account: bytes) -> bytes:
            for _ in range(200):
                await asyncio.sleep(0)
            self.shard_terms = ShardTerms(successor=NEW_CODE, handed_over_to=account)
            return ESTATE

    provider = Careless(party(SERVER, "server"), shard_terms=ShardTerms(successor=NEW_CODE))
    heirs = [Enclave(party(account, "client"), measurement=NEW_CODE) for account in (CLIENT, STRANGER)]
    async with serving(provider) as listener:
        outcomes = await asyncio.gather(
            *(fetch("127.0.0.1", listener.port, heir, Role.SUCCEED) for heir in heirs), return_exceptions=True
        )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert [error.reason for error in refused] == ["provisioning.handed_over"]


async def test_evidence_of_a_simulated_enclave() -> None:
    """The tee that simulated enclaves run with, instead of the forge."""

    class Simulated(Enclave):
        async def evidence(self, report_data: bytes) -> Evidence:
            return SimulationTee(self.measurement, bytes(32)).evidence(report_data)

    async with serving(Simulated(party(SERVER, "server"))) as listener:
        found = await fetch("127.0.0.1", listener.port, Simulated(party(CLIENT, "client")), Role.JOIN)
        assert dict(found.state.items()) == STATE
        with pytest.raises(Refused) as caught:
            other = Simulated(party(CLIENT, "client"), measurement=b"\x66" * 32)
            await fetch("127.0.0.1", listener.port, other, Role.JOIN)
        assert caught.value.reason == "attestation.measurement"


async def test_skipping_is_announced_on_both_sides(caplog: pytest.LogCaptureFixture) -> None:
    skipping = {"skip_ra": True, "is_development": True}
    async with serving(Enclave(party(SERVER, "server", **skipping))) as listener:
        assert caplog.text.count(SKIP_RA_BANNER) == 1
        applicant = Enclave(party(CLIENT, "client", **skipping), measurement=b"\x66" * 32)
        found = await fetch("127.0.0.1", listener.port, applicant, Role.JOIN)
    assert dict(found.state.items()) == STATE
    assert caplog.text.count(SKIP_RA_BANNER) == 2


# --- broken connections


async def test_a_broken_connection_costs_what_was_on_its_way() -> None:
    """The state moves on meanwhile; the client still gets the one it began with, whole."""
    provider, sizes, pauses = server(state=large_state()), list[int](), Pauses()

    async def pause(seconds: float) -> None:
        provider.state = provider.state.commit({b"later": bytes((len(pauses),))})
        await pauses(seconds)

    async with serving(provider) as listener, running(Relay(listener.port, [500_000, 5_000, 600_000])) as relay:
        found = await fetch(
            "127.0.0.1", relay.port, client(), Role.JOIN, lambda size, _: sizes.append(size), pause=pause
        )
    assert found.state.root() == large_state().root()
    assert found.entries == LARGE
    assert relay.connections == 4
    assert pauses == [0.5, 0.5, 0.5]
    assert sizes == sorted(sizes)
    assert provider.log.count("snapshot") == 1
    assert relay.forwarded < found.size + 4 * 100_000  # no more than a chunk, and what proves the server, again
    assert provider.state.root() != found.state.root()


async def test_a_state_that_is_no_longer_kept_is_begun_anew() -> None:
    provider = server(state=large_state())
    sizes: list[int] = []
    async with serving(provider) as listener, running(Relay(listener.port, [1_000_000])) as relay:

        async def pause(_: float) -> None:
            provider.state = provider.state.commit({b"later": b"1"})
            listener._shelf.expire(float("inf"))

        found = await fetch(
            "127.0.0.1", relay.port, client(), Role.JOIN, lambda size, _: sizes.append(size), pause=pause
        )
    assert found.state.root() == provider.state.root()
    assert found.entries == LARGE + 1
    assert sizes.count(0) == 2


async def test_a_successor_whose_connection_broke_comes_back_for_the_rest() -> None:
    provider = server(state=large_state(), shard_terms=ShardTerms(successor=NEW_CODE))
    async with serving(provider) as listener, running(Relay(listener.port, [1_000_000])) as relay:
        heir = client(measurement=NEW_CODE)
        found = await fetch("127.0.0.1", relay.port, heir, Role.SUCCEED, pause=Pauses())
    assert (found.state.root(), found.estate) == (large_state().root(), ESTATE)
    assert relay.forwarded < found.size + 2 * 200_000
    assert provider.log.count("handed over to b0") == 2


async def test_attempts_that_bring_nothing_new_are_numbered() -> None:
    pauses = Pauses()
    limits = FetchLimits(attempts=5, first_pause=1.0, longest_pause=4.0)
    async with serving(server()) as listener, running(Relay(listener.port, [0] * 5)) as relay:
        with pytest.raises(GaveUp) as caught:
            await fetch("127.0.0.1", relay.port, client(), Role.JOIN, limits=limits, pause=pauses)
    assert (caught.value.attempts, caught.value.reason) == (5, "provisioning.connection")
    assert pauses == [1.0, 2.0, 4.0, 4.0, 4.0]


async def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(GaveUp) as caught:
        await fetch("127.0.0.1", port, client(), Role.JOIN, limits=FetchLimits(attempts=2), pause=Pauses())
    assert caught.value.data() | {"detail": ""} == {
        "attempts": 2,
        "reason": "provisioning.connection",
        "detail": "",
    }


async def test_a_server_that_says_nothing() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0, ssl=server_tls(0).context)
    port = listener.sockets[0].getsockname()[1]
    limits = FetchLimits(attempts=2, message_seconds=0.02)
    with pytest.raises(GaveUp) as caught:
        await fetch("127.0.0.1", port, client(), Role.JOIN, limits=limits, pause=Pauses())
    assert caught.value.reason == "provisioning.stalled"
    with pytest.raises(GaveUp, match=r"not done within 0\.02 s"):
        await fetch("127.0.0.1", port, client(), Role.JOIN, limits=FetchLimits(seconds=0.02), pause=Pauses())
    listener.close()


async def test_more_state_than_the_client_takes() -> None:
    provider = server(state=large_state())
    async with serving(provider) as listener:
        with pytest.raises(StateTooLarge):
            limits = FetchLimits(state_bytes=1_000_000)
            await fetch("127.0.0.1", listener.port, client(), Role.JOIN, limits=limits)
