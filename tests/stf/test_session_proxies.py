"""Session proxies at work: which role opens what, until when, at whose cost, and who signs."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.crypto import KeyPair
from integritee.errors import IntegriteeError
from integritee.primitives.ids import ParentchainId
from integritee.primitives.signature import Ecdsa, sign
from integritee.stf.asset_map import AssetId
from integritee.stf.development import ROOT
from integritee.stf.operation import Trusted, TrustedCallSigned, TrustedGetterSigned
from integritee.stf.relayed_notes import KeptHere, NoteRelayType, RelayedNoteRequest
from integritee.stf.runtime import MAINTAINER
from integritee.stf.types import (
    AnyRole,
    NonTransfer,
    ReadAny,
    ReadBalance,
    SessionProxyCredentials,
    SessionProxyRole,
    TransferAllowance,
)

from .delegation import DEPOSIT, HER, ME, YOU, as_proxy, credentials, facts, grant, rich
from .kit import BOB, CHARLIE, DEVELOPMENT_LEDGER, ENCLAVE, EVE, FEE, NOW, ONE, SHARD, Bench, code

HERE = ParentchainId.Integritee

ROLES: dict[str, SessionProxyRole] = {
    "ReadBalance": ReadBalance(),
    "ReadAny": ReadAny(),
    "NonTransfer": NonTransfer(),
    "Any": AnyRole(),
    "TransferAllowance": TransferAllowance(50 * ONE),
}


@pytest.fixture
def bench() -> Bench:
    return rich()


# -- role × call

NOTE = RelayedNoteRequest(True, NoteRelayType.Here, "hi", None)

CALLS: dict[str, tuple[bytes, tuple[Any, ...], str]] = {
    "noop": (ME, (), "NonTransfer Any"),
    "timestamp_set": (ENCLAVE.public, (NOW, HERE), "Any"),
    "balance_transfer": (ME, (HER, ONE), "Any TransferAllowance"),
    "balance_unshield": (ME, (HER, ONE, SHARD), "Any"),
    "balance_shield": (ENCLAVE.public, (HER, ONE, HERE), "Any"),
    "balance_transfer_with_note": (ME, (HER, ONE, b"hi"), "Any TransferAllowance"),
    "balance_shield_through_enclave_bridge_pallet": (ENCLAVE.public, (HER, ONE), "Any"),
    "balance_unshield_through_enclave_bridge_pallet": (ME, (HER, ONE, SHARD), "Any"),
    "note_bloat": (MAINTAINER, (1,), "Any"),
    "waste_time": (MAINTAINER, (1,), "Any"),
    "spam_extrinsics": (MAINTAINER, (1, HERE), "Any"),
    "send_note": (ME, (HER, b"hi"), "NonTransfer Any"),
    "send_relayed_note": (ME, (HER, 1, NOTE), "NonTransfer Any"),
    "send_relayed_note_stripped": (ME, (HER, 1, KeptHere("hi")), "NonTransfer Any"),
    "add_session_proxy": (ME, (HER, credentials(ReadBalance())), ""),
    "remove_session_proxy": (ME, (YOU,), ""),
    "assets_transfer": (ME, (HER, AssetId.USDC, 10), "Any"),
    "assets_unshield": (ME, (HER, AssetId.USDC, 10, SHARD), "Any"),
    "assets_shield": (ENCLAVE.public, (HER, AssetId.USDC, 10, HERE), "Any"),
    "assets_transfer_with_note": (ME, (HER, AssetId.USDC, 10, b"hi"), "Any"),
    "force_unshield_all": (ENCLAVE.public, (ME, None), "Any"),
    "guess_the_number.set_winnings": (MAINTAINER, (ONE,), "NonTransfer Any"),
    "guess_the_number.push_by_one_day": (MAINTAINER, (), "NonTransfer Any"),
    "guess_the_number.guess": (ME, (7,), "NonTransfer Any"),
    "balance_set_balance": (ROOT, (HER, ONE, 0), "Any"),
}
"""Sender, further arguments, and the roles that open the call; the account itself may make every one."""

BRIDGE = {name for name in CALLS if "bridge" in name}


def test_every_call_is_in_the_table() -> None:
    assert set(CALLS) == set(DEVELOPMENT_LEDGER.calls)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", CALLS)
def test_role_and_call(name: str, role: str) -> None:
    """An open call succeeds; any other is refused before it costs anything."""
    sender, args, roles = CALLS[name]
    bench = rich()
    bench.runtime.run_hooks(1, NOW)
    if name in BRIDGE:
        bench.runtime.integritee.shard_vault.kill()
    bench.runtime.balances.mint(sender, ONE)
    bench.runtime.session_proxy.add_proxy(sender, YOU, credentials(ROLES[role]), DEPOSIT)
    before = bench.root()
    outcome = bench.act(BOB, bench.call(name, sender, *args))
    if role in roles.split():
        assert outcome.error is None
    else:
        assert (code(outcome), outcome.charged) == ("stf.role_too_small", False)
        expected = " or ".join(sorted(set(roles.split()) - {"TransferAllowance"})) or "the account itself"
        assert facts(outcome) == {"delegate": "0x" + YOU.hex(), "found": role, "expected": expected}
        assert bench.root() == before
    bench.check()


@pytest.mark.parametrize("name", CALLS)
def test_strangers_may_make_no_call(bench: Bench, name: str) -> None:
    sender, args, _ = CALLS[name]
    before = bench.root()
    outcome = bench.act(BOB, bench.call(name, sender, *args))
    assert (code(outcome), outcome.charged) == ("stf.missing_privileges", False)
    assert facts(outcome) == {"delegate": "0x" + YOU.hex()}
    assert bench.root() == before
    bench.check()


# -- role × getter

READERS = "ReadAny NonTransfer Any"
GETTERS: dict[str, tuple[tuple[Any, ...], str]] = {
    "account_info": ((), "ReadBalance " + READERS),
    "account_info_and_session_proxies": ((), READERS),
    "account_essentials": ((), READERS),
    "notes_for": ((0,), READERS),
    "asset_balance": ((AssetId.USDC,), READERS),
    "guess_the_number.attempts": ((), READERS),
}


def test_every_getter_is_in_the_table() -> None:
    assert set(GETTERS) == set(DEVELOPMENT_LEDGER.trusted_getters)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", GETTERS)
def test_role_and_getter(bench: Bench, name: str, role: str) -> None:
    args, roles = GETTERS[name]
    grant(bench, ROLES[role])
    if role in roles.split():
        assert bench.ask(BOB, name, ME, *args) == bench.ask(CHARLIE, name, ME, *args)
    else:
        with pytest.raises(IntegriteeError) as refused:
            bench.ask(BOB, name, ME, *args)
        expected = " or ".join(sorted(roles.split()))
        assert refused.value.code == "stf.role_too_small"
        assert refused.value.data() == {"delegate": "0x" + YOU.hex(), "found": role, "expected": expected}
    bench.check()


@pytest.mark.parametrize("name", GETTERS)
def test_strangers_are_told_nothing(bench: Bench, name: str) -> None:
    """Neither are proxies of others: BOB's rights over CHARLIE's account say nothing about EVE's."""
    grant(bench, AnyRole())
    with pytest.raises(IntegriteeError) as refused:
        bench.ask(BOB, name, HER, *GETTERS[name][0])
    assert refused.value.code == "stf.missing_privileges"
    bench.check()


