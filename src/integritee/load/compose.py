"""Requests made ahead: signed, sealed, in JSON, framed and masked, so that sending one is one write.

Each account's nonces are counted from the one that the worker says comes next, so all calls of an account have to
leave in this order, over one connection.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from integritee.client.worker import WorkerClient
from integritee.crypto import Sr25519Pair
from integritee.stf.ledger import Ledger
from integritee.stf.operation import (
    DirectCall,
    Getter,
    Public,
    Trusted,
    TrustedCall,
    TrustedCallSigned,
    TrustedOperation,
)

from .envelope import Envelope
from .mix import GETTER, NOOP, NOTE, PUBLIC, TRANSFER
from .websocket import framed

TRANSFERRED: Final = 1
"""Base units per transfer. Receivers exist, and so stay alive."""

NOTE_TEXT: Final = b"bench"

_json: Final = msgspec.json.Encoder().encode


class Composer:
    """Of requests to one enclave and shard. `receivers` are accounts to pay in turn, `nonces` those of next calls."""

    def __init__(
        self, ledger: Ledger, mrenclave: bytes, shard: bytes, receivers: Sequence[bytes], nonces: dict[bytes, int]
    ) -> None:
        self._ledger, self._mrenclave, self._shard = ledger, mrenclave, shard
        self._receivers, self._nonces = receivers, nonces
        self._composed = 0
        self._operation, self._getter = ledger.codec(TrustedOperation), ledger.codec(Getter)
        self._calls: dict[str, Callable[[bytes, bytes], TrustedCall]] = {
            TRANSFER: lambda account, other: ledger.call("balance_transfer", account, other, TRANSFERRED),
            NOTE: lambda account, other: ledger.call(
                "balance_transfer_with_note", account, other, TRANSFERRED, NOTE_TEXT
            ),
            NOOP: lambda account, _: ledger.call("noop", account),
        }
        self._getters: dict[str, Callable[[Sr25519Pair], Public | Trusted]] = {
            GETTER: self._account_info,
            PUBLIC: lambda _: Public(ledger.public_getter("total_issuance")),
        }

    @classmethod
    async def ask(cls, client: WorkerClient, pairs: Sequence[Sr25519Pair], receivers: Sequence[bytes]) -> Composer:
        """Ask a worker for all that has to be known. Raises ClientError."""
        nonces = {pair.public: await client.next_nonce(pair.public, pair) for pair in pairs}
        others = receivers or [pair.public for pair in pairs]
        return cls(client.ledger, await client.mrenclave(), await client.shard(), others, nonces)

    def frame(self, kind: str, number: int, pair: Sr25519Pair, envelope: Envelope) -> bytes:
        """Request `number` of this kind, by this account; one for each number of a connection."""
        if kind in self._calls:
            method, param = envelope.call(self._operation.encode(DirectCall(self._signed(kind, pair))))
        else:
            method, param = envelope.getter(self._getter.encode(self._getters[kind](pair)))
        request = {"jsonrpc": "2.0", "method": method, "params": [param], "id": number}
        return framed(_json(request), os.urandom(4))

    def _signed(self, kind: str, pair: Sr25519Pair) -> TrustedCallSigned:
        account = pair.public
        receiver = self._receivers[self._composed % len(self._receivers)]
        self._composed += 1
        nonce = self._nonces[account]
        self._nonces[account] = nonce + 1
        call = self._calls[kind](account, receiver)
        return self._ledger.sign_call(call, nonce, pair, self._mrenclave, self._shard)

    def _account_info(self, pair: Sr25519Pair) -> Trusted:
        ledger = self._ledger
        return Trusted(ledger.sign_getter(ledger.trusted_getter("account_info", pair.public), pair))
