"""A runtime's outer enums: any call, any event, and the record an event is stored in.

`RuntimeCall` and `RuntimeEvent` are placeholders in type hints: each runtime binds them to its own pallets.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from integritee.primitives.ids import H256
from integritee.scale import Enum, Struct, u32
from integritee.scale.shape import Placeholder

from .declare import CallDef, EventDef


class RuntimeCall(msgspec.Struct, frozen=True):
    """A call of some pallet: wire form pallet index ‖ call index ‖ arguments."""

    pallet: str
    pallet_index: int
    definition: CallDef
    args: tuple[Any, ...]

    @classmethod
    def scale_shape(cls) -> Placeholder:
        return Placeholder(cls)

    @property
    def function(self) -> str:
        return self.definition.name


class RuntimeEvent(msgspec.Struct, frozen=True):
    """An event of some pallet: wire form pallet index ‖ event index ‖ fields."""

    pallet: str
    pallet_index: int
    definition: EventDef
    values: tuple[Any, ...]

    @classmethod
    def scale_shape(cls) -> Placeholder:
        return Placeholder(cls)

    @property
    def name(self) -> str:
        return self.definition.name


class Phase(Enum, frozen=True):
    scale_path: ClassVar[str] = "frame_system::Phase"


class ApplyExtrinsic(Phase, frozen=True):
    index: ClassVar[int] = 0
    extrinsic: u32


class Finalization(Phase, frozen=True):
    index: ClassVar[int] = 1


class Initialization(Phase, frozen=True):
    index: ClassVar[int] = 2


class EventRecord(Struct, frozen=True):
    scale_path: ClassVar[str] = "frame_system::EventRecord"
    scale_params: ClassVar[tuple[tuple[str, Any], ...]] = (("E", RuntimeEvent), ("T", H256))
    phase: Phase
    event: RuntimeEvent
    topics: list[H256]
