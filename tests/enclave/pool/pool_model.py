"""The pool's rules once more, with nothing but dictionaries that are recomputed after each step."""

from __future__ import annotations

from dataclasses import dataclass, field

from integritee.enclave.pool import (
    AlreadyImported,
    LimitReached,
    NonceTooFar,
    PoolEntry,
    PoolError,
    PoolLimits,
    StaleNonce,
    TemporarilyBanned,
    TooLarge,
    TooLowPriority,
)

Entry = PoolEntry[None]


@dataclass
class PoolModel:
    limits: PoolLimits
    account: dict[bytes, int] = field(default_factory=dict)
    held: dict[bytes, dict[int, Entry]] = field(default_factory=dict)
    since: dict[bytes, int] = field(default_factory=dict)
    banned: dict[bytes, int] = field(default_factory=dict)
    taken: list[Entry] = field(default_factory=list)
    order: list[Entry] = field(default_factory=list)

    # --- views

    def all(self) -> list[Entry]:
        return [entry for queue in self.held.values() for entry in queue.values()]

    def next_nonce(self, sender: bytes) -> int:
        nonce = self.account.get(sender, 0)
        while nonce in self.held.get(sender, {}):
            nonce += 1
        return nonce

    def ready(self) -> list[Entry]:
        return [e for e in self.all() if e.nonce < self.next_nonce(e.sender)]

    def future(self) -> list[Entry]:
        return [e for e in self.all() if e.nonce > self.next_nonce(e.sender)]

    def slots(self, entries: list[Entry], sender: bytes | None = None) -> int:
        return sum(self.limits.slots_of(e.size) for e in entries if sender in (None, e.sender))

    # --- admission

    def refusal(self, entry: Entry, now: int) -> type[PoolError] | None:
        """The error that a submission meets, or None."""
        expected = self.next_nonce(entry.sender)
        rival = self.held.get(entry.sender, {}).get(entry.nonce)
        if entry.size > self.limits.entry_bytes:
            return TooLarge
        if self.banned.get(entry.hash, 0) > now:
            return TemporarilyBanned
        if any(e.hash == entry.hash for e in self.all()):
            return AlreadyImported
        if entry.nonce < self.account.get(entry.sender, 0):
            return StaleNonce
        if entry.nonce > expected + self.limits.nonce_gap:
            return NonceTooFar
        if rival is not None and entry.nonce < expected:
            return TooLowPriority
        return None if self.victims(entry) is not None else LimitReached

    def victims(self, entry: Entry) -> list[Entry] | None:
        """Entries that make room for this one; None if there is no room."""
        rival = self.held.get(entry.sender, {}).get(entry.nonce)
        slots = self.limits.slots_of(entry.size) - (self.limits.slots_of(rival.size) if rival else 0)
        if self.slots(self.all(), entry.sender) + slots > self.limits.sender_slots:
            return None
        if slots <= 0:
            return []
        scopes = [(self.all(), self.limits.slots)]
        if entry.nonce > self.next_nonce(entry.sender):
            scopes.append((self.future(), self.limits.future_slots))
        victims: list[Entry] = []
        for holders, limit in scopes:
            excess = self.slots(holders) + slots - limit
            if excess <= 0:
                continue
            heaviest = min({e.sender for e in holders}, key=lambda s: (-self.slots(holders, s), s))
            mine = sorted((e for e in holders if e.sender == heaviest), key=lambda e: -e.nonce)
            chosen: list[Entry] = []
            while mine and self.slots(chosen) < excess and mine[0] not in self.taken:
                chosen.append(mine.pop(0))
            left = self.slots(mine)
            if self.slots(chosen) < excess or left < self.slots(holders, entry.sender) + slots:
                return None
            victims += chosen
        return victims

    def submit(self, entry: Entry, now: int) -> None:
        for victim in self.victims(entry) or []:
            self.held[victim.sender].pop(victim.nonce, None)
        self.held.setdefault(entry.sender, {})[entry.nonce] = entry
        self.refresh(now)

    # --- the rest

    def remove(self, entry: Entry) -> None:
        self.held[entry.sender].pop(entry.nonce)

    def advance(self, sender: bytes, nonce: int, now: int) -> None:
        self.account[sender] = nonce
        queue = self.held.get(sender, {})
        for passed in [n for n in queue if n < nonce]:
            del queue[passed]
        self.refresh(now)

    def expire(self, now: int) -> None:
        for entry in self.future():
            if now - self.since[entry.hash] >= self.limits.future_ms:
                self.remove(entry)
        self.refresh(now)

    def refresh(self, now: int) -> None:
        """Update order and waiting times after any change."""
        ready = self.ready()
        self.taken = [e for e in self.taken if e in ready]
        self.order = [e for e in self.order if e in ready]
        waiting = [e for e in ready if e not in self.order and e not in self.taken]
        self.order += sorted(waiting, key=lambda e: e.nonce)
        future = {e.hash for e in self.future()}
        self.since = {h: self.since.get(h, now) for h in future}
