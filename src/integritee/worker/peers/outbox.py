"""What waits to be told to one peer: a queue with limits. Gossip is for now: what is old, or too much, is dropped.

A peer that missed blocks fetches them; a slow one costs nobody else anything.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

MAX_MESSAGES: Final = 64
"""Messages that may wait for one peer; beyond, the oldest go."""

MAX_BYTES: Final = 32 * 1024 * 1024
"""Characters of all that waits for one peer; beyond, the oldest go."""

MAX_AGE: Final = 60.0
"""Seconds after which a message is not worth sending any more."""


@dataclass(frozen=True)
class Message:
    """A call of the peer's trusted RPC with one parameter; `born` is when, in seconds of a monotonic clock."""

    method: str
    parameter: str
    born: float


class Outbox:
    """First in, first out. `dropped` counts what was never sent."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self.bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: Message) -> None:
        """A message longer than all that may wait is dropped itself."""
        self._messages.append(message)
        self.bytes += len(message.parameter)
        while self._messages and (len(self._messages) > MAX_MESSAGES or self.bytes > MAX_BYTES):
            self._drop()

    def head(self, now: float) -> Message | None:
        """The next one to send; it stays until it is `done`."""
        while self._messages and now - self._messages[0].born > MAX_AGE:
            self._drop()
        return self._messages[0] if self._messages else None

    def done(self, message: Message) -> None:
        """It was told, or need not be; nothing happens if it was dropped meanwhile."""
        if self._messages and self._messages[0] is message:
            self._pop()

    def _drop(self) -> None:
        self._pop()
        self.dropped += 1

    def _pop(self) -> None:
        self.bytes -= len(self._messages.popleft().parameter)
