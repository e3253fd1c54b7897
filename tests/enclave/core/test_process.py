"""The enclave's process and its host: one process, one ledger."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from integritee.boundary.endpoint import Endpoint, RemoteFailure, StreamClosed
from integritee.boundary.interface import Ecalls, Ocalls
from integritee.boundary.messages import InitParams, LedgerChoice, Nothing
from integritee.client.answers import read_value
from integritee.client.errors import ConnectionFailed
from integritee.client.worker import WorkerClient
from integritee.enclave.frontend.process import fork_front_end
from integritee.enclave.main import EnclaveProcess
from integritee.scale import codec


@asynccontextmanager
async def host(link: socket.socket | None = None) -> AsyncIterator[Endpoint]:
    """The host's end of a fresh enclave; its front end is in this process, or at the other end of a link."""
    ours, theirs = socket.socketpair()
    serving = asyncio.create_task(EnclaveProcess(link).serve(theirs.detach()))
    endpoint = Endpoint(*await asyncio.open_connection(sock=ours), Ocalls, {})
    listening = asyncio.create_task(endpoint.run())
    try:
        yield endpoint
    finally:
        with suppress(StreamClosed):
            await endpoint.call(Ecalls.shutdown, Nothing())
        await serving
        listening.cancel()


@pytest.fixture(params=[False, True], ids=["front end here", "front end apart"])
def link(request: pytest.FixtureRequest) -> socket.socket | None:
    """Where the front end of the next enclave is."""
    return fork_front_end() if request.param else None


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


async def test_the_port_that_was_free_is_advertised(tmp_path: Path, link: socket.socket | None) -> None:
    config = replace(params(tmp_path, []), mu_ra_url="peers.example:0", mu_ra_port=0)
    async with host(link) as enclave:
        started = await enclave.call(Ecalls.init, config)
        async with await WorkerClient.connect(f"wss://127.0.0.1:{started.trusted_port}") as client:
            told = read_value("author_getMuRaUrl", await client.rpc.exchange("author_getMuRaUrl", []))
    assert codec(str).decode(told) == f"peers.example:{started.mu_ra_port}"
    assert started.mu_ra_port


async def test_clients_are_counted(tmp_path: Path, link: socket.socket | None) -> None:
    async with host(link) as enclave:
        started = await enclave.call(Ecalls.init, params(tmp_path, []))
        async with await WorkerClient.connect(f"wss://127.0.0.1:{started.trusted_port}") as client:
            await client.rpc.exchange("author_getShard", [])
            status = await enclave.call(Ecalls.status, Nothing())
            assert (status.connections, status.trusted_calls) == (1, 0)
            assert status.rpc_requests >= 1


async def test_a_port_that_another_has(tmp_path: Path, link: socket.socket | None) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        async with host(link) as enclave:
            config = replace(params(tmp_path, []), trusted_port=other.getsockname()[1])
            assert await code_of(enclave.call(Ecalls.init, config)) == "rpc.listen_failed"


async def test_the_enclave_ends_with_its_front_end(tmp_path: Path) -> None:
    """It could serve nobody; the host starts it again, and it has lost nothing."""
    async with host(link := fork_front_end()) as enclave:
        await enclave.call(Ecalls.init, params(tmp_path, []))
        link.shutdown(socket.SHUT_RDWR)
        with pytest.raises(StreamClosed):
            while await enclave.call(Ecalls.status, Nothing()):
                pass


async def test_as_many_clients_as_the_host_says(tmp_path: Path, link: socket.socket | None) -> None:
    async with host(link) as enclave:
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
