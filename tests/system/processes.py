"""Real processes on loopback: a node, a worker with its enclave, the CLI.

Every process writes into a log of its own that survives restarts, so that a test can search all that was ever
said. Ports are chosen by the system and read from the processes' own announcements.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Final, Self

from integritee.enclave.decipherers import MAX_PROMPT

CORES: Final = os.cpu_count() or 1
ENCLAVE_PROCESSES: Final = 2 + CORES + min(CORES, MAX_PROMPT)
"""Ledger, front end, and those that decipher for it."""

START_SECONDS: Final = 30.0
"""Patience with a process that starts; it normally takes one or two seconds."""

STOP_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.02

SEAL: Final = "interval:0.2"
SLOT_MS: Final = 250


class ProcessFailed(AssertionError):
    """A process did not do what was expected of it; carries the end of its log."""


def eventually(is_true: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Wait until `is_true()`, or fail naming `what`."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(POLL_SECONDS)


async def soon(
    is_true: Callable[[], Awaitable[bool]], what: str, seconds: float = START_SECONDS, pause: float = POLL_SECONDS
) -> None:
    """`eventually` for conditions that have to be asked of somebody, with a `pause` (seconds) in between."""
    deadline = time.monotonic() + seconds
    while not await is_true():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        await asyncio.sleep(pause)


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    return _stat(pid) not in (None, "Z")


def _stat(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def children_of(pid: int) -> list[int]:
    """Process ids of the live children of a process, oldest first."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(entry.name))
    return sorted(found)


def family_of(pid: int) -> list[int]:
    """A process, its live children, and theirs."""
    found = [pid]
    for member in found:
        found += children_of(member)
    return found


