"""Who makes a call (frame_system::RawOrigin)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from .errors import bad_origin

if TYPE_CHECKING:
    from .outer import RuntimeCall

CallFilter: TypeAlias = "Callable[[RuntimeCall], bool]"
"""Tells which calls may be made."""


@dataclass(frozen=True, slots=True)
class Root:
    """The system itself: may do everything."""


@dataclass(frozen=True, slots=True)
class Signed:
    """An account (32 bytes) that signed. It may only make calls that all its filters let through."""

    account: bytes
    filters: tuple[CallFilter, ...] = field(default=(), compare=False, repr=False)

    def restricted(self, allows: CallFilter) -> Signed:
        """The same account with one more filter; whatever it calls on its behalf inherits it."""
        return replace(self, filters=(*self.filters, allows))

    def may(self, call: RuntimeCall) -> bool:
        return all(allows(call) for allows in self.filters)


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
