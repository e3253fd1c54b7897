"""The real process: `integritee-node` with the real runtime."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

COMMAND = [sys.executable, "-m", "integritee.node.main"]


class RpcFailure(Exception):
    """An error object."""


@dataclass
class RunningNode:
    """A started node. `lines` are those of stdout up to READY."""

    process: subprocess.Popen[str]
    lines: list[str]

    @property
    def url(self) -> str:
        return self.lines[-1].removeprefix("READY ")

    def connect(self) -> ClientConnection:
        return connect(self.url, max_size=None)

    def call(self, method: str, *params: Any) -> Any:
        with self.connect() as socket:
            return call(socket, method, *params)

    def end(self, number: int) -> int:
        """Exit status after that signal."""
        self.process.send_signal(number)
        return self.process.wait(30)


def call(socket: ClientConnection, method: str, *params: Any) -> Any:
    socket.send(json.dumps({"jsonrpc": "2.0", "id": "1", "method": method, "params": params}))
    reply = json.loads(socket.recv(30))
    if "error" in reply:
        raise RpcFailure(reply["error"])
    return reply["result"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    """Starts nodes, whose temporary directories are below the test's own."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    running: list[RunningNode] = []

    def start(*flags: str) -> RunningNode:
        with (tmp_path / "log").open("a") as log:
            process = subprocess.Popen(
                [*COMMAND, "--rpc-port", "0", *flags],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | {"TMPDIR": str(temporary), "XDG_DATA_HOME": str(tmp_path / "data")},
            )
        running.append(RunningNode(process, []))
        assert process.stdout is not None
        for line in process.stdout:
            running[-1].lines.append(line.rstrip())
            if line.startswith("READY "):
                return running[-1]
        raise AssertionError(f"the node ended: {(tmp_path / 'log').read_text()}")

    yield start
    for node in running:
        if node.process.poll() is None:
            node.end(signal.SIGKILL)
        assert node.process.stdout is not None
        node.process.stdout.close()
