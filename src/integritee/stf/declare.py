"""How an app declares trusted calls and getters: index, arguments, who may send, fee.

An app is a class whose methods are its calls and getters, with the pallets that hold its state::

    class Greeter(App):
        name = "greeter"
        index = 200
        pallets = {"greetings": use(200, Greetings)}

        @trusted_call(0, fee=transaction_fee)
        def greet(self, ctx: Context, sender: AccountId, whom: AccountId) -> None:
            self.runtime.pallet(Greetings).count(sender, whom)

        @trusted_getter(0)
        def greetings(self, who: AccountId) -> u32: ...

The first argument of a trusted call or getter is the account that must have signed it. A call without a fee needs a
gate, so that nobody can fill the ledger with calls that fail (`Gate`); what an app wants to know of the parentchain,
its pallets say (`mirror`). From the declaration derive the wire enums, dispatch, authorisation, notes, client
methods, CLI verbs and reference docs.
"""

from __future__ import annotations

import enum
import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias, TypeVar

from integritee.frame.declare import Argument, arguments_of
from integritee.scale.shape import Hint

from .effects import MAX_EFFECTS, Effect
from .errors import TooManyEffects
from .fees import Fee, no_fee
from .roles import ALL_CALLS, ALL_READS, Roles

if TYPE_CHECKING:
    from integritee.frame.pallet import Pallet

    from .operation import TrustedCall
    from .runtime import LedgerRuntime

F = TypeVar("F", bound=Callable[..., Any])

APP_INDEXES: Final = range(128, 255)
"""Discriminants, and indexes of pallets, for apps that do not come with the ledger. 255 is taken, lower ones are
the ledger's own."""


class Raw(bytes):
    """What a getter returns whose answer is the bytes themselves, without a length in front."""


Gate: TypeAlias = Callable[..., None]
"""A method ``(self, now, sender, …)`` of the app, of Unix time (ms) and the call's arguments, that raises unless the
call is worth a nonce: a call it refuses leaves no trace. What it writes stays even if the call then fails."""


class Authority(enum.Enum):
    """Who may send a call."""

    ANYONE = "anyone"
    ENCLAVE = "enclave"
    """The account that signs for the enclave."""
    MAINTAINER = "maintainer"
    """The account that looks after the network (`runtime.MAINTAINER`)."""
    ROOT = "root"
    """The sudo key that development ledgers have."""


@dataclass
class Context:
    """What a call knows beside its arguments; `effects` collects what must happen on the parentchain."""

    shard: bytes
    now: int
    """Unix time in ms."""
    call: TrustedCall
    call_hash: bytes
    """blake2_256 of the encoded call and its nonce: no two calls of an account share it."""
    effects: list[Effect] = field(default_factory=list)
    notes: list[tuple[tuple[bytes, ...], TrustedCall]] = field(default_factory=list)
    receipt: TrustedCall | None = None
    """What linked accounts find in place of `call`, if that would tell their session proxies too much."""

    def emit(self, effect: Effect) -> None:
        """Have something happen on a parentchain if the call succeeds. Raises TooManyEffects."""
        if len(self.effects) >= MAX_EFFECTS:
            raise TooManyEffects(MAX_EFFECTS)
        self.effects.append(effect)

    def note(self, call: TrustedCall, *accounts: bytes) -> None:
        """Leave a note of `call` with each account if this call succeeds; beside the note that is declared."""
        self.notes.append((accounts, call))


