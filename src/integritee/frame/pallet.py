"""Base of pallets: turns their declarations into bound storage, calls, events and constants."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias, TypeVar

from integritee.primitives.storage import storage_prefix
from integritee.scale.shape import Array as ArrayShape
from integritee.scale.shape import CompactOf as CompactShape
from integritee.scale.shape import Hint, OptionOf, Primitive, Sequence, TupleOf, is_immutable, shape
from integritee.scale.shape import MapOf as MapShape

from .declare import UNSET, CallDef, ConstantMark, Errors, Events, EventValue, StorageOptions
from .errors import DeclarationError, camel
from .storage_items import Form, Hasher, Keys, StorageDoubleMap, StorageEntry, StorageMap, StorageValue

if TYPE_CHECKING:
    from .inherents import InherentData
    from .outer import RuntimeCall
    from .runtime import Runtime

T = TypeVar("T")


class Pallet:
    """A module of a runtime.

    Declare storage as annotated attributes, calls with `@call`, events and errors in nested `Event` and
    `Error` classes, constants as `Constant[...]`. An attribute annotated with another pallet's class is that
    pallet of the same runtime. `path` is the Rust module shown in metadata, e.g. ``pallet_balances``.
    """

    path: ClassVar[str] = ""
    call_types: ClassVar[Mapping[TypeVar, Hint]] = {}
    """What type variables in the arguments of calls stand for, in pallets that there are several instances of."""
    storage_version: ClassVar[int | None] = None
    """Storage version written at genesis; None for none."""

    class Event(Events): ...

    class Error(Errors): ...

    def __init__(self, runtime: Runtime, name: str, index: int) -> None:
        self.runtime, self.name, self.index = runtime, name, index
        self._storage = storage_parts(type(runtime), type(self), name)

    def __getattr__(self, attribute: str) -> Any:
        """A storage item, made when it is first used: there is a runtime for each block, which needs few of them."""
        found = self.__dict__.get("_storage", {}).get(attribute)
        if found is None:
            raise AttributeError(f"{type(self).__name__} has no {attribute}")
        kind, parts = found
        item = self.__dict__[attribute] = kind(self.runtime, *parts)
        return item

    def deposit(self, event: EventValue, topics: tuple[bytes, ...] = ()) -> None:
        """Record an event of this pallet."""
        self.runtime.deposit(self, event, topics)

    def on_initialize(self, number: int) -> None:
        """Called before the extrinsics of block `number`."""

    def on_finalize(self, number: int) -> None:
        """Called after the extrinsics of block `number`."""

    def on_timestamp_set(self, moment: int) -> None:
        """Called when the block's time becomes known, in Unix ms."""

    def create_inherent(self, data: InherentData) -> RuntimeCall | None:
        """The call with which the author's data enters a block, if this pallet has one."""
        return None

    def is_inherent(self, call: RuntimeCall) -> bool:
        """Whether a call of this pallet stands in blocks unsigned, put there by the author."""
        return False

    def check_inherent(self, call: RuntimeCall, data: InherentData) -> InherentData:
        """What is wrong with an inherent of another author, given what we would have offered; empty if nothing."""
        return {}


Parts: TypeAlias = tuple[Callable[..., Any], tuple[Any, ...]]
"""Kind of a storage item, and what makes one beside the runtime instance."""

_PARTS: Final[dict[tuple[Any, Any, str], dict[str, Parts]]] = {}


def storage_parts(runtime: type[Runtime], pallet: type[Pallet], name: str) -> dict[str, Parts]:
    """The storage items of a pallet with that name by attribute: looked up once, all instances have the same."""
    found = _PARTS.get((runtime, pallet, name))
    if found is None:
        found = {entry.attribute: _parts(runtime, name, entry) for entry in storage_entries(pallet)}
        _PARTS[runtime, pallet, name] = found
    return found


def _parts(runtime: type[Runtime], name: str, entry: StorageEntry) -> Parts:
    prefix = storage_prefix(name, entry.name)
    form = Form(runtime.codec(entry.value), entry.default, is_immutable(entry.value))
    if not entry.keys:
        return StorageValue, (prefix, form)
    kind = StorageMap if len(entry.keys) == 1 else StorageDoubleMap
    return kind, (Keys(prefix, tuple(runtime.codec(key) for key in entry.keys), entry.hashers), form)


