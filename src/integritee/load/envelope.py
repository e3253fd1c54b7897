"""How a request is sealed, and by which methods it travels: for the enclave's RSA key each, or for a session.

A session is one connection's; its counters rise in the order in which requests are composed, in which they also leave
(`docs/trusted-rpc.md`).
"""

from __future__ import annotations

import itertools
import os
from typing import Final, Protocol

import msgspec

from integritee.client.worker import GETTER, WATCH
from integritee.crypto import CryptoError, ShieldingPublicKey, envelope_public
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.session import (
    GETTER_METHOD,
    HELLO_METHOD,
    KEY_LENGTH,
    WATCH_METHOD,
    Binding,
    Hello,
    SessionKeys,
    from_text,
    open_frame,
    seal_frame,
    to_text,
    transcript,
)
from integritee.scale import codec

from .errors import HandshakeRefused
from .websocket import WebSocketClient, framed

RSA, SESSION = ("rsa", "session")
ENVELOPES: Final = (RSA, SESSION)

FIRST_SESSION: Final = 1
"""Its number, on a connection."""

_REQUEST: Final = codec(Request)
_json: Final = msgspec.json.Encoder().encode


class Envelope(Protocol):
    """A method, and the text that is its parameter."""

    def call(self, operation: bytes) -> tuple[str, str]:
        """Of a trusted operation in SCALE."""
        ...

    def getter(self, getter: bytes) -> tuple[str, str]:
        """Of a getter in SCALE."""
        ...


class RsaEnvelope:
    """As all clients of the original have it: calls under RSA, getters under TLS alone."""

    def __init__(self, key: ShieldingPublicKey, shard: bytes) -> None:
        self._key, self._shard = key, shard

    def call(self, operation: bytes) -> tuple[str, str]:
        return WATCH, self._request(self._key.encrypt(operation))

    def getter(self, getter: bytes) -> tuple[str, str]:
        return GETTER, self._request(getter)

    def _request(self, content: bytes) -> str:
        return "0x" + _REQUEST.encode(Request(self._shard, content)).hex()


class SessionEnvelope:
    """Of one connection. Make it with `open`."""

    def __init__(self, keys: SessionKeys) -> None:
        self._keys = keys
        self._calls, self._getters = itertools.count(1), itertools.count(1)

    @classmethod
    async def open(
        cls, socket: WebSocketClient, key: ShieldingPublicKey, mrenclave: bytes, shard: bytes
    ) -> SessionEnvelope:
        """Say hello, and see that the enclave has the keys. Raises HandshakeRefused."""
        private, secret = os.urandom(KEY_LENGTH), os.urandom(KEY_LENGTH)
        public = envelope_public(private)
        sealed = key.encrypt(Hello(secret, public, mrenclave, shard).encode())
        answer = await socket.ask(_text(HELLO_METHOD, to_text(sealed)))
        result = msgspec.json.decode(answer).get("result")
        accepted = from_text(result) if isinstance(result, str) else None
        if accepted is None:
            raise HandshakeRefused(socket.url, f"no session: {answer.decode(errors='replace')[:200]}")
        theirs, frame = accepted[:KEY_LENGTH], accepted[KEY_LENGTH:]
        try:
            heard = transcript(Binding(key.to_json(), mrenclave, shard), sealed, public, theirs)
            keys = SessionKeys.derive(private, theirs, secret, heard)
            open_frame(keys.answers, frame, HELLO_METHOD)
        except CryptoError:
            raise HandshakeRefused(socket.url, "the acceptance of a session is not for us") from None
        return cls(keys)

    def call(self, operation: bytes) -> tuple[str, str]:
        frame = seal_frame(self._keys.calls, FIRST_SESSION, next(self._calls), operation, WATCH_METHOD)
        return WATCH_METHOD, to_text(frame)

    def getter(self, getter: bytes) -> tuple[str, str]:
        frame = seal_frame(self._keys.getters, FIRST_SESSION, next(self._getters), getter, GETTER_METHOD)
        return GETTER_METHOD, to_text(frame)


def _text(method: str, param: str) -> bytes:
    return framed(_json({"jsonrpc": "2.0", "method": method, "params": [param], "id": 0}), os.urandom(4))