class Service:
    """A long-running ``python -m module`` in a process group of its own."""

    def __init__(self, module: str, arguments: list[str], directory: Path, name: str) -> None:
        self.module, self.arguments, self.name = module, arguments, name
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.log = directory / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._run_starts_at = 0

    # -- life ----------------------------------------------------------------------------------------

    def spawn(self) -> Self:
        """Start without waiting for anything."""
        self._run_starts_at = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=os.environ | {"PYTHONUNBUFFERED": "1"} | self.environment(),
                start_new_session=True,
            )
        return self

    def command(self) -> list[str]:
        return [sys.executable, "-m", self.module, *self.arguments]

    def environment(self) -> dict[str, str]:
        return {}

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} was not started"
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def interrupt(self, number: int = signal.SIGINT) -> int:
        """Ask the process to end, as Ctrl-C or a supervisor would; its exit code."""
        os.kill(self.pid, number)
        return self.exit_code()

    def exit_code(self, seconds: float = STOP_SECONDS) -> int:
        """Wait for the process to end by itself."""
        assert self.process is not None
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ProcessFailed(self._report(f"did not end within {seconds} s")) from None

    def kill(self) -> None:
        """``kill -9`` of this process, not of its children."""
        if self.is_running:
            os.kill(self.pid, signal.SIGKILL)
            self.exit_code()

    def destroy(self) -> None:
        """End the whole process group, at once."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return
            self.process.wait()

    # -- words ---------------------------------------------------------------------------------------

    def output(self, all_runs: bool = False) -> str:
        """What the process wrote to stdout and stderr since its start, or since its first one."""
        with self.log.open("rb") as log:
            log.seek(0 if all_runs else self._run_starts_at)
            return log.read().decode(errors="replace")

    def wait_for(self, pattern: str, seconds: float = START_SECONDS) -> re.Match[str]:
        """Wait until a line of this run matches."""
        deadline = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.output(), re.MULTILINE)
            if found is not None:
                return found
            if not self.is_running:
                raise ProcessFailed(self._report(f"ended before it said {pattern!r}"))
            if time.monotonic() > deadline:
                raise ProcessFailed(self._report(f"did not say {pattern!r} within {seconds} s"))
            time.sleep(POLL_SECONDS)

    def _report(self, what: str) -> str:
        code = None if self.process is None else self.process.poll()
        return f"{self.name} {what} (exit code {code}):\n{self.output()[-4000:]}"


class Node(Service):
    """The embedded parentchain. A restart listens on the same port."""

    def __init__(self, directory: Path, seal: str = SEAL, chain: str = "dev", options: tuple[str, ...] = ()) -> None:
        super().__init__("integritee.node.main", [], directory, "node")
        place = ["--dev", "--chain", chain, "--base-path", str(directory / "chain")]
        self._options = [*place, "--seal", seal, *options, "--rpc-port"]
        self.port = 0

    def start(self) -> Self:
        """Start and wait until it serves."""
        self.arguments = [*self._options, str(self.port)]
        self.spawn()
        self.port = int(self.wait_for(r"READY ws://[^\s:]+:(\d+)")[1])
        return self

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"


class Worker(Service):
    """A worker and its enclave over a data directory. Each start has new ports."""

    def __init__(
        self,
        directory: Path,
        node_port: int,
        *,
        slot_ms: int = SLOT_MS,
        options: tuple[str, ...] = (),
        run_options: tuple[str, ...] = (),
        log_level: str = "INFO",
        name: str = "worker",
        data_dir: Path | None = None,
        shard: str | None = None,
        apps: tuple[str, ...] = (),
        skip_ra: bool = True,
    ) -> None:
        self.data_dir = data_dir or directory / "data"
        ports = ["-p", str(node_port), "-P", "0", "-w", "0", "-r", "0", "-h", "0", "-i", "0"]
        run = [
            "run",
            "--dev",
            *(["--skip-ra"] if skip_ra else []),
            "--slot-ms",
            str(slot_ms),
            *([shard] if shard else []),
        ]
        run += [word for app in apps for word in ("--app", app)] + list(run_options)
        super().__init__(
            "integritee.worker.main", [*ports, "-d", str(self.data_dir), *options, *run], directory, name
        )
        self._log_level = log_level
        self.port = 0
        """Of the trusted RPC, since the last start that succeeded."""

    def environment(self) -> dict[str, str]:
        return {"INTEGRITEE_LOG": self._log_level}

    def start(self) -> Self:
        """Start and wait for the first sidechain block."""
        self.spawn()
        self.wait_for(r"^READY")
        self.find_port()
        return self

    def find_port(self) -> int:
        """Wait until the trusted RPC listens; from now on `url` names it."""
        self.port = int(self.say(r"Trusted RPC listening on wss://[^\s:]+:(\d+)"))
        return self.port

    @property
    def url(self) -> str:
        return f"wss://127.0.0.1:{self.port}"

    @property
    def http_port(self) -> int:
        return int(self.say(r"/is_initialized on port (\d+)"))

    @property
    def untrusted_port(self) -> int:
        return int(self.say(r"Untrusted RPC listening on ws://[^\s:]+:(\d+)"))

    @property
    def metrics_port(self) -> int:
        return int(self.say(r"/metrics on port (\d+)"))

    @property
    def enclave_pid(self) -> int:
        eventually(lambda: len(children_of(self.pid)) == 1, "one enclave below the worker")
        return children_of(self.pid)[0]

    def say(self, pattern: str) -> str:
        """The first group of what the worker says of itself."""
        return self.wait_for(pattern)[1]

    @property
    def shard(self) -> str:
        return self.say(r"^Shard: (\S+)")

    @property
    def vault(self) -> str:
        return self.say(r"^Shard vault: (\S+)")

    @property
    def enclave_account(self) -> str:
        return self.say(r"^Enclave account: (\S+)")


def run_once(module: str, arguments: list[str], directory: Path) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        cwd=directory,
        timeout=START_SECONDS,
        check=False,
    )


def run_here(module: str, arguments: list[str], directory: Path) -> subprocess.CompletedProcess[str]:
    """As `run_once`, in this process: what takes time is to load the modules, and they are loaded once."""
    out, err = io.StringIO(), io.StringIO()
    with chdir(directory), redirect_stdout(out), redirect_stderr(err):
        code = import_module(module).main(arguments)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


Run = Callable[[str, list[str], Path], subprocess.CompletedProcess[str]]


class Cli:
    """``integritee-cli`` against one node and one worker, with key stores below `directory`.

    Each command is a process, unless `run` is `run_here`.
    """

    def __init__(self, directory: Path, node: Node, worker: Worker, run: Run = run_once) -> None:
        self._directory, self._node, self._worker, self._run = directory, node, worker, run

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        ports = ["-p", str(self._node.port), "-P", str(self._worker.port)]
        return self._run("integritee.cli.main", [*ports, *arguments], self._directory)

    def __call__(self, *arguments: str) -> str:
        """Standard output of a command that has to succeed."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def trusted(self, *arguments: str) -> str:
        return self("trusted", "--direct", *arguments)
