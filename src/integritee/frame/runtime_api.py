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
from integritee.scale import Codec, product

from .declare import arguments_of
from .executive import Executive


class RuntimeApi:
    """Base of traits; `trait` and `trait_version` are what `RuntimeVersion.apis` announces."""

    trait: ClassVar[str]
    trait_version: ClassVar[int]

    def __init__(self, executive: Executive) -> None:
        self.executive = executive
        self.runtime = executive.runtime

    @classmethod
    def identifier(cls) -> tuple[bytes, int]:
        """(blake2b-64 of the trait's name, version)."""
        return blake2_64(cls.trait.encode()), cls.trait_version


@dataclass(frozen=True, slots=True)
class ApiFunction:
    """One function of a trait, ready to call with SCALE bytes."""

    arguments: Codec
    """Tuple of the arguments."""
    run: Callable[..., Any]
    result: Codec


def functions_of(api: RuntimeApi) -> dict[str, ApiFunction]:
    """The functions of a trait by wire name."""
    found = {}
    for name, method in inspect.getmembers(type(api), inspect.isfunction):
        if name in vars(type(api)) and not name.startswith("_"):
            arguments = tuple(api.runtime.codec(a.hint) for a in arguments_of(method, skip=1))
            returns = typing.get_type_hints(method, include_extras=True)["return"]
            found[f"{api.trait}_{name}"] = ApiFunction(
                product(arguments, lambda *values: values, tuple),
                getattr(api, name),
                api.runtime.codec(returns),
            )
    return found
