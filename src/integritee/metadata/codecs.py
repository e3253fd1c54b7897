"""Codecs put together from parts that are known only at run time, for the values described in `values`.

As strict as `integritee.scale`: canonical compacts, known discriminants, bounded lengths and nesting. The
descriptions themselves come from outside as well, so they may neither make reading loop without consuming
input nor let a few bytes become a large value:

- a type that occupies no bytes has the one codec `ZERO_SIZED`, and few of it may stand in a sequence;
- every other type takes at least one byte, and is not begun when less than its least size is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Annotated, Any, Final

from integritee.primitives.era import Era, encode_era, read_era
from integritee.scale import (
    Codec,
    CompactMark,
    DecodeError,
    EncodeError,
    Err,
    Integer,
    Ok,
    codec,
    decode_compact,
    encode_compact,
    u8,
    u16,
    u32,
    u64,
)
from integritee.scale.errors import OutOfRange, TooDeep, TooLong, UnexpectedEnd, UnknownVariant

from .type_layout import Primitive
from .values import Variant, as_variant, field_values, tuple_values

MAX_VALUE_DEPTH: Final = 160
"""Nesting levels of a value. A call within a call takes two to four, a read one or two Python frames each."""

MAX_ZERO_SIZED_ITEMS: Final = 64
"""Longest sequence or array of items that occupy no bytes."""


# --- leaves


def _encode_unit(value: Any) -> bytes:
    if value is None or (isinstance(value, list | tuple | Mapping | bytes) and not value):
        return b""
    raise EncodeError("()", type(value).__name__)


ZERO_SIZED: Final = Codec(_encode_unit, lambda data, at, depth: ((), at), 0)
"""The one codec of all types that occupy no bytes. Their only value is ()."""


def _encode_bool(value: Any) -> bytes:
    if not isinstance(value, bool):
        raise EncodeError("a bool", type(value).__name__)
    return bytes((value,))


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    try:
        return str.encode(value)
    except (TypeError, UnicodeEncodeError):
        raise EncodeError("bytes", type(value).__name__) from None


def _encode_bytes(value: Any) -> bytes:
    raw = _as_bytes(value)
    return encode_compact(len(raw)) + raw


def _encode_str(value: Any) -> bytes:
    raw = _as_bytes(value)
    try:
        raw.decode()
    except UnicodeDecodeError:
        raise EncodeError("UTF-8", "other bytes") from None
    return encode_compact(len(raw)) + raw


def _encode_char(value: Any) -> bytes:
    if not isinstance(value, str) or len(value) != 1 or 0xD800 <= ord(value) < 0xE000:
        raise EncodeError("one character", type(value).__name__)
    return ord(value).to_bytes(4, "little")


def _read_char(data: bytes, at: int, depth: int) -> tuple[str, int]:
    point, end = codec(u32).read(data, at, depth)
    if point > 0x10FFFF or 0xD800 <= point < 0xE000:
        raise OutOfRange(at, point, "a Unicode scalar value")
    return chr(point), end


INTEGERS: Final = {
    Primitive.U8: Integer(1),
    Primitive.U16: Integer(2),
    Primitive.U32: Integer(4),
    Primitive.U64: Integer(8),
    Primitive.U128: Integer(16),
    Primitive.U256: Integer(32),
    Primitive.I8: Integer(1, True),
    Primitive.I16: Integer(2, True),
    Primitive.I32: Integer(4, True),
    Primitive.I64: Integer(8, True),
    Primitive.I128: Integer(16, True),
    Primitive.I256: Integer(32, True),
}

PRIMITIVES: Final = {
    Primitive.BOOL: Codec(_encode_bool, codec(bool).read, 1),
    Primitive.CHAR: Codec(_encode_char, _read_char, 4),
    Primitive.STR: Codec(_encode_str, codec(str).read, 1),
} | {primitive: codec(Annotated[int, integer]) for primitive, integer in INTEGERS.items()}

COMPACTS: Final = {
    primitive: codec(Annotated[int, integer, CompactMark()])
    for primitive, integer in INTEGERS.items()
    if not integer.signed
}

BYTES: Final = Codec(_encode_bytes, codec(bytes).read, 1)


def fixed_bytes(size: int) -> Codec:
    """[u8; size], 1 ≤ size."""

    def encode(value: Any) -> bytes:
        raw = _as_bytes(value)
        if len(raw) != size:
            raise EncodeError(f"{size} bytes", f"{len(raw)} bytes")
        return raw

    def read(data: bytes, at: int, depth: int) -> tuple[bytes, int]:
        end = at + size
        if end > len(data):
            raise UnexpectedEnd(at, size, len(data) - at)
        return data[at:end], end

    return Codec(encode, read, size)


def bit_sequence(store: Primitive, most_significant_first: bool) -> Codec:
    """BitVec: compact number of bits, then as many integers of type `store` (u8 … u64) as hold them."""
    size = INTEGERS[store].size
    width = size * 8
    word = codec({1: u8, 2: u16, 4: u32, 8: u64}[size])

    def position(bit: int) -> int:
        return width - 1 - bit if most_significant_first else bit

    def encode(value: Any) -> bytes:
        if not isinstance(value, list | tuple):
            raise EncodeError("a list of bool", type(value).__name__)
        words = [value[start : start + width] for start in range(0, len(value), width)]
        carried = [sum(1 << position(i) for i, bit in enumerate(bits) if bit) for bits in words]
        return encode_compact(len(value)) + b"".join(map(word.encode, carried))

    def read(data: bytes, at: int, depth: int) -> tuple[list[bool], int]:
        count, start = decode_compact(data, at)
        words = -(-count // width)
        if words * size > len(data) - start:
            raise UnexpectedEnd(start, words * size, len(data) - start)
        bits: list[bool] = []
        for _ in range(words):
            carried, start = word.read(data, start, depth)
            bits.extend(bool(carried >> position(i) & 1) for i in range(width))
        if any(bits[count:]):
            raise OutOfRange(start, count, "the number of bits in use")
        return bits[:count], start

    return Codec(encode, read, 1)


def _encode_era(value: Any) -> bytes:
    if not isinstance(value, Era):
        raise EncodeError("an era", type(value).__name__)
    try:
        raw = encode_era(value)
        canonical = read_era(raw, 0)[0] == value
    except (DecodeError, OverflowError):
        canonical = False
    if not canonical:
        raise EncodeError("an era", repr(value))
    return raw


ERA: Final = Codec(_encode_era, read_era, 1)
"""Mortality. Described as an enum of 256 variants, of which not all are valid."""


# --- compounds


def product(path: str, names: Sequence[str] | None, fields: Sequence[Codec]) -> Codec:
    """Fields one after the other: a dict if they have names, else a tuple."""
    least = sum(field.min_size for field in fields)
    encoders = [field.encode for field in fields]
    readers = [field.read for field in fields]

    def encode(value: Any) -> bytes:
        values = tuple_values(path, len(encoders), value) if names is None else field_values(path, names, value)
        return b"".join([e(v) for e, v in zip(encoders, values, strict=True)])

    def read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
        if depth > MAX_VALUE_DEPTH:
            raise TooDeep(at, MAX_VALUE_DEPTH)
        if least > len(data) - at:
            raise UnexpectedEnd(at, least, len(data) - at)
        values = []
        for r in readers:
            value, at = r(data, at, depth + 1)
            values.append(value)
        return (tuple(values) if names is None else dict(zip(names, values, strict=True))), at

    return Codec(encode, read, least)


def array(item: Codec, size: int) -> Codec:
    """[T; size]"""
    if item is ZERO_SIZED or not size:
        return ZERO_SIZED
    least = item.min_size * size

    def encode(value: Any) -> bytes:
        return b"".join(map(item.encode, tuple_values(f"an array of {size}", size, value)))

    def read(data: bytes, at: int, depth: int) -> tuple[list[Any], int]:
        if depth > MAX_VALUE_DEPTH:
            raise TooDeep(at, MAX_VALUE_DEPTH)
        if least > len(data) - at:
            raise UnexpectedEnd(at, least, len(data) - at)
        items = []
        for _ in range(size):
            value, at = item.read(data, at, depth + 1)
            items.append(value)
        return items, at

    return Codec(encode, read, least)


def _sorted_pairs(value: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    try:
        return sorted(value.items(), key=itemgetter(0))
    except TypeError:
        raise EncodeError("keys of one type", "keys of several types") from None


def sequence(item: Codec) -> Codec:
    """Vec<T>, and the wrappers of it: BTreeMap, BTreeSet, BoundedVec, …"""

    def encode(value: Any) -> bytes:
        if isinstance(value, Mapping):
            value = _sorted_pairs(value)
        if not isinstance(value, list | tuple):
            raise EncodeError("a list", type(value).__name__)
        return encode_compact(len(value)) + b"".join(map(item.encode, value))

    def read(data: bytes, at: int, depth: int) -> tuple[list[Any], int]:
        if depth > MAX_VALUE_DEPTH:
            raise TooDeep(at, MAX_VALUE_DEPTH)
        count, start = decode_compact(data, at)
        bound = (len(data) - start) // max(item.min_size, 1)
        if item is ZERO_SIZED:
            bound = MAX_ZERO_SIZED_ITEMS
        if count > bound:
            raise TooLong(at, count, bound)
        items, at = [], start
        for _ in range(count):
            value, at = item.read(data, at, depth + 1)
            items.append(value)
        return items, at

    return Codec(encode, read, 1)


Body = Callable[[int], Codec | None]
"""Codec of the fields of the variant with this discriminant, if there is one."""


def variants(path: str, names: Mapping[int, str], wrappers: frozenset[str], body: Body) -> Codec:
    """An enum: a discriminant byte, then the variant's fields."""
    indexes = {name: index for index, name in names.items()}

    def encode(value: Any) -> bytes:
        name, content = as_variant(path, value, wrappers)
        index = indexes.get(name)
        fields = None if index is None else body(index)
        if index is None or fields is None:
            raise EncodeError(f"a variant of {path}", name)
        return bytes((index,)) + fields.encode(content)

    def read(data: bytes, at: int, depth: int) -> tuple[Variant, int]:
        if depth > MAX_VALUE_DEPTH:
            raise TooDeep(at, MAX_VALUE_DEPTH)
        if at >= len(data):
            raise UnexpectedEnd(at, 1, 0)
        fields = body(data[at])
        if fields is None:
            raise UnknownVariant(at, data[at], path)
        value, end = fields.read(data, at + 1, depth + 1)
        return Variant(names[data[at]], value), end

    return Codec(encode, read, 1)


def option(enum: Codec, *, nested: bool) -> Codec:
    """Option<T> over the codec of its enum; `nested` if None is already a value of T."""

    def encode(value: Any) -> bytes:
        if value is None:
            return enum.encode(Variant("None"))
        return enum.encode(value if nested else Variant("Some", value))

    def read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
        value, end = enum.read(data, at, depth)
        if value.name == "None":
            return None, end
        return (value if nested else value.value), end

    return Codec(encode, read, 1)


def result(enum: Codec) -> Codec:
    """Result<T, E> over the codec of its enum."""

    def encode(value: Any) -> bytes:
        if isinstance(value, Ok):
            return enum.encode(Variant("Ok", value.value))
        if isinstance(value, Err):
            return enum.encode(Variant("Err", value.error))
        return enum.encode(value)

    def read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
        value, end = enum.read(data, at, depth)
        return (Ok(value.value) if value.name == "Ok" else Err(value.value)), end

    return Codec(encode, read, 1)
