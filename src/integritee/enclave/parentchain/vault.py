"""The shard's vault on the chain that funds come from: what is paid in and out, and who may pay.

The vault's key signs once, to make the enclave its proxy; from then on the enclave's account pays in its name
(worker `enclave-runtime/src/shard_vault.rs`). Assets are those of pallets Assets and ForeignAssets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from integritee.metadata import RuntimeMetadata
from integritee.metadata.errors import MetadataError
from integritee.primitives.ids import Id
from integritee.primitives.storage import blake2_map_key
from integritee.scale import ScaleError, codec, encode_compact, u128
from integritee.stf.asset_map import AssetId

BALANCE: Final = codec(u128)
BALANCE_LENGTH: Final = 16
"""What the record of an account in pallet Assets begins with."""


@dataclass(frozen=True)
class VaultKeys:
    """Storage of the vault: its account, whom it lets act for it, and its accounts of shieldable assets."""

    account: bytes
    proxies: bytes
    assets: tuple[bytes, ...]

    @property
    def mirrored(self) -> tuple[bytes, ...]:
        return (self.account, *self.assets)


class VaultContract:
    """Calls and keys of the vault `account`, for which the enclave account `proxy` acts.

    `assets` can be shielded from this chain, as far as its runtime keeps them. All holdings of the vault are watched:
    their keys do not depend on the runtime, and the next one may keep more.
    """

    def __init__(
        self, metadata: RuntimeMetadata, account: bytes, proxy: bytes, assets: tuple[AssetId, ...] = ()
    ) -> None:
        self._metadata, self.account, self.proxy = metadata, account, proxy
        self._assets = list(_kept(metadata, assets))
        self.keys = VaultKeys(
            account=blake2_map_key("System", "Account", account),
            proxies=metadata.storage_key("Proxy", "Proxies", account),
            assets=tuple(_asset_account(asset, account) for asset in assets if asset.reserve is not None),
        )

    def holding(self, asset: AssetId, values: Mapping[bytes, bytes | None]) -> int:
        """Units of an asset in the vault, by its proven storage."""
        raw = values.get(_asset_account(asset, self.account))
        return BALANCE.decode(raw[:BALANCE_LENGTH]) if raw else 0

    def asset_at(self, pallet: str, id: Any) -> AssetId | None:
        """The shieldable asset that a pallet knows by an id, as events and storage keys have it; None for others."""
        return next((asset for kept, its, asset in self._assets if kept == pallet and its == id), None)

    def add_proxy(self, account: bytes) -> bytes:
        """Let an enclave's account act for the vault, to be signed by the vault or `as_vault`."""
        args = {"delegate": self._party("add_proxy", "delegate", account), "proxy_type": "Any", "delay": 0}
        return self._metadata.call("Proxy", "add_proxy", args)

    def pay(self, beneficiary: bytes, amount: int, asset: AssetId | None) -> bytes:
        """A payment in the vault's name that leaves it alive, native or of an asset that lives somewhere."""
        if asset is None:
            args = {"dest": Id(beneficiary), "value": amount}
            return self.as_vault(self._metadata.call("Balances", "transfer_keep_alive", args))
        reserve = asset.reserve
        assert reserve is not None, asset
        # ids are bytes, of whatever type they are in this chain's metadata
        index = self._metadata.call_index(reserve.pallet, "transfer_keep_alive")
        return self.as_vault(index + reserve.argument + b"\0" + beneficiary + encode_compact(amount))

    def as_vault(self, call: bytes) -> bytes:
        """A call in the vault's name, signed by its proxy."""
        args = {"real": self._party("proxy", "real", self.account), "force_proxy_type": None, "call": call}
        return self._metadata.call("Proxy", "proxy", args)

    def _party(self, call: str, argument: str, account: bytes) -> Id | bytes:
        """An account as this runtime's pallet Proxy takes it: as an address, before 2022 as a bare account id."""
        fields = self._metadata.pallet("Proxy").call(call).fields
        is_address = any(f.name == argument and f.type == self._metadata.address_type for f in fields)
        return Id(account) if is_address else account


def _kept(metadata: RuntimeMetadata, assets: tuple[AssetId, ...]) -> Iterator[tuple[str, Any, AssetId]]:
    """Pallet and id, as the chain's metadata reads it, of the assets that its runtime can keep."""
    for asset in assets:
        reserve = asset.reserve
        if reserve is None or not metadata.has_pallet(reserve.pallet):
            continue
        try:
            (id,) = metadata.storage_map_keys(
                reserve.pallet, "Asset", blake2_map_key(reserve.pallet, "Asset", reserve.key)
            )
        except (MetadataError, ScaleError):
            continue  # its ids are of another kind
        yield reserve.pallet, id, asset


def _asset_account(asset: AssetId, account: bytes) -> bytes:
    reserve = asset.reserve
    assert reserve is not None, asset
    return blake2_map_key(reserve.pallet, "Account", reserve.key, account)
