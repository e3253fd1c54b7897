"""SCALE values for people and for scripts: the debug form of Rust, and JSON.

Debug forms: Rust's derived `Debug`; `primitive_types::H256` (``0x…``), `sp_core::crypto::AccountId32` (hex and
the beginning of the SS58 address). JSON: 128-bit integers are decimal strings, account ids SS58 addresses, other
bytes 0x-hex.
"""

from __future__ import annotations

from typing import Any, Final

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
from integritee.scale.types import Integer, Ok

ACCOUNT_ID: Final = "sp_core::crypto::AccountId32"
H256: Final = "primitive_types::H256"

MAX_SAFE_INTEGER: Final = 2**53 - 1
"""Largest integer every JSON reader keeps exact."""

EXACT_IN_JSON: Final = 8
"""Bytes of the widest integer that is a number in JSON."""


def account_debug(account: bytes) -> str:
    """Debug form of a public key or account id of 32 bytes."""
    return f"{account.hex()} ({ss58_encode(account)[:8]}...)"


def debug(hint: Hint, value: Any) -> str:
    """Rust's debug form of a SCALE value."""
    match shape(hint):
        case Primitive(name="bool"):
            return "true" if value else "false"
        case Primitive(name="str"):
            return _quoted(value)
        case Primitive() | CompactOf():
            return str(value)
        case OptionOf(item=item):
            return "None" if value is None else f"Some({debug(item, value)})"
        case ResultOf(ok=ok, err=err):
            return f"Ok({debug(ok, value.value)})" if isinstance(value, Ok) else f"Err({debug(err, value.error)})"
        case Array(path=path) if path == ACCOUNT_ID:
            return account_debug(value)
        case Array(path=path) if path == H256:
            return f"0x{value.hex()}"
        case Array(item=item) | Sequence(item=item):
            return "[" + ", ".join(str(v) if item is None else debug(item, v) for v in value) + "]"
        case TupleOf(items=items):
            return "(" + ", ".join(debug(h, v) for h, v in zip(items, value or (), strict=True)) + ")"
        case MapOf(key=key, value=held):
            return "{" + ", ".join(f"{debug(key, k)}: {debug(held, v)}" for k, v in value.items()) + "}"
        case Composite(path=path, fields=fields):
            return _name(path) + _debug_fields(fields, value)
        case Variants(variants=variants, tag=tag):
            variant = next(v for v in variants if v.index == tag(value))
            if len(variant.fields) == 1:
                return f"{variant.name}({debug(variant.fields[0].hint, getattr(value, variant.fields[0].attribute))})"
            return variant.name + _debug_fields(variant.fields, value)
    raise TypeError(f"{hint} has no debug form")


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
            return "0x" + value.hex()
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


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _debug_fields(fields: tuple[Field, ...], value: Any) -> str:
    parts = [f"{field.name}: {debug(field.hint, getattr(value, field.attribute))}" for field in fields]
    return f" {{ {', '.join(parts)} }}" if parts else ""


def _json_fields(fields: tuple[Field, ...], value: Any) -> dict[str, Any]:
    return {field.name: json_value(field.hint, getattr(value, field.attribute)) for field in fields}


def _name(path: str) -> str:
    return path.rpartition("::")[2]


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
