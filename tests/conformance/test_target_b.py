"""An asset hub's user with @polkadot/api on target B: assets by number and location, fees in an asset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integritee.frame.metadata import metadata_v14
from integritee.metadata import RuntimeMetadata
from integritee.node.runtime.target_b import ASSETS, TargetBRuntime
from integritee.primitives.location import Location
from integritee.primitives.storage import blake2_map_key
from integritee.scale import encode

from ..frame.test_foreign_assets import layout
from ..system.processes import Node
from .real_runtimes import RealRuntimes
from .reports import Report, run_client

pytestmark = pytest.mark.timeout(900)  # the first test of all may install the clients

CHARGE = "ChargeAssetTxPayment"
TOKEN, ETHER = 10**6, 10**18
WETH = next(asset.id for asset in ASSETS if asset.symbol == "WETH")


@pytest.fixture(scope="module")
def target_b(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    node = Node(tmp_path_factory.mktemp("target-b"), chain="target-b-dev")
    try:
        yield node.start()
    finally:
        node.destroy()


@pytest.fixture(scope="module")
def user(javascript: Path, target_b: Node) -> Report:
    return run_client("polkadot-js", ["node", "target-b.mjs", target_b.url], javascript)


def test_it_looks_like_an_asset_hub(user: Report) -> None:
    facts = user["connect"]
    assert (facts["spec_name"], facts["token"]) == ("asset-hub-solo", "UNIT")
    assert facts["extensions"][7] == CHARGE
    assert {name: facts["pallets"][name] for name in ("Assets", "ForeignAssets", "AssetTxPayment")} == {
        "Assets": 50,
        "ForeignAssets": 53,
        "AssetTxPayment": 13,
    }
    assert [notice for notice in facts["notices"] if "RPC methods not decorated" not in notice] == []


def test_the_charge_is_laid_out_as_on_a_real_chain_that_charges_by_number(javascript: Path) -> None:
    """But for the name of the crate."""
    ours = RuntimeMetadata.parse(metadata_v14(TargetBRuntime))
    theirs = RealRuntimes(javascript).parsed("v14/substrate")
    (mine, real) = ([(m, e.type) for e in m.signed_extensions if e.identifier == CHARGE] for m in (ours, theirs))
    assert [layout(*found)[1] for found in mine] == [layout(*found)[1] for found in real]
    (paid, really) = (m.pallet("AssetTxPayment").events["AssetTxFeePaid"] for m in (ours, theirs))
    assert paid.index == really.index
    assert [(f.name, layout(ours, f.type)) for f in paid.fields] == [
        (f.name, layout(theirs, f.type)) for f in really.fields
    ]


def test_assets_are_found(user: Report) -> None:
    facts = user["assets"]
    assert facts["usdt"] == "USDT"
    assert set(facts["foreign"]) == {asset.symbol for asset in ASSETS if isinstance(asset.id, Location)}
    assert facts["weth_key"] == "0x" + blake2_map_key("ForeignAssets", "Asset", encode(Location, WETH)).hex()
    assert facts["held"] == {"usdt": str(10_000 * TOKEN), "weth": str(10_000 * ETHER)}


def test_a_transfer_pays_its_fee_in_the_asset(user: Report) -> None:
    facts = user["fee_in_asset"]
    assert facts["success"]
    assert facts["events"] == [
        "Assets.Withdrawn",
        "System.NewAccount",
        "Assets.Transferred",
        "AssetTxPayment.AssetTxFeePaid",
        "System.ExtrinsicSuccess",
    ]
    paid = facts["paid"]
    assert (paid["who"], paid["asset"]) == (facts["signer"], 1984)
    assert int(paid["fee"]) > int(paid["tip"]) == 10_000  # of 0.001 UNIT
    assert int(facts["received"]) == 3 * TOKEN
    assert int(facts["spent"]) == 3 * TOKEN + int(paid["fee"])
    assert int(facts["native_spent"]) == 0


def test_an_account_needs_no_native_funds(user: Report) -> None:
    facts = user["without_native_funds"]
    assert facts["success"]
    assert (int(facts["native"]), int(facts["left"])) == (0, 2 * TOKEN - int(facts["fee"]))


def test_a_foreign_asset_moves(user: Report) -> None:
    facts = user["foreign"]
    assert facts["success"]
    assert "ForeignAssets.Transferred" in facts["events"]
    assert (int(facts["received"]), int(facts["fee"]) > 0) == (ETHER, True)


def test_an_asset_that_is_not_there_pays_nothing(user: Report) -> None:
    facts = user["unpayable"]
    assert facts["code"] == 1010
    assert "Inability to pay" in facts["data"]
