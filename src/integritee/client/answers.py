"""Reading what a worker's trusted RPC answers (worker `core-primitives/types/src/rpc.rs`).

Nearly every `result` is the hex of a SCALE `RpcReturnValue`. A worker may add a member `reason` beside a
failing result, and in the parameters of an update: {code, message, data}.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from integritee.primitives.rpc import (
    Broadcast,
    Finalized,
    Future,
    InSidechainBlock,
    Ready,
    RpcReturnValue,
    StatusError,
    StatusOfOperation,
    Submitted,
    TrustedOperationStatus,
)
from integritee.primitives.rpc import DirectRequestStatus as RequestStatus
from integritee.scale import ScaleError, codec

from .errors import MalformedAnswer, OperationCancelled, RequestRefused
from .jsonrpc import Message, result_of

UNDER_WAY: Final = (Submitted, Future, Ready, Broadcast)
"""Statuses that others follow."""

EXECUTED: Final = (InSidechainBlock, Finalized)
"""Statuses of success. What is neither under way nor executed is cancelled."""

HASH_LENGTH: Final = 32

_ENVELOPE: Final = codec(RpcReturnValue)
_STATUS: Final = codec(RequestStatus)
_TEXT: Final = codec(str)


@dataclass(frozen=True)
class Reason:
    """Why a worker says no. `code` is stable; `data` holds the facts."""

    code: str
    message: str
    data: dict[str, str | int | bool | None]

    @classmethod
    def of(cls, holder: Message) -> Reason | None:
        """The `reason` of an answer or of an update's parameters; None from workers that give none."""
        match holder.get("reason"):
            case {"code": str(code), "message": str(message), "data": dict(data)}:
                return cls(code, message, data)
        return None


@dataclass(frozen=True)
class StatusUpdate:
    """A status that a trusted operation reached, and the reason if it ends there without success."""

    status: TrustedOperationStatus
    reason: Reason | None = None

    @property
    def is_last(self) -> bool:
        return not isinstance(self.status, UNDER_WAY)

    @property
    def is_cancelled(self) -> bool:
        return self.is_last and not isinstance(self.status, EXECUTED)

    def check(self, top_hash: bytes) -> None:
        """Raises OperationCancelled if the operation ended without success."""
        if self.is_cancelled:
            name, why = type(self.status).__name__, self.reason
            if why is None:
                raise OperationCancelled(top_hash, name)
            raise OperationCancelled(top_hash, name, why.message, why.code, why.data)


def read_value(method: str, answer: Message) -> bytes:
    """The value in an answer's RpcReturnValue. Raises RequestRefused, RpcError, MalformedAnswer."""
    return _value(method, _bytes(method, result_of(method, answer)), answer)


def read_top_hash(method: str, answer: Message) -> bytes:
    """The bare hash that an answer to submit-and-watch is. Raises RequestRefused, RpcError, MalformedAnswer."""
    result = _bytes(method, result_of(method, answer))
    if len(result) == HASH_LENGTH:
        return result
    _value(method, result, answer)
    raise MalformedAnswer(method, "neither a hash nor a refusal")


def read_update(method: str, params: Message) -> StatusUpdate:
    """The status in an update's parameters. Raises RequestRefused, MalformedAnswer."""
    try:
        status = _STATUS.decode(_bytes(method, params.get("result")))
    except ScaleError as broken:
        raise MalformedAnswer(method, f"no status: {broken}") from None
    match status:
        case StatusOfOperation(status=reached):
            return StatusUpdate(reached, Reason.of(params))
        case StatusError():
            text = params.get("error")
            raise _refusal(f"[Error] DirectRequestStatus::Error: {text or ''}", Reason.of(params))
    raise MalformedAnswer(method, "an update without a status")


def _value(method: str, result: bytes, answer: Message) -> bytes:
    try:
        envelope = _envelope(result)
        if not isinstance(envelope.status, StatusError):
            refused = Reason.of(answer)
            if refused is not None:
                raise _refusal("", refused)
            return envelope.value
        text: str = _TEXT.decode(envelope.value)
    except ScaleError as broken:
        raise MalformedAnswer(method, f"no RpcReturnValue: {broken}") from None
    raise _refusal(text, Reason.of(answer))


def _envelope(result: bytes) -> RpcReturnValue:
    """Raises ScaleError. The original has a failure of `author_getShardVault` in hex twice, within a SCALE string."""
    try:
        envelope: RpcReturnValue = _ENVELOPE.decode(result)
    except ScaleError as broken:
        try:
            envelope = _ENVELOPE.decode(bytes.fromhex(_TEXT.decode(result).removeprefix("0x")))
        except (ScaleError, ValueError):
            raise broken from None
    return envelope


def _refusal(text: str, reason: Reason | None) -> RequestRefused:
    if reason is None:
        return RequestRefused(text, None, None)
    return RequestRefused(reason.message, reason.code, reason.data)


def _bytes(method: str, text: Any) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except (AttributeError, ValueError):
        raise MalformedAnswer(method, "the result is no hex text") from None
