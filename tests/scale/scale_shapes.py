"""Types to test with: structs, enums with data, a recursive enum."""

from __future__ import annotations

import enum
from typing import Annotated, ClassVar

from integritee.scale import Bounded, Bytes4, Compact, Enum, Err, Ok, Struct, u8, u16, u32, u64, u128


class Direction(enum.IntEnum):
    Up = 0
    Down = 2
    None_ = 5


class Figure(Enum, frozen=True):
    """An enum with data."""


class Point(Figure, frozen=True):
    index: ClassVar[int] = 0


class Circle(Figure, frozen=True):
    index: ClassVar[int] = 3
    radius: u16


class Group(Figure, frozen=True):
    index: ClassVar[int] = 9
    members: list[Figure]


class Record(Struct, frozen=True):
    id: u32
    class_: Direction
    amount: Compact[u128]
    note: str
    tags: list[Bytes4]
    maybe: u64 | None
    outcome: Ok[bool] | Err[u8]
    lookup: dict[u8, bytes]
    shape: Figure


SHORT_LIST = Annotated[list[u8], Bounded(3)]
SHORT_BYTES = Annotated[bytes, Bounded(3, "BoundedVec")]
SHORT_MAP = Annotated[dict[u8, u8], Bounded(2)]
