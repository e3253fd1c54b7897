"""The parentchain client against a development node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final, cast

import pytest

from integritee.client.errors import ConnectionFailed, ExtrinsicFailed, MalformedAnswer, RpcError
from integritee.client.jsonrpc import RpcConnection
from integritee.client.parentchain import ParentchainClient, Runtime
from integritee.crypto import Sr25519Pair
from integritee.metadata import EventRecord, Variant

from ..system.processes import soon
from .development_node import development_node
from .ledger_enclave import ALICE, BOB, UNIT, LedgerEnclave


@pytest.fixture(scope="module")
def node_url() -> Iterator[str]:
    with development_node() as port:
        yield f"ws://127.0.0.1:{port}"


@pytest.fixture
async def chain(node_url: str) -> AsyncIterator[ParentchainClient]:
    async with await ParentchainClient.connect(node_url) as client:
        yield client


def transfer(chain: ParentchainClient, to: bytes, amount: int) -> bytes:
    return chain.call("Balances", "transfer_allow_death", {"dest": to, "value": amount})


async def test_blocks_and_headers(chain: ParentchainClient) -> None:
    assert await chain.block_hash(0) == chain.genesis_hash
    assert await chain.block_hash(10**9) is None
    head = await chain.finalized_head()
    block = await chain.block(head)
    assert block.header == await chain.header(head)
    assert block.header.hash() == head


async def test_included_extrinsic_with_its_events(chain: ParentchainClient) -> None:
    target = Sr25519Pair.from_uri("//Included").public
    inclusion = await chain.submit_and_watch(await chain.sign(transfer(chain, target, UNIT), ALICE))
    assert ("Balances", "Transfer") in [(event.pallet, event.name) for event in inclusion.events]
    assert await chain.free_balance(target) == UNIT


async def test_finalized_extrinsic(chain: ParentchainClient) -> None:
    extrinsic = await chain.sign(transfer(chain, BOB.public, UNIT), ALICE)
    inclusion = await chain.submit_and_watch(extrinsic, until="finalized")
    header = await chain.header(inclusion.block_hash)
    assert (await chain.header(await chain.finalized_head())).number >= header.number


async def test_failed_dispatch_is_named(chain: ParentchainClient) -> None:
    call = chain.call("EnclaveBridge", "publish_hash", {"hash": bytes(32), "extra_topics": [], "data": b""})
    with pytest.raises(ExtrinsicFailed) as failed:
        await chain.submit_and_watch(await chain.sign(call, ALICE))
    assert failed.value.reason.startswith("Teerex.EnclaveIsNotRegistered")


async def test_refused_extrinsic(chain: ParentchainClient) -> None:
    nobody = Sr25519Pair.from_uri("//WithoutFunds")
    with pytest.raises(RpcError) as refused:
        await chain.submit(await chain.sign(transfer(chain, BOB.public, 1), nobody))
    assert refused.value.rpc_code == 1010


async def test_extrinsic_that_falls_out_of_the_pool(chain: ParentchainClient) -> None:
    early = await chain.next_nonce(BOB.public) + 5
    extrinsic = await chain.sign(transfer(chain, ALICE.public, UNIT), BOB, early)
    waiting = asyncio.create_task(chain.submit_and_watch(extrinsic))

    async def is_in_the_pool() -> bool:
        return bool(chain.rpc._subscriptions)  # confirmed, that is

    await soon(is_in_the_pool, "the subscription")
    assert await chain.rpc.request("author_removeExtrinsic", [[{"extrinsic": "0x" + extrinsic.hex()}]])
    with pytest.raises(ExtrinsicFailed) as failed:
        await waiting
    assert failed.value.status in ("invalid", "dropped")


async def test_storage_keys_and_proofs(chain: ParentchainClient) -> None:
    metadata = chain.runtime.metadata
    key = metadata.storage_key("System", "Account", ALICE.public)
    head = await chain.finalized_head()
    assert key in await chain.keys(metadata.storage_prefix("System", "Account"))
    assert await chain.raw_storage(key, head) is not None
    assert await chain.raw_storage(b"\x00" * 32) is None
    assert await chain.read_proof([key], head)


async def test_fee_of_a_call(chain: ParentchainClient) -> None:
    assert 0 < await chain.fee(transfer(chain, BOB.public, UNIT), ALICE.public) < UNIT


async def test_stream_of_events(chain: ParentchainClient) -> None:
    async with chain.event_stream() as batches:
        first, second = await anext(batches), await anext(batches)
    assert second.number == first.number + 1
    assert "System.ExtrinsicSuccess" in map(str, second.events)
    assert [str(e) for e in await chain.events(second.block_hash)] == [str(e) for e in second.events]


async def test_stream_of_finalized_heads(chain: ParentchainClient) -> None:
    async with chain.finalized_heads() as heads:
        numbers = [int((await anext(heads))["result"]["number"], 16) for _ in range(3)]
    assert numbers == sorted(set(numbers))


async def test_runtime_can_be_read_again(chain: ParentchainClient) -> None:
    before = chain.runtime
    assert (await chain.refresh_runtime()).raw_metadata == before.raw_metadata


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (Variant("BadOrigin"), "BadOrigin"),
        (Variant("Token", Variant("Frozen")), "Token.Frozen"),
    ],
)
async def test_dispatch_errors_in_words(chain: ParentchainClient, error: Variant, text: str) -> None:
    assert chain.describe(error) == text


async def test_no_node() -> None:
    with pytest.raises(ConnectionFailed):
        await ParentchainClient.connect("ws://127.0.0.1:1", attempts=2)


async def test_events_beside_one_that_nobody_can_explain(
    chain: ParentchainClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = EventRecord(Variant("ApplyExtrinsic", 1), "System", "NewAccount", {"account": BOB.public})
    record = chain.runtime.metadata.encode_events([known])[1:]
    strange = bytes.fromhex("00 01000000 fe 07 1234 00")

    async def stored(key: bytes, at: bytes | None = None) -> bytes:
        return b"\x0c" + record + strange + record

    monkeypatch.setattr(chain, "raw_storage", stored)
    assert await chain.events(chain.genesis_hash) == [known, known]


async def test_runtimes_of_blocks(chain: ParentchainClient) -> None:
    assert await chain.spec_version_at(chain.genesis_hash) == chain.runtime.spec_version
    assert (await chain.runtime_at(chain.genesis_hash)).raw_metadata == chain.runtime.raw_metadata
    assert await chain.runtime_call("GrandpaApi_current_set_id", at=chain.genesis_hash) == bytes(8)
    async with chain.runtime_versions() as versions:
        assert (await anext(versions))["result"]["specVersion"] == chain.runtime.spec_version


@pytest.mark.parametrize("ask", [ParentchainClient.block, ParentchainClient.header])
async def test_an_unknown_block_is_no_answer(chain: ParentchainClient, ask: Any) -> None:
    with pytest.raises(MalformedAnswer, match="null"):
        await ask(chain, bytes(32))


async def test_nodes_need_a_certificate_that_somebody_vouches_for() -> None:
    """URLs of nodes may hold secrets. Here a worker answers, whose certificate nobody signed."""
    async with LedgerEnclave().serving() as url:
        async with await RpcConnection.open(url) as trusting:
            assert await trusting.request("system_version", [])
        with pytest.raises(ConnectionFailed, match="CERTIFICATE_VERIFY_FAILED"):
            await ParentchainClient.connect(url, attempts=1)


class Nonsense:
    """Answers everything with the same."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def request(self, method: str, params: list[Any], timeout: float | None = None) -> Any:
        return self.answer


