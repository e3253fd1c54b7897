"""A node process, an enclave in a thread, and the command line run in this process."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from integritee.cli.main import main

from ..client.development_node import development_node
from ..client.ledger_enclave import BLOCK, MRENCLAVE, LedgerEnclave

NOBODY = "1"
"""A port where nothing listens."""


@dataclass
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def sent(self) -> list[str]:
        """What was printed before the statuses of a call that went well."""
        assert (self.code, self.err) == (0, "")
        *sent, ready, last = self.lines
        assert ready.endswith(" is Ready")
        assert last.endswith(f" is InSidechainBlock(0x{BLOCK.hex()})")
        return sent

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        return json.loads(self.err.splitlines()[-1])["error"]


Cli = Callable[..., Result]


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch: pytest.MonkeyPatch):
    """Key stores are made in the current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command line that needs no server, or finds none."""

    def run(*arguments: str) -> Result:
        code = main(["-p", NOBODY, "-P", NOBODY, *arguments])
        return Result(code, *capsys.readouterr())

    return run


# -- the enclave


class EnclaveThread:
    """A `LedgerEnclave` served from a thread of its own."""

    def __init__(self) -> None:
        self.enclave = LedgerEnclave(shard=MRENCLAVE)
        self.port = ""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(10)

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with self.enclave.serving() as url:
            self.port = url.rpartition(":")[2]
            self._ready.set()
            await self._over.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)


@pytest.fixture
def served() -> Iterator[EnclaveThread]:
    thread = EnclaveThread()
    thread.start()
    try:
        yield thread
    finally:
        thread.stop()


@pytest.fixture
def enclave(served: EnclaveThread) -> LedgerEnclave:
    return served.enclave


@pytest.fixture
def with_enclave(served: EnclaveThread, cli: Cli) -> Cli:
    """Run a command line against the enclave."""
    return lambda *arguments: cli("-P", served.port, *arguments)


@pytest.fixture
def direct(with_enclave: Cli) -> Cli:
    """Run a command of `trusted` that goes straight to the enclave."""
    return lambda *arguments: with_enclave("trusted", "--direct", *arguments)


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is that of Greenwich."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


# -- the node


@pytest.fixture(scope="session")
def node_port() -> Iterator[str]:
    with development_node() as port:
        yield port


@pytest.fixture
def with_node(node_port: str, cli: Cli) -> Cli:
    """Run a command line against the node."""
    return lambda *arguments: cli("-p", node_port, *arguments)


@pytest.fixture
def with_both(node_port: str, served: EnclaveThread, cli: Cli) -> Cli:
    return lambda *arguments: cli("-p", node_port, "-P", served.port, *arguments)
