"""What becomes of requests: from what a worker says about them to counts and latencies, without I/O.

A getter is done with its answer. A call is *taken* with the reply that names its hash, and done when it is in a
sidechain block; what the worker refuses, ends otherwise, or says nothing about until the end, is told apart.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

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

from .histogram import Histogram
from .mix import CALLS

K = TypeVar("K")

HASH_TEXT: Final = len("0x") + 64

TENTHS: Final = 10
"""Counts of what was done are kept by tenths of a second."""


def _prefix(status: TrustedOperationStatus) -> str:
    """How an update's result begins: the two discriminants."""
    return "0x" + encode(DirectRequestStatus, StatusOfOperation(status))[:2].hex()


IN_BLOCK: Final = frozenset(map(_prefix, (InSidechainBlock(bytes(32)), Finalized())))
CANCELLED: Final = {_prefix(status()): status.__name__ for status in (Usurped, Dropped, Invalid)}


class Counts(msgspec.Struct):
    """Of one kind. Requests that were due in the measured time: `sent`, `done`, `refused` (by code), `lost`; their
    latencies until `taken` and until done. `ended` counts by tenths of a second when any was done."""

    sent: int = 0
    done: int = 0
    lost: int = 0
    refused: dict[str, int] = {}
    taken: Histogram = msgspec.field(default_factory=Histogram)
    latency: Histogram = msgspec.field(default_factory=Histogram)
    ended: dict[int, int] = {}

    def merge(self, other: Counts) -> None:
        self.sent += other.sent
        self.done += other.done
        self.lost += other.lost
        _add(self.refused, other.refused)
        _add(self.ended, other.ended)
        self.taken.merge(other.taken)
        self.latency.merge(other.latency)


def _add(counts: dict[K, int], others: dict[K, int]) -> None:
    for key, count in others.items():
        counts[key] = counts.get(key, 0) + count


class _Reason(msgspec.Struct):
    code: str


class _Update(msgspec.Struct):
    result: str = ""
    subscription: str = ""
    reason: _Reason | None = None


class _Message(msgspec.Struct):
    """A reply or an update; the latter has `params`."""

    id: int | None = None
    result: Any = None
    error: Any = None
    reason: _Reason | None = None
    params: _Update | None = None


_decode = msgspec.json.Decoder(_Message).decode


class Tally:
    """`due` are the times (seconds from the start) at which requests were meant to leave, `kinds` what they are; a
    request's number is its place in both, and the id of its JSON-RPC call. Measured are those due in `window`."""

    def __init__(self, due: list[float], kinds: list[str], window: tuple[float, float]) -> None:
        self._due, self._kinds, self._window = due, kinds, window
        self._counts = {kind: Counts() for kind in dict.fromkeys(kinds)}
        self._awaited: dict[int, float] = {}
        self._by_hash: dict[str, int] = {}

    @property
    def under_way(self) -> int:
        """Requests that were sent and are not over."""
        return len(self._awaited)

    def sent(self, number: int, now: float) -> None:
        """Its latency counts from when it was due, or from now if that is still to come."""
        self._awaited[number] = min(now, self._due[number])
        if self._is_measured(number):
            self._counts[self._kinds[number]].sent += 1

    def heard(self, text: bytes, now: float) -> None:
        """A message that came `now` seconds from the start; what is none of ours is passed over."""
        try:
            message = _decode(text)
        except msgspec.MsgspecError:
            return
        if (update := message.params) is not None:
            self._heard_status(update, now)
        elif message.id in self._awaited:
            self._heard_reply(message.id, message, now)

    def _heard_reply(self, number: int, message: _Message, now: float) -> None:
        kind, result = self._kinds[number], message.result
        if message.reason is not None or message.error is not None:
            self._refuse(number, message.reason.code if message.reason else "rpc.error")
        elif kind not in CALLS:
            self._finish(number, now)
        elif isinstance(result, str) and len(result) == HASH_TEXT:
            self._by_hash[result] = number
            if self._is_measured(number):
                self._counts[kind].taken.add(now - self._awaited[number])
        else:
            self._refuse(number, "rpc.refused")

    def _heard_status(self, update: _Update, now: float) -> None:
        number = self._by_hash.get(update.subscription)
        prefix = update.result[: len("0x") + 4]
        if number is None or number not in self._awaited:
            return
        if prefix in IN_BLOCK:
            self._finish(number, now)
        elif prefix in CANCELLED:
            self._refuse(number, update.reason.code if update.reason else CANCELLED[prefix])
        else:
            return
        del self._by_hash[update.subscription]

    def _finish(self, number: int, now: float) -> None:
        began = self._awaited.pop(number)
        counts = self._counts[self._kinds[number]]
        tenth = int(now * TENTHS)
        counts.ended[tenth] = counts.ended.get(tenth, 0) + 1
        if self._is_measured(number):
            counts.done += 1
            counts.latency.add(now - began)

    def _refuse(self, number: int, code: str) -> None:
        del self._awaited[number]
        if self._is_measured(number):
            refused = self._counts[self._kinds[number]].refused
            refused[code] = refused.get(code, 0) + 1

    def _is_measured(self, number: int) -> bool:
        begin, end = self._window
        return begin <= self._due[number] < end

    def result(self) -> dict[str, Counts]:
        """By kind; what is under way still counts as lost."""
        for number in self._awaited:
            if self._is_measured(number):
                self._counts[self._kinds[number]].lost += 1
        self._awaited.clear()
        return self._counts
