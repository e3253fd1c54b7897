"""`assets`: assets of the parentchain that can be brought into the private ledger (worker `cli/src/assets`).

Which asset is where follows from the ledger's asset map and from the genesis hash of the connected chain. A chain
that is not known counts as one of a test set-up: it has an asset if it has the asset's pallet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .arguments import Commands, Options, amount, command, group
from .fees import add_fee_asset
from .output import Output

if TYPE_CHECKING:
    from integritee.client.parentchain import ParentchainClient
    from integritee.metadata import RuntimeMetadata
    from integritee.stf.asset_map import AssetId, Reserve

ACCOUNTS: Final = "Account"
"""Storage of pallets Assets and ForeignAssets: what accounts hold."""


def add_commands(commands: Commands) -> None:
    assets = group(commands, "assets", "assets of the parentchain", "assets_command")
    balance_ = command(assets, "balance", balance, "balance of an asset")
    balance_.add_argument("account", help="SS58 address or //Path")
    balance_.add_argument("asset", help="symbol, such as USDT or USDC.e")
    transfer_ = command(assets, "transfer", transfer, "transfer an asset between parentchain accounts")
    transfer_.add_argument("from_", metavar="from", help="//Path, seed, phrase, or SS58 address in ./my_keystore")
    transfer_.add_argument("to", help="SS58 address or //Path")
    transfer_.add_argument("amount", type=amount, help="in the smallest units of the asset")
    transfer_.add_argument("asset", help="symbol, such as USDT or USDC.e")
    add_fee_asset(transfer_)


async def balance(options: Options, output: Output) -> None:
    from integritee.client.accounts import recipient

    from .connections import node

    account, asset = recipient(options.account), asset_named(options.asset)
    async with await node(options) as chain:
        reserve = reserve_on(chain, asset)
        raw = await chain.raw_storage(_account_key(chain.runtime.metadata, reserve, account))
        held = chain.runtime.metadata.decode_storage(reserve.pallet, ACCOUNTS, raw)
    output.answer("balance", str(0 if held is None else held["balance"]))


async def transfer(options: Options, output: Output) -> None:
    from integritee.client.accounts import recipient, signer
    from integritee.client.keystore import KeyStore

    from .base import report_inclusion
    from .connections import include, node
    from .fees import signed

    pair, to, asset = signer(options.from_, KeyStore.base()), recipient(options.to), asset_named(options.asset)
    async with await node(options) as chain:
        reserve, metadata = reserve_on(chain, asset), chain.runtime.metadata
        asset_id, _ = metadata.storage_map_keys(reserve.pallet, ACCOUNTS, _account_key(metadata, reserve, to))
        arguments = {"id": asset_id, "target": {"Id": to}, "amount": options.amount}
        call = chain.call(reserve.pallet, "transfer", arguments)
        inclusion = await include(options, chain, await signed(options, chain, call, pair))
    report_inclusion(output, "L1 extrinsic", inclusion)


def asset_named(symbol: str) -> AssetId:
    """Raises UsageError."""
    from integritee.stf.asset_map import AssetId, UnknownAssetSymbol

    from .errors import UsageError

    try:
        return AssetId.parse(symbol)
    except UnknownAssetSymbol as unknown:
        raise UsageError(str(unknown)) from None


def reserve_on(chain: ParentchainClient, asset: AssetId) -> Reserve:
    """Where the connected chain keeps an asset. Raises AssetNotOnChain."""
    from integritee.stf.chain_specs import spec_of

    from .errors import AssetNotOnChain

    spec = spec_of(chain.genesis_hash, development=True)
    reserve = asset.reserve
    if reserve is None or asset not in spec.assets or not chain.runtime.metadata.has_pallet(reserve.pallet):
        raise AssetNotOnChain(asset.symbol, spec.name)
    return reserve


def _account_key(metadata: RuntimeMetadata, reserve: Reserve, account: bytes) -> bytes:
    """Storage key of what an account holds of an asset."""
    from integritee.crypto import blake2_128_concat

    prefix = metadata.storage_prefix(reserve.pallet, ACCOUNTS)
    return prefix + blake2_128_concat(reserve.key) + blake2_128_concat(account)
