"""Assets by XCM location: bytes, metadata and behaviour, beside those of an asset hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from integritee.frame.errors import BadOrigin, Module, ModuleError
from integritee.frame.metadata import metadata_v14
from integritee.frame.origin import Root, Signed
from integritee.frame.outer import RuntimeCall
from integritee.frame.pallets.balances import Balances
from integritee.frame.pallets.foreign_assets import ForeignAssets
from integritee.frame.pallets.system import RuntimeVersion, System
from integritee.frame.pallets.trust_backed_assets import TrustBackedAssets
from integritee.frame.runtime import Runtime, use
from integritee.metadata import RuntimeMetadata
from integritee.metadata.type_layout import (
    ArrayOf,
    CompactOf,
    Composite,
    PrimitiveType,
    SequenceOf,
    TupleOf,
    Variants,
)
from integritee.primitives.ids import Id
from integritee.primitives.location import (
    X1,
    X2,
    X3,
    AccountId32,
    AccountKey20,
    ByGenesis,
    Ethereum,
    Fraction,
    GeneralIndex,
    GeneralKey,
    GlobalConsensus,
    Here,
    Kusama,
    Location,
    Moniker,
    OnlyChild,
    PalletInstance,
    Parachain,
    Plurality,
)
from integritee.scale import Err, Ok, decode, encode
from integritee.stf.asset_map import ETHEREUM, SEPOLIA, AssetId, ethereum_location

ALICE, BOB, ADMIN = (bytes([n]) * 32 for n in (0xA1, 0xB0, 0xAD))
TOKEN = bytes.fromhex("fff9976782d46cc05630d1f6ebab18b2324d6b14")
WETH = Location(2, X2([GlobalConsensus(Ethereum(SEPOLIA)), AccountKey20(None, TOKEN)]))
ETHER = Location(2, X1([GlobalConsensus(Ethereum(ETHEREUM))]))
GOLD = 7


class AssetsRuntime(Runtime):
    name = "assets_runtime"
    pallet_names = {"assets": "Assets"}

    system = use(0, System, version=RuntimeVersion("assets", "assets", 1, 1, 1, [], 1, 0))
    balances = use(10, Balances, existential_deposit=10)
    assets = use(50, TrustBackedAssets)
    foreign_assets = use(53, ForeignAssets)


def stocked() -> AssetsRuntime:
    runtime = AssetsRuntime()
    for who in (ALICE, BOB, ADMIN):
        runtime.balances.mint(who, 1000)
    runtime.assets.establish(GOLD, ADMIN, True, 5)
    runtime.foreign_assets.establish(WETH, ADMIN, True, 3)
    runtime.foreign_assets.mint_into(WETH, ALICE, 100)
    runtime.events.clear()
    return runtime


# -- locations


@pytest.mark.parametrize(
    ("location", "raw"),
    [
        (Location(0, Here()), "0000"),
        (Location(1, X1([Parachain(2015)])), "010100" + "7d1f"),
        (Location(0, X2([PalletInstance(50), GeneralIndex(1337)])), "0002" + "0432" + "05e514"),
        (Location(2, X1([GlobalConsensus(ByGenesis(bytes(32)))])), "0201" + "0900" + "00" * 32),
        (Location(1, X1([AccountId32(Kusama(), ALICE)])), "0101" + "010103" + "a1" * 32),
        (
            Location(
                0,
                X3([OnlyChild(), GeneralKey(2, b"hi".ljust(32, b"\0")), Plurality(Moniker(b"abcd"), Fraction(1, 2))]),
            ),
            "0003" + "07" + "06026869" + "00" * 30 + "08" + "0161626364" + "020408",
        ),
        (WETH, ethereum_location(SEPOLIA, TOKEN).hex()),
        (ETHER, ethereum_location(ETHEREUM).hex()),
    ],
)
def test_locations_on_the_wire(location: Location, raw: str) -> None:
    assert encode(Location, location).hex() == raw
    assert decode(Location, bytes.fromhex(raw)) == location


FOREIGN = [asset for asset in AssetId if asset.reserve is not None and asset.reserve.pallet == "ForeignAssets"]


@pytest.mark.parametrize("asset", FOREIGN, ids=str)
def test_the_ledger_names_its_assets_by_locations(asset: AssetId) -> None:
    assert asset.reserve is not None
    assert encode(Location, decode(Location, asset.reserve.key)) == asset.reserve.key == asset.reserve.argument


# -- beside an asset hub

METADATA = RuntimeMetadata.parse(metadata_v14(AssetsRuntime))
HUB = RuntimeMetadata.parse((Path(__file__).parents[1] / "vectors" / "metadata" / "pah.scale").read_bytes())


def layout(of: RuntimeMetadata, type_id: int) -> Any:
    """All that a type is, paths and names included."""
    entry = of.types.type(type_id)
    path = "::".join(entry.path)
    match entry.definition:
        case Composite(fields):
            return path, [(f.name, layout(of, f.type)) for f in fields]
        case Variants(variants):
            return path, [(v.index, v.name, [(f.name, layout(of, f.type)) for f in v.fields]) for v in variants]
        case SequenceOf(item):
            return "Vec", layout(of, item)
        case ArrayOf(size, item):
            return size, layout(of, item)
        case TupleOf(items):
            return [layout(of, i) for i in items]
        case CompactOf(item):
            return "Compact", layout(of, item)
        case PrimitiveType(kind):
            return kind.name
    raise AssertionError(entry)


@pytest.mark.parametrize("pallet", ["Assets", "ForeignAssets"])
def test_an_id_is_what_it_is_on_an_asset_hub(pallet: str) -> None:
    ours, theirs = (
        layout(m, m.pallet(pallet).storage["Asset"].type.key)  # type: ignore[attr-defined]
        for m in (METADATA, HUB)
    )
    assert ours == theirs


@pytest.mark.parametrize("pallet", ["Assets", "ForeignAssets"])
@pytest.mark.parametrize("part", ["calls", "events"])
def test_calls_and_events_are_laid_out_as_on_an_asset_hub(pallet: str, part: str) -> None:
    ours, theirs = getattr(METADATA.pallet(pallet), part), getattr(HUB.pallet(pallet), part)
    assert len(ours) > 10
    for name, variant in ours.items():
        real = theirs[name]
        assert (variant.index, [f.name for f in variant.fields]) == (real.index, [f.name for f in real.fields])
        for mine, other in zip(variant.fields, real.fields, strict=True):
            if "MultiAddress" not in METADATA.types.type(mine.type).path:  # says Compact<()> there
                assert layout(METADATA, mine.type) == layout(HUB, other.type)


def test_keys_are_those_of_an_asset_hub() -> None:
    runtime = stocked()
    location = HUB.decode_type(HUB.pallet("ForeignAssets").storage["Asset"].type.key, encode(Location, WETH))  # type: ignore[attr-defined]
    key = HUB.storage_key("ForeignAssets", "Account", location, ALICE)
    assert key == runtime.foreign_assets.account.key_of(WETH, ALICE)
    held = HUB.decode_storage("ForeignAssets", "Account", runtime.state.get(key))
    assert held["balance"] == 100


# -- calls


def test_a_transfer_by_location() -> None:
    runtime = stocked()
    call = runtime.call("ForeignAssets", "transfer_keep_alive", WETH, Id(BOB), 40)
    raw = runtime.codec(RuntimeCall).encode(call)
    assert raw.hex() == "3509" + ethereum_location(SEPOLIA, TOKEN).hex() + "00" + BOB.hex() + "a0"
    runtime.dispatch(runtime.codec(RuntimeCall).decode(raw), Signed(ALICE))
    assert (runtime.foreign_assets.balance(WETH, ALICE), runtime.foreign_assets.balance(WETH, BOB)) == (60, 40)
    (record,) = runtime.system.events()
    assert (record.event.pallet, record.event.name, record.event.values) == (
        "ForeignAssets",
        "Transferred",
        (WETH, ALICE, BOB, 40),
    )


@pytest.mark.parametrize(("keep_alive", "left"), [(True, 3), (False, 0)])
def test_transfer_all(keep_alive: bool, left: int) -> None:
    runtime = stocked()
    runtime.dispatch(runtime.call("ForeignAssets", "transfer_all", WETH, Id(BOB), keep_alive), Signed(ALICE))
    assert runtime.foreign_assets.balance(WETH, ALICE) == left
    assert runtime.foreign_assets.balance(WETH, BOB) == 100 - left


def test_only_root_brings_foreign_assets_into_being() -> None:
    runtime = stocked()
    create = runtime.call("ForeignAssets", "create", ETHER, Id(ALICE), 1)
    assert runtime.try_dispatch(create, Signed(ALICE)) == Err(BadOrigin())
    force = runtime.call("ForeignAssets", "force_create", ETHER, Id(ALICE), True, 1)
    assert runtime.try_dispatch(force, Signed(ALICE)) == Err(BadOrigin())
    assert runtime.try_dispatch(force, Root()) == Ok(None)
    assert runtime.foreign_assets.exists(ETHER)


@pytest.mark.parametrize(("pallet", "id", "index"), [("Assets", GOLD, 50), ("ForeignAssets", WETH, 53)])
def test_each_instance_reports_its_own_errors(pallet: str, id: Any, index: int) -> None:
    runtime = stocked()
    outcome = runtime.try_dispatch(runtime.call(pallet, "transfer", id, Id(ALICE), 1), Signed(BOB))
    assert outcome == Err(Module(ModuleError(index, b"\x01\0\0\0")))  # NoAccount
