"""``--fee-asset``: the parentchain's fee paid in an asset, on chains that take it (an addition to the original)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .arguments import Options, Parser

if TYPE_CHECKING:
    from integritee.client.parentchain import ParentchainClient
    from integritee.crypto import KeyPair
    from integritee.metadata import RuntimeMetadata
    from integritee.stf.asset_map import Reserve

ASSETS: Final = "Asset"
"""Storage of pallets Assets and ForeignAssets: the assets that there are."""


def add_fee_asset(parser: Parser) -> None:
    parser.add_argument("--fee-asset", metavar="ASSET", help="what pays the fee; default: the chain's native token")


async def signed(options: Options, chain: ParentchainClient, call: bytes, pair: KeyPair) -> bytes:
    """The call as an extrinsic whose fee is paid as ``--fee-asset`` says.

    Raises UsageError, AssetNotOnChain, FeeNotInAsset, and as `ParentchainClient.sign` does.
    """
    from integritee.metadata.errors import ExtensionValueRefused, MissingExtension

    from .assets import asset_named, reserve_on
    from .errors import FeeNotInAsset

    if options.fee_asset is None:
        return await chain.sign(call, pair)
    reserve = reserve_on(chain, asset_named(options.fee_asset))
    try:
        return await chain.sign(call, pair, asset=paying_asset(chain.runtime.metadata, reserve))
    except (ExtensionValueRefused, MissingExtension):
        raise FeeNotInAsset(options.fee_asset) from None


def paying_asset(metadata: RuntimeMetadata, reserve: Reserve) -> Any:
    """The id by which extrinsics name an asset that pays their fee.

    It is the one that its pallet knows it by, or on asset hubs that have pools of assets the location of any: what is
    in pallet Assets is below that pallet (asset-hub runtimes, `ChargeAssetTxPayment`).
    """
    from integritee.crypto import blake2_128_concat
    from integritee.metadata.extensions import ASSET_PAYMENT
    from integritee.scale import EncodeError
    from integritee.stf.asset_map import NATIVE_PALLET

    key = metadata.storage_prefix(reserve.pallet, ASSETS) + blake2_128_concat(reserve.key)
    (asset_id,) = metadata.storage_map_keys(reserve.pallet, ASSETS, key)
    if reserve.pallet != NATIVE_PALLET:
        return asset_id
    for extension in metadata.signed_extensions:
        if extension.identifier == ASSET_PAYMENT:
            try:
                metadata.encode_type(extension.type, {"tip": 0, "asset_id": asset_id})
            except EncodeError:
                place = [{"PalletInstance": metadata.pallet(NATIVE_PALLET).index}, {"GeneralIndex": asset_id}]
                return {"parents": 0, "interior": {"X2": place}}
    return asset_id
