"""The end of a shard: after a long maintenance its accounts are paid out, a few in every block.

The original starts over with every block and burns the fee and what is too small to be paid; here a block goes on
where the one before ended, and both belong to the enclave account (worker `app-libs/stf/src/stf_sgx.rs`).
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from itertools import islice
from typing import Final, Protocol, runtime_checkable

from integritee.frame.pallets.system import AccountInfo

from .asset_map import AssetId
from .runtime import LedgerRuntime
from .types import ShardMode

RETIREMENTS_PER_BLOCK: Final = 10
SCANNED_PER_BLOCK: Final = 1000
"""Accounts looked at in one block; those long dead are passed over."""


@runtime_checkable
class HasPot(Protocol):
    """A pallet with an account that nobody has a key to: nobody could fetch its funds on a parentchain."""

    pot: bytes


@runtime_checkable
class HoldsDeposits(Protocol):
    """A pallet that reserves funds of accounts."""

    def deposits(self) -> Iterator[tuple[bytes, int]]:
        """(account, base units) of every deposit."""
        ...

    def release_deposits(self, who: bytes) -> None:
        """Give an account back what is reserved of its funds, and forget what it was reserved for."""
        ...


Holding = tuple[bytes, AssetId | None]
"""An account and what it holds: an asset, or None for native funds."""


def begin_retirement(runtime: LedgerRuntime, parentchain_block: int) -> bool:
    """Whether the shard retires by now; from the moment on that it does, it stays in that mode."""
    management = runtime.shard_management
    if management.mode.get() is ShardMode.Retired:
        return True
    since = management.maintenance_since.get()
    if since is None or parentchain_block - since < runtime.chain_spec().retirement_delay:
        return False
    management.set_mode(ShardMode.Retired)
    _close_pots(runtime)
    return True


def next_retirees(runtime: LedgerRuntime, exempt: Container[bytes]) -> list[Holding]:
    """What the next accounts hold, assets first; `exempt` ones are left alone. Remembers how far it got."""
    management = runtime.shard_management
    found: list[Holding] = []
    retired = 0
    last: bytes | None = None
    for who, info in islice(_accounts_behind(runtime, management.retired_up_to.get()), SCANNED_PER_BLOCK):
        last = who
        if info.exists() and who not in exempt:
            found += _holdings(runtime, who, info)
            retired += 1
            if retired == RETIREMENTS_PER_BLOCK:
                break
    if last is None:
        management.retired_up_to.kill()
    else:
        management.retired_up_to.put(last)
    return found


def _accounts_behind(runtime: LedgerRuntime, last: bytes | None) -> Iterator[tuple[bytes, AccountInfo]]:
    accounts = runtime.system.account
    return accounts.items() if last is None else accounts.items_behind(last)


def _holdings(runtime: LedgerRuntime, who: bytes, info: AccountInfo) -> Iterator[Holding]:
    for asset, _ in runtime.assets.balances_of(who, runtime.chain_spec().assets):
        yield who, asset
    if info.providers or info.data.reserved:
        yield who, None


def _close_pots(runtime: LedgerRuntime) -> None:
    enclave = runtime.enclave_account.account.get()
    for pallet in runtime.pallets.values():
        if isinstance(pallet, HasPot):
            runtime.balances.transfer(pallet.pot, enclave, runtime.balances.free(pallet.pot))


def release_deposits(runtime: LedgerRuntime, who: bytes) -> None:
    """Give an account back all that pallets have reserved of its funds."""
    for pallet in runtime.pallets.values():
        if isinstance(pallet, HoldsDeposits):
            pallet.release_deposits(who)
