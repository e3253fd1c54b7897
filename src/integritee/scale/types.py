"""The vocabulary of SCALE type hints.

Plain Python hints have their obvious SCALE form; the aliases below add what Python cannot say:

    bool, str               as in SCALE                 bytes          Vec<u8>
    u8 … u256, i8 … i128    fixed width, little-endian  Compact[u32]   compact integer
    list[T]                 Vec<T>                      tuple[A, B]    (A, B)
    T | None                Option<T>                   dict[K, V]     BTreeMap<K, V>
    Ok[T] | Err[E]          Result<T, E>                IntEnum        fieldless enum
    Struct subclasses       structs                     Enum bases     enums with data

Format: parity-scale-codec, https://docs.substrate.io/reference/scale-codec/.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, TypeAlias, TypeVar

import msgspec

T = TypeVar("T")
E = TypeVar("E")


@dataclass(frozen=True)
class Integer:
    """Marks an `int` as fixed-width: `size` bytes, little-endian, two's complement if signed."""

    size: int
    signed: bool = False

    @property
    def name(self) -> str:
        return f"{'i' if self.signed else 'u'}{self.size * 8}"

    @property
    def low(self) -> int:
        return -(1 << (8 * self.size - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        return (1 << (8 * self.size - self.signed)) - 1


@dataclass(frozen=True)
class CompactMark:
    """Marks an unsigned integer as compact-encoded."""


@dataclass(frozen=True)
class Fixed:
    """Marks `bytes` (or a list) as an array of exactly `size` elements; `path` names it in metadata."""

    size: int
    path: str = ""


@dataclass(frozen=True)
class Bounded:
    """Marks a sequence, string or map as holding at most `limit` elements (bytes for strings).

    `kind` is the Rust wrapper shown in metadata: BoundedVec or WeakBoundedVec; empty for none.
    """

    limit: int
    kind: str = ""


u8: TypeAlias = Annotated[int, Integer(1)]
u16: TypeAlias = Annotated[int, Integer(2)]
u32: TypeAlias = Annotated[int, Integer(4)]
u64: TypeAlias = Annotated[int, Integer(8)]
u128: TypeAlias = Annotated[int, Integer(16)]
u256: TypeAlias = Annotated[int, Integer(32)]
i8: TypeAlias = Annotated[int, Integer(1, True)]
i16: TypeAlias = Annotated[int, Integer(2, True)]
i32: TypeAlias = Annotated[int, Integer(4, True)]
i64: TypeAlias = Annotated[int, Integer(8, True)]
i128: TypeAlias = Annotated[int, Integer(16, True)]

Compact: TypeAlias = Annotated[T, CompactMark()]
"""`Compact[u32]` is `Compact<u32>`; the declared width bounds the value."""

Bytes4: TypeAlias = Annotated[bytes, Fixed(4)]
Bytes8: TypeAlias = Annotated[bytes, Fixed(8)]
Bytes16: TypeAlias = Annotated[bytes, Fixed(16)]
Bytes20: TypeAlias = Annotated[bytes, Fixed(20)]
Bytes32: TypeAlias = Annotated[bytes, Fixed(32)]
Bytes64: TypeAlias = Annotated[bytes, Fixed(64)]
Bytes65: TypeAlias = Annotated[bytes, Fixed(65)]


def wire_name(name: str) -> str:
    """Name of a field, argument or variant outside of Python: ``class_`` is ``class``."""
    return name.rstrip("_")


class Struct(msgspec.Struct, frozen=True, rename=wire_name):
    """Base of SCALE structs: fields in declaration order. Immutable, compared by value.

    `scale_path` is the Rust path shown in metadata; empty means the class name. `scale_params` are the type
    parameters shown there, (name, hint) each.
    """

    scale_path: ClassVar[str] = ""
    scale_params: ClassVar[tuple[tuple[str, Any], ...]] = ()


class Enum(Struct, frozen=True):
    """Base of SCALE enums with data.

    Derive the enum from `Enum` and each variant from the enum, giving `index` (the discriminant byte)::

        class Shape(Enum): ...
        class Circle(Shape):
            index: ClassVar[int] = 0
            radius: u32

    `variant_name` overrides the class name in metadata and JSON. `named_fields` says whether metadata shows the
    names of a variant's fields; by default only if there are several. All variants live in their enum's module.
    """

    index: ClassVar[int] = -1
    variant_name: ClassVar[str] = ""
    named_fields: ClassVar[bool | None] = None


class Ok(msgspec.Struct, Generic[T], frozen=True):
    """The success side of a SCALE Result."""

    value: T


class Err(msgspec.Struct, Generic[E], frozen=True):
    """The failure side of a SCALE Result."""

    error: E
