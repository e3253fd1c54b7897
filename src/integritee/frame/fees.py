"""What an extrinsic costs: the three parts of the fee and how queries report them.

Source: pallet-transaction-payment `types.rs`; the RPCs `payment_queryInfo` and `payment_queryFeeDetails` show
these values.
"""

from __future__ import annotations

from typing import ClassVar

from integritee.primitives.ids import Balance
from integritee.scale import Struct

from .weights import DispatchClass, Weight


class InclusionFee(Struct, frozen=True):
    """What a signed extrinsic pays for being in a block, tip aside."""

    scale_path: ClassVar[str] = "pallet_transaction_payment::types::InclusionFee"
    base_fee: Balance
    len_fee: Balance
    adjusted_weight_fee: Balance

    def total(self) -> int:
        return self.base_fee + self.len_fee + self.adjusted_weight_fee


class FeeDetails(Struct, frozen=True):
    """`inclusion_fee` is None for what pays nothing: unsigned extrinsics, calls that are free."""

    scale_path: ClassVar[str] = "pallet_transaction_payment::types::FeeDetails"
    inclusion_fee: InclusionFee | None
    tip: Balance = 0

    def total(self) -> int:
        return (self.inclusion_fee.total() if self.inclusion_fee else 0) + self.tip


class RuntimeDispatchInfo(Struct, frozen=True):
    """Cost of an extrinsic before it runs; `partial_fee` leaves the tip out."""

    scale_path: ClassVar[str] = "pallet_transaction_payment::types::RuntimeDispatchInfo"
    weight: Weight
    class_: DispatchClass
    partial_fee: Balance
