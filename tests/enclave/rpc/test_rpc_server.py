"""A real server on loopback, with polite and with hostile clients."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from integritee.crypto import Ed25519Pair
from integritee.enclave.pool import StatusChanged
from integritee.enclave.provisioning.admission import site_of
from integritee.enclave.rpc.conduct import Conducts
from integritee.enclave.rpc.errors import ListenFailed
from integritee.enclave.rpc.jsonrpc import Connection, Dispatcher, Method, Outcome, Params
from integritee.enclave.rpc.limits import MAX_MESSAGE_BYTES, ServerLimits
from integritee.enclave.rpc.methods import trusted_methods
from integritee.enclave.rpc.order import Turn
from integritee.enclave.rpc.server import (
    HANDSHAKE_SECONDS,
    STATUSES_PER_SLICE,
    TrustedRpcServer,
    raise_file_limit,
    tls_context,
)
from integritee.enclave.rpc.watch import WatchRegistry
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.rpc import InSidechainBlock, Invalid, Ready, Retracted
from integritee.scale import encode

from .conftest import SHARD, TOP_HASH, FakeBackend

SEED = bytes(range(32))
TLS = tls_context(SEED, 1_700_000_000_000)
REQUEST_HEX = "0x" + encode(Request, Request(SHARD, b"\x01")).hex()
PATIENCE = 20.0
"""Seconds after which a test gives up; none waits for it when it passes."""


LAST = InSidechainBlock(b"\x07" * 32)


class Harness:
    """A running server with its fake enclave."""

    def __init__(self, conducts: Conducts[Any] | None = None, **limits: Any) -> None:
        self.backend = FakeBackend()
        self.watches = WatchRegistry()
        self.methods = trusted_methods(self.backend, self.watches)
        self.server = TrustedRpcServer(
            Dispatcher(self.methods), self.watches, TLS, ServerLimits(**limits), conducts=conducts
        )

    def connect(self, path: str = "", **options: Any) -> connect:
        return connect(
            f"wss://127.0.0.1:{self.server.port}{path}",
            ssl=trusting(),
            server_hostname=options.pop("server_hostname", ""),
            proxy=None,
            ping_interval=None,
            max_size=None,
            **options,
        )

    async def count(self, number: int) -> None:
        """Wait until the server has this many clients."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while self.server.connection_count != number:
            assert asyncio.get_running_loop().time() < deadline, self.server.connection_count
            await asyncio.sleep(0.005)


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@asynccontextmanager
async def serving(conducts: Conducts[Any] | None = None, **limits: Any) -> AsyncIterator[Harness]:
    harness = Harness(conducts, **limits)
    await harness.server.start("127.0.0.1", 0)
    try:
        yield harness
    finally:
        async with asyncio.timeout(PATIENCE):
            await harness.server.stop()


def call(method: str, *params: object, call_id: object = 1) -> str:
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": call_id})


async def receive(client: ClientConnection) -> Any:
    message = await asyncio.wait_for(client.recv(), PATIENCE)
    assert isinstance(message, str), "replies are text"
    return json.loads(message)


async def ask(client: ClientConnection, text: str) -> Any:
    await client.send(text)
    return await receive(client)


async def closing(client: ClientConnection) -> tuple[int | None, str | None]:
    """Code and reason with which the server closes."""
    await asyncio.wait_for(client.wait_closed(), PATIENCE)
    return client.close_code, client.close_reason


async def polite_session() -> None:
    async with serving() as harness, harness.connect("/any/path?x=1") as client:
        assert (await ask(client, call("system_health")))["result"] == "hello, world"
        batch = f"[{call('system_name')},{call('author_getShard', call_id='b')}]"
        assert [reply["id"] for reply in await ask(client, batch)] == [1, "b"]
        assert client.response is not None
        assert "Sec-WebSocket-Extensions" not in client.response.headers


async def watched_session() -> None:
    async with serving() as harness, harness.connect() as client:
        assert (await ask(client, call("author_submitAndWatchExtrinsic", REQUEST_HEX)))["result"] == (
            "0x" + TOP_HASH.hex()
        )
        harness.server.notify(TOP_HASH, Ready())
        harness.server.notify(TOP_HASH, InSidechainBlock(b"\x07" * 32))
        harness.server.notify(TOP_HASH, Ready())
        results = [(await receive(client))["params"]["result"] for _ in range(2)]
        assert results == ["0x0102", "0x0104" + "07" * 32]
        assert (await ask(client, call("system_name", call_id=9)))["id"] == 9


