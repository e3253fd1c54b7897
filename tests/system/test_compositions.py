"""Profiles of `deploy/docker/compose.yaml` with processes in place of containers; the demos must exit with 0."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..devnet.composition import PLAY_SECONDS, Composition


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composition]:
    """All that runs with two workers, and the benchmark besides."""
    composition = Composition(("demos", "benchmark"), tmp_path_factory.mktemp("two-workers"))
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


def test_three_nodes_and_a_worker(tmp_path: Path) -> None:
    composition = Composition(("three-nodes",), tmp_path)
    try:
        composition.start()
        worker = composition.containers["worker-of-three"]
        for chain in ("Integritee", "TargetA", "TargetB"):
            worker.wait_for(rf"(?i)\[{chain}\]")
    finally:
        composition.stop()
