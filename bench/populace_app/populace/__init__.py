"""Accounts by the thousand: the ledger of a development set-up as large as one likes, made by its own calls."""

from __future__ import annotations

from typing import ClassVar, Final

from integritee.crypto import blake2_256
from integritee.primitives.ids import AccountId
from integritee.scale import u32
from integritee.stf.declare import App, Context, trusted_call

HELD: Final = 10**12
"""Base units of each account."""


def account(number: int) -> bytes:
    """That of an inhabitant; nobody has its key."""
    return blake2_256(b"populace" + number.to_bytes(4, "little"))


class Populace(App):
    """Inhabitants have a number each, and funds that no vault holds."""

    name: ClassVar[str] = "populace"
    index: ClassVar[int | None] = 240

    @trusted_call(0)
    def settle(self, ctx: Context, sender: AccountId, first: u32, count: u32) -> None:
        """Bring inhabitants `first` and those behind it to life."""
        runtime = self.runtime
        runtime.balances.mint(account(first), HELD)
        one = runtime.system.account.get(account(first))
        for number in range(first + 1, first + count):
            runtime.system.account.put(account(number), one)
        runtime.balances.total_issuance.mutate(lambda total: total + (count - 1) * HELD)
        runtime.shard_management.unbacked.mutate(lambda unbacked: unbacked + count * HELD)
