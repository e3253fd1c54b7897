from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.crypto import blake2_256
from integritee.frame.errors import (
    Arithmetic,
    ArithmeticError_,
    DispatchFailure,
    Module,
    ModuleError,
    Token,
    TokenError,
)
from integritee.frame.origin import Signed, Unsigned
from integritee.frame.outer import RuntimeCall
from integritee.frame.weights import Pays, weight
from integritee.node.pallets.multisig import Timepoint
from integritee.node.pallets.proxy import Announcement, DepositKind, ProxyDefinition, ProxyType, pure_account
from integritee.primitives.ids import Id, Raw
from integritee.scale import Err, Ok

from .small_runtime import ALICE, BOB, CHARLIE, DAVE, FUNDS, NOBODY, ROOT, Chain

BASE, FACTOR, ANNOUNCED = 20_008_000_000_000, 33_000_000_000, 66_000_000_000
FILTERED = Err(Module(ModuleError(0, b"\x05\0\0\0")))
"""System.CallFiltered."""
DONE = ("Proxy.ProxyExecuted", Ok(None))


def add(
    chain: Chain, real: bytes, delegate: bytes, kind: ProxyType = ProxyType.Any, delay: int = 0
) -> list[tuple[Any, ...]]:
    return chain.submit(real, "Proxy.add_proxy", Id(delegate), kind, delay)


def pay(chain: Chain, value: int = 1_000) -> RuntimeCall:
    return chain.call("Balances.transfer_keep_alive", Id(CHARLIE), value)


def act(chain: Chain, delegate: bytes, call: RuntimeCall, kind: ProxyType | None = None) -> list[tuple[Any, ...]]:
    return chain.submit(delegate, "Proxy.proxy", Id(ALICE), kind, call)


def hash_of(chain: Chain, call: RuntimeCall) -> bytes:
    return blake2_256(chain.runtime.codec(RuntimeCall).encode(call))


# --- delegates


def test_the_first_proxy_costs_20_041_teer(chain: Chain) -> None:
    events = add(chain, ALICE, BOB)
    assert events == [
        ("Balances.Reserved", ALICE, 20_041_000_000_000),
        ("Proxy.ProxyAdded", ALICE, BOB, ProxyType.Any, 0),
    ]
    info = chain.runtime.system.account.get(ALICE)
    assert (info.data.free, info.data.reserved, info.consumers) == (FUNDS - BASE - FACTOR, BASE + FACTOR, 1)


def test_proxies_are_kept_in_order(chain: Chain) -> None:
    for delegate, kind, delay in ((DAVE, 0, 0), (BOB, 1, 0), (BOB, 0, 7), (BOB, 0, 0)):
        add(chain, ALICE, delegate, ProxyType(kind), delay)
    kept, held = chain.runtime.proxy.proxies.get(ALICE)
    assert kept == [
        ProxyDefinition(BOB, ProxyType.Any, 0),
        ProxyDefinition(BOB, ProxyType.Any, 7),
        ProxyDefinition(BOB, ProxyType.NonTransfer, 0),
        ProxyDefinition(DAVE, ProxyType.Any, 0),
    ]
    assert held == chain.reserved(ALICE) == BASE + 4 * FACTOR


def test_refused_proxies(chain: Chain) -> None:
    add(chain, ALICE, BOB)
    refused = [
        (("Proxy.add_proxy", Id(ALICE), ProxyType.Any, 0), "proxy.no_self_proxy"),
        (("Proxy.add_proxy", Id(BOB), ProxyType.Any, 0), "proxy.duplicate"),
        (("Proxy.add_proxy", Raw(b"x"), ProxyType.Any, 0), "dispatch.cannot_lookup"),
        (("Proxy.remove_proxy", Id(BOB), ProxyType.Any, 1), "proxy.not_found"),
        (("Proxy.remove_proxy", Id(CHARLIE), ProxyType.Any, 0), "proxy.not_found"),
    ]
    for call, code in refused:
        assert chain.refusal(ALICE, *call) == code
    assert chain.refusal(NOBODY, "Proxy.add_proxy", Id(BOB), ProxyType.Any, 0) == "balances.insufficient_balance"


def test_there_are_32_proxies_at_most(chain: Chain) -> None:
    for i in range(32):
        add(chain, ALICE, bytes([i]) * 32)
    assert chain.refusal(ALICE, "Proxy.add_proxy", Id(BOB), ProxyType.Any, 0) == "proxy.too_many"


