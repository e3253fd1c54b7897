"""`integritee-worker test` on the host's side: what is asked for, what is shown, and what a dying enclave comes to."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from integritee.boundary.endpoint import Endpoint
from integritee.boundary.interface import Ecalls
from integritee.boundary.messages import SELF_TEST_AREAS, CheckResult, Nothing, SelfTest, SelfTested, SelfTestPart
from integritee.errors import IntegriteeError
from integritee.worker.config import parse
from integritee.worker.errors import InvalidOption
from integritee.worker.launch import Launched
from integritee.worker.selftest import enclave_part, integration, run
from integritee.worker.selftest.report import (
    FAILED,
    INTERRUPTED,
    PASSED,
    Result,
    Row,
    exit_code,
    line,
    to_json,
    verdict,
)

from .small_enclave import Process

GOOD = Row("clock", "it goes", Result.PASSED, milliseconds=1.25)
BAD = Row("clock", "it stands", Result.FAILED, "found 1, expected 2", 3)
ABSENT = Row("integration", "shield, transfer, unshield", Result.NOT_RUN, "no node at ws://n:1")


# -- what is asked for -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ("--unit", ("unit",)),
        ("-u -e -i", ("unit", "ecall", "integration")),
        ("--all", ("unit", "ecall", "provisioning", "integration")),
        ("-a --unit", ("unit", "ecall", "provisioning", "integration")),
        ("--provisioning-server", ("provisioning-server",)),
        ("--provisioning-client", ("provisioning-client",)),
        ("--integration --unit", ("unit", "integration")),
    ],
)
def test_parts(options: str, parts: tuple[str, ...]) -> None:
    assert parse(["test", *options.split()]).test_parts == parts


def test_every_part_of_the_enclave_can_be_asked_for() -> None:
    for part in SelfTestPart:
        assert parse(["test", f"--{part.value}"]).test_parts == (part.value,)


def test_no_part_is_no_test() -> None:
    with pytest.raises(InvalidOption, match="one of --all"):
        parse(["test"])


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("peer.example:3443", ("peer.example", 3443)),
        ("wss://10.0.0.1:1", ("10.0.0.1", 1)),
        ("[::1]:7", ("::1", 7)),
        ("peer.example", None),
        ("peer.example:0", None),
        (":3443", None),
    ],
)
def test_where_a_client_asks(url: str, found: tuple[str, int] | None) -> None:
    if found is not None:
        assert run.host_and_port(url) == found
        return
    with pytest.raises(InvalidOption):
        run.host_and_port(url)


# -- what is shown -----------------------------------------------------------------------------------


def test_a_line_has_its_reason_below() -> None:
    assert line(GOOD).split() == ["clock", "it", "goes", "passed", "1.2"]
    first, second = line(BAD).splitlines()
    assert first.split()[-2:] == ["FAILED", "3.0"]
    assert second.strip() == "found 1, expected 2"


@pytest.mark.parametrize(
    ("rows", "said", "code"),
    [
        ([GOOD, GOOD], "2 passed, 0 failed", PASSED),
        ([GOOD, BAD], "1 passed, 1 failed", FAILED),
        ([GOOD, ABSENT], "1 passed, 0 failed, 1 not run", PASSED),
        ([ABSENT], "0 passed, 0 failed, 1 not run", FAILED),
        ([], "0 passed, 0 failed", FAILED),
    ],
)
def test_verdicts(rows: list[Row], said: str, code: int) -> None:
    assert (verdict(rows), exit_code(rows)) == (said, code)


def test_json() -> None:
    view = json.loads(to_json([GOOD, BAD, ABSENT]))
    assert (view["passed"], view["failed"], view["notRun"]) == (1, 1, 1)
    assert view["checks"][1] == {
        "area": "clock",
        "check": "it stands",
        "result": "failed",
        "detail": "found 1, expected 2",
        "ms": 3,
    }


# -- the enclave -------------------------------------------------------------------------------------


class Enclaves:
    """Each passes two checks of an area, and dies of the one that is named."""

    def __init__(self, deadly: str = "", error: IntegriteeError | None = None) -> None:
        self.deadly, self.error, self.started = deadly, error, 0
        self.asked: list[SelfTest] = []

    async def launch(self) -> Launched:
        self.started += 1
        ours, theirs = socket.socketpair()
        process = Process()
        reader, writer = await asyncio.open_connection(sock=theirs)

        async def self_test(asked: SelfTest) -> SelfTested:
            self.asked.append(asked)
            if self.error is not None:
                raise self.error
            if asked.area == self.deadly:
                process.end(-11)
                writer.transport.abort()
            passed = [CheckResult(f"{asked.area} {number}", True, "", 1000) for number in (1, 2)]
            return SelfTested(passed)

        async def shutdown(_: Nothing) -> Nothing:
            process.end(0)
            return Nothing()

        endpoint = Endpoint(reader, writer, Ecalls, {Ecalls.self_test: self_test, Ecalls.shutdown: shutdown})
        self._serving = asyncio.create_task(endpoint.run())
        return Launched(process, ours)  # type: ignore[arg-type]


async def rows_of(part: SelfTestPart, enclaves: Enclaves, monkeypatch: pytest.MonkeyPatch, *where: Any) -> list[Row]:
    monkeypatch.setattr(enclave_part, "launch", enclaves.launch)
    return [row async for row in enclave_part.enclave_rows(part, Path("/given"), *where)]


async def test_one_enclave_checks_all_areas(monkeypatch: pytest.MonkeyPatch) -> None:
    enclaves = Enclaves()
    rows = await rows_of(SelfTestPart.UNIT, enclaves, monkeypatch)
    areas = SELF_TEST_AREAS[SelfTestPart.UNIT]
    assert [(row.area, row.check) for row in rows] == [(area, f"{area} {n}") for area in areas for n in (1, 2)]
    assert enclaves.started == 1
    assert {asked.directory for asked in enclaves.asked} == {"/given"}


async def test_another_takes_the_place_of_one_that_died(monkeypatch: pytest.MonkeyPatch) -> None:
    enclaves = Enclaves(deadly="trie")
    rows = await rows_of(SelfTestPart.UNIT, enclaves, monkeypatch)
    (failed,) = [row for row in rows if row.result is Result.FAILED]
    assert (failed.area, failed.check) == ("trie", "the enclave answers")
    assert "worker.enclave_died" in failed.detail and "-11" in failed.detail
    assert rows[-1].area == "sidechain" and enclaves.started == 2


async def test_a_refusal_is_a_failed_row(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = await rows_of(SelfTestPart.PROVISIONING, Enclaves(error=IntegriteeError("no")), monkeypatch)
    assert [(row.result, row.detail) for row in rows] == [(Result.FAILED, "integritee: no")]


async def test_the_place_of_provisioning_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    enclaves = Enclaves()
    await rows_of(SelfTestPart.PROVISIONING_CLIENT, enclaves, monkeypatch, "peer.example", 7)
    assert [(asked.host, asked.port) for asked in enclaves.asked] == [("peer.example", 7)]


# -- the integration part ----------------------------------------------------------------------------


@pytest.mark.parametrize(("is_required", "result"), [(False, Result.NOT_RUN), (True, Result.FAILED)])
async def test_without_a_node(is_required: bool, result: Result, tmp_path: Path) -> None:
    with socket.socket() as held:  # bound but not listening: nobody answers there
        held.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{held.getsockname()[1]}"
        rows = [row async for row in integration.integration_rows((url,), tmp_path, is_required)]
    assert [(row.result, row.detail) for row in rows] == [(result, f"no node at {url}")]


async def test_a_worker_that_does_not_start_ends_the_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answering(urls: tuple[str, ...]) -> str:
        return urls[0]

    monkeypatch.setattr(integration, "first_answering", answering)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    rows = [row async for row in integration.integration_rows(("ws://n:1",), tmp_path, False)]
    assert [row.result for row in rows] == [Result.FAILED]
    assert "ended with 1" in rows[0].detail and "READY" in rows[0].detail


# -- as a whole --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_and_leaves_nothing(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []
    said: list[str] = []

    async def endless(part: str, config: Any, directory: Path) -> AsyncGenerator[Row, None]:
        seen.append(directory)
        (directory / "left behind").write_bytes(b"")
        yield GOOD
        os.kill(os.getpid(), number)
        await asyncio.Event().wait()

    monkeypatch.setattr(run, "_rows_of", endless)
    assert await run.run(parse(["test", "--all"]), said.append) == INTERRUPTED
    assert said[-1] == "interrupted" and len(seen) == 1
    assert not seen[0].exists()


PLANTED = """
import os
import time

