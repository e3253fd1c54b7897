"""The asset map: numbers, names, homes on the parentchain and fees, as the original has them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integritee.metadata import RuntimeMetadata
from integritee.scale import decode, encode
from integritee.scale.errors import DecodeError
from integritee.stf.asset_map import (
    ASSET_HUB_LOCAL,
    ASSET_HUB_PASEO,
    ASSET_HUB_POLKADOT,
    AssetId,
    UnknownAssetSymbol,
    by_location,
    by_number,
    in_asset,
)
from integritee.stf.chain_specs import CHAIN_SPECS, DEVELOPMENT, UNKNOWN, spec_of
from integritee.stf.types import AccountEssentials, AssetBalance

VECTORS = Path(__file__).parents[1] / "vectors"
GOLDEN = json.loads((VECTORS / "js-types.json").read_text())

AH_LOCAL = "af94f065f724b64ec40a7dd7ca3d25b3493d462f1e991b979e7683ae2a5da8d6"
AH_PASEO = "d6eec26135305a8ad257a20d003357284c8aa03d0bdb2b357ab0a22371e11ef2"
AH_POLKADOT = "68d56f15f85d3136970ec16946040bc1752654e906147f7e43e9d539d7c3de2f"

ASSETS = {
    # asset: (byte, symbol, decimals, pallet, id in calls, id in keys)
    AssetId.USDT: (10, "USDT", 6, "Assets", "011f", "c0070000"),
    AssetId.USDT_E: (
        11,
        "USDT.e",
        6,
        "ForeignAssets",
        *["02020907040300dac17f958d2ee523a2206206994597c13d831ec7"] * 2,
    ),
    AssetId.USDC: (20, "USDC", 6, "Assets", "e514", "39050000"),
    AssetId.USDC_E: (
        21,
        "USDC.e",
        6,
        "ForeignAssets",
        *["02020907040300a0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"] * 2,
    ),
    AssetId.EURC_E: (
        23,
        "EURC.e",
        6,
        "ForeignAssets",
        *["020209070403001abaea1f7c830bd89acc67ec4af516284b1bc33c"] * 2,
    ),
    AssetId.ETH: (30, "ETH", 18, "ForeignAssets", *["0201090704"] * 2),
    AssetId.WETH: (
        31,
        "WETH",
        18,
        "ForeignAssets",
        *["020209079edaa8020300fff9976782d46cc05630d1f6ebab18b2324d6b14"] * 2,
    ),
    AssetId.WBTC_E: (
        37,
        "WBTC.e",
        8,
        "ForeignAssets",
        *["020209070403002260fac5e5542a773aa44fbcfedf7c193bc2c599"] * 2,
    ),
    AssetId.PEPE_E: (
        40,
        "PEPE.e",
        18,
        "ForeignAssets",
        *["020209070403006982508145454ce325ddbe47a25d4ec3d2311933"] * 2,
    ),
}


# -- numbers and names


@pytest.mark.parametrize(("asset", "row"), ASSETS.items(), ids=lambda x: str(x) if isinstance(x, AssetId) else "")
def test_assets(asset: AssetId, row: tuple[int, str, int, str, str, str]) -> None:
    byte, symbol, decimals, pallet, argument, key = row
    assert encode(AssetId, asset) == bytes([byte])
    assert decode(AssetId, bytes([byte])) is asset
    assert (asset.symbol, str(asset), f"{asset}") == (symbol,) * 3
    assert AssetId.parse(symbol) is asset
    assert (asset.decimals, asset.one_unit) == (decimals, 10**decimals)
    assert asset.reserve is not None
    assert (asset.reserve.pallet, asset.reserve.argument.hex(), asset.reserve.key.hex()) == (pallet, argument, key)


def test_bitcoin_has_a_number_and_no_home() -> None:
    assert (encode(AssetId, AssetId.BTC), str(AssetId.BTC)) == (b"\x24", "BTC")
    assert (AssetId.BTC.decimals, AssetId.BTC.one_unit, AssetId.BTC.reserve) == (8, 10**8, None)
    assert set(AssetId) == set(ASSETS) | {AssetId.BTC}


@pytest.mark.parametrize("symbol", ["BTC", "", "usdt", "USDT_E", "USDT.E", "DOT", "10"])
def test_what_is_no_symbol(symbol: str) -> None:
    with pytest.raises(UnknownAssetSymbol) as caught:
        AssetId.parse(symbol)
    assert (caught.value.found, caught.value.code) == (symbol, "stf.unknown_asset_symbol")
    assert "USDT.e" in str(caught.value)
    assert "BTC," not in str(caught.value)


def test_all_other_bytes_are_no_assets() -> None:
    for byte in set(range(256)) - {asset.value for asset in AssetId}:
        with pytest.raises(DecodeError):
            decode(AssetId, bytes([byte]))


def test_bytes_of_the_js_client() -> None:
    transfers = [v for v in GOLDEN["values"] if v.get("note") == "assets_transfer"]
    found = {v["json"]["assetsTransfer"][2]: int(v["hex"][2 + 2 * 65 : 2 + 2 * 66], 16) for v in transfers}
    assert found == {asset.name: asset.value for asset in AssetId}


def test_balances_in_account_essentials() -> None:
    (golden,) = (v for v in GOLDEN["values"] if v["type"] == "AccountEssentials")
    essentials = decode(AccountEssentials, bytes.fromhex(golden["hex"][2:]))
    assert encode(AccountEssentials, essentials).hex() == golden["hex"][2:]
    expected = [AssetBalance(AssetId[b["asset_id"]], b["balance"]) for b in golden["json"]["asset_balances"]]
    assert essentials.asset_balances == expected


# -- homes


@pytest.mark.parametrize("asset", [a for a in ASSETS if ASSETS[a][3] == "ForeignAssets"])
def test_locations_mean_what_they_should(asset: AssetId) -> None:
    """Read with the metadata of an asset hub."""
    asset_hub = RuntimeMetadata.parse((VECTORS / "metadata" / "pah.scale").read_bytes())
    assert asset.reserve is not None
    raw = asset_hub.call("ForeignAssets", "transfer_keep_alive", [_location(asset), _id(), 1])
    assert raw[2:].startswith(asset.reserve.key)


def _location(asset: AssetId) -> dict[str, object]:
    chain = 11_155_111 if asset is AssetId.WETH else 1
    consensus = {"GlobalConsensus": {"Ethereum": {"chain_id": chain}}}
    if asset is AssetId.ETH:
        return {"parents": 2, "interior": {"X1": [consensus]}}
    contract = bytes.fromhex(ASSETS[asset][4])[-20:]
    return {"parents": 2, "interior": {"X2": [consensus, {"AccountKey20": {"network": None, "key": contract}}]}}


def _id() -> dict[str, bytes]:
    return {"Id": bytes(32)}


@pytest.mark.parametrize(
    ("number", "shieldable", "asset"),
    [
        (1984, ASSET_HUB_LOCAL, AssetId.USDT),
        (1337, ASSET_HUB_LOCAL, AssetId.USDC),
        (1984, ASSET_HUB_PASEO, AssetId.USDT),
        (1337, ASSET_HUB_PASEO, AssetId.USDC),
        (1984, ASSET_HUB_POLKADOT, None),
        (1337, (), None),
        (0, ASSET_HUB_LOCAL, None),
        (10, ASSET_HUB_LOCAL, None),
        (2**32 - 1, ASSET_HUB_LOCAL, None),
    ],
)
def test_by_number(number: int, shieldable: tuple[AssetId, ...], asset: AssetId | None) -> None:
    assert by_number(number, shieldable) is asset


@pytest.mark.parametrize("shieldable", [ASSET_HUB_LOCAL, ASSET_HUB_PASEO, ASSET_HUB_POLKADOT, ()])
@pytest.mark.parametrize("asset", ASSETS)
def test_by_location(asset: AssetId, shieldable: tuple[AssetId, ...]) -> None:
    pallet, location = ASSETS[asset][3], bytes.fromhex(ASSETS[asset][5])
    expected = asset if pallet == "ForeignAssets" and asset in shieldable else None
    assert by_location(location, shieldable) is expected


@pytest.mark.parametrize(
    ("change", "location"),
    [
        ("other parents", "01020907040300dac17f958d2ee523a2206206994597c13d831ec7"),
        ("other chain", "02020907080300dac17f958d2ee523a2206206994597c13d831ec7"),
        ("with a network", "0202090704030107" + "04dac17f958d2ee523a2206206994597c13d831ec7"),
        ("other contract", "02020907040300dac17f958d2ee523a2206206994597c13d831ec8"),
        ("more behind it", "02020907040300dac17f958d2ee523a2206206994597c13d831ec700"),
        ("cut short", "02020907040300dac17f958d2ee523a2206206994597c13d831e"),
        ("of pallet Assets", "c0070000"),
        ("nothing", ""),
    ],
)
def test_locations_must_match_exactly(change: str, location: str) -> None:
    assert by_location(bytes.fromhex(location), ASSET_HUB_LOCAL) is None, change


# -- chains


@pytest.mark.parametrize(
    ("genesis", "symbols"),
    [
        (AH_LOCAL, "USDT USDT.e USDC USDC.e EURC.e WETH ETH WBTC.e PEPE.e"),
        (AH_PASEO, "USDT USDC WETH"),
        (AH_POLKADOT, "USDT.e USDC.e EURC.e ETH WBTC.e PEPE.e"),
    ],
)
def test_what_chains_offer_in_order(genesis: str, symbols: str) -> None:
    assert [asset.symbol for asset in spec_of(bytes.fromhex(genesis)).assets] == symbols.split()


def test_no_other_chain_offers_assets() -> None:
    offering = {genesis.hex() for genesis, spec in CHAIN_SPECS.items() if spec.assets}
    assert offering == {AH_LOCAL, AH_PASEO, AH_POLKADOT}


@pytest.mark.parametrize("development", [False, True])
def test_unknown_chains(development: bool) -> None:
    assert spec_of(bytes(32), development) is (DEVELOPMENT if development else UNKNOWN)
    assert spec_of(bytes.fromhex(AH_PASEO), development).name == "asset-hub-paseo"


def test_development_chains_are_like_unknown_ones_with_all_assets() -> None:
    facts = (DEVELOPMENT.name, DEVELOPMENT.decimals, DEVELOPMENT.retirement_delay, DEVELOPMENT.production)
    assert facts == ("development", 12, 7200, False)
    assert DEVELOPMENT.assets == ASSET_HUB_LOCAL
    assert UNKNOWN.assets == ()


# -- fees


@pytest.mark.parametrize(
    ("asset", "fee"),
    [
        (AssetId.USDT, 10_000),
        (AssetId.USDT_E, 10_000),
        (AssetId.USDC, 10_000),
        (AssetId.USDC_E, 10_000),
        (AssetId.EURC_E, 10_000),
        (AssetId.ETH, 5_000_000_000_000),
        (AssetId.WETH, 5_000_000_000_000),
        (AssetId.BTC, 14),
        (AssetId.WBTC_E, 14),
        (AssetId.PEPE_E, 1_110_000_000_000_000_000_000),
    ],
)
def test_a_transaction_fee_in_assets(asset: AssetId, fee: int) -> None:
    assert in_asset(asset.one_unit // 100, asset) == fee


@pytest.mark.parametrize(("fee", "converted"), [(0, 0), (1999, 0), (2000, 1), (3999, 1), (2**128, 2**128 // 2000)])
def test_fees_are_rounded_down(fee: int, converted: int) -> None:
    assert in_asset(fee, AssetId.ETH) == converted
