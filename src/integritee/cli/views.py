"""SCALE values for people: the debug form of Rust.

That is derived `Debug`, but for `primitive_types::H256` and `H160` (``0x…``) and `sp_core::crypto::AccountId32` (hex
and the beginning of the SS58 address).
"""

from __future__ import annotations

from typing import Any, Final

from integritee.crypto import ss58_encode
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
from integritee.scale.types import Ok
from integritee.stf.types import Utf8

ACCOUNT_ID: Final = "sp_core::crypto::AccountId32"
H256: Final = "primitive_types::H256"
H160: Final = "primitive_types::H160"


def is_text(hint: Hint) -> bool:
    """Whether bytes of a type are text to people."""
    return any(isinstance(mark, Utf8) for mark in getattr(hint, "__metadata__", ()))


def account_debug(account: bytes) -> str:
    """Debug form of a public key or account id of 32 bytes."""
    return f"{account.hex()} ({ss58_encode(account)[:8]}...)"


def shown(hint: Hint, value: Any) -> str:
    """A value within a sentence: accounts as SS58 addresses, assets as symbols, texts as they are."""
    match shape(hint):
        case Array(path=path) if path == ACCOUNT_ID:
            return ss58_encode(value)
        case Sequence(item=None) if is_text(hint):
            return str(value.decode(errors="replace"))
        case Primitive(name="str"):
            return str(value)
    return str(value) if hasattr(hint, "parse") else debug(hint, value)


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
        case Array(path=path) if path in (H256, H160):
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


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _debug_fields(fields: tuple[Field, ...], value: Any) -> str:
    parts = [f"{field.name}: {debug(field.hint, getattr(value, field.attribute))}" for field in fields]
    return f" {{ {', '.join(parts)} }}" if parts else ""


def _name(path: str) -> str:
    return path.rpartition("::")[2]
