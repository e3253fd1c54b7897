"""Fields one after the other: tuples, structs and the bodies of enum variants, by code that is generated for each.

For a struct of a u32 and 32 bytes it reads::

    def encode(value):
        try:
            if len(value.id) == 32:
                return pack(value.nonce, value.id)
        except (AttributeError, IndexError, TypeError, ValueError, StructError):
            pass
        return one_by_one(value)

    def read(data, at, depth):
        end = at + 36
        if end > len(data):
            return one_by_one(data, at, depth)
        p0, p1, = unpack(data, at)
        at = end
        return build(p0, p1), at

Neighbours of fixed size, those of structs in structs included, are cut at once by the `struct` module; what has any
other form is left to its own codec. Where the generated code meets something odd, the fields are gone through one by
one, which tells what is wrong and where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, groupby
from struct import Struct
from struct import error as StructError
from typing import Any, Final

from .errors import EncodeError, TooDeep, TrailingBytes

MAX_DEPTH: Final = 64
"""Nesting levels a decoder follows before it gives up."""

WORD: Final = (1 << 64) - 1

Read = Callable[[bytes, int, int], tuple[Any, int]]
Encode = Callable[[Any], bytes]


@dataclass(frozen=True, slots=True)
class Parts:
    """Where a value keeps its parts: `paths` are what stands behind its name for each; `whole` is that of the tuple
    they are in, if they are in one."""

    paths: tuple[str, ...]
    whole: str | None = None

    def of(self, value: Any) -> tuple[Any, ...]:
        """Raises AttributeError, TypeError."""
        if self.whole is not None:
            return tuple(getattr(value, self.whole[1:]) if self.whole else value)
        return tuple([getattr(value, path[1:]) for path in self.paths])


def attributes(names: Sequence[str]) -> Parts:
    return Parts(tuple(f".{name}" for name in names))


def items(size: int, of: str = "") -> Parts:
    """The items of the tuple that a value is, or has as its attribute `of`."""
    whole = f".{of}" if of else ""
    return Parts(tuple(f"{whole}[{i}]" for i in range(size)), whole)


class Source:
    """Generated code in the making: the objects it names, and what must hold of a value for it to be used."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {
            "MAX_DEPTH": MAX_DEPTH,
            "WORD": WORD,
            "StructError": StructError,
            "TooDeep": TooDeep,
        }
        self.conditions: list[str] = []
        self._pieces = count()

    def name(self, prefix: str, thing: Any) -> str:
        name = f"{prefix}{len(self.names)}"
        self.names[name] = thing
        return name

    def pieces(self, used: list[str]) -> Iterator[str]:
        """Names for what is read; those `used` are noted."""
        for number in self._pieces:
            used.append(f"p{number}")
            yield used[-1]

    def expect(self, parts: Parts, value: str) -> None:
        """A tuple has to have as many items as there are parts."""
        if parts.whole is not None:
            self.conditions.append(f"len({value}{parts.whole}) == {len(parts.paths)}")

    def built(self, build: Callable[..., Any] | None, values: list[str]) -> str:
        """The expression that makes a value of its parts."""
        if build is None:
            return f"({''.join(f'{value}, ' for value in values)})"
        return f"{self.name('build', build)}({', '.join(values)})"

    def function(self, head: str, *lines: str) -> Any:
        """The function with this head and body."""
        exec("\n".join((f"def {head}:", *lines)), self.names)  # noqa: S102  made of names and sizes, never of input
        return self.names[head.partition("(")[0]]


@dataclass(frozen=True, slots=True)
class Fixed:
    """How to cut a type of which every value takes the same number of bytes and every bit pattern is one.

    `format` says how the `struct` module does (little-endian, no padding). `pack` has the expressions of the pieces
    of a value, `unpack` that of a value from the names of its pieces.
    """

    format: str
    pack: Callable[[Source, str], list[str]]
    unpack: Callable[[Source, Iterator[str]], str]


def one_piece(format: str) -> Fixed:
    return Fixed(format, lambda source, value: [value], lambda source, pieces: next(pieces))


def two_words() -> Fixed:
    """128 bits without sign; numbers outside of that have a higher word that does not fit."""
    return Fixed(
        "QQ",
        lambda source, value: [f"{value} & WORD", f"{value} >> 64"],
        lambda source, pieces: f"({next(pieces)} | {next(pieces)} << 64)",
    )


def fixed_bytes(size: int) -> Fixed:
    def pack(source: Source, value: str) -> list[str]:
        source.conditions.append(f"len({value}) == {size}")  # `struct` would cut or fill up
        return [value]

    return Fixed(f"{size}s", pack, lambda source, pieces: next(pieces))


@dataclass(frozen=True, slots=True)
class Codec:
    """Encoder and decoder of one type. `min_size` is the least number of bytes any value takes."""

    encode: Encode
    read: Read
    min_size: int = 0
    fixed: Fixed | None = None

    def decode(self, data: bytes) -> Any:
        """The value `data` encodes, all of it. Raises DecodeError."""
        value, end = self.read(data, 0, 0)
        if end != len(data):
            raise TrailingBytes(end, len(data))
        return value

    def decode_prefix(self, data: bytes, at: int = 0) -> tuple[Any, int]:
        """The value at offset `at` and the offset behind it; bytes beyond are the caller's."""
        return self.read(data, at, 0)


