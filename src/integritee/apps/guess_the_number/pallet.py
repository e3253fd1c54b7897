"""pallet GuessTheNumber: a weekly game for a pot of native tokens.

Everybody guesses a number that only the enclave knows. When the round ends, those who came closest share what the
maintainer set out for a round, as far as the pot holds it. Anybody may fill the pot with ordinary transfers.

Source: worker `app-libs/sgx-runtime/pallets/guess-the-number`. Three things differ:

* Rounds that nobody could play because no block was made are skipped: the end of the last round that was open is
  followed by the one round that is open now. The weekly rhythm stays.
* A share below the existential deposit is not paid out and stays in the pot. So every payment succeeds, and the
  pot cannot die before the last of them.
* Attempts of a round are forgotten in steps. Until that is done the new round waits for its draw.
"""

from __future__ import annotations

from itertools import islice
from typing import ClassVar, Final

from integritee.crypto import blake2_256
from integritee.frame.declare import Constant, Events, constant, event
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.balances import Balances
from integritee.frame.storage_items import Blake2_128Concat, StorageMap, StorageValue
from integritee.primitives.ids import AccountId, Balance, Moment
from integritee.scale import u8, u32
from integritee.stf.runtime import LedgerRuntime

from .errors import NoDrawYet, TooManyAttempts, TooManyWinners
from .types import Guess, GuessTheNumberInfo

MS_PER_DAY: Final = 86_400_000
NUMBERS: Final = 10_000
"""The lucky number is drawn from 0 … 9,999."""

FURTHEST: Final = (1 << 32) - 1
"""The winning distance of a round without guesses."""

END_OF_TIME: Final = (1 << 64) - 1

FORGOTTEN_PER_BLOCK: Final = 4096
"""Accounts whose attempts of the last round are forgotten in one block."""

POT: Final = blake2_256(b"\x20" + b"gsstnmbr")
"""The pot's account; nobody has a key to it."""


class GuessTheNumberPallet(Pallet):
    """Rounds, guesses and the pot."""

    path = "pallet_guess_the_number"
    runtime: LedgerRuntime
    balances: Balances

    current_round_index: StorageValue[u32]
    lucky_number: StorageValue[Guess | None]
    last_lucky_number: StorageValue[Guess | None]
    winning_distance: StorageValue[Guess | None]
    last_winning_distance: StorageValue[Guess | None]
    guess_attempts: StorageMap[Blake2_128Concat[AccountId], u8]
    winners: StorageValue[list[AccountId]]
    last_winners: StorageValue[list[AccountId]]
    winnings: StorageValue[Balance]
    next_round_timestamp: StorageValue[Moment]

    pot: ClassVar[bytes] = POT
    """Where the winnings come from; the enclave empties it when the shard retires."""

    round_duration: Constant[Moment] = constant(7 * MS_PER_DAY)
    max_attempts: Constant[u8] = constant(10)
    max_winners: Constant[u8] = constant(12)

    class Event(Events):
        RoundSchedulePushedByOneDay = event(0)

    # -- rounds --------------------------------------------------------------------------------------

    def on_timestamp_set(self, moment: int) -> None:
        """Open the first round, or end the one that is due; at most one round ends in a block."""
        due = self.next_round_timestamp.get()
        if due == 0:
            self._open_round(moment - moment % MS_PER_DAY + self.round_duration)
        elif due < moment:
            self._close_round()
            missed = (moment - due - 1) // self.round_duration
            self._open_round(due + (missed + 1) * self.round_duration)
        if self.lucky_number.get() is None and self._forget_attempts():
            self._draw()

    def _open_round(self, ends_at: int) -> None:
        self.current_round_index.mutate(lambda index: index + 1)
        self.next_round_timestamp.put(min(ends_at, END_OF_TIME))

    def _close_round(self) -> None:
        winners, distance = self.winners.take(), self.winning_distance.take()
        self._pay_out(winners)
        self.last_winners.put(winners)
        self.last_winning_distance.put(FURTHEST if distance is None else distance)
        self.last_lucky_number.put(self.lucky_number.take() or 0)

    def _pay_out(self, winners: list[bytes]) -> None:
        share = min(self.winnings.get(), self.balances.free(POT)) // max(len(winners), 1)
        if share >= self.balances.existential_deposit:
            for winner in winners:
                self.balances.transfer(POT, winner, share)

    def _forget_attempts(self) -> bool:
        """Forget attempts of the last round; whether all are forgotten."""
        players = [who for who, _ in islice(self.guess_attempts.items(), FORGOTTEN_PER_BLOCK)]
        for who in players:
            self.guess_attempts.remove(who)
        return len(players) < FORGOTTEN_PER_BLOCK

    def _draw(self) -> None:
        seed = self.runtime.random(b"guess_the_number.draw")
        self.lucky_number.put(int.from_bytes(seed, "little") % NUMBERS)

    # -- calls ---------------------------------------------------------------------------------------

    def guess(self, sender: bytes, guess: int) -> None:
        """Count an attempt, and the sender among the winners if no guess was closer so far.

        Raises NoDrawYet, TooManyAttempts, TooManyWinners.
        """
        lucky_number = self.lucky_number.get()
        if lucky_number is None:
            raise NoDrawYet(self.current_round_index.get())
        attempts = self.guess_attempts.get(sender)
        if attempts >= self.max_attempts:
            raise TooManyAttempts(self.max_attempts)
        self.guess_attempts.put(sender, attempts + 1)
        self._rank(sender, abs(lucky_number - guess))

    def _rank(self, sender: bytes, distance: int) -> None:
        best = self.winning_distance.get()
        if best is not None and distance > best:
            return
        winners = self.winners.get() if distance == best else []
        if len(winners) >= self.max_winners:
            raise TooManyWinners(self.max_winners)
        self.winning_distance.put(distance)
        if sender not in winners:
            self.winners.put([*winners, sender])

    def set_winnings(self, winnings: int) -> None:
        """Set out base units for each round to come, the open one included."""
        self.winnings.put(winnings)

    def push_by_one_day(self) -> None:
        """Let the open round last a day longer, and all later ones end on that day of the week."""
        self.next_round_timestamp.mutate(lambda due: min(due + MS_PER_DAY, END_OF_TIME))
        self.deposit(self.Event.RoundSchedulePushedByOneDay())

    # -- queries -------------------------------------------------------------------------------------

    def attempts(self, who: bytes) -> int:
        """Attempts of an account in the open round."""
        return 0 if self.lucky_number.get() is None else self.guess_attempts.get(who)

    def info(self) -> GuessTheNumberInfo:
        return GuessTheNumberInfo(
            POT,
            self.balances.free(POT),
            self.winnings.get(),
            self.next_round_timestamp.get(),
            self.last_winners.get(),
            self.last_lucky_number.get(),
            self.last_winning_distance.get(),
        )
