"""The game on a bench: money, the pallet, and dice a test can load."""

from __future__ import annotations

from integritee.apps.guess_the_number.pallet import NUMBERS, POT, GuessTheNumberPallet
from integritee.crypto import blake2_256
from integritee.frame.pallets.balances import Balances
from integritee.frame.pallets.system import RuntimeVersion, System
from integritee.frame.runtime import Runtime, use

from ...invariants import assert_invariants

ED = 500
DAY = 86_400_000
WEEK = 7 * DAY
NOW = 1_700_000_000_000
FIRST_END = NOW - NOW % DAY + WEEK
ALICE, BOB, CHARLIE = (bytes([i]) * 32 for i in (1, 2, 3))
PLAYERS = [blake2_256(bytes([i])) for i in range(20)]


class GameRuntime(Runtime):
    name = "game"
    system = use(0, System, version=RuntimeVersion("game", "game", 1, 1, 1, [], 1, 0), retain_nonce=True)
    balances = use(2, Balances, existential_deposit=ED)
    guess_the_number = use(30, GuessTheNumberPallet)

    def __init__(self) -> None:
        super().__init__()
        self.draws: list[bytes] = []
        self.next_number = 5000

    def random(self, purpose: bytes) -> bytes:
        """Draws `next_number`."""
        self.draws.append(purpose)
        return (NUMBERS * 7 + self.next_number).to_bytes(32, "little")


def game(now: int | None = NOW, pot: int = 0, winnings: int = 0) -> GameRuntime:
    """A game whose first round is open; `now` None for one before its first block."""
    runtime = GameRuntime()
    runtime.balances.mint(POT, pot)
    runtime.guess_the_number.set_winnings(winnings)
    if now is not None:
        runtime.guess_the_number.on_timestamp_set(now)
    return runtime


def assert_game_laws(runtime: Runtime) -> None:
    """What holds in every state of the game; call it at the end of any test."""
    assert_invariants(runtime)
    pallet = runtime.pallet(GuessTheNumberPallet)
    winners, distance = pallet.winners.get(), pallet.winning_distance.get()
    assert (distance is None) is (winners == [])
    assert len(set(winners)) == len(winners) <= pallet.max_winners
    assert all(1 <= attempts <= pallet.max_attempts for _, attempts in pallet.guess_attempts.items())
    assert all(pallet.guess_attempts.contains(winner) for winner in winners)
    assert len(pallet.last_winners.get()) <= pallet.max_winners
    lucky_number = pallet.lucky_number.get()
    if lucky_number is None:
        assert winners == []
    else:
        assert 0 <= lucky_number < NUMBERS
    assert (pallet.current_round_index.get() > 0) is (pallet.next_round_timestamp.get() > 0)
