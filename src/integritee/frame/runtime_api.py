"""Runtime APIs: the functions a node calls, declared as typed methods (sp-api).

A trait is a class; each public method is a function of it, named ``Trait_function`` on the wire, with SCALE
arguments and result as its hints say. `functions_of` compiles them for a runtime.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from integritee.crypto import blake2_64
from integritee.scale import Codec, items, product

from .declare import Argument, arguments_of
from .executive import Executive


class RuntimeApi:
    """Base of traits; `trait` and `trait_version` are what `RuntimeVersion.apis` announces.

    `served` are all traits that are served together with this one.
    """

    trait: ClassVar[str]
    trait_version: ClassVar[int]

    def __init__(self, executive: Executive, served: tuple[type[RuntimeApi], ...] = ()) -> None:
        self.executive = executive
        self.runtime = executive.runtime
        self.served = served

    @classmethod
    def identifier(cls) -> tuple[bytes, int]:
        """(blake2b-64 of the trait's name, version)."""
        return blake2_64(cls.trait.encode()), cls.trait_version


@dataclass(frozen=True, slots=True)
class ApiMethod:
    """A function of a trait as it is declared; `returns` is a type hint."""

    name: str
    function: Callable[..., Any]
    arguments: tuple[Argument, ...]
    returns: Any


def api_methods(api: type[RuntimeApi]) -> list[ApiMethod]:
    """The functions of a trait, by name."""
    found = []
    for name, function in inspect.getmembers(api, inspect.isfunction):
        if name in vars(api) and not name.startswith("_"):
            returns = typing.get_type_hints(function, include_extras=True)["return"]
            found.append(ApiMethod(name, function, arguments_of(function, skip=1), returns))
    return found


@dataclass(frozen=True, slots=True)
class ApiFunction:
    """One function of a trait, ready to call with SCALE bytes."""

    arguments: Codec
    """Tuple of the arguments."""
    run: Callable[..., Any]
    result: Codec


def functions_of(api: RuntimeApi) -> dict[str, ApiFunction]:
    """The functions of a trait by wire name."""
    return {
        f"{api.trait}_{method.name}": ApiFunction(
            product(tuple(api.runtime.codec(a.hint) for a in method.arguments), None, items(len(method.arguments))),
            getattr(api, method.name),
            api.runtime.codec(method.returns),
        )
        for method in api_methods(type(api))
    }
