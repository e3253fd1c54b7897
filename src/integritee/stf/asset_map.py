"""Assets of the ledger, and where they live on the parentchains that funds come from.

An asset of the ledger stands for one asset of the parentchain: one of pallet Assets, known by a number, or one of
pallet ForeignAssets, known by an XCM location. Which assets a chain offers is a fact of the chain
(`chain_specs`); the ordered lists are here. Source: worker `app-libs/assets-map`; fees: `app-libs/stf`.
"""

from __future__ import annotations

import enum
from collections.abc import Container
from dataclasses import dataclass
from typing import Final, NamedTuple

from integritee.scale import Compact, encode, u32, u64

from .errors import StfError

NATIVE_PALLET: Final = "Assets"
FOREIGN_PALLET: Final = "ForeignAssets"

ETHEREUM: Final = 1
SEPOLIA: Final = 11_155_111
"""Chain ids of Ethereum networks."""


class UnknownAssetSymbol(StfError):
    """No asset of the ledger has this name."""

    code = "stf.unknown_asset_symbol"

    def __init__(self, found: str) -> None:
        self.found = found
        known = ", ".join(asset.symbol for asset in AssetId if asset.reserve is not None)
        super().__init__(f"{found} is no asset of the ledger; there are {known}")


class AssetId(enum.IntEnum):
    """An asset; one byte on the wire. ``_E`` marks tokens bridged from Ethereum, shown as ``.e``."""

    scale_path = enum.nonmember("ita_assets_map::AssetId")
    USDT = 10
    USDT_E = 11
    USDC = 20
    USDC_E = 21
    EURC_E = 23
    ETH = 30
    WETH = 31
    BTC = 36
    """A number kept free: no bridge brings it yet."""
    WBTC_E = 37
    PEPE_E = 40

    def __str__(self) -> str:
        return self.symbol

    @property
    def symbol(self) -> str:
        """What people call it, e.g. ``USDT.e``."""
        return self.name.replace("_E", ".e")

    @property
    def decimals(self) -> int:
        return _FACTS[self].decimals

    @property
    def one_unit(self) -> int:
        """Base units of one token."""
        return int(10**self.decimals)

    @property
    def reserve(self) -> Reserve | None:
        """Where the parentchain keeps it; None if it lives nowhere."""
        return _FACTS[self].reserve

    @classmethod
    def parse(cls, symbol: str) -> AssetId:
        """The asset people call so. Raises UnknownAssetSymbol, also for one that lives nowhere."""
        for asset in cls:
            if asset.symbol == symbol and asset.reserve is not None:
                return asset
        raise UnknownAssetSymbol(symbol)


# -- on the parentchain ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reserve:
    """An asset of the parentchain: its pallet and its id, SCALE-encoded.

    `argument` is the id as calls take it, `key` as it stands in storage keys and events.
    """

    pallet: str
    argument: bytes
    key: bytes


def native_asset(number: int) -> Reserve:
    """An asset of pallet Assets (u32; compact in calls)."""
    return Reserve(NATIVE_PALLET, encode(Compact[u32], number), encode(u32, number))


def foreign_asset(location: bytes) -> Reserve:
    """An asset of pallet ForeignAssets, by its SCALE-encoded XCM location."""
    return Reserve(FOREIGN_PALLET, location, location)


def ethereum_location(chain: int, contract: bytes | None = None) -> bytes:
    """XCM location (v3 to v5) of an ERC-20 token by its 20-byte contract, or of an Ethereum network's own token.

    Two parents up, then GlobalConsensus(Ethereum) and, for a token, AccountKey20 of any network.
    """
    network = b"\x09\x07" + encode(Compact[u64], chain)
    return b"\x02\x01" + network if contract is None else b"\x02\x02" + network + b"\x03\x00" + contract


def _erc20(contract: str, chain: int = ETHEREUM) -> Reserve:
    return foreign_asset(ethereum_location(chain, bytes.fromhex(contract)))


class _Facts(NamedTuple):
    decimals: int
    reserve: Reserve | None
    fee_times: int = 1
    fee_over: int = 1


_FACTS: Final = {
    AssetId.USDT: _Facts(6, native_asset(1984)),
    AssetId.USDT_E: _Facts(6, _erc20("dac17f958d2ee523a2206206994597c13d831ec7")),
    AssetId.USDC: _Facts(6, native_asset(1337)),
    AssetId.USDC_E: _Facts(6, _erc20("a0b86991c6218b36c1d19d4a2e9eb0ce3606eb48")),
    AssetId.EURC_E: _Facts(6, _erc20("1abaea1f7c830bd89acc67ec4af516284b1bc33c")),
    AssetId.ETH: _Facts(18, foreign_asset(ethereum_location(ETHEREUM)), fee_over=2_000),
    AssetId.WETH: _Facts(18, _erc20("fff9976782d46cc05630d1f6ebab18b2324d6b14", SEPOLIA), fee_over=2_000),
    AssetId.BTC: _Facts(8, None, fee_over=70_000),
    AssetId.WBTC_E: _Facts(8, _erc20("2260fac5e5542a773aa44fbcfedf7c193bc2c599"), fee_over=70_000),
    AssetId.PEPE_E: _Facts(18, _erc20("6982508145454ce325ddbe47a25d4ec3d2311933"), fee_times=111_000),
}

_AT: Final = {(f.reserve.pallet, f.reserve.key): asset for asset, f in _FACTS.items() if f.reserve is not None}


def by_number(number: int, shieldable: Container[AssetId]) -> AssetId | None:
    """The asset that pallet Assets knows by a number, if the chain offers it. `number`: u32."""
    return _among(NATIVE_PALLET, encode(u32, number), shieldable)


def by_location(location: bytes, shieldable: Container[AssetId]) -> AssetId | None:
    """The asset at a SCALE-encoded XCM location, if the chain offers it."""
    return _among(FOREIGN_PALLET, location, shieldable)


def _among(pallet: str, key: bytes, shieldable: Container[AssetId]) -> AssetId | None:
    found = _AT.get((pallet, key))
    return found if found is not None and found in shieldable else None


# -- by chain ----------------------------------------------------------------------------------------

ASSET_HUB_LOCAL: Final = (
    AssetId.USDT,
    AssetId.USDT_E,
    AssetId.USDC,
    AssetId.USDC_E,
    AssetId.EURC_E,
    AssetId.WETH,
    AssetId.ETH,
    AssetId.WBTC_E,
    AssetId.PEPE_E,
)
ASSET_HUB_PASEO: Final = (AssetId.USDT, AssetId.USDC, AssetId.WETH)
ASSET_HUB_POLKADOT: Final = (
    AssetId.USDT_E,
    AssetId.USDC_E,
    AssetId.EURC_E,
    AssetId.ETH,
    AssetId.WBTC_E,
    AssetId.PEPE_E,
)
"""What can be shielded from a chain, in the order in which assets pay fees and are listed to wallets."""


# -- fees --------------------------------------------------------------------------------------------


def in_asset(fee: int, asset: AssetId) -> int:
    """A fee in base units of an asset, from `fee` as computed for `one_unit` of it.

    Computed fees suit tokens worth about a dollar; others are scaled by roughly what they are worth, rounded down.
    """
    facts = _FACTS[asset]
    return fee * facts.fee_times // facts.fee_over
