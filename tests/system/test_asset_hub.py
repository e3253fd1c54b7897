"""A worker whose vault is on a chain that is not ours: Asset Hub Rococo, run from its Wasm by a node of its own.

What is checked block by block in `tests/enclave/core/test_asset_hub.py` is played here with processes, through the
command line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from integritee.client.parentchain import ParentchainClient
from integritee.crypto import Sr25519Pair
from integritee.devnet.network import target_arguments
from integritee.primitives.ids import Id

from ..conformance.environments import missing_node, node_packages
from ..conformance.known_chains import asset_hub, lend_compiled
from .processes import Cli, Node, Worker, eventually, run_here
from .stage import TRANSFER_FEE, UNSHIELDING_FEE, Stage, credited, events_told_of

pytestmark = pytest.mark.timeout(900)  # the first test of all may install the package, and compiles

ROC: Final = 10**12
USDT: Final = 10**6
ALICE: Final = Sr25519Pair.from_uri("//Alice")


@pytest.fixture(scope="module")
def hub(wasm_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node of Asset Hub, on which the development accounts are rich and //Alice makes the blocks."""
    missing = missing_node()
    if missing is not None:
        pytest.skip(missing)
    directory = tmp_path_factory.mktemp("asset-hub")
    specification = directory / "asset-hub.json"
    specification.write_text(text := asset_hub(node_packages()))
    lend_compiled(text, wasm_cache, directory / "chain")
    node = Node(directory, chain=str(specification), options=("--dev-accounts",))
    try:
        yield node.start()
    finally:
        node.destroy()


@pytest.fixture(scope="module")
def stage(node: Node, hub: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("vault-on-asset-hub")
    options, vault_there = target_arguments({"target-b": hub.port}), ("--shielding-target", "target-b")
    worker = Worker(directory, node.port, options=options, run_options=vault_there)
    try:
        worker.start()
        yield Stage(*(Cli(directory, chain, worker, run_here) for chain in (node, hub)))
    finally:
        worker.destroy()


def test_native_funds_come_and_go(stage: Stage, hub: Node) -> None:
    bob, grace, heidi = "//Bob", "//Grace", "//Heidi"
    vault = stage.vault
    in_vault, in_purse = stage.public(vault), stage.public(bob)
    fee = withdrawn(hub, stage.shield(bob, 100 * ROC + 1), bob)
    stage.direct("transfer", bob, grace, str(50 * ROC))
    stage.direct("unshield-funds", grace, heidi, str(40 * ROC + 7))
    eventually(lambda: stage.public(heidi) == 40 * ROC + 7, "the payment")
    assert stage.public(bob) == in_purse - (100 * ROC + 1) - fee
    assert stage.public(vault) == in_vault + 100 * ROC + 1 - (40 * ROC + 7)
    assert stage.private(bob) == credited(100 * ROC + 1) - 50 * ROC - TRANSFER_FEE
    assert stage.private(grace) == 50 * ROC - (40 * ROC + 7) - UNSHIELDING_FEE


def test_assets_come_and_go(stage: Stage, hub: Node) -> None:
    dave, charlie = "//Dave", "//Charlie"
    vault, shielded, unshielded = stage.vault, 200 * USDT + 1, 50 * USDT + 7
    asyncio.run(issue_usdt(hub, dave, 1000 * USDT))
    stage.vault_chain("assets", "transfer", dave, vault, str(shielded), "USDT")
    eventually(lambda: private(stage, dave) == credited(shielded), "the credit")
    stage.direct("assets", "unshield-funds", dave, charlie, str(unshielded), "USDT")
    eventually(lambda: held(stage, charlie) == unshielded, "the payment")
    assert held(stage, dave) == 1000 * USDT - shielded
    assert held(stage, vault) == shielded - unshielded
    assert private(stage, dave) == credited(shielded) - unshielded - 3 * USDT // 100


def withdrawn(hub: Node, said: str, payer: str) -> int:
    """What was taken from the payer of an extrinsic for it and not given back; this runtime says no more of fees."""
    who = Sr25519Pair.from_uri(payer).public
    moved = {"Balances.Withdraw": 1, "Balances.Deposit": -1}
    events = [e for e in events_told_of(hub, said) if str(e) in moved and e.fields["who"] == who]
    return sum(moved[str(e)] * int(e.fields["amount"]) for e in events)


async def issue_usdt(hub: Node, holder: str, amount: int) -> None:
    """//Alice creates the asset that is USDT on asset hubs."""
    who = Id(Sr25519Pair.from_uri(holder).public)
    calls: tuple[tuple[str, dict[str, Any]], ...] = (
        ("create", {"id": 1984, "admin": Id(ALICE.public), "min_balance": 10_000}),
        ("mint", {"id": 1984, "beneficiary": who, "amount": amount}),
    )
    async with await ParentchainClient.connect(hub.url) as chain:
        for name, arguments in calls:
            await chain.submit_and_watch(await chain.sign(chain.call("Assets", name, arguments), ALICE))


def held(stage: Stage, account: str) -> int:
    return int(stage.vault_chain("assets", "balance", account, "USDT"))


def private(stage: Stage, account: str) -> int:
    return int(stage.cli.trusted("assets", "balance", account, "USDT"))
