"""What the trusted RPC puts on the wire (worker `core-primitives/types/src/rpc.rs`)."""

from __future__ import annotations

from typing import ClassVar

from integritee.scale import Enum, Struct, encode

from .ids import H256


class TrustedOperationStatus(Enum, frozen=True):
    """Life of a trusted operation as reported to its submitter."""


class Submitted(TrustedOperationStatus, frozen=True):
    index: ClassVar[int] = 0


class Future(TrustedOperationStatus, frozen=True):
    index: ClassVar[int] = 1


class Ready(TrustedOperationStatus, frozen=True):
    index: ClassVar[int] = 2


class Broadcast(TrustedOperationStatus, frozen=True):
    index: ClassVar[int] = 3


class InSidechainBlock(TrustedOperationStatus, frozen=True):
    index: ClassVar[int] = 4
    block_hash: H256


class Retracted(TrustedOperationStatus, frozen=True):
    index: ClassVar[int] = 5


class FinalityTimeout(TrustedOperationStatus, frozen=True):
    index: ClassVar[int] = 6


class Finalized(TrustedOperationStatus, frozen=True):
    index: ClassVar[int] = 7


class Usurped(TrustedOperationStatus, frozen=True):
    index: ClassVar[int] = 8


class Dropped(TrustedOperationStatus, frozen=True):
    index: ClassVar[int] = 9


class Invalid(TrustedOperationStatus, frozen=True):
    index: ClassVar[int] = 10


class DirectRequestStatus(Enum, frozen=True):
    """Outcome of one request."""


class StatusOk(DirectRequestStatus, frozen=True):
    index: ClassVar[int] = 0
    variant_name: ClassVar[str] = "Ok"


class StatusOfOperation(DirectRequestStatus, frozen=True):
    index: ClassVar[int] = 1
    variant_name: ClassVar[str] = "TrustedOperationStatus"
    status: TrustedOperationStatus


class StatusError(DirectRequestStatus, frozen=True):
    index: ClassVar[int] = 2
    variant_name: ClassVar[str] = "Error"


class RpcReturnValue(Struct, frozen=True):
    """Envelope of (almost) every result; hex of its SCALE form is the JSON-RPC `result`."""

    value: bytes
    do_watch: bool
    status: DirectRequestStatus

    @classmethod
    def ok(cls, value: bytes) -> RpcReturnValue:
        return cls(value, False, StatusOk())

    @classmethod
    def error(cls, text: str) -> RpcReturnValue:
        """Failure: `value` is a SCALE string."""
        return cls(encode(str, text), False, StatusError())

    def to_hex(self) -> str:
        return "0x" + encode(RpcReturnValue, self).hex()
