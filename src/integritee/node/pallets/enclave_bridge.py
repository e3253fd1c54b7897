"""pallet EnclaveBridge: what enclaves and their users say to each other in public.

Source: integritee pallets (branch polkadot-stable2503), `enclave-bridge`.

A shard is served by enclaves of one fingerprint: the one its configuration names or, without a configuration, the
one whose 32 bytes are the shard's id. Every confirmation *touches* the shard: it notes who served it, and when.
The first enclave to have touched a shard leads it. Funds shielded for a shard stay on the account whose id is the
shard's, to which nobody holds a key.
"""

from __future__ import annotations

from typing import ClassVar, Final

from integritee.frame.declare import Errors, Events, call, error, event
from integritee.frame.origin import Origin, Root, ensure_root, ensure_signed
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.balances import Balances
from integritee.frame.pallets.system import System
from integritee.frame.storage_items import Blake2_128Concat, StorageMap
from integritee.frame.weights import Pays, PostInfo, Weight, weight
from integritee.primitives.enclave_bridge import (
    MAX_SHARD_SIGNERS,
    Request,
    ShardConfig,
    ShardSignerStatus,
    ShardStatus,
    UpgradableShardConfig,
)
from integritee.primitives.ids import H256, AccountId, Balance, BlockNumber, ShardIdentifier
from integritee.scale import u64

from .teerex import Teerex

MAX_TOPICS: Final = 5
MAX_DATA_LENGTH: Final = 100
LAST_BLOCK: Final = (1 << 32) - 1


def _publish_hash_weight(pallet: EnclaveBridge, hash_: bytes, topics: list[bytes], data: bytes) -> Weight:
    """Upstream swaps the counts of topics and of data bytes when it weighs this call; fees depend on it."""
    return weight(24_040_704 + 23_530 * len(topics) + 5_070_215 * len(data), 3 + len(data), 2 + len(data))


