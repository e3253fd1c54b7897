"""The chains to shield from, as processes, through the command line: no worker takes part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integritee.node.runtime.presets import ENDOWMENT

from .processes import Node, run_once

WETH = 10**18
USDT = 10**6
HELD = 10_000

TARGETS = ("target-a-dev", "target-b-dev")
Run = Callable[..., str]


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Node]]:
    nodes = {name: Node(tmp_path_factory.mktemp(name), chain=name) for name in TARGETS}
    try:
        yield {name: node.start() for name, node in nodes.items()}
    finally:
        for node in nodes.values():
            node.destroy()


@pytest.fixture
def cli(nodes: dict[str, Node], tmp_path: Path) -> Run:
    """A command on a chain; what it says."""

    def run(chain: str, *arguments: str) -> str:
        done = run_once("integritee.cli.main", ["-p", str(nodes[chain].port), *arguments], tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.mark.parametrize("chain", TARGETS)
def test_funds_move(cli: Run, chain: str) -> None:
    assert cli(chain, "balance", "//Bob") == str(ENDOWMENT)
    cli(chain, "transfer", "//Alice", "//Eve", str(10**12))
    assert cli(chain, "balance", "//Eve") == str(10**12)


@pytest.mark.parametrize(("asset", "unit"), [("WETH", WETH), ("USDT", USDT)])
def test_assets_move(cli: Run, asset: str, unit: int) -> None:
    chain = "target-b-dev"
    assert cli(chain, "assets", "balance", "//Bob", asset) == str(HELD * unit)
    cli(chain, "assets", "transfer", "//Bob", "//Eve", str(3 * unit), asset)
    assert cli(chain, "assets", "balance", "//Eve", asset) == str(3 * unit)
    assert cli(chain, "assets", "balance", "//Bob", asset) == str((HELD - 3) * unit)
