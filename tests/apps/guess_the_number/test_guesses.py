"""Guesses: who leads, how often one may try, and what is refused."""

from __future__ import annotations

import pytest

from integritee.apps.guess_the_number.errors import NoDrawYet, TooManyAttempts, TooManyWinners

from .kit import ALICE, BOB, CHARLIE, PLAYERS, assert_game_laws, game

MAX = (1 << 32) - 1


@pytest.mark.parametrize(
    ("guesses", "winners", "distance"),
    [
        pytest.param([(ALICE, 5000)], [ALICE], 0, id="spot on"),
        pytest.param([(ALICE, 4000), (BOB, 5999)], [BOB], 999, id="closer from above"),
        pytest.param([(ALICE, 4000), (BOB, 6000)], [ALICE, BOB], 1000, id="equally far on both sides"),
        pytest.param([(BOB, 6000), (ALICE, 4000)], [BOB, ALICE], 1000, id="in the order of guesses"),
        pytest.param([(ALICE, 4000), (BOB, 3999)], [ALICE], 1000, id="farther does not count"),
        pytest.param([(ALICE, 4000), (ALICE, 6000)], [ALICE], 1000, id="nobody wins twice"),
        pytest.param([(ALICE, 1), (BOB, 1), (CHARLIE, 2)], [CHARLIE], 4998, id="a better guess beats all before"),
        pytest.param([(ALICE, 4999), (ALICE, 0)], [ALICE], 1, id="a worse second guess does no harm"),
        pytest.param([(ALICE, 0), (ALICE, 4999)], [ALICE], 1, id="a better second guess counts"),
        pytest.param([(ALICE, MAX)], [ALICE], MAX - 5000, id="the farthest guess of all still leads alone"),
    ],
)
def test_who_leads(guesses: list[tuple[bytes, int]], winners: list[bytes], distance: int) -> None:
    runtime = game()
    for who, guess in guesses:
        runtime.guess_the_number.guess(who, guess)
    pallet = runtime.guess_the_number
    assert (pallet.winners.get(), pallet.winning_distance.get()) == (winners, distance)
    for who in (ALICE, BOB, CHARLIE):
        assert pallet.attempts(who) == sum(guesser == who for guesser, _ in guesses)
    assert_game_laws(runtime)


def test_the_greatest_distance_there_is() -> None:
    runtime = game()
    runtime.guess_the_number.lucky_number.put(0)
    runtime.guess_the_number.guess(ALICE, MAX)
    runtime.guess_the_number.guess(BOB, MAX)
    assert runtime.guess_the_number.winners.get() == [ALICE, BOB]


def test_ten_attempts_in_a_round() -> None:
    runtime = game()
    for guess in range(10):
        runtime.guess_the_number.guess(ALICE, guess)
    with pytest.raises(TooManyAttempts) as caught:
        runtime.guess_the_number.guess(ALICE, 5000)
    assert (caught.value.code, caught.value.data()) == ("guess_the_number.too_many_attempts", {"limit": 10})
    assert runtime.guess_the_number.attempts(ALICE) == 10
    assert runtime.guess_the_number.winning_distance.get() == 4991
    runtime.guess_the_number.guess(BOB, 5000)
    assert runtime.guess_the_number.winners.get() == [BOB]
    assert_game_laws(runtime)


def test_twelve_winners() -> None:
    runtime = game()
    for player in PLAYERS[:12]:
        runtime.guess_the_number.guess(player, 4000)
    before = runtime.state.changes()
    with pytest.raises(TooManyWinners) as caught, runtime.transaction():
        runtime.guess_the_number.guess(ALICE, 6000)
    assert (caught.value.code, caught.value.data()) == ("guess_the_number.too_many_winners", {"limit": 12})
    assert runtime.state.changes() == before, "a refused guess is no attempt"
    runtime.guess_the_number.guess(ALICE, 5999)
    assert runtime.guess_the_number.winners.get() == [ALICE]
    assert_game_laws(runtime)


def test_no_guesses_before_the_first_draw() -> None:
    runtime = game(None)
    with pytest.raises(NoDrawYet) as caught:
        runtime.guess_the_number.guess(ALICE, 1)
    assert (caught.value.code, caught.value.data()) == ("guess_the_number.no_draw_yet", {"round_index": 0})
    assert runtime.guess_the_number.attempts(ALICE) == 0
    assert runtime.state.changes().keys() == {runtime.guess_the_number.winnings.key}