# -- until when

NEVER = 2**64 - 1


@pytest.mark.parametrize(
    ("expiry", "now", "open_"),
    [
        (None, 0, True),
        (None, NEVER, True),
        (NOW, NOW - 1, True),
        (NOW, NOW, False),
        (NOW, NOW + 1, False),
        (0, 0, False),
        (NEVER, NEVER - 1, True),
        (NEVER, NEVER, False),
    ],
)
def test_a_session_proxy_expires_on_time(bench: Bench, expiry: int | None, now: int, open_: bool) -> None:
    """Until the millisecond before its expiry, for calls and getters alike."""
    grant(bench, AnyRole(), expiry)
    outcome = as_proxy(bench, "noop", now=now)
    if open_:
        assert outcome.error is None
        assert bench.ask(BOB, "account_info", ME, now=now).nonce == 2
    else:
        expected = {"delegate": "0x" + YOU.hex(), "expiry": expiry, "now": now}
        assert (code(outcome), outcome.charged, facts(outcome)) == ("stf.session_proxy_expired", False, expected)
        with pytest.raises(IntegriteeError) as refused:
            bench.ask(BOB, "account_info", ME, now=now)
        assert (refused.value.code, refused.value.data()) == ("stf.session_proxy_expired", expected)
    bench.check()


def test_a_clock_that_goes_back_revives_nobody(bench: Bench) -> None:
    """What has expired by the time of the last block stays expired."""
    grant(bench, AnyRole(), NOW)
    bench.runtime.timestamp.now.put(NOW)
    with pytest.raises(IntegriteeError) as refused:
        bench.ask(BOB, "account_info", ME, now=NOW - 1)
    assert refused.value.data() == {"delegate": "0x" + YOU.hex(), "expiry": NOW, "now": NOW}
    assert code(as_proxy(bench, "noop", now=0)) == "stf.session_proxy_expired"
    bench.check()


