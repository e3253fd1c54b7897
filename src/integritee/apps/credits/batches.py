"""Credits of one holder in one class: batches by expiry, the earliest first, those that never expire last."""

from __future__ import annotations

from collections.abc import Iterable

from .types import CreditBatch


def total(batches: Iterable[CreditBatch]) -> int:
    return sum(batch.amount for batch in batches)


def unexpired(batches: Iterable[CreditBatch], now: int) -> list[CreditBatch]:
    """Those that are worth something at Unix time `now` (ms)."""
    return [batch for batch in batches if batch.expiry is None or now < batch.expiry]


def merged(batches: Iterable[CreditBatch], more: Iterable[CreditBatch]) -> list[CreditBatch]:
    """Both together; what expires at the same time is one batch."""
    amounts: dict[int | None, int] = {}
    for batch in (*batches, *more):
        amounts[batch.expiry] = amounts.get(batch.expiry, 0) + batch.amount
    order = sorted(amounts, key=lambda expiry: (expiry is None, expiry or 0))
    return [CreditBatch(amounts[expiry], expiry) for expiry in order]


def after_spending(batches: Iterable[CreditBatch], amount: int) -> list[CreditBatch]:
    """What is left of ordered batches that hold at least `amount`; the earliest go first."""
    left = []
    for batch in batches:
        spent = min(batch.amount, amount)
        amount -= spent
        if spent < batch.amount:
            left.append(CreditBatch(batch.amount - spent, batch.expiry))
    return left
