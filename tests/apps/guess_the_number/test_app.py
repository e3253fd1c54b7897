"""The game through the executor: bytes of the wire, who may call, what it costs, what is noted."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.apps.guess_the_number import GuessTheNumber
from integritee.apps.guess_the_number.pallet import POT, GuessTheNumberPallet
from integritee.apps.guess_the_number.types import GuessTheNumberInfo
from integritee.crypto import Ed25519Pair, KeyPair
from integritee.primitives.signature import Sr25519
from integritee.scale import codec, encode, u8
from integritee.stf.asset_map import AssetId
from integritee.stf.invariants import check_invariants
from integritee.stf.ledger import Ledger
from integritee.stf.native import NATIVE_APPS
from integritee.stf.operation import (
    Public,
    PublicGetter,
    Trusted,
    TrustedCall,
    TrustedCallSigned,
    TrustedGetter,
)
from integritee.stf.retirement import begin_retirement
from integritee.stf.runtime import MAINTAINER
from integritee.stf.types import NonTransfer, SessionProxyCredentials, SuccessfulTrustedCall

from ...stf.kit import ALICE, BOB, ENCLAVE, FEE, NOW, ONE, Bench, code
from ..golden import golden, golden_return, plain, spelt
from .kit import FIRST_END, assert_game_laws

LEDGER = Ledger((*NATIVE_APPS, GuessTheNumber))
GUESS_FEE = ONE // 10


def bench() -> Bench:
    """A game in its first round; ALICE and BOB are rich."""
    bench = Bench({ALICE: 10 * ONE, BOB: 10 * ONE}, LEDGER)
    bench.runtime.run_hooks(1, NOW)
    return bench


# -- wire

CALLS = golden("IntegriteeTrustedCall", "guess_the_number")


@pytest.mark.parametrize(("raw", "json_"), CALLS)
def test_calls_are_the_clients(raw: bytes, json_: dict[str, Any]) -> None:
    call: TrustedCall = LEDGER.codec(TrustedCall).decode(raw)
    ((name, args),) = json_.items()
    assert spelt(call.name) == name
    assert call.args == tuple(map(plain, args if isinstance(args, list) else [args]))
    assert LEDGER.codec(TrustedCall).encode(call) == raw


def test_every_call_has_golden_bytes() -> None:
    assert len(CALLS) == sum(name.startswith("guess_the_number.") for name in LEDGER.calls) == 3


@pytest.mark.parametrize(("raw", "json_"), golden("IntegriteeTrustedGetter", "guess_the_number"))
def test_the_trusted_getter_is_the_clients(raw: bytes, json_: dict[str, Any]) -> None:
    origin = plain(json_["attempts"]["origin"])
    getter = LEDGER.trusted_getter("guess_the_number.attempts", origin)
    assert LEDGER.codec(TrustedGetter).encode(getter) == raw
    assert LEDGER.codec(TrustedGetter).decode(raw) == getter


@pytest.mark.parametrize(("raw", "name"), golden("IntegriteePublicGetter", "guess_the_number"))
def test_the_public_getter_is_the_clients(raw: bytes, name: str) -> None:
    getter = LEDGER.public_getter(f"guess_the_number.{name}")
    assert LEDGER.codec(PublicGetter).encode(getter) == raw
    assert LEDGER.codec(PublicGetter).decode(raw) == getter


def test_the_info_is_what_clients_read() -> None:
    raw, json_ = golden_return("GuessTheNumberInfo")
    info: GuessTheNumberInfo = codec(GuessTheNumberInfo).decode(raw)
    assert (info.account, info.last_winners) == (plain(json_["account"]), [plain(w) for w in json_["last_winners"]])
    rest = ("balance", "winnings", "next_round_timestamp", "maybe_last_lucky_number", "maybe_last_winning_distance")
    assert {name: getattr(info, name) for name in rest} == {name: json_[name] for name in rest}
    assert encode(GuessTheNumberInfo, info) == raw


# -- calls


def test_a_guess() -> None:
    game = bench()
    outcome = game.run(ALICE, "guess_the_number.guess", 1)
    assert outcome.error is None
    assert game.free(ALICE) == 10 * ONE - GUESS_FEE
    assert game.free(ENCLAVE) == 1000 + GUESS_FEE, "the pot does not get the fee"
    assert attempts(game, ALICE) == 1
    (note,) = game.runtime.notes.notes_for(ALICE.public, 0)
    call = game.call("guess_the_number.guess", ALICE.public, 1)
    assert note.note == SuccessfulTrustedCall(LEDGER.encode_call(call))
    check_invariants(game.runtime)
    assert_game_laws(game.runtime)


def attempts(game: Bench, who: KeyPair) -> int:
    getter = Trusted(LEDGER.sign_getter(LEDGER.trusted_getter("guess_the_number.attempts", who.public), who))
    answer = game.executor.query(getter, NOW)
    assert answer is not None
    return int(codec(u8).decode(answer))


def test_a_refused_guess_costs_fee_and_nonce_but_no_attempt() -> None:
    game = bench()
    for _ in range(10):
        assert game.run(ALICE, "guess_the_number.guess", 1).error is None
    outcome = game.run(ALICE, "guess_the_number.guess", 1)
    assert (code(outcome), outcome.charged) == ("guess_the_number.too_many_attempts", True)
    assert game.free(ALICE) == 10 * ONE - 11 * GUESS_FEE
    assert (game.nonce(ALICE), attempts(game, ALICE)) == (11, 10)
    assert len(game.runtime.notes.notes_for(ALICE.public, 0)) == 10


def test_a_player_without_funds() -> None:
    game = bench()
    poor = Ed25519Pair.from_uri("//Poor")
    game.runtime.balances.mint(poor.public, GUESS_FEE - 1)
    outcome = game.run(poor, "guess_the_number.guess", 1)
    assert (code(outcome), outcome.charged) == ("stf.missing_funds", False)


def test_the_fee_may_be_paid_in_an_asset() -> None:
    """A tenth of a dollar, not a tenth of 10¹² of them."""
    game = Bench({}, Ledger((*NATIVE_APPS, GuessTheNumber), development=True))
    game.runtime.run_hooks(1, NOW)
    player = Ed25519Pair.from_uri("//Dollars")
    asset = game.runtime.chain_spec().assets[0]
    assert asset is AssetId.USDT
    game.runtime.assets.ensure(asset, ENCLAVE.public)
    game.runtime.assets.mint_into(asset, player.public, 250_000)
    assert code(game.run(player, "guess_the_number.guess", 1)) is None
    assert game.runtime.assets.balance(asset, player.public) == 150_000
    assert game.runtime.assets.balance(asset, ENCLAVE.public) == 100_000


@pytest.mark.parametrize(("name", "args"), [("set_winnings", (5,)), ("push_by_one_day", ())])
def test_the_maintainer_is_master_of_the_game(name: str, args: tuple[int, ...]) -> None:
    game = bench()
    before = game.changes()
    outcome = game.run(ALICE, f"guess_the_number.{name}", *args)
    assert (code(outcome), outcome.charged) == ("stf.require_maintainer", False)
    assert game.changes() == before
    call = game.call(f"guess_the_number.{name}", MAINTAINER, *args)
    unsigned = TrustedCallSigned(call, 0, None, Sr25519(bytes(64)))
    assert game.executor.execute(unsigned, NOW, verified=True).error is None
    assert game.runtime.balances.free(MAINTAINER) == 0, "the maintainer pays nothing"
    assert len(game.runtime.notes.notes_for(MAINTAINER, 0)) == 1
    info = answer(game)
    assert (info.winnings, info.next_round_timestamp) == ((5, FIRST_END) if args else (0, FIRST_END + 86_400_000))


def test_a_session_proxy_may_play() -> None:
    game = bench()
    credentials = SessionProxyCredentials(NonTransfer(), None, bytes(32))
    assert game.run(ALICE, "add_session_proxy", BOB.public, credentials).error is None
    call = game.call("guess_the_number.guess", ALICE.public, 1)
    assert game.execute(game.signed(BOB, call)).error is None
    assert attempts(game, ALICE) == 1


# -- getters and rounds


def answer(game: Bench) -> GuessTheNumberInfo:
    raw = game.executor.query(Public(LEDGER.public_getter("guess_the_number.guess_the_number_info")), NOW)
    info: GuessTheNumberInfo = codec(GuessTheNumberInfo).decode(raw)
    return info


def test_a_whole_round() -> None:
    game = bench()
    assert game.run(BOB, "balance_transfer", POT, ONE).error is None
    game.runtime.pallet(GuessTheNumberPallet).set_winnings(ONE // 2)
    lucky = game.runtime.pallet(GuessTheNumberPallet).lucky_number.get()
    assert game.run(ALICE, "guess_the_number.guess", lucky).error is None
    game.runtime.begin_block(2, FIRST_END + 1, b"\x01" * 32)
    game.runtime.run_hooks(2, FIRST_END + 1)
    assert game.free(ALICE) == 10 * ONE - GUESS_FEE + ONE // 2
    info = answer(game)
    assert (info.account, info.balance, info.winnings) == (POT, ONE - ONE // 2, ONE // 2)
    assert (info.last_winners, info.maybe_last_lucky_number, info.maybe_last_winning_distance) == (
        [ALICE.public],
        lucky,
        0,
    )
    assert attempts(game, ALICE) == 0
    check_invariants(game.runtime)
    assert_game_laws(game.runtime)


def test_the_draw_is_the_enclaves_secret() -> None:
    """Another block's entropy draws another number; the same one draws the same."""
    drawn = []
    for entropy in (b"\x01" * 32, b"\x01" * 32, b"\x02" * 32):
        game = Bench({}, LEDGER)
        game.runtime.begin_block(1, NOW, entropy)
        game.runtime.run_hooks(1, NOW)
        drawn.append(game.runtime.pallet(GuessTheNumberPallet).lucky_number.get())
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_retiring_shard_empties_the_pot() -> None:
    game = bench()
    assert game.run(BOB, "balance_transfer", POT, ONE).error is None
    game.runtime.shard_management.maintenance_since.put(0)
    assert begin_retirement(game.runtime, 1_000_000)
    assert game.free(POT) == 0
    assert game.free(ENCLAVE) == 1000 + FEE + ONE
    check_invariants(game.runtime)
