"""The TOP pool: trusted operations wait here, by sender and nonce, for a sidechain block.

An entry is *ready* when its nonce is the account's or follows ready ones without a gap, else *future*. Ready
entries are executed first come, first served; one that became ready later never precedes an earlier nonce
of its sender, so the order is also a nonce order.

Rules of this pool (statuses and limits: worker `core-primitives/top-pool`, whose pool knows no nonce order):

- One entry per sender and nonce. A future entry gives way to a newer one (`Usurped`), a ready one does not.
- A full pool makes room at the expense of whoever holds the most: of the heaviest sender the highest nonces
  go (`Dropped`), but only as long as that sender keeps at least what the newcomer's sender then has. So one
  sender can fill the pool yet keeps nobody out of it, and two senders cannot evict each other in turns.
- Entries handed out by `take_ready` are neither evicted nor replaced until they are settled.
- A held entry is future until `resume`, whatever its nonce is, and so are the later ones of its sender.
- A failed operation that used up its nonce cannot come back; one that did not is banned for a while.

The pool believes sender and nonce of an entry. Whoever submits must have checked the signature, and that the
signer may act for the sender; otherwise anybody could occupy a stranger's nonces.

Time is Unix ms and given by the caller. Every operation costs O(log n) in the entries of the pool, plus the
number of entries whose status it changes. If a method raises, the pool is unchanged.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Generic

from msgspec.structs import replace

from integritee.errors import IntegriteeError
from integritee.primitives.rpc import (
    Dropped,
    Future,
    InSidechainBlock,
    Invalid,
    Ready,
    TrustedOperationStatus,
    Usurped,
)

from .bans import Bans
from .entry import P, PoolEntry, PoolLimits, StatusChanged
from .errors import (
    AlreadyImported,
    Evicted,
    Expired,
    LimitReached,
    NonceTooFar,
    Replaced,
    StaleNonce,
    TemporarilyBanned,
    TooLarge,
    TooLowPriority,
)
from .sender_queue import SenderQueue
from .shares import Shares

Events = list[StatusChanged]


class TopPool(Generic[P]):
    """Operations of one shard. Each entry is in exactly one of: ready, taken (by `take_ready`), future."""

    def __init__(self, limits: PoolLimits | None = None) -> None:
        self.limits = limits or PoolLimits()
        self._entries: dict[bytes, PoolEntry[P]] = {}
        self._queues: dict[bytes, SenderQueue[P]] = {}
        self._ready: OrderedDict[bytes, PoolEntry[P]] = OrderedDict()
        self._taken: OrderedDict[bytes, PoolEntry[P]] = OrderedDict()
        self._future: OrderedDict[bytes, int] = OrderedDict()  # hash -> time of admission
        self._shares = Shares()
        self._future_shares = Shares()
        self._bans = Bans(self.limits.bans)

    # --- reading

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, hash: bytes) -> bool:
        return hash in self._entries

    def get(self, hash: bytes) -> PoolEntry[P] | None:
        """The entry of an operation that is pending."""
        return self._entries.get(hash)

    def has_sender(self, sender: bytes) -> bool:
        """Whether anything of a sender is pending."""
        return sender in self._queues

    @property
    def ready_count(self) -> int:
        """Entries that could be executed now, those being executed included."""
        return len(self._ready) + len(self._taken)

    @property
    def future_count(self) -> int:
        return len(self._future)

    @property
    def used_slots(self) -> int:
        return self._shares.total

    def ready(self) -> Iterator[PoolEntry[P]]:
        """Entries in execution order, those being executed first. The pool must not change meanwhile."""
        return chain(self._taken.values(), self._ready.values())

    def next_nonce(self, sender: bytes, account_nonce: int) -> int:
        """The nonce with which `sender` continues behind what is pending; fills the first gap if there is one."""
        queue = self._queues.get(sender)
        return account_nonce if queue is None else queue.first_free(account_nonce)

    # --- admission

    def submit(self, entry: PoolEntry[P], account_nonce: int, now: int, *, held: bool = False) -> Events:
        """Admit an entry; among the events is one, Ready or Future, for the entry itself. It is `held`, if so said,
        until `resume` or `withdraw`.

        `account_nonce` is that of `entry.sender` in the current state. Raises TooLarge, TemporarilyBanned,
        AlreadyImported, StaleNonce, NonceTooFar, TooLowPriority or LimitReached.
        """
        expected = self.next_nonce(entry.sender, account_nonce)
        self._check(entry, account_nonce, expected, now)
        rival = self._rival(entry, expected)
        victims = self._make_room(entry, rival, is_future=entry.nonce > expected)

        events = self.on_nonce_changed(entry.sender, account_nonce, now)
        if rival is not None:
            events += self._drop(rival, Usurped(), Replaced(entry.hash))
        for victim, share in victims:
            if victim.hash in self._entries:
                events += self._drop(victim, Dropped(), Evicted(share))
        queue = self._queues.setdefault(entry.sender, SenderQueue(account_nonce))
        self._entries[entry.hash] = queue.entries[entry.nonce] = entry
        self._shares.add(entry.sender, self.limits.slots_of(entry.size))
        if held:
            queue.held.add(entry.nonce)
        return events + self._settle(queue, [entry], now)

    def resume(self, hash: bytes, payload: P) -> Events:
        """Hold an entry no longer, and have it executed as `payload`. Without effect if it is gone, or not held."""
        entry = self._entries.get(hash)
        if entry is None or entry.nonce not in self._queues[entry.sender].held:
            return []
        queue = self._queues[entry.sender]
        queue.held.remove(entry.nonce)
        self._entries[hash] = queue.entries[entry.nonce] = replace(entry, payload=payload)
        return self._promote(queue)

    def withdraw(self, hash: bytes, reason: IntegriteeError) -> Events:
        """Drop an entry that is held, for a reason that need not last: the same operation may come again. The
        sender's later ones wait for another at its nonce."""
        entry = self._entries.get(hash)
        if entry is None or entry.nonce not in self._queues[entry.sender].held:
            return []
        return self._drop(entry, Dropped(), reason)

    def _check(self, entry: PoolEntry[P], account_nonce: int, expected: int, now: int) -> None:
        limits = self.limits
        if entry.size > limits.entry_bytes:
            raise TooLarge(entry.size, limits.entry_bytes)
        if (until := self._bans.until(entry.hash, now)) is not None:
            raise TemporarilyBanned(entry.hash, until)
        if entry.hash in self._entries:
            raise AlreadyImported(entry.hash)
        if entry.nonce < account_nonce:
            raise StaleNonce(entry.nonce, account_nonce)
        if entry.nonce - expected > limits.nonce_gap:
            raise NonceTooFar(entry.nonce, expected, limits.nonce_gap)

    def _rival(self, entry: PoolEntry[P], expected: int) -> PoolEntry[P] | None:
        """The future entry that this one would replace. Raises TooLowPriority if it cannot be replaced."""
        queue = self._queues.get(entry.sender)
        rival = queue.entries.get(entry.nonce) if queue else None
        if rival is not None and (entry.nonce < expected or rival.hash not in self._future):
            raise TooLowPriority(entry.nonce, rival.hash)
        return rival

    # --- room

    def _make_room(
        self, entry: PoolEntry[P], rival: PoolEntry[P] | None, *, is_future: bool
    ) -> list[tuple[PoolEntry[P], int]]:
        """Entries that must go for this one, each with the slots its sender held. Raises LimitReached."""
        limits = self.limits
        slots = limits.slots_of(entry.size) - (limits.slots_of(rival.size) if rival else 0)
        if self._shares.of(entry.sender) + slots > limits.sender_slots:
            raise LimitReached("sender", limits.sender_slots)
        victims = self._victims("pool", self._shares, limits.slots, entry.sender, slots)
        if is_future:
            victims += self._victims("future", self._future_shares, limits.future_slots, entry.sender, slots)
        return victims

    def _victims(
        self, scope: str, shares: Shares, limit: int, newcomer: bytes, slots: int
    ) -> list[tuple[PoolEntry[P], int]]:
        excess = shares.total + slots - limit
        if excess <= 0 or slots <= 0:
            return []
        heaviest = shares.heaviest()
        if heaviest is None:
            raise LimitReached(scope, limit)
        victims, freed, held = [], 0, shares.of(heaviest)
        for entry in self._evictable(self._queues[heaviest], only_future=shares is self._future_shares):
            victims.append((entry, held))
            freed += self.limits.slots_of(entry.size)
            if freed >= excess:
                break
        if freed < excess or held - freed < shares.of(newcomer) + slots:
            raise LimitReached(scope, limit)
        return victims

    def _evictable(self, queue: SenderQueue[P], *, only_future: bool) -> Iterator[PoolEntry[P]]:
        """Entries by descending nonce, as far as none below is left behind a gap by it."""
        for nonce in reversed(queue.future):
            yield queue.entries[nonce]
        if only_future:
            return
        for nonce in range(queue.next - 1, queue.base - 1, -1):
            entry = queue.entries[nonce]
            if entry.hash in self._taken:
                return
            yield entry

    # --- execution

    def take_ready(self, count: int) -> list[PoolEntry[P]]:
        """Hand out up to `count` entries, in order, for execution.

        They stay pending until settled by `confirm_included`, `reject` or `release`.
        """
        taken = list(islice(self._ready.values(), count))
        for entry in taken:
            del self._ready[entry.hash]
            self._taken[entry.hash] = entry
        return taken

    def confirm_included(self, hashes: Iterable[bytes], block_hash: bytes) -> Events:
        """Remove what a sidechain block, own or a peer's, has executed. Unknown hashes are no concern."""
        events: Events = []
        used: dict[bytes, int] = {}
        for hash in hashes:
            entry = self._entries.get(hash)
            if entry is not None:
                # Nonces move after the loop: siblings in this block are included, not overtaken.
                self._forget(entry)
                used[entry.sender] = max(used.get(entry.sender, 0), entry.nonce + 1)
                events.append(StatusChanged(hash, InSidechainBlock(block_hash)))
        for sender, nonce in used.items():
            events += self._advance(sender, nonce)
        return events

    def reject(self, hash: bytes, reason: IntegriteeError, now: int, *, nonce_used: bool) -> Events:
        """Remove an entry whose execution failed; without effect if the pool no longer holds it.

        If the failure did not use up the nonce, the operation is banned for a while and the sender's later
        ones wait for another at this nonce.
        """
        entry = self._entries.get(hash)
        if entry is None:
            return []
        queue = self._queues[entry.sender]
        events = self._drop(entry, Invalid(), reason, keep_queue=True)
        if nonce_used:
            return events + self._advance(entry.sender, entry.nonce + 1)
        self._bans.add(hash, now + self.limits.ban_ms)
        if queue.base <= entry.nonce < queue.next:
            events += self._demote(queue, entry.nonce, now)
        self._discard_if_empty(entry.sender)
        return events

    def release(self, now: int) -> Events:
        """Put everything that was taken but not settled back to where it belongs by now."""
        events: Events = []
        unchanged: list[PoolEntry[P]] = []
        unsettled: dict[bytes, list[PoolEntry[P]]] = {}
        taken, self._taken = self._taken, OrderedDict()
        for entry in taken.values():
            queue = self._queues[entry.sender]
            if queue.base <= entry.nonce < queue.next:
                unchanged.append(entry)
            elif entry.nonce < queue.base:
                events += self._drop(entry, Invalid(), StaleNonce(entry.nonce, queue.base))
            else:
                unsettled.setdefault(entry.sender, []).append(entry)
        for entry in reversed(unchanged):
            self._ready[entry.hash] = entry
            self._ready.move_to_end(entry.hash, last=False)
        for sender, entries in unsettled.items():
            events += self._settle(self._queues[sender], entries, now)
        return events

    # --- the state moves

    def on_nonce_changed(self, sender: bytes, nonce: int, now: int) -> Events:
        """Follow the account's nonce, forward or (a block was undone) back."""
        queue = self._queues.get(sender)
        if queue is None or nonce == queue.base:
            return []
        if nonce > queue.base:
            return self._advance(sender, nonce)
        events = self._demote(queue, queue.base, now)
        queue.base = queue.next = nonce
        return events

    def expire(self, now: int) -> Events:
        """Drop future entries that have waited `future_ms`."""
        events: Events = []
        while self._future:
            hash, since = next(iter(self._future.items()))
            if now - since < self.limits.future_ms:
                break
            entry = self._entries[hash]
            expected = self._queues[entry.sender].next
            events += self._drop(entry, Dropped(), Expired(entry.nonce, expected, now - since))
        return events

    # --- movements inside

    def _settle(self, queue: SenderQueue[P], entries: list[PoolEntry[P]], now: int) -> Events:
        """Place entries that are in none of the three sets; they and followers become ready if possible."""
        for entry in entries:
            self._wait(queue, entry, now)
        events = self._promote(queue)
        return events + [StatusChanged(e.hash, Future()) for e in entries if e.hash in self._future]

    def _wait(self, queue: SenderQueue[P], entry: PoolEntry[P], now: int) -> None:
        queue.wait(entry.nonce)
        self._future[entry.hash] = now
        self._future_shares.add(entry.sender, self.limits.slots_of(entry.size))

    def _promote(self, queue: SenderQueue[P]) -> Events:
        events = []
        for entry in queue.promotable():
            del self._future[entry.hash]
            self._future_shares.remove(entry.sender, self.limits.slots_of(entry.size))
            self._ready[entry.hash] = entry
            events.append(StatusChanged(entry.hash, Ready()))
        return events

    def _demote(self, queue: SenderQueue[P], start: int, now: int) -> Events:
        """Nonce `start` is missing: ready entries above become future, taken ones wait for their release."""
        events = []
        for nonce in range(start, queue.next):
            entry = queue.entries.get(nonce)
            if entry is not None and self._ready.pop(entry.hash, None) is not None:
                self._wait(queue, entry, now)
                events.append(StatusChanged(entry.hash, Future()))
        queue.next = start
        return events

    def _advance(self, sender: bytes, nonce: int) -> Events:
        """The account's nonce is at least `nonce`. Entries below are overtaken, unless they are taken."""
        queue = self._queues[sender]
        events: Events = []
        if nonce > queue.base:
            below = [*range(queue.base, min(nonce, queue.next)), *(n for n in queue.future if n < nonce)]
            queue.base, queue.next = nonce, max(nonce, queue.next)
            for passed in below:
                entry = queue.entries.get(passed)
                if entry is not None and entry.hash not in self._taken:
                    events += self._drop(entry, Invalid(), StaleNonce(passed, nonce), keep_queue=True)
            events += self._promote(queue)
        self._discard_if_empty(sender)
        return events

    def _drop(
        self,
        entry: PoolEntry[P],
        status: TrustedOperationStatus,
        reason: IntegriteeError,
        *,
        keep_queue: bool = False,
    ) -> Events:
        """Remove an entry for a reason; a ready one must be its sender's last, or be dealt with after."""
        queue = self._queues[entry.sender]
        self._forget(entry)
        if entry.nonce == queue.next - 1 and entry.nonce >= queue.base:
            queue.next = entry.nonce
        if not keep_queue:
            self._discard_if_empty(entry.sender)
        return [StatusChanged(entry.hash, status, reason)]

    def _forget(self, entry: PoolEntry[P]) -> None:
        slots = self.limits.slots_of(entry.size)
        del self._entries[entry.hash]
        self._queues[entry.sender].remove(entry.nonce)
        self._shares.remove(entry.sender, slots)
        if self._future.pop(entry.hash, None) is not None:
            self._future_shares.remove(entry.sender, slots)
        else:
            self._ready.pop(entry.hash, None)
            self._taken.pop(entry.hash, None)

    def _discard_if_empty(self, sender: bytes) -> None:
        queue = self._queues.get(sender)
        if queue is not None and not queue.entries:
            del self._queues[sender]
