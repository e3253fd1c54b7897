"""What the untrusted RPC answers; the same over a socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from integritee.client.errors import RpcError
from integritee.client.jsonrpc import RpcConnection
from integritee.worker.errors import BlockStoreBroken
from integritee.worker.http import serve
from integritee.worker.peers import untrusted_rpc, untrusted_server
from integritee.worker.peers.block_json import block_from_json, block_to_json
from integritee.worker.peers.untrusted_rpc import CONNECTION_RATE, MAX_BATCH, MAX_REQUEST, Caller, UntrustedRpc

from .chains import SHARD, Store, chain_of

MAIN = chain_of(6)
METHOD = "sidechain_fetchBlocksFromPeer"
ZERO, UNKNOWN = "0x" + "00" * 32, "0x" + "77" * 32
OURS, FOREIGN = "0x" + SHARD.hex(), "0x" + "05" * 32
HASHES = ["0x" + block.hash().hex() for block in MAIN]


@pytest.fixture
def rpc() -> UntrustedRpc:
    rpc = UntrustedRpc("integritee-worker 1", now=0.0)
    rpc.serve(Store(MAIN), SHARD)
    return rpc


def ask(rpc: UntrustedRpc, message: Any, caller: Caller | None = None, now: float = 0.0) -> Any:
    text = message if isinstance(message, str | bytes) else json.dumps(message)
    answer = rpc.handle(text, caller or rpc.caller(now), now)
    return None if answer is None else json.loads(answer)


def call(params: Any, method: str = METHOD, **changes: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params, "id": 7} | changes


@pytest.mark.parametrize(
    "after, until, numbers",
    [
        (ZERO, None, [1, 2, 3, 4, 5, 6]),
        (HASHES[1], None, [3, 4, 5, 6]),
        (HASHES[1], HASHES[4], [3, 4]),
        (HASHES[1], HASHES[2], []),
        (HASHES[1], UNKNOWN, [3, 4, 5, 6]),
        (HASHES[5], None, []),
        (UNKNOWN, None, []),
        (UNKNOWN, HASHES[3], []),
    ],
)
def test_ranges(rpc: UntrustedRpc, after: str, until: str | None, numbers: list[int]) -> None:
    expected = [block_to_json(MAIN[number - 1]) for number in numbers]
    assert ask(rpc, call([[after, until, OURS]])) == {"jsonrpc": "2.0", "result": expected, "id": 7}
    assert rpc.served_blocks == len(numbers)


def test_the_answer_to_the_letter(rpc: UntrustedRpc) -> None:
    block = json.dumps(block_to_json(MAIN[5]), separators=(",", ":"))
    answer = rpc.handle(json.dumps(call([[HASHES[4], None, OURS]], id="x")), rpc.caller(0.0), 0.0)
    assert answer == b'{"jsonrpc":"2.0","result":[%s],"id":"x"}' % block.encode()


def test_one_answer_is_limited(rpc: UntrustedRpc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untrusted_rpc, "MAX_BLOCKS", 2)
    assert len(ask(rpc, call([[ZERO, None, OURS]]))["result"]) == 2


@pytest.mark.parametrize("after, code", [(UNKNOWN, None), (ZERO, -32000), (HASHES[2], -32000)])
def test_another_shard(rpc: UntrustedRpc, after: str, code: int | None) -> None:
    answer = ask(rpc, call([[after, None, FOREIGN]]))
    assert answer.get("result") == ([] if code is None else None)
    assert answer.get("error", {}).get("code") == code


FETCH = [[ZERO, None, OURS]]


@pytest.mark.parametrize(
    "message, code, call_id",
    [
        ("{", -32700, None),
        (b"\xff", -32700, None),
        ("[" * 5000, -32700, None),
        ([], -32600, None),
        ([call(FETCH)] * (MAX_BATCH + 1), -32600, None),
        (7, -32600, None),
        (call(FETCH, jsonrpc="1.0"), -32600, 7),
        (call(FETCH, method=None), -32600, 7),
        (call(FETCH, method="chain_getBlock"), -32601, 7),
        (call(FETCH, method="chain_getBlock", id=[1]), -32601, None),
        *((call(params), -32602, 7) for params in (None, [], {}, FETCH[0], [[ZERO, None]], "x", [FETCH], 1)),
        (call([["00" * 32, None, OURS]]), -32602, 7),
        (call([[ZERO, "", OURS]]), -32602, 7),
        (call([[ZERO, None, None]]), -32602, 7),
        (call([["0x" + "00" * MAX_REQUEST, None, OURS]]), -32701, None),
    ],
)
def test_refusals(rpc: UntrustedRpc, message: Any, code: int, call_id: int | None) -> None:
    answer = ask(rpc, message)
    assert (answer["jsonrpc"], answer["error"]["code"], answer["id"]) == ("2.0", code, call_id)


def test_before_there_is_anything_to_serve() -> None:
    assert ask(UntrustedRpc("", now=0.0), call(FETCH))["error"]["code"] == -32000


def test_a_store_that_is_broken(rpc: UntrustedRpc, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise BlockStoreBroken("/data", "no pages")

    monkeypatch.setattr(Store, "blocks_after", fail)
    assert ask(rpc, call(FETCH))["error"]["code"] == -32000


def test_batches_and_notifications(rpc: UntrustedRpc) -> None:
    notification = {"jsonrpc": "2.0", "method": METHOD, "params": FETCH}
    assert ask(rpc, notification) is None
    assert ask(rpc, [notification]) is None
    answers = ask(rpc, [call([], "system_version"), notification, 1, call([], "rpc_methods", id=None)])
    assert [answer.get("result") for answer in answers] == [
        "integritee-worker 1",
        None,
        {"methods": ["rpc_methods", METHOD, "system_version"]},
    ]
    assert [answer["id"] for answer in answers] == [7, None, None]


def test_who_asks_too_often_is_told_when_to_ask_again(rpc: UntrustedRpc) -> None:
    caller, other = rpc.caller(0.0), rpc.caller(0.0)
    codes = [ask(rpc, call([], "rpc_methods"), caller).get("error", {}).get("code") for _ in range(200)]
    assert codes == [None] * int(CONNECTION_RATE.burst) + [-32005] * (200 - int(CONNECTION_RATE.burst))
    wait = ask(rpc, call([], "rpc_methods"), caller)["error"]["data"]["retry_after_ms"]
    assert "result" in ask(rpc, call([], "rpc_methods"), other)
    assert "result" in ask(rpc, call([], "rpc_methods"), caller, now=wait / 1000)
    assert rpc.refused == 101


def test_all_callers_together(rpc: UntrustedRpc) -> None:
    answers = [ask(rpc, call([], "rpc_methods")) for _ in range(1000)]  # each on a connection of its own
    assert sum("result" in answer for answer in answers) == untrusted_rpc.TOTAL_RATE.burst


def test_bytes_count_as_well(rpc: UntrustedRpc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untrusted_rpc, "BYTE_RATE", untrusted_rpc.Rate(burst=2000, per_second=1000))
    rpc.__post_init__()
    answers = [ask(rpc, call(FETCH)) for _ in range(5)]
    assert ["result" in answer for answer in answers] == [True, True, False, False, False]
    assert "result" in ask(rpc, call(FETCH), now=5.0)


# -- over a socket -----------------------------------------------------------------------------------------------


@pytest.fixture
async def url(rpc: UntrustedRpc) -> AsyncIterator[str]:
    runner, port = await serve(untrusted_server.untrusted_app(rpc), "127.0.0.1", 0)
    yield f"ws://127.0.0.1:{port}"
    await runner.cleanup()


async def test_our_own_client(url: str) -> None:
    async with await RpcConnection.open(url) as connection:
        found = await connection.request(METHOD, [[HASHES[0], HASHES[4], OURS]])
        assert [block_from_json(block) for block in found] == MAIN[1:4]
        with pytest.raises(RpcError) as refused:
            await connection.request("nope", [])
        assert refused.value.rpc_code == -32601


@pytest.mark.parametrize("path", ["", "/", "/any/where"])
@pytest.mark.parametrize("as_text", [True, False])
async def test_any_path_and_frame_is_answered_in_binary(url: str, path: str, as_text: bool) -> None:
    request = json.dumps(call([[HASHES[5], None, OURS]]))
    async with connect(url + path, proxy=None) as socket:
        await socket.send(request if as_text else request.encode())
        assert await socket.recv() == b'{"jsonrpc":"2.0","result":[],"id":7}'


async def test_what_is_far_too_long_ends_the_connection(url: str) -> None:
    async with connect(url, proxy=None) as socket:
        await socket.send("x" * (MAX_REQUEST + 1))
        assert b"-32701" in await socket.recv()
        await socket.send("x" * (untrusted_server.MAX_MESSAGE + 1))
        with pytest.raises(ConnectionClosed):
            await socket.recv()


async def test_connections_are_limited(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untrusted_server, "MAX_CONNECTIONS_PER_HOST", 1)
    async with connect(url, proxy=None) as first:
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, proxy=None)
        assert refused.value.response.status_code == 503
        await first.send("{}")
        assert b"-32600" in await first.recv()
    async with connect(url, proxy=None):  # there is a place again
        pass