ASKED: Final[dict[str, Callable[[ParentchainClient], Awaitable[Any]]]] = {
    "header": lambda chain: chain.header(),
    "finalized head": lambda chain: chain.finalized_head(),
    "block": lambda chain: chain.block(bytes(32)),
    "proof": lambda chain: chain.read_proof([b""], bytes(32)),
    "version": lambda chain: chain.spec_version_at(bytes(32)),
    "runtime": lambda chain: chain.refresh_runtime(),
    "nonce": lambda chain: chain.next_nonce(bytes(32)),
}


@pytest.mark.parametrize("answer", [None, [], {}, "xyz", [1], {"block": None}], ids=str)
@pytest.mark.parametrize("what", ASKED)
async def test_nonsense_is_called_so(what: str, answer: Any) -> None:
    client = ParentchainClient(cast(RpcConnection, Nonsense(answer)), bytes(32), cast(Runtime, None))
    with pytest.raises(MalformedAnswer):
        await ASKED[what](client)


@pytest.mark.parametrize(
    "properties, decimals",
    [({}, 12), ({"tokenDecimals": 10}, 10), ({"tokenDecimals": [18, 6]}, 18), ({"tokenDecimals": None}, 12)],
    ids=str,
)
async def test_decimals(properties: dict[str, Any], decimals: int) -> None:
    client = ParentchainClient(cast(RpcConnection, Nonsense(properties)), bytes(32), cast(Runtime, None))
    assert await client.token_decimals() == decimals
