"""Values of credits. Identifiers and calls are those of `@encointer/types`; answers are ours."""

from __future__ import annotations

from typing import TypeAlias

from integritee.primitives.ids import AccountId, Balance, Moment
from integritee.scale import Struct, u32

CreditClassId: TypeAlias = u32
"""Names a class of credits within the shard."""


class CreditBatch(Struct, frozen=True):
    """Credits that expire together: worth nothing from `expiry` on (Unix ms); None for never."""

    amount: Balance
    expiry: Moment | None


class HeldCredits(Struct, frozen=True):
    """What an account holds of a class: the batches in the order they are spent, and their sum."""

    balance: Balance
    batches: list[CreditBatch]


class CreditClassInfo(Struct, frozen=True):
    """What everybody may know of a class.

    `outstanding` counts what anybody holds, expired credits included until they are dropped. All that was
    `minted` is outstanding, `redeemed`, or was dropped. `deposit`: base units reserved of the owner's funds.
    """

    owner: AccountId
    outstanding: Balance
    minted: Balance
    redeemed: Balance
    deposit: Balance
