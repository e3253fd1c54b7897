"""The enums a runtime forms over all its pallets: of calls and of events (frame-support `construct_runtime`).

Encoding: pallet index, variant index, fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from integritee.scale import Codec
from integritee.scale.errors import TooDeep, UnexpectedEnd, UnknownVariant

from .codecs import MAX_VALUE_DEPTH
from .errors import UnknownName
from .pallets import PalletMetadata
from .registry import TypeRegistry
from .type_layout import VariantLayout


class OuterEnum:
    """`variants` picks a pallet's part of the enum, `kind` names it in errors.

    Fields are dicts; unnamed ones have their position ("0", "1", …) as name.
    """

    def __init__(
        self,
        kind: str,
        types: TypeRegistry,
        pallets: Iterable[PalletMetadata],
        variants: Callable[[PalletMetadata], Mapping[str, VariantLayout]],
    ) -> None:
        pallets = list(pallets)
        self._kind = kind
        self._types = types
        self._pallets = {p.index: p.name for p in pallets}
        self._layouts = {(p.index, v.index): (p.name, v) for p in pallets for v in variants(p).values()}
        self._indexes = {(pallet, v.name): key for key, (pallet, v) in self._layouts.items()}
        self._fields: dict[tuple[int, int], Codec] = {}

    def index(self, pallet: str, name: str) -> bytes:
        """The two bytes a variant begins with. Raises UnknownName."""
        found = self._indexes.get((pallet, name))
        if found is None:
            raise UnknownName(self._kind, f"{pallet}.{name}")
        return bytes(found)

    def name(self, data: bytes, at: int) -> str:
        """ "Pallet.variant" of the two bytes at `at`, or their numbers where there is no such pallet or variant.

        Raises UnexpectedEnd.
        """
        if at + 2 > len(data):
            raise UnexpectedEnd(at, 2, len(data) - at)
        pallet, variant = data[at], data[at + 1]
        _, layout = self._layouts.get((pallet, variant), (None, None))
        return f"{self._pallets.get(pallet, pallet)}.{variant if layout is None else layout.name}"

    def layout(self, pallet: str, name: str) -> VariantLayout:
        """Description of a variant. Raises UnknownName."""
        first, second = self.index(pallet, name)
        return self._layouts[first, second][1]

    def encode(self, pallet: str, name: str, fields: Mapping[str, Any]) -> bytes:
        """Raises UnknownName, EncodeError, InvalidMetadata."""
        index = self.index(pallet, name)
        return index + self._codec(index[0], index[1]).encode(fields)

    def read(self, data: bytes, at: int, depth: int) -> tuple[str, str, dict[str, Any], int]:
        """(pallet, variant, fields, offset behind them). Raises DecodeError, InvalidMetadata."""
        if depth > MAX_VALUE_DEPTH:
            raise TooDeep(at, MAX_VALUE_DEPTH)
        if at + 2 > len(data):
            raise UnexpectedEnd(at, 2, len(data) - at)
        found = self._layouts.get((data[at], data[at + 1]))
        if found is None:
            raise UnknownVariant(at, data[at + 1], f"the {self._kind} enum of pallet {data[at]}")
        pallet, layout = found
        fields, end = self._codec(data[at], data[at + 1]).read(data, at + 2, depth + 1)
        return pallet, layout.name, fields, end

    def _codec(self, pallet: int, variant: int) -> Codec:
        key = pallet, variant
        found = self._fields.get(key)
        if found is None:  # compiled on first use: a chain has hundreds, a client meets a few
            name, layout = self._layouts[key]
            found = self._fields[key] = self._types.arguments(f"{name}.{layout.name}", layout.fields)
        return found
