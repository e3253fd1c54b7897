"""How deep what was read of JSON nests: strangers choose it, and recursion pays for it."""

from __future__ import annotations

from typing import Any, Final

_CONTAINERS: Final = (list, dict)  # not a union: asking for that takes ten times as long


def nests_within(value: Any, levels: int) -> bool:
    """True iff no container of `value` lies more than `levels` deep. Looks at one level after the other."""
    layer = [value] if isinstance(value, _CONTAINERS) else []
    for _ in range(levels):
        if not layer:
            return True
        layer = [
            child
            for parent in layer
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, _CONTAINERS)
        ]
    return not layer
