"""A user of the trusted RPC: one request after the other over TLS, as wallets make them."""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect

from integritee.primitives.rpc import RpcReturnValue, StatusError
from integritee.scale import decode

from .check import Mismatch

ANSWER_LIMIT: Final = 30.0
"""Seconds an answer may take."""


class SmallClient:
    """Connected to an enclave. Make it with `open`."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._last = 0

    @classmethod
    async def open(cls, port: int) -> SmallClient:
        """Of an enclave on this machine; its certificate is its own. Raises OSError."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        url = f"wss://127.0.0.1:{port}"
        return cls(await connect(url, ssl=tls, server_hostname="", compression=None, max_size=1 << 25, proxy=None))

    async def close(self) -> None:
        await self._socket.close()

    async def ask(self, method: str, *params: Any) -> bytes:
        """The value of an answer. Raises Mismatch if the request is refused."""
        self._last += 1
        await self._socket.send(json.dumps({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params}))
        async with asyncio.timeout(ANSWER_LIMIT):
            answer = json.loads(await self._socket.recv())
        if "result" not in answer:
            raise Mismatch(method, str(answer), "a result")
        found: RpcReturnValue = decode(RpcReturnValue, bytes.fromhex(answer["result"][2:]))
        if isinstance(found.status, StatusError):
            raise Mismatch(method, found.value.decode(errors="replace"), "a value")
        return found.value
