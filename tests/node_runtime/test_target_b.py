"""Target B beside a real asset hub: indexes, layouts, deposits; and what it begins with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integritee.frame.metadata import metadata_v14
from integritee.metadata import RuntimeMetadata
from integritee.node.runtime.target_b import ASSETS, UNIT, TargetBRuntime
from integritee.primitives.ids import Id
from integritee.primitives.location import Location
from integritee.primitives.storage import pallet_version_key
from integritee.scale import Ok, encode
from integritee.stf.asset_map import ASSET_HUB_LOCAL, AssetId, by_location, by_number
from integritee.stf.chain_specs import spec_of

from ..frame.test_foreign_assets import layout
from .chain_kit import ALICE, BOB, DAVE, Chain

OURS = RuntimeMetadata.parse(metadata_v14(TargetBRuntime))
HUB = RuntimeMetadata.parse((Path(__file__).parents[1] / "vectors" / "metadata" / "pah.scale").read_bytes())

SOLO = {"Sudo", "Grandpa"}
"""Pallets no asset hub has."""
SAME = sorted(set(OURS.pallets) - SOLO)

YOUNGER = {("Proxy", "events")}
"""Of which that asset hub has one more, in between."""


@pytest.mark.parametrize("pallet", SAME)
def test_indexes_are_those_of_an_asset_hub(pallet: str) -> None:
    assert OURS.pallet(pallet).index == HUB.pallet(pallet).index
    for part in ("calls", "events"):
        if (pallet, part) in YOUNGER:
            continue
        for name, variant in getattr(OURS.pallet(pallet), part).items():
            real = getattr(HUB.pallet(pallet), part)[name]
            assert (variant.index, [f.name for f in variant.fields]) == (real.index, [f.name for f in real.fields])


@pytest.mark.parametrize("pallet", ["Assets", "ForeignAssets"])
def test_events_that_the_ledger_follows(pallet: str) -> None:
    ours, theirs = (m.pallet(pallet).events["Transferred"].fields for m in (OURS, HUB))
    assert [layout(OURS, f.type) for f in ours] == [layout(HUB, f.type) for f in theirs]


@pytest.mark.parametrize("pallet", ["Proxy", "Multisig", "Assets", "ForeignAssets"])
def test_deposits_are_those_of_an_asset_hub(pallet: str) -> None:
    """Whose token has 10 decimals."""
    deposits = [name for name in OURS.pallet(pallet).constants if "Deposit" in name]
    assert deposits
    for name in deposits:
        assert OURS.constant(pallet, name) == HUB.constant(pallet, name) * 100
        assert OURS.constant(pallet, name) < UNIT == 10**12


# -- assets


def test_it_has_what_the_ledger_knows_of_a_local_asset_hub() -> None:
    known = {
        by_location(encode(Location, a.id), ASSET_HUB_LOCAL)
        if isinstance(a.id, Location)
        else by_number(a.id, ASSET_HUB_LOCAL): a
        for a in ASSETS
    }
    assert set(known) == set(ASSET_HUB_LOCAL)
    for asset, ours in known.items():
        assert isinstance(asset, AssetId)
        assert (ours.symbol, ours.decimals) == (asset.symbol, asset.decimals)


def test_a_development_ledger_takes_its_assets_and_its_token_has_the_decimals_of_unknown_chains() -> None:
    spec = spec_of(Chain(TargetBRuntime).hash(0), development=True)
    assert (spec.assets, spec.one) == (ASSET_HUB_LOCAL, UNIT)


@pytest.mark.parametrize("asset", ASSETS, ids=lambda a: a.symbol)
def test_alice_and_bob_hold_all_of_it(asset: Any) -> None:
    runtime = Chain(TargetBRuntime).runtime()
    pallet = runtime.foreign_assets if isinstance(asset.id, Location) else runtime.assets
    details = pallet.asset.get(asset.id)
    assert details.is_sufficient
    assert details.supply == 2 * 10_000 * 10**asset.decimals
    assert {who for who in (ALICE, BOB) if pallet.balance(asset.id, who.public) * 2 == details.supply} == {ALICE, BOB}
    assert pallet.metadata.get(asset.id).symbol.decode() == asset.symbol


@pytest.mark.parametrize(("pallet", "version"), [("Assets", 1), ("ForeignAssets", 1), ("AssetTxPayment", 0)])
def test_versions_of_storage(pallet: str, version: int) -> None:
    assert Chain(TargetBRuntime).overlay().get(pallet_version_key(pallet)) == bytes([version, 0])


def test_its_preset_names_assets() -> None:
    document = json.loads(TargetBRuntime.presets["development"].to_json(TargetBRuntime().pallets))
    assert document["assets"]["metadata"] == [[1984, "USDT", "USDT", 6], [1337, "USDC", "USDC", 6]]
    assert document["assets"]["assets"][0][2:] == [True, 10_000]
    assert len(document["foreignAssets"]["accounts"]) == 14
    assert "teerex" not in document


def test_assets_move_through_a_proxy() -> None:
    """As funds leave a vault."""
    chain = Chain(TargetBRuntime)
    weth = next(a.id for a in ASSETS if a.symbol == "WETH")
    chain.make(chain.sign(chain.call("Proxy", "add_proxy", Id(BOB.public), 0, 0)))
    move = chain.call("ForeignAssets", "transfer_keep_alive", weth, Id(DAVE.public), 10**18)
    assert chain.make(chain.sign(chain.call("Proxy", "proxy", Id(ALICE.public), None, move), BOB)) == [Ok(Ok(None))]
    assert chain.names(1)[1:4] == ["System.NewAccount", "ForeignAssets.Transferred", "Proxy.ProxyExecuted"]
    assert chain.runtime().foreign_assets.balance(weth, DAVE.public) == 10**18
