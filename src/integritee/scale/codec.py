"""Codecs compiled once per type from its shape.

A codec is two functions: `encode(value) -> bytes` and `read(data, at, depth) -> (value, next)`. Reading is
strict: canonical compacts, bounded lengths, bounded nesting, and `decode` refuses trailing bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final, TypeVar

from . import shape as s
from .compact import decode_compact, encode_compact
from .errors import (
    EncodeError,
    InvalidUtf8,
    OutOfRange,
    TooDeep,
    TooLong,
    UnexpectedEnd,
    UnknownVariant,
    UnorderedMap,
    UnsupportedType,
)
from .product import MAX_DEPTH, Codec, attributes, fixed_bytes, items, one_piece, product, two_words
from .types import Err, Integer, Ok

MAX_ZERO_SIZED: Final = 65_536
"""Longest accepted sequence of items that occupy no bytes (nothing else would bound it)."""

T = TypeVar("T")


class Registry:
    """Compiles codecs and supplies the form of placeholder types (a runtime's call enum, say)."""

    def __init__(self) -> None:
        self._codecs: dict[s.Hint, Codec] = {}
        self._bound: dict[type, Callable[[], Codec]] = {}

    def bind(self, placeholder: type, build: Callable[[], Codec]) -> None:
        """Let `build` supply the codec of `placeholder`, on first use."""
        self._bound[placeholder] = build

    def codec(self, hint: s.Hint) -> Codec:
        """Codec of a type hint; compiled on first use. Raises UnsupportedType."""
        found = self._codecs.get(hint)
        if found is None:
            found = self._deferred(hint)  # a recursive type meets this entry while it is compiled
            self._codecs[hint] = found
            found = self._codecs[hint] = self._compile(hint)
        return found

    def _deferred(self, hint: s.Hint) -> Codec:
        return Codec(
            lambda value: self._codecs[hint].encode(value),
            lambda data, at, depth: self._codecs[hint].read(data, at, depth),
        )

    def _compile(self, hint: s.Hint) -> Codec:
        if isinstance(hint, type) and hint in self._bound:
            return self._bound[hint]()
        if hint is None or hint is type(None):
            return _UNIT
        match s.shape(hint):
            case s.Primitive("bool"):
                return Codec(_encode_bool, _read_bool, 1)
            case s.Primitive("str"):
                return Codec(_encode_str, _read_str, 1)
            case s.Primitive(integer=Integer() as integer):
                return _integer(integer)
            case s.CompactOf(integer=integer):
                return _compact(integer)
            case s.Array(None, size):
                return _fixed_bytes(size)
            case s.Array(item, size):
                return _array(self.codec(item), size)
            case s.Sequence(None, limit):
                return _byte_sequence(limit)
            case s.Sequence(item, limit):
                match s.shape(item) if item not in self._bound else None:
                    case s.Array(None, size) if size:
                        return _hashes(size, limit)
                return _sequence(self.codec(item), limit)
            case s.TupleOf(parts):
                return product(tuple(self.codec(part) for part in parts), None, items(len(parts)))
            case s.OptionOf(item):
                return _option(self.codec(item))
            case s.ResultOf(ok, err):
                return _result(self.codec(ok), self.codec(err))
            case s.MapOf(key, value, limit):
                return _map(self.codec(key), self.codec(value), limit)
            case s.Composite(_, fields, build):
                names = tuple(f.attribute for f in fields)
                return product(tuple(self.codec(f.hint) for f in fields), build, attributes(names))
            case s.Variants() as variants:
                return self._variants(variants)
        raise UnsupportedType(repr(hint))

    def _variants(self, variants: s.Variants) -> Codec:
        by_tag: dict[int, Codec] = {}
        for v in variants.variants:
            names = tuple(f.attribute for f in v.fields)
            codecs = tuple(self.codec(f.hint) for f in v.fields)
            by_tag[v.index] = product(codecs, v.build, attributes(names))
        return tagged(variants.path, by_tag, variants.tag)


def tagged(name: str, by_tag: dict[int, Codec], tag: Callable[[Any], int]) -> Codec:
    """An enum: one discriminant byte, then the variant's own encoding."""
    variants = {t: (bytes([t]), codec.encode) for t, codec in by_tag.items()}

    def encode(value: Any) -> bytes:
        try:
            prefix, encode_variant = variants[tag(value)]
            return prefix + encode_variant(value)
        except (KeyError, AttributeError, TypeError, ValueError):
            raise EncodeError(name, repr(type(value))) from None

    def read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
        if depth > MAX_DEPTH:
            raise TooDeep(at, MAX_DEPTH)
        if at >= len(data):
            raise UnexpectedEnd(at, 1, 0)
        codec = by_tag.get(data[at])
        if codec is None:
            raise UnknownVariant(at, data[at], name)
        return codec.read(data, at + 1, depth + 1)

    return Codec(encode, read, 1)


_UNIT: Final = Codec(lambda value: b"", lambda data, at, depth: (None, at))
"""The type None: Rust's ``()`` where it stands for nothing at all."""


def _encode_bool(value: bool) -> bytes:
    return b"\x01" if value else b"\x00"


def _read_bool(data: bytes, at: int, depth: int) -> tuple[bool, int]:
    if at >= len(data):
        raise UnexpectedEnd(at, 1, 0)
    if data[at] > 1:
        raise OutOfRange(at, data[at], "a bool (0 or 1)")
    return data[at] == 1, at + 1


def _encode_str(value: str) -> bytes:
    raw = value.encode()
    return encode_compact(len(raw)) + raw


def _read_str(data: bytes, at: int, depth: int) -> tuple[str, int]:
    length, start = decode_compact(data, at)
    end = start + length
    if end > len(data):
        raise UnexpectedEnd(start, length, len(data) - start)
    try:
        return data[start:end].decode(), end
    except UnicodeDecodeError:
        raise InvalidUtf8(start) from None


_FIXED_INTEGERS: Final = {
    (1, False): one_piece("B"),
    (2, False): one_piece("H"),
    (4, False): one_piece("I"),
    (8, False): one_piece("Q"),
    (16, False): two_words(),
}
"""By size in bytes and signedness; the others are rare."""


def _integer(kind: Integer) -> Codec:
    size, signed, name = kind.size, kind.signed, kind.name

    def encode(value: int) -> bytes:
        try:
            return value.to_bytes(size, "little", signed=signed)
        except (OverflowError, AttributeError):
            raise EncodeError(name, repr(value)) from None

    def read(data: bytes, at: int, depth: int) -> tuple[int, int]:
        end = at + size
        if end > len(data):
            raise UnexpectedEnd(at, size, len(data) - at)
        return int.from_bytes(data[at:end], "little", signed=signed), end

    return Codec(encode, read, size, _FIXED_INTEGERS.get((size, signed)))


def _compact(kind: Integer) -> Codec:
    high, name = kind.high, f"compact {kind.name}"

    def encode(value: int) -> bytes:
        if not isinstance(value, int) or not 0 <= value <= high:
            raise EncodeError(name, repr(value))
        return encode_compact(value)

    def read(data: bytes, at: int, depth: int) -> tuple[int, int]:
        value, end = decode_compact(data, at)
        if value > high:
            raise OutOfRange(at, value, name)
        return value, end

    return Codec(encode, read, 1)


def _fixed_bytes(size: int) -> Codec:
    def encode(value: bytes) -> bytes:
        if len(value) != size:
            raise EncodeError(f"{size} bytes", f"{len(value)} bytes")
        return bytes(value)

    def read(data: bytes, at: int, depth: int) -> tuple[bytes, int]:
        end = at + size
        if end > len(data):
            raise UnexpectedEnd(at, size, len(data) - at)
        return data[at:end], end

    return Codec(encode, read, size, fixed_bytes(size))


def _byte_sequence(limit: int | None) -> Codec:
    def encode(value: bytes) -> bytes:
        if limit is not None and len(value) > limit:
            raise EncodeError(f"at most {limit} bytes", f"{len(value)} bytes")
        return encode_compact(len(value)) + value

    def read(data: bytes, at: int, depth: int) -> tuple[bytes, int]:
        if at < len(data) and not (first := data[at]) & 3:  # most are short
            length, start = first >> 2, at + 1
        else:
            length, start = decode_compact(data, at)
        if limit is not None and length > limit:
            raise TooLong(at, length, limit)
        end = start + length
        if end > len(data):
            raise UnexpectedEnd(start, length, len(data) - start)
        return data[start:end], end

    return Codec(encode, read, 1)


def _array(item: Codec, size: int) -> Codec:
    def encode(value: list[Any]) -> bytes:
        if len(value) != size:
            raise EncodeError(f"{size} items", f"{len(value)} items")
        return b"".join(map(item.encode, value))

    def read(data: bytes, at: int, depth: int) -> tuple[list[Any], int]:
        if depth > MAX_DEPTH:
            raise TooDeep(at, MAX_DEPTH)
        out = []
        for _ in range(size):
            value, at = item.read(data, at, depth + 1)
            out.append(value)
        return out, at

    return Codec(encode, read, item.min_size * size)


def _sequence(item: Codec, limit: int | None) -> Codec:
    def encode(value: list[Any]) -> bytes:
        if limit is not None and len(value) > limit:
            raise EncodeError(f"at most {limit} items", f"{len(value)} items")
        return encode_compact(len(value)) + b"".join(map(item.encode, value))

    def read(data: bytes, at: int, depth: int) -> tuple[list[Any], int]:
        if depth > MAX_DEPTH:
            raise TooDeep(at, MAX_DEPTH)
        count, start = decode_compact(data, at)
        bound = (len(data) - start) // item.min_size if item.min_size else MAX_ZERO_SIZED
        if limit is not None:
            bound = min(bound, limit)
        if count > bound:
            raise TooLong(at, count, bound)
        out, at = [], start
        for _ in range(count):
            value, at = item.read(data, at, depth + 1)
            out.append(value)
        return out, at

    return Codec(encode, read, 1)


def _hashes(size: int, limit: int | None) -> Codec:
    """A sequence of so many bytes each, as most long ones are: hashes. All of them are cut at once."""
    item = _fixed_bytes(size)
    one_by_one = _sequence(item, limit)
    allowed = {size}

    def encode(value: list[bytes]) -> bytes:
        if (limit is not None and len(value) > limit) or not allowed.issuperset(map(len, value)):
            return one_by_one.encode(value)  # which tells what is wrong
        return encode_compact(len(value)) + b"".join(value)

    def read(data: bytes, at: int, depth: int) -> tuple[list[bytes], int]:
        count, start = decode_compact(data, at)
        end = start + count * size
        if depth > MAX_DEPTH or end > len(data) or (limit is not None and count > limit):
            return one_by_one.read(data, at, depth)
        return [data[i : i + size] for i in range(start, end, size)], end

    return Codec(encode, read, 1)


def _option(item: Codec) -> Codec:
    def encode(value: Any) -> bytes:
        return b"\x00" if value is None else b"\x01" + item.encode(value)

    def read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
        if depth > MAX_DEPTH:
            raise TooDeep(at, MAX_DEPTH)
        if at >= len(data):
            raise UnexpectedEnd(at, 1, 0)
        if data[at] == 0:
            return None, at + 1
        if data[at] != 1:
            raise UnknownVariant(at, data[at], "Option")
        return item.read(data, at + 1, depth + 1)

    return Codec(encode, read, 1)


def _result(ok: Codec, err: Codec) -> Codec:
    def encode(value: Any) -> bytes:
        if isinstance(value, Ok):
            return b"\x00" + ok.encode(value.value)
        if isinstance(value, Err):
            return b"\x01" + err.encode(value.error)
        raise EncodeError("Ok or Err", repr(type(value)))

    def read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
        if depth > MAX_DEPTH:
            raise TooDeep(at, MAX_DEPTH)
        if at >= len(data):
            raise UnexpectedEnd(at, 1, 0)
        if data[at] == 0:
            value, end = ok.read(data, at + 1, depth + 1)
            return Ok(value), end
        if data[at] == 1:
            error, end = err.read(data, at + 1, depth + 1)
            return Err(error), end
        raise UnknownVariant(at, data[at], "Result")

    return Codec(encode, read, 1)


def _map(key: Codec, value: Codec, limit: int | None) -> Codec:
    entries = _sequence(product((key, value), None, items(2)), limit)

    def encode(mapping: dict[Any, Any]) -> bytes:
        return entries.encode(sorted(mapping.items()))

    def read(data: bytes, at: int, depth: int) -> tuple[dict[Any, Any], int]:
        pairs, end = entries.read(data, at, depth)
        if any(a[0] >= b[0] for a, b in pairwise(pairs)):
            raise UnorderedMap(at)
        return dict(pairs), end

    return Codec(encode, read, 1)


DEFAULT: Final = Registry()
"""Registry of types that need no runtime: everything without placeholders."""


def codec(hint: s.Hint) -> Codec:
    """Codec of a hint without placeholders."""
    return DEFAULT.codec(hint)


def encode(hint: s.Hint, value: Any) -> bytes:
    """SCALE bytes of `value` as `hint`. Raises EncodeError."""
    return DEFAULT.codec(hint).encode(value)


def decode(hint: type[T] | s.Hint, data: bytes) -> Any:
    """The `hint` value that `data` is, entirely. Raises DecodeError."""
    return DEFAULT.codec(hint).decode(data)
