"""`integritee devnet --app FOLDER --reload`: code changes, state stays. With real processes."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import base58
import pytest

from integritee.apps.catalog import client_ledger
from integritee.client.parentchain import ParentchainClient
from integritee.client.worker import WorkerClient
from integritee.crypto import Sr25519Pair, ss58_decode
from integritee.devnet import reload
from integritee.devnet.config import TEER, NetworkConfig
from integritee.devnet.devnet import run_devnet
from integritee.devnet.ledgers import Ledgers
from integritee.devnet.new_app import index_of, new_app
from integritee.devnet.watch import Watch, measured_places
from integritee.metadata import RuntimeMetadata

from ..system.processes import Service, children_of, eventually, soon

ALICE, BOB, CHARLIE = (Sr25519Pair.from_uri(name) for name in ("//Alice", "//Bob", "//Charlie"))
MODULE = "integritee.devnet.main"
SLOT_MS = 60

Start = Callable[..., Service]
_numbers = count()


class Project:
    """An app of which tests edit the code."""

    def __init__(self, directory: Path) -> None:
        self.name = f"reloaded{next(_numbers)}"  # a process imports a package once
        self.folder = new_app(self.name, directory)
        self.pallet = self.folder / "src" / self.name / "pallet.py"
        self.app = self.folder / "src" / self.name / "app.py"

    def edit(self, old: str, new: str, file: Path | None = None) -> None:
        path = file or self.pallet
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    async def client(self, facts: dict[str, Any]) -> WorkerClient:
        return await WorkerClient.connect(facts["worker_url"], ledger=client_ledger((str(self.folder),)))

    async def greet(self, worker: WorkerClient) -> int:
        """//Alice greets //Bob; how often he was greeted."""
        await worker.call(f"{self.name}.greet", ALICE.public, BOB.public, signer=ALICE)
        return await self.greetings(worker)

    async def greetings(self, worker: WorkerClient) -> int:
        received: int = await worker.get(f"{self.name}.greetings", BOB.public, signer=BOB)
        return received


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    services: list[Service] = []

    def start(*options: str) -> Service:
        arguments = ["devnet", "--auto-ports", "--json", "--slot-ms", str(SLOT_MS), "--reload", *options]
        services.append(Service(MODULE, arguments, tmp_path / f"devnet{len(services)}", "devnet").spawn())
        return services[-1]

    yield start
    for service in services:
        service.destroy()


def said(service: Service, nth: int = 1) -> dict[str, Any]:
    """The n-th line of JSON."""

    def lines() -> list[str]:
        return [line for line in service.output().split("\n")[:-1] if line.startswith("{")]

    eventually(lambda: len(lines()) >= nth or not service.is_running, f"line {nth} of JSON")
    facts: dict[str, Any] = json.loads(lines()[nth - 1])
    return facts


async def registered(chain: ParentchainClient, facts: dict[str, Any]) -> str:
    """The fingerprint that the chain has on record for the enclave."""
    account = ss58_decode(facts["enclave_account"])[0]
    record = await chain.storage("Teerex", "SovereignEnclaves", account)
    return base58.b58encode(record.value["mr_enclave"]).decode()


HAND_OVER = frozenset({"EnclaveBridge.ShardConfigUpdated", "Teerex.AddedSgxEnclave"})


async def next_events(chain: ParentchainClient, *wanted: str) -> None:
    """Wait until all of these have happened from here on.

    Confirmations of the code before may still be under way when the shard is given to other code, and while that is
    put on record: those fail.
    """
    missing = set(wanted)
    async with asyncio.timeout(30), chain.event_stream() as batches:
        async for batch in batches:
            names = {str(event) for event in batch.events}
            assert "System.ExtrinsicFailed" not in names or names & HAND_OVER
            missing -= names
            if not missing:
                return


async def test_changed_code_takes_over_and_the_state_stays(start: Start, project: Project) -> None:
    devnet = start("--app", str(project.folder))
    before = said(devnet)
    async with await project.client(before) as worker:
        assert await project.greet(worker) == 1
        held = (await worker.account_info(ALICE)).data.free
        block = (await worker.latest_header()).block_number

    project.edit("self.greetings.get(whom) + 1", "self.greetings.get(whom) + self.step")
    project.edit("from integritee.frame.declare import", "from integritee.frame.declare import Constant, constant,")
    project.edit("    class Event(", "    step: Constant[u32] = constant(10)\n\n    class Event(")
    after = said(devnet, 2)

    # Another enclave to everybody, on the same shard, with the same accounts.
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"mrenclave", "pids"}
    assert after["pids"]["node"] == before["pids"]["node"]
    async with await ParentchainClient.connect(after["node_url"]) as chain, await project.client(after) as worker:
        # What it holds and knows is what was there, what it does is new.
        assert (await worker.account_info(ALICE)).data.free == held
        assert await project.greetings(worker) == 1
        assert await project.greet(worker) == 11
        metadata = RuntimeMetadata.parse(await worker.metadata())
        assert metadata.constant(project.name.capitalize(), "Step") == 10
        assert (await worker.latest_header()).block_number > block
        # The parentchain knows it, takes its confirmations, and the vault pays at its word.
        await soon(lambda: _is(registered(chain, after), after["mrenclave"]), "a registration")
        await next_events(chain, "EnclaveBridge.ProcessedParentchainBlock", "Sidechain.FinalizedSidechainBlock")
        await Ledgers(chain, worker, ss58_decode(after["vault"])[0]).unshield(ALICE, CHARLIE.public, TEER)
    assert devnet.interrupt(signal.SIGINT) == 0


