"""Configurations of the original's launcher (worker `local-setup/launch.py`, `local-setup/config/*.json`), for our
own programs:

    {"nodes": [{"bin": "…/integritee-node", "flags": […]}],
     "workers": [{"source": "bin", "flags": […], "subcommand_flags": […]}]}

`bin` and `source` say where the original's binaries are; ours run in their place. What flags mean otherwise is
translated, and the rest must be flags that our programs take.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Annotated, Final

import msgspec

from integritee.node import cli as node_cli
from integritee.worker import options as worker_options

from .errors import LaunchUnreadable, UnusableFlags

MAX_FILE: Final = 64 * 1024
MAX_PROCESSES: Final = 32
"""Nodes, and workers."""

NODE_PROGRAM: Final = "integritee-node"
CHAINS: Final = {"dev2": "target-a-dev", "dev3": "target-b-dev"}
"""Further development chains, as the original's node and ours call them."""

DROPPED: Final = frozenset({"--request-state"})
"""What a worker does by itself."""

Flags = list[str]


class NodeEntry(msgspec.Struct, forbid_unknown_fields=True):
    bin: str
    flags: Flags = []


class WorkerEntry(msgspec.Struct, forbid_unknown_fields=True):
    source: str
    flags: Flags = []
    subcommand_flags: Flags = []


class LaunchFile(msgspec.Struct, forbid_unknown_fields=True):
    """Older ones name a single `node`."""

    nodes: Annotated[list[NodeEntry], msgspec.Meta(max_length=MAX_PROCESSES)] = []
    node: NodeEntry | None = None
    workers: Annotated[list[WorkerEntry], msgspec.Meta(max_length=MAX_PROCESSES)] = []


@dataclass(frozen=True)
class Launch:
    """Arguments of each node and of each worker, ``run`` included."""

    nodes: tuple[tuple[str, ...], ...]
    workers: tuple[tuple[str, ...], ...]


def read_launch(path: Path) -> Launch:
    """Raises LaunchUnreadable, UnusableFlags."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE + 1)
    except OSError as error:
        raise LaunchUnreadable(path, error.strerror or str(error)) from None
    if len(raw) > MAX_FILE:
        raise LaunchUnreadable(path, f"longer than {MAX_FILE} bytes")
    try:
        found = msgspec.json.decode(raw, type=LaunchFile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LaunchUnreadable(path, str(error)) from None
    nodes = [*([found.node] if found.node else []), *found.nodes]
    if not nodes:
        raise LaunchUnreadable(path, "there is no node")
    for node in nodes:
        if PurePath(node.bin).name != NODE_PROGRAM:
            raise LaunchUnreadable(path, f"{node.bin!r} is no {NODE_PROGRAM}")
    return Launch(
        nodes=tuple(_node(f"node {number}", node) for number, node in enumerate(nodes, 1)),
        workers=tuple(_worker(f"worker {number}", worker) for number, worker in enumerate(found.workers, 1)),
    )


def _node(name: str, entry: NodeEntry) -> tuple[str, ...]:
    flags = [CHAINS.get(flag, flag) for flag in entry.flags]
    if "--ws-port" in flags and "--rpc-port" in flags:  # WebSockets had a port of their own; it is the one we have
        at = flags.index("--rpc-port")
        del flags[at : at + 2]
    check(name, node_cli.parser(), flags)
    return tuple(flags)


def _worker(name: str, entry: WorkerEntry) -> tuple[str, ...]:
    arguments = [*entry.flags, "run", *(flag for flag in entry.subcommand_flags if flag not in DROPPED)]
    check(name, worker_options.parser(), arguments)
    return tuple(arguments)


def check(process: str, parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    """Raises UnusableFlags unless the parser takes the arguments."""
    complaint = io.StringIO()
    try:
        with redirect_stderr(complaint):
            parser.parse_args(list(arguments))
    except SystemExit:
        *_, reason = complaint.getvalue().strip().splitlines() or ["they only print something"]
        raise UnusableFlags(process, reason) from None
