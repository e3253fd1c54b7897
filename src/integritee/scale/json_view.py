"""A JSON-ready view of SCALE values, for RPC answers, logs of public data and the CLI.

Bytes become 0x-hex, variants `{"Name": {…}}` (or `"Name"` without fields), integers stay integers.
"""

from __future__ import annotations

import enum
from typing import Any

from .shape import fields_of
from .types import Enum, Err, Ok, Struct


def to_json(value: Any) -> Any:
    """JSON-ready form of any SCALE value."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, enum.IntEnum):
        return value.name
    if isinstance(value, Enum):
        fields = {f.name: to_json(getattr(value, f.attribute)) for f in fields_of(type(value))}
        name = value.variant_name or type(value).__name__
        return {name: fields} if fields else name
    if isinstance(value, Struct):
        return {f.name: to_json(getattr(value, f.attribute)) for f in fields_of(type(value))}
    if isinstance(value, Ok):
        return {"Ok": to_json(value.value)}
    if isinstance(value, Err):
        return {"Err": to_json(value.error)}
    if isinstance(value, list | tuple):
        return [to_json(v) for v in value]
    if isinstance(value, dict):
        return {str(to_json(k)): to_json(v) for k, v in value.items()}
    return value
