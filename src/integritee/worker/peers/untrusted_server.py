"""The untrusted RPC over plain WebSocket: any path, requests in text or binary, answers in binary as in the original.

Connections are bounded in number and idle time; whoever does not read its answers loses its connection.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final

from aiohttp import WSMsgType, web

from .untrusted_rpc import MAX_REQUEST, UntrustedRpc

MAX_CONNECTIONS: Final = 100
MAX_CONNECTIONS_PER_HOST: Final = 25
MAX_MESSAGE: Final = 4 * MAX_REQUEST
"""Bytes of a message that is received at all; a longer one ends the connection."""

IDLE_LIMIT: Final = 120.0
"""Seconds without a request after which a connection is closed."""

READ_LIMIT: Final = 30.0
"""Seconds a caller may leave an answer unread."""


def untrusted_app(rpc: UntrustedRpc) -> web.Application:
    """Serves `rpc` on every path."""
    hosts: Counter[str] = Counter()

    async def accept(request: web.Request) -> web.StreamResponse:
        host = request.remote or ""
        if hosts.total() >= MAX_CONNECTIONS or hosts[host] >= MAX_CONNECTIONS_PER_HOST:
            return web.Response(status=503, text="too many connections")
        socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE, compress=False)
        if not socket.can_prepare(request):
            return web.Response(status=426, text="a WebSocket is served here")
        hosts[host] += 1
        try:
            await socket.prepare(request)
            await _serve(socket, rpc)
        except (TimeoutError, ConnectionError):
            pass
        finally:
            hosts[host] -= 1
            if not hosts[host]:
                del hosts[host]
            await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/{path:.*}", accept)
    return app


async def _serve(socket: web.WebSocketResponse, rpc: UntrustedRpc) -> None:
    """One connection, one request after the other. Raises TimeoutError, ConnectionError."""
    now = asyncio.get_running_loop().time
    caller = rpc.caller(now())
    while True:
        message = await socket.receive(timeout=IDLE_LIMIT)
        if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            return
        answer = rpc.handle(message.data, caller, now())
        if answer is not None:
            async with asyncio.timeout(READ_LIMIT):
                await socket.send_bytes(answer)
