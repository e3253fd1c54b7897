"""Calls of four real chains from pallet, name and arguments, as polkadot-js encodes and shows them."""

from typing import Any

import pytest

from integritee.crypto import Sr25519Pair
from integritee.metadata import DecodedCall, Variant, decode_extrinsic, signed_extrinsic

from .golden import parsed, unhex, vectors
from .test_extrinsic_vectors import CASES, SIGNER, parameters

VECTORS = vectors("extrinsics.json")
ALICE, BOB = (Variant("Id", Sr25519Pair.from_uri(uri).public) for uri in ("//Alice", "//Bob"))
SHARD = b"\xa7" * 32

CALLS: dict[str, DecodedCall] = {
    "balances.transfer_keep_alive": DecodedCall(
        "Balances", "transfer_keep_alive", {"dest": BOB, "value": 123_456_789_012_345}
    ),
    "proxy.proxy(transfer_keep_alive)": DecodedCall(
        "Proxy",
        "proxy",
        {
            "real": ALICE,
            "force_proxy_type": None,
            "call": DecodedCall("Balances", "transfer_keep_alive", {"dest": BOB, "value": 5}),
        },
    ),
    "proxy.add_proxy": DecodedCall("Proxy", "add_proxy", {"delegate": BOB, "proxy_type": Variant("Any"), "delay": 0}),
    "utility.batch_all": DecodedCall(
        "Utility",
        "batch_all",
        {
            "calls": [
                DecodedCall("Balances", "transfer_keep_alive", {"dest": BOB, "value": 1}),
                DecodedCall("System", "remark_with_event", {"remark": b"\x124"}),
            ]
        },
    ),
    "system.remark 300 bytes (payload is hashed)": DecodedCall("System", "remark", {"remark": b"\xab" * 300}),
    "enclaveBridge.invoke": DecodedCall(
        "EnclaveBridge", "invoke", {"request": {"shard": SHARD, "cyphertext": b"\xcd" * 384}}
    ),
    "enclaveBridge.confirm_processed_parentchain_block": DecodedCall(
        "EnclaveBridge",
        "confirm_processed_parentchain_block",
        {
            "shard": SHARD,
            "block_hash": b"\x8d" * 32,
            "block_number": 77,
            "trusted_calls_merkle_root": b"\x5a" * 32,
        },
    ),
    "enclaveBridge.update_shard_config": DecodedCall(
        "EnclaveBridge",
        "update_shard_config",
        {
            "shard": SHARD,
            "shard_config": {
                "enclave_fingerprint": SHARD,
                "max_instances": 3,
                "authorities": [ALICE.value],
                "maintenance_mode": False,
            },
            "enactment_delay": 5,
        },
    ),
    "enclaveBridge.unshield_funds": DecodedCall(
        "EnclaveBridge",
        "unshield_funds",
        {"shard": SHARD, "beneficiary": BOB.value, "amount": 10**12, "call_hash": b"3" * 32},
    ),
    "teerex.register_sgx_enclave skip": DecodedCall(
        "Teerex",
        "register_sgx_enclave",
        {
            "proof": SHARD,
            "worker_url": b"wss://127.0.0.1:2000",
            "attestation_method": Variant("Skip", {"proxied": False}),
        },
    ),
    "teerex.register_sgx_enclave dcap": DecodedCall(
        "Teerex",
        "register_sgx_enclave",
        {
            "proof": b"\xef" * 600,
            "worker_url": b"wss://worker.example:2000",
            "attestation_method": Variant("Dcap", {"proxied": False}),
        },
    ),
    "assets.transfer": DecodedCall("Assets", "transfer", {"id": 1984, "target": BOB, "amount": 999}),
    "foreignAssets.transfer": DecodedCall(
        "ForeignAssets",
        "transfer",
        {
            "id": {
                "parents": 2,
                "interior": Variant(
                    "X2",
                    [
                        Variant("GlobalConsensus", Variant("Ethereum", {"chain_id": 11_155_111})),
                        Variant("AccountKey20", {"network": None, "key": b"\x1c" * 20}),
                    ],
                ),
            },
            "target": BOB,
            "amount": 999,
        },
    ),
}


def test_every_call_of_the_vectors_is_in_the_table() -> None:
    assert {case["label"] for chain in VECTORS["chains"] for case in chain["cases"]} == set(CALLS)


@pytest.mark.parametrize(("chain", "case"), CASES)
def test_calls(chain: Any, case: Any) -> None:
    metadata, call = parsed(chain["metadata"]), CALLS[case["label"]]
    assert metadata.call(call.pallet, call.call, call.args) == unhex(case["call"])
    assert metadata.call(call.pallet, call.call, list(call.args.values())) == unhex(case["call"])
    assert metadata.decode_call(unhex(case["call"])) == call


@pytest.mark.parametrize(("chain", "case"), CASES)
def test_an_extrinsic_is_what_its_parts_make(chain: Any, case: Any) -> None:
    metadata, raw = parsed(chain["metadata"]), unhex(case["extrinsic"])
    found = decode_extrinsic(metadata, raw)
    assert found.call == CALLS[case["label"]]
    assert list(found.extensions) == chain["signed_extensions"]
    assert isinstance(found.signature, Variant)
    assert found.signature.name == "Ed25519"
    remade = signed_extrinsic(
        metadata, found.call_bytes, SIGNER.public, "ed25519", found.signature.value, parameters(chain, case)
    )
    assert remade == raw
