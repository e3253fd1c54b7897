"""A parentchain as the enclave uses it: storage it wants proven, calls it makes.

Everything is resolved by name in the connected chain's metadata (worker `core-primitives/node-api/metadata`).
What a chain is used for depends on its place: Integritee has the registry of enclaves and shards (`bridge`), one
chain has the shard's vault (`vault`). A chain that lacks a needed call is refused at connection, not when funds
are at stake.

    ContractError
    ├── MissingCall
    ├── EffectElsewhere
    └── AssetUnknown
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from integritee.errors import IntegriteeError
from integritee.metadata import RuntimeMetadata
from integritee.metadata.errors import UnknownName
from integritee.primitives.ids import Id, ParentchainId
from integritee.primitives.storage import blake2_map_key, storage_prefix
from integritee.stf.asset_map import AssetId
from integritee.stf.effects import BridgePayment, Effect, Remark, VaultPayment

from .bridge import BridgeContract
from .vault import VaultContract

EVENTS_KEY: Final = storage_prefix("System", "Events")
RUNTIME_UPGRADE_KEY: Final = storage_prefix("System", "LastRuntimeUpgrade")

EVERYWHERE: Final = (("Timestamp", "set"),)
BRIDGE_CALLS: Final = (
    ("Teerex", "register_sgx_enclave"),
    ("EnclaveBridge", "update_shard_config"),
    ("EnclaveBridge", "confirm_processed_parentchain_block"),
    ("Sidechain", "confirm_imported_sidechain_block"),
)
VAULT_CALLS: Final = (("Balances", "transfer_keep_alive"), ("Proxy", "add_proxy"), ("Proxy", "proxy"))
"""What a chain must offer, by what it is used for."""


class ContractError(IntegriteeError):
    """A call to the parentchain cannot be composed."""

    code = "parentchain.contract"


class MissingCall(ContractError):
    """The parentchain's runtime lacks a call that the enclave needs."""

    code = "parentchain.missing_call"

    def __init__(self, pallet: str, call: str) -> None:
        self.pallet, self.call = pallet, call
        super().__init__(f"the parentchain has no call {pallet}.{call}")


class EffectElsewhere(ContractError):
    """An effect on a parentchain that this enclave is not connected to, or that does not hold the vault."""

    code = "parentchain.not_connected"

    def __init__(self, parentchain: str) -> None:
        self.parentchain = parentchain
        super().__init__(f"the enclave is not connected to {parentchain}")


class AssetUnknown(ContractError):
    """An asset without a place on any parentchain."""

    code = "parentchain.asset_unknown"

    def __init__(self, asset: str) -> None:
        self.asset = asset
        super().__init__(f"{asset} has no place on the parentchain")


@dataclass(frozen=True)
class Place:
    """The shard's place on a parentchain: the enclave's account there, and the vault's if it is on this chain.

    `wanted_by_apps` is storage of the chain that apps of the ledger mirror (`stf.mirror`)."""

    id: ParentchainId
    shard: bytes
    account: bytes
    vault: bytes | None
    wanted_by_apps: tuple[bytes, ...] = ()


class ParentchainContract:
    """Calls and keys of one shard on one chain, of which `assets` can be shielded.

    `bridge` is there on Integritee only, `vault` on the chain that funds come from only. Raises MissingCall.
    """

    def __init__(self, metadata: RuntimeMetadata, place: Place, assets: tuple[AssetId, ...] = ()) -> None:
        self.metadata, self.id, self.account = metadata, place.id, place.account
        is_bridge = place.id is ParentchainId.Integritee
        for pallet, call in EVERYWHERE + (BRIDGE_CALLS if is_bridge else ()) + (VAULT_CALLS if place.vault else ()):
            self._expect_call(pallet, call)
        self.bridge = BridgeContract(metadata, place.shard, place.account) if is_bridge else None
        self.vault = VaultContract(metadata, place.vault, place.account, assets) if place.vault else None
        self.wanted_by_apps = place.wanted_by_apps
        self.enclave_account: Final = blake2_map_key("System", "Account", place.account)

    @property
    def mirrored(self) -> tuple[bytes, ...]:
        """Storage that enters the ledger's state, as proven with every block."""
        bridge = self.bridge.keys.mirrored if self.bridge else ()
        return bridge + (self.vault.keys.mirrored if self.vault else ()) + self.wanted_by_apps

    def watched(self) -> list[bytes]:
        """Storage proven with every block: what is mirrored, and what steers the enclave."""
        steering = [self.enclave_account]
        if self.bridge:
            steering.append(self.bridge.keys.registration)
        if self.vault:
            steering.append(self.vault.keys.proxies)
        return [EVENTS_KEY, RUNTIME_UPGRADE_KEY, *self.mirrored, *steering]

    # -- effects of the ledger -----------------------------------------------------------------------

    def check(self, effect: Effect) -> None:
        """Raises EffectElsewhere, MissingCall or AssetUnknown if an effect cannot be had on this chain."""
        match effect:
            case VaultPayment(asset=AssetId() as asset):
                self._vault_of(effect.parentchain)
                self._expect_asset(asset)
            case VaultPayment(parentchain=parentchain):
                self._vault_of(parentchain)
            case BridgePayment():
                self._bridge_here()
                self._expect_call("EnclaveBridge", "unshield_funds")
            case Remark(parentchain=parentchain):
                self._expect_here(parentchain)
                self._expect_call("System", "remark")

    def call_of(self, effect: Effect) -> bytes:
        """The call that makes an effect happen. Raises as `check`."""
        self.check(effect)
        match effect:
            case VaultPayment(beneficiary=beneficiary, amount=amount, asset=asset):
                return self._vault_of(effect.parentchain).pay(beneficiary, amount, asset)
            case BridgePayment(beneficiary=beneficiary, amount=amount, call_hash=call_hash):
                return self._bridge_here().unshield_funds(beneficiary, amount, call_hash)
            case Remark(remark=remark):
                return self.metadata.call("System", "remark", {"remark": remark})
        raise TypeError(f"no effect on a parentchain: {type(effect)}")

    def fund_vault(self, amount: int) -> bytes:
        """A transfer of the enclave's own money to the vault."""
        args = {"dest": Id(self._vault_of(self.id).account), "value": amount}
        return self.metadata.call("Balances", "transfer_keep_alive", args)

    def _expect_here(self, parentchain: ParentchainId) -> None:
        if parentchain is not self.id:
            raise EffectElsewhere(parentchain.name)

    def _vault_of(self, parentchain: ParentchainId) -> VaultContract:
        self._expect_here(parentchain)
        if self.vault is None:
            raise EffectElsewhere(parentchain.name)
        return self.vault

    def _bridge_here(self) -> BridgeContract:
        if self.bridge is None:
            raise EffectElsewhere(ParentchainId.Integritee.name)
        return self.bridge

    def _expect_asset(self, asset: AssetId) -> None:
        if asset.reserve is None:
            raise AssetUnknown(asset.symbol)
        self._expect_call(asset.reserve.pallet, "transfer_keep_alive")

    def _expect_call(self, pallet: str, call: str) -> None:
        try:
            self.metadata.call_index(pallet, call)
        except UnknownName:
            raise MissingCall(pallet, call) from None
