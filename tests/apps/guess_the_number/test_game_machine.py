"""Arbitrary games beside a plain model of the rules: same winners, same payments, nothing lost."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from integritee.apps.guess_the_number.errors import TooManyAttempts, TooManyWinners
from integritee.apps.guess_the_number.pallet import POT

from .kit import DAY, ED, FIRST_END, NOW, PLAYERS, WEEK, GameRuntime, assert_game_laws, game

players = st.sampled_from(PLAYERS[:15])
amounts = st.integers(0, 3 * ED) | st.sampled_from([0, 1, ED - 1, ED, 12 * ED, 10**6, (1 << 128) - 1])
guesses = st.sampled_from([4998, 4999, 5000, 5001, 5002]) | st.integers(0, (1 << 32) - 1)


class GameMachine(RuleBasedStateMachine):
    """Few players guess much alike, so that places among the winners run out."""

    runtime: GameRuntime | None = None

    @initialize(number=st.integers(4990, 5010))
    def begin(self, number: int) -> None:
        self.runtime = game(None)
        self.runtime.next_number = self.lucky = number
        self.runtime.guess_the_number.on_timestamp_set(NOW)
        self.now, self.due = NOW, FIRST_END
        self.guessed: list[tuple[bytes, int]] = []
        """Guesses of the open round that counted: who, and how far off."""

    @rule(who=players, guess=guesses, times=st.integers(1, 4))
    def guess(self, who: bytes, guess: int, times: int) -> None:
        for _ in range(times):
            self.guess_once(who, abs(guess - self.lucky), guess)

    def guess_once(self, who: bytes, distance: int, guess: int) -> None:
        runtime = self.runtime
        assert runtime is not None
        before = runtime.state.changes()
        expected: type[Exception] | None = None
        if sum(guesser == who for guesser, _ in self.guessed) >= 10:
            expected = TooManyAttempts
        elif distance == self.best() and len(self.leaders()) >= 12:
            expected = TooManyWinners
        try:
            with runtime.transaction():
                runtime.guess_the_number.guess(who, guess)
        except (TooManyAttempts, TooManyWinners) as refused:
            assert type(refused) is expected
            assert runtime.state.changes() == before
        else:
            assert expected is None
            self.guessed.append((who, distance))

    def best(self) -> int | None:
        return min((distance for _, distance in self.guessed), default=None)

    def leaders(self) -> list[bytes]:
        return list(dict.fromkeys(who for who, distance in self.guessed if distance == self.best()))

    @rule(amount=amounts)
    def fill_the_pot(self, amount: int) -> None:
        assert self.runtime is not None
        if self.runtime.balances.total_issuance.get() + amount < 1 << 128:
            self.runtime.balances.mint(POT, amount)

    @rule(amount=amounts)
    def set_winnings(self, amount: int) -> None:
        assert self.runtime is not None
        self.runtime.guess_the_number.set_winnings(amount)

    @rule()
    def push_by_one_day(self) -> None:
        assert self.runtime is not None
        self.runtime.guess_the_number.push_by_one_day()
        self.due += DAY

    @rule(late=st.sampled_from([-1, 0, 1, WEEK, WEEK + 1, 3 * WEEK]) | st.integers(0, 10 * WEEK))
    def the_round_ends(self, late: int) -> None:
        self.time_passes(max(self.due + late - self.now, 0))

    @rule(passed=st.sampled_from([1, 6_000, DAY]))
    def time_passes(self, passed: int) -> None:
        runtime = self.runtime
        assert runtime is not None
        self.now += passed
        if self.now <= self.due:
            runtime.guess_the_number.on_timestamp_set(self.now)
            return
        winners, pot, winnings = self.leaders(), runtime.balances.free(POT), runtime.guess_the_number.winnings.get()
        had = {who: runtime.balances.free(who) for who in PLAYERS}
        runtime.guess_the_number.on_timestamp_set(self.now)
        share = min(pot, winnings) // len(winners) if winners else 0
        share = share if share >= ED else 0
        assert {who: runtime.balances.free(who) - had[who] for who in PLAYERS} == {
            who: share if who in winners else 0 for who in PLAYERS
        }
        left = pot - share * len(winners)
        assert runtime.balances.free(POT) == (left if left >= ED else 0)
        assert runtime.guess_the_number.last_winners.get() == winners
        self.guessed.clear()
        while self.due < self.now:
            self.due += WEEK

    @invariant()
    def laws(self) -> None:
        if self.runtime is None:
            return
        assert_game_laws(self.runtime)
        pallet = self.runtime.guess_the_number
        assert (pallet.winners.get(), pallet.winning_distance.get()) == (self.leaders(), self.best())
        assert pallet.next_round_timestamp.get() == self.due >= self.now
        assert pallet.lucky_number.get() == self.lucky
        for who in PLAYERS:
            assert pallet.attempts(who) == sum(guesser == who for guesser, _ in self.guessed)


GameMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestGameMachine = GameMachine.TestCase
