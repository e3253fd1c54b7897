"""Rounds of the game: when they end, who is paid what, and that the block goes on whatever happens."""

from __future__ import annotations

import pytest

from integritee.apps.guess_the_number import pallet as module
from integritee.apps.guess_the_number.errors import NoDrawYet
from integritee.apps.guess_the_number.pallet import END_OF_TIME, FURTHEST, POT
from integritee.crypto import ss58_encode
from integritee.primitives.storage import storage_prefix

from .kit import ALICE, BOB, CHARLIE, DAY, ED, FIRST_END, NOW, PLAYERS, WEEK, GameRuntime, assert_game_laws, game


def test_nobody_knows_the_key_of_the_pot() -> None:
    assert POT.hex() == "5d38b13719a9f34591ef9ced18ce03dbc45d0b9ffcba69ebcbae06464952ae41"
    assert ss58_encode(POT, 42) == "5EAw9k5U5ERbUkNEmAmMWb1JigzYNrTKXfukfrWDy92gq62w"


@pytest.mark.parametrize(
    ("item", "attribute"),
    [
        ("CurrentRoundIndex", "current_round_index"),
        ("LuckyNumber", "lucky_number"),
        ("LastLuckyNumber", "last_lucky_number"),
        ("WinningDistance", "winning_distance"),
        ("LastWinningDistance", "last_winning_distance"),
        ("Winners", "winners"),
        ("LastWinners", "last_winners"),
        ("Winnings", "winnings"),
        ("NextRoundTimestamp", "next_round_timestamp"),
    ],
)
def test_storage_keys_are_the_originals(item: str, attribute: str) -> None:
    key = storage_prefix("GuessTheNumber", item)
    assert getattr(game().guess_the_number, attribute).key == key
    assert key.hex().startswith("5965eb245789eed5c95863d01ea093f5")


def test_attempts_are_kept_by_account() -> None:
    attempts = game().guess_the_number.guess_attempts
    assert attempts.prefix == storage_prefix("GuessTheNumber", "GuessAttempts")
    assert attempts.key_of(ALICE)[-32:] == ALICE
    assert len(attempts.key_of(ALICE)) == 32 + 16 + 32


# -- when


def test_the_first_block_opens_the_first_round() -> None:
    runtime = game(None)
    pallet = runtime.guess_the_number
    assert (pallet.current_round_index.get(), pallet.lucky_number.get()) == (0, None)
    pallet.on_timestamp_set(NOW)
    assert pallet.current_round_index.get() == 1
    assert pallet.next_round_timestamp.get() == FIRST_END
    assert FIRST_END % DAY == 0
    assert pallet.lucky_number.get() == 5000
    assert (pallet.last_lucky_number.get(), pallet.last_winning_distance.get()) == (None, None)
    assert_game_laws(runtime)


@pytest.mark.parametrize(
    ("now", "index", "next_end"),
    [
        pytest.param(NOW, 1, FIRST_END, id="the same block time again"),
        pytest.param(FIRST_END - 1, 1, FIRST_END, id="just before the end"),
        pytest.param(FIRST_END, 1, FIRST_END, id="the end belongs to the round"),
        pytest.param(FIRST_END + 1, 2, FIRST_END + WEEK, id="just after the end"),
        pytest.param(FIRST_END + WEEK, 2, FIRST_END + WEEK, id="a round late to the ms"),
        pytest.param(FIRST_END + WEEK + 1, 2, FIRST_END + 2 * WEEK, id="a round was missed"),
        pytest.param(FIRST_END + 100 * WEEK + DAY, 2, FIRST_END + 101 * WEEK, id="two years were missed"),
        pytest.param(END_OF_TIME, 2, END_OF_TIME, id="the last ms there is"),
    ],
)
def test_when_rounds_end(now: int, index: int, next_end: int) -> None:
    runtime = game()
    pallet = runtime.guess_the_number
    runtime.next_number = 77
    pallet.on_timestamp_set(now)
    assert (pallet.current_round_index.get(), pallet.next_round_timestamp.get()) == (index, next_end)
    assert pallet.lucky_number.get() == (5000 if index == 1 else 77)
    assert len(runtime.draws) == index
    pallet.on_timestamp_set(now)
    assert pallet.current_round_index.get() == index, "one end is enough"
    assert_game_laws(runtime)


