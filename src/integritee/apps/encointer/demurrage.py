"""Money that melts: what a balance is worth some parentchain blocks after it was stamped.

In generation 1 the enclave does not know the rate: it keeps principals and stamps them, and clients let them melt
with the community's rate, which is on the parentchain. (encointer pallet `balances` 0.3, worker client.)
"""

from __future__ import annotations

from typing import Final

from .fixed_point import I64F64, exp_of_minus
from .types import BalanceEntry

DEFAULT_DEMURRAGE_PER_BLOCK: Final = I64F64(0x0000_01E3_F0A8_A973)
"""1.1267607882e-7: half of it is left after 6,151,680 blocks, which are 427 days of 6 s blocks."""


def value_at(entry: BalanceEntry, block: int, rate: I64F64 = DEFAULT_DEMURRAGE_PER_BLOCK) -> I64F64:
    """principal · e^(−rate · blocks), rounded down; nothing melts before it was stamped."""
    blocks = max(block - entry.last_update, 0)
    factor = exp_of_minus(abs(rate.bits) * blocks)
    return I64F64(entry.principal.bits * factor >> 64)
