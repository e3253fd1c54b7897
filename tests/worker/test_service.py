"""The worker around an enclave: its doors, its blocks, its enclave's lives."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from msgspec.structs import replace

from integritee.boundary.advertised import with_port
from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.interface import Ecalls, Ocalls
from integritee.boundary.messages import (
    FetchBlocks,
    InitParams,
    PhaseChanged,
    Provisioning,
    ProvisioningProgress,
    SidechainBlocks,
    SlotReport,
    StoreBlocks,
)
from integritee.client.jsonrpc import RpcConnection
from integritee.errors import IntegriteeError
from integritee.primitives.ids import ParentchainId
from integritee.worker import service
from integritee.worker.config import parse
from integritee.worker.errors import FAILURE, PortUnavailable
from integritee.worker.http import serve
from integritee.worker.peers.block_json import block_to_json
from integritee.worker.peers.registry import Validateer
from integritee.worker.peers.untrusted_rpc import FETCH_BLOCKS
from integritee.worker.service import Worker
from integritee.worker.session import Session

from .peers.chains import SHARD, chain_of
from .small_enclave import Enclave
from .statuses import IDENTITY, chain_status, enclave_status

MAIN = chain_of(6)
RUNNING = enclave_status(chain_status())
BESIDE_OTHERS = enclave_status(chain_status(), authorities=2)
AWAITING = enclave_status(chain_status(), phase="awaiting_state")
REPORT = SlotReport(7, 1, 0, 1, 100, 200, 100)
ALONE = [Validateer(IDENTITY.account, "wss://own", 9)]


def phase(name: str) -> PhaseChanged:
    return PhaseChanged(ParentchainId.Integritee, name, "", 0)


class StoreInUse(IntegriteeError):
    """As the enclave's, which the host does not know."""

    code = "store.locked"

    def __init__(self) -> None:
        super().__init__("the directory is in use")


class Host:
    """A worker under test with the enclaves it launches, one after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, directory: Path, *enclaves: Enclave) -> None:
        self._patch, self._directory, self._enclaves = monkeypatch, directory, list(enclaves)
        self.validateers: list[Validateer] | None = None

    async def run(self, options: str, play: Callable[[Worker], Awaitable[None]]) -> int:
        """The exit code. The worker is stopped after `play`, unless it has ended."""

        async def look_up(_: Session) -> list[Validateer] | None:
            return self.validateers

        self._patch.setattr(Session, "_look_up", look_up)
        self._patch.setattr(service, "launch", self._launch)
        line = f"-p 1 -P 0 -w 0 -r 0 -h 0 -d {self._directory} {options}"
        worker = Worker(parse(line.split()), await self._launch())
        running = asyncio.create_task(worker.run())
        playing = asyncio.ensure_future(play(worker))
        await asyncio.wait((running, playing), return_when=asyncio.FIRST_COMPLETED)
        if playing.done():
            playing.result()
            worker.stop()
        try:
            return await running
        finally:
            playing.cancel()

    async def _launch(self) -> Any:
        return await self._enclaves.pop(0).launch()


async def until_ended(_: Worker) -> None:
    await asyncio.Event().wait()


async def eventually(found: Callable[[], Awaitable[Any]], expected: Any) -> None:
    """Ask until the answer is the expected one."""
    while await found() != expected:  # noqa: ASYNC110  # what is waited for crosses a socket
        await asyncio.sleep(0.01)


async def line(capsys: pytest.CaptureFixture[str], pattern: str, seen: list[str]) -> re.Match[str]:
    """The first line of stdout that matches; `seen` collects all."""
    while True:
        seen += capsys.readouterr().out.splitlines()
        if found := next((match for text in seen if (match := re.search(pattern, text))), None):
            return found
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("end", ["stop", "die"])
async def test_ends(end: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    enclave = Enclave(RUNNING)

    async def play(worker: Worker) -> None:
        await enclave.asked(Ecalls.status)
        if end == "die":
            enclave.process.end(3)
            await asyncio.Event().wait()

    assert await Host(monkeypatch, tmp_path, enclave).run("run", play) == (0 if end == "stop" else FAILURE)
    assert enclave.process.returncode is not None


async def test_a_port_in_use_ends_the_enclave_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    runner, port = await serve(web.Application(), "127.0.0.1", 0)
    enclave = Enclave(RUNNING)
    with pytest.raises(PortUnavailable):
        await Host(monkeypatch, tmp_path, enclave).run(f"-w {port} run", until_ended)
    assert enclave.process.returncode is not None
    await runner.cleanup()


async def test_a_directory_that_another_worker_uses_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its enclave would have it, so this one's refuses to begin."""
    enclave = Enclave(RUNNING)
    enclave.refusal = StoreInUse()
    with pytest.raises(RemoteFailure, match="in use"):
        await Host(monkeypatch, tmp_path, enclave).run("-c run", until_ended)
    assert enclave.process.returncode is not None
    assert os.listdir(tmp_path) == []  # noqa: PTH208  # not worth a thread


