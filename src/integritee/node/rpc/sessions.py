"""A caller's connection, without the connection: its replies, subscriptions and notifications.

A session belongs to the thread that owns the chain. Whatever it has to say goes through `send`, in order; what
is pushed while a message is being answered waits until the answer is out, so that a subscriber knows the
subscription's id before its first notification.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

import msgspec

from .errors import NeedsWebSocket, TooManySubscriptions
from .limits import MAX_SUBSCRIPTIONS

_encode: Final = msgspec.json.Encoder().encode


class Session:
    """One caller. `allow_unsafe` lets it call unsafe methods; only with `can_push` can it subscribe."""

    def __init__(
        self,
        send: Callable[[bytes], None],
        *,
        allow_unsafe: bool = True,
        can_push: bool = True,
        max_subscriptions: int = MAX_SUBSCRIPTIONS,
    ) -> None:
        self.allow_unsafe = allow_unsafe
        self._send = send
        self._can_push = can_push
        self._max_subscriptions = max_subscriptions
        self._ids = count(1)
        self._sinks: dict[str, Sink] = {}
        self._held: list[bytes] | None = None
        self._closed = False

    def __len__(self) -> int:
        """Open subscriptions."""
        return len(self._sinks)

    def reply(self, text: bytes) -> None:
        if not self._closed:
            self._send(text)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Keep notifications back until the end of the block."""
        self._held = []
        try:
            yield
        finally:
            held, self._held = self._held, None
            for text in held:
                self.reply(text)

    def subscribe(self, notification: str) -> Sink:
        """A new subscription, ended already if the caller has left. Raises NeedsWebSocket, TooManySubscriptions."""
        if not self._can_push:
            raise NeedsWebSocket
        if len(self._sinks) >= self._max_subscriptions:
            raise TooManySubscriptions(self._max_subscriptions)
        sink = Sink(self, str(next(self._ids)), notification)
        self._sinks[sink.id] = sink
        if self._closed:
            sink.finish()
        return sink

    def unsubscribe(self, id: str, notification: str) -> bool:
        """End the subscription of that kind; whether there was one."""
        sink = self._sinks.get(id)
        if sink is None or sink.notification != notification:
            return False
        sink.finish()
        return True

    def close(self) -> None:
        """The caller is gone: end everything, send nothing any more."""
        self._closed = True
        for sink in tuple(self._sinks.values()):
            sink.finish()

    def _push(self, text: bytes) -> None:
        if self._held is not None:
            self._held.append(text)
        else:
            self.reply(text)

    def _forget(self, id: str) -> None:
        self._sinks.pop(id, None)


class Sink:
    """Where one subscription's results go. After `finish` nothing does."""

    __slots__ = ("_on_finish", "_session", "id", "notification")

    def __init__(self, session: Session, id: str, notification: str) -> None:
        self.id = id
        self.notification = notification
        self._session: Session | None = session
        self._on_finish: list[Callable[[], object]] = []

    def push(self, result: Any) -> None:
        """Notify the subscriber of a JSON value, or of one that is encoded already (msgspec.Raw)."""
        if self._session is not None:
            self._session._push(_encode(_Notification(self.notification, _Params(self.id, result))))

    def on_finish(self, callback: Callable[[], object]) -> None:
        """Have `callback` called once when the subscription ends, for whatever reason; at once if it has."""
        if self._session is None:
            callback()
        else:
            self._on_finish.append(callback)

    def finish(self) -> None:
        """End the subscription. Doing so twice does nothing."""
        session, self._session = self._session, None
        if session is not None:
            session._forget(self.id)
            for callback in self._on_finish:
                callback()


class Topic:
    """Subscriptions that hear the same."""

    def __init__(self) -> None:
        self._sinks: dict[Sink, None] = {}

    def __len__(self) -> int:
        return len(self._sinks)

    def join(self, sink: Sink) -> None:
        self._sinks[sink] = None
        sink.on_finish(lambda: self._sinks.pop(sink, None))

    def publish(self, result: Callable[[], Any]) -> None:
        """Notify all of the JSON value, which is made only if somebody listens."""
        if self._sinks:
            encoded = msgspec.Raw(_encode(result()))
            for sink in tuple(self._sinks):
                sink.push(encoded)


class _Params(msgspec.Struct, frozen=True):
    subscription: str
    result: Any


class _Notification(msgspec.Struct, frozen=True, tag_field="jsonrpc", tag="2.0"):
    method: str
    params: _Params
