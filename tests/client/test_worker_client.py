"""The worker client against the real trusted RPC over a ledger in memory."""

from __future__ import annotations

import asyncio

import pytest

from integritee.client.errors import (
    ConnectionFailed,
    OperationCancelled,
    RequestRefused,
    RequestTimeout,
    RpcError,
    UnknownName,
)
from integritee.client.worker import NEXT_INDEX, WorkerClient
from integritee.enclave.errors import UnknownShard
from integritee.enclave.pool.errors import StaleNonce
from integritee.metadata import RuntimeMetadata
from integritee.primitives.ids import ParentchainId
from integritee.primitives.rpc import Finalized, InSidechainBlock, Ready, Submitted
from integritee.stf.types import ShardMode

from .ledger_enclave import ALICE, BLOCK, BOB, ISSUED, MRENCLAVE, SHARD, UNIT, VAULT, LedgerEnclave

FEE = UNIT // 100


@pytest.fixture
def enclave() -> LedgerEnclave:
    return LedgerEnclave()


@pytest.fixture(params=["session", "rsa"])
async def client(enclave: LedgerEnclave, request: pytest.FixtureRequest):
    """What a client meets does not depend on how its requests are sealed."""
    async with enclave.serving() as url, await WorkerClient.connect(url, envelope=request.param) as client:
        yield client


# -- queries


async def test_queries(client: WorkerClient) -> None:
    assert await client.fingerprint() == MRENCLAVE
    assert await client.shard() == SHARD
    assert await client.served_shard() == SHARD
    assert await client.shard_vault() == (VAULT, ParentchainId.Integritee)
    assert (await client.latest_header()).block_number == 7
    assert await client.version() == "enclave-runtime: 0.1.0"
    assert await client.untrusted_url() == "ws://localhost:2001"
    assert RuntimeMetadata.parse(await client.metadata()).has_pallet("Balances")


async def test_requests_run_concurrently_over_one_connection(client: WorkerClient) -> None:
    answers = await asyncio.gather(*(client.latest_header() for _ in range(50)), client.version())
    assert {header.block_number for header in answers[:50]} == {7}
    assert answers[50] == "enclave-runtime: 0.1.0"


async def test_unknown_vault_is_refused_with_its_code() -> None:
    enclave = LedgerEnclave(has_vault=False)
    async with enclave.serving() as url, await WorkerClient.connect(url) as client:
        with pytest.raises(RequestRefused) as refused:
            await client.shard_vault()
    assert refused.value.code == "rpc.shard_vault_unknown"


# -- getters


async def test_public_getters(client: WorkerClient, enclave: LedgerEnclave) -> None:
    assert await client.get("some_value") == 42
    assert await client.total_issuance() == ISSUED
    assert (await client.shard_info()).mode is ShardMode.Normal
    assert (await client.parentchains_info()).shielding_target is ParentchainId.Integritee


async def test_trusted_getter(client: WorkerClient) -> None:
    info = await client.account_info(ALICE)
    assert (info.nonce, info.data.free) == (0, 1000 * UNIT)


async def test_delegate_without_right_hears_why(client: WorkerClient) -> None:
    with pytest.raises(RequestRefused) as refused:
        await client.account_info(BOB, ALICE.public)
    assert (refused.value.code, refused.value.data()) == (
        "stf.missing_privileges",
        {"delegate": "0x" + BOB.public.hex()},
    )


async def test_getter_refused(enclave: LedgerEnclave) -> None:
    async with enclave.serving() as url, await WorkerClient.connect(url, shard=b"\x01" * 32) as client:
        with pytest.raises(RequestRefused) as refused:
            await client.total_issuance()
    assert refused.value.code == UnknownShard.code
    assert refused.value.data()["found"] == "0x" + "01" * 32


@pytest.mark.parametrize("signer", [None, ALICE])
async def test_undeclared_getter(client: WorkerClient, signer) -> None:
    with pytest.raises(UnknownName, match="no_such"):
        await client.get("no_such", signer=signer)


# -- calls


async def test_call_until_sidechain_block(client: WorkerClient, enclave: LedgerEnclave) -> None:
    result = await client.call("balance_transfer", ALICE.public, BOB.public, UNIT, signer=ALICE)
    assert result.nonce == 0
    assert [type(update.status) for update in result.updates] == [Ready, InSidechainBlock]
    assert result.block_hash == BLOCK
    assert enclave.free(BOB.public) == UNIT
    assert enclave.free(ALICE.public) == 999 * UNIT - FEE


async def test_call_failing_in_the_ledger_names_the_reason(client: WorkerClient, enclave: LedgerEnclave) -> None:
    with pytest.raises(OperationCancelled) as cancelled:
        await client.call("balance_unshield", ALICE.public, BOB.public, 1000 * UNIT, SHARD, signer=ALICE)
    error = cancelled.value
    assert error.code == "stf.missing_funds"
    assert error.status == "Invalid"
    assert error.data()["status"] == "Invalid"
    assert error.data()["top_hash"] == "0x" + error.top_hash.hex()
    assert enclave.runtime.system.nonce(ALICE.public) == 1


async def test_refused_submission_carries_code_and_facts(client: WorkerClient) -> None:
    await client.call("noop", ALICE.public, signer=ALICE)
    with pytest.raises(RequestRefused) as refused:
        await client.call("noop", ALICE.public, signer=ALICE, nonce=0)
    assert refused.value.code == StaleNonce.code
    assert refused.value.data() == {"found": 0, "expected": 1}


