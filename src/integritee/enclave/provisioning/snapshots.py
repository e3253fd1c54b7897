"""What a server gives, and the states it keeps for clients that come back after a broken connection."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import msgspec

from integritee.trie import Trie

MAX_SNAPSHOTS: Final = 4
"""States kept at a time. They share most of their nodes."""
SNAPSHOT_SECONDS: Final = 600.0
"""How long a state is kept after the last client began with it."""


class Secrets(msgspec.Struct, frozen=True):
    """JSON of the shielding key (`ShieldingKey.private_json`), and the 32 bytes of the state key."""

    shielding_key: bytes
    state_key: bytes

    def __repr__(self) -> str:
        return "Secrets()"


class Snapshot(msgspec.Struct, frozen=True):
    """A state, about how many bytes it has, and what a peer needs beside its entries (head, time)."""

    state: Trie
    size: int
    meta: bytes

    @property
    def root(self) -> bytes:
        return self.state.root()


class SnapshotShelf:
    """Snapshots by root, for a while. Times in seconds of any clock that only goes forward."""

    def __init__(self, count: int = MAX_SNAPSHOTS, seconds: float = SNAPSHOT_SECONDS) -> None:
        self._count = count
        self._seconds = seconds
        self._kept: OrderedDict[bytes, tuple[Snapshot, float]] = OrderedDict()

    def put(self, snapshot: Snapshot, now: float) -> None:
        """Keep a snapshot from now on; the one least recently asked for makes room."""
        self._kept[snapshot.root] = (snapshot, now + self._seconds)
        self._kept.move_to_end(snapshot.root)
        self.expire(now)
        while len(self._kept) > self._count:
            self._kept.popitem(last=False)

    def get(self, root: bytes, now: float) -> Snapshot | None:
        """The snapshot of a root if it is still there, which it then is for longer."""
        self.expire(now)
        found = self._kept.get(root)
        if found is None:
            return None
        self.put(found[0], now)
        return found[0]

    def expire(self, now: float) -> None:
        """Let go of what nobody asked for in time."""
        for root in [root for root, (_, until) in self._kept.items() if until <= now]:
            del self._kept[root]
