"""Three parentchains and workers whose vault is on a target: funds and assets in, around and out, to the last unit.

All through the command line. On target B users may have no native funds at all: the chain's fee is paid in an asset,
and so is the ledger's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import base58
import pytest

from integritee.devnet.network import target_arguments
from integritee.node.runtime.presets import ENDOWMENT

from .processes import Cli, Node, Worker, eventually, run_here
from .stage import ASSET_FEE, TRANSFER_FEE, UNIT, UNSHIELDING_FEE, Stage, credited, fee_paid
from .vault_script import nonces_count, shield_spend_unshield

INTEGRITEE: Final = "dev"
CHAINS: Final = (INTEGRITEE, "target-a-dev", "target-b-dev")

USDT: Final = 10**6
WETH: Final = 10**18

Stages = Callable[[str], Stage]


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Node]]:
    nodes = {name: Node(tmp_path_factory.mktemp(name), chain=name) for name in CHAINS}
    try:
        yield {name: node.start() for name, node in nodes.items()}
    finally:
        for node in nodes.values():
            node.destroy()


@pytest.fixture(scope="module")
def stage_on(nodes: dict[str, Node], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    """A worker whose vault is on a target. It has a shard of its own, for they are of the same code."""
    targets = target_arguments({name: nodes[f"{name}-dev"].port for name in ("target-a", "target-b")})
    workers: list[Worker] = []

    def start(target: str) -> Stage:
        directory, here = tmp_path_factory.mktemp(f"vault-on-{target}"), nodes[INTEGRITEE]
        shard = base58.b58encode(target.ljust(32, ".").encode()).decode()
        vault_here = ("--shielding-target", target)
        worker = Worker(directory, here.port, options=targets, run_options=vault_here, shard=shard)
        workers.append(worker)
        worker.start()
        clis = (Cli(directory, node, worker, run_here) for node in (here, nodes[f"{target}-dev"]))
        return Stage(*clis)

    yield start
    for worker in workers:
        worker.destroy()


@pytest.fixture(scope="module")
def on_target_b(stage_on: Stages) -> Stage:
    return stage_on("target-b")


@pytest.mark.parametrize(
    ("chain", "question", "answer"),
    [
        ("target-a-dev", ["balance", "//Bob"], ENDOWMENT),
        ("target-b-dev", ["balance", "//Bob"], ENDOWMENT),
        ("target-b-dev", ["assets", "balance", "//Alice", "USDC"], 10_000 * USDT),
        ("target-b-dev", ["assets", "balance", "//Alice", "ETH"], 10_000 * WETH),
        ("target-b-dev", ["assets", "balance", "//Eve", "USDC"], 0),
    ],
)
def test_who_is_rich(nodes: dict[str, Node], directory: Path, chain: str, question: list[str], answer: int) -> None:
    asked = run_here("integritee.cli.main", ["-p", str(nodes[chain].port), *question], directory)
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, f"{answer}\n", "")


# -- target A


def test_the_script_of_target_a(stage_on: Stages) -> None:
    """`demo_shielding_unshielding_using_shard_vault_on_target_a.sh`; calls go through Integritee."""
    stage = stage_on("target-a")
    stage.endow("//Charlie", 12 * UNIT)
    bob = shield_spend_unshield(stage, "//Charlie", "//Ferdie", 1, stage.indirect)
    nonces_count(stage, bob)


# -- target B


def test_native_funds_of_target_b(on_target_b: Stage, nodes: dict[str, Node]) -> None:
    stage = on_target_b
    carla, grace, heidi = "//Carla", "//Grace", "//Heidi"
    shielded, moved, unshielded = 50 * UNIT + 123, 7 * UNIT + 1, 3 * UNIT + 3
    vault = stage.vault
    in_vault, issued = stage.public(vault), int(stage.cli("trusted", "get-total-issuance"))

    stage.endow(carla, 60 * UNIT)
    said = stage.shield(carla, shielded)
    fee = fee_paid(nodes["target-b-dev"], said, carla)
    stage.direct("transfer", carla, grace, str(moved))
    stage.direct("unshield-funds", grace, heidi, str(unshielded))
    eventually(lambda: stage.public(heidi) == unshielded, "the payment")

    assert stage.public(carla) == 60 * UNIT - shielded - fee
    assert stage.public(vault) == in_vault + shielded - unshielded
    assert stage.private(carla) == credited(shielded) - moved - TRANSFER_FEE
    assert stage.private(grace) == moved - unshielded - UNSHIELDING_FEE
    assert int(stage.cli("trusted", "get-total-issuance")) == issued + shielded - unshielded


@pytest.mark.parametrize(("asset", "unit", "fee"), [("USDT", USDT, USDT // 100), ("WETH", WETH, WETH // 200_000)])
def test_assets_of_target_b(on_target_b: Stage, nodes: dict[str, Node], asset: str, unit: int, fee: int) -> None:
    """Dora has no native funds, on neither ledger. `fee` is the ledger's for a transfer, in the asset."""
    stage = on_target_b
    dora, erin, frank = (f"//{name}Of{asset}" for name in ("Dora", "Erin", "Frank"))
    shielded, moved, unshielded = 60 * unit + 1, 20 * unit + 3, 10 * unit + 7
    vault = stage.vault
    in_vault, issued = held(stage, vault, asset), issuance(stage, asset)
    for what, amount in {"USDT": USDT, asset: 100 * unit}.items():
        stage.vault_chain("assets", "transfer", "//Bob", dora, str(amount), what)
    in_dollars = held(stage, dora, "USDT")

    said = stage.vault_chain("assets", "transfer", dora, vault, str(shielded), asset, "--fee-asset", "USDT")
    paid = fee_paid(nodes["target-b-dev"], said, dora, ASSET_FEE)
    eventually(lambda: private(stage, dora, asset) == credited(shielded), "the credit")
    stage.direct("assets", "transfer", dora, erin, str(moved), asset)
    stage.direct("assets", "unshield-funds", erin, frank, str(unshielded), asset)
    eventually(lambda: held(stage, frank, asset) == unshielded, "the payment")

    assert paid > 0
    assert held(stage, dora, "USDT") == in_dollars - paid - (shielded if asset == "USDT" else 0)
    assert held(stage, dora, asset) == 100 * unit - shielded - (paid if asset == "USDT" else 0)
    assert held(stage, vault, asset) == in_vault + shielded - unshielded
    assert private(stage, dora, asset) == credited(shielded) - moved - fee
    assert private(stage, erin, asset) == moved - unshielded - 3 * fee
    assert issuance(stage, asset) == issued + shielded - unshielded
    assert [stage.public(dora), stage.private(dora), stage.private(erin)] == [0, 0, 0]


def test_a_fee_that_nobody_takes(on_target_b: Stage) -> None:
    """Target B takes fees in assets with a number only; target A and Integritee in none."""
    refused = on_target_b.vault_chain.run("transfer", "//Bob", "//Dora", str(UNIT), "--fee-asset", "WETH")
    assert (refused.returncode, refused.stdout) == (101, "")
    assert refused.stderr.startswith("error: cli.fee_not_in_asset: ")
    refused = on_target_b.cli.run("transfer", "//Bob", "//Dora", str(UNIT), "--fee-asset", "USDT")
    assert (refused.returncode, refused.stdout) == (101, "")
    assert refused.stderr.startswith("error: cli.asset_not_on_chain: ")


def held(stage: Stage, account: str, asset: str) -> int:
    return int(stage.vault_chain("assets", "balance", account, asset))


def private(stage: Stage, account: str, asset: str) -> int:
    return int(stage.cli.trusted("assets", "balance", account, asset))


def issuance(stage: Stage, asset: str) -> int:
    return int(stage.cli("trusted", "get-asset-total-issuance", asset))
