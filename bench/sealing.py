"""What sealing costs the enclave: a trusted operation that comes under RSA, and in a session. No network.

- *rsa_open_us*, *session_open_us*: from the text of the parameter to the operation.
- *rsa_request_us*, *session_request_us*: from the JSON of a message to that of its answer, by the real dispatcher.
  The backend deciphers and hashes; what the ledger and the pool do is the same under both and left out.
- *hello_us*: what a session costs once: RSA, X25519, a signature.
- *sr25519_verify_us*: the signature inside an operation, for comparison.

Processor time of one core: ``python -m bench.sealing``.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar, cast

import msgspec

from integritee.client.session import ClientSession, Introduction
from integritee.crypto import Ed25519Pair, ShieldingKey, Sr25519Pair, blake2_256, verify_sr25519
from integritee.enclave.rpc.backend import Backend
from integritee.enclave.rpc.jsonrpc import Connection, Dispatcher
from integritee.enclave.rpc.methods import trusted_methods
from integritee.enclave.rpc.session import Identity, Seat
from integritee.enclave.rpc.watch import Watcher, WatchRegistry
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.session import SUBMIT_METHOD, Binding, from_text, to_text
from integritee.scale import encode

CALL_BYTES: Final = 180
"""About the size of a signed transfer: one block of RSA."""

ROUNDS: Final = 5
QUICK: Final = 1000
"""Operations of a round; of those that take a millisecond:"""
SLOW: Final = 60

PLAIN_METHOD: Final = "author_submitExtrinsic"
ACCOUNT: Final = Ed25519Pair.from_seed(bytes(32))
MRENCLAVE: Final = bytes(32)
SHARD: Final = b"\x01" * 32

T = TypeVar("T")


class _Backend:
    """Deciphers on the spot what an enclave deciphers in a thread."""

    def __init__(self, key: ShieldingKey) -> None:
        self._key = key

    def shard(self) -> bytes:
        return SHARD

    def fingerprint(self) -> bytes:
        return MRENCLAVE

    def stf_metadata(self) -> bytes:
        return b""

    async def submit(self, request: Request, watcher: Watcher | None) -> bytes:
        return await self.submit_plain(self._key.decrypt(request.cyphertext), watcher)

    async def submit_plain(self, plain: bytes, watcher: Watcher | None) -> bytes:
        return blake2_256(plain)


def sealing_us() -> dict[str, float]:
    """Microseconds by name: medians of `ROUNDS` means."""
    key, operation, pair = ShieldingKey.generate(), os.urandom(CALL_BYTES), Sr25519Pair.from_uri("//Alice")
    session, seat = _open_session(key)
    cyphertext, signature = key.public.encrypt(operation), pair.sign(operation)
    shielded = "0x" + encode(Request, Request(SHARD, cyphertext)).hex()
    hello = Introduction(key.public, MRENCLAVE, SHARD, 0.0, os.urandom).text

    def sealed() -> list[str]:
        return [session.seal_call(operation, SUBMIT_METHOD) for _ in range(QUICK)]

    def open_sealed(text: str) -> bytes:
        return seat.open_call(from_text(text) or b"", SUBMIT_METHOD, 0.0)

    dispatcher = Dispatcher(trusted_methods(cast(Backend, _Backend(key)), WatchRegistry()))
    connection = Connection(1)
    connection.seat = seat
    plain_messages = [_message(PLAIN_METHOD, shielded)] * SLOW

    async def handle(message: str) -> None:
        await dispatcher.handle(message, connection)

    return {
        "rsa_open_us": _us(lambda: [shielded] * SLOW, lambda text: key.decrypt(bytes.fromhex(text[2:])[-384:])),
        "session_open_us": _us(sealed, open_sealed),
        "rsa_request_us": _us_async(lambda: plain_messages, handle),
        "session_request_us": _us_async(lambda: [_message(SUBMIT_METHOD, text) for text in sealed()], handle),
        "hello_us": _us(lambda: [hello] * SLOW, lambda text: _accept(key, Seat(), text)),
        "sr25519_verify_us": _us(
            lambda: [operation] * QUICK, lambda text: verify_sr25519(signature, text, pair.public)
        ),
    }


def _message(method: str, param: str) -> str:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": [param]}).decode()


def _open_session(key: ShieldingKey) -> tuple[ClientSession, Seat]:
    introduction, seat = Introduction(key.public, MRENCLAVE, SHARD, 0.0, os.urandom), Seat()
    return introduction.accepted(to_text(_accept(key, seat, introduction.text))), seat


def _accept(key: ShieldingKey, seat: Seat, hello: str) -> bytes:
    sealed = from_text(hello) or b""
    identity = Identity(Binding(key.public.to_json(), MRENCLAVE, SHARD), ACCOUNT.public, ACCOUNT.sign)
    return seat.accept(sealed, key.decrypt(sealed), identity, os.urandom(32), 0.0)


def _us(prepare: Callable[[], Iterable[T]], work: Callable[[T], object]) -> float:
    async def run(item: T) -> None:
        work(item)

    return _us_async(prepare, run)


def _us_async(prepare: Callable[[], Iterable[T]], work: Callable[[T], Awaitable[object]]) -> float:
    """What one item takes; what it takes to prepare them is not counted."""

    async def one_round() -> float:
        items = list(prepare())
        start = time.process_time()
        for item in items:
            await work(item)
        return (time.process_time() - start) / len(items) * 1e6

    async def rounds() -> float:
        return statistics.median([await one_round() for _ in range(ROUNDS)])

    return asyncio.run(rounds())


if __name__ == "__main__":
    for name, figure in sealing_us().items():
        print(f"{name:20} {figure:10.1f}")
