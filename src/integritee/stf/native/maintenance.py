"""Calls of the maintainer, who tests networks under load, and of the enclave when a shard retires."""

from __future__ import annotations

from typing import ClassVar, Final

from integritee.primitives.ids import AccountId, ParentchainId
from integritee.scale import u32
from integritee.stf.asset_map import AssetId
from integritee.stf.declare import App, Authority, Context, trusted_call
from integritee.stf.effects import MAX_EFFECTS, Delay, Remark, VaultPayment
from integritee.stf.errors import AmountTooLarge
from integritee.stf.fees import unshielding_fee
from integritee.stf.retirement import release_deposits
from integritee.stf.types import NoteString

from .vault import expect_shieldable, expect_vault

MAX_BLOAT_KILOBYTES: Final = 1099
BLOAT_NOTE: Final = b"o" * 499
"""Encodes to 512 bytes as a note: two make a kilobyte."""

MAX_WASTED_MS: Final = 10_000
REMARK: Final = b"An extrinsic that only takes up room, on request of this network's maintainer. ".ljust(146, b".")
"""146 bytes, like the original's."""


class Maintenance(App):
    """Load tests and retirement."""

    name: ClassVar[str] = "maintenance"

    @trusted_call(10, authority=Authority.MAINTAINER, in_production=False)
    def note_bloat(self, ctx: Context, maintainer: AccountId, kilobytes: u32) -> None:
        """Fill the note buckets."""
        _expect_at_most(kilobytes, MAX_BLOAT_KILOBYTES, "kB")
        for _ in range(2 * kilobytes):
            self.runtime.notes.store((), NoteString(BLOAT_NOTE))

    @trusted_call(11, authority=Authority.MAINTAINER, in_production=False)
    def waste_time(self, ctx: Context, maintainer: AccountId, milliseconds: u32) -> None:
        """Keep block production busy."""
        _expect_at_most(milliseconds, MAX_WASTED_MS, "ms")
        ctx.emit(Delay(milliseconds))

    @trusted_call(12, authority=Authority.MAINTAINER, in_production=False)
    def spam_extrinsics(self, ctx: Context, maintainer: AccountId, number: u32, parentchain: ParentchainId) -> None:
        """Send remarks to a parentchain."""
        _expect_at_most(number, MAX_EFFECTS, "extrinsics")
        for _ in range(number):
            ctx.emit(Remark(parentchain, REMARK))

    @trusted_call(46, authority=Authority.ENCLAVE, linked=("who",))
    def force_unshield_all(self, ctx: Context, enclave: AccountId, who: AccountId, asset: AssetId | None) -> None:
        """Pay out all that an account holds, native or of an asset, less the unshielding fee.

        What cannot cover the fee goes to the enclave account, like the fee itself.
        """
        if asset is None:
            self._unshield_native(ctx, enclave, who)
        else:
            self._unshield_asset(ctx, enclave, who, asset)

    def _unshield_native(self, ctx: Context, enclave: bytes, who: bytes) -> None:
        parentchain = expect_vault(self.runtime)
        release_deposits(self.runtime, who)
        balances = self.runtime.balances
        held = balances.liquid(self.runtime.system.account.get(who))
        fee = min(unshielding_fee(self.runtime.chain_spec().one, ()), held)
        paid = held - fee
        if paid:
            balances.burn_from(who, paid)
            ctx.emit(VaultPayment(parentchain, who, paid))
        balances.transfer(who, enclave, fee)

    def _unshield_asset(self, ctx: Context, enclave: bytes, who: bytes, asset: AssetId) -> None:
        expect_shieldable(self.runtime, asset)
        parentchain = expect_vault(self.runtime)
        assets = self.runtime.assets
        held = assets.balance(asset, who)
        fee = min(unshielding_fee(asset.one_unit, ()), held)
        paid = held - fee
        if paid:
            assets.burn_from(asset, who, paid)
            ctx.emit(VaultPayment(parentchain, who, paid, asset))
        assets.transfer(asset, who, enclave, fee)


def _expect_at_most(found: int, limit: int, unit: str) -> None:
    if found > limit:
        raise AmountTooLarge(found, limit, unit)
