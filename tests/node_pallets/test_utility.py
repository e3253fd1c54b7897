from __future__ import annotations

from functools import reduce
from typing import Any

import pytest

from integritee.crypto import blake2_256
from integritee.frame.errors import BadOrigin, Module, ModuleError, Token, TokenError
from integritee.frame.origin import Unsigned
from integritee.frame.outer import RuntimeCall
from integritee.frame.weights import DispatchClass, Weight, weight
from integritee.node.pallets.utility import (
    AsNone,
    AsRoot,
    AsSigned,
    OriginCaller,
    SystemOrigin,
    derivative_account,
)
from integritee.primitives.ids import Id
from integritee.scale import DecodeError, Err, Ok, encode
from integritee.scale.errors import TooDeep

from .small_runtime import ALICE, BOB, CHARLIE, FUNDS, NOBODY, ROOT, Chain

UNAVAILABLE = Token(TokenError.FundsUnavailable)
FILTERED = Module(ModuleError(0, b"\x05\0\0\0"))
DONE, COMPLETE = ("Utility.ItemCompleted",), ("Utility.BatchCompleted",)
BATCHES = ["Utility.batch", "Utility.batch_all", "Utility.force_batch"]


def pay(chain: Chain, value: int = 1_000, to: bytes = CHARLIE) -> RuntimeCall:
    return chain.call("Balances.transfer_keep_alive", Id(to), value)


def paid(value: int = 1_000, source: bytes = ALICE) -> tuple[Any, ...]:
    return "Balances.Transfer", source, CHARLIE, value


# --- batches


@pytest.mark.parametrize("batch", BATCHES)
def test_a_batch_that_succeeds(chain: Chain, batch: str) -> None:
    events = chain.submit(ALICE, batch, [pay(chain, 1), pay(chain, 2)])
    assert events == [paid(1), DONE, paid(2), DONE, COMPLETE]


@pytest.mark.parametrize("batch", BATCHES)
def test_an_empty_batch_succeeds(chain: Chain, batch: str) -> None:
    assert chain.submit(ALICE, batch, []) == [COMPLETE]


def test_a_failure_ends_a_batch_and_keeps_what_was_done(chain: Chain) -> None:
    events = chain.submit(ALICE, "Utility.batch", [pay(chain), pay(chain, FUNDS), pay(chain, 7)])
    assert events == [paid(), DONE, ("Utility.BatchInterrupted", 1, UNAVAILABLE)]
    assert chain.free(ALICE) == FUNDS - 1_000


def test_a_failure_undoes_all_of_batch_all(chain: Chain) -> None:
    assert chain.refusal(ALICE, "Utility.batch_all", [pay(chain), pay(chain, FUNDS)]) == "token.funds_unavailable"
    assert chain.free(ALICE) == FUNDS


def test_a_failure_does_not_stop_force_batch(chain: Chain) -> None:
    events = chain.submit(ALICE, "Utility.force_batch", [pay(chain, FUNDS + 1), pay(chain)])
    assert events == [
        ("Utility.ItemFailed", UNAVAILABLE),
        paid(),
        DONE,
        ("Utility.BatchCompletedWithErrors",),
    ]


@pytest.mark.parametrize("batch", BATCHES)
def test_batches_are_bounded_and_signed(chain: Chain, batch: str) -> None:
    chain.runtime.utility.batched_calls_limit = 2
    assert chain.refusal(ALICE, batch, [pay(chain)] * 3) == "utility.too_many_calls"
    assert chain.refusal(Unsigned(), batch, []) == "dispatch.bad_origin"


def test_batch_all_does_not_nest_however_deep(chain: Chain) -> None:
    inner = chain.call("Utility.batch_all", [pay(chain)])
    assert chain.refusal(ALICE, "Utility.batch_all", [inner]) == "system.call_filtered"
    events = chain.submit(ALICE, "Utility.batch_all", [chain.call("Utility.batch", [inner])])
    assert events == [("Utility.BatchInterrupted", 0, FILTERED), DONE, COMPLETE]
    assert chain.submit(ROOT, "Utility.batch_all", [chain.call("Utility.batch_all", [])])
    assert chain.submit(ALICE, "Utility.batch", [inner])[0] == paid()


def test_events_of_failed_members_are_gone(chain: Chain) -> None:
    """A call that fails after having deposited events, in a batch that goes on."""
    failing = chain.call("Utility.batch_all", [pay(chain), pay(chain, FUNDS)])
    assert chain.submit(ALICE, "Utility.batch", [failing]) == [("Utility.BatchInterrupted", 0, UNAVAILABLE)]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda chain, c: chain.call("Utility.batch", [c]),
        lambda chain, c: chain.call("Utility.as_derivative", 0, c),
        lambda chain, c: chain.call("Proxy.proxy", Id(ALICE), None, c),
    ],
)
def test_bombs_of_nested_calls_do_not_decode(chain: Chain, wrap: Any) -> None:
    codec = chain.runtime.codec(RuntimeCall)
    nested = reduce(lambda call, _: wrap(chain, call), range(80), pay(chain))
    with pytest.raises(TooDeep):
        codec.decode(codec.encode(nested))
    tolerable = reduce(lambda call, _: wrap(chain, call), range(8), pay(chain))
    assert codec.decode(codec.encode(tolerable)) == tolerable


def test_a_bomb_of_counts_does_not_decode(chain: Chain) -> None:
    with pytest.raises(DecodeError):
        chain.runtime.codec(RuntimeCall).decode(bytes([9, 0]) + b"\xfe\xff\xff\xff" + bytes(100))


# --- what batches cost


