"""Both edges over real sockets and TLS, with a network that does what it wants."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from integritee.enclave.attestation import SimulationTee
from integritee.enclave.attestation.tee import Evidence
from integritee.enclave.errors import NotReady
from integritee.enclave.provisioning import (
    SKIP_RA_BANNER,
    FetchLimits,
    ProvisioningServer,
    Role,
    ServerLimits,
    ShardTerms,
    fetch,
)
from integritee.enclave.provisioning.errors import (
    CertificateUnusable,
    ConnectionFailed,
    GaveUp,
    ListenFailed,
    Refused,
    StateTooLarge,
)
from integritee.enclave.provisioning.link import Link
from integritee.enclave.provisioning.listener import _plain_address
from integritee.enclave.provisioning.messages import MAX_HELLO, MAX_REFUSAL, Refusal, frame, parse
from integritee.enclave.provisioning.tls import client_tls, public_key_of
from integritee.errors import IntegriteeError
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
    hello,
    party,
    server,
    shielding_key,
)
from .relay import ManInTheMiddle, Relay, running

LARGE = 20_000


@cache
def large_state() -> Trie:
    """About 3.5 MB in some 27 chunks."""
    keys = (hashlib.blake2b(i.to_bytes(4, "little"), digest_size=32).digest() for i in range(LARGE))
    return Trie.from_items({key: key * 3 for key in keys})


@asynccontextmanager
async def serving(provider: Enclave, **limits: Any) -> AsyncIterator[ProvisioningServer]:
    listener = ProvisioningServer(provider, ServerLimits(**limits))
    await listener.start("127.0.0.1", 0)
    try:
        yield listener
    finally:
        await listener.stop()


class Pauses(list[float]):
    """Instead of waiting between two attempts."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


async def connect(port: int, seconds: float = 10.0) -> Link:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_tls(), server_hostname="")
    return Link(reader, writer, seconds)


async def refusal(link: Link) -> Refusal:
    answer = parse(await link.receive(MAX_REFUSAL, "test"), MAX_REFUSAL)
    assert isinstance(answer, Refusal)
    return answer


async def nobody_is_served(listener: ProvisioningServer) -> None:
    while listener.client_count:  # noqa: ASYNC110 - the server tells nobody
        await asyncio.sleep(0)


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


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1", "127.0.0.1"), ("::ffff:10.1.2.3", "10.1.2.3"), ("::1", "::1"), ("fe80::1%eth0", "fe80::1")],
)
def test_addresses_as_sockets_write_them(text: str, address: str) -> None:
    assert _plain_address(text) == ip_address(address)


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

    async with serving(provider) as listener, running(Relay(listener.port, [1_000_000, 5_000, 1_200_000])) as relay:
        found = await fetch(
            "127.0.0.1", relay.port, client(), Role.JOIN, lambda size, _: sizes.append(size), pause=pause
        )
    assert found.state.root() == large_state().root()
    assert found.entries == LARGE
    assert relay.connections == 4
    assert pauses == [0.5, 0.5, 0.5]
    assert sizes == sorted(sizes)
    assert provider.log.count("snapshot") == 1
    assert relay.forwarded < found.size + 4 * 300_000  # no more than a chunk, and what proves the server, again
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
    assert relay.forwarded < found.size + 2 * 300_000
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

    from integritee.enclave.provisioning.tls import server_tls

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


# --- attackers in the network


async def test_a_man_in_the_middle_sees_no_secret() -> None:
    """The client sees another TLS key than the server's evidence vouches for."""
    provider = server()
    async with serving(provider) as listener, running(ManInTheMiddle(listener.port)) as relay:
        with pytest.raises(IntegriteeError) as caught:
            await fetch("127.0.0.1", relay.port, client(), Role.JOIN)
    assert caught.value.code == "attestation.report_data"
    assert provider.log == []


async def test_a_man_in_the_middle_with_a_careless_client_sees_no_secret() -> None:
    """A client that checks nothing: its evidence vouches for the wrong TLS key."""
    from integritee.enclave.attestation import Purpose
    from integritee.enclave.provisioning.messages import MAX_PROOF, ClientProof, ServerHello

    from .enclaves import evidence

    provider = server()
    async with serving(provider) as listener, running(ManInTheMiddle(listener.port)) as relay:
        link = await connect(relay.port)
        await link.send(frame(hello()), "test")
        answer = parse(await link.receive(MAX_PROOF, "test"), MAX_PROOF)
        assert isinstance(answer, ServerHello)
        assert link.peer_public_key() != listener.tls_public_key
        binding = party(CLIENT, "client").binding(
            Purpose.PROVISIONING_CLIENT, link.peer_public_key(), answer.challenge
        )
        await link.send(frame(ClientProof(evidence(binding.report_data()), None)), "test")
        assert (await refusal(link)).reason == "attestation.report_data"
        await link.close()
    assert provider.log == []


