"""Who makes a call (frame_system::RawOrigin)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from .errors import bad_origin


@dataclass(frozen=True, slots=True)
class Root:
    """The system itself: may do everything."""


@dataclass(frozen=True, slots=True)
class Signed:
    """An account (32 bytes) that signed."""

    account: bytes


@dataclass(frozen=True, slots=True)
class Unsigned:
    """Nobody: inherents and unsigned extrinsics."""


Origin: TypeAlias = Root | Signed | Unsigned


def ensure_signed(origin: Origin) -> bytes:
    """The signing account. Raises DispatchFailure(BadOrigin)."""
    if isinstance(origin, Signed):
        return origin.account
    raise bad_origin()


def ensure_root(origin: Origin) -> None:
    if not isinstance(origin, Root):
        raise bad_origin()


def ensure_none(origin: Origin) -> None:
    if not isinstance(origin, Unsigned):
        raise bad_origin()
