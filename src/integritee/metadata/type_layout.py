"""How metadata lays out a runtime's types: the portable registry of crate scale-info (`portable.rs`, `ty/`).

A type is named by its position in the registry; every reference to a type is that position, compact-encoded.
"""

from __future__ import annotations

import enum
from typing import ClassVar, TypeAlias

from integritee.scale import Compact, Enum, Struct, u8, u32

TypeId: TypeAlias = Compact[u32]
"""Position of a type in the registry."""


class Primitive(enum.IntEnum):
    """Types that consist of no other types."""

    BOOL = 0
    CHAR = 1
    STR = 2
    U8 = 3
    U16 = 4
    U32 = 5
    U64 = 6
    U128 = 7
    U256 = 8
    I8 = 9
    I16 = 10
    I32 = 11
    I64 = 12
    I128 = 13
    I256 = 14


class Field(Struct, frozen=True):
    """A field of a struct or of an enum variant. Fields of tuple-like bodies have no name."""

    name: str | None
    type: TypeId
    type_name: str | None
    docs: list[str]


class VariantLayout(Struct, frozen=True):
    """One variant of an enum: a call, event or error of a pallet, for instance."""

    name: str
    fields: list[Field]
    index: u8
    docs: list[str]


class TypeDef(Enum, frozen=True):
    """The form of a type."""


class Composite(TypeDef, frozen=True):
    """A struct."""

    index: ClassVar[int] = 0
    fields: list[Field]


class Variants(TypeDef, frozen=True):
    """An enum."""

    index: ClassVar[int] = 1
    variant_name: ClassVar[str] = "Variant"
    variants: list[VariantLayout]


class SequenceOf(TypeDef, frozen=True):
    """A Vec."""

    index: ClassVar[int] = 2
    variant_name: ClassVar[str] = "Sequence"
    type: TypeId


class ArrayOf(TypeDef, frozen=True):
    """A fixed number of equal items."""

    index: ClassVar[int] = 3
    variant_name: ClassVar[str] = "Array"
    len: u32
    type: TypeId


class TupleOf(TypeDef, frozen=True):
    """A tuple; the empty one is the unit type."""

    index: ClassVar[int] = 4
    variant_name: ClassVar[str] = "Tuple"
    types: list[TypeId]


class PrimitiveType(TypeDef, frozen=True):
    index: ClassVar[int] = 5
    variant_name: ClassVar[str] = "Primitive"
    kind: Primitive


class CompactOf(TypeDef, frozen=True):
    """The compact form of an integer, or of a struct that wraps one."""

    index: ClassVar[int] = 6
    variant_name: ClassVar[str] = "Compact"
    type: TypeId


class BitSequence(TypeDef, frozen=True):
    """A BitVec: `store` is the integer that carries the bits, `order` names their order in it."""

    index: ClassVar[int] = 7
    store: TypeId
    order: TypeId


class TypeParameter(Struct, frozen=True):
    """A generic parameter; `type` is None where the runtime withholds it."""

    name: str
    type: TypeId | None


class PortableType(Struct, frozen=True):
    """An entry of the registry. `path` holds the Rust module segments and the type's name, or nothing."""

    id: TypeId
    path: list[str]
    params: list[TypeParameter]
    definition: TypeDef
    docs: list[str]

    def parameter(self, name: str) -> int | None:
        """Type of the generic parameter `name`, if it has one."""
        return next((p.type for p in self.params if p.name == name), None)
