"""Real runtimes of many chains: their metadata, storage and extrinsics as polkadot-js sees them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integritee.metadata import (
    RuntimeMetadata,
    TransactionParameters,
    decode_extrinsic,
    signed_extrinsic,
    signing_payload,
)
from integritee.metadata.errors import MissingExtension, UnsupportedVersion
from integritee.metadata.layout import Map, StorageModifier
from integritee.metadata.storage import DIGEST_SIZES
from integritee.metadata.type_layout import TupleOf
from integritee.primitives.era import read_era
from integritee.scale.errors import DecodeError

from .real_runtimes import OLDER, RUNTIMES, RealRuntimes
from .reports import Report, run_client

pytestmark = pytest.mark.timeout(900)  # the first test of all may install the client


@pytest.fixture(scope="session")
def runtimes(javascript: Path) -> RealRuntimes:
    return RealRuntimes(javascript)


@pytest.fixture(params=RUNTIMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def metadata(runtimes: RealRuntimes, name: str) -> RuntimeMetadata:
    return runtimes.parsed(name)


def test_nothing_the_package_ships_is_left_out(runtimes: RealRuntimes) -> None:
    assert runtimes.names() == {*OLDER, *RUNTIMES}


@pytest.mark.parametrize("older", OLDER)
def test_older_versions_are_refused(runtimes: RealRuntimes, older: str) -> None:
    with pytest.raises(UnsupportedVersion) as caught:
        RuntimeMetadata.parse(runtimes.raw(older))
    assert (caught.value.found, caught.value.expected) == (OLDER[older], "14, 15, 16")


def test_sizes(metadata: RuntimeMetadata, name: str) -> None:
    assert (metadata.version, len(metadata.pallets), len(metadata.types.types)) == RUNTIMES[name]
    assert metadata.extrinsic_version == 4


@pytest.mark.parametrize("name", [name for name in RUNTIMES if name != "v14/substrate-contracts-node"])
def test_all_of_it_is_what_polkadot_js_shows(runtimes: RealRuntimes, name: str) -> None:
    assert runtimes.parsed(name).to_json() == runtimes.as_js_shows_it(name)


# --- types, constants, storage


def test_every_type_is_usable(metadata: RuntimeMetadata) -> None:
    for described in metadata.types.types:
        metadata.types.codec(described.id)
    for pallet in metadata.pallets.values():
        for variants in (pallet.calls, pallet.events, pallet.errors):
            for variant in variants.values():
                metadata.types.arguments(f"{pallet.name}.{variant.name}", variant.fields)


def test_every_constant_and_default_is_read_and_written(metadata: RuntimeMetadata) -> None:
    for pallet in metadata.pallets.values():
        for name, constant in pallet.constants.items():
            assert metadata.encode_type(constant.type, metadata.constant(pallet.name, name)) == constant.value
        for name, entry in pallet.storage.items():
            default = metadata.decode_storage(pallet.name, name, None)
            if entry.modifier is StorageModifier.Default:
                assert metadata.encode_storage(pallet.name, name, default) == entry.fallback


def zero(metadata: RuntimeMetadata, type_id: int) -> Any:
    """The value that zeros are, if they are one."""
    return metadata.types.codec(type_id).decode_prefix(bytes(256), 0)[0]


def key_types(metadata: RuntimeMetadata, entry: Map) -> list[int]:
    definition = metadata.types.type(entry.key).definition
    if len(entry.hashers) > 1 and isinstance(definition, TupleOf):
        return list(definition.types)
    return [entry.key]


def test_every_map_gives_its_keys_back(metadata: RuntimeMetadata) -> None:
    sizes: dict[int, int] = {}
    for pallet in metadata.pallets.values():
        for item, entry in pallet.storage.items():
            if not isinstance(entry.type, Map) or not set(entry.type.hashers) <= set(DIGEST_SIZES):
                continue
            try:
                keys = tuple(zero(metadata, kind) for kind in key_types(metadata, entry.type))
            except DecodeError:
                continue  # zeros are no key
            raw = metadata.storage_key(pallet.name, item, *keys)
            assert metadata.storage_map_keys(pallet.name, item, raw) == keys
            assert raw.startswith(metadata.storage_prefix(pallet.name, item, *keys[:-1]))
            sizes[len(keys)] = sizes.get(len(keys), 0) + 1
    assert set(sizes) >= {1, 2, 3}


# --- extrinsics

SIGNER, SIGNATURE = bytes(range(32)), b"\x5a" * 64
GENESIS, BIRTH = b"\x9e" * 32, b"\x8d" * 32
CHAIN = {
    "signer": "0x" + SIGNER.hex(),
    "genesisHash": "0x" + GENESIS.hex(),
    "blockHash": "0x" + BIRTH.hex(),
    "specVersion": 1_006_001,
    "transactionVersion": 26,
}
ASSETS: dict[str, tuple[Any, Any]] = {
    "v14/substrate": (7, 7),
    "v15/substrate": (("WithId", 7), {"WithId": 7}),
    "v16/substrate": (("WithId", 7), {"WithId": 7}),
    "v15/asset-hub-kusama": (
        {"parents": 1, "interior": ("X1", [("Parachain", 2015)])},
        {"parents": 1, "interior": {"X1": [{"Parachain": 2015}]}},
    ),
    "v15/asset-hub-polkadot": (
        {"parents": 0, "interior": ("X2", [("PalletInstance", 50), ("GeneralIndex", 1337)])},
        {"parents": 0, "interior": {"X2": [{"PalletInstance": 50}, {"GeneralIndex": 1337}]}},
    ),
}
"""An asset that may pay fees, for us and for polkadot-js, where the runtime knows such."""

PINNED = [name for name in RUNTIMES if name != "v14/substrate-contracts-node"]
"""Runtimes that can check the hash of their metadata."""

CASES: dict[str, dict[str, Any]] = {
    "plain": {"nonce": 0},
    "mortal, with tip": {"era": "0xe500", "nonce": 300, "tip": 1 << 70},
    "long": {"remark": "0x" + "ab" * 300, "nonce": 1},
    "asset": {"asset": True, "tip": 5},
    "pinned": {"metadataHash": "0x" + "4d" * 32},
}
MISSING = {"asset": set(RUNTIMES) - set(ASSETS), "pinned": set(RUNTIMES) - set(PINNED)}


def case(runtime: str, label: str) -> dict[str, Any]:
    """A case in the form that polkadot-js takes."""
    found = {"label": label, "remark": "0x6869", "era": "0x00", "nonce": 3, "tip": 0, "metadataHash": None}
    found |= CASES[label]
    asset = ASSETS[runtime][1] if "asset" in CASES[label] else None
    return found | {"tip": str(found["tip"]), "asset": asset}


def parameters(runtime: str, label: str) -> TransactionParameters:
    """The same in our form."""
    given = {"era": "0x00", "nonce": 3, "tip": 0} | CASES[label]
    return TransactionParameters(
        given["nonce"],
        read_era(bytes.fromhex(given["era"][2:]), 0)[0],
        BIRTH,
        GENESIS,
        CHAIN["specVersion"],
        CHAIN["transactionVersion"],
        given["tip"],
        ASSETS.get(runtime, (7, 7))[0] if "asset" in given else None,
        b"\x4d" * 32 if "metadataHash" in given else None,
    )


@pytest.fixture(scope="session")
def made_in_javascript(runtimes: RealRuntimes, javascript: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    wanted = [
        {
            "name": name,
            "metadata": "0x" + runtimes.bare(name).hex(),
            "cases": [case(name, label) for label in CASES if name not in MISSING.get(label, ())],
        }
        for name in RUNTIMES
    ]
    file = tmp_path_factory.mktemp("runtimes") / "runtimes.json"
    file.write_text(json.dumps(CHAIN | {"runtimes": wanted}))
    return run_client("polkadot-js", ["node", "runtimes.mjs", str(file)], javascript)


def test_extensions(made_in_javascript: Report, metadata: RuntimeMetadata, name: str) -> None:
    assert made_in_javascript[name]["version"] == metadata.version
    assert made_in_javascript[name]["extensions"] == [e.identifier for e in metadata.signed_extensions]


@pytest.mark.parametrize("label", CASES)
def test_extrinsics(made_in_javascript: Report, metadata: RuntimeMetadata, name: str, label: str) -> None:
    remark = bytes.fromhex(CASES[label].get("remark", "0x6869")[2:])
    call = metadata.call("System", "remark", {"remark": remark})
    wanted = parameters(name, label)
    if name in MISSING.get(label, ()):
        with pytest.raises(MissingExtension):
            signing_payload(metadata, call, wanted)
        return
    theirs = made_in_javascript[name]["cases"][label]
    assert "0x" + signing_payload(metadata, call, wanted).hex() == theirs["payload"]
    raw = signed_extrinsic(metadata, call, SIGNER, "sr25519", SIGNATURE, wanted)
    assert "0x" + raw.hex() == theirs["extrinsic"]
    found = decode_extrinsic(metadata, raw)
    assert (found.signer, found.signature) == (SIGNER, ("Sr25519", SIGNATURE))
    assert (found.era, found.nonce, found.tip) == (wanted.era, wanted.nonce, wanted.tip)
    assert (str(found.call), found.call_bytes) == ("System.remark", call)
    if "ChargeAssetTxPayment" in found.extensions:
        assert found.extensions["ChargeAssetTxPayment"]["asset_id"] == wanted.asset
    if "CheckMetadataHash" in found.extensions:
        mode = "Disabled" if wanted.metadata_hash is None else "Enabled"
        assert found.extensions["CheckMetadataHash"]["mode"].name == mode
