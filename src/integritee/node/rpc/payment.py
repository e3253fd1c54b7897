"""`payment_*`: what an extrinsic would cost (pallet-transaction-payment-rpc).

Signature, nonce and balance do not matter: the extrinsic only has to decode.
"""

from __future__ import annotations

import enum
from typing import Any, ClassVar, Final, TypeAlias

from integritee.scale import Compact, Struct, decode, encode, u8, u32, u64, u128
from integritee.scale.errors import ScaleError

from ..block import checked_extrinsic
from ..errors import BadRuntimeInput, RuntimeFailure
from ..node import Node
from .errors import RuntimeQueryFailed, UndecodableExtrinsic
from .methods import method
from .params import BlockHash, Hex

Json: TypeAlias = Any

INFO_FAILED: Final = "Unable to query dispatch info."
DETAILS_FAILED: Final = "Unable to query fee details."


class DispatchClass(enum.IntEnum):
    """frame_support::dispatch::DispatchClass."""

    normal = 0
    operational = 1
    mandatory = 2


class Weight(Struct, frozen=True):
    """Picoseconds and bytes of proof."""

    scale_path: ClassVar[str] = "sp_weights::weight_v2::Weight"
    ref_time: Compact[u64]
    proof_size: Compact[u64]


class RuntimeDispatchInfo(Struct, frozen=True):
    """`partial_fee` is without tip."""

    scale_path: ClassVar[str] = "pallet_transaction_payment::types::RuntimeDispatchInfo"
    weight: Weight
    dispatch_class: u8
    partial_fee: u128


class InclusionFee(Struct, frozen=True):
    scale_path: ClassVar[str] = "pallet_transaction_payment::types::InclusionFee"
    base_fee: u128
    len_fee: u128
    adjusted_weight_fee: u128


class FeeDetails(Struct, frozen=True):
    """`inclusion_fee` is None for what pays no fee."""

    scale_path: ClassVar[str] = "pallet_transaction_payment::types::FeeDetails"
    inclusion_fee: InclusionFee | None
    tip: u128


class PaymentApi:
    def __init__(self, node: Node) -> None:
        self._chain = node.chain

    @method("payment_queryInfo")
    def query_info(self, encoded_xt: Hex, at: BlockHash | None = None) -> Json:
        answer = self._ask("TransactionPaymentApi_query_info", INFO_FAILED, encoded_xt, at)
        info: RuntimeDispatchInfo = decode(RuntimeDispatchInfo, answer)
        return {
            "weight": {"ref_time": info.weight.ref_time, "proof_size": info.weight.proof_size},
            "class": DispatchClass(info.dispatch_class).name,
            "partialFee": str(info.partial_fee),
        }

    @method("payment_queryFeeDetails")
    def query_fee_details(self, encoded_xt: Hex, at: BlockHash | None = None) -> Json:
        answer = self._ask("TransactionPaymentApi_query_fee_details", DETAILS_FAILED, encoded_xt, at)
        details: FeeDetails = decode(FeeDetails, answer)
        fee = details.inclusion_fee
        return {
            "inclusionFee": fee
            and {
                "baseFee": hex(fee.base_fee),
                "lenFee": hex(fee.len_fee),
                "adjustedWeightFee": hex(fee.adjusted_weight_fee),
            }
        }

    def _ask(self, function: str, failure: str, extrinsic: bytes, at: bytes | None) -> bytes:
        """Raises UndecodableExtrinsic, RuntimeQueryFailed, UnknownBlock."""
        try:
            args = checked_extrinsic(extrinsic) + encode(u32, len(extrinsic))
            return self._chain.runtime_call(function, args, at)
        except (ScaleError, BadRuntimeInput) as error:
            raise UndecodableExtrinsic(failure, str(error)) from None
        except RuntimeFailure as error:
            raise RuntimeQueryFailed(failure, str(error)) from None
