"""pallet Parentchain: what the ledger knows of one parentchain, proven block by block.

One instance per parentchain. Source: worker `app-libs/sgx-runtime/pallets/parentchain`. `mirror` holds raw
parentchain storage as proven at the latest processed block.
"""

from __future__ import annotations

from integritee.frame.declare import Events, event
from integritee.frame.pallet import Pallet
from integritee.frame.storage_items import Blake2_128Concat, StorageMap, StorageValue
from integritee.primitives.header import Header
from integritee.primitives.ids import H256, AccountId, BlockNumber, Moment
from integritee.stf.errors import GenesisAlreadySet, VaultAlreadySet


class Parentchain(Pallet):
    path = "pallet_parentchain"

    shard_vault: StorageValue[AccountId | None]
    parentchain_genesis_hash: StorageValue[H256 | None]
    number: StorageValue[BlockNumber | None]
    parent_hash: StorageValue[H256 | None]
    block_hash: StorageValue[H256 | None]
    now: StorageValue[Moment | None]
    creation_block_number: StorageValue[BlockNumber | None]
    creation_block_hash: StorageValue[H256 | None]
    creation_timestamp: StorageValue[Moment | None]
    mirror: StorageMap[Blake2_128Concat[bytes], bytes | None]

    class Event(Events):
        SetBlock = event(0, block_number=BlockNumber, parent_hash=H256, block_hash=H256)
        SetCreationBlock = event(1, block_number=BlockNumber, block_hash=H256)
        ShardVaultInitialized = event(2, account=AccountId)
        ParentchainGenesisInitialized = event(4, hash_=H256)

    def set_genesis(self, genesis_hash: bytes) -> None:
        """Bind the shard to a chain, once. Raises GenesisAlreadySet for another one."""
        known = self.parentchain_genesis_hash.get()
        if known is not None and known != genesis_hash:
            raise GenesisAlreadySet(genesis_hash, known)
        if known is None:
            self.parentchain_genesis_hash.put(genesis_hash)
            self.deposit(self.Event.ParentchainGenesisInitialized(genesis_hash))

    def set_vault(self, account: bytes) -> None:
        """Assign the vault, once. Raises VaultAlreadySet for another account."""
        known = self.shard_vault.get()
        if known is not None and known != account:
            raise VaultAlreadySet(account, known)
        if known is None:
            self.shard_vault.put(account)
            self.deposit(self.Event.ShardVaultInitialized(account))

    def set_creation_block(self, header: Header) -> None:
        if self.creation_block_number.get() is None:
            block_hash = header.hash()
            self.creation_block_number.put(header.number)
            self.creation_block_hash.put(block_hash)
            self.deposit(self.Event.SetCreationBlock(header.number, block_hash))

    def set_block(self, header: Header, values: dict[bytes, bytes | None]) -> None:
        """Adopt a proven block and the storage values proven with it."""
        block_hash = header.hash()
        self.number.put(header.number)
        self.parent_hash.put(header.parent_hash)
        self.block_hash.put(block_hash)
        for key, value in values.items():
            if self.mirror.get(key) == value:
                continue
            if value is None:
                self.mirror.remove(key)
            else:
                self.mirror.put(key, value)
        self.deposit(self.Event.SetBlock(header.number, header.parent_hash, block_hash))
