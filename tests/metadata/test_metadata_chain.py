"""A recorded chain: every extrinsic, event and storage value of 16 blocks."""

from typing import Any

import pytest

from integritee.crypto import ss58_decode, verify_ed25519, verify_sr25519
from integritee.metadata import (
    DecodedCall,
    RuntimeMetadata,
    TransactionParameters,
    Variant,
    decode_extrinsic,
    message_to_sign,
    signed_extrinsic,
    signing_payload,
)
from integritee.scale import Err, Ok

from .golden import unhex, vectors
from .js_form import agrees, lower_first

CHAIN = vectors("chains/integritee-paseo-50.json")
BLOCKS = CHAIN["blocks"]
SHARD = bytes.fromhex(CHAIN["shard"][2:])
ENCLAVE = ss58_decode(CHAIN["accounts"]["enclave_ed25519_seed_07"])[0]
VAULT = ss58_decode(CHAIN["accounts"]["vault"])[0]

blocks = pytest.mark.parametrize("block", BLOCKS, ids=lambda b: f"{b['number']}-{b['label']}")


def js_name(pallet: str, name: str) -> str:
    return f"{lower_first(pallet)}.{name}"


def js_call_name(call: DecodedCall) -> str:
    first, *rest = call.call.split("_")
    return js_name(call.pallet, first + "".join(word.capitalize() for word in rest))


@blocks
def test_extrinsics_decode_as_the_js_client_shows_them(metadata: RuntimeMetadata, block: Any) -> None:
    for expected in block["extrinsics"]:
        extrinsic = decode_extrinsic(metadata, unhex(expected["hex"]))
        assert js_call_name(extrinsic.call) == expected["call"]
        assert agrees(metadata, extrinsic.call.args, expected["args"])
        assert extrinsic.nonce == expected["nonce"]
        assert extrinsic.hash == unhex(expected["hash"])
        assert extrinsic.is_signed == (expected["signer"] is not None)
        if expected["signer"] is not None:
            assert extrinsic.signer == ss58_decode(expected["signer"]["id"])[0]


@blocks
def test_calls_encode_to_the_bytes_they_came_from(metadata: RuntimeMetadata, block: Any) -> None:
    for expected in block["extrinsics"]:
        extrinsic = decode_extrinsic(metadata, unhex(expected["hex"]))
        call = extrinsic.call
        assert metadata.call(call.pallet, call.call, call.args) == extrinsic.call_bytes
        assert metadata.call(call.pallet, call.call, list(call.args.values())) == extrinsic.call_bytes


@blocks
def test_signed_extrinsics_are_rebuilt_and_their_signatures_verify(metadata: RuntimeMetadata, block: Any) -> None:
    genesis = unhex(CHAIN["genesis_hash"])
    for raw in (unhex(x["hex"]) for x in block["extrinsics"]):
        extrinsic = decode_extrinsic(metadata, raw)
        if extrinsic.signer is None:
            assert raw[1 if raw[0] & 3 == 0 else 2] == 0x04
            continue
        assert extrinsic.era is not None and extrinsic.nonce is not None and extrinsic.tip is not None
        assert isinstance(extrinsic.signature, Variant)
        parameters = TransactionParameters(
            extrinsic.nonce,
            extrinsic.era,
            genesis if not extrinsic.era.period else hash_at(extrinsic.era.birth(block["number"] - 1)),
            genesis,
            CHAIN["spec_version"],
            CHAIN["transaction_version"],
            extrinsic.tip,
        )
        message = message_to_sign(signing_payload(metadata, extrinsic.call_bytes, parameters))
        scheme, signature = extrinsic.signature
        verify = {"Sr25519": verify_sr25519, "Ed25519": verify_ed25519}[scheme]
        assert verify(signature, message, extrinsic.signer)
        assert raw == signed_extrinsic(
            metadata, extrinsic.call_bytes, extrinsic.signer, scheme.lower(), signature, parameters
        )


def hash_at(number: int) -> bytes:
    return unhex(BLOCKS[number - 1]["hash"] if number else CHAIN["genesis_hash"])


@blocks
def test_events_decode_as_the_js_client_shows_them(metadata: RuntimeMetadata, block: Any) -> None:
    raw = unhex(block["values"]["0x" + metadata.storage_key("System", "Events").hex()])
    records = metadata.decode_events(raw)
    assert len(records) == len(block["events"])
    for record, expected in zip(records, block["events"], strict=True):
        assert js_name(record.pallet, record.name) == expected["event"]
        assert agrees(metadata, list(record.fields.values()), expected["data"])
        if record.extrinsic_index is None:
            assert record.phase.name == expected["phase"]
        else:
            assert int(expected["phase"]["ApplyExtrinsic"]) == record.extrinsic_index
    assert metadata.encode_events(records) == raw


def test_events_keep_field_names_topics_and_results(metadata: RuntimeMetadata) -> None:
    key = "0x" + metadata.storage_key("System", "Events").hex()
    records = [r for b in BLOCKS for r in metadata.decode_events(unhex(b["values"][key]))]
    by_name = {str(r): r for r in records}
    published = by_name["EnclaveBridge.PublishedHash"]
    assert published.topics == [bytes([1]) * 32, SHARD]
    assert list(published.fields) == ["enclave_fingerprint", "hash", "data"]
    executed = [r.fields["result"] for r in records if str(r) == "Proxy.ProxyExecuted"]
    assert isinstance(executed[0], Ok)
    assert executed[1] == Err(Variant("Arithmetic", Variant("Underflow")))
    assert by_name["Treasury.UpdatedInactive"].phase == ("Initialization", ())


@blocks
def test_storage_values_decode_and_encode_again(metadata: RuntimeMetadata, block: Any) -> None:
    entries = {
        metadata.storage_key("Timestamp", "Now"): ("Timestamp", "Now"),
        metadata.storage_key("EnclaveBridge", "ShardStatus", SHARD): ("EnclaveBridge", "ShardStatus"),
        metadata.storage_key("EnclaveBridge", "ShardConfigRegistry", SHARD): (
            "EnclaveBridge",
            "ShardConfigRegistry",
        ),
        metadata.storage_key("Teerex", "SovereignEnclaves", ENCLAVE): ("Teerex", "SovereignEnclaves"),
        metadata.storage_key("System", "Account", VAULT): ("System", "Account"),
    }
    for key, (pallet, item) in entries.items():
        value = block["values"]["0x" + key.hex()]
        decoded = metadata.decode_storage(pallet, item, None if value is None else unhex(value))
        if value is not None:
            assert metadata.encode_storage(pallet, item, decoded) == unhex(value)
        elif item == "Account":
            assert decoded["data"]["free"] == 0
        else:
            assert decoded is None


def test_known_storage_values(metadata: RuntimeMetadata) -> None:
    values = {unhex(k): v for k, v in BLOCKS[-1]["values"].items()}
    status = values[metadata.storage_key("EnclaveBridge", "ShardStatus", SHARD)]
    assert metadata.decode_storage("EnclaveBridge", "ShardStatus", unhex(status)) == [
        {"signer": ENCLAVE, "fingerprint": SHARD, "last_activity": 14}
    ]
    enclave = values[metadata.storage_key("Teerex", "SovereignEnclaves", ENCLAVE)]
    name, sgx = metadata.decode_storage("Teerex", "SovereignEnclaves", unhex(enclave))
    assert (name, sgx["mr_enclave"], sgx["url"]) == ("Sgx", SHARD, b"wss://127.0.0.1:2000")
    assert sgx["attestation_method"] == ("Skip", {"proxied": False})