def test_an_expired_proxy_keeps_its_deposit_until_it_is_removed(bench: Bench) -> None:
    grant(bench, AnyRole(), NOW)
    assert bench.runtime.balances.data(ME).reserved == DEPOSIT
    assert bench.run(CHARLIE, "remove_session_proxy", YOU).error is None
    assert bench.free(CHARLIE) == 100 * ONE - 2 * FEE
    bench.check()


def test_no_session_proxy_prolongs_its_own_life(bench: Bench) -> None:
    """Nor does it help another one into being, or take one away: that is up to the account."""
    grant(bench, AnyRole(), NOW + 1)
    for name, args in (
        ("add_session_proxy", (YOU, credentials(AnyRole()))),
        ("add_session_proxy", (HER, credentials(AnyRole()))),
        ("remove_session_proxy", (YOU,)),
    ):
        assert code(as_proxy(bench, name, *args)) == "stf.role_too_small"
    assert bench.runtime.session_proxy.credentials_of(ME) == [credentials(AnyRole(), NOW + 1)]
    bench.check()


@pytest.mark.parametrize("getter", ["account_essentials", "account_info_and_session_proxies"])
def test_a_session_proxy_sees_no_seed_but_its_own(bench: Bench, getter: str) -> None:
    """Clients find their key again by the seed; a proxy that may only read could become one that may do anything."""
    mine, hers = b"\x01" * 32, b"\x02" * 32
    for who, role, seed in ((YOU, ReadAny(), mine), (HER, AnyRole(), hers)):
        assert bench.run(CHARLIE, "add_session_proxy", who, SessionProxyCredentials(role, None, seed)).error is None

    def seen(pair: KeyPair) -> dict[type[SessionProxyRole], bytes]:
        return {type(c.role): c.seed for c in bench.ask(pair, getter, ME).session_proxies}

    assert seen(CHARLIE) == {ReadAny: mine, AnyRole: hers}
    assert seen(BOB) == {ReadAny: mine, AnyRole: bytes(32)}
    assert seen(EVE) == {ReadAny: bytes(32), AnyRole: hers}
    bench.check()


# -- coming and going


def test_the_deposit_is_reserved_and_comes_back(bench: Bench) -> None:
    grant(bench, AnyRole())
    data = bench.runtime.balances.data(ME)
    assert (data.free, data.reserved) == (100 * ONE - FEE - DEPOSIT, DEPOSIT)
    assert code(bench.run(CHARLIE, "balance_transfer", YOU, 100 * ONE - 2 * FEE - DEPOSIT + 1)) == "stf.missing_funds"
    assert bench.run(CHARLIE, "remove_session_proxy", YOU).error is None
    data = bench.runtime.balances.data(ME)
    assert (data.free, data.reserved) == (100 * ONE - 3 * FEE, 0)
    bench.check()


def test_a_removed_proxy_is_a_stranger(bench: Bench) -> None:
    grant(bench, AnyRole())
    assert as_proxy(bench, "noop").error is None
    assert bench.run(CHARLIE, "remove_session_proxy", YOU).error is None
    assert code(as_proxy(bench, "noop")) == "stf.missing_privileges"
    with pytest.raises(IntegriteeError) as refused:
        bench.ask(BOB, "account_info", ME)
    assert refused.value.code == "stf.missing_privileges"
    assert code(bench.run(CHARLIE, "remove_session_proxy", YOU)) == "session_proxy.not_proxy"
    bench.check()


def test_adding_again_replaces_role_and_expiry_for_one_deposit(bench: Bench) -> None:
    grant(bench, AnyRole(), NOW)
    grant(bench, NonTransfer(), NOW + 1)
    assert as_proxy(bench, "noop").error is None
    assert code(as_proxy(bench, "balance_transfer", HER, ONE)) == "stf.role_too_small"
    assert bench.runtime.balances.data(ME).reserved == DEPOSIT
    assert bench.ask(CHARLIE, "account_essentials", ME).session_proxies == [credentials(NonTransfer(), NOW + 1)]
    bench.check()


@pytest.mark.parametrize(
    ("funds", "count", "delegate", "expected"),
    [
        (FEE + DEPOSIT + 500, 0, YOU, None),
        (FEE + DEPOSIT + 499, 0, YOU, "dispatch.consumer_remaining"),
        (FEE + DEPOSIT - 1, 0, YOU, "balances.insufficient_balance"),
        (100 * ONE, 9, YOU, None),
        (100 * ONE, 10, YOU, "session_proxy.too_many_proxies"),
        (100 * ONE, 0, ME, "session_proxy.self_proxy_forbidden"),
    ],
)
def test_what_can_be_added(funds: int, count: int, delegate: bytes, expected: str | None) -> None:
    """Refusals cost the fee and leave the account's proxies as they were."""
    bench = Bench({CHARLIE: funds})
    for i in range(count):
        bench.runtime.session_proxy.add_proxy(ME, bytes([i]) * 32, credentials(ReadAny()), DEPOSIT)
    outcome = bench.run(CHARLIE, "add_session_proxy", delegate, credentials(AnyRole()))
    assert (code(outcome), outcome.charged) == (expected, True)
    assert len(bench.runtime.session_proxy.credentials_of(ME)) == count + (expected is None)
    assert bench.runtime.balances.data(ME).reserved == DEPOSIT * (count + (expected is None))
    bench.check()


