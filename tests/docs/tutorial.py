"""A page of documentation as something that can be done: its blocks in order, and who carries them out."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..system.processes import START_SECONDS, eventually

BLOCK: Final = re.compile(r"^```(?P<kind>\w+)(?: (?P<about>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
USUAL_URL: Final = "wss://127.0.0.1"
COMMAND_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Block:
    """``sh`` is run, ``python file=F`` written to F, ``python in=F`` found in F.

    Each line of ``text`` is one that the commands before have said, or the beginning of one.
    """

    kind: str
    about: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    for found in BLOCK.finditer(page.read_text()):
        yield Block(found["kind"], found["about"] or "", found["text"])


class Reader:
    """Does what a page says, in a directory of its own.

    Ports are those that are free, where the page says the usual ones. What is installed goes into a directory that
    only the reader's commands know.
    """

    def __init__(self, directory: Path) -> None:
        self._at = directory / "work"
        self._at.mkdir()
        self._where, self._log = directory / "where", directory / "other-terminal.log"
        site = str(directory / "site")
        self._environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": site,
            "PIP_TARGET": site,
            "PIP_NO_INDEX": "1",
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as the option's negation
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        self._other: subprocess.Popen[bytes] | None = None
        self._ports = ("", "")
        self._has_edited = False
        self.said = ""

    def follow(self, block: Block) -> None:
        match block.kind, block.about.partition("="):
            case "sh", ("another-terminal", _, _):
                self._run_aside(block.text)
            case "sh", ("", _, _):
                self._run(block.text)
            case "python", ("file", _, path):
                (self._at / path).write_text(block.text.replace(f"{USUAL_URL}:2000", f"{USUAL_URL}:{self._ports[1]}"))
                self._has_edited = True
            case "python", ("in", _, path):
                assert block.text in (self._at / path).read_text()
            case "text", ("", _, _):
                said = [f"{line} " for line in self.said.splitlines()]
                missing = [b for b in block.text.splitlines() if not any(line.startswith(f"{b} ") for line in said)]
                assert not missing, f"{missing} not said in:\n{self.said}"
            case _:
                raise AssertionError(f"nobody knows how to follow a block of {block.kind} {block.about}")

    def _run(self, text: str) -> None:
        if self._other is not None and self._has_edited and "integritee cli" in text:
            self._wait_for_reload()
        node, worker = self._ports
        text = text.replace("integritee cli", f"integritee cli -p {node} -P {worker}") if node else text
        self.said = self._bash(f"{text}\npwd > {self._where}\n")
        self._at = Path(self._where.read_text().strip())

    def _bash(self, script: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self._at,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        assert done.returncode == 0, f"{script}\nended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    # -- the other terminal --------------------------------------------------------------------------

    def _run_aside(self, text: str) -> None:
        text = text.replace("integritee devnet", "exec integritee devnet --auto-ports")
        with self._log.open("wb") as log:
            self._other = subprocess.Popen(
                ["bash", "-c", text],
                cwd=self._at,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(lambda: "Ctrl-C ends it." in self.heard(), "the screen of the devnet", START_SECONDS)
        node, worker = (re.search(rf"{scheme}://127.0.0.1:(\d+)", self.heard()) for scheme in ("ws", "wss"))
        assert node is not None and worker is not None
        self._ports = node[1], worker[1]

    def heard(self) -> str:
        """What the other terminal shows."""
        return self._log.read_text(errors="replace")

    def _wait_for_reload(self) -> None:
        """Until the enclave runs what is in the files now."""
        wanted = self._bash("integritee worker mrenclave --dev --app .").strip()
        eventually(lambda: f"MRENCLAVE {wanted}" in self.heard(), f"a reload in\n{self.heard()}", START_SECONDS)
        self._has_edited = False

    def close(self) -> None:
        if self._other is not None:
            if self._other.poll() is None:
                os.killpg(self._other.pid, signal.SIGINT)
            self._other.wait(10)
