"""The server: JSON-RPC over HTTP POST and WebSocket on one port, and GET /health.

Messages are read here and answered in the chain's thread. Plain HTTP cannot subscribe.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, cast

import msgspec
from aiohttp import WSCloseCode, web
from aiohttp.http import RawRequestMessage
from aiohttp.streams import StreamReader

from ..chain_thread import ChainThread, ChainThreadStopped
from .jsonrpc import Dispatcher
from .limits import MAX_REQUEST_BYTES, ServerLimits
from .origins import Origins
from .sessions import Session
from .websocket import Connection

log = logging.getLogger(__name__)

JSON: Final = "application/json"
HEALTH_PATHS: Final = ("/health", "/health/readiness")
_HEALTH_CALL: Final = b'{"jsonrpc":"2.0","id":0,"method":"system_health"}'

BODY_SECONDS: Final = 30.0
"""Time for a client to send the body of a POST."""

LOCAL_HOSTS: Final = ("127.0.0.1", "::1")
ALL_HOSTS: Final = ("0.0.0.0", "::")  # noqa: S104 - what --rpc-external asks for


class RpcServer:
    """Serves `dispatcher` on a port. `allow_unsafe` lets all callers use unsafe methods."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        thread: ChainThread,
        *,
        allow_unsafe: bool = True,
        origins: Origins | None = None,
        limits: ServerLimits | None = None,
    ) -> None:
        self._dispatcher, self._thread = dispatcher, thread
        self._allow_unsafe = allow_unsafe
        self._origins = origins or Origins()
        self._limits = limits or ServerLimits()
        self._connections: set[Connection] = set()
        self._sockets: list[asyncio.Server] = []
        self._http: web.Server | None = None

    async def start(self, port: int, *, external: bool = False) -> int:
        """Listen on all interfaces or on this machine's own; the port, also if 0 left the choice to the system.

        Raises OSError.
        """
        loop = asyncio.get_running_loop()
        self._http = web.Server(
            self._handle, request_factory=self._request, handler_cancellation=True, access_log=None
        )
        first, second = ALL_HOSTS if external else LOCAL_HOSTS
        self._sockets.append(await loop.create_server(self._accept, first, port))
        port = int(self._sockets[0].sockets[0].getsockname()[1])
        try:
            self._sockets.append(await loop.create_server(self._accept, second, port))
        except OSError as error:
            log.debug("not listening on %s: %s", second, error)
        return port

    async def stop(self) -> None:
        """Close all connections, within `ServerLimits.close_seconds`."""
        for socket in self._sockets:
            socket.close()
        goodbyes = [asyncio.create_task(each.close(WSCloseCode.GOING_AWAY)) for each in self._connections]
        if goodbyes:
            _, late = await asyncio.wait(goodbyes, timeout=self._limits.close_seconds)
            for task in late:
                task.cancel()
        if self._http is not None:
            self._http.pre_shutdown()
            await self._http.shutdown(self._limits.close_seconds)

    # --- connections and requests

    def _accept(self) -> asyncio.BaseProtocol:
        assert self._http is not None
        if len(self._http.connections) >= self._limits.connections:
            return _Refusal()
        return self._http()

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: Any,
        writer: Any,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        loop = asyncio.get_running_loop()
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_REQUEST_BYTES + 1)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if not self._origins.permits(origin):
            return web.Response(status=403, text="This origin is not allowed (--rpc-cors).")
        response = await self._route(request)
        if not response.prepared:
            response.headers.update(self._origins.headers(origin))
        return response

    async def _route(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            if request.method == "POST":
                return await self._post(request)
            if request.method == "OPTIONS":
                return web.Response(status=204)
            if request.method == "GET" and request.path in HEALTH_PATHS:
                return await self._health()
            if request.method == "GET" and request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._websocket(request)
        except ChainThreadStopped:
            return web.Response(status=503, text="The node is stopping.")
        return web.Response(status=405, text="Use POST, or upgrade to WebSocket.", headers={"Allow": "POST"})

    async def _post(self, request: web.BaseRequest) -> web.Response:
        if request.content_type != JSON:
            return web.Response(status=415, text=f"The content type must be {JSON}.")
        async with asyncio.timeout(BODY_SECONDS):
            body = await request.read()
        return web.Response(body=await self._ask(body), content_type=JSON)

    async def _health(self) -> web.Response:
        reply = msgspec.json.decode(await self._ask(_HEALTH_CALL))
        return web.Response(body=msgspec.json.encode(reply["result"]), content_type=JSON)

    async def _ask(self, text: bytes) -> bytes:
        """The reply to a message of a caller who cannot be notified; empty if there is none."""
        replies: list[bytes] = []
        session = Session(replies.append, allow_unsafe=self._allow_unsafe, can_push=False)
        await self._answer(text, session)
        return b"".join(replies)

    async def _websocket(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = Connection(request, self._limits)
        session = Session(connection.send, allow_unsafe=self._allow_unsafe)
        self._connections.add(connection)
        try:
            return await connection.run(lambda text: self._answer(text, session))
        finally:
            self._connections.discard(connection)
            self._leave(session)

    async def _answer(self, text: str | bytes, session: Session) -> None:
        message = self._dispatcher.read(text)
        queue = self._thread.change if message.is_change else self._thread.query
        await asyncio.wrap_future(queue(lambda: self._dispatcher.answer(message, session)))

    def _leave(self, session: Session) -> None:
        try:
            self._thread.query(session.close)
        except ChainThreadStopped:
            log.debug("a client left after the chain")


class _Refusal(asyncio.Protocol):
    """Tells a client that there are too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        socket = cast(asyncio.Transport, transport)
        socket.write(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        socket.close()