def test_removing_returns_the_deposit(chain: Chain) -> None:
    add(chain, ALICE, BOB)
    add(chain, ALICE, CHARLIE)
    events = chain.submit(ALICE, "Proxy.remove_proxy", Id(BOB), ProxyType.Any, 0)
    assert events == [
        ("Balances.Unreserved", ALICE, FACTOR),
        ("Proxy.ProxyRemoved", ALICE, BOB, ProxyType.Any, 0),
    ]
    chain.submit(ALICE, "Proxy.remove_proxy", Id(CHARLIE), ProxyType.Any, 0)
    assert not chain.runtime.proxy.proxies.contains(ALICE)
    assert chain.free(ALICE) == FUNDS


def test_removing_all(chain: Chain) -> None:
    add(chain, ALICE, BOB)
    add(chain, ALICE, CHARLIE)
    assert chain.submit(ALICE, "Proxy.remove_proxies") == [("Balances.Unreserved", ALICE, BASE + 2 * FACTOR)]
    assert chain.submit(ALICE, "Proxy.remove_proxies") == []
    assert chain.free(ALICE) == FUNDS


# --- acting


def test_a_proxy_acts_for_the_account(chain: Chain) -> None:
    add(chain, ALICE, BOB)
    assert act(chain, BOB, pay(chain)) == [("Balances.Transfer", ALICE, CHARLIE, 1_000), DONE]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (FUNDS - 1, Token(TokenError.FundsUnavailable)),
        (1 << 120, Arithmetic(ArithmeticError_.Underflow)),
    ],
)
def test_it_succeeds_even_if_the_call_inside_fails(chain: Chain, value: int, error: Any) -> None:
    add(chain, ALICE, BOB)
    assert act(chain, BOB, pay(chain, value)) == [("Proxy.ProxyExecuted", Err(error))]


@pytest.mark.parametrize(("kind", "found"), [(None, True), (ProxyType.Any, True), (ProxyType.NonTransfer, False)])
def test_the_type_may_be_insisted_on(chain: Chain, kind: ProxyType | None, found: bool) -> None:
    add(chain, ALICE, BOB)
    if found:
        assert act(chain, BOB, pay(chain), kind)[-1] == DONE
    else:
        assert chain.refusal(BOB, "Proxy.proxy", Id(ALICE), kind, pay(chain)) == "proxy.not_proxy"


def test_strangers_and_those_who_must_announce_do_not_act(chain: Chain) -> None:
    add(chain, ALICE, BOB, delay=1)
    assert chain.refusal(BOB, "Proxy.proxy", Id(ALICE), None, pay(chain)) == "proxy.unannounced"
    assert chain.refusal(CHARLIE, "Proxy.proxy", Id(ALICE), None, pay(chain)) == "proxy.not_proxy"


def test_weight_includes_the_call(chain: Chain) -> None:
    inner = chain.runtime.info_of(pay(chain)).weight
    outer = chain.runtime.info_of(chain.call("Proxy.proxy", Id(ALICE), None, pay(chain))).weight
    assert outer == inner + weight(15_562_885, 2, 1)


# --- permissions

REMARK = ("System.remark", b"")
PAY = ("Balances.transfer_keep_alive", Id(CHARLIE), 1_000)
REJECT = ("Proxy.reject_announcement", Id(BOB), bytes(32))


