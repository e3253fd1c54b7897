"""What calls that move funds between the ledger and a parentchain check first."""

from __future__ import annotations

from integritee.primitives.ids import ParentchainId
from integritee.stf.asset_map import AssetId
from integritee.stf.declare import Context
from integritee.stf.errors import AssetNotShieldable, NoShardVault, WrongParentchainForVault, WrongShard
from integritee.stf.runtime import LedgerRuntime


def expect_shard(ctx: Context, named: bytes) -> None:
    """Raises WrongShard if a call names another shard than the one it runs in."""
    if named != ctx.shard:
        raise WrongShard(named, ctx.shard)


def expect_vault(runtime: LedgerRuntime) -> ParentchainId:
    """The chain the shard's vault lives on. Raises NoShardVault."""
    vault = runtime.vault()
    if vault is None:
        raise NoShardVault
    return vault[1]


def expect_vault_on(runtime: LedgerRuntime, parentchain: ParentchainId) -> None:
    """Raises NoShardVault, WrongParentchainForVault."""
    found = expect_vault(runtime)
    if parentchain is not found:
        raise WrongParentchainForVault(parentchain.name, found.name)


def expect_shieldable(runtime: LedgerRuntime, asset: AssetId) -> None:
    """Raises AssetNotShieldable if the asset does not exist on the chain that funds come from."""
    spec = runtime.chain_spec()
    if asset not in spec.assets:
        raise AssetNotShieldable(asset.symbol, spec.name)
