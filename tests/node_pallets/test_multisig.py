from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.crypto import blake2_256
from integritee.frame.errors import DispatchFailure, Token, TokenError
from integritee.frame.outer import RuntimeCall
from integritee.frame.weights import Pays, Weight, weight
from integritee.node.pallets.multisig import Operation, Timepoint, multisig_account
from integritee.primitives.ids import Id
from integritee.scale import Err, Ok

from .small_runtime import ALICE, BOB, CHARLIE, DAVE, FUNDS, NOBODY, ROOT, Chain

BASE, FACTOR = 20_088_000_000_000, 32_000_000_000
DEPOSIT = BASE + 2 * FACTOR
SHARED = multisig_account([ALICE, BOB, CHARLIE], 2)
ENOUGH = Weight(10**12, 0)
START = Timepoint(1, 4)


def pay(chain: Chain, value: int = 1_000) -> RuntimeCall:
    return chain.call("Balances.transfer_allow_death", Id(DAVE), value)


def hash_of(chain: Chain, call: RuntimeCall) -> bytes:
    return blake2_256(chain.runtime.codec(RuntimeCall).encode(call))


def others(who: bytes) -> list[bytes]:
    return [a for a in (ALICE, BOB, CHARLIE) if a != who]


def approve(
    chain: Chain, who: bytes, call: RuntimeCall, when: Timepoint | None = None, limit: Weight = ENOUGH
) -> list[tuple[Any, ...]]:
    return chain.submit(who, "Multisig.as_multi", 2, others(who), when, call, limit, index=4)


def approve_hash(chain: Chain, who: bytes, call_hash: bytes, when: Timepoint | None = None) -> list[tuple[Any, ...]]:
    return chain.submit(who, "Multisig.approve_as_multi", 2, others(who), when, call_hash, ENOUGH, index=4)


@pytest.fixture
def funded(chain: Chain) -> Chain:
    """The account that two of Alice, Bob and Charlie control has 10,000."""
    chain.submit(DAVE, "Balances.transfer_allow_death", Id(SHARED), 10_000)
    return chain


# --- accounts


def test_account_of_the_dev_chain() -> None:
    alice = "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
    bob = "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48"
    charlie = "90b5ab205c6974c9ea841be688864633dc9ca8a357843eeacf2314649965fe22"
    account = multisig_account([bytes.fromhex(a) for a in (alice, bob, charlie)], 2)
    assert account.hex() == "49daa32c7287890f38b7e1a8cd2961723d36d20baa0bf3b82e0c4bdda93b1c0a"


# --- approvals


def test_two_of_three(funded: Chain) -> None:
    call = pay(funded)
    call_hash = hash_of(funded, call)
    assert approve(funded, BOB, call) == [
        ("Balances.Reserved", BOB, DEPOSIT),
        ("Multisig.NewMultisig", BOB, SHARED, call_hash),
    ]
    assert funded.runtime.multisig.multisigs.get(SHARED, call_hash) == Operation(START, DEPOSIT, BOB, [BOB])
    funded.enter(2)
    assert approve(funded, ALICE, call, START) == [
        ("Balances.Unreserved", BOB, DEPOSIT),
        ("Balances.Transfer", SHARED, DAVE, 1_000),
        ("Multisig.MultisigExecuted", ALICE, START, SHARED, call_hash, Ok(None)),
    ]
    assert not funded.runtime.multisig.multisigs.contains(SHARED, call_hash)
    assert funded.free(BOB) == FUNDS


def test_a_call_that_fails_is_over_all_the_same(funded: Chain) -> None:
    call = pay(funded, 10_001)
    approve(funded, BOB, call)
    events = approve(funded, ALICE, call, START)
    failed = Err(Token(TokenError.FundsUnavailable))
    assert events[-1] == ("Multisig.MultisigExecuted", ALICE, START, SHARED, hash_of(funded, call), failed)
    assert funded.reserved(BOB) == 0


