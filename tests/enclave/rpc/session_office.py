"""A dispatcher with a real shielding key, and clients that know its sessions' secrets."""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from integritee.client.session import ClientSession, Introduction
from integritee.crypto import CryptoError, ShieldingKey
from integritee.enclave.errors import Undecipherable
from integritee.enclave.rpc.jsonrpc import Connection, Dispatcher
from integritee.enclave.rpc.methods import trusted_methods
from integritee.enclave.rpc.watch import WatchRegistry
from integritee.primitives.session import HELLO_METHOD

from .conftest import FINGERPRINT, SHARD, FakeBackend

Answer = dict[str, Any]


class Counting:
    """Bytes that differ with every call, and are the same in every run."""

    def __init__(self, seed: int) -> None:
        self._numbers = itertools.count(seed << 32)

    def __call__(self, size: int) -> bytes:
        return next(self._numbers).to_bytes(size, "big")


@dataclass
class KeyedBackend(FakeBackend):
    """The fake enclave with a key; `deciphered` counts what that was used for."""

    key: ShieldingKey = field(kw_only=True)
    deciphered: int = 0

    def shielding_key_json(self) -> str:
        return self.key.public.to_json()

    async def decipher(self, cyphertext: bytes) -> bytes:
        self.deciphered += 1
        await asyncio.sleep(0)
        try:
            return self.key.decrypt(cyphertext)
        except CryptoError:
            raise Undecipherable from None


class Office:
    """`now` is the enclave's clock, in seconds."""

    def __init__(self, key: ShieldingKey) -> None:
        self.backend, self.watches, self.now = KeyedBackend(key=key), WatchRegistry(), 0.0
        methods = trusted_methods(self.backend, self.watches, lambda: self.now, Counting(1))
        self.dispatcher = Dispatcher(methods)
        self._random, self._connections = Counting(2), itertools.count(1)

    def connect(self) -> Caller:
        return Caller(self, Connection(next(self._connections)))

    def introduction(self, key: ShieldingKey | None = None, **whom: bytes) -> Introduction:
        """A hello, for this enclave unless something else is said."""
        mrenclave, shard = whom.get("mrenclave", FINGERPRINT), whom.get("shard", SHARD)
        return Introduction((key or self.backend.key).public, mrenclave, shard, self.now, self._random)


class Caller:
    """One connection."""

    def __init__(self, office: Office, connection: Connection) -> None:
        self.office, self.connection = office, connection
        office.watches.connect(connection.id)

    async def ask(self, method: str, *params: object) -> Answer:
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        reply = await self.office.dispatcher.handle(json.dumps(message), self.connection)
        assert reply is not None
        answer: Answer = json.loads(reply.text)
        return answer

    async def hello(self) -> ClientSession:
        introduction = self.office.introduction()
        return introduction.accepted((await self.ask(HELLO_METHOD, introduction.text))["result"])
