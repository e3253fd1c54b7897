"""The server on loopback: HTTP, WebSocket, origins, limits, stopping."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import websockets
from tests.node.toy_runtime import ALICE, transfer
from websockets.asyncio.client import connect

from integritee.node.chain_thread import ChainThread
from integritee.node.rpc.limits import MAX_REQUEST_BYTES, ServerLimits
from integritee.node.rpc.origins import Origins
from integritee.node.rpc.server import RpcServer

from .rpc_engine import EVENTS


@dataclass
class Served:
    """A served node; `ask` opens a new socket per request, as the original worker does."""

    node: Any
    thread: ChainThread
    server: RpcServer
    port: int
    http: aiohttp.ClientSession = field(repr=False)

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def produce(self, count: int = 1) -> bytes:
        return await asyncio.wrap_future(self.thread.change(lambda: self.node.produce(count)))

    async def ask(self, method: str, *params: Any, id: Any = "1") -> Any:
        async with connect(self.ws) as socket:
            await socket.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": id}))
            return json.loads(await socket.recv())

    async def post(self, body: Any, **options: Any) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | options.pop("headers", {})
        async with self.http.post(self.url, data=data, headers=headers, **options) as response:
            text = await response.read()
            is_json = response.content_type == "application/json"
            return response.status, json.loads(text) if is_json and text else text


@asynccontextmanager
async def serving(node: Any, **options: Any) -> AsyncIterator[Served]:
    thread = ChainThread()
    thread.start()
    server = RpcServer(node.dispatcher, thread, **options)
    port = await server.start(0)
    try:
        async with aiohttp.ClientSession() as http:
            yield Served(node, thread, server, port, http)
    finally:
        thread.stop()
        await server.stop()
        await asyncio.to_thread(thread.join)


@pytest.fixture
async def served(node: Any) -> AsyncIterator[Served]:
    async with serving(node) as served:
        yield served


async def eventually(condition: Any) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0.005)


CALL = {"jsonrpc": "2.0", "id": "1", "method": "system_name"}
REPLY = {"jsonrpc": "2.0", "result": "Integritee Node", "id": "1"}


async def subscribe(socket: Any, method: str, *params: Any) -> str:
    await socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
    return json.loads(await socket.recv())["result"]


async def result(socket: Any, subscription: str) -> Any:
    frame = json.loads(await socket.recv())
    assert frame["params"]["subscription"] == subscription
    return frame["params"]["result"]


# --- HTTP


async def test_post(served: Served) -> None:
    assert await served.post(CALL) == (200, REPLY)
    assert await served.post([CALL, CALL]) == (200, [REPLY, REPLY])
    assert await served.post({"jsonrpc": "2.0", "method": "system_name"}) == (200, b"")
    status, reply = await served.post(b"nonsense")
    assert (status, reply["error"]["code"]) == (200, -32700)


async def test_post_on_a_kept_connection_and_any_path(served: Served) -> None:
    for path in ("/", "/rpc"):
        async with served.http.post(served.url + path, json=CALL) as response:
            assert await response.json() == REPLY


async def test_subscriptions_need_a_websocket(served: Served) -> None:
    _, reply = await served.post(CALL | {"method": "chain_subscribeNewHeads"})
    assert reply["error"] == {"code": -32601, "message": "Subscriptions need a WebSocket connection"}


@pytest.mark.parametrize("path", ["/health", "/health/readiness"])
async def test_health(served: Served, path: str) -> None:
    async with served.http.get(served.url + path) as response:
        assert response.status == 200
        assert await response.json() == {"peers": 0, "isSyncing": False, "shouldHavePeers": False}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_other_http_methods(served: Served, method: str) -> None:
    async with served.http.request(method, served.url) as response:
        assert response.status == 405


async def test_content_type(served: Served) -> None:
    assert (await served.post(CALL, headers={"Content-Type": "text/plain"}))[0] == 415
    assert (await served.post(CALL, headers={"Content-Type": "application/json; charset=utf-8"}))[0] == 200


async def test_body_limit(served: Served) -> None:
    assert (await served.post(b" " * (MAX_REQUEST_BYTES + 2)))[0] == 413
    padded = json.dumps(CALL).encode().ljust(2 * 1024 * 1024)
    assert await served.post(padded) == (200, REPLY)


# --- WebSocket


@pytest.mark.parametrize("id", ["1", 1, None])
async def test_request_per_socket(served: Served, id: Any) -> None:
    for _ in range(3):
        assert await served.ask("system_name", id=id) == REPLY | {"id": id}


async def test_requests_on_one_socket_are_answered_in_order(served: Served) -> None:
    async with connect(served.ws) as socket:
        for number in range(50):
            await socket.send(json.dumps(CALL | {"id": number}))
        assert [json.loads(await socket.recv())["id"] for _ in range(50)] == list(range(50))


async def test_binary_messages_are_taken(served: Served) -> None:
    async with connect(served.ws) as socket:
        await socket.send(json.dumps(CALL).encode())
        assert json.loads(await socket.recv()) == REPLY


async def test_heads_and_storage_arrive(served: Served) -> None:
    async with connect(served.ws) as socket:
        heads = await subscribe(socket, "chain_subscribeFinalizedHeads")
        assert (await result(socket, heads))["number"] == "0x0"
        events = await subscribe(socket, "state_subscribeStorage", ["0x" + EVENTS.hex()])
        assert (await result(socket, events))["changes"][0][1] is None
        hash = await served.produce()
        assert (await result(socket, heads))["number"] == "0x1"
        assert (await result(socket, events))["block"] == "0x" + hash.hex()


async def test_watch_to_finalized(served: Served) -> None:
    async with connect(served.ws) as socket:
        watch = await subscribe(socket, "author_submitAndWatchExtrinsic", "0x" + transfer(ALICE, 0).hex())
        assert await result(socket, watch) == "ready"
        hash = "0x" + (await served.produce()).hex()
        assert await result(socket, watch) == {"inBlock": hash}
        assert await result(socket, watch) == {"finalized": hash}


@pytest.mark.parametrize("graceful", [True, False])
async def test_disconnect_ends_subscriptions(served: Served, graceful: bool) -> None:
    chain = served.node.chain
    socket = await connect(served.ws)
    await subscribe(socket, "author_submitAndWatchExtrinsic", "0x" + transfer(ALICE, 0).hex())
    assert len(served.node.pool._watchers) == 1
    if graceful:
        await socket.close()
    else:
        socket.transport.abort()
    await eventually(lambda: not served.node.pool._watchers and not served.server._connections)
    await served.produce()
    assert chain.best.number == 1


async def test_slow_reader_is_dropped(node: Any) -> None:
    limits = ServerLimits(outgoing_bytes=200_000)
    async with serving(node, limits=limits) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1024)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert b"101" in await reader.readline()
        await eventually(lambda: served.server._connections)
        (connection,) = served.server._connections
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(400):
            connection.send(b"x" * 50_000)
        await eventually(lambda: not served.server._connections)
        writer.transport.abort()
        assert await served.post(CALL) == (200, REPLY)


async def test_next_request_waits_for_a_slow_reader(node: Any) -> None:
    async with serving(node, limits=ServerLimits(resume_bytes=10)) as served, connect(served.ws) as socket:
        for number in range(20):
            await socket.send(json.dumps(CALL | {"id": number}))
        assert [json.loads(await socket.recv())["id"] for _ in range(20)] == list(range(20))


async def test_connection_limit(node: Any) -> None:
    async with serving(node, limits=ServerLimits(connections=2)) as served:
        async with connect(served.ws), connect(served.ws):
            with pytest.raises(websockets.InvalidStatus) as refusal:
                await connect(served.ws)
            assert refusal.value.response.status_code == 429
        await eventually(lambda: not served.server._http.connections)  # type: ignore[union-attr]
        assert await served.ask("system_name") == REPLY


async def test_external_callers_get_no_unsafe_methods(node: Any) -> None:
    async with serving(node, allow_unsafe=False) as served:
        for reply in (
            await served.ask("engine_createBlock", True, True),
            (await served.post(CALL | {"method": "system_peers"}))[1],
        ):
            assert reply["error"] == {"code": -32601, "message": "RPC call is unsafe to be called externally"}


async def test_listens_on_all_interfaces_if_told_to(node: Any) -> None:
    thread = ChainThread()
    server = RpcServer(node.dispatcher, thread)
    await server.start(0, external=True)
    hosts = {socket.getsockname()[0] for each in server._sockets for socket in each.sockets}
    assert "0.0.0.0" in hosts
    await server.stop()


# --- origins


@pytest.mark.parametrize(
    ("cors", "origin", "permitted"),
    [
        (None, None, True),
        (None, "http://localhost:3000", True),
        (None, "http://127.0.0.1", True),
        (None, "http://[::1]:80", True),
        (None, "https://polkadot.js.org", True),
        (None, "https://evil.example", False),
        (None, "http://localhost.evil.example", False),
        (None, "null", False),
        (None, "http://[", False),
        ("all", "https://evil.example", True),
        ("https://a.example, https://b.example", "https://b.example", True),
        ("https://a.example", "http://localhost", False),
        ("null", "null", True),
    ],
)
def test_origins(cors: str | None, origin: str | None, permitted: bool) -> None:
    origins = Origins() if cors is None else Origins.parse(cors)
    assert origins.permits(origin) is permitted


async def test_foreign_pages_are_refused(served: Served) -> None:
    foreign = {"Origin": "https://evil.example"}
    assert (await served.post(CALL, headers=foreign))[0] == 403
    with pytest.raises(websockets.InvalidStatus) as refusal:
        await connect(served.ws, additional_headers=foreign)
    assert refusal.value.response.status_code == 403


async def test_permitted_pages_may_read(served: Served) -> None:
    page = {"Origin": "http://localhost:3000"}
    async with served.http.options(served.url, headers=page) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == page["Origin"]
        assert "POST" in response.headers["Access-Control-Allow-Methods"]
    async with served.http.post(served.url, json=CALL, headers=page) as response:
        assert response.headers["Access-Control-Allow-Origin"] == page["Origin"]
    async with connect(served.ws, additional_headers=page) as socket:
        await socket.send(json.dumps(CALL))
        assert json.loads(await socket.recv()) == REPLY


# --- stopping


async def test_stop_says_goodbye(node: Any) -> None:
    async with serving(node) as served:
        socket = await connect(served.ws)
        await subscribe(socket, "chain_subscribeNewHeads")
        await socket.recv()
    with pytest.raises(websockets.ConnectionClosed) as closed:
        await socket.recv()
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1001


async def test_requests_after_the_chains_end(node: Any) -> None:
    async with serving(node) as served:
        served.thread.stop()
        assert (await served.post(CALL))[0] == 503
