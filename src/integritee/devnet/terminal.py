"""`integritee-cli` as a script uses it: commands shown as they are typed, and what they print."""

from __future__ import annotations

import io
import shlex
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Final, TypeVar

from integritee.cli.main import main

from .errors import CommandFailed, NotSettled
from .ports import HOST, STANDARD_PORTS, STANDARD_WORKER_PORTS

SETTLE_TIMEOUT: Final = 120.0
"""Seconds for funds and blocks to get where they have to; the original's scripts give them up to 200."""

POLL_PAUSE: Final = 0.1

T = TypeVar("T")


@dataclass(frozen=True)
class Terminal:
    """Where commands go: a node and a worker. URLs have no ports."""

    node_url: str = f"ws://{HOST}"
    node_port: int = STANDARD_PORTS.node
    worker_url: str = f"wss://{HOST}"
    worker_port: int = STANDARD_WORKER_PORTS.worker

    def __call__(self, *command: str, is_shown: bool = True) -> str:
        """Standard output of a command. Raises CommandFailed unless it succeeds."""
        line = shlex.join(("integritee-cli", "-P", str(self.worker_port), *command))
        if is_shown:
            print(f"$ {line}", flush=True)
        printed, complaints = io.StringIO(), io.StringIO()
        with redirect_stdout(printed), redirect_stderr(complaints):
            code = main([*self._where(), *command])
        text = printed.getvalue().strip()
        if is_shown and text:
            print(text, flush=True)
        if code != 0:
            raise CommandFailed(line, code, complaints.getvalue().strip() or text)
        return text

    def trusted(self, *command: str) -> str:
        return self("trusted", "--direct", *command)

    def private(self, account: str) -> int:
        """Free funds in the ledger as this worker knows them."""
        return int(self("trusted", "--direct", "balance", account, is_shown=False))

    def nonce(self, account: str) -> int:
        return int(self("trusted", "--direct", "nonce", account, is_shown=False))

    def public(self, account: str) -> int:
        """Free funds on the parentchain."""
        return int(self("balance", account, is_shown=False))

    def _where(self) -> tuple[str, ...]:
        node = ("-u", self.node_url, "-p", str(self.node_port))
        return (*node, "-U", self.worker_url, "-P", str(self.worker_port))


def settled(what: str, expected: T, read: Callable[[], T]) -> None:
    """Wait until `read` returns what is `expected`, and say so. Raises NotSettled, what `read` raises."""
    began = time.monotonic()
    while (found := read()) != expected:
        if time.monotonic() - began > SETTLE_TIMEOUT:
            raise NotSettled(f"{what}: {found} instead of {expected}; it", SETTLE_TIMEOUT)
        time.sleep(POLL_PAUSE)
    print(f"  {what}: {found}, after {time.monotonic() - began:.1f} s", flush=True)
