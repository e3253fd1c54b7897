"""Calls of those with authority: the maintainer's load tests, the sudo key of development ledgers, and its genesis."""

from __future__ import annotations

import time
from typing import Any

import pytest

from integritee.frame.pallets.system import AccountData, AccountInfo
from integritee.primitives.ids import ParentchainId
from integritee.primitives.storage import blake2_map_key
from integritee.scale import DecodeError, encode
from integritee.stf.asset_map import AssetId
from integritee.stf.chain_specs import CHAIN_SPECS
from integritee.stf.development import ROOT
from integritee.stf.effects import Delay, Remark
from integritee.stf.executor import Executor
from integritee.stf.operation import TrustedCall
from integritee.stf.runtime import ENCLAVE_ENDOWMENT, MAINTAINER
from integritee.stf.types import NoteString, ReadAny, SessionProxyCredentials

from .kit import (
    ALICE,
    BOB,
    CHARLIE,
    DEVELOPMENT_LEDGER,
    ENCLAVE,
    EVE,
    LEDGER,
    MRENCLAVE,
    ONE,
    SHARD,
    VAULT,
    Bench,
    code,
)

HERE, ELSEWHERE = ParentchainId.Integritee, ParentchainId.TargetA

# -- load tests of the maintainer


@pytest.mark.parametrize("kilobytes", [0, 1, 30, 1099])
def test_note_bloat_fills_buckets_by_the_kilobyte(kilobytes: int) -> None:
    """Two notes of 512 bytes each that nobody finds; no fee."""
    bench = Bench()
    outcome = bench.order("note_bloat", kilobytes)
    assert (outcome.error, outcome.effects) == (None, ())
    buckets = dict(bench.runtime.notes.buckets.items())
    assert sum(bucket.bytes_ for bucket in buckets.values() if bucket) == 1024 * kilobytes
    assert len(buckets) == -(-2 * kilobytes // 100)
    if kilobytes:
        note = bench.runtime.notes.notes.get(0, 2 * min(kilobytes, 50) - 1)
        assert note is not None
        assert note.note == NoteString(b"o" * 499)
    assert list(bench.runtime.notes.notes_lookup.items()) == []
    assert bench.nonce(MAINTAINER) == 1
    bench.check()


@pytest.mark.parametrize("milliseconds", [0, 1, 10_000])
def test_waste_time_is_the_authors_to_waste(milliseconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger does not sleep: the service idles, and answers getters meanwhile."""
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("the ledger slept"))
    bench = Bench()
    outcome = bench.order("waste_time", milliseconds)
    assert (outcome.error, outcome.effects) == (None, (Delay(milliseconds),))
    bench.check()


@pytest.mark.parametrize("parentchain", list(ParentchainId))
@pytest.mark.parametrize("number", [0, 1, 256])
def test_spam_is_remarks_of_146_bytes(number: int, parentchain: ParentchainId) -> None:
    bench = Bench()
    outcome = bench.order("spam_extrinsics", number, parentchain)
    assert outcome.error is None
    assert len(outcome.effects) == number
    for effect in outcome.effects:
        assert isinstance(effect, Remark)
        assert (effect.parentchain, len(effect.remark), effect.remark.isascii()) == (parentchain, 146, True)
    bench.check()


@pytest.mark.parametrize(
    ("name", "args", "limit", "unit"),
    [
        ("note_bloat", (1100,), 1099, "kB"),
        ("note_bloat", (2**32 - 1,), 1099, "kB"),
        ("waste_time", (10_001,), 10_000, "ms"),
        ("waste_time", (2**32 - 1,), 10_000, "ms"),
        ("spam_extrinsics", (257, HERE), 256, "extrinsics"),
        ("spam_extrinsics", (2**32 - 1, HERE), 256, "extrinsics"),
    ],
)
def test_load_has_limits(name: str, args: tuple[Any, ...], limit: int, unit: str) -> None:
    bench = Bench()
    outcome = bench.order(name, *args)
    assert outcome.error is not None
    assert (code(outcome), outcome.charged, outcome.effects) == ("stf.amount_too_large", True, ())
    assert outcome.error.data() == {"found": str(args[0]), "limit": str(limit), "unit": unit}
    assert list(bench.runtime.notes.buckets.items()) == []
    bench.check()


# -- who may

AUTHORITY: dict[str, tuple[str, tuple[Any, ...]]] = {
    "note_bloat": ("maintainer", (1,)),
    "waste_time": ("maintainer", (1,)),
    "spam_extrinsics": ("maintainer", (1, HERE)),
    "guess_the_number.set_winnings": ("maintainer", (1,)),
    "guess_the_number.push_by_one_day": ("maintainer", ()),
    "timestamp_set": ("enclave_signer", (1, HERE)),
    "balance_shield": ("enclave_signer", (EVE.public, ONE, HERE)),
    "balance_shield_through_enclave_bridge_pallet": ("enclave_signer", (EVE.public, ONE)),
    "assets_shield": ("enclave_signer", (EVE.public, AssetId.USDC, 1, HERE)),
    "force_unshield_all": ("enclave_signer", (EVE.public, None)),
    "balance_set_balance": ("root", (EVE.public, ONE, 0)),
}


def test_every_call_with_authority_is_in_the_table() -> None:
    calls = DEVELOPMENT_LEDGER.calls.items()
    assert set(AUTHORITY) == {name for name, call in calls if call.authority.value != "anyone"}


@pytest.mark.parametrize("name", AUTHORITY)
def test_only_the_authority_may(name: str) -> None:
    """Nobody else, other authorities included; the refusal costs nothing."""
    who, args = AUTHORITY[name]
    bench = Bench({CHARLIE: ONE}, DEVELOPMENT_LEDGER)
    for pair, is_it in ((CHARLIE, ""), (ENCLAVE, "enclave_signer"), (ALICE, "root")):
        if is_it == who:
            continue
        before = bench.root()
        outcome = bench.run(pair, name, *args)
        assert outcome.error is not None
        assert (code(outcome), outcome.charged) == (f"stf.require_{who}", False)
        assert outcome.error.data() == {"sender": "0x" + pair.public.hex()}
        assert bench.root() == before
    if who != "maintainer":
        assert code(bench.order(name, *args)) == f"stf.require_{who}"
    bench.check()


# -- where real money lives

ON_TEST_NETWORKS = ("note_bloat", "waste_time", "spam_extrinsics")


@pytest.mark.parametrize("genesis", CHAIN_SPECS, ids=lambda genesis: CHAIN_SPECS[genesis].name)
@pytest.mark.parametrize("name", ON_TEST_NETWORKS)
def test_no_load_tests_in_production(name: str, genesis: bytes) -> None:
    bench, spec = Bench(genesis_hash=genesis), CHAIN_SPECS[genesis]
    before = bench.root()
    outcome = bench.order(name, *AUTHORITY[name][1])
    if spec.production:
        assert outcome.error is not None
        assert (code(outcome), outcome.charged) == ("stf.not_in_production", False)
        assert outcome.error.data() == {"call": name, "chain": spec.name}
        assert bench.root() == before
    else:
        assert outcome.error is None
    bench.check()


def test_the_game_is_played_in_production_too() -> None:
    production = next(genesis for genesis, spec in CHAIN_SPECS.items() if spec.production)
    bench = Bench(genesis_hash=production)
    assert bench.order("guess_the_number.set_winnings", 7).error is None
    assert bench.read("guess_the_number.guess_the_number_info").winnings == 7
    barred = {name for name, call in LEDGER.calls.items() if not call.in_production}
    assert barred >= set(ON_TEST_NETWORKS)
    bench.check()


# -- the sudo key


@pytest.mark.parametrize(
    ("free", "expected"), [(0, 0), (1, 0), (499, 0), (500, 500), (7 * ONE, 7 * ONE), (2**100, 2**100)]
)
@pytest.mark.parametrize("who", [CHARLIE, EVE], ids=["alive", "unborn"])
def test_set_balance(who: Any, free: int, expected: int) -> None:
    """Too little to live on is nothing; what was reserved stays; the issuance follows, with nothing behind it."""
    bench = Bench({CHARLIE: ONE}, DEVELOPMENT_LEDGER)
    backed = bench.issued() - bench.runtime.shard_management.unbacked.get()
    before = bench.issued() - bench.free(who)
    outcome = bench.run(ALICE, "balance_set_balance", who.public, free, 123)
    assert outcome.error is None
    assert (bench.free(who), bench.runtime.balances.data(who.public).reserved) == (expected, 0)
    assert bench.issued() == before + expected
    assert bench.issued() - bench.runtime.shard_management.unbacked.get() == backed
    assert bench.free(ALICE) == 10**16
    assert len(bench.runtime.notes.notes_for(who.public, 0)) == 1
    bench.check()


def test_set_balance_leaves_accounts_with_deposits_alive() -> None:
    bench = Bench({CHARLIE: ONE}, DEVELOPMENT_LEDGER)
    bench.run(CHARLIE, "add_session_proxy", BOB.public, SessionProxyCredentials(ReadAny(), None, bytes(32)))
    reserved = bench.runtime.balances.data(CHARLIE.public).reserved
    assert code(bench.run(ALICE, "balance_set_balance", CHARLIE.public, 0, 0)) == "dispatch.consumer_remaining"
    assert bench.run(ALICE, "balance_set_balance", CHARLIE.public, 500, 0).error is None
    assert bench.runtime.balances.data(CHARLIE.public) == AccountData(free=500, reserved=reserved)
    bench.check()


def test_set_balance_does_not_overflow() -> None:
    bench = Bench({CHARLIE: ONE}, DEVELOPMENT_LEDGER)
    outcome = bench.run(ALICE, "balance_set_balance", CHARLIE.public, 2**128 - 1, 0)
    assert (code(outcome), bench.free(CHARLIE)) == ("arithmetic.overflow", ONE)
    bench.check()


@pytest.mark.parametrize("steps", [(5 * ONE, 0, 9 * ONE), (0, 3 * ONE), (2**90, 1, 2**90)])
def test_money_out_of_nothing_is_no_debt_of_the_vault(steps: tuple[int, ...]) -> None:
    """CHARLIE's deposit is in the vault; whatever root makes of any balance, the vault holds what was deposited."""
    bench = Bench(ledger=DEVELOPMENT_LEDGER)
    assert bench.run(ENCLAVE, "balance_shield", CHARLIE.public, 4 * ONE, HERE).error is None
    vault = AccountInfo(providers=1, data=AccountData(free=4 * ONE))
    bench.runtime.integritee.mirror.put(blake2_map_key("System", "Account", VAULT), encode(AccountInfo, vault))
    bench.check()
    for free in steps:
        for who in (CHARLIE, EVE):
            assert bench.run(ALICE, "balance_set_balance", who.public, free, 0).error is None
            bench.check()


# -- genesis

GENESIS = {
    "2f8c6129d816cf51c374bc7f08c3e63ed156cf78aefb4a6550d97b87997977ee": 2_000_000_000_000,
    "b6976b42d403113b7006cbeec2c4bebebc2dae14ec4d927e6c35421c7e52cf5a": 1_000_000_000_000,
    "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d": 10_000_000_000_000_000,
    "a7839fbfca6da129ff9e2ff521115b7eb4213b215086fc3416c7a340e944cc49": 10_000_000_000_000_000,
}
"""Accounts and base units (worker `app-libs/stf/src/test_genesis.rs`); the last one is //Alice's in the EVM."""

UNENDOWED = bytes.fromhex("8a41c466b48193ac47543d759e4c45c3f085ce5172276a2965b42d801a07b90d")


def test_who_is_rich_in_a_development_ledger() -> None:
    bench = Bench(ledger=DEVELOPMENT_LEDGER)
    accounts = {who.hex(): info for who, info in bench.runtime.system.account.items()}
    assert accounts.pop(ENCLAVE.public.hex()).data.free == ENCLAVE_ENDOWMENT
    assert {who: info.data.free for who, info in accounts.items()} == GENESIS
    assert not bench.runtime.system.account.contains(UNENDOWED)
    assert bench.runtime.enclave_account.key.get() == ROOT == ALICE.public
    assert bench.issued() == bench.runtime.shard_management.unbacked.get() == sum(GENESIS.values()) + 1000
    for asset in AssetId:
        assert bench.held(ALICE, asset) == (10**6 * asset.one_unit if asset.reserve else 0)
        assert bench.runtime.assets.supply(asset) == bench.held(ALICE, asset)
    bench.check()


def test_a_production_ledger_begins_empty() -> None:
    """No sudo key, no endowments, no asset, and byte 255 is no call."""
    bench = Bench()
    assert [who for who, _ in bench.runtime.system.account.items()] == [ENCLAVE.public]
    assert bench.runtime.enclave_account.key.get() is None
    assert list(bench.runtime.assets.asset.items()) == []
    assert bench.issued() == ENCLAVE_ENDOWMENT
    assert "balance_set_balance" not in LEDGER.calls
    call = DEVELOPMENT_LEDGER.call("balance_set_balance", ALICE.public, ALICE.public, ONE, 0)
    with pytest.raises(DecodeError):
        LEDGER.codec(TrustedCall).decode(DEVELOPMENT_LEDGER.encode_call(call))
    bench.check()


def test_a_ledger_without_a_sudo_key_obeys_nobody() -> None:
    """Even if it knows the call."""
    bench = Bench({ALICE: ONE}, DEVELOPMENT_LEDGER)
    bench.runtime.enclave_account.key.kill()
    executor = Executor(DEVELOPMENT_LEDGER, bench.runtime, MRENCLAVE, SHARD)
    signed = bench.signed(ALICE, bench.call("balance_set_balance", ALICE.public, ALICE.public, ONE, 0))
    assert code(executor.execute(signed, 0)) == "stf.require_root"
    bench.check()
