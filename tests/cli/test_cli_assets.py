"""Assets of the parentchain, against the metadata of a real asset hub."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from integritee.crypto import ss58_encode
from integritee.metadata import RuntimeMetadata, decode_extrinsic
from integritee.stf.chain_specs import CHAIN_SPECS

from ..client.ledger_enclave import ALICE, BOB
from .asset_hub import HEAD, METADATA, AssetHub
from .conftest import Cli

GENESIS = {spec.name: genesis for genesis, spec in CHAIN_SPECS.items()}
CHAIN = RuntimeMetadata.parse(METADATA)


def ethereum(chain: int, contract: str | None = None) -> dict[str, Any]:
    """The location of an Ethereum network's own token, or of one of its contracts."""
    network = {"GlobalConsensus": {"Ethereum": {"chain_id": chain}}}
    if contract is None:
        return {"parents": 2, "interior": {"X1": [network]}}
    token = {"AccountKey20": {"network": None, "key": bytes.fromhex(contract)}}
    return {"parents": 2, "interior": {"X2": [network, token]}}


ASSETS = {
    "USDT": ("Assets", 1984),
    "USDC": ("Assets", 1337),
    "USDC.e": ("ForeignAssets", ethereum(1, "a0b86991c6218b36c1d19d4a2e9eb0ce3606eb48")),
    "ETH": ("ForeignAssets", ethereum(1)),
    "WETH": ("ForeignAssets", ethereum(11_155_111, "fff9976782d46cc05630d1f6ebab18b2324d6b14")),
}


@pytest.fixture
def hub_of(cli: Cli) -> Iterator[Callable[[bytes], tuple[AssetHub, Cli]]]:
    """A node of a chain with this genesis hash, and command lines against it."""
    hubs: list[AssetHub] = []

    def start(genesis: bytes) -> tuple[AssetHub, Cli]:
        hub = AssetHub(genesis)
        hub.start()
        hubs.append(hub)
        return hub, lambda *arguments: cli("-p", hub.port, *arguments)

    yield start
    for hub in hubs:
        hub.stop()


@pytest.fixture
def hub(hub_of: Any) -> tuple[AssetHub, Cli]:
    return hub_of(GENESIS["local-asset-hub"])


def holding(balance: int) -> dict[str, Any]:
    return {"balance": balance, "status": "Liquid", "reason": "Sufficient", "extra": None}


@pytest.mark.parametrize("symbol", ASSETS)
def test_balance(hub: tuple[AssetHub, Cli], symbol: str) -> None:
    node, cli = hub
    pallet, asset_id = ASSETS[symbol]
    key = CHAIN.storage_key(pallet, "Account", asset_id, BOB.public)
    node.storage[key] = CHAIN.encode_storage(pallet, "Account", holding(7_000_000))
    result = cli("assets", "balance", "//Bob", symbol)
    assert (result.code, result.out, result.err) == (0, "7000000\n", "")
    assert cli("--json", "assets", "balance", "//Bob", symbol).json == {"balance": "7000000"}
    assert cli("assets", "balance", "//Alice", symbol).out == "0\n"


@pytest.mark.parametrize("symbol", ASSETS)
def test_transfer(hub: tuple[AssetHub, Cli], symbol: str) -> None:
    node, cli = hub
    pallet, asset_id = ASSETS[symbol]
    result = cli("assets", "transfer", "//Alice", ss58_encode(BOB.public), "5000000", symbol)
    assert (result.code, result.err) == (0, "")
    assert re.fullmatch(
        rf"\[\+\] L1 extrinsic success\. extrinsic hash: 0x[0-9a-f]{{64}} / status: InBlock\({HEAD}\)\n", result.out
    )
    (extrinsic,) = node.submitted
    target = {"Id": BOB.public}
    assert extrinsic.endswith(CHAIN.call(pallet, "transfer", {"id": asset_id, "target": target, "amount": 5_000_000}))
    assert ALICE.public in extrinsic


def test_transfer_as_json(hub: tuple[AssetHub, Cli]) -> None:
    _, cli = hub
    found = cli("--json", "assets", "transfer", "//Alice", "//Bob", "1", "USDT").json
    assert found["block_hash"] == HEAD
    assert found.keys() == {"extrinsic_hash", "block_hash"}


