"""From type descriptions to codecs, each compiled when it is first needed."""

from __future__ import annotations

from collections.abc import Sequence
from threading import RLock
from typing import Any, Final

from integritee.scale import Codec
from integritee.scale.errors import EncodeError

from . import codecs
from .codecs import ZERO_SIZED
from .errors import InputTooLarge, UnknownType, UnusableType
from .type_layout import (
    ArrayOf,
    BitSequence,
    CompactOf,
    Composite,
    Field,
    PortableType,
    Primitive,
    PrimitiveType,
    SequenceOf,
    TupleOf,
    VariantLayout,
    Variants,
)

MAX_FIELDS: Final = 256
"""Most fields of a struct, variant or tuple."""

MAX_TYPE_NESTING: Final = 48
"""Levels of types directly within types. Enums do not count: their variants are compiled on first use."""

MAX_VALUE_SIZE: Final = 10 << 20
"""Longest encoded value in bytes; blocks are not larger."""


class TypeRegistry:
    """The types of a runtime. `type_id` is a position in `types`. Threads may share it."""

    def __init__(self, types: Sequence[PortableType]) -> None:
        for position, entry in enumerate(types):
            if entry.id != position:
                raise UnusableType(entry.id, f"stands at position {position}")
        self.types = types
        self._codecs: dict[int, Codec] = {}
        self._placeholders: dict[int, Codec] = {}
        self._compiling: set[int] = set()
        self._lock = RLock()

    def type(self, type_id: int) -> PortableType:
        """Description of a type. Raises UnknownType."""
        if not 0 <= type_id < len(self.types):
            raise UnknownType(type_id, len(self.types))
        return self.types[type_id]

    def variants(self, type_id: int) -> list[VariantLayout]:
        """The variants of an enum, their names and indexes unique. Raises UnknownType, UnusableType."""
        definition = self.type(type_id).definition
        if not isinstance(definition, Variants):
            raise UnusableType(type_id, "is not an enum")
        found = definition.variants
        if len({v.name for v in found}) < len(found) or len({v.index for v in found}) < len(found):
            raise UnusableType(type_id, "two variants have the same name or index")
        for variant in found:
            _check_fields(type_id, variant.fields)
        return found

    def set_codec(self, type_id: int, codec: Codec) -> None:
        """Read and write a type with `codec` wherever it occurs. Comes before the first use of any codec."""
        self._codecs[type_id] = codec

    def codec(self, type_id: int) -> Codec:
        """Codec of a type, compiled on first use. Raises UnknownType, UnusableType."""
        found = self._codecs.get(type_id)
        if found is not None:
            return found
        with self._lock:
            if type_id in self._compiling:  # a recursive type meets itself
                return self._placeholder(type_id)
            return self._codecs.get(type_id) or self._compile_once(type_id)

    def encode(self, type_id: int, value: Any) -> bytes:
        """Bytes of `value`. Raises EncodeError, and InvalidMetadata if the type is unusable."""
        try:
            return self.codec(type_id).encode(value)
        except RecursionError:
            raise EncodeError("a value of bounded nesting", type(value).__name__) from None

    def decode(self, type_id: int, data: bytes) -> Any:
        """The value that `data` is, entirely. Raises DecodeError, InputTooLarge, InvalidMetadata."""
        return decode_bounded(self.codec(type_id), data)

    def is_zero_sized(self, type_id: int) -> bool:
        """Whether the values of a type occupy no bytes."""
        return self.codec(type_id) is ZERO_SIZED

    def arguments(self, path: str, fields: Sequence[Field]) -> Codec:
        """Codec of the fields of one of `variants` as a dict, whether they have names or not."""
        names = [field.name or str(position) for position, field in enumerate(fields)]
        return codecs.product(path, names, [self.codec(field.type) for field in fields])

    def _compile_once(self, type_id: int) -> Codec:
        if len(self._compiling) >= MAX_TYPE_NESTING:
            raise UnusableType(type_id, f"is nested deeper than {MAX_TYPE_NESTING} types")
        self._compiling.add(type_id)
        try:
            found = self._compile(type_id)
        finally:
            self._compiling.remove(type_id)
        if found is self._placeholders.get(type_id):
            raise UnusableType(type_id, "wraps nothing but itself")
        self._codecs[type_id] = found
        return found

    def _placeholder(self, type_id: int) -> Codec:
        found = self._placeholders.get(type_id)
        if found is None:
            found = self._placeholders[type_id] = Codec(
                lambda value: self.codec(type_id).encode(value),
                lambda data, at, depth: self.codec(type_id).read(data, at, depth),
            )
        return found

    def _compile(self, type_id: int) -> Codec:
        described = self.type(type_id)
        path = "::".join(described.path) or f"type {type_id}"
        match described.definition:
            case Composite(fields):
                return self._fields(type_id, path, fields)
            case Variants():
                return self._enum(type_id, path)
            case SequenceOf(item):
                return codecs.BYTES if self._is_byte(item) else codecs.sequence(self.codec(item))
            case ArrayOf(size, item) if self._is_byte(item) and size:
                return codecs.fixed_bytes(size)
            case ArrayOf(size, item):
                return self._array(type_id, item, size)
            case TupleOf(items):
                return self._product(type_id, path, None, items)
            case PrimitiveType(kind):
                return codecs.PRIMITIVES[kind]
            case CompactOf(inner):
                return self._compact(type_id, inner)
            case BitSequence(store, order):
                return self._bits(type_id, store, order)
        raise UnusableType(type_id, "has no form")  # unreachable: the registry decoded

    def _product(self, type_id: int, path: str, names: list[str] | None, items: Sequence[int]) -> Codec:
        _check_count(type_id, items)
        fields = [self.codec(item) for item in items]
        if all(field is ZERO_SIZED for field in fields):
            return ZERO_SIZED
        return codecs.product(path, names, fields)

    def _fields(self, type_id: int, path: str, fields: Sequence[Field]) -> Codec:
        """Fields of a struct or variant. One without a name is no more than its value."""
        _check_fields(type_id, fields)
        names = [field.name for field in fields if field.name is not None]
        if _wraps(fields):
            return self.codec(fields[0].type)
        return self._product(type_id, path, names or None, [field.type for field in fields])

    def _array(self, type_id: int, item: int, size: int) -> Codec:
        codec = self.codec(item)
        if codec is ZERO_SIZED and size > codecs.MAX_ZERO_SIZED_ITEMS:
            raise UnusableType(type_id, f"is an array of {size} items without content")
        return codecs.array(codec, size)

    def _enum(self, type_id: int, path: str) -> Codec:
        if path == "sp_runtime::generic::era::Era":
            return codecs.ERA
        by_index = {variant.index: variant for variant in self.variants(type_id)}
        bodies: dict[int, Codec] = {}

        def body(index: int) -> Codec | None:
            found = bodies.get(index)
            if found is None and index in by_index:
                variant = by_index[index]
                found = self._fields(type_id, f"{path}::{variant.name}", variant.fields)
                bodies[index] = found
            return found

        names = {index: variant.name for index, variant in by_index.items()}
        wrappers = frozenset(v.name for v in by_index.values() if _wraps(v.fields))
        enum = codecs.variants(path, names, wrappers, body)
        if path == "Option" and names == {0: "None", 1: "Some"} and _wraps(by_index[1].fields):
            return codecs.option(enum, nested=self._has_none(by_index[1].fields[0].type))
        if path == "Result" and names == {0: "Ok", 1: "Err"}:
            return codecs.result(enum)
        return enum

    def _compact(self, type_id: int, inner: int) -> Codec:
        if self.is_zero_sized(inner):
            return ZERO_SIZED
        match self._unwrapped(inner, named=True).definition:
            case PrimitiveType(kind) if kind in codecs.COMPACTS:
                return codecs.COMPACTS[kind]
        raise UnusableType(type_id, "is the compact form of something other than an integer")

    def _bits(self, type_id: int, store: int, order: int) -> Codec:
        definition, path = self.type(store).definition, self.type(order).path
        stores = (Primitive.U8, Primitive.U16, Primitive.U32, Primitive.U64)
        orders = ("Lsb0", "Msb0")
        if isinstance(definition, PrimitiveType) and definition.kind in stores and path[-1:] in ([o] for o in orders):
            return codecs.bit_sequence(definition.kind, path[-1] == "Msb0")
        raise UnusableType(type_id, "is a bit sequence without known store and order")

    def _is_byte(self, type_id: int) -> bool:
        return self.type(type_id).definition == PrimitiveType(Primitive.U8)

    def _has_none(self, type_id: int) -> bool:
        """Whether None is already a value of the type: it is an Option, maybe in wrappers."""
        return self._unwrapped(type_id, named=False).path == ["Option"]

    def _unwrapped(self, type_id: int, *, named: bool) -> PortableType:
        """What a type is without the structs of one field around it (`named`: also of one named field)."""
        for _ in range(MAX_TYPE_NESTING):
            described = self.type(type_id)
            match described.definition:
                case Composite([field]) if named or field.name is None:
                    type_id = field.type
                case _:
                    return described
        raise UnusableType(type_id, f"is nested deeper than {MAX_TYPE_NESTING} types")


def _check_count(type_id: int, fields: Sequence[object]) -> None:
    if len(fields) > MAX_FIELDS:
        raise UnusableType(type_id, f"has more than {MAX_FIELDS} fields")


def _check_fields(type_id: int, fields: Sequence[Field]) -> None:
    """Either all fields have names, all different, or none has."""
    _check_count(type_id, fields)
    names = {field.name for field in fields if field.name is not None}
    if names and len(names) < len(fields):
        raise UnusableType(type_id, "not every field has a name of its own")


def _wraps(fields: Sequence[Field]) -> bool:
    return len(fields) == 1 and fields[0].name is None


def decode_bounded(codec: Codec, data: bytes) -> Any:
    """`codec.decode` of an input of bounded length. Raises DecodeError, InputTooLarge, InvalidMetadata."""
    if len(data) > MAX_VALUE_SIZE:
        raise InputTooLarge(len(data), MAX_VALUE_SIZE)
    return codec.decode(bytes(data))
