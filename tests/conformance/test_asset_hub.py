"""A real Wasm runtime in a process of its own, with @polkadot/api: Asset Hub Rococo from its raw genesis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integritee.crypto import Sr25519Pair
from integritee.primitives.storage import blake2_map_key
from integritee.trie import verify_proof

from ..system.processes import Node
from .known_chains import asset_hub, lend_compiled
from .reports import Report, run_client

pytestmark = pytest.mark.timeout(900)  # the first test of all may install the clients

ONE = 10**12


@pytest.fixture(scope="module")
def asset_hub_process(javascript: Path, wasm_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    directory = tmp_path_factory.mktemp("asset-hub")
    specification = directory / "asset-hub.json"
    specification.write_text(text := asset_hub(javascript))
    lend_compiled(text, wasm_cache, directory / "chain")
    node = Node(directory, chain=str(specification), options=("--dev-accounts",))
    try:
        yield node.start()
    finally:
        node.destroy()


@pytest.fixture(scope="module")
def user(javascript: Path, asset_hub_process: Node) -> Report:
    return run_client("polkadot-js", ["node", "asset-hub.mjs", asset_hub_process.url], javascript)


def test_it_is_the_real_runtime(user: Report) -> None:
    facts = user["connect"]
    assert (facts["chain"], facts["spec_name"], facts["spec_version"]) == ("Rococo Asset Hub", "statemine", 900)
    assert (facts["token"], facts["slot_ms"]) == ("ROC", 12_000)
    assert {"ParachainSystem", "Balances", "Assets", "Uniques", "PolkadotXcm"} <= set(facts["pallets"])


def test_compiled_code_is_taken_from_beside_the_database(asset_hub_process: Node) -> None:
    assert "Compiling" not in asset_hub_process.output()


def test_a_transfer(user: Report) -> None:
    facts = user["transfer"]
    assert facts["success"]
    assert {"Balances.Transfer", "System.NewAccount", "System.ExtrinsicSuccess"} <= set(facts["events"])
    assert int(facts["received"]) == ONE
    fee, estimate = int(facts["spent"]) - ONE, int(facts["estimated_fee"])
    assert 0 <= estimate - fee < estimate // 1000  # fees fall a little with every empty block in between


def test_a_batch(user: Report) -> None:
    facts = user["batch"]
    assert facts["success"]
    assert facts["completed"] == 3
    assert [int(amount) for amount in facts["received"]] == [ONE, 2 * ONE, 3 * ONE]


def test_a_failure_is_named(user: Report) -> None:
    assert user["failed"] == {"success": False, "error": "Balances.InsufficientBalance"}


def test_an_asset(user: Report) -> None:
    assert user["asset"] == {"success": True, "held": "500"}


def test_a_proof_of_the_state(user: Report) -> None:
    facts = user["proof"]
    root, key, value = (bytes.fromhex(facts[name][2:]) for name in ("root", "key", "value"))
    assert key == blake2_map_key("System", "Account", Sr25519Pair.from_uri("//Bob").public)
    assert verify_proof(root, [bytes.fromhex(node[2:]) for node in facts["proof"]], [key]) == {key: value}