# -- at whose cost


def test_nonce_and_fee_are_the_accounts(bench: Bench) -> None:
    grant(bench, AnyRole())
    free, nonce = bench.free(CHARLIE), bench.nonce(CHARLIE)
    assert as_proxy(bench, "balance_transfer", HER, ONE).error is None
    assert (bench.free(CHARLIE), bench.nonce(CHARLIE)) == (free - FEE - ONE, nonce + 1)
    assert not bench.runtime.system.account.get(YOU).exists()
    assert bench.nonce(BOB) == 0
    bench.check()


def test_owner_and_proxy_share_one_sequence_of_nonces(bench: Bench) -> None:
    grant(bench, AnyRole())
    call = bench.call("noop", ME)
    theirs, mine = bench.signed(BOB, call, 1), bench.signed(CHARLIE, call, 1)
    assert bench.execute(theirs).error is None
    assert code(bench.execute(mine)) == "stf.invalid_nonce"
    assert bench.execute(bench.signed(CHARLIE, call, 2)).error is None
    bench.check()


def test_the_delegates_own_account_is_its_own(bench: Bench) -> None:
    """What BOB signs for himself needs no role and touches CHARLIE in nothing."""
    grant(bench, ReadBalance())
    bench.runtime.balances.mint(YOU, ONE)
    assert bench.run(BOB, "balance_transfer", HER, ONE // 2).error is None
    assert (bench.nonce(BOB), bench.nonce(CHARLIE)) == (1, 1)
    bench.check()


# -- who signs


def test_only_the_proxy_that_is_named_signs(bench: Bench) -> None:
    grant(bench, AnyRole())
    call = bench.call("noop", ME)
    payload = bench.ledger.call_payload(call, 1, bench.executor.mrenclave, SHARD)
    for delegate, signature in (
        (YOU, sign(CHARLIE, payload)),
        (YOU, sign(EVE, payload)),
        (YOU, Ecdsa(bytes(65))),
        (None, sign(BOB, payload)),
        (HER, sign(BOB, payload)),
    ):
        assert code(bench.execute(TrustedCallSigned(call, 1, delegate, signature))) == "stf.invalid_signature"
    assert code(bench.execute(TrustedCallSigned(call, 1, HER, sign(EVE, payload)))) == "stf.missing_privileges"
    assert code(bench.execute(TrustedCallSigned(call, 1, ME, sign(CHARLIE, payload)))) == "stf.missing_privileges"
    wrapped = sign(BOB, b"<Bytes>" + payload + b"</Bytes>")
    assert bench.execute(TrustedCallSigned(call, 1, YOU, wrapped)).error is None
    bench.check()


def test_a_getter_is_signed_by_the_proxy_that_is_named(bench: Bench) -> None:
    grant(bench, AnyRole())
    signed = bench.ledger.sign_getter(bench.ledger.trusted_getter("account_info", ME), BOB)
    owners = bench.ledger.sign_getter(signed.getter, CHARLIE)
    for delegate, signature in ((YOU, owners.signature), (None, signed.signature), (HER, signed.signature)):
        with pytest.raises(IntegriteeError) as refused:
            bench.executor.query(Trusted(TrustedGetterSigned(signed.getter, delegate, signature)), NOW)
        assert refused.value.code == "stf.invalid_signature"
    assert bench.executor.query(Trusted(signed), NOW) is not None
    bench.check()


def test_refusals_have_codes_of_their_own(bench: Bench) -> None:
    """A stranger, an expired proxy, one whose role is too small, one whose allowance is: all are told apart."""
    transfer = bench.call("balance_transfer", ME, HER, 9 * ONE)
    found = [code(bench.act(BOB, transfer))]
    for role, expiry in ((AnyRole(), NOW), (ReadAny(), None), (TransferAllowance(9 * ONE), None)):
        grant(bench, role, expiry)
        found.append(code(bench.act(BOB, transfer)))
    assert found == [
        "stf.missing_privileges",
        "stf.session_proxy_expired",
        "stf.role_too_small",
        "stf.allowance_exceeded",
    ]
    bench.check()