@dataclass(frozen=True, eq=False)
class TrustedCallDef:
    """A trusted call: discriminant within its app, wire arguments, and the rules it runs under."""

    index: int
    name: str
    method: Callable[..., None]
    authority: Authority
    fee: Fee
    roles: Roles
    """Roles of session proxies that may make it."""
    spends: str | None
    """Argument that counts against a transfer allowance; None if an allowance does not open the call."""
    linked: tuple[str, ...]
    """Account arguments that find a note of the call in their buckets."""
    in_production: bool
    """Whether it may be made where real money lives."""
    docs: str
    gate: Gate | None = None

    @cached_property
    def arguments(self) -> tuple[Argument, ...]:
        return arguments_of(self.method, skip=2)

    @cached_property
    def linked_positions(self) -> tuple[int, ...]:
        return tuple(self._position(name) for name in self.linked)

    def spent(self, args: tuple[Any, ...]) -> int | None:
        """Native base units that the arguments spend; None if an allowance does not open the call."""
        return None if self._spent_position is None else int(args[self._spent_position])

    @cached_property
    def _spent_position(self) -> int | None:
        return None if self.spends is None else self._position(self.spends)

    def _position(self, name: str) -> int:
        return [a.name for a in self.arguments].index(name)


@dataclass(frozen=True, eq=False)
class GetterDef:
    """A getter: discriminant within its app, wire arguments and the type it returns.

    A return type of ``X | None`` means that there may be no answer; the wire carries X.
    """

    index: int
    name: str
    method: Callable[..., Any]
    roles: Roles
    docs: str

    @cached_property
    def arguments(self) -> tuple[Argument, ...]:
        return arguments_of(self.method, skip=1)

    @cached_property
    def returns(self) -> Hint:
        hint = typing.get_type_hints(self.method, include_extras=True)["return"]
        present = [item for item in typing.get_args(hint) if item is not type(None)]
        return present[0] if len(present) == 1 and type(None) in typing.get_args(hint) else hint


class App:
    """Base of apps. `runtime` is the ledger's runtime at the state being read or changed."""

    name: ClassVar[str]
    """snake_case; what its calls are known by: ``greeter.greet``, ``trusted greeter greet``."""
    index: ClassVar[int | None] = None
    """Discriminant that all its calls and getters share on the wire, in front of their own; None for apps of the
    ledger itself whose discriminants stand alone."""
    pallets: ClassVar[dict[str, Pallet]] = {}
    """Pallets it brings, by attribute of the runtime: ``{"notes": use(40, Notes)}``."""

    def __init__(self, runtime: LedgerRuntime) -> None:
        self.runtime = runtime


def trusted_call(
    index: int,
    /,
    *,
    fee: Fee = no_fee,
    authority: Authority = Authority.ANYONE,
    roles: Roles = ALL_CALLS,
    spends: str | None = None,
    linked: tuple[str, ...] = (),
    in_production: bool = True,
    gate: Gate | None = None,
) -> Callable[[F], F]:
    """Make a method ``(self, ctx, sender, …)`` a trusted call with discriminant `index` (0–255)."""

    def mark(method: F) -> F:
        docs = inspect.getdoc(method) or ""
        method.trusted_call = TrustedCallDef(  # type: ignore[attr-defined]
            index, method.__name__, method, authority, fee, roles, spends, linked, in_production, docs, gate
        )
        return method

    return mark


def trusted_getter(index: int, /, *, roles: Roles = ALL_READS) -> Callable[[F], F]:
    """Make a method ``(self, who, …)`` a getter that only `who` or its session proxy may ask."""

    def mark(method: F) -> F:
        method.trusted_getter = _getter(index, method, roles)  # type: ignore[attr-defined]
        return method

    return mark


def public_getter(index: int, /) -> Callable[[F], F]:
    """Make a method ``(self, …)`` a getter anybody may ask."""

    def mark(method: F) -> F:
        method.public_getter = _getter(index, method, ALL_READS)  # type: ignore[attr-defined]
        return method

    return mark


def _getter(index: int, method: Callable[..., Any], roles: Roles) -> GetterDef:
    return GetterDef(index, method.__name__, method, roles, inspect.getdoc(method) or "")


def declared(app: type[App], kind: str) -> list[Any]:
    """Definitions an app class declares: kind ``trusted_call``, ``trusted_getter`` or ``public_getter``."""
    found = [getattr(m, kind) for _, m in inspect.getmembers(app) if hasattr(m, kind)]
    return sorted(found, key=lambda d: d.index)
