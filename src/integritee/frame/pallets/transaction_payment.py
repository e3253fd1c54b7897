"""pallet TransactionPayment: what extrinsics pay, from whom, to whom.

Source: pallet-transaction-payment 41 (polkadot-sdk stable2503) with the fungible adapter. The fee is taken before
the call runs, even if the call fails; what the call turns out not to need is given back. A share of the fee and
the whole tip go to the treasury, the rest is burned.
"""

from __future__ import annotations

import enum
from typing import ClassVar, Final

from integritee.frame.declare import Constant, Events, constant, event, storage
from integritee.frame.errors import DispatchFailure
from integritee.frame.fees import FeeDetails, InclusionFee
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.balances import MAX_BALANCE, Balances
from integritee.frame.pallets.system import System
from integritee.frame.storage_items import StorageValue
from integritee.frame.validity import Payment, Refused
from integritee.frame.weights import MAX_U64, DispatchClass, DispatchInfo, Pays, Weight
from integritee.primitives.ids import AccountId, Balance
from integritee.scale import u8, u128

MULTIPLIER_ONE: Final = 10**18
"""1.0 as FixedU128."""

TREASURY: Final = b"modlpy/trsry".ljust(32, b"\0")
"""Account of the pallet id ``py/trsry``."""


class Releases(enum.IntEnum):
    """Layouts of this pallet's storage."""

    scale_path = enum.nonmember("pallet_transaction_payment::Releases")
    V1Ancient = 0
    V2 = 1


class TransactionPayment(Pallet):
    """Fees: a base, the length, and the weight times a multiplier."""

    path = "pallet_transaction_payment"
    storage_version: ClassVar[int | None] = 0
    system: System
    balances: Balances

    next_fee_multiplier: StorageValue[u128] = storage(default=MULTIPLIER_ONE)
    layout: StorageValue[Releases] = storage(default=Releases.V1Ancient, name="StorageVersion")

    operational_fee_multiplier: Constant[u8] = constant(5)

    length_fee: int = 1_000_000
    """Base units per byte of the extrinsic, length prefix included. A unit of reference time costs one."""
    treasury: bytes = TREASURY
    treasury_percent: int = 1

    class Event(Events):
        TransactionFeePaid = event(0, who=AccountId, actual_fee=Balance, tip=Balance)

    # -- amounts -------------------------------------------------------------------------------------

    def weight_fee(self, weight: Weight) -> int:
        """Price of a weight before the multiplier; no weight counts for more than a block."""
        return min(weight.ref_time, self.system.block_weights.max_block.ref_time)

    def fee_details(self, length: int, info: DispatchInfo, tip: int = 0) -> FeeDetails:
        """Parts of the fee of a signed extrinsic of `length` bytes."""
        if info.pays_fee is Pays.No:
            return FeeDetails(None, tip)
        base = self.weight_fee(self.system.block_weights.of(info.class_).base_extrinsic)
        weight = self.next_fee_multiplier.get() * self.weight_fee(info.weight) // MULTIPLIER_ONE
        return FeeDetails(InclusionFee(base, length * self.length_fee, weight), tip)

    def fee(self, length: int, info: DispatchInfo, tip: int = 0) -> int:
        return min(self.fee_details(length, info, tip).total(), MAX_BALANCE)

    def priority(self, length: int, info: DispatchInfo, tip: int, fee: int) -> int:
        """Rank in the pool: the tip (plus one) times how many such extrinsics fit a block. At most u64."""
        most = self.system.block_weights.max_block
        weight = info.weight.least(most)
        fitting = min(
            most.ref_time // max(weight.ref_time, 1),
            most.proof_size // max(weight.proof_size, 1),
            (longest := self.system.block_length.of(info.class_)) // min(max(length, 1), longest),
        )
        virtual_tip = 0
        if info.class_ is DispatchClass.Operational:
            virtual_tip = fee * self.operational_fee_multiplier
        return min((tip + 1 + virtual_tip) * fitting, MAX_U64)

    # -- paying --------------------------------------------------------------------------------------

    def check_can_pay(self, who: bytes, fee: int) -> None:
        """Raises Refused(Payment) unless the account can pay and stay alive."""
        try:
            self.balances.check_withdraw(who, fee, keep_alive=True)
        except DispatchFailure:
            raise Refused(Payment()) from None

    def withdraw(self, who: bytes, fee: int) -> int:
        """Take the fee in advance; the fee. Raises Refused(Payment)."""
        if fee:
            try:
                self.balances.withdraw(who, fee)
            except DispatchFailure:
                raise Refused(Payment()) from None
        return fee

    def settle(self, who: bytes, paid: int, actual: int, tip: int) -> None:
        """Give back what was `paid` beyond the `actual` fee (tip included), and hand out the rest."""
        refunded = 0
        if paid > actual and self.balances.total(who):
            refunded = self._hand(who, paid - actual)
        kept = paid - refunded
        share = max(kept - tip, 0) * self.treasury_percent // 100 + min(tip, kept)
        self._hand(self.treasury, share)
        self.deposit(self.Event.TransactionFeePaid(who, actual, tip))

    def _hand(self, who: bytes, value: int) -> int:
        """Put money taken as fee into an account; how much of it arrived there."""
        if not self.balances.mint(who, value):
            return 0
        self.balances.deposit(self.balances.Event.Deposit(who, value))
        return value