@pytest.mark.parametrize(
    ("kind", "call", "allowed"),
    [
        (ProxyType.Any, PAY, True),
        (ProxyType.NonTransfer, PAY, False),
        (ProxyType.NonTransfer, REMARK, True),
        (ProxyType.NonTransfer, ("Multisig.cancel_as_multi", 2, [], Timepoint(1, 0), bytes(32)), True),
        (ProxyType.NonTransfer, ("Utility.batch", []), False),
        (ProxyType.NonTransfer, ("Teerex.unregister_sovereign_enclave", BOB), False),
        (ProxyType.NonTransfer, ("Proxy.add_proxy", Id(DAVE), ProxyType.Governance, 0), True),
        (ProxyType.NonTransfer, ("Proxy.add_proxy", Id(DAVE), ProxyType.NonTransfer, 0), True),
        (ProxyType.NonTransfer, ("Proxy.add_proxy", Id(DAVE), ProxyType.Any, 0), False),
        (ProxyType.NonTransfer, ("Proxy.remove_proxy", Id(DAVE), ProxyType.Any, 0), False),
        (ProxyType.NonTransfer, ("Proxy.remove_proxies",), False),
        (ProxyType.NonTransfer, ("Proxy.kill_pure", Id(DAVE), ProxyType.Any, 0, 1, 1), False),
        (ProxyType.Any, ("Proxy.remove_proxies",), True),
        (ProxyType.Any, ("Proxy.add_proxy", Id(DAVE), ProxyType.Any, 0), True),
        (ProxyType.Governance, REMARK, False),
        (ProxyType.Governance, ("Proxy.add_proxy", Id(DAVE), ProxyType.Governance, 0), False),
        (ProxyType.CancelProxy, REJECT, True),
        (ProxyType.CancelProxy, ("Proxy.remove_announcement", Id(BOB), bytes(32)), False),
        (ProxyType.CancelProxy, PAY, False),
    ],
)
def test_what_proxies_may_do(chain: Chain, kind: ProxyType, call: Any, allowed: bool) -> None:
    add(chain, ALICE, BOB, kind)
    result = act(chain, BOB, chain.call(*call))[-1][1]
    assert (result != FILTERED) is allowed


def test_only_treasury_calls_are_governance() -> None:
    spend = RuntimeCall("Treasury", 30, None, ())  # type: ignore[arg-type]
    assert ProxyType.Governance.permits(spend)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda chain, call: chain.call("Utility.batch", [call]),
        lambda chain, call: chain.call("Utility.force_batch", [call]),
        lambda chain, call: chain.call("Utility.batch", [chain.call("Utility.batch_all", [call])]),
        lambda chain, call: chain.call("Utility.batch", [chain.call("Utility.as_derivative", 0, call)]),
        lambda chain, call: chain.call("Utility.batch", [chain.call("Utility.if_else", call, call)]),
    ],
)
def test_restrictions_hold_however_the_call_is_wrapped(chain: Chain, wrap: Any) -> None:
    no_transfers = Signed(ALICE).restricted(lambda call: call.pallet != "Balances")
    wrapped = wrap(chain, pay(chain))
    events = chain.submit(no_transfers, f"{wrapped.pallet}.{wrapped.function}", *wrapped.args)
    assert FILTERED.error in events[0]
    assert chain.free(CHARLIE) == FUNDS
    assert chain.submit(ALICE, f"{wrapped.pallet}.{wrapped.function}", *wrapped.args)


def test_a_proxy_of_a_proxy_has_the_permissions_of_the_latter(chain: Chain) -> None:
    """Each step is a new authentication, as upstream."""
    add(chain, ALICE, BOB, ProxyType.NonTransfer)
    add(chain, DAVE, ALICE, ProxyType.Any)
    events = act(chain, BOB, chain.call("Proxy.proxy", Id(DAVE), None, pay(chain)))
    assert events == [("Balances.Transfer", DAVE, CHARLIE, 1_000), DONE, DONE]


# --- announcements


def test_an_announced_call_waits_for_its_delay(chain: Chain) -> None:
    add(chain, ALICE, BOB, delay=3)
    call = pay(chain)
    events = chain.submit(BOB, "Proxy.announce", Id(ALICE), hash_of(chain, call))
    assert events == [
        ("Balances.Reserved", BOB, BASE + ANNOUNCED),
        ("Proxy.Announced", ALICE, BOB, hash_of(chain, call)),
    ]
    assert chain.runtime.proxy.announcements.get(BOB)[0] == [Announcement(ALICE, hash_of(chain, call), 1)]
    announced = ("Proxy.proxy_announced", Id(BOB), Id(ALICE), None, call)
    chain.enter(3)
    assert chain.refusal(DAVE, *announced) == "proxy.unannounced"
    chain.enter(4)
    assert chain.submit(DAVE, *announced) == [
        ("Balances.Unreserved", BOB, BASE + ANNOUNCED),
        ("Balances.Transfer", ALICE, CHARLIE, 1_000),
        DONE,
    ]
    assert chain.refusal(DAVE, *announced) == "proxy.unannounced"
    assert not chain.runtime.proxy.announcements.contains(BOB)


def test_only_the_announced_call_is_made(chain: Chain) -> None:
    add(chain, ALICE, BOB)
    chain.submit(BOB, "Proxy.announce", Id(ALICE), hash_of(chain, pay(chain)))
    code = chain.refusal(DAVE, "Proxy.proxy_announced", Id(BOB), Id(ALICE), None, pay(chain, 1_001))
    assert code == "proxy.unannounced"
    code = chain.refusal(DAVE, "Proxy.proxy_announced", Id(CHARLIE), Id(ALICE), None, pay(chain))
    assert code == "proxy.not_proxy"


