"""The game's trusted calls and getters (worker `app-libs/stf`, guess_the_number.rs)."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from integritee.frame.pallet import Pallet
from integritee.frame.runtime import use
from integritee.primitives.ids import AccountId, Balance
from integritee.scale import u8
from integritee.stf.declare import App, Authority, Context, public_getter, trusted_call, trusted_getter
from integritee.stf.roles import HARMLESS_CALLS

from .pallet import GuessTheNumberPallet
from .types import Guess, GuessTheNumberInfo

GUESS_DIVIDER: Final = 10


def guess_fee(one: int, args: tuple[Any, ...]) -> int:
    """A tenth of a token."""
    return one // GUESS_DIVIDER


class GuessTheNumber(App):
    """A weekly game: who comes closest to the enclave's number shares what the pot holds."""

    name: ClassVar[str] = "guess_the_number"
    index: ClassVar[int | None] = 50
    pallets: ClassVar[dict[str, Pallet]] = {"guess_the_number": use(30, GuessTheNumberPallet)}

    # -- trusted calls -------------------------------------------------------------------------------

    @trusted_call(0, authority=Authority.MAINTAINER, roles=HARMLESS_CALLS, linked=("sender",))
    def set_winnings(self, ctx: Context, sender: AccountId, winnings: Balance) -> None:
        """Set out base units for the winners of each round, the open one included."""
        self._game.set_winnings(winnings)

    @trusted_call(1, authority=Authority.MAINTAINER, roles=HARMLESS_CALLS, linked=("sender",))
    def push_by_one_day(self, ctx: Context, sender: AccountId) -> None:
        """Let the open round last a day longer; all later ones end on that day of the week."""
        self._game.push_by_one_day()

    @trusted_call(2, fee=guess_fee, roles=HARMLESS_CALLS, linked=("sender",))
    def guess(self, ctx: Context, sender: AccountId, guess: Guess) -> None:
        """Guess the number, up to ten times in a round; the fee is due even if the guess is refused."""
        self._game.guess(sender, guess)

    # -- getters -------------------------------------------------------------------------------------

    @trusted_getter(0)
    def attempts(self, origin: AccountId) -> u8:
        """How often an account has guessed in the open round."""
        return self._game.attempts(origin)

    @public_getter(0)
    def guess_the_number_info(self) -> GuessTheNumberInfo:
        """The pot, the end of the open round, and how the last one ended."""
        return self._game.info()

    @property
    def _game(self) -> GuessTheNumberPallet:
        return self.runtime.pallet(GuessTheNumberPallet)
