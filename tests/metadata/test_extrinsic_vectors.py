"""Extrinsics, payloads and storage keys byte for byte as polkadot-js makes them, on four chains."""

from typing import Any

import pytest

from integritee.crypto import Ed25519Pair, Sr25519Pair, verify_sr25519
from integritee.metadata import (
    TransactionParameters,
    Variant,
    decode_extrinsic,
    dummy_signed_extrinsic,
    message_to_sign,
    sign_extrinsic,
    signing_payload,
)
from integritee.primitives.era import Era, encode_era, read_era
from integritee.scale import encode_compact

from .golden import parsed, unhex, vectors

VECTORS = vectors("extrinsics.json")
SIGNER = Ed25519Pair.from_seed(bytes.fromhex(VECTORS["signer_seed"][2:]))
ALICE = Sr25519Pair.from_uri("//Alice")
CASES = [
    pytest.param(chain, case, id=f"{chain['metadata']}-{case['label']}-{case['era']}")
    for chain in VECTORS["chains"]
    for case in chain["cases"]
]
KEYS = [
    pytest.param(chain["metadata"], entry, id=f"{chain['metadata']}-{entry['item']}")
    for chain in VECTORS["chains"]
    for entry in chain["storage_keys"]
]


def parameters(chain: Any, case: Any) -> TransactionParameters:
    era, _ = read_era(unhex(case["era"]), 0)
    genesis = unhex(chain["genesis_hash"])
    return TransactionParameters(
        case["nonce"],
        era,
        unhex(chain["block_hash"]) if era.period else genesis,
        genesis,
        chain["spec_version"],
        chain["transaction_version"],
        int(case["tip"]),
    )


def sign(chain: Any, case: Any, pair: Ed25519Pair | Sr25519Pair) -> bytes:
    p = parameters(chain, case)
    return sign_extrinsic(
        parsed(chain["metadata"]),
        unhex(case["call"]),
        pair,
        nonce=p.nonce,
        era=p.era,
        birth_hash=p.birth_hash,
        genesis_hash=p.genesis_hash,
        spec_version=p.spec_version,
        transaction_version=p.transaction_version,
        tip=p.tip,
    )


@pytest.mark.parametrize(("chain", "case"), CASES)
def test_ed25519_extrinsic_is_reproduced(chain: Any, case: Any) -> None:
    metadata = parsed(chain["metadata"])
    payload = signing_payload(metadata, unhex(case["call"]), parameters(chain, case))
    assert payload == unhex(case["signing_payload"])
    assert sign(chain, case, SIGNER) == unhex(case["extrinsic"])


@pytest.mark.parametrize(("chain", "case"), CASES)
def test_extrinsic_is_read_back(chain: Any, case: Any) -> None:
    found = decode_extrinsic(parsed(chain["metadata"]), unhex(case["extrinsic"]))
    assert (found.signer, found.nonce, found.tip) == (SIGNER.public, case["nonce"], int(case["tip"]))
    assert (found.era, found.call_bytes) == (parameters(chain, case).era, unhex(case["call"]))
    assert found.hash == unhex(case["hash"])


@pytest.mark.parametrize(("chain", "case"), CASES)
def test_calls_within_calls_survive_a_round_trip(chain: Any, case: Any) -> None:
    metadata = parsed(chain["metadata"])
    call = metadata.decode_call(unhex(case["call"]))
    assert metadata.call(call.pallet, call.call, call.args) == unhex(case["call"])
    assert metadata.call_index(call.pallet, call.call) == unhex(case["call"])[:2]


@pytest.mark.parametrize(("chain", "case"), CASES)
def test_era_of_the_vector(chain: Any, case: Any) -> None:
    arguments = case["era_args"]
    era = Era.mortal(arguments["period"], arguments["current"]) if arguments else Era()
    assert encode_era(era) == unhex(case["era"])


@pytest.mark.parametrize("chain", VECTORS["chains"], ids=lambda c: c["metadata"])
def test_sr25519_extrinsic_verifies(chain: Any) -> None:
    metadata = parsed(chain["metadata"])
    for case in chain["cases"]:
        found = decode_extrinsic(metadata, sign(chain, case, ALICE))
        payload = message_to_sign(unhex(case["signing_payload"]))
        assert isinstance(found.signature, Variant)
        scheme, signature = found.signature
        assert (scheme, found.signer) == ("Sr25519", ALICE.public)
        assert verify_sr25519(signature, payload, ALICE.public)


@pytest.mark.parametrize("chain", VECTORS["chains"], ids=lambda c: c["metadata"])
def test_dummy_differs_in_the_signature_only(chain: Any) -> None:
    metadata, case = parsed(chain["metadata"]), chain["cases"][2]
    p = parameters(chain, case)
    dummy = dummy_signed_extrinsic(
        metadata, unhex(case["call"]), SIGNER.public, scheme="ed25519", nonce=p.nonce, era=p.era, tip=p.tip
    )
    signature = decode_extrinsic(metadata, unhex(case["extrinsic"])).signature
    assert isinstance(signature, Variant)
    assert dummy == unhex(case["extrinsic"]).replace(signature.value, bytes(64))


@pytest.mark.parametrize("chain", VECTORS["chains"], ids=lambda c: c["metadata"])
def test_signed_extensions_are_those_of_the_chain(chain: Any) -> None:
    metadata = parsed(chain["metadata"])
    assert [e.identifier for e in metadata.signed_extensions] == chain["signed_extensions"]
    assert (metadata.version, metadata.extrinsic_version) == (chain["metadata_version"], 4)
    assert metadata.constant("Balances", "ExistentialDeposit") == int(chain["existential_deposit"])
    assert metadata.constant("System", "SS58Prefix") == int(chain["ss58"])


ENTRIES = {
    "system.account": ("System", "Account"),
    "system.events": ("System", "Events"),
    "proxy.proxies": ("Proxy", "Proxies"),
    "enclaveBridge.shardStatus": ("EnclaveBridge", "ShardStatus"),
    "teerex.sovereignEnclaves": ("Teerex", "SovereignEnclaves"),
}
ARGUMENTS = {"": [], "//Alice": [ALICE.public], "a7": [bytes([0xA7]) * 32]}


@pytest.mark.parametrize(("name", "entry"), KEYS)
def test_storage_key(name: str, entry: Any) -> None:
    item, _, argument = entry["item"].rstrip(")").partition("(")
    key = parsed(name).storage_key(*ENTRIES[item], *ARGUMENTS[argument])
    # The vectors hold keys with their length prefix, but without its first byte.
    assert (encode_compact(len(key)) + key)[1:] == unhex(entry["key"])
    assert parsed(name).storage_map_keys(*ENTRIES[item], key) == tuple(ARGUMENTS[argument])