def test_announcements_can_be_withdrawn_and_rejected(chain: Chain) -> None:
    add(chain, ALICE, BOB)
    for _ in range(2):
        chain.submit(BOB, "Proxy.announce", Id(ALICE), bytes(32))
    chain.submit(BOB, "Proxy.announce", Id(ALICE), b"\x01" * 32)
    assert chain.reserved(BOB) == BASE + 3 * ANNOUNCED
    chain.submit(BOB, "Proxy.remove_announcement", Id(ALICE), bytes(32))
    assert chain.reserved(BOB) == BASE + ANNOUNCED
    chain.submit(ALICE, "Proxy.reject_announcement", Id(BOB), b"\x01" * 32)
    assert chain.reserved(BOB) == 0


@pytest.mark.parametrize(
    ("who", "call", "code"),
    [
        (CHARLIE, ("Proxy.announce", Id(ALICE), bytes(32)), "proxy.not_proxy"),
        (BOB, ("Proxy.remove_announcement", Id(ALICE), b"\x01" * 32), "proxy.not_found"),
        (BOB, ("Proxy.remove_announcement", Id(CHARLIE), bytes(32)), "proxy.not_found"),
        (CHARLIE, ("Proxy.reject_announcement", Id(BOB), bytes(32)), "proxy.not_found"),
    ],
)
def test_refused_announcements(chain: Chain, who: bytes, call: Any, code: str) -> None:
    add(chain, ALICE, BOB)
    chain.submit(BOB, "Proxy.announce", Id(ALICE), bytes(32))
    assert chain.refusal(who, *call) == code


def test_there_are_32_announcements_at_most(chain: Chain) -> None:
    add(chain, ALICE, BOB)
    for _ in range(32):
        chain.submit(BOB, "Proxy.announce", Id(ALICE), bytes(32))
    assert chain.refusal(BOB, "Proxy.announce", Id(ALICE), bytes(32)) == "proxy.too_many"


# --- pure proxies


def test_a_pure_proxy_lives_and_dies(chain: Chain) -> None:
    chain.enter(7)
    events = chain.submit(ALICE, "Proxy.create_pure", ProxyType.Any, 0, 5, index=3)
    pure = pure_account(ALICE, ProxyType.Any, 5, 7, 3)
    assert events == [
        ("Balances.Reserved", ALICE, BASE + FACTOR),
        ("Proxy.PureCreated", pure, ALICE, ProxyType.Any, 5),
    ]
    chain.submit(BOB, "Balances.transfer_allow_death", Id(pure), 5_000)
    spent = chain.submit(ALICE, "Proxy.proxy", Id(pure), None, pay(chain))
    assert spent[0] == ("Balances.Transfer", pure, CHARLIE, 1_000)
    kill = ("Proxy.kill_pure", Id(ALICE), ProxyType.Any, 5, 7, 3)
    assert chain.refusal(ALICE, *kill) == "proxy.no_permission"
    events = chain.submit(ALICE, "Proxy.proxy", Id(pure), None, chain.call(*kill))
    assert events == [("Balances.Unreserved", ALICE, BASE + FACTOR), DONE]
    assert not chain.runtime.proxy.proxies.contains(pure)
    assert chain.free(ALICE) == FUNDS


def test_pure_accounts_are_hashes_of_their_origin() -> None:
    preimage = b"modlpy/proxy____" + ALICE + bytes([7, 0, 0, 0, 3, 0, 0, 0, 1, 5, 0])
    assert pure_account(ALICE, ProxyType.NonTransfer, 5, 7, 3) == blake2_256(preimage)


def test_the_same_pure_proxy_twice(chain: Chain) -> None:
    chain.submit(ALICE, "Proxy.create_pure", ProxyType.Any, 0, 0)
    assert chain.refusal(ALICE, "Proxy.create_pure", ProxyType.Any, 0, 0) == "proxy.duplicate"
    assert chain.submit(ALICE, "Proxy.create_pure", ProxyType.Any, 0, 1)


# --- deposits


