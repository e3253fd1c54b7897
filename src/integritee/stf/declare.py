"""How an app declares trusted calls and getters: index, arguments, who may send, fee.

An app is a class whose methods are its calls and getters::

    class Greeter(App):
        @trusted_call(200, fee=transaction_fee)
        def greet(self, ctx: Context, sender: AccountId, whom: AccountId) -> None: ...

        @trusted_getter(200)
        def greetings(self, who: AccountId) -> u32: ...

The first argument of a trusted call or getter is the account that must have signed it. From the declaration
derive the wire enums, dispatch, client methods, CLI verbs and reference docs.
"""

from __future__ import annotations

import enum
import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from integritee.frame.declare import Argument, arguments_of
from integritee.primitives.ids import ParentchainId
from integritee.scale.shape import Hint

from .fees import Fee, no_fee

if TYPE_CHECKING:
    from .runtime import LedgerRuntime

F = TypeVar("F", bound=Callable[..., Any])


class Authority(enum.Enum):
    """Who may send a call."""

    ANYONE = "anyone"
    ENCLAVE = "enclave"


@dataclass(frozen=True)
class VaultPayment:
    """Pay `amount` base units from the shard's vault to a parentchain account."""

    parentchain: ParentchainId
    beneficiary: bytes
    amount: int


@dataclass
class Context:
    """What a call knows beside its arguments; `effects` collects what must happen on the parentchain."""

    shard: bytes
    now: int
    """Unix time in ms."""
    effects: list[VaultPayment] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class TrustedCallDef:
    """A trusted call: discriminant, wire arguments, authority and fee."""

    index: int
    name: str
    method: Callable[..., None]
    authority: Authority
    fee: Fee
    docs: str

    @property
    def arguments(self) -> tuple[Argument, ...]:
        return arguments_of(self.method, skip=2)


@dataclass(frozen=True, eq=False)
class GetterDef:
    """A getter: discriminant, wire arguments and the type it returns."""

    index: int
    name: str
    method: Callable[..., Any]
    docs: str

    @property
    def arguments(self) -> tuple[Argument, ...]:
        return arguments_of(self.method, skip=1)

    @cached_property
    def returns(self) -> Hint:
        return typing.get_type_hints(self.method, include_extras=True)["return"]


class App:
    """Base of apps. `runtime` is the ledger's runtime at the state being read or changed."""

    def __init__(self, runtime: LedgerRuntime) -> None:
        self.runtime = runtime


def trusted_call(index: int, /, *, fee: Fee = no_fee, authority: Authority = Authority.ANYONE) -> Callable[[F], F]:
    """Make a method ``(self, ctx, sender, …)`` a trusted call with discriminant `index` (0–255)."""

    def mark(method: F) -> F:
        definition = TrustedCallDef(index, method.__name__, method, authority, fee, inspect.getdoc(method) or "")
        method.trusted_call = definition  # type: ignore[attr-defined]
        return method

    return mark


def trusted_getter(index: int, /) -> Callable[[F], F]:
    """Make a method ``(self, who, …)`` a getter that only `who` or its delegate may ask."""

    def mark(method: F) -> F:
        method.trusted_getter = _getter(index, method)  # type: ignore[attr-defined]
        return method

    return mark


def public_getter(index: int, /) -> Callable[[F], F]:
    """Make a method ``(self, …)`` a getter anybody may ask."""

    def mark(method: F) -> F:
        method.public_getter = _getter(index, method)  # type: ignore[attr-defined]
        return method

    return mark


def _getter(index: int, method: Callable[..., Any]) -> GetterDef:
    return GetterDef(index, method.__name__, method, inspect.getdoc(method) or "")


def declared(app: type[App], kind: str) -> list[Any]:
    """Definitions an app class declares: kind ``trusted_call``, ``trusted_getter`` or ``public_getter``."""
    found = [getattr(m, kind) for _, m in inspect.getmembers(app) if hasattr(m, kind)]
    return sorted(found, key=lambda d: d.index)
