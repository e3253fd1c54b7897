"""Weights: the cost of a call in picoseconds of reference time and bytes of proof (sp_weights)."""

from __future__ import annotations

import enum
from typing import ClassVar, Final

import msgspec

from integritee.scale import Compact, Struct, u64

MAX_U64: Final = (1 << 64) - 1

READ: Final = 25_000_000
WRITE: Final = 100_000_000
"""Reference time of one database access (RocksDbWeight), picoseconds."""


class Weight(Struct, frozen=True):
    scale_path: ClassVar[str] = "sp_weights::weight_v2::Weight"
    ref_time: Compact[u64] = 0
    proof_size: Compact[u64] = 0

    def __add__(self, other: Weight) -> Weight:
        return Weight(min(self.ref_time + other.ref_time, MAX_U64), min(self.proof_size + other.proof_size, MAX_U64))

    def __sub__(self, other: Weight) -> Weight:
        return Weight(max(self.ref_time - other.ref_time, 0), max(self.proof_size - other.proof_size, 0))

    def exceeds(self, limit: Weight) -> bool:
        """Whether either part is above its limit."""
        return self.ref_time > limit.ref_time or self.proof_size > limit.proof_size

    def least(self, other: Weight) -> Weight:
        """The lower of each part."""
        return Weight(min(self.ref_time, other.ref_time), min(self.proof_size, other.proof_size))


def weight(base: int, reads: int = 0, writes: int = 0) -> Weight:
    """`base` picoseconds plus database accesses."""
    return Weight(base + reads * READ + writes * WRITE, 0)


class DispatchClass(enum.IntEnum):
    scale_path = enum.nonmember("frame_support::dispatch::DispatchClass")
    Normal = 0
    Operational = 1
    Mandatory = 2


class Pays(enum.IntEnum):
    scale_path = enum.nonmember("frame_support::dispatch::Pays")
    Yes = 0
    No = 1


class DispatchInfo(Struct, frozen=True):
    """Cost of a call as events and fee queries report it."""

    scale_path: ClassVar[str] = "frame_system::DispatchEventInfo"
    weight: Weight
    class_: DispatchClass = DispatchClass.Normal
    pays_fee: Pays = Pays.Yes

    def plus(self, extra: Weight) -> DispatchInfo:
        """The same with a higher weight."""
        return msgspec.structs.replace(self, weight=self.weight + extra)

    def after(self, post: PostInfo) -> DispatchInfo:
        """What the call really cost: never more than declared."""
        weight = self.weight if post.actual_weight is None else self.weight.least(post.actual_weight)
        pays = Pays.No if Pays.No in (self.pays_fee, post.pays_fee) else Pays.Yes
        return DispatchInfo(weight, self.class_, pays)


class PostInfo(Struct, frozen=True):
    """What a call reports after running: its actual weight if lower, and whether it pays."""

    actual_weight: Weight | None = None
    pays_fee: Pays = Pays.Yes