class EnclaveBridge(Pallet):
    """Invocations and funds for shards, and what their enclaves confirm."""

    path = "pallet_enclave_bridge"
    storage_version: ClassVar[int | None] = 0
    system: System
    balances: Balances
    teerex: Teerex

    shard_status: StorageMap[Blake2_128Concat[ShardIdentifier], ShardStatus | None]
    shard_config_registry: StorageMap[Blake2_128Concat[ShardIdentifier], UpgradableShardConfig | None]
    executed_unshield_calls: StorageMap[Blake2_128Concat[H256], u64]

    class Event(Events):
        IndirectInvocationRegistered = event(0, ShardIdentifier)
        ShieldFunds = event(1, shard=ShardIdentifier, encrypted_beneficiary=bytes, amount=Balance)
        UnshieldedFunds = event(2, shard=ShardIdentifier, beneficiary=AccountId, amount=Balance)
        ProcessedParentchainBlock = event(
            3, shard=ShardIdentifier, block_hash=H256, trusted_calls_merkle_root=H256, block_number=BlockNumber
        )
        PublishedHash = event(4, enclave_fingerprint=H256, hash_=H256, data=bytes)
        ShardConfigUpdated = event(5, ShardIdentifier)
        PurgedEnclaveFromShardConfig = event(6, shard=ShardIdentifier, subject=AccountId)

    class Error(Errors):
        WrongFingerprintForShard = error("the shard is not served by enclaves of this fingerprint")
        TooManyTopics = error("more than 5 extra topics")
        DataTooLong = error("more than 100 bytes of data")
        TooManyEnclaves = error("the shard has as many enclaves as it can have")
        EnclaveNotFoundInShardStatus = error("the enclave never served the shard")
        ShardNotFound = error("no enclave ever served the shard")

    # -- who serves a shard --------------------------------------------------------------------------

    def admit(self, signer: bytes, shard: bytes) -> list[ShardSignerStatus]:
        """Let a registered enclave speak for a shard: enact a due upgrade, touch the shard, return its status.

        Raises EnclaveIsNotRegistered, WrongFingerprintForShard, TooManyEnclaves.
        """
        enclave = self.teerex.sovereign_enclave(signer)
        stored = self.shard_config_registry.get(shard)
        config = ShardConfig(shard) if stored is None else self._in_force(stored)
        if enclave.mr_enclave != config.enclave_fingerprint:
            raise self.Error.WrongFingerprintForShard()
        if stored is not None and config is stored.pending_upgrade:
            self.shard_config_registry.put(shard, UpgradableShardConfig(config))
        return self.touch(shard, signer, enclave.mr_enclave)

    def touch(self, shard: bytes, signer: bytes, fingerprint: bytes) -> list[ShardSignerStatus]:
        """Note that an enclave serves a shard now; its place among the others never changes."""
        now = ShardSignerStatus(signer, fingerprint, self.system.number.get())
        status = [now if s.signer == signer else s for s in self.shard_status.get(shard) or []]
        if now not in status:
            status.append(now)
        if len(status) > MAX_SHARD_SIGNERS:
            raise self.Error.TooManyEnclaves()
        self.shard_status.put(shard, status)
        return status

    def _in_force(self, config: UpgradableShardConfig) -> ShardConfig:
        """The active configuration, or the pending one once it is due."""
        due = config.upgrade_at is not None and config.upgrade_at <= self.system.number.get()
        return config.pending_upgrade if due and config.pending_upgrade is not None else config.active_config

    # -- users to enclaves ---------------------------------------------------------------------------

    @call(0, weight=weight(11_976_000))
    def invoke(self, origin: Origin, request: Request) -> None:
        """Ask a shard's enclaves to execute what only they can read."""
        ensure_signed(origin)
        self.deposit(self.Event.IndirectInvocationRegistered(request.shard))

    @call(2, weight=weight(75_837_000, 1, 1))
    def shield_funds(
        self, origin: Origin, shard: ShardIdentifier, incognito_account_encrypted: bytes, amount: Balance
    ) -> None:
        """Move funds into a shard, for a beneficiary only its enclaves can read."""
        self._move(ensure_signed(origin), shard, amount)
        self.deposit(self.Event.ShieldFunds(shard, incognito_account_encrypted, amount))

    def _move(self, source: bytes, dest: bytes, amount: int) -> None:
        """Transfer as upstream's `Currency`: nothing happens for nothing or to oneself."""
        if amount and source != dest:
            self.balances.transfer(source, dest, amount)

    # -- enclaves to everyone ------------------------------------------------------------------------

    @call(1, weight=weight(32_031_000, 3, 1))
    def confirm_processed_parentchain_block(
        self,
        origin: Origin,
        shard: ShardIdentifier,
        block_hash: H256,
        block_number: BlockNumber,
        trusted_calls_merkle_root: H256,
    ) -> None:
        """Say that the shard processed a block of this chain, with which invocations."""
        self.admit(ensure_signed(origin), shard)
        self.deposit(self.Event.ProcessedParentchainBlock(shard, block_hash, trusted_calls_merkle_root, block_number))

    @call(3, weight=weight(109_746_000, 6, 4))
    def unshield_funds(
        self, origin: Origin, shard: ShardIdentifier, beneficiary: AccountId, amount: Balance, call_hash: H256
    ) -> None:
        """Pay out from a shard, once per `call_hash`; repetitions are only counted."""
        self.admit(ensure_signed(origin), shard)
        if not self.executed_unshield_calls.contains(call_hash):
            self._move(shard, beneficiary, amount)
            self.deposit(self.Event.UnshieldedFunds(shard, beneficiary, amount))
        self.executed_unshield_calls.put(call_hash, self.executed_unshield_calls.get(call_hash) + 1)

    @call(4, weight=_publish_hash_weight)
    def publish_hash(self, origin: Origin, hash_: H256, extra_topics: list[H256], data: bytes) -> None:
        """Publish what an enclave computed; found by its fingerprint and the extra topics."""
        sender = ensure_signed(origin)
        fingerprint = self.teerex.sovereign_enclave(sender).mr_enclave
        self.touch(fingerprint, sender, fingerprint)
        if len(extra_topics) > MAX_TOPICS:
            raise self.Error.TooManyTopics()
        if len(data) > MAX_DATA_LENGTH:
            raise self.Error.DataTooLong()
        topics = [*extra_topics, fingerprint]
        self.system.index_next_event(topics)
        self.deposit(self.Event.PublishedHash(fingerprint, hash_, data), tuple(topics))

    # -- configuration -------------------------------------------------------------------------------

    @call(5, weight=weight(41_833_000, 3, 2))
    def update_shard_config(
        self, origin: Origin, shard: ShardIdentifier, shard_config: ShardConfig, enactment_delay: BlockNumber
    ) -> None:
        """Announce a shard's next configuration (its enclaves, or root).

        The first one is in force at once, and any registered enclave may set it.
        """
        stored = self.shard_config_registry.get(shard)
        if not isinstance(origin, Root):
            sender = ensure_signed(origin)
            fingerprint = self.teerex.sovereign_enclave(sender).mr_enclave
            if stored is not None and self._in_force(stored).enclave_fingerprint != fingerprint:
                raise self.Error.WrongFingerprintForShard()
            self.touch(shard, sender, fingerprint)
        if stored is None:
            updated = UpgradableShardConfig(shard_config)
        else:
            at = min(self.system.number.get() + enactment_delay, LAST_BLOCK)
            updated = UpgradableShardConfig(self._in_force(stored), shard_config, at)
        self.shard_config_registry.put(shard, updated)
        self.deposit(self.Event.ShardConfigUpdated(shard))

    @call(6, weight=weight(30_781_000, 1, 1))
    def purge_enclave_from_shard_status(self, origin: Origin, shard: ShardIdentifier, subject: AccountId) -> PostInfo:
        """Strike an enclave off a shard's status (root)."""
        ensure_root(origin)
        status = self.shard_status.get(shard)
        if status is None:
            raise self.Error.ShardNotFound()
        self.shard_status.put(shard, [s for s in status if s.signer != subject])
        self.deposit(self.Event.PurgedEnclaveFromShardConfig(shard, subject))
        return PostInfo(pays_fee=Pays.No)
