"""Values of the game (worker `app-libs/sgx-runtime/pallets/guess-the-number`)."""

from __future__ import annotations

from typing import TypeAlias

from integritee.primitives.ids import AccountId, Balance, Moment
from integritee.scale import Struct, u32

Guess: TypeAlias = u32
"""A guess, the lucky number, and how far apart they are."""


class GuessTheNumberInfo(Struct, frozen=True):
    """What everybody may know of the game.

    `account` and `balance` are those of the pot, `winnings` what the maintainer set out for a round, both in base
    units. What is called last belongs to the round before, whose winners have been paid.
    """

    account: AccountId
    balance: Balance
    winnings: Balance
    next_round_timestamp: Moment
    last_winners: list[AccountId]
    maybe_last_lucky_number: Guess | None
    maybe_last_winning_distance: Guess | None
