"""Metadata says what the runtime is: read back with the reader made for foreign chains."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.frame.metadata import constant_name, metadata_v14
from integritee.frame.origin import Root, Signed
from integritee.frame.outer import RuntimeCall
from integritee.metadata import RuntimeMetadata
from integritee.primitives.ids import Id

from .demo_runtime import ALICE, BOB, DemoRuntime

METADATA = RuntimeMetadata.parse(metadata_v14(DemoRuntime))


def test_pallets_and_their_indexes() -> None:
    assert [(p.name, p.index) for p in METADATA.pallets.values()] == [("System", 0), ("Balances", 4), ("NotePad", 9)]


@pytest.mark.parametrize(
    ("pallet", "function", "args"),
    [
        ("System", "remark", (b"hi",)),
        ("System", "set_storage", ([(b"k", b"v")],)),
        ("Balances", "transfer_keep_alive", (Id(BOB), 1 << 70)),
        ("NotePad", "fail_oddly", (7,)),
        ("NotePad", "crash", ()),
    ],
)
def test_calls_encode_the_same_through_metadata(pallet: str, function: str, args: tuple[Any, ...]) -> None:
    ours = DemoRuntime.codec(RuntimeCall).encode(DemoRuntime.call(pallet, function, *args))
    assert METADATA.call(pallet, function, list(args)) == ours
    assert METADATA.call_index(pallet, function) == ours[:2]
    decoded = METADATA.decode_call(ours)
    assert (decoded.pallet, decoded.call) == (pallet, function)


def test_nested_calls() -> None:
    inner = DemoRuntime.call("NotePad", "store", b"x")
    ours = DemoRuntime.codec(RuntimeCall).encode(DemoRuntime.call("NotePad", "repeat", inner, 3))
    decoded = METADATA.decode_call(ours)
    assert str(decoded.args["inner"]) == "NotePad.store"
    assert decoded.args["inner"].args == {"note": b"x"}
    assert decoded.args["times"] == 3


def test_events_decode_through_metadata() -> None:
    runtime = DemoRuntime()
    runtime.balances.mint(ALICE, 5_000)
    runtime.begin_extrinsic(1)
    store = runtime.call("NotePad", "store", b"x")
    runtime.dispatch(runtime.call("NotePad", "repeat", store, 1), Signed(ALICE))
    runtime.dispatch(runtime.call("NotePad", "repeat", store, 1), Root())
    runtime.system.write_events()
    found = METADATA.decode_events(runtime.state.get(runtime.system.event_records.key) or b"")
    assert [(e.pallet, e.name) for e in found] == [
        ("System", "NewAccount"),
        ("Balances", "Endowed"),
        ("NotePad", "Stored"),
        ("NotePad", "Tried"),
        ("NotePad", "Tried"),
    ]
    assert found[1].fields == {"account": ALICE, "free_balance": 5_000}


def test_storage_keys_and_values() -> None:
    runtime = DemoRuntime()
    runtime.balances.mint(ALICE, 5_000)
    key = METADATA.storage_key("System", "Account", ALICE)
    assert key == runtime.system.account.key_of(ALICE)
    info = METADATA.decode_storage("System", "Account", runtime.state.get(key))
    assert (info["providers"], info["data"]["free"]) == (1, 5_000)
    assert METADATA.storage_key("NotePad", "NumberedNotes", 3) == runtime.notes.by_number.key_of(3)
    assert METADATA.storage_key("NotePad", "Shared", 3, BOB) == runtime.notes.shared.key_of(3, BOB)


@pytest.mark.parametrize(
    ("pallet", "item", "default"),
    [
        ("NotePad", "Count", 0),
        ("NotePad", "Title", None),
        ("NotePad", "Limit", 7),
        ("NotePad", "ByAuthor", []),
        ("NotePad", "NumberedNotes", None),
        ("System", "Digest", {"logs": []}),
        ("Balances", "TotalIssuance", 0),
    ],
)
def test_defaults(pallet: str, item: str, default: object) -> None:
    assert METADATA.decode_storage(pallet, item, None) == default


def test_constants() -> None:
    assert METADATA.constant("NotePad", "MaxNoteSize") == 8
    assert METADATA.constant("Balances", "ExistentialDeposit") == 500
    assert METADATA.constant("System", "SS58Prefix") == 42
    assert METADATA.constant("System", "BlockHashCount") == 2400
    assert METADATA.constant("System", "DbWeight") == {"read": 25_000_000, "write": 100_000_000}
    assert METADATA.constant("System", "Version")["transaction_version"] == 4
    weights = METADATA.constant("System", "BlockWeights")
    assert weights["max_block"] == {"ref_time": 2 * 10**12, "proof_size": 2**64 - 1}
    normal = weights["per_class"]["normal"]
    assert normal["max_total"] == {"ref_time": 15 * 10**11, "proof_size": 13_835_058_055_282_163_711}
    assert normal["max_extrinsic"]["ref_time"] == 15 * 10**11 - 2 * 10**11 - 108_157_000
    assert weights["per_class"]["mandatory"]["max_total"] is None
    assert METADATA.constant("System", "BlockLength")["max"] == {
        "normal": 3_932_160,
        "operational": 5_242_880,
        "mandatory": 5_242_880,
    }


@pytest.mark.parametrize(
    ("attribute", "name"),
    [("max_note_size", "MaxNoteSize"), ("ss58_prefix", "SS58Prefix"), ("slot_duration", "SlotDuration")],
)
def test_constant_names(attribute: str, name: str) -> None:
    assert constant_name(attribute) == name


def test_errors_have_names_and_docs() -> None:
    assert METADATA.error(9, 1) == ("NotePad", "Odd", "an odd failure")
    errors = METADATA.pallets["NotePad"].errors
    assert {e.name: (e.index, e.docs) for e in errors.values()} == {
        "NoteTooLong": (0, ["the note is longer than MaxNoteSize"]),
        "Odd": (1, ["an odd failure"]),
    }


def test_docs_of_calls_are_their_docstrings() -> None:
    calls = METADATA.pallets["NotePad"].calls
    assert calls["store"].docs == ["Store a note.", "", "It is kept forever."]


def test_signed_extensions() -> None:
    names = [e.identifier for e in METADATA.signed_extensions]
    assert names == [
        "CheckNonZeroSender",
        "CheckSpecVersion",
        "CheckTxVersion",
        "CheckGenesis",
        "CheckMortality",
        "CheckNonce",
        "CheckWeight",
        "ChargeTransactionPayment",
        "CheckMetadataHash",
    ]
    assert METADATA.extrinsic_version == 4


def paths() -> set[str]:
    return {"::".join(t.path) for t in METADATA.layout.types if t.path}


@pytest.mark.parametrize(
    "path",
    [
        "sp_core::crypto::AccountId32",
        "sp_runtime::multiaddress::MultiAddress",
        "sp_runtime::MultiSignature",
        "sp_runtime::generic::era::Era",
        "primitive_types::H256",
        "sp_weights::weight_v2::Weight",
        "sp_runtime::DispatchError",
        "sp_runtime::ModuleError",
        "sp_runtime::TokenError",
        "sp_arithmetic::ArithmeticError",
        "sp_runtime::generic::digest::Digest",
        "sp_runtime::generic::digest::DigestItem",
        "sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic",
        "frame_system::EventRecord",
        "frame_system::DispatchEventInfo",
        "frame_system::AccountInfo",
        "frame_support::dispatch::DispatchClass",
        "pallet_balances::types::AccountData",
        "bounded_collections::bounded_vec::BoundedVec",
        "pallet_notes::pallet::Call",
        "pallet_notes::pallet::Event",
        "pallet_notes::pallet::Error",
        "demo_runtime::RuntimeCall",
        "demo_runtime::RuntimeEvent",
        "Option",
        "Result",
    ],
)
def test_paths_that_clients_look_for(path: str) -> None:
    assert path in paths()


@pytest.mark.parametrize(
    ("path", "params"),
    [
        (
            "sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic",
            {
                "Address": "sp_runtime::multiaddress::MultiAddress",
                "Call": "demo_runtime::RuntimeCall",
                "Signature": "sp_runtime::MultiSignature",
                "Extra": "",
            },
        ),
        ("frame_system::EventRecord", {"E": "demo_runtime::RuntimeEvent", "T": "primitive_types::H256"}),
        ("sp_runtime::multiaddress::MultiAddress", {"AccountId": "sp_core::crypto::AccountId32", "AccountIndex": ""}),
    ],
)
def test_type_parameters_that_clients_go_by(path: str, params: dict[str, str]) -> None:
    """JS clients find address, call, signature and event types through them."""
    types = METADATA.layout.types
    (found,) = (t for t in types if "::".join(t.path) == path)
    assert {p.name: "::".join(types[p.type].path) for p in found.params if p.type is not None} == params


def test_types_are_numbered_in_order_and_all_there() -> None:
    assert [t.id for t in METADATA.layout.types] == list(range(len(METADATA.layout.types)))


def test_every_use_of_a_type_is_the_same_type() -> None:
    forms = [(tuple(t.path), repr(t.params), repr(t.definition)) for t in METADATA.layout.types]
    assert len(forms) == len(set(forms))
