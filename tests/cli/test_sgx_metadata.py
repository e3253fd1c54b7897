"""`print-sgx-metadata`: the ledger's runtime as metadata describes it, pallets of apps included."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integritee.apps.catalog import client_ledger
from integritee.stf.asset_map import AssetId

from .conftest import Cli

RUNTIME = client_ledger().runtime


@pytest.fixture
def metadata(with_enclave: Cli) -> dict[str, Any]:
    found: dict[str, Any] = with_enclave("--json", "print-sgx-metadata").json["metadata"]["metadata"]["v14"]
    return found


def pallet(metadata: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in metadata["pallets"] if each["name"] == name)
    return found


def test_every_pallet_in_order_of_index(metadata: dict[str, Any]) -> None:
    expected = sorted((use.index, RUNTIME.pallet_name(attribute)) for attribute, use in RUNTIME.uses.items())
    assert [(pallet["index"], pallet["name"]) for pallet in metadata["pallets"]] == expected


def test_pallets_without_calls(metadata: dict[str, Any]) -> None:
    """Trusted calls are no dispatchables: most pallets have state only."""
    assert pallet(metadata, "Notes")["calls"] is None
    assert pallet(metadata, "Balances")["calls"] is not None


def test_storage_by_asset(metadata: dict[str, Any]) -> None:
    """The key is the enum of assets, each under its discriminant."""
    (asset, _) = pallet(metadata, "Assets")["storage"]["items"]
    assert (asset["name"], asset["type"]["map"]["hashers"]) == ("Asset", ["Blake2_128Concat"])
    key = metadata["lookup"]["types"][asset["type"]["map"]["key"]]["type"]
    assert key["path"] == ["ita_assets_map", "AssetId"]
    variants = {each["name"]: each["index"] for each in key["def"]["variant"]["variants"]}
    assert variants == {asset.name: asset.value for asset in AssetId}


def test_text_and_json_show_the_same(with_enclave: Cli, metadata: dict[str, Any]) -> None:
    text = with_enclave("print-sgx-metadata").out
    assert json.loads(text.partition("Metadata:\n ")[2])["metadata"]["v14"] == metadata
