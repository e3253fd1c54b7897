"""What frames between front end and ledger carry, where that is more than bytes of a chain's own type: MessagePack.

Errors travel as what clients are told of them, so neither side builds objects that the other one names.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, TypeVar

import msgspec

from integritee.errors import IntegriteeError
from integritee.primitives.rpc import TrustedOperationStatus
from integritee.scale import codec
from integritee.stf.errors import MissingPrivileges

from ..pool import PoolError, StatusChanged
from ..rpc.errors import Reason
from .begin import Begin
from .errors import LinkFailed, PoolRefused, PrivilegesRefused, Refused

REMEMBERED_STATUSES: Final = 64
"""All operations of a block have the same one."""

_STATUS: Final = codec(TrustedOperationStatus)
_encode = msgspec.msgpack.Encoder().encode

T = TypeVar("T")


class Listens(msgspec.Struct, frozen=True):
    """At this port; or it does not, for a reason."""

    port: int
    reason: Reason | None = None


class _Refusal(msgspec.Struct, frozen=True, array_like=True):
    reason: Reason
    lacks_privileges: bool
    legacy_text: str | None


class _Changed(msgspec.Struct, frozen=True, array_like=True):
    hash: bytes
    status: bytes
    reason: Reason | None


class _Told(msgspec.Struct, frozen=True, array_like=True):
    lingers: bool
    changes: list[_Changed]


def encode(payload: Begin | Listens) -> bytes:
    """Of a frame that has one of these."""
    return _encode(payload)


def decode(payload: bytes, of: type[T]) -> T:
    """The inverse of `encode`. Raises LinkFailed."""
    try:
        return msgspec.msgpack.decode(payload, type=of)
    except msgspec.MsgspecError as e:
        raise LinkFailed(str(e)) from None


def encode_refusal(error: IntegriteeError) -> bytes:
    """What a REFUSAL says."""
    legacy_text = error.legacy_text if isinstance(error, PoolError) else None
    return _encode(_Refusal(Reason.of(error), isinstance(error, MissingPrivileges), legacy_text))


def decode_refusal(payload: bytes) -> Refused:
    """The error to raise for a REFUSAL. Raises LinkFailed."""
    refusal = decode(payload, _Refusal)
    if refusal.lacks_privileges:
        return PrivilegesRefused(refusal.reason)
    if refusal.legacy_text is not None:
        return PoolRefused(refusal.reason, refusal.legacy_text)
    return Refused(refusal.reason)


def encode_changes(changes: Sequence[StatusChanged], lingers: bool) -> bytes:
    """What a TELL says."""
    told = [
        _Changed(each.hash, _encode_status(each.status), None if each.reason is None else Reason.of(each.reason))
        for each in changes
    ]
    return _encode(_Told(lingers, told))


def decode_changes(payload: bytes) -> tuple[list[StatusChanged], bool]:
    """What to tell of which operations, and whether it can still be undone. Raises LinkFailed."""
    told = decode(payload, _Told)
    changes = [
        StatusChanged(each.hash, _decode_status(each.status), None if each.reason is None else Refused(each.reason))
        for each in told.changes
    ]
    return changes, told.lingers


@lru_cache(REMEMBERED_STATUSES)
def _encode_status(status: TrustedOperationStatus) -> bytes:
    return _STATUS.encode(status)


@lru_cache(REMEMBERED_STATUSES)
def _decode_status(data: bytes) -> TrustedOperationStatus:
    status: TrustedOperationStatus = _STATUS.decode(data)
    return status
