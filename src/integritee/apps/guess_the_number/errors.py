"""Why a guess was refused. A refused guess costs its fee but no attempt.

StfError
└── GuessTheNumberError
    ├── TooManyAttempts   the account has used up its attempts of this round
    ├── NoDrawYet         no number has been drawn for this round yet
    └── TooManyWinners    as good as the best guess, but there is no room among the winners
"""

from __future__ import annotations

from integritee.stf.errors import StfError


class GuessTheNumberError(StfError):
    code = "guess_the_number"


class TooManyAttempts(GuessTheNumberError):
    """The account has used up its attempts of this round; wait for the next one."""

    code = "guess_the_number.too_many_attempts"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"an account has {limit} attempts in a round")


class NoDrawYet(GuessTheNumberError):
    """No number has been drawn for this round yet; try again a few blocks later."""

    code = "guess_the_number.no_draw_yet"

    def __init__(self, round_index: int) -> None:
        self.round_index = round_index
        super().__init__(f"no number has been drawn for round {round_index} yet")


class TooManyWinners(GuessTheNumberError):
    """The guess is as good as the best one, but there is no room among the winners; only a better one counts."""

    code = "guess_the_number.too_many_winners"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"{limit} accounts share the best guess already")