@pytest.mark.parametrize(
    ("batch", "base", "each"),
    [
        ("Utility.batch", 38_079_501, 2_558_984),
        ("Utility.batch_all", 4_211_000, 3_007_103),
        ("Utility.force_batch", 10_933_973, 2_643_248),
    ],
)
def test_weights_add_up(chain: Chain, batch: str, base: int, each: int) -> None:
    one = chain.runtime.info_of(pay(chain)).weight
    info = chain.runtime.info_of(chain.call(batch, [pay(chain), pay(chain)]))
    assert info.weight == weight(base + 2 * each) + one + one
    chain.submit(ALICE, batch, [pay(chain), pay(chain)])
    assert chain.post.actual_weight == info.weight


def test_what_was_not_run_is_not_paid(chain: Chain) -> None:
    one = chain.runtime.info_of(pay(chain)).weight
    chain.submit(ALICE, "Utility.batch", [pay(chain, FUNDS), pay(chain), pay(chain)])
    assert chain.post.actual_weight == weight(38_079_501 + 2_558_984) + one


def test_class_of_batches(chain: Chain) -> None:
    special = chain.call("Timestamp.set", 1)
    for calls, expected in (
        ([pay(chain)], DispatchClass.Normal),
        ([special], DispatchClass.Operational),
        ([special, pay(chain)], DispatchClass.Normal),
    ):
        assert chain.runtime.info_of(chain.call("Utility.batch", calls)).class_ is expected
    for name, args, expected in (
        ("as_derivative", (0, special), DispatchClass.Mandatory),
        ("if_else", (special, special), DispatchClass.Mandatory),
        ("if_else", (special, pay(chain)), DispatchClass.Normal),
    ):
        assert chain.runtime.info_of(chain.call(f"Utility.{name}", *args)).class_ is expected


# --- one call or another


def test_if_else(chain: Chain) -> None:
    one = chain.runtime.info_of(pay(chain)).weight
    assert chain.submit(ALICE, "Utility.if_else", pay(chain, 1), pay(chain, 2)) == [
        paid(1),
        ("Utility.IfElseMainSuccess",),
    ]
    assert chain.post.actual_weight == weight(7_067_000) + one
    assert chain.submit(ALICE, "Utility.if_else", pay(chain, FUNDS), pay(chain, 2)) == [
        paid(2),
        ("Utility.IfElseFallbackCalled", UNAVAILABLE),
    ]
    assert chain.post.actual_weight == weight(7_067_000) + one + one
    both = ("Utility.if_else", pay(chain, 1 << 100), pay(chain, FUNDS))
    assert chain.refusal(ALICE, *both) == "token.funds_unavailable"
    assert chain.refusal(Unsigned(), *both) == "dispatch.bad_origin"


# --- under another name


def test_sub_accounts(chain: Chain) -> None:
    sub = derivative_account(ALICE, 3)
    assert sub == blake2_256(b"modlpy/utilisuba" + ALICE + b"\x03\0")
    chain.submit(BOB, "Balances.transfer_allow_death", Id(sub), 5_000)
    assert chain.submit(ALICE, "Utility.as_derivative", 3, pay(chain)) == [paid(1_000, sub)]
    assert chain.post.actual_weight == weight(3_847_000, 1, 1) + chain.runtime.info_of(pay(chain)).weight
    assert chain.refusal(ALICE, "Utility.as_derivative", 4, pay(chain)) == "token.funds_unavailable"
    assert chain.refusal(ROOT, "Utility.as_derivative", 3, pay(chain)) == "dispatch.bad_origin"


@pytest.mark.parametrize(
    ("caller", "result"),
    [
        (AsSigned(ALICE), Ok(None)),
        (AsSigned(NOBODY), Err(UNAVAILABLE)),
        (AsRoot(), Err(BadOrigin())),
        (AsNone(), Err(BadOrigin())),
    ],
)
def test_root_speaks_for_anyone(chain: Chain, caller: Any, result: Any) -> None:
    events = chain.submit(ROOT, "Utility.dispatch_as", SystemOrigin(caller), pay(chain))
    assert events[-1] == ("Utility.DispatchedAs", result)
    if isinstance(result, Ok):
        assert chain.submit(ROOT, "Utility.dispatch_as_fallible", SystemOrigin(caller), pay(chain))[-1] == events[-1]
    else:
        code = chain.refusal(ROOT, "Utility.dispatch_as_fallible", SystemOrigin(caller), pay(chain))
        assert code in {"token.funds_unavailable", "dispatch.bad_origin"}


def test_origins_as_calls_name_them() -> None:
    assert encode(OriginCaller, SystemOrigin(AsRoot())) == b"\0\0"
    assert encode(OriginCaller, SystemOrigin(AsSigned(ALICE))) == b"\0\1" + ALICE
    assert encode(OriginCaller, SystemOrigin(AsNone())) == b"\0\2"


def test_root_states_a_weight(chain: Chain) -> None:
    mint = chain.call("Balances.force_set_balance", Id(NOBODY), 9_999)
    call = chain.call("Utility.with_weight", mint, Weight(123, 4))
    assert chain.runtime.info_of(call).weight == Weight(123, 4)
    chain.submit(ROOT, "Utility.with_weight", mint, Weight(123, 4))
    assert chain.free(NOBODY) == 9_999
    assert chain.refusal(ROOT, "Utility.with_weight", pay(chain), Weight(1, 1)) == "dispatch.bad_origin"


@pytest.mark.parametrize("name", ["dispatch_as", "dispatch_as_fallible", "with_weight"])
def test_only_root_speaks_for_others(chain: Chain, name: str) -> None:
    args = (pay(chain), Weight()) if name == "with_weight" else (SystemOrigin(AsRoot()), pay(chain))
    assert chain.refusal(ALICE, f"Utility.{name}", *args) == "dispatch.bad_origin"
