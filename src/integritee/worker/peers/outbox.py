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


@dataclass(frozen=True, order=True)
class Message:
    """A call of the peer's trusted RPC with one parameter; `born` is when, in seconds of a monotonic clock."""

    number: int
    """In the order of the queue."""
    method: str
    parameter: str
    born: float


class Outbox:
    """First in, first out. `dropped` counts what was never sent."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._next = 0
        self.bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, method: str, parameter: str, now: float) -> None:
        """One that is longer than all that may wait is dropped itself."""
        self._messages.append(Message(self._next, method, parameter, now))
        self._next += 1
        self.bytes += len(parameter)
        self._keep_limits()

    def take(self, now: float) -> Message | None:
        """The next one to send."""
        while self._messages:
            message = self._pop()
            if now - message.born <= MAX_AGE:
                return message
            self.dropped += 1
        return None

    def put_back(self, message: Message) -> None:
        """Have one that was taken sent again, in its old place."""
        self._messages = deque(sorted((message, *self._messages)))
        self.bytes += len(message.parameter)
        self._keep_limits()

    def _keep_limits(self) -> None:
        while self._messages and (len(self._messages) > MAX_MESSAGES or self.bytes > MAX_BYTES):
            self._pop()
            self.dropped += 1

    def _pop(self) -> Message:
        message = self._messages.popleft()
        self.bytes -= len(message.parameter)
        return message
