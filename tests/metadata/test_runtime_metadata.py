"""Runtime metadata of all versions: pallets, constants, storage, errors, JSON."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from integritee.crypto import blake2_128, blake2_256, twox_64, twox_128, twox_256
from integritee.enclave.selftest.damage import flipped
from integritee.metadata import EventRecord, RuntimeMetadata, Variant
from integritee.metadata.errors import (
    KeyNotRecoverable,
    MetadataTooLarge,
    NotMetadata,
    UnknownName,
    UnsupportedVersion,
    WrongArguments,
    WrongKeyCount,
    WrongStorageKey,
)
from integritee.metadata.layout import (
    Deprecated,
    Map,
    StorageEntryV14,
    StorageHasher,
    StorageModifier,
    StorageV14,
)
from integritee.metadata.runtime import MAX_METADATA_SIZE
from integritee.metadata.storage import DIGEST_SIZES
from integritee.metadata.type_layout import BitSequence
from integritee.scale import EncodeError, encode_compact
from integritee.scale.errors import TrailingBytes, UnexpectedEnd, UnknownVariant

from .golden import FILES, parsed, raw_metadata
from .synthetic import U8, UNIT, pallet_layout, runtime, types

BOB = bytes(range(32))


@pytest.mark.parametrize(
    ("name", "version", "pallets", "types"),
    [(FILES[0], 14, 36, 502), (FILES[1], 14, 21, 262), (FILES[2], 15, 41, 656), (FILES[3], 16, 29, 595)],
)
def test_files_parse(name: str, version: int, pallets: int, types: int) -> None:
    metadata = parsed(name)
    assert (metadata.version, len(metadata.pallets), len(metadata.types.types)) == (version, pallets, types)
    assert metadata.has_pallet("System") and not metadata.has_pallet("Systems")


def test_every_constant_and_default_decodes_and_encodes_again(any_metadata: RuntimeMetadata) -> None:
    for pallet in any_metadata.pallets.values():
        for name, constant in pallet.constants.items():
            value = any_metadata.constant(pallet.name, name)
            assert any_metadata.encode_type(constant.type, value) == constant.value
        for name, entry in pallet.storage.items():
            default = any_metadata.decode_storage(pallet.name, name, None)
            if entry.modifier is StorageModifier.Default:
                assert any_metadata.encode_storage(pallet.name, name, default) == entry.fallback
            else:
                assert default is None


@pytest.mark.parametrize(
    ("name", "spec_name", "spec_version"),
    [
        (FILES[0], "integritee-parachain", 50),
        (FILES[1], "encointer-node-notee", 30),
        (FILES[2], "integritee-kusama", 560),
        (FILES[3], "statemint", 1_006_001),
    ],
)
def test_runtime_version_constant(name: str, spec_name: str, spec_version: int) -> None:
    version = parsed(name).constant("System", "Version")
    assert (version["spec_name"], version["spec_version"]) == (spec_name, spec_version)


def test_version_16_holds_deprecations() -> None:
    layout = parsed("pah.scale").layout
    notes = [
        variant.deprecation
        for pallet in layout.pallets
        if pallet.calls is not None
        for variant in getattr(pallet.calls, "deprecation_info", [])
    ]
    assert any(isinstance(note, Deprecated) and note.note for note in notes)


@pytest.mark.parametrize(
    ("pallet", "call", "index"),
    [
        ("Teerex", "register_sgx_enclave", "3200"),
        ("EnclaveBridge", "invoke", "3600"),
        ("Sidechain", "confirm_imported_sidechain_block", "3500"),
        ("Proxy", "proxy", "0700"),
        ("Balances", "transfer_allow_death", "0a00"),
    ],
)
def test_call_index(metadata: RuntimeMetadata, pallet: str, call: str, index: str) -> None:
    assert metadata.call_index(pallet, call).hex() == index
    assert parsed("itk.scale").call_index(pallet, call).hex() == index


@pytest.mark.parametrize(("pallet", "call"), [("Nope", "transfer"), ("Balances", "nope"), ("ParachainInfo", "nope")])
def test_unknown_calls(metadata: RuntimeMetadata, pallet: str, call: str) -> None:
    with pytest.raises(UnknownName) as caught:
        metadata.call(pallet, call, {})
    assert caught.value.data() == {"kind": "call", "name": f"{pallet}.{call}"}
    with pytest.raises(UnknownName):
        metadata.call_index(pallet, call)


@pytest.mark.parametrize(
    "args",
    [
        {"dest": BOB},
        {"dest": BOB, "value": 1, "memo": 2},
        {},
        [BOB],
        [BOB, 1, 2],
        (),
        b"ab",
        "ab",
    ],
)
def test_wrong_arguments(metadata: RuntimeMetadata, args: Any) -> None:
    with pytest.raises(WrongArguments) as caught:
        metadata.call("Balances", "transfer_keep_alive", args)
    assert caught.value.expected == "dest, value"


def test_wrong_values(metadata: RuntimeMetadata) -> None:
    with pytest.raises(EncodeError):
        metadata.call("Balances", "transfer_keep_alive", {"dest": BOB, "value": -1})


@pytest.mark.parametrize(
    ("module", "error", "name"),
    [
        (10, 2, ("Balances", "InsufficientBalance")),
        (50, 14, ("Teerex", "OtherSgxVerifyError")),
        (0, 5, ("System", "CallFiltered")),
    ],
)
def test_module_errors(metadata: RuntimeMetadata, module: int, error: int, name: tuple[str, str]) -> None:
    assert metadata.error(module, error)[:2] == name
    assert metadata.error(module, error)[2]
    value = Variant("Module", {"index": module, "error": bytes([error, 0, 0, 0])})
    assert metadata.dispatch_error_name(value) == ".".join(name)


@pytest.mark.parametrize(("module", "error"), [(10, 200), (200, 0), (3, 0)])
def test_unknown_module_errors(metadata: RuntimeMetadata, module: int, error: int) -> None:
    with pytest.raises(UnknownName):
        metadata.error(module, error)


@pytest.mark.parametrize(
    ("encoded", "name"),
    [
        ("02", "BadOrigin"),
        ("0700", "Token.FundsUnavailable"),
        ("0800", "Arithmetic.Underflow"),
        ("030a02000000", "Balances.InsufficientBalance"),
    ],
)
def test_dispatch_error_names(metadata: RuntimeMetadata, encoded: str, name: str) -> None:
    error = metadata.decode_type(metadata.type_id("sp_runtime::DispatchError"), bytes.fromhex(encoded))
    assert metadata.dispatch_error_name(error) == name


def test_type_id_of_unknown_path(metadata: RuntimeMetadata) -> None:
    with pytest.raises(UnknownName):
        metadata.type_id("sp_runtime::Nope")


@pytest.mark.parametrize(
    ("pallet", "item", "keys", "error"),
    [
        ("System", "Account", (), WrongKeyCount),
        ("System", "Account", (BOB, BOB), WrongKeyCount),
        ("System", "Events", (1,), WrongKeyCount),
        ("System", "Account", (b"short",), EncodeError),
        ("System", "Nope", (), UnknownName),
        ("Nope", "Account", (), UnknownName),
    ],
)
def test_no_storage_key(
    metadata: RuntimeMetadata, pallet: str, item: str, keys: tuple[Any, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        metadata.storage_key(pallet, item, *keys)


def test_keys_of_a_double_map(metadata: RuntimeMetadata) -> None:
    key = metadata.storage_key("Multisig", "Multisigs", BOB, bytes(32))
    assert key.startswith(metadata.storage_prefix("Multisig", "Multisigs", BOB))
    assert key.startswith(metadata.storage_prefix("Multisig", "Multisigs"))
    assert metadata.storage_map_keys("Multisig", "Multisigs", key) == (BOB, bytes(32))


def test_every_map_with_recoverable_keys_gives_them_back(any_metadata: RuntimeMetadata) -> None:
    found = 0
    for pallet in any_metadata.pallets.values():
        for name, entry in pallet.storage.items():
            hashers = getattr(entry.type, "hashers", [])
            if hashers not in ([StorageHasher.Blake2_128Concat], [StorageHasher.Twox64Concat]):
                continue
            try:
                key = any_metadata.storage_key(pallet.name, name, BOB)
            except EncodeError:
                continue  # a map whose keys are no 32 bytes
            assert any_metadata.storage_map_keys(pallet.name, name, key) == (BOB,)
            found += 1
    assert found >= 5


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (lambda key: bytes(32) + key[32:], WrongStorageKey),
        (lambda key: flipped(key, 40), WrongStorageKey),
        (lambda key: key[:40], UnexpectedEnd),
        (lambda key: key + b"\x00", TrailingBytes),
    ],
    ids=["prefix", "digest", "short", "long"],
)
def test_damaged_storage_keys(
    metadata: RuntimeMetadata, damage: Callable[[bytes], bytes], error: type[Exception]
) -> None:
    key = metadata.storage_key("System", "Account", BOB)
    with pytest.raises(error):
        metadata.storage_map_keys("System", "Account", damage(key))


@pytest.mark.parametrize(
    ("hasher", "part"),
    [
        (StorageHasher.Blake2_128, blake2_128(b"\x07")),
        (StorageHasher.Blake2_256, blake2_256(b"\x07")),
        (StorageHasher.Blake2_128Concat, blake2_128(b"\x07") + b"\x07"),
        (StorageHasher.Twox128, twox_128(b"\x07")),
        (StorageHasher.Twox256, twox_256(b"\x07")),
        (StorageHasher.Twox64Concat, twox_64(b"\x07") + b"\x07"),
        (StorageHasher.Identity, b"\x07"),
    ],
)
def test_every_hasher(hasher: StorageHasher, part: bytes) -> None:
    entry = StorageEntryV14("Item", StorageModifier.Optional, Map([hasher], 1, 1), b"", [])
    metadata = runtime(types(UNIT, U8), [pallet_layout("P", 0, storage=StorageV14("Prefix", [entry]))])
    key = metadata.storage_key("P", "Item", 7)
    assert key == twox_128(b"Prefix") + twox_128(b"Item") + part
    if hasher in DIGEST_SIZES:
        assert metadata.storage_map_keys("P", "Item", key) == (7,)
    else:
        with pytest.raises(KeyNotRecoverable):
            metadata.storage_map_keys("P", "Item", key)


def test_events_of_the_docs_example_encode_and_decode(metadata: RuntimeMetadata) -> None:
    records = [
        EventRecord(Variant("Initialization"), "Treasury", "Deposit", {"value": 1}),
        EventRecord(Variant("ApplyExtrinsic", 2), "System", "NewAccount", {"account": BOB}, [bytes(32)]),
    ]
    assert metadata.decode_events(metadata.encode_events(records)) == records
    assert [r.extrinsic_index for r in records] == [None, 2]
    assert [str(r) for r in records] == ["Treasury.Deposit", "System.NewAccount"]


def test_json_has_the_shape_js_clients_know(metadata: RuntimeMetadata) -> None:
    shown = metadata.to_json()
    assert shown["magicNumber"] == 1635018093
    v14 = shown["metadata"]["v14"]
    assert set(v14) == {"lookup", "pallets", "extrinsic", "type"}
    assert v14["lookup"]["types"][0] == {
        "id": 0,
        "type": {
            "path": ["sp_core", "crypto", "AccountId32"],
            "params": [],
            "def": {"composite": {"fields": [{"name": None, "type": 1, "typeName": "[u8; 32]", "docs": []}]}},
            "docs": [],
        },
    }
    assert v14["lookup"]["types"][1]["type"]["def"] == {"array": {"len": 32, "type": 2}}
    assert v14["lookup"]["types"][2]["type"]["def"] == {"primitive": "U8"}
    system = v14["pallets"][0]
    assert (system["name"], system["index"], system["storage"]["prefix"]) == ("System", 0, "System")
    account = system["storage"]["items"][0]
    assert (account["name"], account["modifier"]) == ("Account", "Default")
    assert account["type"] == {"map": {"hashers": ["Blake2_128Concat"], "key": 0, "value": 3}}
    assert account["fallback"] == "0x" + "00" * 79 + "80"
    assert v14["extrinsic"]["signedExtensions"][5]["identifier"] == "CheckNonce"


def test_json_of_version_16() -> None:
    v16 = parsed("pah.scale").to_json()["metadata"]["v16"]
    assert v16["custom"] == {"map": {}}
    extrinsic = v16["extrinsic"]
    assert (extrinsic["versions"], list(extrinsic["transactionExtensionsByVersion"])) == ("0x0405", ["0"])
    assert set(extrinsic["transactionExtensions"][0]) == {"identifier", "type", "implicit"}
    balances = next(pallet for pallet in v16["pallets"] if pallet["name"] == "Balances")
    assert isinstance(balances["calls"]["deprecationInfo"], dict)


def test_json_of_bits() -> None:
    shown = runtime(types(UNIT, U8, BitSequence(1, 0))).to_json()["metadata"]["v14"]["lookup"]["types"]
    assert shown[2]["type"]["def"] == {"bitSequence": {"bitStoreType": 1, "bitOrderType": 0}}


@pytest.mark.parametrize("name", FILES)
def test_answer_of_the_runtime_api(name: str) -> None:
    raw = raw_metadata(name)
    answer = b"\x01" + encode_compact(len(raw)) + raw
    found = RuntimeMetadata.parse_answer(answer)
    assert found is not None
    assert found.layout == parsed(name).layout


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", UnexpectedEnd),
        (b"\x00\x00", TrailingBytes),
        (b"\x02", UnknownVariant),
        (b"\x01\x04a", NotMetadata),
        (b"\x01\x14meta\x0d", UnsupportedVersion),
        (bytes(MAX_METADATA_SIZE + 1), MetadataTooLarge),
    ],
)
def test_what_is_no_answer(answer: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        RuntimeMetadata.parse_answer(answer)


def test_answer_of_a_runtime_that_lacks_the_version() -> None:
    assert RuntimeMetadata.parse_answer(b"\x00") is None


def test_json_of_all_versions_is_json(any_metadata: RuntimeMetadata) -> None:
    shown = any_metadata.to_json()
    assert json.loads(json.dumps(shown)) == shown
    assert list(shown["metadata"]) == [f"v{any_metadata.version}"]
