"""One connection against servers that behave, misbehave and go away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from integritee.client.errors import ConnectionFailed, MalformedAnswer, RequestTimeout, RpcError
from integritee.client.jsonrpc import MAX_BACKLOG, MAX_EARLY, RpcConnection

Handler = Callable[[ServerConnection, dict[str, Any]], Any]


@asynccontextmanager
async def connected(handle: Handler) -> AsyncIterator[RpcConnection]:
    """A connection to a server that calls `handle` for each request."""

    async def serve_one(socket: ServerConnection) -> None:
        async for text in socket:
            await handle(socket, json.loads(text))

    async with serve(serve_one, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with await RpcConnection.open(f"ws://127.0.0.1:{port}") as rpc:
            yield rpc


def update(subscription: Any, result: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "method": "m", "params": {"subscription": subscription, "result": result}})


def answer(request: dict[str, Any], result: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result})


async def test_answers_may_come_in_any_order() -> None:
    asked: list[dict[str, Any]] = []

    async def backwards(socket: ServerConnection, request: dict[str, Any]) -> None:
        asked.append(request)
        if len(asked) == 3:
            for each in reversed(asked):
                await socket.send(answer(each, each["params"][0]))

    async with connected(backwards) as rpc:
        assert await asyncio.gather(*(rpc.request("m", [n]) for n in range(3))) == [0, 1, 2]


async def test_error_object() -> None:
    async def refuse(socket: ServerConnection, request: dict[str, Any]) -> None:
        error = {"code": -32000, "message": "busy", "data": [1]}
        await socket.send(json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}))

    async with connected(refuse) as rpc:
        with pytest.raises(RpcError, match=r"m: busy \(-32000\): \[1\]"):
            await rpc.request("m", [])


async def test_neither_result_nor_error() -> None:
    async def nothing(socket: ServerConnection, request: dict[str, Any]) -> None:
        await socket.send(json.dumps({"id": request["id"]}))

    async with connected(nothing) as rpc:
        with pytest.raises(MalformedAnswer):
            await rpc.request("m", [])


async def silent(socket: ServerConnection, request: dict[str, Any]) -> None:
    return


async def test_silence_has_a_limit() -> None:
    async with connected(silent) as rpc:
        with pytest.raises(RequestTimeout, match=r"no answer to m within 0\.01 s"):
            await rpc.request("m", [], timeout=0.01)


async def test_closing_fails_all_that_wait() -> None:
    async def close(socket: ServerConnection, request: dict[str, Any]) -> None:
        await socket.close()

    closed: list[bool] = []
    async with connected(close) as rpc:
        rpc.on_close = lambda: closed.append(True)
        subscription = rpc.expect("s")
        with pytest.raises(ConnectionFailed):
            await rpc.request("m", [])
        for _ in range(2):
            with pytest.raises(ConnectionFailed):
                await anext(subscription)
        with pytest.raises(ConnectionFailed):
            await anext(rpc.expect("later"))
        with pytest.raises(ConnectionFailed):
            await rpc.exchange("m", [])
    assert closed == [True]


@pytest.mark.parametrize("text", ["no json", "[]", "7", '"text"', "{"])
async def test_server_that_speaks_something_else(text: str) -> None:
    async def babble(socket: ServerConnection, request: dict[str, Any]) -> None:
        await socket.send(text)

    async with connected(babble) as rpc:
        with pytest.raises(ConnectionFailed, match="does not speak JSON-RPC"):
            await rpc.request("m", [])


async def test_messages_for_nobody_are_ignored() -> None:
    async def confuse(socket: ServerConnection, request: dict[str, Any]) -> None:
        for message in ({"id": [1]}, {"id": 99, "result": 1}, {"params": {"subscription": {}}}, {"params": []}):
            await socket.send(json.dumps(message))
        await socket.send(answer(request, "right"))

    async with connected(confuse) as rpc:
        assert await rpc.request("m", []) == "right"


async def test_messages_before_their_subscription_are_kept() -> None:
    async def eager(socket: ServerConnection, request: dict[str, Any]) -> None:
        if request["method"] == "subscribe":
            await socket.send(update("s1", 1))
            await socket.send(update("s2", 7))
            await socket.send(answer(request, "s1"))
            await socket.send(update("s1", 2))
        else:
            await socket.send(answer(request, True))

    async with connected(eager) as rpc, rpc.subscribe("subscribe", [], "unsubscribe") as messages:
        assert [(await anext(messages))["result"] for _ in range(2)] == [1, 2]
        assert (await anext(rpc.expect("s2")))["result"] == 7


async def test_early_messages_are_few() -> None:
    async def flood(socket: ServerConnection, request: dict[str, Any]) -> None:
        for n in range(MAX_EARLY + 10):
            await socket.send(update("s", n))
        await socket.send(answer(request, "s"))

    async with connected(flood) as rpc:
        messages = rpc.expect(await rpc.request("m", []))
        assert (await anext(messages))["result"] == 10


async def test_backlog_drops_the_oldest() -> None:
    async with connected(silent) as rpc:
        messages = rpc.expect("s")
        for n in range(MAX_BACKLOG + 1):
            messages.push(n)
        assert await anext(messages) == 1


async def test_two_may_listen_to_one_subscription() -> None:
    async def tell(socket: ServerConnection, request: dict[str, Any]) -> None:
        await socket.send(update("s", request["params"][0]))
        await socket.send(answer(request, None))

    async with connected(tell) as rpc:
        first, second = rpc.expect("s"), rpc.expect("s")
        await rpc.request("m", [1])
        assert [(await anext(each))["result"] for each in (first, second)] == [1, 1]
        rpc.forget(first)
        await rpc.request("m", [2])
        assert (await anext(second))["result"] == 2
        rpc.forget(second)
        rpc.forget(second)


@pytest.mark.parametrize(
    "url", ["ws://127.0.0.1:1", "ws://127.0.0.1:99999", "http://127.0.0.1", "nonsense", "ws://[::"]
)
async def test_unreachable(url: str) -> None:
    with pytest.raises(ConnectionFailed):
        await RpcConnection.open(url)
