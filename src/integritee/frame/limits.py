"""What a block has room for, by dispatch class (frame_system::limits).

Normal calls may fill three quarters of a block; the rest is left to operational ones. Mandatory calls always fit.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from integritee.scale import Struct, u32

from .weights import MAX_U64, DispatchClass, Weight

BLOCK_EXECUTION: Final = Weight(431_614_000, 0)
"""Cost of an empty block."""

BASE_EXTRINSIC: Final = Weight(108_157_000, 0)
"""Cost of an extrinsic that does nothing, charged with every one."""

MAX_BLOCK_LENGTH: Final = 5 * 1024 * 1024
MAX_BLOCK_WEIGHT: Final = Weight(2_000_000_000_000, MAX_U64)
"""Two seconds of execution."""

NORMAL_PERCENT: Final = 75
INITIALIZATION_PERCENT: Final = 10
"""Share of a block that single extrinsics must leave to `on_initialize`."""


class WeightsPerClass(Struct, frozen=True):
    """Limits of a class; None means unlimited. `reserved` is there even in a block full of other classes."""

    scale_path: ClassVar[str] = "frame_system::limits::WeightsPerClass"
    base_extrinsic: Weight
    max_extrinsic: Weight | None
    max_total: Weight | None
    reserved: Weight | None


class PerClassWeights(Struct, frozen=True):
    scale_path: ClassVar[str] = "frame_support::dispatch::PerDispatchClass"
    scale_params: ClassVar[tuple[tuple[str, Any], ...]] = (("T", WeightsPerClass),)
    normal: WeightsPerClass
    operational: WeightsPerClass
    mandatory: WeightsPerClass


class BlockWeights(Struct, frozen=True):
    scale_path: ClassVar[str] = "frame_system::limits::BlockWeights"
    base_block: Weight
    max_block: Weight
    per_class: PerClassWeights

    def of(self, class_: DispatchClass) -> WeightsPerClass:
        return (self.per_class.normal, self.per_class.operational, self.per_class.mandatory)[class_]

    @classmethod
    def sensible(cls, max_block: Weight = MAX_BLOCK_WEIGHT) -> BlockWeights:
        """Upstream's `with_sensible_defaults`."""
        normal = _percent(max_block, NORMAL_PERCENT)
        spared = _percent(max_block, INITIALIZATION_PERCENT) + BASE_EXTRINSIC
        return cls(
            BLOCK_EXECUTION,
            max_block,
            PerClassWeights(
                WeightsPerClass(BASE_EXTRINSIC, normal - spared, normal, Weight()),
                WeightsPerClass(BASE_EXTRINSIC, max_block - spared, max_block, max_block - normal),
                WeightsPerClass(BASE_EXTRINSIC, None, None, None),
            ),
        )


class PerClassLength(Struct, frozen=True):
    scale_path: ClassVar[str] = "frame_support::dispatch::PerDispatchClass"
    scale_params: ClassVar[tuple[tuple[str, Any], ...]] = (("T", u32),)
    normal: u32
    operational: u32
    mandatory: u32


class BlockLength(Struct, frozen=True):
    """Bytes of extrinsics up to which a class may fill a block."""

    scale_path: ClassVar[str] = "frame_system::limits::BlockLength"
    max: PerClassLength

    def of(self, class_: DispatchClass) -> int:
        return (self.max.normal, self.max.operational, self.max.mandatory)[class_]

    @classmethod
    def sensible(cls, most: int = MAX_BLOCK_LENGTH) -> BlockLength:
        return cls(PerClassLength(most * NORMAL_PERCENT // 100, most, most))


def _percent(weight: Weight, percent: int) -> Weight:
    return Weight(weight.ref_time * percent // 100, weight.proof_size * percent // 100)
