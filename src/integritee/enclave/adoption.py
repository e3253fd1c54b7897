"""Handing the shard over to another enclave: what its state consists of, and how to begin with it.

`share` says what an enclave has; `adopt` makes it what another one begins with at its next start, keeping that
one's own account, outboxes and light clients. The state itself travels beside, as a trie (`integritee.trie`).
Sans-IO but for the sealed store.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from integritee.frame.overlay import Overlay
from integritee.primitives.ids import H256, ShardIdentifier
from integritee.scale import Struct, codec, u32, u64
from integritee.trie import Trie

from .core import EnclaveCore
from .errors import ForeignShard, NotReady, OtherSlotDuration, StateTooOld
from .keys import HANDED_OVER_LABEL, SHIELDING_LABEL, SIGNING_LABEL, STATE_LABEL
from .records import ADOPTION, META, AdoptionRecord, ChainRecord, RecordKind, SnapshotMeta, TipRecord
from .sidechain.chain import Held


class SharedMeta(Struct, frozen=True):
    """What belongs to a shared state: the block behind which it is, what waits for blocks to be final, and the slot
    that all validateers have to agree on (ms)."""

    shard: ShardIdentifier
    slot_ms: u32
    tip: TipRecord | None
    state_root: H256
    held: list[Held]
    final: u64


class Estate(Struct, frozen=True):
    """Beyond what enclaves of a shard share: the identity of one, for the enclave that takes its place."""

    signing: bytes
    chains: list[ChainRecord]


SHARED: Final = codec(SharedMeta)
ESTATE: Final = codec(Estate)


def share(core: EnclaveCore) -> tuple[Trie, bytes]:
    """The present state, and what belongs to it. Raises NotReady without one."""
    if not core.is_running:
        raise NotReady("the shard has its state")
    chain = core.replica.chain
    meta = SharedMeta(
        core.config.shard,
        core.config.slot_ms,
        TipRecord.of(chain.tip),
        chain.state.root(),
        list(chain.held),
        chain.final,
    )
    return chain.state, SHARED.encode(meta)


def estate_of(core: EnclaveCore) -> bytes:
    """The enclave's identity: its signing key, and what it has under way on parentchains."""
    chains = [ChainRecord(link.id, link.resume or b"", link.outbox.whole()) for link in core.links]
    return ESTATE.encode(Estate(core.keys.signing.seed, chains))


def adopt(
    core: EnclaveCore,
    shielding_key: bytes,
    state_key: bytes,
    meta: bytes,
    state: Trie,
    estate: bytes | None = None,
) -> SharedMeta:
    """Seal keys and state for the next start of this enclave; `shielding_key` is JSON. The store is closed then: what
    this enclave still learns of parentchains is not of the new state.

    A crash in between leaves an enclave that has no state, and asks for it again. Raises ForeignShard,
    OtherSlotDuration, StateTooOld, StoreError, DecodeError.
    """
    shared: SharedMeta = SHARED.decode(meta)
    if shared.shard != core.config.shard:
        raise ForeignShard(shared.shard, core.config.shard)
    if shared.slot_ms != core.config.slot_ms:
        raise OtherSlotDuration(core.config.slot_ms, shared.slot_ms)
    if shared.state_root != state.root():
        raise ForeignShard(shared.state_root, state.root())
    store = core.store
    left: Estate | None = None if estate is None else ESTATE.decode(estate)
    chains = own_chains(core, state) if left is None else left.chains
    store.put_secret(SHIELDING_LABEL, shielding_key)
    store.put_secret(STATE_LABEL, state_key)
    if left is not None:
        store.put_secret(SIGNING_LABEL, left.signing)
        store.put_secret(HANDED_OVER_LABEL, b"")  # it may be what was handed over from here before
    store.append(RecordKind.ADOPTION, ADOPTION.encode(AdoptionRecord()))
    store.sync()
    store.snapshot(
        state.items(),
        META.encode(
            SnapshotMeta(
                shared.shard, shared.tip, [], shared.state_root, chains, shared.held, shared.final, left is None
            )
        ),
    )
    store.close()
    return shared


def own_chains(core: EnclaveCore, state: Trie) -> list[ChainRecord]:
    """Where light clients and outboxes stand; the clients resume before what the state has taken in, or right behind
    it if no block before can tell of anything under way: after a long wait there would be no room for all of them.

    Raises StateTooOld if blocks between would be missed.
    """
    runtime = core.ledger.runtime(Overlay(state))
    for link in core.links:
        follower = link.follower
        if follower is None or not follower.values:
            continue
        waiting: Iterable[int] = (block.header.number for block in (*link.followed, *follower.inbox))
        first = next(iter(waiting), follower.head.number + 1)
        known = runtime.parentchain(link.id).number.get()
        if known is not None and known < first - 1:
            raise StateTooOld(link.id.name, known, first - 1)
        link.resume = link.resume or follower.origin
        seen = link.resumption(known, follower.inbox) if known is not None and not link.outbox.entries else None
        if seen is not None:
            link.resume_behind(seen)
            link.remember_runtime()
    return [ChainRecord(link.id, link.resume or b"", link.outbox.whole()) for link in core.links]