def test_approvals_by_hash(funded: Chain) -> None:
    call = pay(funded)
    call_hash = hash_of(funded, call)
    assert approve_hash(funded, CHARLIE, call_hash)[-1] == ("Multisig.NewMultisig", CHARLIE, SHARED, call_hash)
    assert approve_hash(funded, ALICE, call_hash, START) == [
        ("Multisig.MultisigApproval", ALICE, START, SHARED, call_hash)
    ]
    operation = funded.runtime.multisig.multisigs.get(SHARED, call_hash)
    assert operation is not None
    assert operation.approvals == [ALICE, CHARLIE]
    refused = (2, others(BOB), START, call_hash, ENOUGH)
    assert funded.refusal(BOB, "Multisig.approve_as_multi", *refused) == "multisig.already_approved"
    assert approve(funded, BOB, call, START)[-1][0] == "Multisig.MultisigExecuted"


def test_one_of_those_who_approved_may_make_the_call(funded: Chain) -> None:
    call = pay(funded)
    approve_hash(funded, ALICE, hash_of(funded, call))
    approve_hash(funded, BOB, hash_of(funded, call), START)
    assert approve(funded, ALICE, call, START)[-1][-1] == Ok(None)


def test_an_approval_that_does_not_suffice(chain: Chain) -> None:
    three = multisig_account([ALICE, BOB, CHARLIE], 3)
    call = pay(chain)
    chain.submit(CHARLIE, "Multisig.as_multi", 3, others(CHARLIE), None, call, ENOUGH, index=4)
    events = chain.submit(ALICE, "Multisig.as_multi", 3, others(ALICE), START, call, ENOUGH)
    assert events == [("Multisig.MultisigApproval", ALICE, START, three, hash_of(chain, call))]
    again = ("Multisig.as_multi", 3, others(ALICE), START, call, ENOUGH)
    assert chain.refusal(ALICE, *again) == "multisig.already_approved"
    assert chain.reserved(CHARLIE) == BASE + 3 * FACTOR


def test_the_weight_must_be_foreseen(funded: Chain) -> None:
    call = pay(funded)
    approve(funded, BOB, call)
    low = Weight(funded.runtime.info_of(call).weight.ref_time - 1, 0)
    code = funded.refusal(ALICE, "Multisig.as_multi", 2, others(ALICE), START, call, low)
    assert code == "multisig.max_weight_too_low"
    assert approve(funded, ALICE, call, START, funded.runtime.info_of(call).weight)


@pytest.mark.parametrize("call", ["Multisig.as_multi", "Multisig.approve_as_multi"])
def test_timepoints(funded: Chain, call: str) -> None:
    inner = pay(funded)
    subject: Any = inner if call == "Multisig.as_multi" else hash_of(funded, inner)

    def code(who: bytes, when: Timepoint | None) -> str:
        return funded.refusal(who, call, 2, others(who), when, subject, ENOUGH)

    assert code(ALICE, START) == "multisig.unexpected_timepoint"
    approve(funded, ALICE, inner)
    assert code(BOB, None) == "multisig.no_timepoint"
    assert code(BOB, Timepoint(1, 3)) == "multisig.wrong_timepoint"
    assert code(BOB, Timepoint(2, 4)) == "multisig.wrong_timepoint"


SIGNATORIES = [
    (1, [BOB], "multisig.minimum_threshold"),
    (0, [BOB], "multisig.minimum_threshold"),
    (2, [], "multisig.too_few_signatories"),
    (2, [bytes([i]) * 32 for i in range(10)], "multisig.too_many_signatories"),
    (2, [CHARLIE, BOB], "multisig.signatories_out_of_order"),
    (2, [BOB, BOB], "multisig.signatories_out_of_order"),
    (2, [ALICE, BOB], "multisig.sender_in_signatories"),
]