@pytest.mark.parametrize("phase_name", ["unfunded", "registering", "awaiting_state"])
async def test_a_provisioned_enclave_is_started_again(
    phase_name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On what it got, and where the first one was; nothing of the host's own is lost. A successor needs neither money
    nor a registration before."""
    new = replace(AWAITING, phase=phase_name, sidechain_number=0)
    first = Enclave(new, replace(IDENTITY, trusted_port=4711, mu_ra_port=4712))
    second = Enclave(RUNNING, replace(IDENTITY, trusted_port=4711, mu_ra_port=4712))
    params: list[InitParams] = []

    async def play(worker: Worker) -> None:
        params.append(await first.params())
        assert await first.asked(Ecalls.provision) == Provisioning("old", 1, succeed=True)
        params.append(await second.params())
        await second.asked(Ecalls.status)

    host = Host(monkeypatch, tmp_path, first, second)
    assert await host.run("-c run --dev --takeover-from old:1", play) == 0
    again = replace(params[0], clean_reset=False, trusted_port=4711, mu_ra_port=4712)
    assert (params[0].clean_reset, params[0].trusted_port, params[0].mu_ra_port) == (True, 0, 0)
    assert params[1] == again
    assert (first.process.returncode, second.process.returncode) == (0, 0)
    ports = re.findall(r"Untrusted RPC listening on ws://127.0.0.1:(\d+)", capsys.readouterr().out)
    assert ports == [params[0].untrusted_url.rpartition(":")[2]] * 2


async def test_progress_of_provisioning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    enclave, seen = Enclave(RUNNING), list[str]()

    async def play(worker: Worker) -> None:
        await enclave.asked(Ecalls.status)
        enclave.say(Ocalls.provisioning_progress, ProvisioningProgress(0, 5_000_000))
        enclave.say(Ocalls.provisioning_progress, ProvisioningProgress(5_000_000, 5_000_000))
        await line(capsys, r"\[state\] 5\.0 of 5\.0 MB \(100\.0%\)", seen)

    await Host(monkeypatch, tmp_path, enclave).run("run", play)


async def test_request_state_ends_when_it_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    enclave = Enclave(enclave_status(chain_status(), phase="registering"))

    async def play(worker: Worker) -> None:
        params = await enclave.params()
        assert params.mu_ra_port is None
        await enclave.asked(Ecalls.status)
        enclave.status = RUNNING
        enclave.say(Ocalls.phase_changed, phase("running"))
        await asyncio.Event().wait()

    assert await Host(monkeypatch, tmp_path, enclave).run("request-state", play) == 0


async def test_request_state_without_anybody_to_ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    enclave = Enclave(enclave_status(chain_status(), phase="registering"))
    host = Host(monkeypatch, tmp_path, enclave)
    host.validateers = ALONE

    async def play(worker: Worker) -> None:
        while True:
            await enclave.asked(Ecalls.status)
            enclave.say(Ocalls.phase_changed, phase("registering"))

    assert await host.run("request-state", play) == FAILURE


async def test_who_joins_is_looked_up_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Until it is known, a new validateer is told of no blocks, and its own are in vain."""
    monkeypatch.setattr("integritee.worker.peers.network.REFRESH_PAUSE", 1e6)
    enclave = Enclave(RUNNING)
    host = Host(monkeypatch, tmp_path, enclave)
    host.validateers = ALONE

    async def play(worker: Worker) -> None:
        await enclave.asked(Ecalls.status)
        host.validateers = [*ALONE, Validateer(bytes(32), "wss://127.0.0.1:1", 9)]
        enclave.status = BESIDE_OTHERS
        enclave.say(Ocalls.phase_changed, phase("running"))

        async def peers() -> int:
            return len((await worker._readiness()).view["peers"])

        await eventually(peers, 1)

    assert await host.run("run", play) == 0


async def test_blocks_are_stored_and_served(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fork = chain_of(2, "fork", behind=MAIN[2])
    enclave, seen = Enclave(RUNNING), list[str]()

    async def play(worker: Worker) -> None:
        port = (await line(capsys, r"Untrusted RPC listening on ws://127.0.0.1:(\d+)", seen))[1]
        params = [["0x" + "00" * 32, None, "0x" + SHARD.hex()]]
        enclave.say(Ocalls.store_blocks, StoreBlocks(MAIN))
        enclave.say(Ocalls.store_blocks, StoreBlocks(fork, after=3))
        async with await RpcConnection.open(f"ws://127.0.0.1:{port}") as peer:
            await eventually(lambda: peer.request(FETCH_BLOCKS, params), [*map(block_to_json, MAIN[:3] + fork)])

    assert await Host(monkeypatch, tmp_path, enclave).run("run", play) == 0


async def test_a_wish_for_blocks_before_the_enclave_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    enclave = Enclave(RUNNING)
    enclave.first_words = [(Ocalls.fetch_blocks, FetchBlocks([bytes(32)])), (Ocalls.slot_report, REPORT)]
    host = Host(monkeypatch, tmp_path, enclave)
    host.validateers = ALONE

    async def play(worker: Worker) -> None:
        assert await enclave.asked(Ecalls.import_sidechain_blocks) == SidechainBlocks(
            [], is_complete=True, nobody_answered=True
        )

    assert await host.run("run", play) == 0


async def test_health_of_one_that_follows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Blocks of others are as good as own ones, but for `/is_initialized`, and READY comes with the first own one."""
    enclave, seen = Enclave(BESIDE_OTHERS), list[str]()

    async def play(worker: Worker) -> None:
        port = (await line(capsys, r"/is_initialized on port (\d+)", seen))[1]
        url = f"http://127.0.0.1:{port}"
        await line(capsys, r"following the shard, at block 500", seen)
        async with ClientSession() as http:

            async def block_reasons() -> list[str]:
                found = await (await http.get(f"{url}/readyz")).json()
                return [reason for reason in found["reasons"] if "block" in reason]

            assert await block_reasons() == ["no block produced or imported yet"]
            enclave.say(Ocalls.store_blocks, StoreBlocks(MAIN))
            await eventually(block_reasons, [])
            assert (await http.get(f"{url}/is_initialized")).status == 404
            assert "READY" not in seen
            for _ in range(2):
                enclave.say(Ocalls.slot_report, REPORT)
            await line(capsys, "^READY$", seen)
            assert (await http.get(f"{url}/is_initialized")).status == 200
            assert (await http.get(f"{url}/healthz")).status == 200

    assert await Host(monkeypatch, tmp_path, enclave).run("run", play) == 0
    seen += capsys.readouterr().out.splitlines()
    assert seen.count("READY") == 1


@pytest.mark.parametrize(
    "phase_name, text",
    [("superseded", "entitles other code"), ("halted:store.seal_broken", r"\(store\.seal_broken\)")],
)
async def test_a_standstill_is_said_once(
    phase_name: str, text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    enclave, seen = Enclave(enclave_status(chain_status(), phase=phase_name)), list[str]()

    async def play(worker: Worker) -> None:
        for _ in range(3):
            await enclave.asked(Ecalls.status)
            enclave.say(Ocalls.phase_changed, phase("running"))
        await line(capsys, text, seen)

    assert await Host(monkeypatch, tmp_path, enclave).run("run", play) == 0
    seen += capsys.readouterr().out.splitlines()
    assert len([found for found in seen if re.search(text, found)]) == 1


async def test_metrics(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    enclave, seen = Enclave(BESIDE_OTHERS), list[str]()

    async def play(worker: Worker) -> None:
        port = (await line(capsys, r"/metrics on port (\d+)", seen))[1]
        await enclave.asked(Ecalls.status)
        async with ClientSession() as http:
            text = await (await http.get(f"http://127.0.0.1:{port}/metrics")).text()
        assert "integritee_worker_enclave_sidechain_peer_count 2.0" in text

    assert await Host(monkeypatch, tmp_path, enclave).run("--enable-metrics -i 0 run", play) == 0


@pytest.mark.parametrize(
    "url, port, advertised",
    [
        ("ws://h:0", 7, "ws://h:7"),
        ("ws://h:80", 7, "ws://h:80"),
        ("ws://h", 7, "ws://h"),
        ("ws://h:10", 7, "ws://h:10"),
    ],
)
def test_the_port_that_was_found_is_advertised(url: str, port: int, advertised: str) -> None:
    assert with_port(url, port) == advertised
