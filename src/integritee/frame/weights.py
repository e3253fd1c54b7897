"""Weights: the cost of a call in picoseconds of reference time and bytes of proof (sp_weights)."""

from __future__ import annotations

import enum
from typing import ClassVar, Final

from integritee.scale import Compact, Struct, u64

READ: Final = 25_000_000
WRITE: Final = 100_000_000
"""Reference time of one database access (RocksDbWeight), picoseconds."""


class Weight(Struct, frozen=True):
    scale_path: ClassVar[str] = "sp_weights::weight_v2::Weight"
    ref_time: Compact[u64] = 0
    proof_size: Compact[u64] = 0

    def __add__(self, other: Weight) -> Weight:
        return Weight(self.ref_time + other.ref_time, self.proof_size + other.proof_size)


def weight(base: int, reads: int = 0, writes: int = 0) -> Weight:
    """`base` picoseconds plus database accesses."""
    return Weight(base + reads * READ + writes * WRITE, 0)


class DispatchClass(enum.IntEnum):
    Normal = 0
    Operational = 1
    Mandatory = 2


class Pays(enum.IntEnum):
    Yes = 0
    No = 1


class DispatchInfo(Struct, frozen=True):
    """Cost of a call as events and fee queries report it."""

    scale_path: ClassVar[str] = "frame_system::DispatchEventInfo"
    weight: Weight
    dispatch_class: DispatchClass = DispatchClass.Normal
    pays_fee: Pays = Pays.Yes


class PostInfo(Struct, frozen=True):
    """What a call reports after running: its actual weight if lower, and whether it pays."""

    actual_weight: Weight | None = None
    pays_fee: Pays = Pays.Yes
