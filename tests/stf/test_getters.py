"""Getters: what they answer and to whom."""

from __future__ import annotations

import pytest

from integritee.apps.catalog import DEFAULT_LEDGER as LEDGER
from integritee.frame.pallets.system import AccountData, AccountInfo
from integritee.primitives.enclave_bridge import ShardConfig, UpgradableShardConfig
from integritee.primitives.ids import ParentchainId
from integritee.primitives.signature import Ecdsa, sign
from integritee.scale import decode, u32, u128
from integritee.stf.errors import InvalidSignature, MissingPrivileges
from integritee.stf.ledger import Ledger
from integritee.stf.native import NATIVE_APPS
from integritee.stf.operation import Public, Trusted, TrustedGetter, TrustedGetterSigned
from integritee.stf.types import AccountEssentials, ParentchainInfo, ParentchainsInfo, ShardInfo, ShardMode

from .kit import ALICE, BOB, ENCLAVE, EVE, NOW, ONE, Bench


@pytest.fixture
def bench() -> Bench:
    return Bench({ALICE: 100 * ONE, BOB: 10 * ONE})


def trusted(name: str, who: object, pair: object) -> Trusted:
    getter = LEDGER.trusted_getter(name, who.public)  # type: ignore[attr-defined]
    return Trusted(LEDGER.sign_getter(getter, pair))  # type: ignore[arg-type]


def public(name: str) -> Public:
    return Public(LEDGER.public_getter(name))


def answer(bench: Bench, getter: Public | Trusted) -> bytes:
    found = bench.executor.query(getter, NOW)
    assert found is not None
    return found


def test_declarations() -> None:
    ledger = Ledger(NATIVE_APPS)
    assert {d.index: name for name, d in ledger.trusted_getters.items()} == {
        0: "account_info",
        1: "account_info_and_session_proxies",
        2: "account_essentials",
        10: "notes_for",
        40: "asset_balance",
    }
    assert {d.index: name for name, d in ledger.public_getters.items()} == {
        0: "some_value",
        1: "total_issuance",
        2: "undistributed_fees",
        10: "parentchains_info",
        11: "note_buckets_info",
        12: "shard_info",
        40: "asset_total_issuance",
    }


def test_account_info(bench: Bench) -> None:
    bench.run(ALICE, "noop")
    info = AccountInfo(nonce=1, providers=1, data=AccountData(free=100 * ONE - ONE // 100))
    raw = answer(bench, trusted("account_info", ALICE, ALICE))
    assert len(raw) == 80
    assert decode(AccountInfo, raw) == info
    assert decode(AccountEssentials, answer(bench, trusted("account_essentials", ALICE, ALICE))) == (
        AccountEssentials(info, [], [])
    )


def test_account_that_does_not_exist(bench: Bench) -> None:
    raw = answer(bench, trusted("account_info", EVE, EVE))
    assert raw == bytes(79) + b"\x80"


@pytest.mark.parametrize("name", ["account_info", "account_essentials"])
def test_only_the_owner_is_answered(bench: Bench, name: str) -> None:
    """Neither a stranger who signs as itself, nor one who signs as the owner without its key."""
    with pytest.raises(MissingPrivileges) as refused:
        bench.executor.query(trusted(name, ALICE, BOB), NOW)
    assert (refused.value.code, refused.value.delegate) == ("stf.missing_privileges", BOB.public)
    getter = LEDGER.trusted_getter(name, ALICE.public)
    payload = LEDGER.codec(TrustedGetter).encode(getter)
    for signature in (sign(BOB, payload), Ecdsa(bytes(65))):
        with pytest.raises(InvalidSignature) as caught:
            bench.executor.query(Trusted(TrustedGetterSigned(getter, None, signature)), NOW)
        assert caught.value.signer == ALICE.public
    other = LEDGER.trusted_getter(name, BOB.public)
    mine = sign(ALICE, LEDGER.codec(TrustedGetter).encode(other))
    with pytest.raises(InvalidSignature):
        bench.executor.query(Trusted(TrustedGetterSigned(getter, None, mine)), NOW)


def test_wrapped_signature(bench: Bench) -> None:
    getter = LEDGER.trusted_getter("account_info", BOB.public)
    payload = LEDGER.codec(TrustedGetter).encode(getter)
    wrapped = sign(BOB, b"<Bytes>" + payload + b"</Bytes>")
    assert bench.executor.query(Trusted(TrustedGetterSigned(getter, None, wrapped)), NOW) is not None


def test_some_value(bench: Bench) -> None:
    assert decode(u32, answer(bench, public("some_value"))) == 42


def test_total_issuance(bench: Bench) -> None:
    assert decode(u128, answer(bench, public("total_issuance"))) == 110 * ONE + 1000


def test_parentchains_info(bench: Bench) -> None:
    bench.run(ENCLAVE, "timestamp_set", NOW, ParentchainId.Integritee)
    assert decode(ParentchainsInfo, answer(bench, public("parentchains_info"))) == ParentchainsInfo(
        ParentchainInfo(ParentchainId.Integritee, bytes(32), None, NOW, None, NOW),
        ParentchainInfo(ParentchainId.TargetA, None, None, None, None, None),
        ParentchainInfo(ParentchainId.TargetB, None, None, None, None, None),
        ParentchainId.Integritee,
    )


def test_shard_info(bench: Bench) -> None:
    assert decode(ShardInfo, answer(bench, public("shard_info"))) == (
        ShardInfo(None, None, None, ShardMode.Initializing)
    )
    config = UpgradableShardConfig(ShardConfig(b"\x01" * 32), ShardConfig(b"\x02" * 32), 99)
    bench.runtime.shard_management.set_config(config, 7)
    bench.runtime.shard_management.on_initialize(1)
    assert decode(ShardInfo, answer(bench, public("shard_info"))) == ShardInfo(config, 7, None, ShardMode.Normal)


def test_getters_change_nothing(bench: Bench) -> None:
    before = bench.root()
    for name in ("account_info", "account_essentials", "account_info_and_session_proxies"):
        answer(bench, trusted(name, ALICE, ALICE))
    for name, definition in LEDGER.public_getters.items():
        if not definition.arguments:
            answer(bench, public(name))
    assert bench.root() == before


def test_no_getter_is_no_getter(bench: Bench) -> None:
    with pytest.raises(TypeError):
        bench.executor.query("account_info", NOW)  # type: ignore[arg-type]
