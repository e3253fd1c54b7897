"""From type hints to shapes: the one reading of a hint that codec, metadata and JSON share."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, reduce
from operator import attrgetter, or_
from typing import Annotated, Any, TypeAlias, Union

from .errors import UnsupportedType
from .types import Bounded, CompactMark, Enum, Err, Fixed, Integer, Ok, Struct, wire_name

Hint: TypeAlias = Any
"""A type hint; Python has no static type for 'any hint'."""


@dataclass(frozen=True)
class Primitive:
    """bool, str, or an integer (with its `Integer` facts)."""

    name: str
    integer: Integer | None = None


@dataclass(frozen=True)
class CompactOf:
    inner: Hint
    integer: Integer


@dataclass(frozen=True)
class Array:
    """`size` items; of bytes if `item` is None. `path` wraps it in a named one-field struct in metadata."""

    item: Hint | None
    size: int
    path: str = ""


@dataclass(frozen=True)
class Sequence:
    """Vec of items; of bytes if `item` is None."""

    item: Hint | None
    limit: int | None = None
    kind: str = ""


@dataclass(frozen=True)
class TupleOf:
    items: tuple[Hint, ...]


@dataclass(frozen=True)
class OptionOf:
    item: Hint


@dataclass(frozen=True)
class ResultOf:
    ok: Hint
    err: Hint


@dataclass(frozen=True)
class MapOf:
    key: Hint
    value: Hint
    limit: int | None = None


@dataclass(frozen=True)
class Field:
    """A named field; `attribute` is the Python name where a keyword forbids the real one (``class_``)."""

    name: str
    hint: Hint
    attribute: str


@dataclass(frozen=True)
class Composite:
    path: str
    fields: tuple[Field, ...]
    build: Callable[..., Any]
    docs: str = ""
    params: tuple[tuple[str, Hint], ...] = ()


@dataclass(frozen=True)
class VariantShape:
    name: str
    index: int
    fields: tuple[Field, ...]
    build: Callable[..., Any]
    docs: str = ""
    named: bool = False
    """Whether metadata shows the fields' names, as of Rust's struct variants."""


@dataclass(frozen=True)
class Variants:
    path: str
    variants: tuple[VariantShape, ...]
    tag: Callable[[Any], int] = field(compare=False, default=attrgetter("index"))
    """Discriminant of a value."""
    docs: str = ""
    params: tuple[tuple[str, Hint], ...] = ()


@dataclass(frozen=True)
class Placeholder:
    """A type whose form a registry supplies (a runtime's call enum, say)."""

    name: type


Shape: TypeAlias = (
    Primitive
    | CompactOf
    | Array
    | Sequence
    | TupleOf
    | OptionOf
    | ResultOf
    | MapOf
    | Composite
    | Variants
    | Placeholder
)


@cache
def shape(hint: Hint) -> Shape:
    """Shape of a type hint.

    Raises UnsupportedType for hints without a SCALE form (a bare `int`, say, has no width).
    """
    if isinstance(hint, type):
        found = _shape_of_class(hint)
    elif _origin(hint) is Annotated:
        found = _shape_of_annotated(hint)
    else:
        found = _shape_of_generic(hint)
    if found is None:
        raise UnsupportedType(repr(hint))
    return found


def _origin(hint: Hint) -> Any:
    return typing.get_origin(hint)


def _shape_of_class(hint: type) -> Shape | None:
    if isinstance(hint, types.GenericAlias):  # list[int] passes isinstance(…, type) on some versions
        return _shape_of_generic(hint)
    if hint is bool or hint is str:
        return Primitive(hint.__name__)
    if hint is bytes:
        return Sequence(None)
    if hint is type(None):
        return TupleOf(())
    custom = getattr(hint, "scale_shape", None)
    if custom is not None:
        result: Shape = custom()
        return result
    if issubclass(hint, enum.IntEnum):
        return Variants(
            getattr(hint, "scale_path", "") or hint.__name__,
            tuple(VariantShape(wire_name(m.name), m.value, (), lambda m=m: m) for m in hint),
            int,
            _docs(hint),
        )
    if issubclass(hint, Enum):
        return _shape_of_variant_base(hint) if Enum in hint.__bases__ else _composite(hint)
    if issubclass(hint, Struct):
        return _composite(hint)
    return None


def _shape_of_annotated(hint: Hint) -> Shape | None:
    base, *marks = typing.get_args(hint)
    integer = next((m for m in marks if isinstance(m, Integer)), None)
    if integer is not None:
        if any(isinstance(m, CompactMark) for m in marks):
            return CompactOf(Annotated[base, integer], integer)
        return Primitive(integer.name, integer)
    fixed = next((m for m in marks if isinstance(m, Fixed)), None)
    if fixed is not None:
        item = None if base is bytes else typing.get_args(base)[0]
        return Array(item, fixed.size, fixed.path)
    bound = next((m for m in marks if isinstance(m, Bounded)), None)
    inner = shape(base)
    if bound is not None and isinstance(inner, Sequence):
        return Sequence(inner.item, bound.limit, bound.kind)
    if bound is not None and isinstance(inner, MapOf):
        return MapOf(inner.key, inner.value, bound.limit)
    return inner


def _shape_of_generic(hint: Hint) -> Shape | None:
    origin, args = _origin(hint), typing.get_args(hint)
    if hint is None:
        return TupleOf(())
    if origin is list:
        return Sequence(type(None) if args[0] is None else args[0])
    if origin is tuple:
        return TupleOf(args)
    if origin is dict:
        return MapOf(*args)
    if origin is Union or origin is types.UnionType:
        return _shape_of_union(args)
    return None


def _shape_of_union(args: tuple[Hint, ...]) -> Shape | None:
    rest = [a for a in args if a is not type(None)]
    if len(rest) == len(args) - 1:
        return OptionOf(reduce(or_, rest))
    sides = {_origin(a): typing.get_args(a)[0] for a in args if typing.get_args(a)}
    if len(args) == 2 and set(sides) == {Ok, Err}:
        return ResultOf(sides[Ok], sides[Err])
    return None


def _shape_of_variant_base(hint: type[Enum]) -> Variants:
    variants = tuple(_variant(v) for v in sorted(hint.__subclasses__(), key=lambda v: v.index))
    return Variants(hint.scale_path or hint.__name__, variants, lambda v: v.index, _docs(hint), hint.scale_params)


def _variant(hint: type[Enum]) -> VariantShape:
    fields = fields_of(hint)
    named = len(fields) > 1 if hint.named_fields is None else hint.named_fields
    return VariantShape(hint.variant_name or hint.__name__, hint.index, fields, hint, _docs(hint), named)


def _composite(hint: type[Struct]) -> Composite:
    return Composite(hint.scale_path or hint.__name__, fields_of(hint), hint, _docs(hint), hint.scale_params)


def fields_of(hint: type[Struct]) -> tuple[Field, ...]:
    """Fields of a struct class in encoding order, hints resolved."""
    hints = typing.get_type_hints(hint, include_extras=True)
    names = zip(hint.__struct_encode_fields__, hint.__struct_fields__, strict=True)
    return tuple(Field(name, hints[attribute], attribute) for name, attribute in names)


def _docs(hint: type) -> str:
    doc = hint.__dict__.get("__doc__") or ""
    return doc.strip()


def is_immutable(hint: Hint) -> bool:
    """Whether nobody can change a decoded value of a type."""
    match shape(hint):
        case Primitive() | CompactOf() | Array(None) | Sequence(None):
            return True
        case TupleOf(items):
            return all(map(is_immutable, items))
        case OptionOf(item):
            return is_immutable(item)
        case Composite(_, fields, build):
            return _is_frozen(build) and all(is_immutable(f.hint) for f in fields)
        case Variants(_, variants):
            return all(_is_frozen(v.build) and all(is_immutable(f.hint) for f in v.fields) for v in variants)
    return False


def _is_frozen(build: Callable[..., Any]) -> bool:
    """Whether values are made by a frozen struct; of an enum without fields there are only constants."""
    config = getattr(build, "__struct_config__", None)
    return config.frozen if config is not None else not isinstance(build, type)
