"""pallet AssetTxPayment: fees paid in an asset instead of the native token.

Source: pallet-asset-tx-payment (polkadot-sdk stable2503) with the `FungiblesAdapter`, and `BalanceToAssetBalance` of
pallet-assets. Fees are computed by TransactionPayment. An asset's least holding is taken to be worth as much as the
existential deposit; that says something only of assets that are sufficient, so that no others pay fees. Fees paid in
an asset are burned.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Final

from integritee.frame.declare import Events, event
from integritee.frame.errors import DispatchFailure
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.assets import MAX_UNITS
from integritee.frame.pallets.balances import Balances
from integritee.frame.pallets.trust_backed_assets import TrustBackedAssets
from integritee.frame.validity import Payment, Refused
from integritee.frame.weights import Weight, weight
from integritee.primitives.ids import AccountId, Balance
from integritee.scale import u32

ASSET_CHARGE_WEIGHT: Final[Weight] = weight(10_581_000, reads=2, writes=2)
"""What it costs to take a fee in an asset, beyond taking it in the native token."""

FIXED_ONE: Final = 10**18
"""1.0 as FixedU128, in which rates of exchange are kept."""


class AssetTxPayment(Pallet):
    """Fees in assets."""

    path = "pallet_asset_tx_payment"
    storage_version: ClassVar[int | None] = 0
    balances: Balances
    assets: TrustBackedAssets

    class Event(Events):
        AssetTxFeePaid = event(0, who=AccountId, actual_fee=Balance, tip=Balance, asset_id=u32 | None)

    def in_asset(self, id: int) -> AssetCharge:
        """Takes fees in an asset, which need not exist."""
        return AssetCharge(self, id)

    def convert(self, fee: int, id: int) -> int:
        """A native amount in base units of an asset, rounded down.

        Raises Refused(Payment) if there is no such asset, or none that can pay fees.
        """
        details = self.assets.asset.get(id)
        if details is None or not details.is_sufficient:
            raise Refused(Payment())
        rate = details.min_balance * FIXED_ONE // self.balances.existential_deposit
        return min(fee * rate // FIXED_ONE, MAX_UNITS)


@dataclass(frozen=True, slots=True)
class AssetCharge:
    """A `Charge` in one asset. What is not worth a base unit costs one."""

    pallet: AssetTxPayment
    asset: int

    def price(self, fee: int) -> int:
        return max(self.pallet.convert(fee, self.asset), min(fee, 1))

    def check_can_pay(self, who: bytes, fee: int) -> None:
        """Raises Refused(Payment) unless the account can pay and keep the least holding."""
        try:
            self.pallet.assets.check_withdraw(self.asset, who, self.price(fee))
        except DispatchFailure:
            raise Refused(Payment()) from None

    def withdraw(self, who: bytes, fee: int) -> int:
        """Take the fee in advance; base units of the asset. Raises Refused(Payment)."""
        price = self.price(fee)
        if price:
            try:
                self.pallet.assets.withdraw(self.asset, who, price)
            except DispatchFailure:
                raise Refused(Payment()) from None
        return price

    def settle(self, who: bytes, paid: int, actual: int, tip: int) -> None:
        """Give back what was `paid` (units of the asset) beyond the `actual` fee (native), tip included.

        A holding that was closed meanwhile may not take so little: then nothing is given back. Raises
        Refused(Payment) if the call did away with the asset.
        """
        price, tip = self.price(actual), self.pallet.convert(tip, self.asset)
        if paid > price:
            with suppress(DispatchFailure):
                self.pallet.assets.give_back(self.asset, who, paid - price)
        if paid:
            self.pallet.deposit(self.pallet.Event.AssetTxFeePaid(who, price, tip, self.asset))
