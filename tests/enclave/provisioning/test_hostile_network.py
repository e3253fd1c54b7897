"""Attackers in the network, and clients that cost a server too much, over real sockets and TLS."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from integritee.enclave.attestation import Purpose
from integritee.enclave.provisioning import FetchLimits, ProvisioningServer, Role, fetch
from integritee.enclave.provisioning.errors import CertificateUnusable, ConnectionFailed, GaveUp, ListenFailed
from integritee.enclave.provisioning.messages import (
    MAX_HELLO,
    MAX_PROOF,
    MAX_REFUSAL,
    ClientProof,
    ServerHello,
    frame,
    parse,
)
from integritee.enclave.provisioning.tls import client_tls, public_key_of, server_tls
from integritee.errors import IntegriteeError

from .enclaves import CLIENT, SERVER, STATE, Enclave, client, evidence, hello, party, server
from .loopback import Pauses, connect, nobody_is_served, refusal, serving
from .relay import ManInTheMiddle, running


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
