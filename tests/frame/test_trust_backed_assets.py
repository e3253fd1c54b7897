"""pallet Assets with 32-bit ids: a table of what each call does, and which error comes first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from integritee.frame.errors import (
    Arithmetic,
    ArithmeticError_,
    BadOrigin,
    CannotLookup,
    DispatchError,
    DispatchFailure,
    Module,
    ModuleError,
    Token,
    TokenError,
)
from integritee.frame.metadata import metadata_v14
from integritee.frame.origin import Origin, Root, Signed
from integritee.frame.outer import EventRecord, RuntimeCall
from integritee.frame.pallets.asset_calls import AssetMetadata
from integritee.frame.pallets.assets import (
    AssetAccount,
    AssetStatus,
    Consumer,
    DepositHeld,
    DepositRefunded,
    ExistenceReason,
    Sufficient,
)
from integritee.frame.pallets.system import AccountInfo
from integritee.frame.pallets.trust_backed_assets import TrustBackedAssets
from integritee.frame.runtime import use
from integritee.metadata import RuntimeMetadata
from integritee.primitives.ids import Id, Index
from integritee.scale import decode, encode

from .demo_runtime import ALICE, BOB, CHARLIE, DemoRuntime

OWNER, ADMIN, NOBODY = (bytes([i]) * 32 for i in (7, 8, 9))
GOLD, COUPON, UNKNOWN = 1, 1984, 5
"""Gold needs an account and a least holding of 10; a coupon suffices by itself."""

MOST = (1 << 128) - 1
DEPOSIT = 1_000


class AssetRuntime(DemoRuntime):
    name = "asset_runtime"
    assets = use(20, TrustBackedAssets, asset_deposit=DEPOSIT)


def stocked() -> AssetRuntime:
    """Alice: 100 gold, 50 coupons. Bob: 10 gold. Charlie: 50 coupons and no native funds."""
    runtime = AssetRuntime()
    for who in (ALICE, BOB, OWNER):
        runtime.balances.mint(who, 10_000)
    runtime.dispatch(runtime.call("Assets", "create", GOLD, Id(ADMIN), 10), Signed(OWNER))
    runtime.dispatch(runtime.call("Assets", "force_create", COUPON, Id(ADMIN), True, 1), Root())
    for id, who, amount in ((GOLD, ALICE, 100), (GOLD, BOB, 10), (COUPON, ALICE, 50), (COUPON, CHARLIE, 50)):
        runtime.assets.mint_into(id, who, amount)
    runtime.events.clear()
    return runtime


def assert_laws(runtime: AssetRuntime) -> None:
    """Supply is what all hold together, and holdings are counted."""
    leaning = {who: [0, 0] for who, _ in runtime.system.account.items()}
    for id, details in runtime.assets.asset.items():
        assert details is not None
        accounts = {who: held for who, held in runtime.assets.account.items_under(id) if held}
        assert details.supply == sum(held.balance for held in accounts.values())
        assert details.accounts == len(accounts)
        assert details.sufficients == sum(isinstance(held.reason, Sufficient) for held in accounts.values())
        for who, held in accounts.items():
            assert held.balance >= details.min_balance
            leaning[who][isinstance(held.reason, Sufficient)] += 1
    for who, info in runtime.system.account.items():
        consumers = leaning[who][0] + (info.data.reserved > 0)
        assert (info.consumers, info.sufficients) == (consumers, leaning[who][1])


@dataclass
class Case:
    name: str
    call: str
    args: tuple[Any, ...]
    origin: Origin
    error: DispatchError | None = None
    events: tuple[str, ...] = ()
    held: tuple[int, ...] = (100, 10, 0, 50, 0, 50)
    """Gold and coupons of Alice, Bob and Charlie."""


def module(index: int) -> DispatchError:
    return Module(ModuleError(20, bytes([index, 0, 0, 0])))


LOW, NO_ACCOUNT, NO_PERMISSION, NO_ASSET, FROZEN, IN_USE = (module(i) for i in range(6))
ZERO_MINIMUM, BAD_METADATA, NOT_LIVE, NOT_FROZEN = (module(i) for i in (7, 9, 16, 18))
OVERFLOW = Arithmetic(ArithmeticError_.Overflow)
BY_ALICE, BY_ADMIN, BY_OWNER = Signed(ALICE), Signed(ADMIN), Signed(OWNER)

CASES = [
    Case("new", "create", (UNKNOWN, Id(ADMIN), 1), BY_ALICE, events=("Reserved", "Created")),
    Case("not signed", "create", (UNKNOWN, Index(None), 1), Root(), BadOrigin()),
    Case("no such account", "create", (GOLD, Index(None), 1), BY_ALICE, CannotLookup()),
    Case("taken", "create", (GOLD, Id(ADMIN), 0), BY_ALICE, IN_USE),
    Case("no minimum", "create", (UNKNOWN, Id(ADMIN), 0), Signed(NOBODY), ZERO_MINIMUM),
    Case("no deposit", "create", (UNKNOWN, Id(ADMIN), 1), Signed(NOBODY), Module(ModuleError(4, b"\x02\0\0\0"))),
    Case("new", "force_create", (UNKNOWN, Id(ADMIN), True, 7), Root(), events=("ForceCreated",)),
    Case("not root", "force_create", (GOLD, Index(None), True, 7), BY_ALICE, BadOrigin()),
    Case("no such account", "force_create", (GOLD, Index(None), True, 7), Root(), CannotLookup()),
    Case("taken", "force_create", (GOLD, Id(ADMIN), True, 0), Root(), IN_USE),
    Case("no minimum", "force_create", (UNKNOWN, Id(ADMIN), True, 0), Root(), ZERO_MINIMUM),
    # -- mint
    Case("more", "mint", (GOLD, Id(ALICE), 5), BY_ADMIN, None, ("Issued",), (105, 10, 0, 50, 0, 50)),
    Case("first", "mint", (COUPON, Id(BOB), 5), BY_ADMIN, None, ("Issued",), (100, 10, 0, 50, 5, 50)),
    Case("new account", "mint", (COUPON, Id(NOBODY), 5), BY_ADMIN, None, ("NewAccount", "Issued")),
    Case("nothing", "mint", (UNKNOWN, Id(NOBODY), 0), BY_ALICE, None, ("Issued",)),
    Case("not signed", "mint", (UNKNOWN, Index(None), 5), Root(), BadOrigin()),
    Case("no such account", "mint", (UNKNOWN, Index(None), 5), BY_ADMIN, CannotLookup()),
    Case("no such asset", "mint", (UNKNOWN, Id(ALICE), 5), BY_ALICE, Token(TokenError.UnknownAsset)),
    Case("too much to exist", "mint", (GOLD, Id(BOB), MOST - 100), BY_ALICE, OVERFLOW),
    Case("below the minimum", "mint", (GOLD, Id(CHARLIE), 9), BY_ALICE, Token(TokenError.BelowMinimum)),
    Case("needs an account", "mint", (GOLD, Id(CHARLIE), 10), BY_ALICE, Token(TokenError.CannotCreate)),
    Case("not the issuer", "mint", (GOLD, Id(ALICE), 5), BY_OWNER, NO_PERMISSION),
    # -- burn
    Case("some", "burn", (GOLD, Id(ALICE), 5), BY_ADMIN, None, ("Burned",), (95, 10, 0, 50, 0, 50)),
    Case("dust as well", "burn", (GOLD, Id(ALICE), 91), BY_ADMIN, None, ("Burned",), (0, 10, 0, 50, 0, 50)),
    Case("more than there is", "burn", (GOLD, Id(BOB), MOST), BY_ADMIN, None, ("Burned",), (100, 0, 0, 50, 0, 50)),
    Case(
        "a life",
        "burn",
        (COUPON, Id(CHARLIE), 50),
        BY_ADMIN,
        None,
        ("KilledAccount", "Burned"),
        (100, 10, 0, 50, 0, 0),
    ),
    Case("nothing", "burn", (GOLD, Id(NOBODY), 0), BY_ALICE, None, ("Burned",)),
    Case("not signed", "burn", (UNKNOWN, Index(None), 5), Root(), BadOrigin()),
    Case("no such account", "burn", (UNKNOWN, Index(None), 5), BY_ADMIN, CannotLookup()),
    Case("no such asset", "burn", (UNKNOWN, Id(ALICE), 0), BY_ALICE, NO_ASSET),
    Case("holds none", "burn", (GOLD, Id(CHARLIE), 5), BY_ALICE, NO_ACCOUNT),
    Case("not the admin", "burn", (GOLD, Id(ALICE), 5), BY_OWNER, NO_PERMISSION),
    # -- transfer
    Case("some", "transfer", (GOLD, Id(BOB), 5), BY_ALICE, None, ("Transferred",), (95, 15, 0, 50, 0, 50)),
    Case("all", "transfer", (GOLD, Id(BOB), 100), BY_ALICE, None, ("Transferred",), (0, 110, 0, 50, 0, 50)),
    Case("dust as well", "transfer", (GOLD, Id(BOB), 91), BY_ALICE, None, ("Transferred",), (0, 110, 0, 50, 0, 50)),
    Case(
        "a life",
        "transfer",
        (COUPON, Id(BOB), 50),
        Signed(CHARLIE),
        None,
        ("KilledAccount", "Transferred"),
        (100, 10, 0, 50, 50, 0),
    ),
    Case("to oneself", "transfer", (GOLD, Id(ALICE), 100), BY_ALICE, None, ("Transferred",)),
    Case("nothing", "transfer", (UNKNOWN, Id(BOB), 0), Signed(NOBODY)),
    Case("not signed", "transfer", (UNKNOWN, Index(None), 5), Root(), BadOrigin()),
    Case("no such account", "transfer", (UNKNOWN, Index(None), 0), BY_ALICE, CannotLookup()),
    Case("no such asset", "transfer", (UNKNOWN, Id(BOB), 5), BY_ALICE, NO_ASSET),
    Case("holds none", "transfer", (GOLD, Id(NOBODY), 5), Signed(CHARLIE), NO_ACCOUNT),
    Case("too much", "transfer", (GOLD, Id(NOBODY), 101), BY_ALICE, LOW),
    Case("below the minimum", "transfer", (GOLD, Id(CHARLIE), 9), BY_ALICE, Token(TokenError.BelowMinimum)),
    Case("needs an account", "transfer", (GOLD, Id(CHARLIE), 10), BY_ALICE, Token(TokenError.CannotCreate)),
    # -- transfer_keep_alive
    Case(
        "down to the minimum",
        "transfer_keep_alive",
        (GOLD, Id(BOB), 90),
        BY_ALICE,
        None,
        ("Transferred",),
        (10, 100, 0, 50, 0, 50),
    ),
    Case("below the minimum", "transfer_keep_alive", (GOLD, Id(BOB), 91), BY_ALICE, LOW),
    Case("nothing to spare", "transfer_keep_alive", (GOLD, Id(ALICE), 1), Signed(BOB), LOW),
    Case("not signed", "transfer_keep_alive", (UNKNOWN, Index(None), 5), Root(), BadOrigin()),
    Case("no such account", "transfer_keep_alive", (UNKNOWN, Index(None), 5), BY_ALICE, CannotLookup()),
    # -- freezing
    Case("holding", "freeze", (GOLD, Id(ALICE)), BY_ADMIN, events=("Frozen",)),
    Case("not signed", "freeze", (UNKNOWN, Index(None)), Root(), BadOrigin()),
    Case("no such asset", "freeze", (UNKNOWN, Index(None)), BY_ALICE, NO_ASSET),
    Case("not the freezer", "freeze", (GOLD, Index(None)), BY_OWNER, NO_PERMISSION),
    Case("no such account", "freeze", (GOLD, Index(None)), BY_ADMIN, CannotLookup()),
    Case("holds none", "freeze", (GOLD, Id(CHARLIE)), BY_ADMIN, NO_ACCOUNT),
    Case("holding", "thaw", (GOLD, Id(ALICE)), BY_ADMIN, events=("Thawed",)),
    Case("not signed", "thaw", (UNKNOWN, Index(None)), Root(), BadOrigin()),
    Case("no such asset", "thaw", (UNKNOWN, Index(None)), BY_ALICE, NO_ASSET),
    Case("not the admin", "thaw", (GOLD, Index(None)), BY_OWNER, NO_PERMISSION),
    Case("no such account", "thaw", (GOLD, Index(None)), BY_ADMIN, CannotLookup()),
    Case("holds none", "thaw", (GOLD, Id(CHARLIE)), BY_ADMIN, NO_ACCOUNT),
    Case("asset", "freeze_asset", (GOLD,), BY_ADMIN, events=("AssetFrozen",)),
    Case("not signed", "freeze_asset", (UNKNOWN,), Root(), BadOrigin()),
    Case("no such asset", "freeze_asset", (UNKNOWN,), BY_ALICE, NO_ASSET),
    Case("not the freezer", "freeze_asset", (GOLD,), BY_OWNER, NO_PERMISSION),
    Case("not signed", "thaw_asset", (UNKNOWN,), Root(), BadOrigin()),
    Case("no such asset", "thaw_asset", (UNKNOWN,), BY_ALICE, NO_ASSET),
    Case("not the admin", "thaw_asset", (GOLD,), BY_OWNER, NO_PERMISSION),
    Case("not frozen", "thaw_asset", (GOLD,), BY_ADMIN, NOT_FROZEN),
    # -- metadata
    Case("set", "force_set_metadata", (GOLD, b"Gold", b"Au", 3, False), Root(), events=("MetadataSet",)),
    Case("longest", "force_set_metadata", (GOLD, b"x" * 50, b"y" * 50, 3, False), Root(), events=("MetadataSet",)),
    Case("not root", "force_set_metadata", (UNKNOWN, b"x" * 51, b"", 3, False), BY_OWNER, BadOrigin()),
    Case("long name", "force_set_metadata", (UNKNOWN, b"x" * 51, b"", 3, False), Root(), BAD_METADATA),
    Case("long symbol", "force_set_metadata", (UNKNOWN, b"", b"y" * 51, 3, False), Root(), BAD_METADATA),
    Case("no such asset", "force_set_metadata", (UNKNOWN, b"", b"", 3, False), Root(), NO_ASSET),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.call}: {c.name}")
def test_calls(case: Case) -> None:
    runtime = stocked()
    before = runtime.state.changes()
    call = runtime.call("Assets", case.call, *case.args)
    assert runtime.codec(RuntimeCall).decode(runtime.codec(RuntimeCall).encode(call)).args == case.args
    assert runtime.info_of(call).weight.ref_time > 0
    if case.error is not None:
        with pytest.raises(DispatchFailure) as caught:
            runtime.dispatch(call, case.origin)
        assert caught.value.error == case.error
        assert runtime.events == []
        assert runtime.state.changes() == before
    else:
        runtime.dispatch(call, case.origin)
        assert tuple(record.event.name for record in runtime.system.events()) == case.events
    held = [runtime.assets.balance(id, who) for id in (GOLD, COUPON) for who in (ALICE, BOB, CHARLIE)]
    assert tuple(held) == case.held
    assert_laws(runtime)


# -- frozen and dying assets


def test_nothing_leaves_a_frozen_holding() -> None:
    runtime = stocked()
    runtime.dispatch(runtime.call("Assets", "freeze", GOLD, Id(ALICE)), BY_ADMIN)
    for call, origin in (
        (runtime.call("Assets", "transfer", GOLD, Id(BOB), 1), BY_ALICE),
        (runtime.call("Assets", "burn", GOLD, Id(ALICE), 1), BY_ADMIN),
    ):
        assert runtime.try_dispatch(call, origin).error == FROZEN  # type: ignore[union-attr]
    runtime.dispatch(runtime.call("Assets", "transfer", GOLD, Id(ALICE), 10), Signed(BOB))
    assert runtime.assets.balance(GOLD, ALICE) == 110
    runtime.dispatch(runtime.call("Assets", "thaw", GOLD, Id(ALICE)), BY_ADMIN)
    runtime.dispatch(runtime.call("Assets", "transfer", GOLD, Id(BOB), 110), BY_ALICE)
    assert_laws(runtime)


@pytest.mark.parametrize("status", [AssetStatus.Frozen, AssetStatus.Destroying])
@pytest.mark.parametrize(
    ("call", "args", "origin", "first"),
    [
        ("transfer", (GOLD, Id(NOBODY), 1), Signed(CHARLIE), NOT_LIVE),
        ("transfer_keep_alive", (GOLD, Id(NOBODY), 1), Signed(CHARLIE), NOT_LIVE),
        ("burn", (GOLD, Id(NOBODY), 1), BY_ALICE, NOT_LIVE),
        ("mint", (GOLD, Id(ALICE), 1), BY_ALICE, NOT_LIVE),
        ("mint", (GOLD, Id(CHARLIE), 1), BY_ALICE, Token(TokenError.BelowMinimum)),
        ("freeze_asset", (GOLD,), BY_ALICE, NOT_LIVE),
    ],
)
def test_nothing_moves_of_an_asset_that_is_not_live(
    status: AssetStatus, call: str, args: tuple[Any, ...], origin: Origin, first: DispatchError
) -> None:
    runtime = stocked()
    details = runtime.assets.asset.get(GOLD)
    assert details is not None
    runtime.assets.asset.put(GOLD, replace(details, status=status))
    assert runtime.try_dispatch(runtime.call("Assets", call, *args), origin).error == first  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("status", "call", "args", "error"),
    [
        (AssetStatus.Frozen, "freeze", (GOLD, Id(ALICE)), None),
        (AssetStatus.Frozen, "thaw", (GOLD, Id(ALICE)), None),
        (AssetStatus.Frozen, "burn", (GOLD, Id(ALICE), 0), None),
        (AssetStatus.Frozen, "thaw_asset", (GOLD,), None),
        (AssetStatus.Destroying, "freeze", (GOLD, Id(ALICE)), NOT_LIVE),
        (AssetStatus.Destroying, "thaw", (GOLD, Id(ALICE)), NOT_LIVE),
        (AssetStatus.Destroying, "burn", (GOLD, Id(ALICE), 0), NOT_LIVE),
        (AssetStatus.Destroying, "thaw_asset", (GOLD,), NOT_FROZEN),
    ],
)
def test_what_is_still_possible(
    status: AssetStatus, call: str, args: tuple[Any, ...], error: DispatchError | None
) -> None:
    runtime = stocked()
    details = runtime.assets.asset.get(GOLD)
    assert details is not None
    runtime.assets.asset.put(GOLD, replace(details, status=status))
    outcome = runtime.try_dispatch(runtime.call("Assets", call, *args), BY_ADMIN)
    assert getattr(outcome, "error", None) == error


def test_a_thawed_asset_is_live_again() -> None:
    runtime = stocked()
    for call in ("freeze_asset", "thaw_asset"):
        runtime.dispatch(runtime.call("Assets", call, GOLD), BY_ADMIN)
    assert [record.event.name for record in runtime.system.events()] == ["AssetFrozen", "AssetThawed"]
    runtime.dispatch(runtime.call("Assets", "transfer", GOLD, Id(BOB), 1), BY_ALICE)


# -- accounts


def test_a_created_asset_is_its_admins() -> None:
    runtime = stocked()
    details = runtime.assets.asset.get(GOLD)
    assert details is not None
    assert (details.owner, details.issuer, details.admin, details.freezer) == (OWNER, ADMIN, ADMIN, ADMIN)
    assert (details.deposit, details.is_sufficient) == (DEPOSIT, False)
    assert runtime.balances.data(OWNER).reserved == DEPOSIT


def test_a_holding_that_does_not_suffice_needs_its_account() -> None:
    runtime = stocked()
    with pytest.raises(DispatchFailure) as caught:
        runtime.dispatch(runtime.call("Balances", "transfer_allow_death", Id(ALICE), 10_000), Signed(BOB))
    assert caught.value.code == "token.frozen"
    runtime.dispatch(runtime.call("Assets", "transfer", GOLD, Id(ALICE), 10), Signed(BOB))
    runtime.dispatch(runtime.call("Balances", "transfer_allow_death", Id(ALICE), 10_000), Signed(BOB))
    assert not runtime.system.account.contains(BOB)


@pytest.mark.parametrize(("consumers", "error"), [(14, None), (15, Token(TokenError.CannotCreate))])
def test_holdings_leave_room_for_another_consumer(consumers: int, error: DispatchError | None) -> None:
    runtime = stocked()
    info = runtime.system.account.get(OWNER)
    runtime.system.account.put(OWNER, replace(info, consumers=consumers))
    outcome = runtime.try_dispatch(runtime.call("Assets", "transfer", GOLD, Id(OWNER), 10), BY_ALICE)
    assert getattr(outcome, "error", None) == error


def test_no_account_can_hold_more_than_there_can_be() -> None:
    runtime = stocked()
    runtime.assets.mint_into(COUPON, BOB, MOST - 100)
    outcome = runtime.try_dispatch(runtime.call("Assets", "transfer", COUPON, Id(BOB), MOST - 100), Signed(BOB))
    assert outcome.error == OVERFLOW  # type: ignore[union-attr]


def test_a_paid_holding_stays_when_it_is_empty() -> None:
    runtime = stocked()
    runtime.assets.account.put(COUPON, NOBODY, AssetAccount(5, False, DepositHeld(7)))
    runtime.dispatch(runtime.call("Assets", "transfer", COUPON, Id(BOB), 5), Signed(NOBODY))
    assert runtime.assets.account.get(COUPON, NOBODY) == AssetAccount(0, False, DepositHeld(7))
    runtime.assets.account.put(COUPON, NOBODY, AssetAccount(5, False, DepositRefunded()))
    runtime.dispatch(runtime.call("Assets", "transfer", COUPON, Id(BOB), 5), Signed(NOBODY))
    assert not runtime.assets.account.contains(COUPON, NOBODY)
    assert runtime.system.account.get(NOBODY) == AccountInfo()


# -- bytes

METADATA = RuntimeMetadata.parse(metadata_v14(AssetRuntime))
FOREIGN = Path(__file__).parents[1] / "vectors" / "metadata"
CHAINS = {
    name: RuntimeMetadata.parse((FOREIGN / f"{name}.scale").read_bytes())
    for name in ("integritee-paseo.metadata", "itk", "pah")
}


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("case", [c for c in CASES if c.error is None], ids=lambda c: f"{c.call}: {c.name}")
def test_calls_are_those_of_real_chains(chain: str, case: Case) -> None:
    ours = AssetRuntime.codec(RuntimeCall).encode(AssetRuntime.call("Assets", case.call, *case.args))
    assert METADATA.call("Assets", case.call, list(case.args)) == ours
    assert CHAINS[chain].call("Assets", case.call, list(case.args))[1:] == ours[1:]


YOUNGER = {"Deposited", "Withdrawn"}
"""Events that the oldest of the chains does not know."""


@pytest.mark.parametrize("chain", CHAINS)
def test_events_and_errors_are_those_of_real_chains(chain: str) -> None:
    theirs, ours = CHAINS[chain].pallet("Assets"), METADATA.pallet("Assets")
    for name, event in ours.events.items():
        if chain == "integritee-paseo.metadata" and name in YOUNGER:
            continue
        assert theirs.events[name].index == event.index
        assert [f.name for f in theirs.events[name].fields] == [f.name for f in event.fields]
    for name, error in ours.errors.items():
        assert theirs.errors[name].index == error.index


@pytest.mark.parametrize("chain", CHAINS)
def test_storage_is_read_like_that_of_real_chains(chain: str) -> None:
    runtime, metadata = stocked(), CHAINS[chain]
    runtime.dispatch(runtime.call("Assets", "force_set_metadata", GOLD, b"Gold", b"Au", 3, True), Root())
    key = metadata.storage_key("Assets", "Asset", GOLD)
    assert key == runtime.assets.asset.key_of(GOLD)
    details = metadata.decode_storage("Assets", "Asset", runtime.state.get(key))
    assert (details["supply"], details["accounts"], details["status"].name) == (110, 2, "Live")
    key = metadata.storage_key("Assets", "Account", COUPON, ALICE)
    assert key == runtime.assets.account.key_of(COUPON, ALICE)
    holding = metadata.decode_storage("Assets", "Account", runtime.state.get(key))
    assert (holding["balance"], holding["reason"].name) == (50, "Sufficient")
    key = metadata.storage_key("Assets", "Metadata", GOLD)
    assert key == runtime.assets.metadata.key_of(GOLD)
    label = metadata.decode_storage("Assets", "Metadata", runtime.state.get(key))
    assert (label["name"], label["symbol"], label["decimals"], label["is_frozen"]) == (b"Gold", b"Au", 3, True)


@pytest.mark.parametrize(
    ("reason", "raw"),
    [(Consumer(), "00"), (Sufficient(), "01"), (DepositHeld(1), "02" + "01" + "00" * 15), (DepositRefunded(), "03")],
)
def test_why_holdings_exist(reason: ExistenceReason, raw: str) -> None:
    assert encode(AssetAccount, AssetAccount(2, True, reason)).hex() == "02" + "00" * 15 + "01" + raw
    assert decode(ExistenceReason, bytes.fromhex(raw)) == reason


def test_metadata_is_empty_until_set() -> None:
    assert stocked().assets.metadata.get(GOLD) == AssetMetadata(0, b"", b"", 0, False)


def test_events_on_the_wire() -> None:
    runtime = stocked()
    runtime.dispatch(runtime.call("Assets", "transfer", COUPON, Id(BOB), 5), BY_ALICE)
    (record,) = runtime.system.events()
    assert record.event.values == (COUPON, ALICE, BOB, 5)
    raw = AssetRuntime.codec(EventRecord).encode(record)
    assert raw[1:].hex() == "1402" + "c0070000" + ALICE.hex() + BOB.hex() + "05" + "00" * 15 + "00"
