"""One peer: a connection to its trusted RPC that is kept, what waits to be told there, and what it was asked once.

The edge is `Dial`: everything else runs in any loop's time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import SystemRandom
from typing import Any, Final, Protocol, TypeVar

from integritee.boundary.endpoint import RemoteFailure
from integritee.client.answers import read_value
from integritee.client.errors import ClientError, ConnectionFailed, MalformedAnswer, RequestTimeout, RpcError
from integritee.client.jsonrpc import Message as Answer
from integritee.client.jsonrpc import RpcConnection, result_of
from integritee.crypto import ss58_encode
from integritee.errors import IntegriteeError
from integritee.scale import ScaleError, codec
from integritee.worker.endpoints import shown

from .errors import PeerLied, PeerUnusable
from .outbox import Message, Outbox
from .registry import mu_ra_address, untrusted_url
from .standing import Lapse, Standing

CONNECT_LIMIT: Final = 5.0
"""Seconds."""

ANSWER_LIMIT: Final = 10.0
"""Seconds a peer may take to answer."""

MAX_IN_FLIGHT: Final = 8
"""Messages to one peer that it has not answered yet."""

LIMIT_EXCEEDED: Final = -32005
"""Code of a peer that is asked too often (EIP-1474)."""

BLOCKED_PAUSE: Final = 1.0
"""Seconds to wait then."""

MAX_ANSWER: Final = 64 * 1024
"""Bytes of an answer of the trusted RPC: there are only short ones."""

MAX_PAGE: Final = 16 * 1024 * 1024
"""Bytes of an answer with blocks: as JSON, a page of them or a single one of four megabytes."""

T = TypeVar("T")
TEXT: Final = codec(str)
RANDOM: Final = SystemRandom()
log = logging.getLogger(__name__)


class Connection(Protocol):
    """An open JSON-RPC connection. Requests raise ClientError."""

    async def exchange(self, method: str, params: list[Any], timeout: float | None = None) -> Answer: ...

    async def close(self) -> None: ...


Dial = Callable[[str, int], Awaitable[Connection]]
"""One attempt to connect to a URL whose answers have at most so many bytes. Raises ConnectionFailed."""


async def dial(url: str, max_answer: int) -> Connection:
    """A WebSocket; certificates are not checked."""
    return await RpcConnection.open(url, CONNECT_LIMIT, ANSWER_LIMIT, max_message=max_answer)


class Peer:
    """`run` tells what is put into `outbox` until cancelled; `url` is that of the trusted RPC."""

    def __init__(
        self, account: bytes, url: str, dial: Dial = dial, roll: Callable[[], float] = RANDOM.random
    ) -> None:
        self.account, self.url = account, url
        self.name = ss58_encode(account)
        self.outbox = Outbox()
        self.standing = Standing()
        self._dial, self._roll = dial, roll
        self._filled = asyncio.Event()
        self._connecting = asyncio.Lock()
        self._connection: Connection | None = None
        self._facts: dict[str, str] = {}

    # -- telling -------------------------------------------------------------------------------------

    def tell(self, method: str, parameter: str) -> None:
        """Have the peer told soon, if it can be."""
        self.outbox.put(method, parameter, _now())
        self._filled.set()

    async def run(self) -> None:
        """Send what waits, with rests between attempts that fail. Ends by cancellation only."""
        sending: set[asyncio.Task[None]] = set()
        try:
            while True:
                if len(sending) >= (1 if self._connection is None else MAX_IN_FLIGHT):
                    await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
                elif (rest := self.standing.rests_until - _now()) > 0:
                    await asyncio.sleep(rest)
                elif (message := self.outbox.take(_now())) is not None:
                    sending.add(task := asyncio.create_task(self._send(message)))
                    task.add_done_callback(sending.discard)
                else:
                    self._filled.clear()
                    await self._filled.wait()
        finally:
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)
            await self.close()

    async def _send(self, message: Message) -> None:
        """Another attempt is made if the message did not arrive, or too early; not if the peer takes too long or
        refuses it."""
        try:
            await self.ask(message.method, [message.parameter])
        except ConnectionFailed:
            self._again(message)
        except ClientError as refused:
            if is_too_often(refused):
                await asyncio.sleep(BLOCKED_PAUSE)
                self._again(message)
            else:
                log.info("%s: %s (%s)", self.name, refused, refused.code)

    def _again(self, message: Message) -> None:
        self.outbox.put_back(message)
        self._filled.set()

    # -- asking --------------------------------------------------------------------------------------

    async def ask(self, method: str, params: list[Any]) -> Any:
        """The result of a call of the trusted RPC. Raises ClientError."""
        return self._read(result_of, method, await self._exchange(method, params))

    async def untrusted_url(self) -> str:
        """Where its blocks are fetched; asked once. Raises ClientError, PeerUnusable."""
        return untrusted_url(await self._fact("author_getUntrustedUrl"))

    async def mu_ra_address(self) -> tuple[str, int]:
        """Host and port where it provisions others; asked once. Raises ClientError, PeerUnusable."""
        return mu_ra_address(await self._fact("author_getMuRaUrl"))

    async def fetch_connection(self) -> Connection:
        """A connection to its untrusted RPC, the caller's to close. Raises ClientError, PeerUnusable."""
        url = await self.untrusted_url()
        try:
            return await self._dial(url, MAX_PAGE)
        except ConnectionFailed as failed:
            self.forget()
            self.lapsed(failed)
            raise

    def forget(self) -> None:
        """Ask for its addresses again: it may be elsewhere by now."""
        self._facts.clear()

    async def _fact(self, method: str) -> str:
        if method not in self._facts:
            self._facts[method] = self._read(_text, method, await self._exchange(method, []))
        return self._facts[method]

    def _read(self, read: Callable[[str, Answer], T], method: str, answer: Answer) -> T:
        try:
            return read(method, answer)
        except ClientError as failed:
            if not is_too_often(failed):
                self.lapsed(failed)
            raise

    async def _exchange(self, method: str, params: list[Any]) -> Answer:
        """Of requests that fail with one connection, the first counts."""
        began, connection = _now(), await self._connected()
        try:
            answer = await connection.exchange(method, params, ANSWER_LIMIT)
        except ClientError as failed:
            if connection is self._connection:
                self.lapsed(failed)
                await self.close()
            raise
        self.standing.served(_now() - began)
        return answer

    # -- keeping -------------------------------------------------------------------------------------

    def lapsed(self, failed: IntegriteeError) -> None:
        """Note what went wrong; said once in a row."""
        lapse = lapse_of(failed)
        is_news = self.standing.latest is not lapse
        self.standing.lapsed(lapse, _now(), self._roll())
        reason = failed.reason if isinstance(failed, ConnectionFailed) else str(failed)
        level = logging.WARNING if is_news else logging.INFO
        log.log(level, "peer %s at %s: %s: %s", self.name, shown(self.url), lapse.value, reason)

    async def _connected(self) -> Connection:
        async with self._connecting:
            if self._connection is None:
                try:
                    self._connection = await self._dial(self.url, MAX_ANSWER)
                except ClientError as failed:
                    self.lapsed(failed)
                    raise
            return self._connection

    async def close(self) -> None:
        """Break off; the next request connects again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(ClientError, OSError):
                await connection.close()


def _text(method: str, answer: Answer) -> str:
    """Raises ClientError."""
    try:
        text: str = TEXT.decode(read_value(method, answer))
    except ScaleError as broken:
        raise MalformedAnswer(method, str(broken)) from None
    return text


def is_too_often(refused: ClientError) -> bool:
    """Whether a peer wants to be left alone for a moment, which is nothing against it."""
    return isinstance(refused, RpcError) and refused.rpc_code == LIMIT_EXCEEDED


def lapse_of(failed: IntegriteeError) -> Lapse:
    """What a failure says about the peer."""
    match failed:
        case PeerLied() | PeerUnusable() | MalformedAnswer():
            return Lapse.LIED
        case RequestTimeout():
            return Lapse.SLOW
        case ConnectionFailed():
            return Lapse.UNREACHABLE
        case RemoteFailure():
            return Lapse.USELESS
    return Lapse.REFUSED


def _now() -> float:
    return asyncio.get_running_loop().time()
