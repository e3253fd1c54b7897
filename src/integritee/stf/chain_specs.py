"""What the ledger knows of parentchains by their genesis hash (worker `app-libs/parentchain-specs`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .asset_map import ASSET_HUB_LOCAL, ASSET_HUB_PASEO, ASSET_HUB_POLKADOT, AssetId


@dataclass(frozen=True)
class ChainSpec:
    """`decimals` of the native token; blocks from maintenance mode to retirement; whether real money lives there.

    `assets` can be shielded from the chain, in the order in which they pay fees.
    """

    name: str
    decimals: int = 12
    retirement_delay: int = 7200
    production: bool = False
    assets: tuple[AssetId, ...] = ()

    @property
    def one(self) -> int:
        """Base units of one native token."""
        return int(10**self.decimals)


UNKNOWN: Final = ChainSpec("unknown")

DEVELOPMENT: Final = ChainSpec("development", assets=ASSET_HUB_LOCAL)
"""What unknown chains count as in a development ledger: they offer every asset there is."""

CHAIN_SPECS: Final = {
    bytes.fromhex(genesis): spec
    for genesis, spec in {
        "77afd6190f1554ad45fd0d31aee62aacc33c6db0ea801129acb813f913e0764f": ChainSpec("paseo", 10, 300),
        "d6eec26135305a8ad257a20d003357284c8aa03d0bdb2b357ab0a22371e11ef2": ChainSpec(
            "asset-hub-paseo", 10, 300, assets=ASSET_HUB_PASEO
        ),
        "1b69c462cd7dfea0e855c2008b66490cc8bbe90bc80b297ec0896a1c0941ce15": ChainSpec("integritee-paseo", 12, 300),
        "cdedc8eadbfa209d3f207bba541e57c3c58a667b05a2e1d1e86353c9000758da": ChainSpec(
            "integritee-kusama", 12, 216_000, True
        ),
        "e13e7af377c64e83f95e0d70d5e5c3c01d697a84538776c5b9bbe0e7d7b6034c": ChainSpec(
            "integritee-polkadot", 12, 216_000, True
        ),
        "b0a8d493285c2df73290dfb7e61f870f17b41801197a149ca93654499ea3dafe": ChainSpec("kusama", 12, 216_000, True),
        "48239ef607d7928874027a43a67689209727dfb3d3dc5e5b03a39bdc2eda771a": ChainSpec(
            "asset-hub-kusama", 12, 216_000, True
        ),
        "91b171bb158e2d3848fa23a9f1c25182fb8e20313b2c1eb49219da7a70ce90c3": ChainSpec("polkadot", 10, 216_000, True),
        "68d56f15f85d3136970ec16946040bc1752654e906147f7e43e9d539d7c3de2f": ChainSpec(
            "asset-hub-polkadot", 10, 216_000, True, ASSET_HUB_POLKADOT
        ),
        "6ca6d29ad6c4a200c4af356f74f03d6467dbc8a6e9ef225a2e672a990e1c7ead": ChainSpec("local-test", 12, 20),
        "af94f065f724b64ec40a7dd7ca3d25b3493d462f1e991b979e7683ae2a5da8d6": ChainSpec(
            "local-asset-hub", 12, 20, assets=ASSET_HUB_LOCAL
        ),
    }.items()
}


def spec_of(genesis_hash: bytes, development: bool = False) -> ChainSpec:
    """Facts of a chain; unknown ones have 12 decimals and no assets, or all of them in a `development` ledger."""
    return CHAIN_SPECS.get(genesis_hash, DEVELOPMENT if development else UNKNOWN)
