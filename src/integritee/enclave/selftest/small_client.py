"""A user of the trusted RPC: one request after the other over TLS, as wallets make them."""

from __future__ import annotations

import json
import ssl
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from integritee.primitives.rpc import RpcReturnValue, StatusError
from integritee.scale import decode

from .check import Mismatch
from .own_time import within

ANSWER_LIMIT: Final = 30.0
"""Seconds (of `own_time`) an answer may take."""

ATTEMPTS: Final = 5
"""To connect: a handshake that the machine's sleep comes into is too slow for the server, which goes by the clock."""


class SmallClient:
    """Connected to an enclave. Make it with `open`."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._last = 0

    @classmethod
    async def open(cls, port: int) -> SmallClient:
        """Of an enclave on this machine; its certificate is its own. Raises Mismatch."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        url = f"wss://127.0.0.1:{port}"
        patience: dict[str, Any] = {"open_timeout": None, "close_timeout": None, "ping_interval": None}
        answer: dict[str, Any] = {"compression": None, "max_size": 1 << 25}
        failure = ""
        for _ in range(ATTEMPTS):
            try:
                return cls(await connect(url, ssl=tls, server_hostname="", proxy=None, **answer, **patience))
            except (OSError, EOFError, WebSocketException) as failed:
                failure = f"{type(failed).__name__}: {failed}"
        raise Mismatch(url, failure, "a connection")

    async def close(self) -> None:
        await self._socket.close()

    async def ask(self, method: str, *params: Any) -> bytes:
        """The value of an answer. Raises Mismatch if the request is refused."""
        self._last += 1
        await self._socket.send(json.dumps({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params}))
        try:
            async with within(ANSWER_LIMIT):
                answer = json.loads(await self._socket.recv())
        except TimeoutError:
            raise Mismatch(method, f"no answer within {ANSWER_LIMIT:.0f} s", "one") from None
        if "result" not in answer:
            raise Mismatch(method, str(answer), "a result")
        found: RpcReturnValue = decode(RpcReturnValue, bytes.fromhex(answer["result"][2:]))
        if isinstance(found.status, StatusError):
            raise Mismatch(method, found.value.decode(errors="replace"), "a value")
        return found.value
