"""Trusted calls and getters of credits; layouts are those of `@encointer/types`."""

from __future__ import annotations

from typing import ClassVar, Final

from integritee.frame.pallet import Pallet
from integritee.frame.runtime import use
from integritee.primitives.ids import H256, AccountId, Balance, Moment
from integritee.stf.declare import App, Context, public_getter, trusted_call, trusted_getter
from integritee.stf.errors import NotPublic
from integritee.stf.fees import transaction_fee

from .pallet import CreditsPallet
from .types import CreditClassId, CreditClassInfo, HeldCredits

DEPOSIT_DIVIDER: Final = 10


def class_deposit(one: int) -> int:
    """A tenth of a token is reserved for each class."""
    return one // DEPOSIT_DIVIDER


class Credits(App):
    """Points and vouchers: an account hands them out, their holders spend them."""

    name: ClassVar[str] = "credits"
    index: ClassVar[int | None] = 51
    pallets: ClassVar[dict[str, Pallet]] = {"credits": use(51, CreditsPallet)}

    # -- trusted calls -------------------------------------------------------------------------------

    @trusted_call(0, fee=transaction_fee, linked=("origin",))
    def create_class(self, ctx: Context, origin: AccountId, class_id: CreditClassId) -> None:
        """Found a class of credits, first come first served; a tenth of a token is reserved for it."""
        self._credits.create_class(origin, class_id, class_deposit(self.runtime.chain_spec().one))

    @trusted_call(1, fee=transaction_fee, linked=("origin",))
    def destroy_class(self, ctx: Context, origin: AccountId, class_id: CreditClassId) -> None:
        """End an own class of which nobody holds credits that are worth something; the deposit is free again.

        The class stays after a call that only found time to clear expired credits away: call again.
        """
        self._credits.destroy_class(origin, class_id, ctx.now)

    @trusted_call(2, fee=transaction_fee, linked=("origin",))
    def claim(self, ctx: Context, origin: AccountId, class_id: CreditClassId, secret: H256) -> None:
        """Cash in a voucher: take all credits of a class that were minted to the account blake2_256(secret)."""
        self._credits.claim(origin, class_id, secret, ctx.now)

    @trusted_call(3, fee=transaction_fee, linked=("origin", "beneficiary"))
    def mint(
        self,
        ctx: Context,
        origin: AccountId,
        class_id: CreditClassId,
        beneficiary: AccountId,
        amount: Balance,
        expiry: Moment | None,
    ) -> None:
        """Give an account credits of an own class, worth nothing from `expiry` on (Unix ms)."""
        self._credits.mint(origin, class_id, beneficiary, amount, expiry, ctx.now)

    @trusted_call(4, fee=transaction_fee, linked=("origin", "account"))
    def redeem(
        self, ctx: Context, origin: AccountId, class_id: CreditClassId, account: AccountId, amount: Balance
    ) -> None:
        """Spend own credits with `account`, which finds a note of it; those that expire first are burned first."""
        self._credits.redeem(origin, class_id, amount, ctx.now)

    # -- getters -------------------------------------------------------------------------------------

    @trusted_getter(0)
    def credits(self, origin: AccountId, class_id: CreditClassId) -> HeldCredits | None:
        """Credits of a class that an account could redeem; no answer if there is no such class."""
        return self._credits.held(origin, class_id, self.runtime.timestamp.now.get())

    @public_getter(0)
    def credits_of(self, origin: AccountId, class_id: CreditClassId) -> HeldCredits | None:
        """Refused: what an account holds is for that account to ask, with the trusted getter `credits`."""
        raise NotPublic(origin)

    @public_getter(1)
    @trusted_getter(1)
    def credit_class_info(self, origin: AccountId, class_id: CreditClassId) -> CreditClassInfo | None:
        """Owner, deposit and totals of a class, whoever asks; no answer if there is no such class."""
        return self._credits.info(class_id)

    @property
    def _credits(self) -> CreditsPallet:
        return self.runtime.pallet(CreditsPallet)