async def _is(found: Any, expected: object) -> bool:
    return bool(await found == expected)


async def test_code_that_would_not_run_leaves_the_old_one_running(start: Start, project: Project) -> None:
    devnet = start("--app", str(project.folder), "--shield", "//Alice=1")
    facts = said(devnet)
    processes = children_of(devnet.pid)
    async with await project.client(facts) as worker:
        for old, new, file, code in (
            ("def greet", "def (", project.pallet, "app.not_importable"),
            (f"= {index_of(project.name)}", "= 50", project.app, "app.index_reserved"),
            ("whom: AccountId", "whom: 'Nothing'", project.app, "app.broken"),
            (f'"{project.name}:', '"no_such_package:', project.folder / "pyproject.toml", "app.not_a_project"),
        ):
            project.edit(old, new, file)
            devnet.wait_for(rf"error: devnet.code_refused: the changed code cannot be taken over: {code}: ")
            project.edit(new, old, file)
        assert devnet.output().count("[reload] the old code goes on") == 4
        assert await project.greet(worker) == 1
    assert children_of(devnet.pid) == processes
    # And the next edit that is fine is taken over.
    project.edit("+ 1", "+ 5")
    async with await project.client(said(devnet, 2)) as worker:
        assert await project.greet(worker) == 6
    assert devnet.interrupt() == 0


async def test_a_kept_ledger_goes_on_with_code_that_changed_meanwhile(
    start: Start, project: Project, tmp_path: Path
) -> None:
    options = ("--app", str(project.folder), "--data-dir", str(tmp_path / "data"))
    first = start(*options)
    before = said(first)
    async with await project.client(before) as worker:
        assert await project.greet(worker) == 1
    assert first.interrupt() == 0
    project.edit("+ 1", "+ 7")
    after = said(start(*options))
    assert after["mrenclave"] != before["mrenclave"]
    assert (after["shard"], after["vault"]) == (before["shard"], before["vault"])
    async with await ParentchainClient.connect(after["node_url"]) as chain, await project.client(after) as worker:
        assert await project.greet(worker) == 8
        await soon(lambda: _is(registered(chain, after), after["mrenclave"]), "a registration")
        await next_events(chain, "EnclaveBridge.ProcessedParentchainBlock")


async def test_code_that_breaks_at_work_waits_for_better_code(
    project: Project, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its declarations are fine, but no block comes of it."""
    monkeypatch.setattr(reload, "READY_TIMEOUT", 4.0)
    config = NetworkConfig(auto_ports=True, slot_ms=SLOT_MS, apps=(str(project.folder),), reload=True)
    devnet = asyncio.create_task(run_devnet(config, (), True))
    lines, errors = "", ""

    async def until(is_said: Callable[[], bool], what: str) -> None:
        async def hear() -> bool:
            nonlocal lines, errors
            out, err = capfd.readouterr()
            lines, errors = lines + out, errors + err
            return is_said()

        await soon(hear, what)

    try:
        await until(lambda: lines.count("\n") == 1, "readiness")
        project.edit(
            "    def greet(", "    def on_initialize(self, number: int) -> None:\n        1 / 0\n\n    def greet("
        )
        await until(lambda: "[reload] waiting for better code" in errors, "a complaint")
        assert "devnet.process_silent" in errors
        monkeypatch.undo()
        project.edit("1 / 0", "pass")
        await until(lambda: lines.count("\n") == 2, "readiness of better code")
    finally:
        devnet.cancel()
        await asyncio.gather(devnet, return_exceptions=True)


# -- watching


async def test_a_change_counts_once_and_only_where_code_is(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integritee.devnet.watch.LOOK_EVERY", 0.01)
    watch = Watch(measured_places([project.folder]))
    package, before = project.pallet.parent, watch.look()
    assert {Path(path).name for path in before} == {"pyproject.toml", "__init__.py", "app.py", "pallet.py"}
    (project.folder / "tests" / "notes.txt").write_text("beside the code")
    (package / ".pallet.py.swp").write_text("an editor's")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "pallet.pyc").write_text("Python's")
    assert watch.look() == before
    for change in (
        lambda: project.edit("+ 1", "+ 2"),
        lambda: (package / "rules.py").write_text(""),
        lambda: (package / "rules.py").rename(package / "laws.py"),
        lambda: (package / "laws.py").unlink(),
        lambda: project.edit('version = "0.1.0"', 'version = "0.1.1"', project.folder / "pyproject.toml"),
    ):
        change()
        assert watch.look() != before
        await asyncio.wait_for(watch.change(), 30)
        before = watch.look()
