"""The JS client's JSON form of a value, read by the shape our type hint has."""

from __future__ import annotations

from typing import Any

from integritee.crypto import ss58_decode
from integritee.scale import shape
from integritee.scale.shape import (
    Array,
    CompactOf,
    Composite,
    Hint,
    OptionOf,
    Primitive,
    Sequence,
    TupleOf,
    Variants,
    VariantShape,
)
from integritee.stf.declare import GetterDef, TrustedCallDef
from integritee.stf.ledger import Ledger


def value_of(hint: Hint, found: Any) -> Any:
    """Fields go by position, variants by name whatever its spelling: the client has its own."""
    match shape(hint):
        case Primitive(name="str") | Primitive(name="bool"):
            return found
        case Primitive() | CompactOf():
            return int(found)
        case OptionOf(item=item):
            return None if found is None else value_of(item, found)
        case Array(item=None) | Sequence(item=None):
            return _bytes(found)
        case Array(item=item) | Sequence(item=item):
            return [value_of(item, each) for each in found]
        case TupleOf(items=items):
            return tuple(value_of(item, each) for item, each in zip(items, found, strict=True))
        case Composite(fields=fields, build=build):
            parts = found.values() if isinstance(found, dict) else found
            return build(*(value_of(f.hint, part) for f, part in zip(fields, parts, strict=True)))
        case Variants(variants=variants):
            return _variant(variants, found)
    raise TypeError(f"{hint} has no JSON form")


def arguments_of(definition: TrustedCallDef | GetterDef, found: Any) -> tuple[Any, ...]:
    """Arguments of a call or getter, of which the client has a tuple, a struct, or just the one."""
    hints = [a.hint for a in definition.arguments]
    parts = list(found.values()) if isinstance(found, dict) else found if isinstance(found, list) else [found]
    return tuple(value_of(hint, part) for hint, part in zip(hints, parts[: len(hints)], strict=True))


def named(definitions: dict[str, Any], ledger: Ledger, found: dict[str, Any]) -> tuple[Any, tuple[Any, ...]]:
    """The declaration that ``{variant: value}`` names, and its arguments; an app's stands one level deeper."""
    ((variant, inner),) = found.items()
    for name, definition in definitions.items():
        app, _, own = name.rpartition(".")
        if app and _spelled(app) == _spelled(variant):
            (chosen, value), *_ = inner.items() if isinstance(inner, dict) else [(inner, None)]
            if _spelled(own) == _spelled(chosen):
                return definition, () if value is None else arguments_of(definition, value)
        elif not app and _spelled(name) == _spelled(variant):
            has_arguments = inner is not None or definition.arguments
            return definition, arguments_of(definition, inner) if has_arguments else ()
    raise KeyError(variant)


def _variant(variants: tuple[VariantShape, ...], found: Any) -> Any:
    name, inner = next(iter(found.items())) if isinstance(found, dict) else (found, None)
    wanted = "string" if _spelled(name) == "text" else _spelled(name)
    chosen = next(v for v in variants if _spelled(v.name) == wanted)
    if not chosen.fields:
        return chosen.build()
    names = [_spelled(f.name) for f in chosen.fields]
    is_struct = isinstance(inner, dict) and [_spelled(key) for key in inner] == names
    parts = inner.values() if is_struct else [inner]
    return chosen.build(*(value_of(f.hint, part) for f, part in zip(chosen.fields, parts, strict=True)))


def _spelled(name: str) -> str:
    return name.replace("_", "").replace(".", "").lower()


def _bytes(text: str) -> bytes:
    if text.startswith("0x"):
        return bytes.fromhex(text[2:])
    if len(text) == 48 and text[0] == "5":
        return ss58_decode(text)[0]
    return text.encode()
