"""Who wants to hear about which trusted operation, without I/O.

Update frames: integritee-worker `core/direct-rpc-server/src/rpc_responder.rs`. They repeat the name of the
request method, always carry id 1, and their `subscription` is the hash of the operation as the reply gave it.

A watch begins *before* its operation is submitted and holds updates back until `release`: so none is lost,
and none overtakes the reply that tells the caller the hash.

Where a shard has several validateers, a sidechain block can be given up for others: its operations are
`Retracted`, ready again, and in another block later. A watch may therefore *linger* behind InSidechainBlock until
the block is final. Clients made for the original have left by then or pass over what comes.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from functools import lru_cache
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
from integritee.scale import codec

from .errors import Reason, TooManyWatches
from .limits import (
    MAX_HELD_UPDATES,
    MAX_LINGERING,
    MAX_LINGERING_PER_CONNECTION,
    MAX_WATCHES,
    MAX_WATCHES_PER_CONNECTION,
)

WATCH_METHOD: Final = "author_submitAndWatchExtrinsic"
UPDATE_ID: Final = 1

REMEMBERED_RESULTS: Final = 64
"""Encoded statuses: all operations of a block have the same one."""

LAST_STATUSES: Final = (InSidechainBlock, Finalized, Usurped, Dropped, Invalid)
"""Nothing follows these, unless a block is given up. (The original keeps a watch after Dropped, for nothing.)"""


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


class _Watches:
    """The watches of one connection; `lingering` ones in the order in which they began to linger."""

    __slots__ = ("active", "lingering")

    def __init__(self) -> None:
        self.active: set[Watcher] = set()
        self.lingering: OrderedDict[Watcher, None] = OrderedDict()

    def __contains__(self, watcher: object) -> bool:
        return watcher in self.active or watcher in self.lingering


class WatchRegistry:
    """All watches of a server. Connections are plain numbers that the edge hands out.

    A watch is active or lingers; only active ones count against `total` and `per_connection`. Of those that linger
    there are at most `lingering` and `lingering_per_connection`; then the oldest ends.
    """

    def __init__(
        self,
        *,
        total: int = MAX_WATCHES,
        per_connection: int = MAX_WATCHES_PER_CONNECTION,
        lingering: int = MAX_LINGERING,
        lingering_per_connection: int = MAX_LINGERING_PER_CONNECTION,
    ) -> None:
        self._total = total
        self._per_connection = per_connection
        self._max_lingering = lingering
        self._lingering_per_connection = lingering_per_connection
        self._active = 0
        self._lingering: OrderedDict[Watcher, None] = OrderedDict()
        self._by_connection: dict[int, _Watches] = {}
        self._by_operation: dict[bytes, list[Watcher]] = {}

    def __len__(self) -> int:
        """Number of watches, those that linger included."""
        return self._active + len(self._lingering)

    @property
    def lingering_count(self) -> int:
        """Watches of operations whose block is not final yet."""
        return len(self._lingering)

    def connection_of(self, top_hash: bytes) -> int:
        """The first connection that watches an operation; -1 if nobody does."""
        watchers = self._by_operation.get(top_hash)
        return watchers[0].connection if watchers else -1

    def connect(self, connection: int) -> None:
        """Accept watches of a connection."""
        self._by_connection[connection] = _Watches()

    def disconnect(self, connection: int) -> None:
        """Forget a connection and its watches; watchers still in use fall silent."""
        watches = self._by_connection.get(connection)
        if watches is None:
            return
        for watcher in [*watches.active, *watches.lingering]:
            self.discard(watcher)
        del self._by_connection[connection]

    def open(self, connection: int) -> Watcher:
        """Begin a watch whose operation is not known yet. Raises TooManyWatches.

        For a connection that is gone meanwhile the watch is silent.
        """
        watcher = Watcher(self, connection)
        watches = self._by_connection.get(connection)
        if watches is None:
            return watcher
        if len(watches.active) >= self._per_connection:
            raise TooManyWatches(self._per_connection)
        if self._active >= self._total:
            raise TooManyWatches(self._total)
        watches.active.add(watcher)
        self._active += 1
        return watcher

    def discard(self, watcher: Watcher) -> None:
        """End a watch without another word."""
        self._forget(watcher)
        watcher._let_go()

    def release(self, watcher: Watcher) -> list[Push]:
        """The reply is on its way: what was held back, oldest first; from now on updates go out at once."""
        return watcher._let_go()

    def update(
        self,
        top_hash: bytes,
        status: TrustedOperationStatus,
        reason: IntegriteeError | None = None,
        *,
        lingers: bool = False,
    ) -> list[Push]:
        """What to send, now that an operation (hash of 32 bytes) has a new status.

        `reason` says why an operation ends without being executed. The watch ends with `LAST_STATUSES`; but behind
        an InSidechainBlock that `lingers`, that is whose block can still be given up, it waits for what comes.
        """
        watchers = self._by_operation.get(top_hash, [])
        frame = update_frame(top_hash, status, reason) if watchers else b""
        pushes = [watcher._take(frame) for watcher in watchers]
        for watcher in list(watchers):
            if lingers and isinstance(status, InSidechainBlock):
                self._linger(watcher)
            elif isinstance(status, LAST_STATUSES):
                self._forget(watcher)
            else:
                self._revive(watcher)
        return [push for push in pushes if push is not None]

    def settle(self, top_hashes: Iterable[bytes]) -> None:
        """The blocks that these operations are in are final: nothing follows, and the watches end silently.

        Watches that do not linger are left alone, as are unknown hashes.
        """
        for top_hash in top_hashes:
            for watcher in list(self._by_operation.get(top_hash, ())):
                if watcher in self._lingering:
                    self._forget(watcher)

    def _bind(self, watcher: Watcher, top_hash: bytes) -> None:
        if watcher.top_hash is None and watcher in self._by_connection.get(watcher.connection, ()):
            watcher.top_hash = top_hash
            self._by_operation.setdefault(top_hash, []).append(watcher)

    def _linger(self, watcher: Watcher) -> None:
        """Wait behind the others, and make room for it."""
        self._revive(watcher)
        watches = self._by_connection[watcher.connection]
        watches.active.remove(watcher)
        self._active -= 1
        watches.lingering[watcher] = self._lingering[watcher] = None
        if len(watches.lingering) > self._lingering_per_connection:
            self._forget(next(iter(watches.lingering)))
        if len(self._lingering) > self._max_lingering:
            self._forget(next(iter(self._lingering)))

    def _revive(self, watcher: Watcher) -> None:
        """The operation is under way again. Its watch was admitted once: no limit ends it now."""
        if watcher not in self._lingering:
            return
        watches = self._by_connection[watcher.connection]
        del self._lingering[watcher], watches.lingering[watcher]
        watches.active.add(watcher)
        self._active += 1

    def _forget(self, watcher: Watcher) -> None:
        watches = self._by_connection.get(watcher.connection)
        if watches is None or watcher not in watches:
            return
        self._revive(watcher)
        watches.active.remove(watcher)
        self._active -= 1
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


_STATUS: Final = codec(DirectRequestStatus)
_encode = msgspec.json.Encoder().encode


def update_frame(top_hash: bytes, status: TrustedOperationStatus, reason: IntegriteeError | None = None) -> bytes:
    """The text that tells a watcher about a status; `reason` is an addition that clients may ignore."""
    update = _Update(
        None,
        _result(status),
        "0x" + top_hash.hex(),
        UNSET if reason is None else Reason.of(reason),
    )
    return _encode(_Frame(UPDATE_ID, WATCH_METHOD, update))


@lru_cache(REMEMBERED_RESULTS)
def _result(status: TrustedOperationStatus) -> str:
    return "0x" + _STATUS.encode(StatusOfOperation(status)).hex()
