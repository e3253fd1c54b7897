"""Who wants to hear about which trusted operation, without I/O.

Update frames: integritee-worker `core/direct-rpc-server/src/rpc_responder.rs`. They repeat the name of the
request method, always carry id 1, and their `subscription` is the hash of the operation as the reply gave it.

A watch begins *before* its operation is submitted and holds updates back until `release`: so none is lost,
and none overtakes the reply that tells the caller the hash.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from integritee.errors import IntegriteeError
from integritee.primitives.rpc import (
    DirectRequestStatus,
    Dropped,
    Finalized,
    InSidechainBlock,
    Invalid,
    StatusOfOperation,
    TrustedOperationStatus,
    Usurped,
)
from integritee.scale import encode

from .errors import Reason, TooManyWatches
from .limits import MAX_HELD_UPDATES, MAX_WATCHES, MAX_WATCHES_PER_CONNECTION

WATCH_METHOD: Final = "author_submitAndWatchExtrinsic"
UPDATE_ID: Final = 1

LAST_STATUSES: Final = (InSidechainBlock, Finalized, Usurped, Dropped, Invalid)
"""Nothing follows these. (The original keeps a watch after Dropped, for nothing.)"""


class Push(NamedTuple):
    """A message for a connection that did not ask for it just now."""

    connection: int
    text: bytes


class Watcher:
    """One submission's interest in the fate of its operation."""

    __slots__ = ("_held", "_registry", "connection", "top_hash")

    def __init__(self, registry: WatchRegistry, connection: int) -> None:
        self._registry = registry
        self._held: deque[bytes] | None = deque(maxlen=MAX_HELD_UPDATES)
        self.connection = connection
        self.top_hash: bytes | None = None

    def bind(self, top_hash: bytes) -> None:
        """Name the operation (32 bytes); to be called before anyone reports about it. Idempotent."""
        self._registry._bind(self, top_hash)

    def _take(self, frame: bytes) -> Push | None:
        if self._held is None:
            return Push(self.connection, frame)
        self._held.append(frame)
        return None

    def _let_go(self) -> list[Push]:
        held, self._held = self._held or (), None
        return [Push(self.connection, frame) for frame in held]


class WatchRegistry:
    """All watches of a server. Connections are plain numbers that the edge hands out."""

    def __init__(self, *, total: int = MAX_WATCHES, per_connection: int = MAX_WATCHES_PER_CONNECTION) -> None:
        self._total = total
        self._per_connection = per_connection
        self._count = 0
        self._by_connection: dict[int, set[Watcher]] = {}
        self._by_operation: dict[bytes, list[Watcher]] = {}

    def __len__(self) -> int:
        """Number of watches."""
        return self._count

    def connect(self, connection: int) -> None:
        """Accept watches of a connection."""
        self._by_connection[connection] = set()

    def disconnect(self, connection: int) -> None:
        """Forget a connection and its watches; watchers still in use fall silent."""
        for watcher in list(self._by_connection.get(connection, ())):
            self.discard(watcher)
        self._by_connection.pop(connection, None)

    def open(self, connection: int) -> Watcher:
        """Begin a watch whose operation is not known yet. Raises TooManyWatches.

        For a connection that is gone meanwhile the watch is silent.
        """
        watcher = Watcher(self, connection)
        watches = self._by_connection.get(connection)
        if watches is None:
            return watcher
        if len(watches) >= self._per_connection:
            raise TooManyWatches(self._per_connection)
        if self._count >= self._total:
            raise TooManyWatches(self._total)
        watches.add(watcher)
        self._count += 1
        return watcher

    def discard(self, watcher: Watcher) -> None:
        """End a watch without another word."""
        self._forget(watcher)
        watcher._let_go()

    def release(self, watcher: Watcher) -> list[Push]:
        """The reply is on its way: what was held back, oldest first; from now on updates go out at once."""
        return watcher._let_go()

    def update(
        self, top_hash: bytes, status: TrustedOperationStatus, reason: IntegriteeError | None = None
    ) -> list[Push]:
        """What to send, now that an operation (hash of 32 bytes) has a new status.

        `reason` says why an operation ends without being executed. The watch ends with `LAST_STATUSES`.
        """
        watchers = self._by_operation.get(top_hash, [])
        frame = update_frame(top_hash, status, reason) if watchers else b""
        pushes = [watcher._take(frame) for watcher in watchers]
        if isinstance(status, LAST_STATUSES):
            for watcher in list(watchers):
                self._forget(watcher)
        return [push for push in pushes if push is not None]

    def _bind(self, watcher: Watcher, top_hash: bytes) -> None:
        if watcher.top_hash is None and watcher in self._by_connection.get(watcher.connection, ()):
            watcher.top_hash = top_hash
            self._by_operation.setdefault(top_hash, []).append(watcher)

    def _forget(self, watcher: Watcher) -> None:
        watches = self._by_connection.get(watcher.connection, set())
        if watcher not in watches:
            return
        watches.remove(watcher)
        self._count -= 1
        if watcher.top_hash is not None:
            others = self._by_operation[watcher.top_hash]
            others.remove(watcher)
            if not others:
                del self._by_operation[watcher.top_hash]


class _Update(msgspec.Struct, frozen=True):
    error: None
    result: str
    subscription: str
    reason: Reason | UnsetType = UNSET


class _Frame(msgspec.Struct, frozen=True, tag_field="jsonrpc", tag="2.0"):
    id: int
    method: str
    params: _Update


_encode = msgspec.json.Encoder().encode


def update_frame(top_hash: bytes, status: TrustedOperationStatus, reason: IntegriteeError | None = None) -> bytes:
    """The text that tells a watcher about a status; `reason` is an addition that clients may ignore."""
    result = encode(DirectRequestStatus, StatusOfOperation(status))
    update = _Update(
        None,
        "0x" + result.hex(),
        "0x" + top_hash.hex(),
        UNSET if reason is None else Reason.of(reason),
    )
    return _encode(_Frame(UPDATE_ID, WATCH_METHOD, update))