async def test_call_by_a_delegate_is_signed_as_such(client: WorkerClient) -> None:
    signed = await client.sign("noop", ALICE.public, signer=BOB, nonce=3)
    assert (signed.delegate, signed.nonce, signed.signer) == (BOB.public, 3, BOB.public)


async def test_undeclared_call(client: WorkerClient) -> None:
    with pytest.raises(UnknownName):
        await client.call("balance_steal", ALICE.public, signer=ALICE)


async def test_concurrent_calls_of_one_account_take_successive_nonces(
    client: WorkerClient, enclave: LedgerEnclave
) -> None:
    enclave.holds = True

    async def seal_when_all_wait() -> None:
        await enclave.holds_calls(10)
        enclave.seal()

    calls = (client.call("balance_transfer", ALICE.public, BOB.public, UNIT, signer=ALICE) for _ in range(10))
    *results, _ = await asyncio.gather(*calls, seal_when_all_wait())
    assert sorted(result.nonce for result in results) == list(range(10))
    assert enclave.free(BOB.public) == 10 * UNIT


async def test_many_calls_with_given_nonces_lose_no_update(client: WorkerClient, enclave: LedgerEnclave) -> None:
    enclave.holds = True
    await client.shielding_key()

    async def seal_when_all_wait() -> None:
        await enclave.holds_calls(400)
        enclave.held.sort(key=lambda held: held[1].nonce)
        enclave.seal()

    calls = (client.call("noop", ALICE.public, signer=ALICE, nonce=nonce) for nonce in range(400))
    *results, _ = await asyncio.gather(*calls, seal_when_all_wait())
    assert {type(result.status) for result in results} == {InSidechainBlock}


@pytest.mark.parametrize(
    ("wanted", "reached"), [(Submitted, [Submitted]), (Ready, [Ready]), (Finalized, [Ready, InSidechainBlock])]
)
async def test_until_other_statuses(client: WorkerClient, wanted, reached) -> None:
    result = await client.call("noop", ALICE.public, signer=ALICE, until=wanted)
    assert [type(update.status) for update in result.updates] == reached


async def test_watch_ends_after_the_last_status(client: WorkerClient) -> None:
    signed = await client.sign("noop", ALICE.public, signer=ALICE, nonce=0)
    async with client.watch(signed) as watch:
        statuses = [update.status async for update in watch]
        assert [update async for update in watch] == []
    assert statuses == [Ready(), InSidechainBlock(BLOCK)]


async def test_submit_without_watching(client: WorkerClient, enclave: LedgerEnclave) -> None:
    enclave.holds = True
    signed = await client.sign("noop", ALICE.public, signer=ALICE, nonce=0)
    assert await client.submit(signed) == enclave.held[0][0]


async def test_wait_is_bounded(client: WorkerClient, enclave: LedgerEnclave) -> None:
    enclave.holds = True
    with pytest.raises(RequestTimeout, match="InSidechainBlock"):
        await client.call("noop", ALICE.public, signer=ALICE, timeout=0.01)


async def test_worker_that_goes_away_ends_the_wait(enclave: LedgerEnclave) -> None:
    enclave.holds = True
    async with enclave.serving() as url:
        client = await WorkerClient.connect(url)
        call = asyncio.create_task(client.call("noop", ALICE.public, signer=ALICE))
        await enclave.holds_calls(1)
    with pytest.raises(ConnectionFailed):
        await call
    with pytest.raises(ConnectionFailed):
        await client.version()
    await client.close()


async def test_nobody_listens() -> None:
    with pytest.raises(ConnectionFailed, match=r"127\.0\.0\.1"):
        await WorkerClient.connect("wss://127.0.0.1:1")


# -- nonces


async def test_next_nonce_counts_pending_calls(client: WorkerClient, enclave: LedgerEnclave) -> None:
    enclave.holds = True
    await client.submit(await client.sign("noop", ALICE.public, signer=ALICE, nonce=0))
    assert await client.next_nonce(ALICE.public, ALICE) == 1


@pytest.mark.parametrize(("rpc_code", "known"), [(-32601, True), (-32603, False)])
async def test_next_nonce_of_workers_without_the_method(
    client: WorkerClient, enclave: LedgerEnclave, monkeypatch: pytest.MonkeyPatch, rpc_code: int, known: bool
) -> None:
    async def refuse(method: str, params: list[object], timeout: float = 0) -> object:
        raise RpcError(NEXT_INDEX, rpc_code, "no")

    monkeypatch.setattr(client.rpc, "request", refuse)
    enclave.runtime.system.increment_nonce(ALICE.public)
    if known:
        assert await client.next_nonce(ALICE.public, ALICE) == 1
    else:
        with pytest.raises(RpcError):
            await client.next_nonce(ALICE.public, ALICE)


# -- the parentchain's way


async def test_invocation_is_the_indirect_form(client: WorkerClient, enclave: LedgerEnclave) -> None:
    signed = await client.sign("noop", ALICE.public, signer=ALICE, nonce=0)
    request = await client.invocation(signed)
    assert request.shard == SHARD
    await enclave.submit(request, None)
    assert enclave.runtime.system.nonce(ALICE.public) == 1