def product(codecs: tuple[Codec, ...], build: Callable[..., Any] | None, parts: Parts) -> Codec:
    """Fields one after the other, of a value that `build` makes of them; by default a tuple."""
    fixed = tuple(codec.fixed for codec in codecs if codec.fixed is not None)
    return Codec(
        _encoder(codecs, parts, getattr(build, "__name__", "a tuple")),
        _reader(codecs, build),
        sum(codec.min_size for codec in codecs),
        _fixed(fixed, build, parts) if fixed and len(fixed) == len(codecs) else None,
    )


def _fixed(fields: tuple[Fixed, ...], build: Callable[..., Any] | None, parts: Parts) -> Fixed:
    """All fields are, hence the product is."""

    def pack(source: Source, value: str) -> list[str]:
        source.expect(parts, value)
        return [piece for f, path in zip(fields, parts.paths, strict=True) for piece in f.pack(source, value + path)]

    def unpack(source: Source, pieces: Iterator[str]) -> str:
        return source.built(build, [f.unpack(source, pieces) for f in fields])

    return Fixed("".join(f.format for f in fields), pack, unpack)


def _runs(codecs: Sequence[Codec]) -> Iterator[tuple[bool, list[int]]]:
    """Positions of neighbours, and whether they are of fixed size; what is not stands alone."""
    for is_fixed, run in groupby(range(len(codecs)), lambda i: codecs[i].fixed is not None):
        if is_fixed:
            yield True, list(run)
        else:
            yield from ((False, [i]) for i in run)


def _encoder(codecs: tuple[Codec, ...], parts: Parts, name: str) -> Encode:
    encoders = tuple(codec.encode for codec in codecs)

    def one_by_one(value: Any) -> bytes:
        try:
            values = parts.of(value)
        except (AttributeError, TypeError):
            raise EncodeError(name, repr(type(value))) from None
        if len(values) != len(codecs):
            raise EncodeError(f"{len(codecs)} items", f"{len(values)} items")
        return b"".join([encode(part) for encode, part in zip(encoders, values, strict=True)])

    source = Source()
    source.expect(parts, "value")
    terms = []
    for is_fixed, run in _runs(codecs):
        if is_fixed:
            fields = [(field, parts.paths[i]) for i in run if (field := codecs[i].fixed) is not None]
            pack = source.name("pack", Struct("<" + "".join(field.format for field, _ in fields)).pack)
            pieces = [piece for field, path in fields for piece in field.pack(source, "value" + path)]
            terms.append(f"{pack}({', '.join(pieces)})")
        else:
            (i,) = run
            terms.append(f"{source.name('encode', encoders[i])}(value{parts.paths[i]})")
    encode: Encode = source.function(
        "encode(value)",
        "    try:",
        f"        if {' and '.join(source.conditions) or True}:",
        f"            return {_joined(terms)}",
        "    except (AttributeError, IndexError, TypeError, ValueError, StructError):",
        "        pass",
        f"    return {source.name('one_by_one', one_by_one)}(value)",
    )
    return encode


def _joined(terms: list[str]) -> str:
    match terms:
        case []:
            return "b''"
        case [only]:
            return only
    return f"b''.join(({', '.join(terms)}))"


def _reader(codecs: tuple[Codec, ...], build: Callable[..., Any] | None) -> Read:
    source = Source()
    values: list[str] = []
    lines: list[str] = []
    for is_fixed, run in _runs(codecs):
        if is_fixed:
            fields = [field for i in run if (field := codecs[i].fixed) is not None]
            cut = Struct("<" + "".join(field.format for field in fields))
            short = source.name("one_by_one", _one_by_one([codecs[i].read for i in run]))
            names: list[str] = []
            values += [field.unpack(source, source.pieces(names)) for field in fields]
            lines += [
                f"    end = at + {cut.size}",
                "    if end > len(data):",
                f"        return {short}(data, at, depth)",
                f"    {', '.join(names)}, = {source.name('unpack', cut.unpack_from)}(data, at)",
                "    at = end",
            ]
        else:
            (i,) = run
            names = []
            values.append(next(source.pieces(names)))
            lines.append(f"    {values[-1]}, at = {source.name('read', codecs[i].read)}(data, at, depth)")
    if any(codec.fixed is None for codec in codecs):
        lines = ["    if depth > MAX_DEPTH:", "        raise TooDeep(at, MAX_DEPTH)", "    depth += 1", *lines]
    read: Read = source.function("read(data, at, depth)", *lines, f"    return {source.built(build, values)}, at")
    return read


def _one_by_one(readers: list[Read]) -> Read:
    """For data that ends early: one of the readers knows where."""

    def read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
        value = None
        for reader in readers:
            value, at = reader(data, at, depth)
        return value, at

    return read
