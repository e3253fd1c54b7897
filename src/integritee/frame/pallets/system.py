"""pallet System: accounts and their reference counts, block context, events.

Source: frame-system 40 (polkadot-sdk stable2503).
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from integritee.crypto import blake2_256
from integritee.frame.declare import Constant, Errors, Events, call, constant, error, event, storage
from integritee.frame.errors import DispatchError, consumer_remaining
from integritee.frame.origin import Origin, ensure_root, ensure_signed
from integritee.frame.outer import EventRecord
from integritee.frame.pallet import Pallet
from integritee.frame.storage_items import Blake2_128Concat, StorageMap, StorageValue, Twox64Concat
from integritee.frame.weights import READ, WRITE, DispatchClass, DispatchInfo, Weight, weight
from integritee.primitives.header import Digest
from integritee.primitives.ids import H256, AccountId, Balance, BlockNumber, Nonce
from integritee.scale import Bytes8, Compact, Struct, u8, u16, u32, u64, u128

NEW_LOGIC_FLAG = 1 << 127
"""Set in the flags of every account that keeps frozen funds the new way (all of ours)."""


class AccountData(Struct, frozen=True):
    """Funds of an account in base units."""

    scale_path: ClassVar[str] = "pallet_balances::types::AccountData"
    free: Balance = 0
    reserved: Balance = 0
    frozen: Balance = 0
    flags: u128 = NEW_LOGIC_FLAG

    def replace(self, **changes: int) -> AccountData:
        return msgspec.structs.replace(self, **changes)


class AccountInfo(Struct, frozen=True):
    """An account: nonce, who keeps it alive and who depends on it, funds. 80 bytes."""

    scale_path: ClassVar[str] = "frame_system::AccountInfo"
    nonce: Nonce = 0
    consumers: u32 = 0
    providers: u32 = 0
    sufficients: u32 = 0
    data: AccountData = AccountData()

    def exists(self) -> bool:
        return self.providers > 0 or self.sufficients > 0

    def replace(self, **changes: int | AccountData) -> AccountInfo:
        return msgspec.structs.replace(self, **changes)


class RuntimeVersion(Struct, frozen=True):
    scale_path: ClassVar[str] = "sp_version::RuntimeVersion"
    spec_name: str
    impl_name: str
    authoring_version: u32
    spec_version: u32
    impl_version: u32
    apis: list[tuple[Bytes8, u32]]
    transaction_version: u32
    system_version: u8


class LastRuntimeUpgradeInfo(Struct, frozen=True):
    scale_path: ClassVar[str] = "frame_system::LastRuntimeUpgradeInfo"
    spec_version: Compact[u32]
    spec_name: str


class RuntimeDbWeight(Struct, frozen=True):
    scale_path: ClassVar[str] = "sp_weights::RuntimeDbWeight"
    read: u64
    write: u64


class PerDispatchClassWeight(Struct, frozen=True):
    scale_path: ClassVar[str] = "frame_support::dispatch::PerDispatchClass"
    normal: Weight = Weight()
    operational: Weight = Weight()
    mandatory: Weight = Weight()


BLOCK_HASH_COUNT = 2400
ZERO_HASH = bytes(32)


class System(Pallet):
    """Accounts, the block being executed, and its events."""

    path = "frame_system"
    retain_nonce: ClassVar[bool] = False
    """Keep the nonce of accounts that die, so that calls without mortality cannot run again."""

    account: StorageMap[Blake2_128Concat[AccountId], AccountInfo] = storage(default=AccountInfo())
    block_weight: StorageValue[PerDispatchClassWeight] = storage(default=PerDispatchClassWeight())
    block_hash: StorageMap[Twox64Concat[BlockNumber], H256]
    number: StorageValue[BlockNumber]
    parent_hash: StorageValue[H256]
    digest: StorageValue[Digest] = storage(default=Digest([]))
    event_records: StorageValue[list[EventRecord]] = storage(name="Events")
    event_count: StorageValue[u32]
    event_topics: StorageMap[Blake2_128Concat[H256], list[tuple[BlockNumber, u32]]]
    last_runtime_upgrade: StorageValue[LastRuntimeUpgradeInfo | None]
    upgraded_to_u32_ref_count: StorageValue[bool] = storage(name="UpgradedToU32RefCount")
    upgraded_to_triple_ref_count: StorageValue[bool]

    block_hash_count: Constant[u32] = constant(BLOCK_HASH_COUNT)
    db_weight: Constant[RuntimeDbWeight] = constant(RuntimeDbWeight(READ, WRITE))
    version: Constant[RuntimeVersion] = constant(None)  # type: ignore[assignment]  # every runtime sets its own
    ss58_prefix: Constant[u16] = constant(42)

    class Event(Events):
        ExtrinsicSuccess = event(0, dispatch_info=DispatchInfo)
        ExtrinsicFailed = event(1, dispatch_error=DispatchError, dispatch_info=DispatchInfo)
        CodeUpdated = event(2)
        NewAccount = event(3, account=AccountId)
        KilledAccount = event(4, account=AccountId)
        Remarked = event(5, sender=AccountId, hash_=H256)

    class Error(Errors):
        InvalidSpecName = error("the name of the specification does not match")
        SpecVersionNeedsToIncrease = error("the specification version may not decrease")
        FailedToExtractRuntimeVersion = error("no runtime version in the new code")
        NonDefaultComposite = error("suicide of an account with data")
        NonZeroRefCount = error("the account is referenced")
        CallFiltered = error("the origin filter prevents the call")
        MultiBlockMigrationsOngoing = error("a migration forbids upgrades")
        NothingAuthorized = error("no upgrade was authorized")
        Unauthorized = error("the code is not the authorized one")

    # -- accounts ------------------------------------------------------------------------------------

    def nonce(self, who: bytes) -> int:
        return self.account.get(who).nonce

    def increment_nonce(self, who: bytes) -> None:
        info = self.account.get(who)
        self.account.put(who, info.replace(nonce=info.nonce + 1))

    def store_account(self, who: bytes, info: AccountInfo) -> None:
        """Write an account, announcing its birth or death; a dead one is removed, nonce and all."""
        existed = self.account.get(who).exists()
        if info.exists():
            self.account.put(who, info)
            if not existed:
                self.deposit(self.Event.NewAccount(who))
        else:
            if self.retain_nonce and info.nonce:
                self.account.put(who, AccountInfo(info.nonce))
            else:
                self.account.remove(who)
            if existed:
                self.deposit(self.Event.KilledAccount(who))

    @staticmethod
    def add_provider(info: AccountInfo) -> AccountInfo:
        return info.replace(providers=info.providers + 1)

    @staticmethod
    def drop_provider(info: AccountInfo) -> AccountInfo:
        """Raises ConsumerRemaining if the last provider would leave consumers behind."""
        if info.providers == 1 and info.consumers > 0 and info.sufficients == 0:
            raise consumer_remaining()
        return info.replace(providers=max(info.providers - 1, 0))

    # -- block context -------------------------------------------------------------------------------

    def initialize(self, number: int, parent_hash: bytes, digest: Digest) -> None:
        """Begin block `number` on top of `parent_hash`."""
        self.number.put(number)
        self.digest.put(digest)
        self.parent_hash.put(parent_hash)
        self.block_hash.put(number - 1, parent_hash)
        self.block_weight.kill()
        self.runtime.events.clear()
        self.event_records.kill()
        self.event_count.kill()
        self.event_topics.clear()

    def write_events(self) -> None:
        """Put the block's events into storage; the last step before the state root."""
        records = self.runtime.events
        self.runtime.state.put(self.event_records.key, self.runtime.encoded_events())
        self.event_count.put(len(records))

    def prune_block_hashes(self) -> None:
        """Forget the hash that left the window; genesis stays known."""
        gone = self.number.get() - 1 - self.block_hash_count
        if gone > 0:
            self.block_hash.remove(gone)

    def note_weight(self, spent: Weight, dispatch_class: DispatchClass) -> None:
        """Add a call's weight to the block's."""
        block = self.block_weight.get()
        by_class = [block.normal, block.operational, block.mandatory]
        by_class[dispatch_class] = by_class[dispatch_class] + spent
        self.block_weight.put(PerDispatchClassWeight(*by_class))

    # -- calls ---------------------------------------------------------------------------------------

    @call(0, weight=lambda self, remark: weight(1_979_000 + 359 * len(remark)))
    def remark(self, origin: Origin, remark: bytes) -> None:
        """Put data on chain, nothing more."""
        ensure_signed(origin)

    @call(4, weight=lambda self, items: weight(2_000_000 + 700_000 * len(items), 0, len(items)))
    def set_storage(self, origin: Origin, items: list[tuple[bytes, bytes]]) -> None:
        """Write raw storage (root)."""
        ensure_root(origin)
        for key, value in items:
            self.runtime.state.put(key, value)

    @call(5, weight=lambda self, keys: weight(2_000_000 + 520_000 * len(keys), 0, len(keys)))
    def kill_storage(self, origin: Origin, keys: list[bytes]) -> None:
        """Remove raw storage (root)."""
        ensure_root(origin)
        for key in keys:
            self.runtime.state.remove(key)

    @call(6, weight=lambda self, prefix, subkeys: weight(4_000_000 + 1_100_000 * subkeys, subkeys, subkeys))
    def kill_prefix(self, origin: Origin, prefix: bytes, subkeys: u32) -> None:
        """Remove all storage with a prefix (root)."""
        ensure_root(origin)
        self.runtime.state.clear_prefix(prefix, subkeys)

    @call(7, weight=lambda self, remark: weight(5_700_000 + 1_200 * len(remark)))
    def remark_with_event(self, origin: Origin, remark: bytes) -> None:
        """Put data on chain and an event with its hash."""
        who = ensure_signed(origin)
        self.deposit(self.Event.Remarked(who, blake2_256(remark)))
