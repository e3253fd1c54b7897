"""The RPC method that hands out content: what it answers, and how much one connection may have under way."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from integritee.client.answers import read_value
from integritee.client.errors import RequestRefused
from integritee.enclave.rpc.content_methods import MAX_READS_PER_CONNECTION, content_methods
from integritee.enclave.rpc.jsonrpc import Connection, Dispatcher
from integritee.primitives.cid import cid_v0
from integritee.primitives.ipfs import READ_METHOD, CidMismatch, ContentNotFound, InvalidCid, IpfsError

CONTENT = b"sealed"
CID = cid_v0(CONTENT)


class Reads:
    """Content, or an error, once the gate is open."""

    def __init__(self, found: bytes | IpfsError) -> None:
        self.found, self.gate, self.asked = found, asyncio.Event(), list[str]()
        self.gate.set()

    async def read_content(self, cid: str) -> bytes:
        self.asked.append(cid)
        await self.gate.wait()
        if isinstance(self.found, IpfsError):
            raise self.found
        return self.found


async def ask(dispatcher: Dispatcher, connection: Connection, *params: Any) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "method": READ_METHOD, "params": list(params), "id": 1}
    reply = await dispatcher.handle(json.dumps(message), connection)
    assert reply is not None
    answer: dict[str, Any] = json.loads(reply.text)
    return answer


async def test_content_is_the_value_of_the_answer() -> None:
    reads = Reads(CONTENT)
    dispatcher = Dispatcher(content_methods(reads))  # type: ignore[arg-type]
    assert read_value(READ_METHOD, await ask(dispatcher, Connection(1), CID)) == CONTENT
    assert reads.asked == [CID]


@pytest.mark.parametrize(
    "error", [ContentNotFound("block was not found"), CidMismatch(cid_v0(b""), CID), InvalidCid("Qm")]
)
async def test_errors_reach_the_client_with_code_and_facts(error: IpfsError) -> None:
    dispatcher = Dispatcher(content_methods(Reads(error)))  # type: ignore[arg-type]
    with pytest.raises(RequestRefused) as refused:
        read_value(READ_METHOD, await ask(dispatcher, Connection(1), CID))
    assert (refused.value.code, refused.value.data()) == (error.code, error.data())


@pytest.mark.parametrize("params", [[], [7], [[CID]]])
async def test_what_names_no_content_is_refused(params: list[Any]) -> None:
    reads = Reads(CONTENT)
    dispatcher = Dispatcher(content_methods(reads))  # type: ignore[arg-type]
    with pytest.raises(RequestRefused):
        read_value(READ_METHOD, await ask(dispatcher, Connection(1), *params))
    assert reads.asked == []


async def test_a_connection_reads_so_much_at_a_time() -> None:
    reads = Reads(CONTENT)
    reads.gate.clear()
    dispatcher, greedy, modest = Dispatcher(content_methods(reads)), Connection(1), Connection(2)  # type: ignore[arg-type]
    waiting = [asyncio.create_task(ask(dispatcher, greedy, CID)) for _ in range(MAX_READS_PER_CONNECTION)]
    await asyncio.sleep(0)
    with pytest.raises(RequestRefused, match="at a time") as refused:
        read_value(READ_METHOD, await ask(dispatcher, greedy, CID))
    assert refused.value.code == "ipfs.busy"
    other = asyncio.create_task(ask(dispatcher, modest, CID))
    await asyncio.sleep(0)
    reads.gate.set()
    for answer in await asyncio.gather(*waiting, other):
        assert read_value(READ_METHOD, answer) == CONTENT
    assert read_value(READ_METHOD, await ask(dispatcher, greedy, CID)) == CONTENT
