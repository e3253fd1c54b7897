"""The runtime APIs every FRAME runtime has.

Source: sp-api (Core, Metadata), sp-block-builder, sp-transaction-pool, sp-offchain, frame-system and
pallet-transaction-payment RPC runtime APIs, in the versions of polkadot-sdk stable2503.
"""

from __future__ import annotations

import enum
from functools import cached_property
from typing import ClassVar

from integritee.primitives.header import Header
from integritee.primitives.ids import H256, AccountId, Balance, Nonce
from integritee.scale import u32

from .extrinsic import Block, UncheckedExtrinsic
from .fees import FeeDetails, RuntimeDispatchInfo
from .inherents import CheckInherentsResult, InherentData
from .metadata import metadata_v14, metadata_v15
from .outer import RuntimeCall
from .pallets.system import RuntimeVersion
from .runtime_api import RuntimeApi
from .validity import ApplyExtrinsicResult, TransactionSource, TransactionValidity
from .weights import DispatchInfo, Weight


class ExtrinsicInclusionMode(enum.IntEnum):
    """What a block admits besides inherents."""

    scale_path = enum.nonmember("sp_runtime::ExtrinsicInclusionMode")
    AllExtrinsics = 0
    OnlyInherents = 1


class Core(RuntimeApi):
    """Identity and execution of blocks."""

    trait: ClassVar[str] = "Core"
    trait_version: ClassVar[int] = 5

    def version(self) -> RuntimeVersion:
        return self.executive.system.version

    def execute_block(self, block: Block) -> None:
        self.executive.execute_block(block)

    def initialize_block(self, header: Header) -> ExtrinsicInclusionMode:
        self.executive.initialize_block(header)
        return ExtrinsicInclusionMode.AllExtrinsics


class Metadata(RuntimeApi):
    """What the runtime is made of, for clients."""

    trait: ClassVar[str] = "Metadata"
    trait_version: ClassVar[int] = 2

    def metadata(self) -> bytes:
        return self._v14

    @cached_property
    def _v14(self) -> bytes:
        return metadata_v14(type(self.runtime))

    @cached_property
    def _v15(self) -> bytes:
        return metadata_v15(type(self.runtime), self.served)

    def metadata_at_version(self, version: u32) -> bytes | None:
        match version:
            case 14:
                return self._v14
            case 15:
                return self._v15
        return None

    def metadata_versions(self) -> list[u32]:
        return [14, 15]


class BlockBuilder(RuntimeApi):
    """Making a block step by step."""

    trait: ClassVar[str] = "BlockBuilder"
    trait_version: ClassVar[int] = 6

    def apply_extrinsic(self, extrinsic: UncheckedExtrinsic) -> ApplyExtrinsicResult:
        return self.executive.apply_extrinsic(extrinsic)

    def finalize_block(self) -> Header:
        return self.executive.finalize_block()

    def inherent_extrinsics(self, inherent: InherentData) -> list[UncheckedExtrinsic]:
        return self.executive.inherent_extrinsics(inherent)

    def check_inherents(self, block: Block, data: InherentData) -> CheckInherentsResult:
        return self.executive.check_inherents(block, data)


class TaggedTransactionQueue(RuntimeApi):
    """What the pool asks."""

    trait: ClassVar[str] = "TaggedTransactionQueue"
    trait_version: ClassVar[int] = 3

    def validate_transaction(
        self, source: TransactionSource, tx: UncheckedExtrinsic, block_hash: H256
    ) -> TransactionValidity:
        return self.executive.validate_transaction(source, tx, block_hash)


class OffchainWorkerApi(RuntimeApi):
    """Work beside the chain; no pallet here has any."""

    trait: ClassVar[str] = "OffchainWorkerApi"
    trait_version: ClassVar[int] = 2

    def offchain_worker(self, header: Header) -> None:
        return None


class AccountNonceApi(RuntimeApi):
    """Nonces."""

    trait: ClassVar[str] = "AccountNonceApi"
    trait_version: ClassVar[int] = 1

    def account_nonce(self, account: AccountId) -> Nonce:
        return self.executive.system.nonce(account)


class TransactionPaymentApi(RuntimeApi):
    """What an extrinsic would cost, whether or not it could be in a block. `len` counts its length prefix."""

    trait: ClassVar[str] = "TransactionPaymentApi"
    trait_version: ClassVar[int] = 4

    def query_info(self, uxt: UncheckedExtrinsic, len: u32) -> RuntimeDispatchInfo:
        info = self.executive.extensions.declared(uxt)
        fee = self.executive.extensions.payment.fee(len, info) if uxt.signature else 0
        return RuntimeDispatchInfo(info.weight, info.class_, fee)

    def query_fee_details(self, uxt: UncheckedExtrinsic, len: u32) -> FeeDetails:
        if uxt.signature is None:
            return FeeDetails(None)
        info = self.executive.extensions.declared(uxt)
        return self.executive.extensions.payment.fee_details(len, info)

    def query_weight_to_fee(self, weight: Weight) -> Balance:
        return self.executive.extensions.payment.weight_fee(weight)

    def query_length_to_fee(self, length: u32) -> Balance:
        return length * self.executive.extensions.payment.length_fee


class TransactionPaymentCallApi(RuntimeApi):
    """The same for a call that is not an extrinsic yet, without the weight of extensions."""

    trait: ClassVar[str] = "TransactionPaymentCallApi"
    trait_version: ClassVar[int] = 3

    def query_call_info(self, call: RuntimeCall, len: u32) -> RuntimeDispatchInfo:
        info = self._info(call)
        return RuntimeDispatchInfo(info.weight, info.class_, self.executive.extensions.payment.fee(len, info))

    def query_call_fee_details(self, call: RuntimeCall, len: u32) -> FeeDetails:
        return self.executive.extensions.payment.fee_details(len, self._info(call))

    def query_weight_to_fee(self, weight: Weight) -> Balance:
        return self.executive.extensions.payment.weight_fee(weight)

    def query_length_to_fee(self, length: u32) -> Balance:
        return length * self.executive.extensions.payment.length_fee

    def _info(self, call: RuntimeCall) -> DispatchInfo:
        return self.runtime.info_of(call)


FRAME_APIS: tuple[type[RuntimeApi], ...] = (
    Core,
    Metadata,
    BlockBuilder,
    TaggedTransactionQueue,
    OffchainWorkerApi,
    AccountNonceApi,
    TransactionPaymentApi,
    TransactionPaymentCallApi,
)
