"""What metadata calls the type of a field, in Rust's words (scale-info `Field::type_name`).

The name tells people what to enter or to read; decoding goes by the type's number. Yet some clients cannot do
without it (scalecodec, for call arguments).
"""

from __future__ import annotations

from integritee.scale import shape, u8
from integritee.scale.shape import (
    Array,
    CompactOf,
    Composite,
    Hint,
    MapOf,
    OptionOf,
    Placeholder,
    Primitive,
    ResultOf,
    Sequence,
    TupleOf,
    Variants,
)


def type_name(hint: Hint) -> str:
    """``Vec<u8>``, ``Option<AccountId32>``, ``MultiAddress``: paths are left out."""
    match shape(hint):
        case Primitive(name):
            return name
        case CompactOf(inner):
            return f"Compact<{type_name(inner)}>"
        case Array(None, _, path) if path:
            return _last(path)
        case Array(item, size):
            return f"[{type_name(u8 if item is None else item)}; {size}]"
        case Sequence(item, _, kind):
            return f"{kind or 'Vec'}<{type_name(u8 if item is None else item)}>"
        case TupleOf(items):
            return f"({', '.join(map(type_name, items))})"
        case OptionOf(item):
            return f"Option<{type_name(item)}>"
        case ResultOf(ok, err):
            return f"Result<{type_name(ok)}, {type_name(err)}>"
        case MapOf(key, value):
            return f"BTreeMap<{type_name(key)}, {type_name(value)}>"
        case Composite(path) | Variants(path):
            return _last(path)
        case Placeholder(name):
            return name.__name__


def _last(path: str) -> str:
    return path.rpartition("::")[2]