async def test_only_tls_1_3_with_a_key_of_this_process() -> None:
    async with serving(server()) as first, serving(server()) as second:
        assert first.tls_public_key != second.tls_public_key
        context = client_tls()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, OSError)):
            await asyncio.open_connection("127.0.0.1", first.port, ssl=context, server_hostname="")
        link = await connect(first.port)
        assert link.peer_public_key() == first.tls_public_key
        await link.close()


def test_the_key_is_p_256() -> None:
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    from integritee.enclave.provisioning.tls import server_tls

    key = load_der_public_key(server_tls(0).public_key)
    assert isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)


@pytest.mark.parametrize("certificate", [b"", b"rubbish", bytes(20_000)])
def test_certificates_that_show_no_key(certificate: bytes) -> None:
    with pytest.raises(CertificateUnusable):
        public_key_of(certificate)


# --- limits of the server


async def test_a_client_that_says_nothing_is_told_so() -> None:
    async with serving(server(), message_seconds=0.02) as listener:
        link = await connect(listener.port)
        assert (await refusal(link)).reason == "provisioning.stalled"
        await link.close()


async def test_a_client_that_trickles_is_told_so() -> None:
    """The time is that of a whole message."""
    async with serving(server(), message_seconds=0.05) as listener:
        link = await connect(listener.port)

        async def trickle() -> None:
            for byte in frame(hello()):
                await link.send(bytes((byte,)), "test")
                await asyncio.sleep(0.01)

        trickling = asyncio.create_task(trickle())
        assert (await refusal(link)).reason == "provisioning.stalled"
        trickling.cancel()
        await link.close()


async def test_no_client_has_more_than_its_time() -> None:
    async with serving(server(), session_seconds=0.02) as listener:
        link = await connect(listener.port)
        with pytest.raises(ConnectionFailed):
            await link.receive(MAX_REFUSAL, "test")


async def test_half_a_handshake_ends() -> None:
    async with serving(server(), handshake_seconds=0.02) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        with suppress(ConnectionResetError):
            assert not await reader.read()
        writer.close()
        await nobody_is_served(listener)


async def test_clients_at_the_same_time() -> None:
    async with serving(server(), clients=1, refusals=1) as listener:
        first = await connect(listener.port)
        assert listener.client_count == 1
        second = await connect(listener.port)
        with pytest.raises(OSError):
            await connect(listener.port)  # not even told
        await second.send(frame(hello()), "test")
        assert (await refusal(second)).reason == "provisioning.too_many_clients"
        await second.close()
        pauses = Pauses()

        async def pause(seconds: float) -> None:
            await pauses(seconds)
            await first.close()
            await nobody_is_served(listener)

        found = await fetch("127.0.0.1", listener.port, client(), Role.JOIN, pause=pause)
    assert found.entries == len(STATE)
    assert pauses == [0.5]


async def test_clients_within_a_minute() -> None:
    async with serving(server(), sessions_per_minute=1) as listener:
        await fetch("127.0.0.1", listener.port, client(), Role.JOIN)
        with pytest.raises(GaveUp) as caught:
            limits = FetchLimits(attempts=2)
            await fetch("127.0.0.1", listener.port, client(), Role.JOIN, limits=limits, pause=Pauses())
    assert caught.value.reason == "provisioning.refused"
    assert "provisioning.too_often" in caught.value.detail


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ((MAX_HELLO + 1).to_bytes(4, "little"), "provisioning.message_too_long"),
        (b"\xff" * 4, "provisioning.message_too_long"),
        (b"\1\0\0\0\x42", "provisioning.message_malformed"),
        (b"GET / HTTP/1.1\r\n\r\n", "provisioning.message_too_long"),
    ],
    ids=["oversized", "endless", "rubbish", "another protocol"],
)
async def test_what_is_no_hello(data: bytes, code: str) -> None:
    async with serving(server()) as listener:
        link = await connect(listener.port)
        await link.send(data, "test")
        assert (await refusal(link)).reason == code
        await link.close()


async def test_a_client_that_leaves_within_a_message(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with serving(server()) as listener:
        link = await connect(listener.port)
        await link.send(frame(hello())[:-1], "test")
        await link.close()
        await nobody_is_served(listener)
    assert "provisioning.message_truncated" in caplog.text


async def test_a_port_that_is_taken() -> None:
    async with serving(server()) as listener:
        with pytest.raises(ListenFailed) as caught:
            await ProvisioningServer(server()).start("127.0.0.1", listener.port)
        assert caught.value.port == listener.port


async def test_an_enclave_that_fails_is_no_secret_to_the_client() -> None:
    """Nor does it end the server."""

    class Failing(Enclave):
        def snapshot(self) -> Any:
            raise ZeroDivisionError

    provider = Failing(party(SERVER, "server"))
    async with serving(provider) as listener:
        for _ in range(2):
            with pytest.raises(GaveUp) as caught:
                limits = FetchLimits(attempts=1)
                await fetch("127.0.0.1", listener.port, client(), Role.JOIN, limits=limits, pause=Pauses())
            assert caught.value.reason == "provisioning.connection"