@pytest.mark.parametrize(("threshold", "signatories", "code"), SIGNATORIES)
def test_refused_signatories(chain: Chain, threshold: int, signatories: list[bytes], code: str) -> None:
    for call, args in (
        ("Multisig.as_multi", (threshold, signatories, None, pay(chain), ENOUGH)),
        ("Multisig.approve_as_multi", (threshold, signatories, None, bytes(32), ENOUGH)),
        ("Multisig.cancel_as_multi", (threshold, signatories, START, bytes(32))),
        ("Multisig.poke_deposit", (threshold, signatories, bytes(32))),
    ):
        assert chain.refusal(ALICE, call, *args) == code


def test_starting_needs_the_deposit(chain: Chain) -> None:
    chain.submit(ALICE, "Balances.transfer_allow_death", Id(NOBODY), 10_000)
    code = chain.refusal(NOBODY, "Multisig.as_multi", 2, [ALICE], None, pay(chain), ENOUGH)
    assert code == "balances.insufficient_balance"


# --- a threshold of one


def test_one_of_two(chain: Chain) -> None:
    account = multisig_account([ALICE, BOB], 1)
    chain.submit(DAVE, "Balances.transfer_allow_death", Id(account), 10_000)
    events = chain.submit(BOB, "Multisig.as_multi_threshold_1", [ALICE], pay(chain))
    assert events == [("Balances.Transfer", account, DAVE, 1_000)]
    code = chain.refusal(ALICE, "Multisig.as_multi_threshold_1", [BOB], pay(chain, 10_000))
    assert code == "token.funds_unavailable"


@pytest.mark.parametrize(("threshold", "signatories", "code"), SIGNATORIES[2:])
def test_refused_signatories_of_one(chain: Chain, threshold: int, signatories: list[bytes], code: str) -> None:
    assert chain.refusal(ALICE, "Multisig.as_multi_threshold_1", signatories, pay(chain)) == code


# --- the record


def test_cancelling(chain: Chain) -> None:
    approve(chain, BOB, pay(chain))
    call_hash = hash_of(chain, pay(chain))
    refused = [
        (ALICE, START, call_hash, "not_owner"),
        (BOB, Timepoint(1, 5), call_hash, "wrong_timepoint"),
        (BOB, START, bytes(32), "not_found"),
    ]
    for who, when, subject, code in refused:
        found = chain.refusal(who, "Multisig.cancel_as_multi", 2, others(who), when, subject)
        assert found == f"multisig.{code}"
    assert chain.submit(BOB, "Multisig.cancel_as_multi", 2, others(BOB), START, call_hash) == [
        ("Balances.Unreserved", BOB, DEPOSIT),
        ("Multisig.MultisigCancelled", BOB, START, SHARED, call_hash),
    ]
    assert chain.free(BOB) == FUNDS


@pytest.mark.parametrize(("factor", "moved"), [(FACTOR + 5, "Reserved"), (FACTOR - 5, "Unreserved")])
def test_poking_follows_the_price(chain: Chain, factor: int, moved: str) -> None:
    approve(chain, BOB, pay(chain))
    call_hash = hash_of(chain, pay(chain))
    poke = ("Multisig.poke_deposit", 2, others(BOB), call_hash)
    assert chain.submit(BOB, *poke) == []
    assert chain.post.pays_fee is Pays.Yes
    chain.runtime.multisig.deposit_factor = factor
    price = BASE + 2 * factor
    assert chain.submit(BOB, *poke) == [
        (f"Balances.{moved}", BOB, 10),
        ("Multisig.DepositPoked", BOB, call_hash, DEPOSIT, price),
    ]
    assert chain.post.pays_fee is Pays.No
    assert chain.reserved(BOB) == price
    assert chain.refusal(ALICE, "Multisig.poke_deposit", 2, others(ALICE), call_hash) == "multisig.not_owner"
    assert chain.refusal(BOB, "Multisig.poke_deposit", 2, others(BOB), bytes(32)) == "multisig.not_found"


# --- the rest


