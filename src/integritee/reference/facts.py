"""What the facts of an error are called and what form they have, found by making one of it."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from integritee.boundary.messages import Failure
from integritee.enclave.rpc.errors import Reason
from integritee.errors import IntegriteeError
from integritee.frame.errors import BadOrigin, DispatchError
from integritee.frame.validity import BadProof, CannotLookup, Invalid, InvalidTransaction, Unknown

CARRIERS: Final = frozenset(
    {"boundary.remote", "client", "client.refused", "dispatch", "pool.refused_elsewhere", "transaction"}
    | {"frontend.refused", "frontend.pool_refused", "frontend.privileges_refused"}
)
"""Codes of errors that carry the code and the facts of another one."""

SAMPLES: Final[dict[Any, Any]] = {
    bool: True,
    int: 1,
    float: 1.0,
    str: "text",
    bytes: b"\x01",
    Path: Path("path"),
    Any: "text",
    Failure: Failure("area.name", "text", "{}"),
    Reason: Reason("area.name", "text", {}),
    DispatchError: BadOrigin(),
    InvalidTransaction: BadProof(),
    Invalid: Invalid(BadProof()),
    Unknown: Unknown(CannotLookup()),
}

TEXT: Final = "text"
DECIMAL: Final = "decimal text"
HEX: Final = "0x-hex"
FORMS: Final[dict[Any, str]] = {bool: "true or false", int: "number", bytes: HEX, types.NoneType: "null"}


@dataclass(frozen=True)
class Fact:
    """A member of an error's data: its name and, in words, its JSON form."""

    name: str
    form: str


def facts_of(error: type[IntegriteeError]) -> tuple[Fact, ...]:
    """Facts of an error class in the order in which it states them. Raises TypeError if none can be made."""
    if error.code in CARRIERS:
        return ()
    hints = _hints(error)
    return tuple(Fact(name, _form(hints.get(name), value)) for name, value in specimen(error).data().items())


def specimen(error: type[IntegriteeError]) -> IntegriteeError:
    """One error of a class, made of no more than it needs. Raises TypeError for types it has no sample of."""
    if not inspect.isfunction(_init(error)):  # Exception's own, which takes a text
        return error(SAMPLES[str])
    hints = _hints(error)
    taken = list(inspect.signature(_init(error)).parameters.values())[1:]
    return error(**{p.name: _sample(hints[p.name]) for p in taken if p.default is p.empty})


def _init(error: type[IntegriteeError]) -> Callable[..., None]:
    return error.__init__


def _hints(error: type[IntegriteeError]) -> dict[str, Any]:
    return typing.get_type_hints(_init(error)) if inspect.isfunction(_init(error)) else {}


def _sample(hint: Any) -> Any:
    for member in _members(hint):
        if member in SAMPLES:
            return SAMPLES[member]
    if types.NoneType in _members(hint):
        return None
    if isinstance(typing.get_origin(hint), type) and issubclass(typing.get_origin(hint), Iterable):
        return []
    raise TypeError(f"there is no sample of {hint}")


def _members(hint: Any) -> tuple[Any, ...]:
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if is_union else (hint,)


def _form(hint: Any, value: str | int | bool | None) -> str:
    """By the type of the argument of that name if there is one, else by the value."""
    if hint is None:
        return HEX if isinstance(value, str) and value.startswith("0x") else FORMS.get(type(value), TEXT)
    decimal = hint is int and isinstance(value, str)
    forms = [DECIMAL if decimal else FORMS.get(member, TEXT) for member in _members(hint)]
    return " or ".join(dict.fromkeys(forms))
