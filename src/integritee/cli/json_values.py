"""SCALE values for scripts: JSON, written and read.

Integers of more than 64 bits are decimal strings, account ids SS58 addresses, texts strings, other bytes 0x-hex.
Structs are objects; a variant without fields is its name, another one ``{"Name": {fields}}``.
"""

from __future__ import annotations

from typing import Any, Final

from integritee.client.accounts import recipient
from integritee.crypto import ss58_encode
from integritee.metadata import Variant
from integritee.scale import shape
from integritee.scale.shape import (
    Array,
    CompactOf,
    Composite,
    Field,
    Hint,
    MapOf,
    OptionOf,
    Primitive,
    ResultOf,
    Sequence,
    TupleOf,
    Variants,
)
from integritee.scale.types import Err, Integer, Ok

from .arguments import MAX_DIGITS
from .views import ACCOUNT_ID, is_text

MAX_SAFE_INTEGER: Final = 2**53 - 1
"""Largest integer every JSON reader keeps exact."""

EXACT_IN_JSON: Final = 8
"""Bytes of the widest integer that is a number in JSON."""


def json_value(hint: Hint, value: Any) -> Any:
    """JSON-ready form of a SCALE value."""
    match shape(hint):
        case Primitive(integer=Integer(size=size)) | CompactOf(integer=Integer(size=size)):
            return value if size <= EXACT_IN_JSON else str(value)
        case Primitive():
            return value
        case OptionOf(item=item):
            return None if value is None else json_value(item, value)
        case ResultOf(ok=ok, err=err):
            return (
                {"Ok": json_value(ok, value.value)}
                if isinstance(value, Ok)
                else {"Err": json_value(err, value.error)}
            )
        case Array(path=path) if path == ACCOUNT_ID:
            return ss58_encode(value)
        case Array(item=None) | Sequence(item=None):
            return value.decode(errors="replace") if is_text(hint) else "0x" + value.hex()
        case Array(item=item) | Sequence(item=item):
            return [json_value(item, v) for v in value]
        case TupleOf(items=items):
            return [json_value(h, v) for h, v in zip(items, value or (), strict=True)]
        case MapOf(key=key, value=held):
            return [[json_value(key, k), json_value(held, v)] for k, v in value.items()]
        case Composite(fields=fields):
            return _json_fields(fields, value)
        case Variants(variants=variants, tag=tag):
            variant = next(v for v in variants if v.index == tag(value))
            return {variant.name: _json_fields(variant.fields, value)} if variant.fields else variant.name
    raise TypeError(f"{hint} has no JSON form")


def _json_fields(fields: tuple[Field, ...], value: Any) -> dict[str, Any]:
    return {field.name: json_value(field.hint, getattr(value, field.attribute)) for field in fields}


# -- reading -----------------------------------------------------------------------------------------


def from_json(hint: Hint, found: Any, at: str = "the value") -> Any:
    """The value that `json_value` shows as `found`; `at` says where it stands. Raises ValueError, UnknownAccount."""
    match shape(hint):
        case Primitive(integer=Integer() as integer) | CompactOf(integer=integer):
            return _integer(integer, found, at)
        case Primitive(name=name):
            what = "true or false" if name == "bool" else "a text"
            return _expect(type(found).__name__ == name, found, at, what)
        case OptionOf(item=item):
            return None if found is None else from_json(item, found, at)
        case ResultOf(ok=ok, err=err):
            name, held = _single(found, at)
            _expect(name in ("Ok", "Err"), name, at, "Ok or Err")
            return Ok(from_json(ok, held, at)) if name == "Ok" else Err(from_json(err, held, at))
        case Array(path=path) if path == ACCOUNT_ID:
            return recipient(_expect(isinstance(found, str), found, at, "an account"))
        case Array(item=None, size=size):
            data = _bytes(found, at)
            return _expect(len(data) == size, data, at, f"the hex of {size} bytes")
        case Sequence(item=None):
            return (
                _expect(isinstance(found, str), found, at, "a text").encode() if is_text(hint) else _bytes(found, at)
            )
        case Array(item=item, size=size):
            return [from_json(item, held, at) for held in _list(found, at, size)]
        case Sequence(item=item):
            return [from_json(item, held, at) for held in _list(found, at)]
        case TupleOf(items=items):
            held = _list(found, at, len(items))
            return tuple(from_json(h, v, at) for h, v in zip(items, held, strict=True)) if items else None
        case MapOf(key=key, value=value):
            pairs = [_list(pair, at, 2) for pair in _list(found, at)]
            return {from_json(key, k, at): from_json(value, v, at) for k, v in pairs}
        case Composite(fields=fields, build=build):
            return build(**_fields(fields, found, at))
        case Variants(variants=variants):
            name, held = (found, {}) if isinstance(found, str) else _single(found, at)
            variant = next((v for v in variants if v.name == name), None)
            if variant is None:
                raise ValueError(f"{at} is none of {', '.join(v.name for v in variants)}")
            return variant.build(**_fields(variant.fields, held, f"{at}.{name}"))
    raise ValueError(f"{at} cannot be given as JSON")


def _expect(is_so: bool, found: Any, at: str, what: str) -> Any:
    if not is_so:
        raise ValueError(f"{at} is not {what}")
    return found


def _integer(integer: Integer, found: Any, at: str) -> int:
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) <= MAX_DIGITS:
        found = int(found)
    is_number = isinstance(found, int) and not isinstance(found, bool)
    return int(_expect(is_number and integer.low <= found <= integer.high, found, at, f"a number of {integer.name}"))


def _bytes(found: Any, at: str) -> bytes:
    try:
        return bytes.fromhex(found.removeprefix("0x"))
    except (AttributeError, ValueError):
        raise ValueError(f"{at} is not hex") from None


def _list(found: Any, at: str, size: int | None = None) -> list[Any]:
    what = "a list" if size is None else f"a list of {size}"
    listed: list[Any] = _expect(isinstance(found, list) and size in (None, len(found)), found, at, what)
    return listed


def _single(found: Any, at: str) -> tuple[str, Any]:
    held: dict[str, Any] = _expect(isinstance(found, dict) and len(found) == 1, found, at, 'of the form {"Name": …}')
    return next(iter(held.items()))


def _fields(fields: tuple[Field, ...], found: Any, at: str) -> dict[str, Any]:
    names = [field.name for field in fields]
    _expect(isinstance(found, dict) and set(found) == set(names), found, at, f"an object of {', '.join(names)}")
    return {field.attribute: from_json(field.hint, found[field.name], f"{at}.{field.name}") for field in fields}


# -- foreign chains ----------------------------------------------------------------------------------


def chain_json(value: Any) -> Any:
    """JSON-ready form of a foreign chain's value (`integritee.metadata.values`), whose types are not at hand.

    Bytes are 0x-hex, integers beyond 2^53 decimal strings.
    """
    match value:
        case bytes():
            return "0x" + value.hex()
        case bool() | str() | None:
            return value
        case int():
            return value if abs(value) <= MAX_SAFE_INTEGER else str(value)
        case Variant(name, held):
            return name if held == () else {name: chain_json(held)}
        case dict():
            return {str(name): chain_json(held) for name, held in value.items()}
        case list() | tuple():
            return [chain_json(item) for item in value]
    return str(value)