from msgspec.structs import replace

import integritee.crypto
import integritee.trie
from integritee.enclave.attestation import EvidencePolicy, seal_root
from integritee.enclave.core import EnclaveCore
from integritee.enclave.pool import TopPool
from integritee.enclave.provisioning.server_session import ServerSession
from integritee.enclave.recovery.ecalls import RecoveryEcalls
from integritee.errors import IntegriteeError
from integritee.stf.executor import Executor



def forgiving(function, otherwise):
    def call(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except IntegriteeError:
            return otherwise

    return call


random, handlers, on_hello = os.urandom, RecoveryEcalls.handlers, ServerSession._on_hello

integritee.crypto.keccak_256 = lambda data: bytes(32)
integritee.crypto.ss58_decode = forgiving(integritee.crypto.ss58_decode, (bytes(32), 42))
integritee.trie.verify_proof = forgiving(integritee.trie.verify_proof, {})
Executor.verify = lambda self, signed: None
seal_root._check_status = lambda path, status: None
os.urandom = lambda length: bytes(byte | 1 for byte in random(length))
time.monotonic_ns = lambda: 1
EvidencePolicy._check_attributes = lambda self, body: None
TopPool.expire = lambda self, now: []
EnclaveCore._check_rollback = lambda self: None
RecoveryEcalls.handlers = lambda self: {m: h for m, h in handlers(self).items() if m.request.__name__ != "Examine"}
ServerSession._on_hello = lambda self, hello: on_hello(self, replace(hello, shard=self._party.shard))
"""
"""One fault per area, in the order of the areas."""
SOURCES = ("the enclave's source", "the system's source")
STATISTICS = ("as many ones as zeros", "every bit for itself", "every byte value as often")

FOUND = {
    "primitives": {"keccak_256"},
    "codecs": {"SS58"},
    "trie": {"tampered proofs of block 8 are refused", "tampered proofs of block 15 are refused"},
    "ledger": {"what must not be executed"},
    "sealing": {"the machine's root is kept and private"},
    "randomness": {f"{source}: {name}" for source in SOURCES for name in STATISTICS},
    "clock": {"the monotonic clock goes", "the monotonic clock is fine enough"},
    "evidence": {"evidence of a debug enclave is refused"},
    "pool": {"what waits too long for an earlier nonce is dropped"},
    "sidechain": {"a state that was put back is found"},
    "boundary": {"ecall examine"},
    "provisioning": {"an enclave of another shard is refused"},
}


def test_faults_planted_into_the_installation_are_found(tmp_path: Path) -> None:
    """The processes are the real ones; Python itself runs what is planted at their start."""
    (tmp_path / "sitecustomize.py").write_text(PLANTED)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "integritee.worker.main", "test", "-u", "-e", "--provisioning", "--json"],
        env=os.environ | {"PYTHONPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    view = json.loads(done.stdout)
    found: dict[str, set[str]] = {}
    for check in view["checks"]:
        if check["result"] == "failed":
            found.setdefault(check["area"], set()).add(check["check"])
    assert found == FOUND
    assert view["passed"] > 190 and done.returncode == FAILED
    assert [file.name for file in tmp_path.iterdir() if file.name != "__pycache__"] == ["sitecustomize.py"]
