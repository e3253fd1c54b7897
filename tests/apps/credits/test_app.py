"""Credits through the executor: bytes of the wire, fees, deposits, receipts, and who may ask what."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.apps.credits import Credits
from integritee.apps.credits.pallet import CreditsPallet
from integritee.apps.credits.types import CreditBatch, CreditClassInfo, HeldCredits
from integritee.crypto import KeyPair
from integritee.scale import codec
from integritee.stf.errors import InvariantBroken
from integritee.stf.executor import Outcome
from integritee.stf.invariants import check_invariants
from integritee.stf.ledger import Ledger
from integritee.stf.native import NATIVE_APPS
from integritee.stf.operation import Getter, Public, PublicGetter, Trusted, TrustedCall, TrustedGetter
from integritee.stf.retirement import release_deposits
from integritee.stf.types import (
    AnyRole,
    NonTransfer,
    ReadAny,
    ReadBalance,
    SessionProxyCredentials,
    SuccessfulTrustedCall,
)

from ...stf.kit import ALICE, BOB, ENCLAVE, EVE, FEE, NOW, ONE, Bench, code
from ..golden import golden, plain, spelt
from .kit import CLASS, SECRET, VOUCHER, assert_credits_laws

LEDGER = Ledger((*NATIVE_APPS, Credits))
DEPOSIT = ONE // 10

# -- wire

CALLS = golden("IntegriteeTrustedCall", "credits")


@pytest.mark.parametrize(("raw", "json_"), CALLS)
def test_calls_are_the_clients(raw: bytes, json_: dict[str, list[Any]]) -> None:
    call: TrustedCall = LEDGER.codec(TrustedCall).decode(raw)
    ((name, args),) = json_.items()
    assert (spelt(call.name), call.args) == (name, tuple(map(plain, args)))
    assert call.sender == ALICE.public
    assert LEDGER.codec(TrustedCall).encode(call) == raw


def test_every_call_has_golden_bytes() -> None:
    covered = {LEDGER.codec(TrustedCall).decode(p.values[0]).name for p in CALLS}
    assert covered == {"create_class", "destroy_class", "claim", "mint", "redeem"}
    assert len(covered) == sum(name.startswith("credits.") for name in LEDGER.calls)


@pytest.mark.parametrize(("raw", "json_"), golden("IntegriteeTrustedGetter", "credits"))
def test_trusted_getters_are_the_clients(raw: bytes, json_: dict[str, dict[str, Any]]) -> None:
    getter: TrustedGetter = LEDGER.codec(TrustedGetter).decode(raw)
    ((name, args),) = json_.items()
    assert spelt(getter.definition.name) == name
    assert [a.name for a in getter.definition.arguments] == list(args)
    assert getter.args == tuple(map(plain, args.values()))
    assert LEDGER.codec(TrustedGetter).encode(getter) == raw


@pytest.mark.parametrize(("raw", "json_"), golden("IntegriteePublicGetter", "credits"))
def test_public_getters_are_the_clients(raw: bytes, json_: dict[str, dict[str, Any]]) -> None:
    args = map(plain, json_["creditClassInfo"].values())
    getter = LEDGER.public_getter("credits.credit_class_info", *args)
    assert LEDGER.codec(PublicGetter).encode(getter) == raw
    assert LEDGER.codec(PublicGetter).decode(raw) == getter
    balance = LEDGER.public_getter("credits.credits_of", *getter.args)
    assert LEDGER.codec(PublicGetter).encode(balance) == raw[:1] + b"\0" + raw[2:]


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        (HeldCredits(0, []), "00" * 16 + "00"),
        (HeldCredits(3, [CreditBatch(1, 5), CreditBatch(2, None)]),
         "03" + "00" * 15 + "08" + "01" + "00" * 15 + "01" + "05" + "00" * 7 + "02" + "00" * 15 + "00"),
        (CreditClassInfo(b"\xaa" * 32, 1, 2, 3, 4), "aa" * 32 + "".join(f"0{i}" + "00" * 15 for i in range(1, 5))),
    ],
)  # fmt: skip
def test_answers_on_the_wire(value: Any, raw: str) -> None:
    assert codec(type(value)).encode(value).hex() == raw
    assert codec(type(value)).decode(bytes.fromhex(raw)) == value


# -- calls


def bench(*pairs: KeyPair) -> Bench:
    """Everybody has 10 tokens; ALICE owns class 9."""
    bench = Bench({pair: 10 * ONE for pair in pairs or (ALICE, BOB, EVE)}, LEDGER)
    bench.runtime.begin_block(1, NOW, bytes(32))
    bench.runtime.run_hooks(1, NOW)
    succeeds(bench.run(ALICE, "credits.create_class", CLASS))
    return bench


def succeeds(outcome: Outcome) -> None:
    assert outcome.error is None, outcome.error
    assert outcome.effects == ()


def test_a_class_costs_a_fee_and_a_deposit() -> None:
    shop = bench()
    data = shop.runtime.balances.data(ALICE.public)
    assert (data.free, data.reserved) == (10 * ONE - FEE - DEPOSIT, DEPOSIT)
    assert class_info(shop) == CreditClassInfo(ALICE.public, 0, 0, 0, DEPOSIT)
    succeeds(shop.run(ALICE, "credits.destroy_class", CLASS))
    data = shop.runtime.balances.data(ALICE.public)
    assert (data.free, data.reserved) == (10 * ONE - 2 * FEE, 0)
    assert shop.free(ENCLAVE) == 1000 + 2 * FEE
    assert class_info(shop) is None
    laws(shop)


def laws(shop: Bench) -> None:
    check_invariants(shop.runtime)
    assert_credits_laws(shop.runtime)


def test_from_mint_to_till() -> None:
    """ALICE hands out points; BOB gets some directly and some by voucher, and spends them with EVE."""
    shop = bench()
    succeeds(shop.run(ALICE, "credits.mint", CLASS, BOB.public, 30, None))
    succeeds(shop.run(ALICE, "credits.mint", CLASS, VOUCHER, 20, NOW + 1))
    succeeds(shop.run(BOB, "credits.claim", CLASS, SECRET))
    assert credits_of(shop, BOB) == HeldCredits(50, [CreditBatch(20, NOW + 1), CreditBatch(30, None)])
    succeeds(shop.run(BOB, "credits.redeem", CLASS, EVE.public, 25))
    assert credits_of(shop, BOB) == HeldCredits(25, [CreditBatch(25, None)])
    assert class_info(shop) == CreditClassInfo(ALICE.public, 25, 50, 25, DEPOSIT)
    assert credits_of(shop, EVE) == HeldCredits(0, []), "redeemed credits are gone"
    assert shop.free(BOB) == 10 * ONE - 2 * FEE
    laws(shop)


def test_receipts() -> None:
    """Both sides find a note: who is given credits, and where they are spent."""
    shop = bench()
    succeeds(shop.run(ALICE, "credits.mint", CLASS, BOB.public, 30, None))
    succeeds(shop.run(BOB, "credits.redeem", CLASS, EVE.public, 25))
    mint = shop.call("credits.mint", ALICE.public, CLASS, BOB.public, 30, None)
    redeem = shop.call("credits.redeem", BOB.public, CLASS, EVE.public, 25)
    create = shop.call("credits.create_class", ALICE.public, CLASS)
    expected = {ALICE: [create, mint], BOB: [mint, redeem], EVE: [redeem]}
    for who, calls in expected.items():
        found = [note.note for note in shop.runtime.notes.notes_for(who.public, 0)]
        assert found == [SuccessfulTrustedCall(LEDGER.encode_call(call)) for call in calls]


def test_a_refused_call_costs_its_fee_only() -> None:
    shop = bench()
    succeeds(shop.run(ALICE, "credits.mint", CLASS, BOB.public, 30, NOW + 1))
    free = shop.free(BOB)
    outcome = shop.run(BOB, "credits.redeem", CLASS, EVE.public, 31)
    assert (code(outcome), outcome.charged) == ("credits.insufficient", True)
    assert (shop.free(BOB), shop.nonce(BOB)) == (free - FEE, 1)
    assert credits_of(shop, BOB) == HeldCredits(30, [CreditBatch(30, NOW + 1)])
    assert shop.runtime.notes.notes_for(EVE.public, 0) == []
    laws(shop)


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("create_class", (CLASS,), "credits.class_taken"),
        ("destroy_class", (CLASS,), "credits.not_class_owner"),
        ("destroy_class", (1,), "credits.unknown_class"),
        ("claim", (CLASS, bytes(32)), "credits.nothing_to_claim"),
        ("mint", (CLASS, BOB.public, 1, None), "credits.not_class_owner"),
        ("redeem", (CLASS, BOB.public, 0), "credits.no_amount"),
        ("redeem", (CLASS, BOB.public, 1), "credits.insufficient"),
    ],
)
def test_refusals_reach_the_sender(name: str, args: tuple[Any, ...], expected: str) -> None:
    shop = bench()
    outcome = shop.run(BOB, f"credits.{name}", *args)
    assert (code(outcome), outcome.charged) == (expected, True)
    assert shop.free(BOB) == 10 * ONE - FEE
    laws(shop)


def test_the_fee_must_be_there_before_the_deposit() -> None:
    shop = bench(ALICE)
    shop.runtime.balances.mint(BOB.public, FEE + DEPOSIT + 499)
    outcome = shop.run(BOB, "credits.create_class", 1)
    assert (code(outcome), outcome.charged) == ("stf.missing_funds", True)
    assert shop.free(BOB) == DEPOSIT + 499
    laws(shop)


@pytest.mark.parametrize(
    ("after", "expected"), [(-1, None), (0, "credits.insufficient"), (1, "credits.insufficient")]
)
def test_time_is_the_blocks(after: int, expected: str | None) -> None:
    shop = bench()
    succeeds(shop.run(ALICE, "credits.mint", CLASS, BOB.public, 30, NOW + 100))
    signed = shop.signed(BOB, shop.call("credits.redeem", BOB.public, CLASS, EVE.public, 30))
    assert code(shop.executor.execute(signed, NOW + 100 + after)) == expected


@pytest.mark.parametrize(
    ("role", "allowed"), [(AnyRole(), True), (NonTransfer(), False), (ReadAny(), False)], ids=["any", "low", "read"]
)
def test_session_proxies(role: Any, allowed: bool) -> None:
    shop = bench()
    succeeds(shop.run(ALICE, "add_session_proxy", EVE.public, SessionProxyCredentials(role, None, bytes(32))))
    mint = shop.call("credits.mint", ALICE.public, CLASS, EVE.public, 30, None)
    outcome = shop.execute(shop.signed(EVE, mint))
    assert code(outcome) == (None if allowed else "stf.role_too_small")
    assert credits_of(shop, EVE) == (HeldCredits(30, [CreditBatch(30, None)]) if allowed else HeldCredits(0, []))
    laws(shop)


def test_deposits_go_back_when_the_shard_retires() -> None:
    shop = bench()
    succeeds(shop.run(ALICE, "credits.create_class", CLASS + 1))
    release_deposits(shop.runtime, ALICE.public)
    assert shop.free(ALICE) == 10 * ONE - 2 * FEE
    laws(shop)


def test_the_laws_are_the_ledgers() -> None:
    """Whoever checks a ledger checks the laws of credits with it."""
    shop = bench()
    shop.runtime.pallet(CreditsPallet).holdings.put(CLASS, BOB.public, [CreditBatch(1, None)])
    with pytest.raises(InvariantBroken) as caught:
        check_invariants(shop.runtime)
    assert caught.value.law == "credits of class 9 are held"


# -- getters


def query(shop: Bench, getter: Getter) -> bytes | None:
    return shop.executor.query(getter, NOW)


def credits_of(shop: Bench, who: KeyPair, signer: KeyPair | None = None) -> HeldCredits | None:
    getter = LEDGER.trusted_getter("credits.credits", who.public, CLASS)
    raw = query(shop, Trusted(LEDGER.sign_getter(getter, signer or who)))
    return None if raw is None else codec(HeldCredits).decode(raw)


def class_info(shop: Bench, who: KeyPair | None = None) -> CreditClassInfo | None:
    """What the public is told, or what `who` is."""
    args = ("credits.credit_class_info", (who or EVE).public, CLASS)
    if who is None:
        raw = query(shop, Public(LEDGER.public_getter(*args)))
    else:
        raw = query(shop, Trusted(LEDGER.sign_getter(LEDGER.trusted_getter(*args), who)))
    return None if raw is None else codec(CreditClassInfo).decode(raw)


def test_everybody_is_told_the_same_of_a_class() -> None:
    shop = bench()
    succeeds(shop.run(ALICE, "credits.mint", CLASS, BOB.public, 30, None))
    told = CreditClassInfo(ALICE.public, 30, 30, 0, DEPOSIT)
    assert [class_info(shop), class_info(shop, ALICE), class_info(shop, BOB), class_info(shop, EVE)] == [told] * 4


def test_what_an_account_holds_is_for_that_account() -> None:
    shop = bench()
    succeeds(shop.run(ALICE, "credits.mint", CLASS, BOB.public, 30, None))
    for signer in (EVE, ALICE):
        with pytest.raises(Exception) as caught:
            credits_of(shop, BOB, signer)
        assert caught.value.code == "stf.missing_privileges"  # type: ignore[attr-defined]
    with pytest.raises(Exception) as caught:
        query(shop, Public(LEDGER.public_getter("credits.credits_of", BOB.public, CLASS)))
    assert caught.value.code == "stf.not_public"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("role", "allowed"), [(ReadAny(), True), (NonTransfer(), True), (ReadBalance(), False)])
def test_proxies_that_may_ask(role: Any, allowed: bool) -> None:
    shop = bench()
    succeeds(shop.run(ALICE, "credits.mint", CLASS, BOB.public, 30, None))
    succeeds(shop.run(BOB, "add_session_proxy", EVE.public, SessionProxyCredentials(role, None, bytes(32))))
    if allowed:
        assert credits_of(shop, BOB, EVE) == HeldCredits(30, [CreditBatch(30, None)])
    else:
        with pytest.raises(Exception) as caught:
            credits_of(shop, BOB, EVE)
        assert caught.value.code == "stf.role_too_small"  # type: ignore[attr-defined]


def test_expired_credits_do_not_show() -> None:
    shop = bench()
    succeeds(shop.run(ALICE, "credits.mint", CLASS, BOB.public, 30, NOW + 1))
    shop.runtime.begin_block(2, NOW + 1, bytes(32))
    assert credits_of(shop, BOB) == HeldCredits(0, [])
    info = class_info(shop)
    assert info is not None
    assert info.outstanding == 30, "until they are dropped"


def test_no_class_no_answer() -> None:
    shop = Bench({ALICE: ONE}, LEDGER)
    assert (credits_of(shop, ALICE), class_info(shop), class_info(shop, ALICE)) == (None, None, None)
