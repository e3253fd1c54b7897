"""Fees of the ledger, in base units, as functions of one native token (worker `app-libs/stf`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

TRANSACTION_DIVIDER: Final = 100
SHIELDING_DIVIDER: Final = 571

Fee: TypeAlias = Callable[[int, tuple[Any, ...]], int]
"""(base units of one token, call arguments) → fee in base units."""


def no_fee(one: int, args: tuple[Any, ...]) -> int:
    return 0


def transaction_fee(one: int, args: tuple[Any, ...]) -> int:
    """One hundredth of a token."""
    return one // TRANSACTION_DIVIDER


def unshielding_fee(one: int, args: tuple[Any, ...]) -> int:
    """Three transaction fees: the enclave pays for the transfer on the parentchain."""
    return one // TRANSACTION_DIVIDER * 3


def shielding_fee(amount: int) -> int:
    """Share of a shielded amount that goes to the enclave account (about 0.175 %)."""
    return amount // SHIELDING_DIVIDER
