"""Assets that a chain begins with: pallet Assets' part of the genesis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from integritee.crypto import ss58_encode
from integritee.frame.pallets.asset_calls import AssetCalls, AssetMetadata
from integritee.frame.pallets.foreign_assets import ForeignAssets
from integritee.frame.pallets.trust_backed_assets import TrustBackedAssets
from integritee.frame.runtime import Runtime
from integritee.primitives.location import Location
from integritee.scale import to_json


@dataclass(frozen=True)
class GenesisAsset:
    """An asset by its number or location. Accounts exist by their holdings alone.

    `min_balance` and `holders` are in base units.
    """

    id: int | Location
    symbol: str
    decimals: int
    min_balance: int
    owner: bytes
    holders: Mapping[bytes, int]


def write_assets(runtime: Runtime, assets: Iterable[GenesisAsset]) -> None:
    """Write the assets into the state of a runtime that has the pallets for them."""
    for asset in assets:
        foreign = isinstance(asset.id, Location)
        pallet: AssetCalls[Any] = runtime.pallet(ForeignAssets) if foreign else runtime.pallet(TrustBackedAssets)
        pallet.establish(asset.id, asset.owner, is_sufficient=True, min_balance=asset.min_balance)
        name = asset.symbol.encode()
        pallet.metadata.put(asset.id, AssetMetadata(0, name, name, asset.decimals, False))
        for who, amount in asset.holders.items():
            pallet.mint_into(asset.id, who, amount)


def assets_to_json(assets: Iterable[GenesisAsset]) -> dict[str, Any]:
    """The sections of both pallets in chain specifications that are not raw."""
    numbered = [asset for asset in assets if not isinstance(asset.id, Location)]
    foreign = [asset for asset in assets if isinstance(asset.id, Location)]
    return {"assets": _section(numbered), "foreignAssets": _section(foreign)}


def _section(assets: list[GenesisAsset]) -> dict[str, Any]:
    return {
        "assets": [[to_json(a.id), ss58_encode(a.owner), True, a.min_balance] for a in assets],
        "metadata": [[to_json(a.id), a.symbol, a.symbol, a.decimals] for a in assets],
        "accounts": [[to_json(a.id), ss58_encode(w), held] for a in assets for w, held in a.holders.items()],
    }
