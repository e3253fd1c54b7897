"""JSON-RPC 2.0 over one WebSocket: concurrent requests and subscriptions.

Used for parentchain nodes and workers. A worker's self-signed certificate is not verified by chain; trust in a worker
comes from the parentchain's registry and its attestation.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Self

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.http11 import Response

from .errors import ConnectionFailed, MalformedAnswer, RequestTimeout, RpcError

REQUEST_TIMEOUT: Final = 60.0
"""Seconds a request may wait for its answer."""

MAX_MESSAGE: Final = 64 * 1024 * 1024
MAX_BACKLOG: Final = 4096
"""Messages of one subscription that may wait to be read; beyond, the oldest go."""

MAX_EARLY: Final = 256
"""Messages kept for subscriptions whose confirmation is still on its way; beyond, the oldest go."""

PROTOCOL_ERROR: Final = 1002

Message = dict[str, Any]


def unverified_tls() -> ssl.SSLContext:
    """TLS without certificate checks, for workers' self-signed certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class _Refusal(msgspec.Struct):
    """What a worker answers in place of a WebSocket, such as ``rpc.too_many_clients``."""

    code: str
    message: str


def _refusal(response: Response) -> str:
    """HTTP status, and code and text of the worker's reason if it gave one."""
    status = f"HTTP {response.status_code}"
    try:
        refusal = msgspec.json.decode(response.body or b"", type=_Refusal)
    except (msgspec.DecodeError, UnicodeError):
        return f"{status} {response.reason_phrase}"
    return f"{status}: {refusal.code}: {refusal.message}"


class Subscription:
    """Messages of one subscription, in order. Iterate; ends with ConnectionFailed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._queue: asyncio.Queue[Any] = asyncio.Queue(MAX_BACKLOG)
        self.id: Any = None

    def push(self, result: Any) -> None:
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(result)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        item = await self._queue.get()
        if isinstance(item, Exception):
            self.push(item)  # whoever asks again hears it again
            raise item
        return item


class RpcConnection:
    """One connection. Make it with `open`; use as an async context manager."""

    def __init__(self, url: str, socket: ClientConnection, request_timeout: float = REQUEST_TIMEOUT) -> None:
        self.url = url
        self._socket, self._request_timeout = socket, request_timeout
        self._next_id = 0
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._subscriptions: dict[Any, list[Subscription]] = {}
        self._early: deque[tuple[Any, Any]] = deque(maxlen=MAX_EARLY)
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(dict[str, Any]).decode
        self._reader = asyncio.create_task(self._read())
        self.on_close: Callable[[], None] | None = None

    @classmethod
    async def open(
        cls,
        url: str,
        timeout: float = 10.0,
        request_timeout: float = REQUEST_TIMEOUT,
        verify_tls: bool = False,
        max_message: int = MAX_MESSAGE,
    ) -> Self:
        """Connect within `timeout` seconds; requests may take `request_timeout` then, and a message from the server
        have `max_message` bytes. With `verify_tls` the server of a ``wss`` URL needs a certificate that the system
        trusts. Raises ConnectionFailed."""
        tls: dict[str, Any] = {}
        if url.startswith("wss:") and not verify_tls:
            tls = {"ssl": unverified_tls(), "server_hostname": ""}
        try:
            socket = await connect(
                url,
                **tls,
                max_size=max_message,
                compression=None,
                ping_interval=None,
                open_timeout=timeout,
                close_timeout=1.0,
                proxy=None,
            )
        except InvalidStatus as refused:
            raise ConnectionFailed(url, _refusal(refused.response)) from None
        except (OSError, InvalidHandshake, InvalidURI, TimeoutError, ValueError) as failed:
            raise ConnectionFailed(url, str(failed) or type(failed).__name__) from None
        return cls(url, socket, request_timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._socket.close()
        await asyncio.wait({self._reader})

    # -- requests ------------------------------------------------------------------------------------

    async def request(self, method: str, params: list[Any], timeout: float | None = None) -> Any:
        """The `result` of a call. Raises RpcError, RequestTimeout, ConnectionFailed, MalformedAnswer."""
        return result_of(method, await self.exchange(method, params, timeout))

    async def exchange(self, method: str, params: list[Any], timeout: float | None = None) -> Message:
        """The whole answer object of a call, whatever it says. Raises RequestTimeout, ConnectionFailed."""
        if self._reader.done():
            raise ConnectionFailed(self.url, "connection closed")
        timeout = self._request_timeout if timeout is None else timeout
        self._next_id += 1
        number = self._next_id
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            request = {"id": number, "jsonrpc": "2.0", "method": method, "params": params}
            await self._socket.send(self._encode(request).decode())
            async with asyncio.timeout(timeout):
                return await future
        except ConnectionClosed as closed:
            raise ConnectionFailed(self.url, str(closed)) from None
        except TimeoutError:
            raise RequestTimeout(method, timeout) from None
        finally:
            self._waiting.pop(number, None)

    # -- subscriptions -------------------------------------------------------------------------------

    def expect(self, subscription_id: Any) -> Subscription:
        """Collect messages that carry this subscription id, also those that came just before."""
        subscription = Subscription(self.url)
        subscription.id = subscription_id
        self._subscriptions.setdefault(subscription_id, []).append(subscription)
        for found, result in self._early:
            if found == subscription_id:
                subscription.push(result)
        others = [early for early in self._early if early[0] != subscription_id]
        self._early = deque(others, MAX_EARLY)
        if self._reader.done():
            subscription.push(ConnectionFailed(self.url, "connection closed"))
        return subscription

    def forget(self, subscription: Subscription) -> None:
        others = self._subscriptions.get(subscription.id, [])
        if subscription in others:
            others.remove(subscription)
        if not others:
            self._subscriptions.pop(subscription.id, None)

    @asynccontextmanager
    async def subscribe(self, method: str, params: list[Any], unsubscribe: str) -> AsyncIterator[Subscription]:
        """A subscription for the length of a block."""
        subscription = self.expect(await self.request(method, params))
        try:
            yield subscription
        finally:
            self.forget(subscription)
            with suppress(ConnectionFailed, RpcError, RequestTimeout):
                await self.request(unsubscribe, [subscription.id], timeout=5.0)

    # -- reading -------------------------------------------------------------------------------------

    async def _read(self) -> None:
        reason = "connection closed"
        try:
            async for text in self._socket:
                self._accept(self._decode(text))
        except ConnectionClosed as closed:
            reason = str(closed)
        except msgspec.MsgspecError:
            reason = "the server does not speak JSON-RPC"
            await self._socket.close(PROTOCOL_ERROR)
        finally:
            self._fail_all(ConnectionFailed(self.url, reason))

    def _accept(self, message: Message) -> None:
        params = message.get("params")
        if isinstance(params, dict) and isinstance(name := params.get("subscription"), str | int):
            found = self._subscriptions.get(name)
            for subscription in found or ():
                subscription.push(params)
            if not found:
                self._early.append((name, params))
            return
        number = message.get("id")
        waiting = self._waiting.get(number) if isinstance(number, int) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    def _fail_all(self, failure: ConnectionFailed) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(failure)
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.push(failure)
        if self.on_close is not None:
            self.on_close()


def result_of(method: str, answer: Message) -> Any:
    """The `result` of an answer. Raises RpcError, MalformedAnswer."""
    error = answer.get("error")
    if isinstance(error, dict):
        raise RpcError(method, error.get("code", 0), str(error.get("message", "")), error.get("data"))
    if "result" not in answer:
        raise MalformedAnswer(method, "neither result nor error")
    return answer["result"]