@pytest.mark.parametrize(
    ("due", "pushed"),
    [(FIRST_END, FIRST_END + DAY), (0, DAY), (END_OF_TIME - 1, END_OF_TIME), (END_OF_TIME, END_OF_TIME)],
)
def test_pushing_by_one_day(due: int, pushed: int) -> None:
    runtime = game()
    runtime.guess_the_number.next_round_timestamp.put(due)
    runtime.guess_the_number.push_by_one_day()
    assert runtime.guess_the_number.next_round_timestamp.get() == pushed
    events = [record.event for record in runtime.system.events()]
    assert [(e.pallet, e.pallet_index, e.definition.index, e.name) for e in events] == [
        ("GuessTheNumber", 30, 0, "RoundSchedulePushedByOneDay")
    ]


@pytest.mark.parametrize("number", [0, 1, 9999, 10_000, 123_456_789])
def test_the_lucky_number_has_four_digits(number: int) -> None:
    runtime = game(None)
    runtime.next_number = number
    runtime.guess_the_number.on_timestamp_set(NOW)
    assert runtime.guess_the_number.lucky_number.get() == number % 10_000
    assert runtime.draws == [b"guess_the_number.draw"]


# -- what is paid


def ended(runtime: GameRuntime, *winners: bytes, guess: int = 5000) -> GameRuntime:
    """The game after a round in which all `winners` made the same guess."""
    for winner in winners:
        runtime.guess_the_number.guess(winner, guess)
    runtime.guess_the_number.on_timestamp_set(FIRST_END + 1)
    return runtime


@pytest.mark.parametrize(
    ("pot", "winnings", "winners", "share", "left"),
    [
        pytest.param(10_000, 6_000, 0, 0, 10_000, id="nobody played"),
        pytest.param(10_000, 6_000, 1, 6_000, 4_000, id="one winner"),
        pytest.param(10_000, 6_000, 3, 2_000, 4_000, id="three share"),
        pytest.param(10_000, 6_000, 7, 857, 4_001, id="what does not divide stays"),
        pytest.param(10_000, 20_000, 2, 5_000, 0, id="the pot holds less; it dies"),
        pytest.param(10_000, 9_800, 1, 9_800, 0, id="dust of the pot is burned"),
        pytest.param(10_000, 10_001 - ED, 1, 10_001 - ED, 0, id="one less than alive"),
        pytest.param(10_000, 10_000 - ED, 1, 10_000 - ED, ED, id="just alive"),
        pytest.param(10_000, ED * 12, 12, ED, 10_000 - ED * 12, id="the smallest share"),
        pytest.param(10_000, ED * 12 - 1, 12, 0, 10_000, id="shares below the existential deposit stay"),
        pytest.param(1_200, 1_200, 3, 0, 1_200, id="a pot too small for its winners"),
        pytest.param(0, 6_000, 2, 0, 0, id="an empty pot"),
        pytest.param(10_000, 0, 2, 0, 10_000, id="no winnings"),
        pytest.param((1 << 128) - 1, (1 << 128) - 1, 1, (1 << 128) - 1, 0, id="all there can be"),
    ],
)
def test_payout(pot: int, winnings: int, winners: int, share: int, left: int) -> None:
    runtime = ended(game(pot=pot, winnings=winnings), *PLAYERS[:winners])
    assert [runtime.balances.free(player) for player in PLAYERS[:winners]] == [share] * winners
    assert runtime.balances.free(POT) == left
    dust = pot - share * winners - left
    assert 0 <= dust < ED
    assert runtime.balances.total_issuance.get() == pot - dust
    assert runtime.guess_the_number.last_winners.get() == PLAYERS[:winners]
    assert_game_laws(runtime)