def test_poking_follows_the_price(chain: Chain) -> None:
    add(chain, ALICE, BOB)
    add(chain, BOB, ALICE)
    chain.submit(ALICE, "Proxy.announce", Id(BOB), bytes(32))
    assert chain.submit(ALICE, "Proxy.poke_deposit") == []
    assert chain.post.pays_fee is Pays.Yes
    chain.runtime.proxy.proxy_deposit_factor = 2 * FACTOR
    chain.runtime.proxy.announcement_deposit_base = BASE - 5
    assert chain.submit(ALICE, "Proxy.poke_deposit") == [
        ("Balances.Reserved", ALICE, FACTOR),
        ("Proxy.DepositPoked", ALICE, DepositKind.Proxies, BASE + FACTOR, BASE + 2 * FACTOR),
        ("Balances.Unreserved", ALICE, 5),
        ("Proxy.DepositPoked", ALICE, DepositKind.Announcements, BASE + ANNOUNCED, BASE + ANNOUNCED - 5),
    ]
    assert chain.post.pays_fee is Pays.No
    assert chain.reserved(ALICE) == 2 * BASE + 2 * FACTOR + ANNOUNCED - 5


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("add_proxy"), st.sampled_from([BOB, CHARLIE]), st.sampled_from(ProxyType), st.integers(0, 1)
        ),
        st.tuples(
            st.just("remove_proxy"), st.sampled_from([BOB, CHARLIE]), st.sampled_from(ProxyType), st.integers(0, 1)
        ),
        st.tuples(st.sampled_from(["remove_proxies", "poke_deposit"])),
        st.tuples(st.just("announce"), st.sampled_from([BOB, CHARLIE])),
        st.tuples(st.just("remove_announcement"), st.sampled_from([BOB, CHARLIE])),
    ),
    max_size=25,
)


@given(STEPS)
@settings(max_examples=40, deadline=None)
def test_deposits_always_match_what_is_kept(steps: list[tuple[Any, ...]]) -> None:
    chain = Chain()
    for other in (BOB, CHARLIE):
        add(chain, other, ALICE)
    for name, *args in steps:
        wire = [Id(a) if isinstance(a, bytes) else a for a in args]
        if "announce" in name:
            wire.append(bytes(32))
        try:
            chain.submit(ALICE, f"Proxy.{name}", *wire)
        except DispatchFailure as failure:
            assert failure.code in {"proxy.duplicate", "proxy.not_found"}
        kept, held = chain.runtime.proxy.proxies.get(ALICE)
        pending, held_for_pending = chain.runtime.proxy.announcements.get(ALICE)
        assert held == (BASE + FACTOR * len(kept) if kept else 0)
        assert held_for_pending == (BASE + ANNOUNCED * len(pending) if pending else 0)
        assert chain.reserved(ALICE) == held + held_for_pending
        assert chain.free(ALICE) + chain.reserved(ALICE) == FUNDS
        assert kept == sorted(set(kept))


# --- the rest


@pytest.mark.parametrize(
    ("call", "args"),
    [
        ("Proxy.add_proxy", (Id(BOB), ProxyType.Any, 0)),
        ("Proxy.remove_proxy", (Id(BOB), ProxyType.Any, 0)),
        ("Proxy.remove_proxies", ()),
        ("Proxy.create_pure", (ProxyType.Any, 0, 0)),
        ("Proxy.kill_pure", (Id(BOB), ProxyType.Any, 0, 0, 0)),
        ("Proxy.announce", (Id(BOB), bytes(32))),
        ("Proxy.remove_announcement", (Id(BOB), bytes(32))),
        ("Proxy.reject_announcement", (Id(BOB), bytes(32))),
        ("Proxy.poke_deposit", ()),
    ],
)
@pytest.mark.parametrize("origin", [ROOT, Unsigned()])
def test_origins(chain: Chain, origin: Any, call: str, args: tuple[Any, ...]) -> None:
    assert chain.refusal(origin, call, *args) == "dispatch.bad_origin"


def test_storage_key_and_value(chain: Chain) -> None:
    add(chain, ALICE, BOB)
    proxies = chain.runtime.proxy.proxies
    assert proxies.prefix.hex() == "1809d78346727a0ef58c0fa03bafa323" + "1d885dcfb277f185f2d8e62a5f290c85"
    assert proxies.key_of(ALICE)[-32:] == ALICE
    assert len(proxies.key_of(ALICE)) == 32 + 8 + 32
    value = chain.runtime.state.get(proxies.key_of(ALICE))
    assert value == b"\x04" + BOB + b"\0" + bytes(4) + (BASE + FACTOR).to_bytes(16, "little")
