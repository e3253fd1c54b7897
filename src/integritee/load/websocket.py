"""A WebSocket client that costs little: frames are masked ahead, and what comes in is cut by hand (RFC 6455).

It does what a worker's trusted RPC needs: text both ways, whole or in fragments, pings, no extensions. Text is framed
with `framed` beforehand; sending it is one write.
"""

from __future__ import annotations

import asyncio
import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha1
from typing import Final, cast
from urllib.parse import urlsplit

from integritee.client.jsonrpc import unverified_tls

from .errors import HandshakeRefused

CONTINUED, TEXT, CLOSE, PING, PONG = 0x0, 0x1, 0x8, 0x9, 0xA
FINAL, MASKED, OPCODE = 0x80, 0x80, 0x0F
LENGTH_16, LENGTH_64 = 126, 127

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What a server appends to the key it is asked with (RFC 6455 §1.3)."""

MAX_HEAD: Final = 16 * 1024
"""Bytes of the longest answer to the upgrade request."""

MAX_MESSAGE: Final = 16 * 1024 * 1024
"""Bytes of the longest message; whoever sends a longer one is hung up on."""

CONNECT_TIMEOUT: Final = 30.0
"""Seconds for TLS and upgrade, with many others doing the same."""

OnText = Callable[[bytes], None]


def framed(text: bytes, mask: bytes, opcode: int = TEXT) -> bytes:
    """A whole message of a client; `mask` are four bytes that nobody can foresee."""
    length = len(text)
    if length < LENGTH_16:
        head = bytes((FINAL | opcode, MASKED | length))
    elif length < 1 << 16:
        head = bytes((FINAL | opcode, MASKED | LENGTH_16)) + length.to_bytes(2, "big")
    else:
        head = bytes((FINAL | opcode, MASKED | LENGTH_64)) + length.to_bytes(8, "big")
    key = (mask * (length // 4 + 1))[:length]
    masked = int.from_bytes(text, "big") ^ int.from_bytes(key, "big")
    return head + mask + masked.to_bytes(length, "big")


class Frames:
    """Cuts a server's stream into frames."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bool, bytes]]:
        """Opcode, whether it ends its message, and payload of each frame that is complete. Raises ValueError."""
        held, at = self._held + data if self._held else data, 0
        while (found := _frame(held, at)) is not None:
            start, end = found
            yield held[at] & OPCODE, bool(held[at] & FINAL), held[start:end]
            at = end
        self._held = held[at:]


def _frame(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the payload of the frame at `at` begins and ends, if all of it is there."""
    if len(data) < at + 2:
        return None
    length, start = data[at + 1], at + 2
    if length >= LENGTH_16:
        start += 2 if length == LENGTH_16 else 8
        if length > LENGTH_64:
            raise ValueError("a server does not mask")
        if len(data) < start:
            return None
        length = int.from_bytes(data[at + 2 : start], "big")
        if length > MAX_MESSAGE:
            raise ValueError("too long a message")
    return (start, start + length) if len(data) >= start + length else None


class WebSocketClient(asyncio.Protocol):
    """One connection. Make it with `open`; `on_text` hears whole messages, `on_lost` that it is over."""

    def __init__(self, url: str, on_text: OnText, on_lost: Callable[[], None]) -> None:
        self.url, self._on_text, self._on_lost = url, on_text, on_lost
        self._key = b64encode(os.urandom(16))
        self._head = b""
        self._frames = Frames()
        self._fragments: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, url: str, on_text: OnText, on_lost: Callable[[], None]) -> WebSocketClient:
        """Connect to ``wss://host:port`` or ``ws://…``. Raises HandshakeRefused, OSError."""
        place = urlsplit(url)
        secure = place.scheme == "wss"
        tls, name = (unverified_tls(), "") if secure else (None, None)
        port = place.port or (443 if secure else 80)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                loop = asyncio.get_running_loop()
                client = cls(url, on_text, on_lost)
                await loop.create_connection(
                    lambda: client, place.hostname or "", port, ssl=tls, server_hostname=name
                )
                await client._opened
        except TimeoutError:
            raise HandshakeRefused(url, f"no answer within {CONNECT_TIMEOUT:g} s") from None
        return client

    async def ask(self, frame: bytes) -> bytes:
        """Send, and take the next message for the answer. Raises HandshakeRefused if none comes."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        heard, self._on_text = self._on_text, answer.set_result
        try:
            self.send(frame)
            async with asyncio.timeout(CONNECT_TIMEOUT):
                return await answer
        except TimeoutError:
            raise HandshakeRefused(self.url, f"no answer within {CONNECT_TIMEOUT:g} s") from None
        finally:
            self._on_text = heard

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def send(self, frame: bytes) -> None:
        """A frame that `framed` has made; without effect when the connection is gone."""
        if self._transport is not None:
            self._transport.write(frame)

    def close(self) -> None:
        self.send(framed((1000).to_bytes(2, "big"), os.urandom(4), CLOSE))
        if self._transport is not None:
            self._transport.close()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        request = (
            "GET / HTTP/1.1",
            f"Host: {urlsplit(self.url).netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {self._key.decode()}",
            "Sec-WebSocket-Version: 13",
        )
        self._transport.write("\r\n".join((*request, "", "")).encode())

    def data_received(self, data: bytes) -> None:
        if not self._opened.done():
            data = self._upgrade(data)
        try:
            for opcode, is_last, payload in self._frames.feed(data) if data else ():
                self._received(opcode, is_last, payload)
        except ValueError:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._opened.done():
            self._opened.set_exception(HandshakeRefused(self.url, str(exc or "it hung up")))
        self._on_lost()

    # Receiving

    def _upgrade(self, data: bytes) -> bytes:
        """Read the server's answer; what came behind it."""
        head, end, rest = (self._head + data).partition(b"\r\n\r\n")
        if not end:
            self._head = head
            if len(head) > MAX_HEAD:
                self._refuse("no end of its answer")
            return b""
        status, *fields = head.split(b"\r\n")
        named = {
            name.strip().lower(): value.strip() for name, _, value in (field.partition(b":") for field in fields)
        }
        expected = b64encode(sha1(self._key + GUID, usedforsecurity=False).digest())
        if b" 101 " not in status + b" " or named.get(b"sec-websocket-accept") != expected:
            self._refuse(status.decode(errors="replace"))
            return b""
        self._opened.set_result(None)
        return rest

    def _refuse(self, reason: str) -> None:
        self._opened.set_exception(HandshakeRefused(self.url, reason))
        if self._transport is not None:
            self._transport.close()

    def _received(self, opcode: int, is_last: bool, payload: bytes) -> None:
        if opcode == TEXT and is_last:
            self._on_text(payload)
        elif opcode in (TEXT, CONTINUED):
            self._fragments.append(payload)
            if is_last:
                whole, self._fragments = b"".join(self._fragments), []
                self._on_text(whole)
        elif opcode == PING:
            self.send(framed(payload, os.urandom(4), PONG))
        elif opcode == CLOSE:
            self.close()
