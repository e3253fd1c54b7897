"""The Python values that stand for a foreign chain's values.

    integers                       int               bool, str, char    bool, str, str of length 1
    Vec<u8>, [u8; n]               bytes             Vec<T>, [T; n]     list
    tuple, tuple-like struct       tuple             struct             dict by field name
    wrapper of one unnamed field   what it wraps     anything of 0 bytes  ()
    Option<T>                      None or the value Result<T, E>       Ok or Err of `integritee.scale`
    enum                           Variant           call               DecodedCall
    Era                            primitives' Era   BitVec             list of bool
    BTreeMap<K, V>                 list of pairs

So account ids and hashes are plain bytes. `Option<Option<T>>` is the one case where an inner None would be
lost; there a present value is `Variant("Some", value)`.

Encoding accepts these and, for convenience, also: a bare name or a one-entry dict for a variant, a dict for a
map, the `Struct`, `Enum` and `IntEnum` types of `integritee.scale` and `integritee.primitives` by their field
and variant names, bytes for `MultiAddress::Id`, str for UTF-8 bytes, and an encoded call for a call.
"""

from __future__ import annotations

import enum
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from integritee.scale import EncodeError, Enum, Struct


class Variant(NamedTuple):
    """A value of an enum.

    `value` is () for a variant without fields, the field's value if there is one unnamed field, else a tuple
    or a dict, just as for a struct. Equal to the plain tuple (name, value).
    """

    name: str
    value: Any = ()


@dataclass(frozen=True, slots=True)
class DecodedCall:
    """A call of a pallet. `args` are in order; unnamed ones have their position ("0", "1", …) as name."""

    pallet: str
    call: str
    args: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.pallet}.{self.call}"


def as_variant(path: str, value: Any, wrappers: Container[str] = ()) -> Variant:
    """What a caller gave for a value of the enum `path`; `wrappers` are its variants of one unnamed field.

    Raises EncodeError.
    """
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
        return Variant(*value)
    if isinstance(value, str):
        return Variant(value)
    if isinstance(value, Mapping) and len(value) == 1:
        name, body = next(iter(value.items()))
        return Variant(str(name), body)
    if isinstance(value, enum.Enum):
        return Variant(value.name)
    if isinstance(value, Enum):
        name = value.variant_name or type(value).__name__
        return Variant(name, _body(value, is_wrapper=name in wrappers))
    if isinstance(value, bytes | bytearray) and path.endswith("MultiAddress"):
        return Variant("Id", value)
    raise EncodeError(f"a variant of {path}", type(value).__name__)


def _body(value: Enum, *, is_wrapper: bool) -> Any:
    fields = list(_fields(value).values())
    return fields[0] if is_wrapper and len(fields) == 1 else value if fields else ()


def _fields(value: Struct) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}


def field_values(path: str, names: Sequence[str], value: Any) -> list[Any]:
    """The values of the fields `names`, in order, of what a caller gave for the struct `path`.

    Raises EncodeError if a field is missing or there are others.
    """
    if isinstance(value, Mapping):
        if set(value) == set(names):
            return [value[name] for name in names]
        raise EncodeError(f"{path} of {', '.join(names)}", f"{', '.join(map(str, value))}")
    if isinstance(value, Struct):
        return field_values(path, names, _fields(value))
    return tuple_values(path, len(names), value)


def tuple_values(path: str, size: int, value: Any) -> list[Any]:
    """The values of the `size` unnamed fields of what a caller gave for `path`. Raises EncodeError."""
    if isinstance(value, Struct):
        value = list(_fields(value).values())
    if not isinstance(value, list | tuple):
        raise EncodeError(f"{path} of {size} fields", type(value).__name__)
    if len(value) != size:
        raise EncodeError(f"{path} of {size} fields", f"{len(value)} fields")
    return list(value)
