"""What keeping things in storage costs while they are there (integritee-node runtime, `deposit`)."""

from __future__ import annotations

from typing import Final

TEER: Final = 10**12
"""Base units of one token."""

PER_ITEM: Final = 20 * TEER
PER_BYTE: Final = TEER // 1000


def storage_deposit(items: int, size: int) -> int:
    """Deposit for `items` storage entries of `size` bytes together."""
    return items * PER_ITEM + size * PER_BYTE
