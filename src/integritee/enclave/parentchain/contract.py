"""The parentchain as the enclave uses it: storage keys it wants proven, calls it makes, constants it reads.

Everything is resolved by name in the connected chain's metadata (worker `core-primitives/node-api/metadata`).
A chain that lacks a needed call is refused at connection, not when funds are at stake.

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
from integritee.primitives.enclave_bridge import ShardConfig
from integritee.primitives.ids import Id, ParentchainId
from integritee.primitives.sidechain import SidechainBlockConfirmation
from integritee.primitives.storage import blake2_map_key, pallet_version_key, storage_prefix
from integritee.primitives.teerex import Skip
from integritee.scale import encode_compact
from integritee.stf.asset_map import AssetId
from integritee.stf.effects import BridgePayment, Effect, Remark, VaultPayment

EVENTS_KEY: Final = storage_prefix("System", "Events")
RUNTIME_UPGRADE_KEY: Final = storage_prefix("System", "LastRuntimeUpgrade")

NEEDED_CALLS: Final = (
    ("Teerex", "register_sgx_enclave"),
    ("EnclaveBridge", "update_shard_config"),
    ("EnclaveBridge", "confirm_processed_parentchain_block"),
    ("Sidechain", "confirm_imported_sidechain_block"),
    ("Balances", "transfer_keep_alive"),
    ("Proxy", "add_proxy"),
    ("Proxy", "proxy"),
    ("Timestamp", "set"),
)


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
    """An effect on a parentchain that this enclave is not connected to."""

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


HERE: Final = ParentchainId.Integritee


@dataclass(frozen=True)
class WatchedKeys:
    """Storage keys proven with every block; `mirrored` ones enter the ledger's state, the rest steer the enclave."""

    shard_status: bytes
    shard_config: bytes
    confirmation: bytes
    bridge_version: bytes
    sidechain_version: bytes
    vault_account: bytes
    vault_proxies: bytes
    enclave_account: bytes
    registration: bytes

    @property
    def mirrored(self) -> tuple[bytes, ...]:
        return (
            self.bridge_version,
            self.shard_status,
            self.shard_config,
            self.sidechain_version,
            self.confirmation,
            self.vault_account,
        )

    def all(self) -> list[bytes]:
        own = (self.vault_proxies, self.enclave_account, self.registration)
        return [EVENTS_KEY, RUNTIME_UPGRADE_KEY, *self.mirrored, *own]


class ParentchainContract:
    """Calls and keys of one shard on one chain."""

    def __init__(self, metadata: RuntimeMetadata, shard: bytes, account: bytes, vault: bytes) -> None:
        self.metadata, self.shard, self.account, self.vault = metadata, shard, account, vault
        for pallet, call in NEEDED_CALLS:
            self._expect_call(pallet, call)
        self.watched = WatchedKeys(
            shard_status=blake2_map_key("EnclaveBridge", "ShardStatus", shard),
            shard_config=blake2_map_key("EnclaveBridge", "ShardConfigRegistry", shard),
            confirmation=blake2_map_key("Sidechain", "LatestSidechainBlockConfirmation", shard),
            bridge_version=pallet_version_key("EnclaveBridge"),
            sidechain_version=pallet_version_key("Sidechain"),
            vault_account=blake2_map_key("System", "Account", vault),
            vault_proxies=metadata.storage_key("Proxy", "Proxies", vault),
            enclave_account=blake2_map_key("System", "Account", account),
            registration=blake2_map_key("Teerex", "SovereignEnclaves", account),
        )

    # -- calls ---------------------------------------------------------------------------------------

    def register(self, mrenclave: bytes, url: str) -> bytes:
        """Register as a simulated enclave: attestation skipped, the proof is the bare MRENCLAVE."""
        args = {"proof": mrenclave, "worker_url": url.encode(), "attestation_method": Skip(False)}
        return self.metadata.call("Teerex", "register_sgx_enclave", args)

    def claim_shard(self, mrenclave: bytes) -> bytes:
        args = {"shard": self.shard, "shard_config": ShardConfig(mrenclave), "enactment_delay": 0}
        return self.metadata.call("EnclaveBridge", "update_shard_config", args)

    def fund_vault(self, amount: int) -> bytes:
        return self._transfer(self.vault, amount)

    def add_vault_proxy(self) -> bytes:
        args = {"delegate": Id(self.account), "proxy_type": "Any", "delay": 0}
        return self.metadata.call("Proxy", "add_proxy", args)

    def check(self, effect: Effect) -> None:
        """Raises EffectElsewhere, MissingCall or AssetUnknown if an effect cannot be had on this chain."""
        if isinstance(effect, VaultPayment | Remark) and effect.parentchain is not HERE:
            raise EffectElsewhere(effect.parentchain.name)
        match effect:
            case VaultPayment(asset=AssetId() as asset):
                self._asset_transfer(asset, bytes(32), 0)
            case BridgePayment():
                self._expect_call("EnclaveBridge", "unshield_funds")
            case Remark():
                self._expect_call("System", "remark")

    def call_of(self, effect: Effect) -> bytes:
        """The call that makes an effect happen. Raises as `check`."""
        match effect:
            case VaultPayment(beneficiary=beneficiary, amount=amount, asset=None):
                return self._as_vault(self._transfer(beneficiary, amount))
            case VaultPayment(beneficiary=beneficiary, amount=amount, asset=AssetId() as asset):
                return self._as_vault(self._asset_transfer(asset, beneficiary, amount))
            case BridgePayment(beneficiary=beneficiary, amount=amount, call_hash=call_hash):
                args = {"shard": self.shard, "beneficiary": beneficiary, "amount": amount, "call_hash": call_hash}
                return self.metadata.call("EnclaveBridge", "unshield_funds", args)
            case Remark(remark=remark):
                return self.metadata.call("System", "remark", {"remark": remark})
        raise TypeError(f"no effect on a parentchain: {type(effect)}")

    def _as_vault(self, call: bytes) -> bytes:
        args = {"real": Id(self.vault), "force_proxy_type": None, "call": call}
        return self.metadata.call("Proxy", "proxy", args)

    def _asset_transfer(self, asset: AssetId, beneficiary: bytes, amount: int) -> bytes:
        """`transfer_keep_alive` of the pallet that keeps the asset; ids are bytes, of whatever type they are."""
        reserve = asset.reserve
        if reserve is None:
            raise AssetUnknown(asset.symbol)
        index = self._expect_call(reserve.pallet, "transfer_keep_alive")
        return index + reserve.argument + b"\0" + beneficiary + encode_compact(amount)

    def _expect_call(self, pallet: str, call: str) -> bytes:
        try:
            return self.metadata.call_index(pallet, call)
        except UnknownName:
            raise MissingCall(pallet, call) from None

    def confirm_parentchain_block(self, block_hash: bytes, number: int, root: bytes) -> bytes:
        args = {
            "shard": self.shard,
            "block_hash": block_hash,
            "block_number": number,
            "trusted_calls_merkle_root": root,
        }
        return self.metadata.call("EnclaveBridge", "confirm_processed_parentchain_block", args)

    def confirm_sidechain_block(
        self, ancestor: SidechainBlockConfirmation | None, candidate: SidechainBlockConfirmation
    ) -> bytes:
        args = {
            "shard": self.shard,
            "latest_finalized_ancestor": ancestor,
            "finalization_candidate": candidate,
        }
        return self.metadata.call("Sidechain", "confirm_imported_sidechain_block", args)

    def _transfer(self, dest: bytes, amount: int) -> bytes:
        return self.metadata.call("Balances", "transfer_keep_alive", {"dest": Id(dest), "value": amount})
