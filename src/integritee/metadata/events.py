"""Events of a block as System.Events holds them (frame-system `EventRecord`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from integritee.scale import Codec, EncodeError, codec, u32

from .codecs import ZERO_SIZED, variants
from .errors import MissingEntry
from .layout import Plain
from .outer_enum import OuterEnum
from .pallets import PalletMetadata
from .registry import TypeRegistry
from .type_layout import Composite, SequenceOf
from .values import Variant


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event of a pallet. Unnamed fields have their position ("0", "1", …) as name.

    `phase` is ("ApplyExtrinsic", index of the extrinsic in its block), ("Finalization", ()) or
    ("Initialization", ()). `topics` are 32-byte hashes.
    """

    phase: Variant
    pallet: str
    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    topics: list[bytes] = field(default_factory=list)

    @property
    def extrinsic_index(self) -> int | None:
        """Position in its block of the extrinsic that caused the event, if one did."""
        return self.phase.value if self.phase.name == "ApplyExtrinsic" else None

    def __str__(self) -> str:
        return f"{self.pallet}.{self.name}"


PHASE: Final = variants(
    "frame_system::Phase",
    {0: "ApplyExtrinsic", 1: "Finalization", 2: "Initialization"},
    frozenset({"ApplyExtrinsic"}),
    {0: codec(u32), 1: ZERO_SIZED, 2: ZERO_SIZED}.get,
)
"""When in a block something happened; the same on all chains."""


class EventCodec(NamedTuple):
    """Codec of one EventRecord, and the kinds of events there are."""

    record: Codec
    kinds: OuterEnum


def event_codec(types: TypeRegistry, pallets: Mapping[str, PalletMetadata]) -> EventCodec:
    """What System.Events is a list of. Raises InvalidMetadata."""
    topics = types.codec(_topics_type(types, pallets))
    events = OuterEnum("event", types, pallets.values(), lambda pallet: pallet.events)

    def encode(value: Any) -> bytes:
        if not isinstance(value, EventRecord):
            raise EncodeError("an event record", type(value).__name__)
        event = events.encode(value.pallet, value.name, value.fields)
        return PHASE.encode(value.phase) + event + topics.encode(value.topics)

    def read(data: bytes, at: int, depth: int) -> tuple[EventRecord, int]:
        phase, at = PHASE.read(data, at, depth + 1)
        pallet, name, fields, at = events.read(data, at, depth + 1)
        indexed, at = topics.read(data, at, depth + 1)
        return EventRecord(phase, pallet, name, fields, indexed), at

    return EventCodec(Codec(encode, read, PHASE.min_size + 2 + topics.min_size), events)


def _topics_type(types: TypeRegistry, pallets: Mapping[str, PalletMetadata]) -> int:
    """Type of the topics of EventRecord, which is what System.Events is a list of."""
    if "System" not in pallets or "Events" not in pallets["System"].storage:
        raise MissingEntry("System.Events")
    entry = pallets["System"].storage["Events"].type
    records = types.type(entry.type).definition if isinstance(entry, Plain) else None
    record = types.type(records.type).definition if isinstance(records, SequenceOf) else None
    fields = {field.name: field.type for field in record.fields} if isinstance(record, Composite) else {}
    if list(fields) != ["phase", "event", "topics"]:
        raise MissingEntry("System.Events as a list of phase, event and topics")
    return fields["topics"]
