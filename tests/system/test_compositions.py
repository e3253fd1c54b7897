"""Profiles of `deploy/docker/compose.yaml` with processes in place of containers; the demos must exit with 0."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from ..devnet.composition import PLAY_SECONDS, Composition, Container
from .processes import children_of, eventually

LATE: Final = 1.0
"""Seconds by which the profile `fork-inducer` delays what worker 2 sends."""

ON_TIME: Final = 1.5


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composition]:
    """All that runs with two workers, and the benchmark besides."""
    composition = Composition(("demos", "benchmark", "fork-inducer"), tmp_path_factory.mktemp("two-workers"))
    try:
        yield composition.start()
    finally:
        composition.stop()


DEMOS = ["demo-sidechain", "demo-direct-call", "demo-shielding-unshielding", "sidechain-benchmark"]


@pytest.mark.parametrize("name", DEMOS)  # in the order in which they depend on each other
def test_a_demo_ends_well(two_workers: Composition, name: str) -> None:
    demo = two_workers.run(name)
    assert demo.exit_code(PLAY_SECONDS) == 0, demo.output()[-4000:]
    assert demo.output().splitlines()[-1].endswith(": everything adds up.")


def test_workers_agree_again_after_forks(two_workers: Composition) -> None:
    """The profile `fork-inducer`: what is late here is not the network of worker 2, but worker 2."""
    workers = [two_workers.containers[name] for name in ("worker-1", "worker-2")]
    with now_and_then_late(workers[1]):
        demo = two_workers.run("demo-sidechain")
        eventually(
            lambda: any(re.search("blocks are given up for a better chain", w.output()) for w in workers), "a fork"
        )
        assert demo.exit_code(PLAY_SECONDS) == 0, demo.output()[-4000:]


@contextmanager
def now_and_then_late(container: Container) -> Iterator[None]:
    """Host and enclave stand still for a second, again and again."""
    processes, over = [container.pid, *children_of(container.pid)], threading.Event()
    assert len(processes) == 2

    def disturb() -> None:
        while not over.wait(ON_TIME):
            signal_all(processes, signal.SIGSTOP)
            over.wait(LATE)
            signal_all(processes, signal.SIGCONT)

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        yield
    finally:
        over.set()
        disturber.join()


def signal_all(processes: list[int], number: int) -> None:
    for pid in processes:
        os.kill(pid, number)


def test_three_nodes_and_a_worker(tmp_path: Path) -> None:
    composition = Composition(("three-nodes",), tmp_path)
    try:
        composition.start()
        worker = composition.containers["worker-of-three"]
        for chain in ("Integritee", "TargetA", "TargetB"):
            worker.wait_for(rf"(?i)\[{chain}\]")
    finally:
        composition.stop()