USDT_LOCATION = {"parents": 0, "interior": {"X2": [{"PalletInstance": 50}, {"GeneralIndex": 1984}]}}
"""Below pallet Assets, which has index 50."""


@pytest.mark.parametrize(("symbol", "location"), [("USDT", USDT_LOCATION), ("ETH", ASSETS["ETH"][1])])
@pytest.mark.parametrize("command", [["transfer"], ["assets", "transfer"]], ids=" ".join)
def test_fee_in_an_asset(hub: tuple[AssetHub, Cli], command: list[str], symbol: str, location: Any) -> None:
    """This hub names all assets that pay fees by their location."""
    node, cli = hub
    asset = ["USDC"] if "assets" in command else []
    result = cli(*command, "//Alice", "//Bob", "5000000", *asset, "--fee-asset", symbol)
    assert (result.code, result.err) == (0, "")
    (extrinsic,) = node.submitted
    paying = {"tip": 0, "asset_id": location}
    (extension,) = [e for e in CHAIN.signed_extensions if e.identifier == "ChargeAssetTxPayment"]
    assert CHAIN.encode_type(extension.type, paying) == CHAIN.encode_type(
        extension.type, decode_extrinsic(CHAIN, extrinsic).extensions["ChargeAssetTxPayment"]
    )


@pytest.mark.parametrize(
    ("symbol", "code", "error"),
    [("usdt", 2, "cli.usage"), ("BTC", 2, "cli.usage"), ("USDT.e", 101, "cli.asset_not_on_chain")],
)
def test_fee_in_what_is_not_there(hub_of: Any, symbol: str, code: int, error: str) -> None:
    node, cli = hub_of(GENESIS["asset-hub-paseo"])
    result = cli("--json", "transfer", "//Alice", "//Bob", "1", "--fee-asset", symbol)
    assert (result.code, result.error["code"]) == (code, error)
    assert node.submitted == []


@pytest.mark.parametrize(
    ("chain", "symbol", "is_there"),
    [
        ("asset-hub-polkadot", "USDC.e", True),
        ("asset-hub-polkadot", "USDT", False),
        ("asset-hub-paseo", "USDT", True),
        ("asset-hub-paseo", "ETH", False),
        ("polkadot", "USDT", False),
    ],
)
def test_which_chain_has_what(hub_of: Any, chain: str, symbol: str, is_there: bool) -> None:
    _, cli = hub_of(GENESIS[chain])
    result = cli("assets", "balance", "//Bob", symbol)
    assert (result.code, result.out) == ((0, "0\n") if is_there else (101, ""))
    assert is_there or result.err == (
        f"error: cli.asset_not_on_chain: {symbol} is not on the chain that the node follows ({chain}) "
        f"[asset={symbol}, chain={chain}]\n"
    )


def test_unknown_chains_count_as_test_set_ups(hub_of: Any) -> None:
    _, cli = hub_of(b"\x01" * 32)
    assert cli("assets", "balance", "//Bob", "PEPE.e").out == "0\n"


def test_a_chain_without_assets(with_node: Cli) -> None:
    result = with_node("--json", "assets", "balance", "//Bob", "USDT")
    assert (result.code, result.error["code"]) == (101, "cli.asset_not_on_chain")


@pytest.mark.parametrize(
    "arguments",
    [
        ["balance", "//Bob"],
        ["balance", "//Bob", "usdt"],
        ["balance", "//Bob", "BTC"],
        ["transfer", "//Alice", "//Bob", "-1", "USDT"],
        ["transfer", "//Alice", "//Bob", "USDT", "1"],
        [],
    ],
)
def test_wrong_command_lines(cli: Cli, arguments: list[str]) -> None:
    result = cli("assets", *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: cli.usage: ")


@pytest.mark.parametrize("account", ["0x" + "11" * 32, "x", ""])
def test_recipients_are_not_named_by_secrets(cli: Cli, account: str) -> None:
    result = cli("--json", "assets", "balance", account, "USDT")
    assert (result.code, result.error["code"]) == (101, "client.unknown_account")
