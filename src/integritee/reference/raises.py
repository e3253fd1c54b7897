"""Which errors the code of a call or getter can raise, read from its source.

Followed are functions and methods whose owner is known: `self`, annotated parameters and attributes, pallets of the
runtime, and what methods return by their annotations. What a `try` catches is left out. The result is what the code
says, not what every state allows.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import typing
from collections.abc import Callable, Iterator
from functools import cache
from types import FunctionType
from typing import Any, Final

from integritee.errors import IntegriteeError
from integritee.frame.declare import ErrorDef
from integritee.frame.errors import DispatchFailure, snake, token_failure
from integritee.frame.pallet import Pallet
from integritee.frame.runtime import Runtime
from integritee.stf.declare import App

Errors = frozenset[tuple[str, type[IntegriteeError]]]
"""(code, class) pairs; the class decides what catches it."""

NONE: Final[Errors] = frozenset()
MISTAKES: Final = frozenset({"frame.declaration", "frame.block_panic"})


def codes_raised(method: Callable[..., Any], owner: type, runtime: type[Runtime]) -> list[str]:
    """Codes a method of `owner` can raise over a runtime, in alphabetical order; programmers' mistakes left out."""
    found = _Reader(runtime, owner.__module__.partition(".")[0]).read(method, owner)
    return sorted({code for code, _ in found} - MISTAKES)


@cache
def _tree(function: FunctionType) -> ast.FunctionDef:
    return typing.cast("ast.FunctionDef", ast.parse(textwrap.dedent(inspect.getsource(function))).body[0])


class _Reader:
    def __init__(self, runtime: type[Runtime], package: str) -> None:
        self.runtime = runtime
        self._packages = {"integritee", package}
        self._read: dict[tuple[Any, Any], Errors] = {}

    def read(self, function: Any, owner: type | None) -> Errors:
        """Errors of a function; a recursion adds nothing to what is found anyway."""
        function = inspect.unwrap(function)
        key = (function, owner)
        if key not in self._read:
            self._read[key] = NONE
            if isinstance(function, FunctionType) and (function.__module__ or "").partition(".")[0] in self._packages:
                self._read[key] = _Scope(self, function, owner).block(_tree(function).body)
        return self._read[key]


class _Scope:
    """One function: what its names stand for, and what its statements raise."""

    def __init__(self, reader: _Reader, function: FunctionType, owner: type | None) -> None:
        self._reader = reader
        self._globals = known = function.__globals__
        names = inspect.signature(function).parameters
        self._locals: dict[str, Any] = {name: _written(function, name, known) for name in names}
        if owner is not None:
            self._locals["self"] = owner

    # -- statements ----------------------------------------------------------------------------------

    def block(self, nodes: list[Any]) -> Errors:
        return frozenset().union(*map(self.statement, nodes))

    def statement(self, node: ast.AST) -> Errors:
        match node:
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=last):
                caught = tuple(c for h in handlers for c in self._classes(h.type))
                kept = frozenset((code, error) for code, error in self.block(body) if not issubclass(error, caught))
                return kept.union(*(self.block(h.body) for h in handlers), self.block(orelse), self.block(last))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._locals[name] = self.type_of(value)
            case ast.Raise(exc=ast.Name() | ast.Attribute() as exc):
                return self._made(self.value_of(exc), []) | self._children(node)
            case ast.Call(func=func, args=arguments):
                made = self._made(self.value_of(func), arguments)
                return (made or self._called(func)) | self._children(node)
            case ast.Attribute(value=value, attr=name):
                found = inspect.getattr_static(self.type_of(value), name, None)
                if isinstance(found, property):
                    return self._reader.read(found.fget, self.type_of(value)) | self._children(node)
        return self._children(node)

    def _children(self, node: ast.AST) -> Errors:
        return self.block(list(ast.iter_child_nodes(node)))

    # -- what is raised and called -------------------------------------------------------------------

    def _made(self, made: Any, arguments: list[ast.expr]) -> Errors:
        """The error that a class, definition or function makes, if that is what it does."""
        if isinstance(made, type) and issubclass(made, IntegriteeError):
            return frozenset({(made.code, made)})
        if isinstance(made, ErrorDef):
            return frozenset({(made.code, DispatchFailure)})
        match arguments:
            case [ast.Attribute(attr=name)] if made is token_failure:
                return frozenset({(f"token.{snake(name)}", DispatchFailure)})
            case [] if inspect.isfunction(made) and _returned(made) is DispatchFailure:
                return frozenset({(made().code, DispatchFailure)})
        return NONE

    def _called(self, node: ast.expr) -> Errors:
        match node:
            case ast.Attribute(value=value, attr=name):
                owner = self.type_of(value)
                method = getattr(owner, name, None) if isinstance(owner, type) else self.value_of(node)
                return self._reader.read(method, owner if isinstance(owner, type) else None)
            case ast.Name():
                return self._reader.read(self.value_of(node), None)
        return NONE

    def _classes(self, node: ast.expr | None) -> Iterator[type]:
        nodes = node.elts if isinstance(node, ast.Tuple) else [node]
        return (c for c in (self.value_of(n) for n in nodes) if isinstance(c, type))

    # -- what names stand for ------------------------------------------------------------------------

    def value_of(self, node: ast.expr | None) -> Any:
        """Function, class or error definition that an expression names; None if it is something else."""
        match node:
            case ast.Name(id=name) if name not in self._locals:
                return self._globals.get(name)
            case ast.Attribute(value=value, attr=name):
                return getattr(self.value_of(value) or self.type_of(value), name, None)
        return None

    def type_of(self, node: ast.expr) -> Any:
        """Class of what an expression evaluates to; None if it does not show."""
        match node:
            case ast.Name(id=name):
                return self._locals.get(name)
            case ast.Attribute(value=value, attr=name):
                return self._attribute(self.type_of(value), name)
            case ast.Call(func=ast.Attribute(attr="pallet"), args=[ast.Name() as wanted]):
                return self.value_of(wanted)
            case ast.Call(func=ast.Attribute(value=value, attr=name)):
                return _returned(getattr(self.type_of(value), name, None))
            case ast.Call(func=func):
                made = self.value_of(func)
                return made if isinstance(made, type) else _returned(made)
        return None

    def _attribute(self, owner: Any, name: str) -> Any:
        if not isinstance(owner, type):
            return None
        if issubclass(self._reader.runtime, owner) and name in self._reader.runtime.uses:
            return self._reader.runtime.uses[name].pallet
        if name == "runtime" and issubclass(owner, App | Pallet):
            return self._reader.runtime
        found = inspect.getattr_static(owner, name, None)
        if isinstance(found, property):
            return _returned(found.fget)
        return _declared(owner, name)


def _returned(function: Any) -> type | None:
    """Class that a function returns by its annotation."""
    return _written(function, "return", getattr(function, "__globals__", {}))


def _declared(owner: type, name: str) -> type | None:
    """Class of an attribute by its annotation."""
    for base in owner.__mro__:
        if name in inspect.get_annotations(base):
            return _written(base, name, vars(sys.modules[base.__module__]))
    return None


def _written(holder: Any, name: str, known: dict[str, Any]) -> type | None:
    """Class that an annotation names; None if it is not that simple, or only type checkers know it."""
    text = inspect.get_annotations(holder).get(name) if callable(holder) else None
    found = known.get(text) if isinstance(text, str) else text
    return found if isinstance(found, type) else None
