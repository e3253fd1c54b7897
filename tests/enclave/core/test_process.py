"""The enclave's process and its host: one process, one ledger."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from integritee.boundary.endpoint import Endpoint, RemoteFailure
from integritee.boundary.interface import Ecalls, Ocalls
from integritee.boundary.messages import InitParams, LedgerChoice, Nothing
from integritee.client.answers import read_value
from integritee.client.errors import ConnectionFailed
from integritee.client.worker import WorkerClient
from integritee.enclave.main import EnclaveProcess
from integritee.scale import codec


@asynccontextmanager
async def host() -> AsyncIterator[Endpoint]:
    """The host's end of a fresh enclave."""
    ours, theirs = socket.socketpair()
    serving = asyncio.create_task(EnclaveProcess().serve(theirs.detach()))
    endpoint = Endpoint(*await asyncio.open_connection(sock=ours), Ocalls, {})
    listening = asyncio.create_task(endpoint.run())
    try:
        yield endpoint
    finally:
        await endpoint.call(Ecalls.shutdown, Nothing())
        await serving
        listening.cancel()


def params(data_dir: Path, apps: Sequence[str]) -> InitParams:
    return InitParams(
        data_dir=str(data_dir),
        shard=None,
        trusted_host="127.0.0.1",
        trusted_port=0,
        trusted_url="",
        untrusted_url="",
        mu_ra_url="",
        slot_ms=1000,
        apps=list(apps),
        development=False,
        seal_to_signer=False,
        skip_ra=False,
        clean_reset=False,
        check_invariants=False,
    )


async def test_the_port_that_was_free_is_advertised(tmp_path: Path) -> None:
    config = replace(params(tmp_path, []), mu_ra_url="peers.example:0", mu_ra_port=0)
    async with host() as enclave:
        started = await enclave.call(Ecalls.init, config)
        async with await WorkerClient.connect(f"wss://127.0.0.1:{started.trusted_port}") as client:
            told = read_value("author_getMuRaUrl", await client.rpc.exchange("author_getMuRaUrl", []))
    assert codec(str).decode(told) == f"peers.example:{started.mu_ra_port}"
    assert started.mu_ra_port


async def test_as_many_clients_as_the_host_says(tmp_path: Path) -> None:
    async with host() as enclave:
        started = await enclave.call(Ecalls.init, replace(params(tmp_path, []), max_connections=1))
        url = f"wss://127.0.0.1:{started.trusted_port}"
        async with await WorkerClient.connect(url):
            with pytest.raises(ConnectionFailed, match=r"HTTP 503: rpc\.too_many_clients: 1 clients"):
                await WorkerClient.connect(url)


async def code_of(asked: Awaitable[object]) -> str:
    with pytest.raises(RemoteFailure) as refused:
        await asked
    return refused.value.code


async def test_what_is_tried_out_can_be_started(tmp_path: Path) -> None:
    async with host() as enclave:
        tried = await enclave.call(Ecalls.measure, LedgerChoice(["evm"], False))
        started = await enclave.call(Ecalls.init, params(tmp_path, ["evm"]))
        assert started.fingerprint == tried.fingerprint
        assert await enclave.call(Ecalls.measure, LedgerChoice(["evm"], False)) == tried


async def test_no_other_code_is_loaded_beside_a_ledger_that_is_at_work(tmp_path: Path) -> None:
    """Trying an app out runs its code; in this process that could read every secret, unmeasured."""
    async with host() as enclave:
        await enclave.call(Ecalls.init, params(tmp_path, []))
        asked = enclave.call(Ecalls.measure, LedgerChoice(["evm"], False))
        assert await code_of(asked) == "enclave.other_ledger_loaded"


async def test_no_ledger_starts_where_other_code_was_loaded(tmp_path: Path) -> None:
    async with host() as enclave:
        await enclave.call(Ecalls.measure, LedgerChoice(["evm"], False))
        assert await code_of(enclave.call(Ecalls.init, params(tmp_path, []))) == "enclave.other_ledger_loaded"
        assert await code_of(enclave.call(Ecalls.init, params(tmp_path, ["unheard_of"]))) == (
            "enclave.other_ledger_loaded"
        )


async def test_nor_where_loading_other_code_failed(tmp_path: Path) -> None:
    """An app may break only after it has done something."""
    async with host() as enclave:
        assert await code_of(enclave.call(Ecalls.init, params(tmp_path, ["unheard_of"]))) != (
            "enclave.other_ledger_loaded"
        )
        assert await code_of(enclave.call(Ecalls.init, params(tmp_path, []))) == "enclave.other_ledger_loaded"
