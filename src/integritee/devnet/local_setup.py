"""`integritee local-setup CONFIG.json`: nodes and workers as the original's launcher starts them, until Ctrl-C.

Places are the original's: ``log/node1.log``, ``log/worker1.log``, and worker 1 runs in ``tmp/w1``. It waits by the
clock; here each process says when it is ready. The first worker is before all others, which get keys and state of it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from .directory import open_directory
from .launch_file import Launch
from .network import NODE, WORKER
from .process_tree import ProcessTree

PATIENCE: Final = 250.0
"""Seconds for a worker to be registered and to make its first block, as health checks of the original have it."""


async def run_local_setup(launch: Launch, here: Path) -> None:
    """Run below `here` until cancelled. Raises DataDirInUse, ProcessEnded, ProcessSilent, OSError."""
    logs = here / "log"
    logs.mkdir(exist_ok=True)
    with open_directory(here / "tmp") as directory:
        tree = ProcessTree((directory.lock,))
        try:
            await tree.while_alive(_start(tree, launch, logs, directory.path))
            await tree.while_alive(asyncio.Event().wait())
        finally:
            await tree.stop()


async def _start(tree: ProcessTree, launch: Launch, logs: Path, places: Path) -> None:
    for number, arguments in enumerate(launch.nodes, 1):
        _say(f"Starting node {number} in background")
        await tree.start(f"node{number}", NODE, arguments, _fresh(logs / f"node{number}.log"), places)
    for name in list(tree):
        _say(f"{name} serves at {await tree[name].line('READY ')}")
    numbers = range(1, len(launch.workers) + 1)
    for together in (numbers[:1], numbers[1:]):
        for number in together:
            _say(f"Starting worker {number} in background")
            place = places / f"w{number}"
            place.mkdir(exist_ok=True)
            log = _fresh(logs / f"worker{number}.log")
            await tree.start(f"worker{number}", WORKER, launch.workers[number - 1], log, place)
        for number in together:
            worker = tree[f"worker{number}"]
            await worker.line("READY", PATIENCE)
            _say(f"worker{number} makes blocks; MRENCLAVE={await worker.line('MRENCLAVE=')}")
    _say("All are ready. Ctrl-C ends them.")


def _fresh(log: Path) -> Path:
    log.unlink(missing_ok=True)
    return log


def _say(text: str) -> None:
    print(text, flush=True)
