"""What a foreign client reports: the facts of each step it took (see `tests/external/report.py`)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

CLIENT_SECONDS: Final = 60.0
"""Patience with one client; it normally takes five seconds."""


class StepFailed(AssertionError):
    """The client did not get through a step; carries its own words."""


class Report:
    """Facts by step. `report["transfer"]` fails if that step did."""

    def __init__(self, client: str, output: str, complaints: str) -> None:
        self.client, self._complaints = client, complaints
        self._lines: dict[str, Any] = {line["step"]: line for line in map(json.loads, output.splitlines())}

    def __getitem__(self, step: str) -> dict[str, Any]:
        line = self._lines.get(step)
        if line is None:
            raise StepFailed(f"{self.client} did not get as far as {step!r}:\n{self._complaints}")
        if "error" in line:
            raise StepFailed(f"{self.client} failed at {step!r}:\n{line['error']}")
        facts: dict[str, Any] = line["facts"]
        return facts


def run_client(name: str, command: Sequence[str], directory: Path) -> Report:
    """Run a client to its end, or until patience ends; either way, with what it reported."""
    process = subprocess.Popen(
        command,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, complaints = process.communicate(timeout=CLIENT_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, complaints = process.communicate()
        complaints += f"\n(ended after {CLIENT_SECONDS} s)"
    return Report(name, output, complaints)
