"""Fees of the ledger, in base units, as functions of one native token (worker `app-libs/stf`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from integritee.frame.errors import DispatchFailure

from .asset_map import in_asset
from .errors import MissingFunds

if TYPE_CHECKING:
    from .runtime import LedgerRuntime

TRANSACTION_DIVIDER: Final = 100
SHIELDING_DIVIDER: Final = 571
BYTE_DIVIDER: Final = 10_000
PROXY_DEPOSIT_DIVIDER: Final = 10

Fee: TypeAlias = Callable[[int, tuple[Any, ...]], int]
"""(base units of one token, call arguments) → fee in base units. Fees paid in an asset take one of its units."""


def no_fee(one: int, args: tuple[Any, ...]) -> int:
    """Nothing."""
    return 0


def transaction_fee(one: int, args: tuple[Any, ...]) -> int:
    """One hundredth of a token."""
    return one // TRANSACTION_DIVIDER


def unshielding_fee(one: int, args: tuple[Any, ...]) -> int:
    """Three transaction fees: the enclave pays for the transfer on the parentchain."""
    return one // TRANSACTION_DIVIDER * 3


def note_fee(one: int, args: tuple[Any, ...]) -> int:
    """A transaction fee, and a ten-thousandth of a token per byte of the note, which is the last argument."""
    return one // TRANSACTION_DIVIDER + one * len(args[-1]) // BYTE_DIVIDER


def session_proxy_deposit(one: int) -> int:
    """A tenth of a token is reserved for each session proxy."""
    return one // PROXY_DEPOSIT_DIVIDER


def shielding_fee(amount: int) -> int:
    """Share of a shielded amount that goes to the enclave account (about 0.175 %)."""
    return amount // SHIELDING_DIVIDER


def expect_payable(runtime: LedgerRuntime, fee: Fee, payer: bytes, args: tuple[Any, ...]) -> None:
    """Raises MissingFunds unless the payer holds what `charge` would take now, before anything is done for a call."""
    spec = runtime.chain_spec()
    native = fee(spec.one, args)
    if native <= runtime.balances.free(payer):
        return
    for asset in spec.assets:
        if 0 < in_asset(fee(asset.one_unit, args), asset) <= runtime.assets.balance(asset, payer):
            return
    raise MissingFunds(native, runtime.balances.free(payer))


def charge(runtime: LedgerRuntime, fee: Fee, payer: bytes, args: tuple[Any, ...]) -> int:
    """Move a call's fee to the enclave account, in native funds or else in the first asset that suffices.

    The native fee, whatever it was paid in. An asset in which it comes to nothing cannot pay it. Raises MissingFunds.
    """
    spec = runtime.chain_spec()
    native = fee(spec.one, args)
    enclave = runtime.enclave_account.account.get()
    if native == 0:
        return 0
    try:
        runtime.balances.transfer(payer, enclave, native)
        return native
    except DispatchFailure:
        for asset in spec.assets:
            amount = in_asset(fee(asset.one_unit, args), asset)
            if 0 < amount <= runtime.assets.balance(asset, payer):
                runtime.assets.transfer(asset, payer, enclave, amount)
                return native
    raise MissingFunds(native, runtime.balances.free(payer))