def per_class(derive: Callable[[type[Pallet]], T]) -> Callable[[type[Pallet]], T]:
    """Remember what derives from a pallet class."""
    found: dict[Any, T] = {}

    @wraps(derive)
    def cached(pallet: type[Pallet]) -> T:
        if pallet not in found:
            found[pallet] = derive(pallet)
        return found[pallet]

    return cached


@per_class
def storage_entries(pallet: type[Pallet]) -> tuple[StorageEntry, ...]:
    """Storage declarations of a pallet class, in order."""
    hints = typing.get_type_hints(pallet, include_extras=True)
    return tuple(
        _entry(pallet, attribute, hint)
        for attribute, hint in hints.items()
        if typing.get_origin(hint) in (StorageValue, StorageMap, StorageDoubleMap)
    )


def _entry(pallet: type[Pallet], attribute: str, hint: Hint) -> StorageEntry:
    *hashed, value = typing.get_args(hint)
    options = getattr(pallet, attribute, None)
    if not isinstance(options, StorageOptions):
        options = StorageOptions(None, UNSET)
    hashers = tuple(typing.get_origin(h) for h in hashed)
    if not all(isinstance(h, type) and issubclass(h, Hasher) for h in hashers):
        raise DeclarationError(f"{pallet.__name__}.{attribute}: map keys need a hasher, found {hashed}")
    form = shape(value)
    optional = isinstance(form, OptionOf)
    item = form.item if isinstance(form, OptionOf) else value
    default = options.default
    if default is UNSET:
        default = None if optional else zero(item)
    return StorageEntry(
        attribute,
        options.name or camel(attribute),
        typing.cast("tuple[type[Hasher[Any]], ...]", hashers),
        tuple(typing.get_args(h)[0] for h in hashed),
        item,
        optional,
        default,
    )


def zero(hint: Hint) -> Any:
    """The default value of a type: 0, false, empty, or zero bytes."""
    match shape(hint):
        case Primitive("bool"):
            return False
        case Primitive("str"):
            return ""
        case Primitive() | CompactShape():
            return 0
        case ArrayShape(None, size):
            return bytes(size)
        case Sequence(None):
            return b""
        case Sequence():
            return []
        case MapShape():
            return {}
        case TupleOf(items):
            return tuple(zero(i) for i in items)
    raise DeclarationError(f"type {hint!r} has no default: declare storage(default=…)")


@per_class
def calls_of(pallet: type[Pallet]) -> dict[int, CallDef]:
    """Dispatchables of a pallet class by index."""
    found = [m.call_definition for _, m in inspect.getmembers(pallet) if hasattr(m, "call_definition")]
    return {c.index: c.bound(pallet.call_types) for c in sorted(found, key=lambda c: c.index)}


@per_class
def constants_of(pallet: type[Pallet]) -> tuple[tuple[str, Hint], ...]:
    """(attribute, type hint) of each constant of a pallet class."""
    hints = typing.get_type_hints(pallet, include_extras=True)
    return tuple(
        (name, typing.Annotated[typing.get_args(hint)[0], *rest] if rest else typing.get_args(hint)[0])
        for name, hint in hints.items()
        for marks in [getattr(hint, "__metadata__", ())]
        if any(isinstance(m, ConstantMark) for m in marks)
        for rest in [tuple(m for m in marks if not isinstance(m, ConstantMark))]
    )


@per_class
def dependencies_of(pallet: type[Pallet]) -> tuple[tuple[str, type[Pallet]], ...]:
    """(attribute, pallet class) of each pallet this one asks for."""
    hints = typing.get_type_hints(pallet)
    return tuple((n, h) for n, h in hints.items() if isinstance(h, type) and issubclass(h, Pallet))


def pallets_in(namespace: dict[str, Any]) -> Iterator[tuple[str, PalletUse]]:
    """(name, use) of the pallets a runtime class lists."""
    return ((n, u) for n, u in namespace.items() if isinstance(u, PalletUse))


class PalletUse:
    """A pallet listed by a runtime: its index and overridden constants. Reads as the pallet instance."""

    def __init__(self, index: int, pallet: type[Pallet], constants: dict[str, Any]) -> None:
        self.index, self.pallet, self.constants = index, pallet, constants