async def retracted_session() -> None:
    async with serving() as harness, harness.connect() as client:
        await ask(client, call("author_submitAndWatchExtrinsic", REQUEST_HEX))
        harness.server.notify(TOP_HASH, InSidechainBlock(b"\x07" * 32), lingers=True)
        harness.server.notify(TOP_HASH, Retracted())
        harness.server.notify(TOP_HASH, InSidechainBlock(b"\x08" * 32), lingers=True)
        harness.server.settle([TOP_HASH])
        harness.server.notify(TOP_HASH, Retracted())
        results = [(await receive(client))["params"]["result"] for _ in range(3)]
        assert results == ["0x0104" + "07" * 32, "0x0105", "0x0104" + "08" * 32]
        assert (await ask(client, call("system_name", call_id=9)))["id"] == 9


@pytest.mark.parametrize("session", [polite_session, watched_session, retracted_session])
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_sessions_under_either_event_loop(
    session: Callable[[], Awaitable[None]], new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def run() -> str:
        await session()
        return "done"

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(run()) == "done"


async def test_updates_during_submission_follow_the_reply() -> None:
    async with serving() as harness, harness.connect() as client:
        inner = harness.backend.submit

        async def submit_and_report(request: Request, watcher: Any, turn: Turn) -> bytes:
            top_hash = await inner(request, watcher, turn)
            harness.server.notify(top_hash, Ready())
            await asyncio.sleep(0)
            return top_hash

        harness.backend.submit = submit_and_report  # type: ignore[method-assign]
        assert "result" in await ask(client, call("author_submitAndWatchExtrinsic", REQUEST_HEX))
        assert (await receive(client))["params"]["result"] == "0x0102"


async def test_what_one_connection_hears_of_a_block_it_hears_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """And of one operation all, in its order, with breaks between slices."""
    harness, told, breaks = Harness(None), [], []
    for connection in (1, 2):
        harness.watches.connect(connection)
    hashes = [bytes([number]) * 32 for number in range(2 * STATUSES_PER_SLICE)]
    for number, top_hash in enumerate(hashes):
        harness.watches.open(1 + number % 2).bind(top_hash)
    monkeypatch.setattr(harness.server, "notify", lambda top_hash, status, *_, **__: told.append((top_hash, status)))
    changes = [StatusChanged(top_hash, Ready()) for top_hash in hashes]
    telling = asyncio.create_task(harness.server.tell_all([*changes, StatusChanged(hashes[0], LAST)], lingers=False))
    while not telling.done():
        breaks.append(len(told))
        await asyncio.sleep(0)
    first, second = hashes[0::2], hashes[1::2]
    assert told == [(each, Ready()) for each in first] + [(hashes[0], LAST)] + [(each, Ready()) for each in second]
    assert breaks[:3] == [0, STATUSES_PER_SLICE, 2 * STATUSES_PER_SLICE]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tls_needs_no_server_name_and_shows_the_enclaves_key(version: ssl.TLSVersion) -> None:
    async with serving() as harness:
        context = trusting()
        context.minimum_version = context.maximum_version = version
        _, writer = await asyncio.open_connection("127.0.0.1", harness.server.port, ssl=context)
        tls = writer.get_extra_info("ssl_object")
        key = x509.load_der_x509_certificate(tls.getpeercert(True)).public_key()
        assert isinstance(key, Ed25519PublicKey)
        assert key.public_bytes_raw() == Ed25519Pair.from_seed(SEED).public
        assert tls.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
        assert tls.session is None or not tls.session.has_ticket
        writer.close()


async def test_old_tls_is_refused() -> None:
    async with serving() as harness:
        context = trusting()
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        with pytest.warns(DeprecationWarning):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", harness.server.port, ssl=context)


@pytest.mark.parametrize("text", ["", "{", "\x00", "[" * 50_000])
async def test_malformed_json_is_answered_and_the_connection_lives(text: str) -> None:
    async with serving() as harness, harness.connect() as client:
        assert (await ask(client, text))["error"] == {"code": -32700, "message": "Parse error"}
        assert (await ask(client, call("system_name")))["id"] == 1


async def test_text_that_is_not_utf8_closes_the_connection() -> None:
    async with serving(close_seconds=0.2) as harness, harness.connect() as client:
        await client.send(b"\xff\xfe", text=True)
        assert (await closing(client))[0] == 1007


async def test_notifications_and_binary_frames_are_not_answered() -> None:
    async with serving() as harness, harness.connect() as client:
        await client.send(json.dumps({"jsonrpc": "2.0", "method": "author_submitExtrinsic", "params": [REQUEST_HEX]}))
        await client.send(call("system_health").encode())
        await client.send([b"{", b"}"])
        await client.send("[]")
        assert (await ask(client, call("system_name", call_id="last")))["id"] == "last"
        assert harness.backend.submitted == []


async def test_fragmented_text_is_one_message() -> None:
    async with serving() as harness, harness.connect() as client:
        await client.send(list(call("system_name", call_id="é")))
        assert (await receive(client))["id"] == "é"


async def test_endless_fragments_close_the_connection() -> None:
    async with serving(fragments_per_message=100, close_seconds=0.2) as harness, harness.connect() as client:
        with pytest.raises(ConnectionClosed):
            await client.send(["a"] * 10_000)
            await client.recv()
        assert await closing(client) == (1009, "too many fragments")


async def test_a_message_too_large_to_look_at_is_refused_and_the_connection_lives() -> None:
    async with serving() as harness, harness.connect() as client:
        reply = await ask(client, call("system_name", "a" * MAX_MESSAGE_BYTES))
        assert reply["error"] == {"code": -32600, "message": "Invalid request"}
        assert reply["reason"]["code"] == "rpc.message_too_large"
        assert reply["reason"]["data"]["limit"] == MAX_MESSAGE_BYTES
        assert (await ask(client, call("system_name")))["id"] == 1


async def test_ten_megabytes_of_garbage_close_the_connection_with_a_reason() -> None:
    async with serving(close_seconds=0.2) as harness, harness.connect() as client:
        with pytest.raises(ConnectionClosed):
            await client.send("x" * 10_000_000)
            await client.recv()
        code, reason = await closing(client)
        assert code == 1009
        assert "limit" in (reason or "")
        await harness.count(0)


async def test_garbage_instead_of_a_websocket_is_refused() -> None:
    async with serving() as harness:
        for sent, expected in [
            (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 426"),
            (b"\x00\xff" * 5000 + b"\r\n\r\n", b"HTTP/1.1 4"),
        ]:
            reader, writer = await asyncio.open_connection("127.0.0.1", harness.server.port, ssl=trusting())
            writer.write(sent)
            assert (await asyncio.wait_for(reader.read(), PATIENCE)).startswith(expected)
            writer.close()
        assert harness.server.connection_count == 0


async def test_plain_text_instead_of_tls_is_dropped() -> None:
    async with serving() as harness:
        reader, writer = await asyncio.open_connection("127.0.0.1", harness.server.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n" * 100)
        assert b"HTTP" not in await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()


@pytest.mark.parametrize("with_tls", [False, True], ids=["half-open TLS", "half a request"])
async def test_unfinished_handshakes_are_dropped_and_give_their_place_back(with_tls: bool) -> None:
    async with serving(handshake_seconds=0.1, connections=3, refusals=0) as harness:
        streams = []
        for _ in range(3):
            stream = await asyncio.open_connection(
                "127.0.0.1", harness.server.port, ssl=trusting() if with_tls else None
            )
            stream[1].write(b"GET / HTTP/1.1\r\nHost: x\r\n" if with_tls else b"\x16\x03\x01\x02\x00\x01")
            streams.append(stream)
        for reader, writer in streams:
            assert await said(reader) == b""
            writer.close()
        async with harness.connect() as client:
            assert (await ask(client, call("system_name")))["id"] == 1


async def test_many_clients_at_once() -> None:
    async with serving() as harness:
        clients = await asyncio.gather(*(harness.connect() for _ in range(200)))
        assert harness.server.connection_count == 200
        replies = await asyncio.gather(*(ask(c, call("author_getShard", call_id=i)) for i, c in enumerate(clients)))
        assert [reply["id"] for reply in replies] == list(range(200))
        await asyncio.gather(*(client.close() for client in clients))
        await harness.count(0)


async def test_clients_above_the_limit_are_told_and_places_come_back() -> None:
    async with serving(connections=2) as harness:
        async with harness.connect() as one, harness.connect():
            with pytest.raises(InvalidStatus) as refused:
                await harness.connect()
            assert refused.value.response.status_code == 503
            assert refused.value.response.body is not None
            reason = json.loads(refused.value.response.body)
            assert (reason["code"], reason["data"]) == ("rpc.too_many_clients", {"limit": 2})
            assert (await ask(one, call("system_name")))["id"] == 1
        await harness.count(0)
        async with harness.connect() as again:
            assert (await ask(again, call("system_name")))["id"] == 1


async def test_a_newcomer_takes_a_place_of_the_address_that_has_most() -> None:
    async with serving(connections=2, close_seconds=0.2) as harness, harness.connect() as first:
        second = await harness.connect()
        async with harness.connect(local_addr=("127.0.0.2", 0)) as newcomer:
            assert (await ask(newcomer, call("system_name")))["id"] == 1
            code, reason = await closing(second)
            assert code == 1013
            assert (reason or "").startswith("rpc.too_many_clients: ")
            assert (await ask(first, call("system_name")))["id"] == 1
            with pytest.raises(InvalidStatus):
                await harness.connect()


@pytest.mark.parametrize("fails", ["calls", "operation", "connections"])
async def test_where_much_comes_to_nothing_newcomers_wait(fails: str) -> None:
    now, is_in_line, time_comes = 0.0, asyncio.Event(), list[Callable[[], None]]()

    def later(seconds: float, act: Callable[[], None]) -> None:
        time_comes.append(act)
        is_in_line.set()

    conducts: Conducts[Any] = Conducts(3, lambda: now, later)
    async with serving(conducts) as harness, harness.connect() as first:
        assert (await ask(first, call("system_name")))["id"] == 1
        if fails == "calls":
            await ask(first, f"[{','.join([call('unheard')] * 3)}]")
        elif fails == "operation":
            await ask(first, f"[{','.join([call('unheard')] * 2)}]")
            assert "result" in await ask(first, call("author_submitAndWatchExtrinsic", REQUEST_HEX))
            harness.server.notify(TOP_HASH, Invalid())
            assert (await receive(first))["params"]["result"]
        else:
            for _ in range(3):
                async with harness.connect():
                    pass
            await harness.count(1)
            assert (await ask(first, call("system_name")))["id"] == 1
        async with harness.connect(local_addr=("127.0.0.2", 0)) as other:
            assert (await ask(other, call("system_name")))["id"] == 1
        newcomer = asyncio.ensure_future(harness.connect())
        await asyncio.wait_for(is_in_line.wait(), PATIENCE)
        assert not newcomer.done()
        now = 60.0
        time_comes.pop()()
        async with await newcomer as served:
            assert (await ask(served, call("system_name")))["id"] == 1


@pytest.mark.parametrize("begun", ["", "hello", "upgrade"])
async def test_of_those_that_shake_hands_for_long_the_oldest_goes(begun: str) -> None:
    async with serving(half_open=2, handshake_seconds=60.0) as harness:
        streams = [await half_open(harness, begun) for _ in range(3)]
        await said(streams[0][0])
        async with harness.connect() as client:  # takes the place of the next
            await said(streams[1][0])
            assert (await ask(client, call("system_name")))["id"] == 1
        assert not streams[2][0].at_eof()
        for _, writer in streams:
            writer.close()


async def test_where_half_open_ones_have_to_go_others_come_no_faster_than_handshakes() -> None:
    async with serving(half_open=2, handshake_seconds=60.0) as harness:
        pauses, streams = [harness.server._pause_between()], []
        for _ in range(2):
            streams.append(await half_open(harness, "hello"))
            pauses.append(harness.server._pause_between())
        assert pauses == [0.0, 0.0, HANDSHAKE_SECONDS]
        for _, writer in streams:
            writer.close()


@pytest.mark.parametrize("begun", ["", "hello", "upgrade"])
async def test_who_shakes_hands_has_a_place_until_it_is_displaced(begun: str) -> None:
    async with serving(connections=2, handshake_seconds=60.0) as harness:
        streams = [await half_open(harness, begun) for _ in range(2)]
        async with harness.connect(local_addr=("127.0.0.2", 0)) as newcomer:
            await said(streams[1][0])
            assert (await ask(newcomer, call("system_name")))["id"] == 1
        assert not streams[0][0].at_eof()
        for _, writer in streams:
            writer.close()


async def test_who_waits_in_line_for_its_handshake_can_be_displaced() -> None:
    is_in_line = asyncio.Event()
    conducts: Conducts[Any] = Conducts(1, lambda: 0.0, lambda _, __: is_in_line.set())
    conducts.newcomer(0, site_of("127.0.0.1")).note(1)
    async with serving(conducts, half_open=1, handshake_seconds=60.0) as harness:
        reader, writer = await half_open(harness, "")
        writer.write(client_hello())
        await asyncio.wait_for(is_in_line.wait(), PATIENCE)
        _, newcomer = await half_open(harness, "")
        assert await said(reader) == b""
        writer.close()
        newcomer.close()


async def test_fewer_files_than_clients_need_are_told_of(caplog: pytest.LogCaptureFixture) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    async with serving(connections=hard) as harness:
        assert harness.server.capacity == hard - 64 - 256
    assert f"allows only {hard - 64 - 256} clients; {hard} would take {hard + 64 + 256}" in caplog.text
    async with serving(connections=10) as harness:
        assert harness.server.capacity == 10


async def test_files_of_the_enclave_come_before_clients() -> None:
    async with serving(reserved_files=10**9) as harness, harness.connect():
        with pytest.raises(InvalidStatus):
            await harness.connect()


async def test_clients_above_limit_and_refusals_are_dropped_at_once() -> None:
    async with serving(connections=1, refusals=0) as harness, harness.connect():
        reader, writer = await asyncio.open_connection("127.0.0.1", harness.server.port)
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
        writer.close()


async def half_open(harness: Harness, begun: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Who has said nothing, a ClientHello, or half a request for the upgrade; and been heard."""
    tls = trusting() if begun == "upgrade" else None
    reader, writer = await asyncio.open_connection("127.0.0.1", harness.server.port, ssl=tls)
    if begun == "hello":
        writer.write(client_hello())
        await asyncio.wait_for(reader.readexactly(5), PATIENCE)
    elif begun == "upgrade":
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
    return reader, writer


def client_hello() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        trusting().wrap_bio(incoming, outgoing).do_handshake()
    return outgoing.read()


async def said(reader: asyncio.StreamReader) -> bytes:
    """What a connection brings until it ends, which it does."""
    try:
        return await asyncio.wait_for(reader.read(), PATIENCE)
    except ConnectionResetError:
        return b""


async def quiet_client(harness: Harness) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that stops reading after the upgrade."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    small.setblocking(False)
    await asyncio.get_running_loop().sock_connect(small, ("127.0.0.1", harness.server.port))
    reader, writer = await asyncio.open_connection(sock=small, ssl=trusting(), server_hostname="x", limit=1024)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.pause_reading()
    return reader, writer


def masked(text: str) -> bytes:
    """A websocket text frame as a client sends it, under the mask 0."""
    data = text.encode()
    assert 126 <= len(data) < 65_536
    return b"\x81\xfe" + len(data).to_bytes(2, "big") + bytes(4) + data


async def test_a_client_that_does_not_read_its_updates_is_dropped() -> None:
    async with serving(outgoing_bytes=20_000, close_seconds=0.2) as harness:
        _, writer = await quiet_client(harness)
        writer.write(masked(call("author_submitAndWatchExtrinsic", REQUEST_HEX)))
        async with asyncio.timeout(PATIENCE), harness.connect() as other:
            while harness.server.connection_count == 2:
                for _ in range(1000):
                    harness.server.notify(TOP_HASH, Ready())
                await asyncio.sleep(0)
            assert (await ask(other, call("system_name")))["id"] == 1
        writer.transport.abort()


async def test_a_client_that_does_not_read_its_replies_waits_and_is_dropped_in_the_end() -> None:
    async with serving(stall_seconds=0.2, close_seconds=0.1) as harness:
        answered = 0

        async def blob(params: Params, connection: Connection) -> Outcome:
            nonlocal answered
            answered += 1
            return Outcome("a" * 1_000_000)

        harness.methods["blob"] = Method(blob)
        _, writer = await quiet_client(harness)
        writer.write(masked(call("blob", "a" * 100)) * 300)
        await harness.count(0)
        assert 0 < answered < 100
        writer.transport.abort()


async def test_a_client_that_reads_gets_large_replies_it_asked_for_at_once() -> None:
    async with serving(outgoing_bytes=20_000) as harness, harness.connect() as client:

        async def blob(params: Params, connection: Connection) -> Outcome:
            return Outcome("a" * 500_000)

        harness.methods["blob"] = Method(blob)
        for number in range(40):
            await client.send(call("blob", call_id=number))
        assert sorted([(await receive(client))["id"] for _ in range(40)]) == list(range(40))


async def test_submissions_of_a_client_keep_their_order_and_hold_up_nobody() -> None:
    async with serving(requests_per_connection=4) as harness:
        gate = harness.backend.gate = asyncio.Event()
        async with harness.connect() as client, harness.connect() as other:
            for number in range(20):
                request = "0x" + encode(Request, Request(SHARD, bytes([number]))).hex()
                await client.send(call("author_submitExtrinsic", request, call_id=number))
            assert (await ask(other, call("state_executeGetter", REQUEST_HEX)))["id"] == 1
            gate.set()
            assert [(await receive(client))["id"] for _ in range(20)] == list(range(20))
        sent = [request.cyphertext for request in harness.backend.submitted]
        assert sent == [b"\x01", *(bytes([number]) for number in range(20))]


async def test_a_submission_counts_even_if_its_client_leaves_at_once() -> None:
    async with serving() as harness:
        client = await harness.connect()
        await client.send(call("author_submitAndWatchExtrinsic", REQUEST_HEX))
        await client.close()
        await harness.count(0)
        assert len(harness.backend.submitted) == 1
        assert len(harness.watches) == 0


async def test_a_client_that_leaves_takes_its_watches_along() -> None:
    async with serving() as harness:
        async with harness.connect() as client:
            await ask(client, call("author_submitAndWatchExtrinsic", REQUEST_HEX))
            assert len(harness.watches) == 1
            client.transport.abort()
            await harness.count(0)
        assert len(harness.watches) == 0
        harness.server.notify(TOP_HASH, Ready())


async def test_pings_are_answered() -> None:
    async with serving() as harness, harness.connect() as client:
        pong = await client.ping(b"are you there")
        assert await asyncio.wait_for(pong, PATIENCE) >= 0


async def test_stopping_says_goodbye_and_gives_up_on_those_who_do_not_answer() -> None:
    harness = Harness(stop_seconds=0.1)
    await harness.server.start("127.0.0.1", 0)
    harness.backend.gate = asyncio.Event()
    client = await harness.connect()
    await client.send(call("author_submitExtrinsic", REQUEST_HEX))
    _, quiet = await quiet_client(harness)
    reader, half_open = await asyncio.open_connection("127.0.0.1", harness.server.port)
    await harness.count(2)
    port = harness.server.port
    async with asyncio.timeout(PATIENCE):
        await harness.server.stop()
    assert await closing(client) == (1001, "server stops")
    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    assert harness.server.connection_count == 0
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    quiet.transport.abort()
    half_open.close()


async def test_a_taken_port_is_an_error() -> None:
    async with serving() as harness:
        with pytest.raises(ListenFailed, match="in use"):
            await Harness().server.start("127.0.0.1", harness.server.port)


def test_a_server_that_was_not_started_has_no_port() -> None:
    async def port() -> int:
        return Harness().server.port

    with pytest.raises(RuntimeError):
        asyncio.run(port())


def test_the_file_limit_is_raised_to_what_is_allowed() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, hard), hard))
        assert raise_file_limit() == hard
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
