"""How values cross between runtime and host (sp-runtime-interface).

A host function is a Python function whose hints say how each argument is passed:

    U32, U64     a number
    Flag         a boolean
    Span         bytes by fat pointer: i64 with the address in the low half, the length in the high one
    Buffer       a fat pointer to write to
    Fixed[N]     N bytes by pointer (i32)
    MaybeU32     SCALE Option<u32> by fat pointer

and the result, which is allocated on the runtime's heap if it is bytes.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from integritee.scale import DecodeError, decode, u32

from .errors import UndecodableArgument
from .externalities import Externalities

I32: Final = "i32"
I64: Final = "i64"
LOW: Final = 0xFFFFFFFF
"""The half of a fat pointer that is the address."""


@dataclass(frozen=True, slots=True)
class Passing:
    """One way to pass a value: its Wasm type, and both directions.

    `lift` makes the value of what the runtime passes, `lower` what the runtime gets of a result. Raw numbers may be
    sign-extended, and those of an i32 have anything in their upper half.
    """

    type: str
    lift: Callable[[Externalities, int], Any]
    lower: Callable[[Externalities, Any], int]


class Window:
    """Memory of the runtime that a host function may write to."""

    __slots__ = ("_address", "_memory", "size")

    def __init__(self, host: Externalities, raw: int) -> None:
        self._memory = host.memory
        self._address, self.size = raw & LOW, raw >> 32 & LOW

    def fill(self, data: bytes) -> None:
        """Write as much of `data` as there is room for."""
        self._memory.write(self._address, data[: self.size])


def lift_span(host: Externalities, raw: int) -> bytes:
    """The bytes a fat pointer points to. Raises BadPointer."""
    return host.memory.read(raw & LOW, raw >> 32 & LOW)


def _lower_span(host: Externalities, data: bytes) -> int:
    return len(data) << 32 | host.allocated(data)


def _lift_maybe_u32(host: Externalities, raw: int) -> int | None:
    try:
        found: int | None = decode(u32 | None, lift_span(host, raw))
    except DecodeError as error:
        raise UndecodableArgument(str(error)) from None
    return found


def _never(host: Externalities, value: Any) -> int:
    raise TypeError("not a way to pass this")


def _fixed(size: int) -> Passing:
    return Passing(I32, lambda host, raw: host.memory.read(raw & LOW, size), lambda host, data: host.allocated(data))


_NUMBER_32: Final = Passing(I32, lambda host, raw: raw & LOW, lambda host, number: number)
_NUMBER_64: Final = Passing(I64, lambda host, raw: raw & (1 << 64) - 1, lambda host, number: number)
_FLAG: Final = Passing(I32, lambda host, raw: raw & LOW != 0, lambda host, flag: int(flag))

U32 = Annotated[int, _NUMBER_32]
U64 = Annotated[int, _NUMBER_64]
Flag = Annotated[bool, _FLAG]
Span = Annotated[bytes, Passing(I64, lift_span, _lower_span)]
Buffer = Annotated[Window, Passing(I64, Window, _never)]
MaybeU32 = Annotated[int | None, Passing(I64, _lift_maybe_u32, _never)]
Fixed4 = Annotated[bytes, _fixed(4)]
Fixed8 = Annotated[bytes, _fixed(8)]
Fixed16 = Annotated[bytes, _fixed(16)]
Fixed32 = Annotated[bytes, _fixed(32)]
Fixed33 = Annotated[bytes, _fixed(33)]
Fixed64 = Annotated[bytes, _fixed(64)]
Fixed65 = Annotated[bytes, _fixed(65)]


@dataclass(frozen=True, slots=True)
class HostFunction:
    """`run` takes the externalities and the lifted arguments."""

    name: str
    run: Callable[..., Any]
    parameters: tuple[Passing, ...]
    result: Passing | None

    @property
    def wasm_type(self) -> tuple[list[str], list[str]]:
        """Wasm types of parameters and results."""
        return [p.type for p in self.parameters], [] if self.result is None else [self.result.type]


class Interface:
    """A set of host functions: ``ext_<name>_<function>_version_<n>``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.functions: dict[str, HostFunction] = {}

    def function(self, name: str, version: int = 1) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Declares the decorated function, whose first parameter is the externalities."""

        def declare(run: Callable[..., Any]) -> Callable[..., Any]:
            hints = typing.get_type_hints(run, include_extras=True)
            result = hints.pop("return")
            hints.pop("host")
            full = f"ext_{self.name}_{name}_version_{version}"
            parameters = tuple(filter(None, map(_passing, hints.values())))
            self.functions[full] = HostFunction(full, run, parameters, _passing(result))
            return run

        return declare


def _passing(hint: Any) -> Passing | None:
    """What `Annotated` says; nothing is passed for None."""
    return None if hint is type(None) else typing.get_args(hint)[1]
