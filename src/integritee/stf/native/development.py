"""What only development ledgers offer."""

from __future__ import annotations

from typing import ClassVar

from integritee.primitives.ids import AccountId, Balance
from integritee.stf.declare import App, Authority, Context, trusted_call


class Development(App):
    """Calls of the sudo key."""

    name: ClassVar[str] = "development"

    @trusted_call(255, authority=Authority.ROOT, linked=("who",))
    def balance_set_balance(
        self, ctx: Context, root: AccountId, who: AccountId, free: Balance, reserved: Balance
    ) -> None:
        """Set an account's free balance out of nothing; `reserved` is ignored, as it always was."""
        before = self.runtime.balances.total_issuance.get()
        self.runtime.balances.set_free(who, free)
        grown = self.runtime.balances.total_issuance.get() - before
        self.runtime.shard_management.unbacked.mutate(lambda unbacked: max(unbacked + grown, 0))