def test_winners_keep_what_they_had() -> None:
    runtime = game(pot=10_000, winnings=2_000)
    runtime.balances.mint(ALICE, 700)
    ended(runtime, ALICE, BOB)
    assert (runtime.balances.free(ALICE), runtime.balances.free(BOB)) == (1_700, 1_000)


def test_an_overdue_round_is_paid_once() -> None:
    runtime = game(pot=10_000, winnings=1_000)
    runtime.guess_the_number.guess(ALICE, 5000)
    runtime.guess_the_number.on_timestamp_set(FIRST_END + 20 * WEEK)
    runtime.guess_the_number.on_timestamp_set(FIRST_END + 20 * WEEK + 1)
    assert runtime.balances.free(ALICE) == 1_000
    assert runtime.guess_the_number.last_winners.get() == []


# -- what is remembered


def test_what_is_known_of_the_last_round() -> None:
    runtime = game(pot=10_000, winnings=1_000)
    runtime.next_number = 42
    ended(runtime, BOB, ALICE, guess=4990)
    info = runtime.guess_the_number.info()
    assert (info.account, info.balance, info.winnings) == (POT, 9_000, 1_000)
    assert info.next_round_timestamp == FIRST_END + WEEK
    assert info.last_winners == [BOB, ALICE]
    assert (info.maybe_last_lucky_number, info.maybe_last_winning_distance) == (5000, 10)
    pallet = runtime.guess_the_number
    assert (pallet.winners.exists(), pallet.winning_distance.exists()) == (False, False)
    assert pallet.attempts(ALICE) == 0
    assert list(pallet.guess_attempts.items()) == []
    assert_game_laws(runtime)


def test_a_round_without_guesses() -> None:
    info = ended(game()).guess_the_number.info()
    assert (info.last_winners, info.maybe_last_lucky_number, info.maybe_last_winning_distance) == ([], 5000, FURTHEST)


def test_attempts_of_many_players_are_forgotten_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FORGOTTEN_PER_BLOCK", 8)
    runtime = game(pot=10_000, winnings=1_000)
    pallet = runtime.guess_the_number
    for guess, player in enumerate(PLAYERS):
        for _ in range(10):
            pallet.guess(player, guess)
    pallet.guess(CHARLIE, 4000)
    ended(runtime)
    assert pallet.last_winners.get() == [CHARLIE]
    left = []
    for block in range(1, 4):
        left.append(len(list(pallet.guess_attempts.items())))
        assert pallet.attempts(PLAYERS[0]) == 0
        assert (pallet.lucky_number.get() is None) is (block < 3)
        assert_game_laws(runtime)
        if block < 3:
            with pytest.raises(NoDrawYet) as caught:
                pallet.guess(PLAYERS[0], 5000)
            assert caught.value.round_index == 2
            pallet.on_timestamp_set(FIRST_END + 1 + block)
    assert left == [13, 5, 0]
    assert pallet.current_round_index.get() == 2
    pallet.guess(PLAYERS[0], 5000)
    assert pallet.attempts(PLAYERS[0]) == 1


def test_a_round_may_end_before_its_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FORGOTTEN_PER_BLOCK", 1)
    runtime = game()
    ended(runtime, ALICE, BOB, CHARLIE)
    assert runtime.guess_the_number.lucky_number.get() is None
    runtime.guess_the_number.on_timestamp_set(FIRST_END + WEEK + 1)
    info = runtime.guess_the_number.info()
    assert (info.last_winners, info.maybe_last_lucky_number, info.maybe_last_winning_distance) == ([], 0, FURTHEST)
    assert_game_laws(runtime)
