"""The words a pallet is written in: calls, events, errors, constants and storage options.

A pallet states each thing once; dispatch, SCALE types, storage keys, metadata and docs derive from it::

    class Notes(Pallet):
        max_note_size: Constant[u32] = constant(512)
        buckets: StorageMap[Blake2_128Concat[u32], BucketInfo | None]

        class Event(Events):
            Stored = event(0, account=AccountId)

        class Error(Errors):
            NoteTooLong = error("the note exceeds max_note_size")

        @call(0, weight=weight(10_000_000, 1, 1))
        def store(self, origin: Origin, note: bytes) -> None: ...
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, Final, TypeVar

import msgspec

from integritee.scale.shape import Hint

from .errors import DispatchFailure, Module, ModuleError, snake
from .weights import DispatchClass, PostInfo, Weight

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class ConstantMark:
    """Marks a pallet attribute as a constant shown in metadata."""


Constant = Annotated[T, ConstantMark()]


def constant(value: Any) -> Any:
    """Default of a constant; a runtime may override it when it lists the pallet."""
    return value


@dataclass(frozen=True)
class StorageOptions:
    name: str | None
    default: Any

    def __get__(self, pallet: object | None, owner: type) -> StorageOptions:
        """The options, of the class. A pallet has the storage item instead: see `Pallet.__getattr__`."""
        if pallet is not None:
            raise AttributeError
        return self


UNSET: Final = object()


def storage(*, default: Any = UNSET, name: str | None = None) -> Any:
    """Options of a storage item: `default` for values that are not Option, `name` if not CamelCase(attribute)."""
    return StorageOptions(name, default)


@dataclass(frozen=True)
class Argument:
    """One argument of a call, event or trusted call: its wire name and type hint."""

    name: str
    hint: Hint


@dataclass(frozen=True, eq=False)
class EventDef:
    """An event of a pallet; calling it makes an event value."""

    index: int
    fields: tuple[Argument, ...]
    docs: str
    named: bool
    name: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        object.__setattr__(self, "name", name)

    def __call__(self, *args: Any, **kwargs: Any) -> EventValue:
        if len(args) + len(kwargs) != len(self.fields):
            raise TypeError(f"{self.name} takes {len(self.fields)} fields")
        if kwargs:
            rest = [kwargs[f.name] if f.name in kwargs else kwargs[f.name + "_"] for f in self.fields[len(args) :]]
            args = (*args, *rest)
        return EventValue(self, args)


class EventValue(msgspec.Struct, frozen=True):
    definition: EventDef
    values: tuple[Any, ...]


def event(index: int, /, *unnamed: Hint, docs: str = "", **fields: Hint) -> EventDef:
    """Declare an event. A trailing underscore in a field name (``from_``) is dropped on the wire."""
    if unnamed:
        return EventDef(index, tuple(Argument(f"field{i}", h) for i, h in enumerate(unnamed)), docs, False)
    return EventDef(index, tuple(Argument(n.rstrip("_"), h) for n, h in fields.items()), docs, True)


class Events:
    """Base of a pallet's nested ``Event`` class."""

    @classmethod
    def definitions(cls) -> list[EventDef]:
        found = [v for v in vars(cls).values() if isinstance(v, EventDef)]
        return sorted(found, key=lambda e: e.index)


@dataclass(frozen=True, eq=False)
class ErrorDef:
    """An error of a pallet; calling it makes the exception to raise."""

    docs: str
    field: Hint | None = None
    name: str = ""
    owner: str = ""
    index: int = -1

    @property
    def code(self) -> str:
        """Stable code, e.g. ``session_proxy.not_proxy``."""
        return f"{snake(self.owner)}.{snake(self.name)}"

    def __call__(self, payload: bytes = b"") -> DispatchFailure:
        """The failure; the pallet index is filled in by the runtime that dispatches."""
        return DispatchFailure(
            Module(ModuleError(0, bytes([self.index, *payload]).ljust(4, b"\0"))),
            self.code,
            self.docs or self.name,
            self.owner,
        )


def error(docs: str = "", *, field: Hint | None = None) -> ErrorDef:
    """Declare an error; its index is its position in the class. `field` is an optional one-byte payload."""
    return ErrorDef(docs, field)


class Errors:
    """Base of a pallet's nested ``Error`` class; indexes follow the order of declaration."""

    def __init_subclass__(cls) -> None:
        owner = cls.__qualname__.split(".")[-2] if "." in cls.__qualname__ else cls.__name__
        for i, (name, definition) in enumerate((n, d) for n, d in vars(cls).items() if isinstance(d, ErrorDef)):
            object.__setattr__(definition, "name", name)
            object.__setattr__(definition, "owner", owner)
            object.__setattr__(definition, "index", i)

    @classmethod
    def definitions(cls) -> list[ErrorDef]:
        return [d for d in vars(cls).values() if isinstance(d, ErrorDef)]


WeightOf = Weight | Callable[..., Weight]
ClassOf = DispatchClass | Callable[..., DispatchClass]


@dataclass(frozen=True, eq=False)
class CallDef:
    """A dispatchable: its index, wire arguments and cost, and the method that runs it."""

    index: int
    name: str
    method: Callable[..., PostInfo | None]
    weight: WeightOf
    dispatch_class: ClassOf
    docs: str
    types: Mapping[TypeVar, Hint] = field(default_factory=dict)
    """What type variables among the arguments stand for."""

    def bound(self, types: Mapping[TypeVar, Hint]) -> CallDef:
        """The same call in an instance of its pallet that gives type variables a meaning."""
        return replace(self, types=types) if types else self

    @cached_property
    def arguments(self) -> tuple[Argument, ...]:
        found = arguments_of(self.method, skip=2)
        return tuple(Argument(a.name, self.types.get(a.hint, a.hint)) for a in found) if self.types else found

    def weight_of(self, pallet: Any, args: tuple[Any, ...]) -> Weight:
        return self.weight(pallet, *args) if callable(self.weight) else self.weight

    def class_of(self, pallet: Any, args: tuple[Any, ...]) -> DispatchClass:
        return self.dispatch_class(pallet, *args) if callable(self.dispatch_class) else self.dispatch_class


def call(index: int, /, *, weight: WeightOf, dispatch_class: ClassOf = DispatchClass.Normal) -> Callable[[F], F]:
    """Make a method ``(self, origin, *args)`` a dispatchable.

    `weight` and `dispatch_class` may be functions of (pallet, *args).
    """

    def mark(method: F) -> F:
        docs = inspect.getdoc(method) or ""
        definition = CallDef(index, method.__name__, method, weight, dispatch_class, docs)
        method.call_definition = definition  # type: ignore[attr-defined]
        return method

    return mark


def arguments_of(method: Callable[..., Any], skip: int) -> tuple[Argument, ...]:
    """Wire arguments of a method after the first `skip` parameters; trailing underscores dropped."""
    hints = typing.get_type_hints(method, include_extras=True)
    names = list(inspect.signature(method).parameters)[skip:]
    return tuple(Argument(n.rstrip("_"), hints[n]) for n in names)
