"""Requests sealed ahead are what the enclave's half of the session reads, in the order in which they were made."""

from __future__ import annotations

import asyncio
import os

import msgspec
import pytest
from websockets.frames import Frame
from websockets.streams import StreamReader

from integritee.apps.catalog import client_ledger
from integritee.client.worker import GETTER, WATCH
from integritee.crypto import Ed25519Pair, ShieldingKey, Sr25519Pair
from integritee.enclave.rpc.session import Identity, Seat
from integritee.enclave.selftest.damage import flipped
from integritee.load.compose import Composer
from integritee.load.envelope import Envelope, RsaEnvelope, SessionEnvelope
from integritee.load.errors import HandshakeRefused
from integritee.load.mix import CALLS, KINDS
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.session import GETTER_METHOD, WATCH_METHOD, Binding, from_text, to_text
from integritee.primitives.signature import verify
from integritee.scale import decode
from integritee.stf.operation import DirectCall, Getter, TrustedOperation

KEY = ShieldingKey.generate()
MRENCLAVE, SHARD = bytes([1]) * 32, bytes([2]) * 32
SIGNER = Ed25519Pair.from_seed(bytes(32))
ANN, BEN = Sr25519Pair.from_uri("//Ann"), Sr25519Pair.from_uri("//Ben")
LEDGER = client_ledger()


class Enclave:
    """The one connection of an enclave, as the light client sees it."""

    url = "wss://enclave"

    def __init__(self, spoil: bool = False) -> None:
        self.seat = Seat()
        self._spoil = spoil

    async def ask(self, frame: bytes) -> bytes:
        hello = from_text(request_in(frame)["params"][0])
        assert hello is not None
        identity = Identity(Binding(KEY.public.to_json(), MRENCLAVE, SHARD), SIGNER.public, SIGNER.sign)
        accepted = self.seat.accept(hello, KEY.decrypt(hello), identity, os.urandom(32), 0.0)
        if self._spoil:
            accepted = flipped(accepted, -1)
        return msgspec.json.encode({"jsonrpc": "2.0", "result": to_text(accepted), "id": 0})


class Refusing(Enclave):
    async def ask(self, frame: bytes) -> bytes:
        return b'{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":0}'


def request_in(frame: bytes) -> dict[str, list[str]]:
    reader = StreamReader()
    reader.feed_data(frame)
    try:
        next(Frame.parse(reader.read_exact, mask=True))
    except StopIteration as done:
        request: dict[str, list[str]] = msgspec.json.decode(done.value.data)
        return request
    raise AssertionError("no whole frame")


def opened(enclave: Enclave) -> SessionEnvelope:
    return asyncio.run(SessionEnvelope.open(enclave, KEY.public, MRENCLAVE, SHARD))  # type: ignore[arg-type]


def composer() -> Composer:
    return Composer(LEDGER, MRENCLAVE, SHARD, [BEN.public], {ANN.public: 7})


@pytest.mark.parametrize("enclave", [Enclave(spoil=True), Refusing()], ids=["another's keys", "no sessions"])
def test_no_session(enclave: Enclave) -> None:
    with pytest.raises(HandshakeRefused):
        opened(enclave)


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_under_rsa(kind: str) -> None:
    request = request_in(composer().frame(kind, 5, ANN, RsaEnvelope(KEY.public, SHARD)))
    sealed = decode(Request, bytes.fromhex(request["params"][0][2:]))
    assert (request["id"], sealed.shard) == (5, SHARD)
    if kind in CALLS:
        assert request["method"] == WATCH
        expect_call(KEY.decrypt(sealed.cyphertext), 7)
    else:
        assert request["method"] == GETTER
        LEDGER.codec(Getter).decode(sealed.cyphertext)


def test_a_session_takes_what_was_sealed_ahead() -> None:
    enclave = Enclave()
    envelope: Envelope = opened(enclave)
    made = composer()
    frames = [(kind, made.frame(kind, n, ANN, envelope)) for n, kind in enumerate([*KINDS, *KINDS])]
    nonce = 7
    for kind, frame in frames:
        request = request_in(frame)
        sealed = from_text(request["params"][0])
        assert sealed is not None
        if kind in CALLS:
            assert request["method"] == WATCH_METHOD
            expect_call(enclave.seat.open_call(sealed, WATCH_METHOD, 0.0), nonce)
            nonce += 1
        else:
            assert request["method"] == GETTER_METHOD
            LEDGER.codec(Getter).decode(enclave.seat.open_getter(sealed, GETTER_METHOD, 0.0)[0])


def expect_call(plain: bytes, nonce: int) -> None:
    operation = LEDGER.codec(TrustedOperation).decode(plain)
    assert isinstance(operation, DirectCall)
    assert (operation.signed.nonce, operation.signed.call.sender) == (nonce, ANN.public)
    payload = LEDGER.call_payload(operation.signed.call, nonce, MRENCLAVE, SHARD)
    assert verify(operation.signed.signature, payload, ANN.public)