def test_weights(chain: Chain) -> None:
    call = pay(chain)
    size = len(chain.runtime.codec(RuntimeCall).encode(call))
    inner = chain.runtime.info_of(call).weight

    def declared(name: str, *args: Any) -> Weight:
        return chain.runtime.info_of(chain.call(f"Multisig.{name}", *args)).weight

    complete = weight(27_781_118 + 2 * 446_201 + 1_355 * size, 2, 2)
    assert declared("as_multi", 2, others(BOB), None, call, Weight(77, 0)) == complete + Weight(77, 0)
    create = weight(26_118_754 + 2 * 381_048, 1, 1)
    assert declared("approve_as_multi", 2, others(BOB), None, bytes(32), Weight(77, 0)) == create + Weight(77, 0)
    assert declared("as_multi_threshold_1", [ALICE], call) == weight(8_153_031, 1, 1) + inner
    assert declared("cancel_as_multi", 2, others(BOB), START, bytes(32)) == weight(26_522_830 + 2 * 316_901, 1, 1)
    approve(chain, BOB, call)
    assert chain.post.actual_weight == weight(26_836_209 + 2 * 366_532 + 1_207 * size, 1, 1)


@pytest.mark.parametrize(
    ("call", "args"),
    [
        ("Multisig.as_multi_threshold_1", ([BOB], None)),
        ("Multisig.as_multi", (2, [BOB], None, None, ENOUGH)),
        ("Multisig.approve_as_multi", (2, [BOB], None, bytes(32), ENOUGH)),
        ("Multisig.cancel_as_multi", (2, [BOB], START, bytes(32))),
        ("Multisig.poke_deposit", (2, [BOB], bytes(32))),
    ],
)
def test_origins(chain: Chain, call: str, args: tuple[Any, ...]) -> None:
    if call.startswith("Multisig.as_multi"):
        at = len(args) - (1 if call.endswith("_1") else 2)
        args = (*args[:at], pay(chain), *args[at + 1 :])
    assert chain.refusal(ROOT, call, *args) == "dispatch.bad_origin"


def test_storage_key_and_value(chain: Chain) -> None:
    approve(chain, BOB, pay(chain))
    call_hash = hash_of(chain, pay(chain))
    key = chain.runtime.multisig.multisigs.key_of(SHARED, call_hash)
    assert key.hex().startswith("7474449cca95dc5d0c00e71735a6d17d")
    assert (key[40:72], key[88:]) == (SHARED, call_hash)
    value = chain.runtime.state.get(key)
    assert value == bytes.fromhex("0100000004000000") + DEPOSIT.to_bytes(16, "little") + BOB + b"\x04" + BOB


MEMBERS = st.sampled_from([ALICE, BOB, CHARLIE])


@given(st.lists(st.tuples(st.sampled_from(["call", "hash", "cancel"]), MEMBERS, st.integers(1, 3)), max_size=15))
@settings(max_examples=40, deadline=None)
def test_deposits_last_as_long_as_records(steps: list[tuple[str, bytes, int]]) -> None:
    chain = Chain()
    chain.submit(DAVE, "Balances.transfer_allow_death", Id(SHARED), 5_000)
    for kind, who, value in steps:
        call = pay(chain, value)
        known = chain.runtime.multisig.multisigs.get(SHARED, hash_of(chain, call))
        when = known.when if known else None
        try:
            if kind == "call":
                approve(chain, who, call, when)
            elif kind == "hash":
                approve_hash(chain, who, hash_of(chain, call), when)
            else:
                chain.submit(who, "Multisig.cancel_as_multi", 2, others(who), when or START, hash_of(chain, call))
        except DispatchFailure as failure:
            assert failure.code in {"multisig.already_approved", "multisig.not_found", "multisig.not_owner"}
        records = [op for _, op in chain.runtime.multisig.multisigs.items_under(SHARED)]
        for account in (ALICE, BOB, CHARLIE):
            held = sum(op.deposit for op in records if op is not None and op.depositor == account)
            assert chain.reserved(account) == held
            assert chain.free(account) + held == FUNDS
        assert all(op is not None and op.approvals == sorted(set(op.approvals)) for op in records)
