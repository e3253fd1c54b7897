"""A chain of an asset hub's kind, to shield assets from: its pallets, indexes and way to charge, without relay chain.

Source: asset-hub-polkadot (polkadot-fellows runtimes). GRANDPA and Sudo are a solo chain's; fees in assets are those
of pallet-asset-tx-payment, at a fixed rate instead of a pool's. The token has 12 decimals, deposits are as there. The
chain begins with every asset that the private ledger knows to come from a local asset hub.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Final

from integritee.frame.extrinsic import ASSET_FEE_EXTENSIONS, Extension
from integritee.frame.pallets.asset_tx_payment import AssetTxPayment
from integritee.frame.pallets.aura import Aura
from integritee.frame.pallets.balances import Balances
from integritee.frame.pallets.foreign_assets import ForeignAssets
from integritee.frame.pallets.grandpa import Grandpa
from integritee.frame.pallets.sudo import Sudo
from integritee.frame.pallets.system import RuntimeVersion, System
from integritee.frame.pallets.timestamp import Timestamp
from integritee.frame.pallets.transaction_payment import TransactionPayment
from integritee.frame.pallets.trust_backed_assets import TrustBackedAssets
from integritee.frame.runtime import use
from integritee.node.pallets.multisig import Multisig
from integritee.node.pallets.proxy import Proxy
from integritee.node.pallets.utility import Utility
from integritee.primitives.location import X1, X2, AccountKey20, Ethereum, GlobalConsensus, Location

from .api import NODE_APIS
from .assets import GenesisAsset
from .presets import ALICE, BOB, DEVELOPMENT, GenesisConfig, NodeRuntime

NAME: Final = "asset-hub-solo"
CODE: Final = b"asset-hub-solo, in Python"

UNIT: Final = 10**12
MILLIUNIT: Final = 10**9
EXISTENTIAL_DEPOSIT: Final = MILLIUNIT

TOKENS_OF_EACH_ASSET: Final = 10_000
"""What //Alice and //Bob hold of every asset."""


def storage_deposit(items: int, size: int) -> int:
    """Deposit for `items` storage entries of `size` bytes together."""
    return items * UNIT // 5 + size * UNIT // 100_000


VERSION: Final = RuntimeVersion(
    spec_name=NAME,
    impl_name=NAME,
    authoring_version=1,
    spec_version=1,
    impl_version=1,
    apis=[api.identifier() for api in NODE_APIS],
    transaction_version=1,
    system_version=0,
)


MAINNET: Final = 1
SEPOLIA: Final = 11_155_111
"""Chain ids of Ethereum networks."""


def ether(chain: int) -> Location:
    """An Ethereum network's own token."""
    return Location(2, X1([GlobalConsensus(Ethereum(chain))]))


def erc20(contract: str, chain: int = MAINNET) -> Location:
    """A token by its contract, in hex."""
    key = AccountKey20(None, bytes.fromhex(contract))
    return Location(2, X2([GlobalConsensus(Ethereum(chain)), key]))


def _asset(id: int | Location, symbol: str, decimals: int, min_balance: int) -> GenesisAsset:
    held = TOKENS_OF_EACH_ASSET * 10**decimals
    return GenesisAsset(id, symbol, decimals, min_balance, ALICE, {ALICE: held, BOB: held})


ASSETS: Final = (
    _asset(1984, "USDT", 6, 10_000),
    _asset(1337, "USDC", 6, 10_000),
    _asset(erc20("dac17f958d2ee523a2206206994597c13d831ec7"), "USDT.e", 6, 10_000),
    _asset(erc20("a0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"), "USDC.e", 6, 10_000),
    _asset(erc20("1abaea1f7c830bd89acc67ec4af516284b1bc33c"), "EURC.e", 6, 10_000),
    _asset(ether(MAINNET), "ETH", 18, 5 * 10**12),
    _asset(erc20("fff9976782d46cc05630d1f6ebab18b2324d6b14", SEPOLIA), "WETH", 18, 5 * 10**12),
    _asset(erc20("2260fac5e5542a773aa44fbcfedf7c193bc2c599"), "WBTC.e", 8, 14),
    _asset(erc20("6982508145454ce325ddbe47a25d4ec3d2311933"), "PEPE.e", 18, 10**21),
)
"""What can be shielded from a local asset hub; the least holding is worth about a cent."""


class TargetBRuntime(NodeRuntime):
    """The runtime of target B."""

    name = "asset_hub_solo_runtime"
    metadata_token = (12, "UNIT")
    code: ClassVar[bytes] = CODE
    presets: ClassVar[Mapping[str, GenesisConfig]] = {"development": replace(DEVELOPMENT, code=CODE, assets=ASSETS)}
    pallet_names: ClassVar[dict[str, str]] = {"assets": "Assets"}
    signed_extensions: ClassVar[tuple[Extension, ...]] = ASSET_FEE_EXTENSIONS

    system = use(0, System, version=VERSION, ss58_prefix=42, block_hash_count=4096)
    timestamp = use(3, Timestamp)
    sudo = use(5, Sudo)
    balances = use(10, Balances, existential_deposit=EXISTENTIAL_DEPOSIT)
    transaction_payment = use(11, TransactionPayment)
    asset_tx_payment = use(13, AssetTxPayment)
    aura = use(23, Aura)
    grandpa = use(25, Grandpa)
    utility = use(40, Utility)
    multisig = use(41, Multisig, deposit_base=storage_deposit(1, 88), deposit_factor=storage_deposit(0, 32))
    proxy = use(
        42,
        Proxy,
        proxy_deposit_base=storage_deposit(1, 40),
        proxy_deposit_factor=storage_deposit(0, 33),
        announcement_deposit_base=storage_deposit(1, 48),
        announcement_deposit_factor=storage_deposit(0, 66),
    )
    assets = use(50, TrustBackedAssets, asset_deposit=storage_deposit(1, 190))
    foreign_assets = use(53, ForeignAssets, asset_deposit=storage_deposit(1, 190))
