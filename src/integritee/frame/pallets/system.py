"""pallet System: accounts and their reference counts, block context, events.

Source: frame-system 40 (polkadot-sdk stable2503).
"""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec.structs import replace

from integritee.crypto import blake2_256
from integritee.frame.declare import Constant, Errors, Events, call, constant, error, event, storage
from integritee.frame.errors import DispatchError, DispatchFailure, Other, consumer_remaining
from integritee.frame.limits import BlockLength, BlockWeights
from integritee.frame.origin import Origin, ensure_root, ensure_signed
from integritee.frame.outer import EventRecord
from integritee.frame.pallet import Pallet
from integritee.frame.storage_items import Blake2_128Concat, StorageMap, StorageValue, Twox64Concat
from integritee.frame.validity import ExhaustsResources, Refused
from integritee.frame.weights import READ, WRITE, DispatchClass, DispatchInfo, Weight, weight
from integritee.primitives.header import Digest, DigestItem
from integritee.primitives.ids import H256, AccountId, Balance, BlockNumber, Nonce
from integritee.scale import Bytes8, Compact, Struct, encode, u8, u16, u32, u64, u128
from integritee.trie import MAX_KEY_BYTES

NEW_LOGIC_FLAG = 1 << 127
"""Set in the flags of every account that keeps frozen funds the new way (all of ours)."""


class AccountData(Struct, frozen=True):
    """Funds of an account in base units."""

    scale_path: ClassVar[str] = "pallet_balances::types::AccountData"
    scale_params: ClassVar[tuple[tuple[str, Any], ...]] = (("Balance", Balance),)
    free: Balance = 0
    reserved: Balance = 0
    frozen: Balance = 0
    flags: u128 = NEW_LOGIC_FLAG


class AccountInfo(Struct, frozen=True):
    """An account: nonce, who keeps it alive and who depends on it, funds. 80 bytes."""

    scale_path: ClassVar[str] = "frame_system::AccountInfo"
    scale_params: ClassVar[tuple[tuple[str, Any], ...]] = (("Nonce", Nonce), ("AccountData", AccountData))
    nonce: Nonce = 0
    consumers: u32 = 0
    providers: u32 = 0
    sufficients: u32 = 0
    data: AccountData = AccountData()

    def exists(self) -> bool:
        return self.providers > 0 or self.sufficients > 0


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


class ConsumedWeight(Struct, frozen=True):
    """Weight used up in the block, by dispatch class."""

    scale_path: ClassVar[str] = "frame_support::dispatch::PerDispatchClass"
    scale_params: ClassVar[tuple[tuple[str, Any], ...]] = (("T", Weight),)
    normal: Weight = Weight()
    operational: Weight = Weight()
    mandatory: Weight = Weight()

    def of(self, class_: DispatchClass) -> Weight:
        return (self.normal, self.operational, self.mandatory)[class_]

    def total(self) -> Weight:
        return self.normal + self.operational + self.mandatory

    def plus(self, spent: Weight, class_: DispatchClass) -> ConsumedWeight:
        return replace(self, **{class_.name.lower(): self.of(class_) + spent})

    def minus(self, unspent: Weight, class_: DispatchClass) -> ConsumedWeight:
        return replace(self, **{class_.name.lower(): self.of(class_) - unspent})


BLOCK_HASH_COUNT = 2400
ZERO_HASH = bytes(32)
MAX_CONSUMERS = 16
"""Consumers of one account; holdings of assets are not opened beyond (FRAME's `MaxConsumers`)."""
EXTRINSIC_INDEX = b":extrinsic_index"
"""Well-known key of the index of the extrinsic being executed (u32)."""


def key_too_long() -> DispatchFailure:
    return DispatchFailure(Other(), "system.key_too_long", f"keys have at most {MAX_KEY_BYTES} bytes")


