"""Mistakes planted into the product, one at a time: laws that let them pass would be worth nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from .patches import Patches


@dataclass(frozen=True)
class Plant:
    """A mistake, and the conditions under which it shows soonest: an attack that profits from it, faults."""

    meaning: str
    plant: Callable[[Patches], None]
    byzantine: str | None = None
    faults: frozenset[str] = field(default_factory=frozenset)


PLANTS: Final[Mapping[str, Plant]] = {}
