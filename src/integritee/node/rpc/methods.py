"""The methods table: how JSON-RPC names lead to functions.

An API is a class whose functions are marked `@method` or `@subscription`; `MethodTable` collects those of several
instances. Parameters are declared by the functions themselves: name, reader (see `params`), and whether there is
a default, which then stands for null and for nothing alike. Callers pass them by position or by name; surplus
ones are ignored, as jsonrpsee does.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias, TypeVar

from .errors import InvalidParams
from .params import Reader
from .sessions import Sink

Params: TypeAlias = "list[Any] | dict[str, Any] | None"

F = TypeVar("F", bound=Callable[..., Any])

_REQUIRED: Final = inspect.Parameter.empty
_MARK: Final = "__rpc__"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a decorator says of a function."""

    name: str
    aliases: tuple[str, ...]
    is_unsafe: bool
    is_change: bool
    notification: str | None = None
    unsubscribe: tuple[str, ...] = ()


def method(name: str, *aliases: str, unsafe: bool = False, changes: bool = False) -> Callable[[F], F]:
    """Serve the function as `name`; its result is the JSON result.

    `unsafe` ones are refused to external callers. `changes` marks those that alter pool or chain: they never run
    while a block is being made.
    """
    return _mark(Declaration(name, aliases, unsafe, changes))


def subscription(
    name: str, *aliases: str, notification: str, unsubscribe: Iterable[str], changes: bool = False
) -> Callable[[F], F]:
    """Serve the function as `name`; it gets the `Sink` of the new subscription first, whose id is the result.

    What it puts into the sink is sent after the reply, under method `notification`. `unsubscribe` names the
    methods that end it.
    """
    return _mark(Declaration(name, aliases, False, changes, notification, tuple(unsubscribe)))


def _mark(declaration: Declaration) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        setattr(function, _MARK, declaration)
        return function

    return decorate


@dataclass(frozen=True, slots=True)
class Parameter:
    """`default` is inspect.Parameter.empty if the caller must give a value."""

    name: str
    read: Reader
    default: Any

    def value(self, given: Any) -> Any:
        """Raises InvalidParams."""
        if given is None:
            if self.default is _REQUIRED:
                raise InvalidParams(f"missing parameter {self.name}")
            return self.default
        try:
            return self.read(given)
        except ValueError as error:
            raise InvalidParams(f"parameter {self.name}: {error}") from None


@dataclass(frozen=True, slots=True)
class Method:
    """A served function. With `notification` it is a subscription and its first argument a Sink."""

    function: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    is_unsafe: bool
    is_change: bool
    notification: str | None

    def arguments(self, params: Params) -> list[Any]:
        """The function's arguments. Raises InvalidParams."""
        if isinstance(params, dict):
            return [parameter.value(params.get(parameter.name)) for parameter in self.parameters]
        given = params or []
        return [
            parameter.value(given[position] if position < len(given) else None)
            for position, parameter in enumerate(self.parameters)
        ]


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Ends a subscription of one kind of notification."""

    notification: str

    is_unsafe: typing.ClassVar[bool] = False
    is_change: typing.ClassVar[bool] = True


class MethodTable:
    """Everything that can be called, by name and alias."""

    def __init__(self, *apis: object) -> None:
        self._methods: dict[str, Method | Unsubscribe] = {}
        for api in apis:
            self.add(api)

    def add(self, api: object) -> None:
        """Serve the marked functions of an instance. Raises ValueError if a name is taken."""
        for attribute in vars(type(api)).values():
            declaration = getattr(attribute, _MARK, None)
            if isinstance(declaration, Declaration):
                self._declare(declaration, attribute.__get__(api))

    def get(self, name: str) -> Method | Unsubscribe | None:
        return self._methods.get(name)

    def names(self) -> list[str]:
        """All names, aliases included, in order."""
        return sorted(self._methods)

    def _declare(self, declaration: Declaration, function: Callable[..., Any]) -> None:
        entry = Method(
            function,
            _parameters(function),
            declaration.is_unsafe,
            declaration.is_change,
            declaration.notification,
        )
        for name in (declaration.name, *declaration.aliases):
            self._put(name, entry)
        if declaration.notification is not None:
            for name in declaration.unsubscribe:
                self._put(name, Unsubscribe(declaration.notification))

    def _put(self, name: str, entry: Method | Unsubscribe) -> None:
        if name in self._methods:
            raise ValueError(f"two methods are named {name}")
        self._methods[name] = entry


def _parameters(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    hints = typing.get_type_hints(function, include_extras=True)
    found = []
    for parameter in inspect.signature(function).parameters.values():
        if hints[parameter.name] is not Sink:
            found.append(Parameter(parameter.name, _reader(hints[parameter.name]), parameter.default))
    return tuple(found)


def _reader(hint: Any) -> Reader:
    """The reader in an annotation or in one of the alternatives of an optional one."""
    for part in (hint, *typing.get_args(hint)):
        if typing.get_origin(part) is Annotated:
            reader: Reader = part.__metadata__[0]
            return reader
    raise TypeError(f"{hint} has no reader")