class System(Pallet):
    """Accounts, the block being executed, and its events."""

    path = "frame_system"
    retain_nonce: ClassVar[bool] = False
    """Keep the nonce of accounts that die, so that calls without mortality cannot run again."""

    account: StorageMap[Blake2_128Concat[AccountId], AccountInfo] = storage(default=AccountInfo())
    inherents_applied: StorageValue[bool]
    block_weight: StorageValue[ConsumedWeight] = storage(default=ConsumedWeight())
    all_extrinsics_len: StorageValue[u32 | None]
    block_hash: StorageMap[Twox64Concat[BlockNumber], H256]
    extrinsic_data: StorageMap[Twox64Concat[u32], bytes]
    number: StorageValue[BlockNumber]
    parent_hash: StorageValue[H256]
    digest: StorageValue[Digest] = storage(default=Digest([]))
    event_records: StorageValue[list[EventRecord]] = storage(name="Events")
    event_count: StorageValue[u32]
    event_topics: StorageMap[Blake2_128Concat[H256], list[tuple[BlockNumber, u32]]]
    last_runtime_upgrade: StorageValue[LastRuntimeUpgradeInfo | None]
    upgraded_to_u32_ref_count: StorageValue[bool] = storage(name="UpgradedToU32RefCount")
    upgraded_to_triple_ref_count: StorageValue[bool]

    block_weights: Constant[BlockWeights] = constant(BlockWeights.sensible())
    block_length: Constant[BlockLength] = constant(BlockLength.sensible())
    block_hash_count: Constant[u32] = constant(BLOCK_HASH_COUNT)
    db_weight: Constant[RuntimeDbWeight] = constant(RuntimeDbWeight(READ, WRITE))
    version: Constant[RuntimeVersion] = constant(None)  # every runtime sets its own
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
        self.account.put(who, replace(info, nonce=info.nonce + 1))

    def store_account(self, who: bytes, info: AccountInfo, existed: bool | None = None) -> None:
        """Write an account, announcing its birth or death; a dead one is removed, nonce and all.

        `existed` saves reading what the caller has read already.
        """
        if existed is None:
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
        return replace(info, providers=info.providers + 1)

    @staticmethod
    def drop_provider(info: AccountInfo) -> AccountInfo:
        """Raises ConsumerRemaining if the last provider would leave consumers behind."""
        if info.providers == 1 and info.consumers > 0:
            raise consumer_remaining()
        return replace(info, providers=max(info.providers - 1, 0))

    @staticmethod
    def add_sufficient(info: AccountInfo) -> AccountInfo:
        """One more reason to exist that needs no provider, like a holding of a sufficient asset."""
        return replace(info, sufficients=info.sufficients + 1)

    @staticmethod
    def drop_sufficient(info: AccountInfo) -> AccountInfo:
        return replace(info, sufficients=max(info.sufficients - 1, 0))

    @staticmethod
    def may_add_consumers(info: AccountInfo, count: int) -> bool:
        """Whether a provider is there for `count` more consumers, and room for them."""
        return info.providers > 0 and info.consumers + count <= MAX_CONSUMERS

    @staticmethod
    def add_consumer(info: AccountInfo) -> AccountInfo:
        """One more that depends on a provider being there. See `may_add_consumers`."""
        return replace(info, consumers=info.consumers + 1)

    @staticmethod
    def drop_consumer(info: AccountInfo) -> AccountInfo:
        return replace(info, consumers=max(info.consumers - 1, 0))

    # -- block context -------------------------------------------------------------------------------

    def initialize(self, number: int, parent_hash: bytes, digest: Digest) -> None:
        """Begin block `number` on top of `parent_hash`."""
        self.runtime.enter(self.runtime.state)
        self.runtime.state.put(EXTRINSIC_INDEX, encode(u32, 0))
        self.number.put(number)
        self.digest.put(digest)
        self.parent_hash.put(parent_hash)
        self.block_hash.put(number - 1, parent_hash)
        self.inherents_applied.kill()
        self.block_weight.kill()
        self.reset_events()

    def reset_events(self) -> None:
        """Forget the events of the block before."""
        self.runtime.events.clear()
        self.event_records.kill()
        self.event_count.kill()
        self.event_topics.clear()

    def extrinsic_index(self) -> int:
        """Position in the block of the extrinsic to come."""
        return int.from_bytes(self.runtime.state.get(EXTRINSIC_INDEX) or b"", "little")

    def note_extrinsic(self, encoded: bytes) -> None:
        """Keep the extrinsic for the extrinsics root, and count it in."""
        index = self.extrinsic_index()
        self.extrinsic_data.put(index, encoded)
        self.runtime.state.put(EXTRINSIC_INDEX, encode(u32, index + 1))

    def take_extrinsics(self) -> list[bytes]:
        """The block's extrinsics; they leave storage."""
        count = self.extrinsic_index()
        self.runtime.state.remove(EXTRINSIC_INDEX)
        return [self.extrinsic_data.take(i) for i in range(count)]

    def write_events(self) -> None:
        """Put the events deposited since the last time behind those in storage."""
        records = self.runtime.events
        if records:
            self.runtime.state.append(self.event_records.key, records)
            self.event_count.mutate(lambda count: count + len(records))
            records.clear()

    def index_next_event(self, topics: list[bytes]) -> None:
        """Let clients find the event that is deposited next by its topics."""
        place = (self.number.get(), self.event_count.get() + len(self.runtime.events))
        for topic in topics:
            self.event_topics.put(topic, [*self.event_topics.get(topic), place])

    def events(self) -> list[EventRecord]:
        """The block's events so far."""
        self.write_events()
        return self.event_records.get()

    def deposit_log(self, item: DigestItem) -> None:
        """Add an item to the block's digest."""
        self.digest.mutate(lambda digest: Digest([*digest.logs, item]))

    def prune_block_hashes(self) -> None:
        """Forget the hash that left the window; genesis stays known."""
        gone = self.number.get() - 1 - self.block_hash_count
        if gone > 0:
            self.block_hash.remove(gone)

    def finish(self) -> None:
        """Remove what only mattered while the block was made; the last change before the state root."""
        self.all_extrinsics_len.kill()
        self.inherents_applied.kill()
        self.prune_block_hashes()

    def note_weight(self, spent: Weight, class_: DispatchClass) -> None:
        """Add a call's weight to the block's."""
        self.block_weight.mutate(lambda block: block.plus(spent, class_))

    # -- room in the block ---------------------------------------------------------------------------

    def check_room(self, info: DispatchInfo, length: int) -> None:
        """Raises Refused(ExhaustsResources) if one extrinsic of that cost and length fits no block at all."""
        limits = self.block_weights.of(info.class_)
        if limits.max_extrinsic is not None and info.weight.exceeds(limits.max_extrinsic):
            raise Refused(ExhaustsResources())
        self._length_with(info, length)

    def take_room(self, info: DispatchInfo, length: int) -> None:
        """Count an extrinsic into the block. Raises Refused(ExhaustsResources) if it does not fit in any more."""
        limits = self.block_weights.of(info.class_)
        spent = info.weight + limits.base_extrinsic + Weight(0, length)
        block = self.block_weight.get().plus(spent, info.class_)
        used = block.of(info.class_)
        if limits.max_total is not None and used.exceeds(limits.max_total):
            raise Refused(ExhaustsResources())
        full = block.total().exceeds(self.block_weights.max_block)
        if full and limits.reserved is not None and used.exceeds(limits.reserved):
            raise Refused(ExhaustsResources())
        self.all_extrinsics_len.put(self._length_with(info, length))
        self.block_weight.put(block)

    def return_room(self, declared: DispatchInfo, actual: DispatchInfo) -> None:
        """Give back what a call did not use."""
        unspent = declared.weight - actual.weight
        if unspent != Weight():
            self.block_weight.mutate(lambda block: block.minus(unspent, declared.class_))

    def _length_with(self, info: DispatchInfo, length: int) -> int:
        total = (self.all_extrinsics_len.get() or 0) + length
        if total > self.block_length.of(info.class_):
            raise Refused(ExhaustsResources())
        return total

    # -- calls ---------------------------------------------------------------------------------------

    @call(0, weight=lambda self, remark: weight(1_979_000 + 359 * len(remark)))
    def remark(self, origin: Origin, remark: bytes) -> None:
        """Put data on chain, nothing more."""
        ensure_signed(origin)

    @call(4, weight=lambda self, items: weight(2_000_000 + 700_000 * len(items), 0, len(items)))
    def set_storage(self, origin: Origin, items: list[tuple[bytes, bytes]]) -> None:
        """Write raw storage (root). Keys that no state trie can hold are refused."""
        ensure_root(origin)
        for key, value in items:
            if len(key) > MAX_KEY_BYTES:
                raise key_too_long()
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
