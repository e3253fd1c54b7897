"""A runtime's pallets in one form, whatever the metadata version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from .errors import DuplicateEntry, UnknownName
from .layout import (
    ConstantV14,
    PalletTypeV14,
    PalletV14,
    PalletV15,
    PalletV16,
    StorageEntryV14,
)
from .registry import TypeRegistry
from .type_layout import VariantLayout

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PalletMetadata:
    """One pallet: its calls, events and errors by name, its storage entries and constants.

    `index` is the first byte of its calls and events, `prefix` the name its storage keys are made of.
    """

    name: str
    index: int
    prefix: str
    calls: Mapping[str, VariantLayout]
    events: Mapping[str, VariantLayout]
    errors: Mapping[str, VariantLayout]
    storage: Mapping[str, StorageEntryV14]
    constants: Mapping[str, ConstantV14]
    docs: str = ""

    def call(self, name: str) -> VariantLayout:
        """Raises UnknownName, as do the following."""
        return self._find("call", self.calls, name)

    def storage_entry(self, name: str) -> StorageEntryV14:
        return self._find("storage entry", self.storage, name)

    def constant(self, name: str) -> ConstantV14:
        return self._find("constant", self.constants, name)

    def _find(self, kind: str, entries: Mapping[str, T], name: str) -> T:
        found = entries.get(name)
        if found is None:
            raise UnknownName(kind, f"{self.name}.{name}")
        return found


def pallet_metadata(layout: PalletV14 | PalletV15 | PalletV16, types: TypeRegistry) -> PalletMetadata:
    """The common form of a pallet. Raises InvalidMetadata."""
    storage = layout.storage

    def variants(part: PalletTypeV14 | None) -> dict[str, VariantLayout]:
        return {} if part is None else {v.name: v for v in types.variants(part.type)}

    return PalletMetadata(
        layout.name,
        layout.index,
        storage.prefix if storage else layout.name,
        variants(layout.calls),
        variants(layout.events),
        variants(layout.errors),
        unique("storage entry", storage.items if storage else (), lambda e: e.name),
        unique("constant", layout.constants, lambda c: c.name),
        "" if isinstance(layout, PalletV14) and not isinstance(layout, PalletV15) else "\n".join(layout.docs),
    )


def unique(kind: str, entries: Iterable[T], key: Callable[[T], str]) -> dict[str, T]:
    """The entries by key. Raises DuplicateEntry."""
    found: dict[str, T] = {}
    for entry in entries:
        name = key(entry)
        if name in found:
            raise DuplicateEntry(kind, name)
        found[name] = entry
    return found
