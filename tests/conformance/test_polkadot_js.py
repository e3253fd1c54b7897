"""What wallets and explorers do with @polkadot/api, beyond what every client of the parentchain does."""

from __future__ import annotations

import itertools

import pytest

from integritee.trie import verify_proof

from .reports import Report

pytestmark = pytest.mark.timeout(900)  # the first test of all may install the clients

ONE = 10**12
UNKNOWN_TO_POLKADOT_JS = "warn: API/INIT: RPC methods not decorated: "


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def test_the_chain_gives_nothing_to_complain_about(polkadot_js: Report) -> None:
    """Only that there are methods which these clients do not know either on real nodes, and those of testers."""
    for notice in polkadot_js["connect"]["notices"]:
        assert notice.startswith(UNKNOWN_TO_POLKADOT_JS)
        methods = notice.removeprefix(UNKNOWN_TO_POLKADOT_JS).split(", ")
        assert [m for m in methods if not m.startswith(("chainSpec_v1_", "dev_"))] == []


def test_every_type_of_the_metadata_can_be_used(polkadot_js: Report) -> None:
    facts = polkadot_js["types"]
    assert facts["metadata_version"] == 15
    assert facts["types"] > 150
    assert facts["unusable"] == []


def test_the_signed_extensions_are_known(polkadot_js: Report) -> None:
    assert polkadot_js["types"]["extensions"] == [
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


@pytest.mark.parametrize(
    "methods",
    [
        ["author.pendingExtrinsics", "author.submitExtrinsic", "author.submitAndWatchExtrinsic"],
        ["chain.getBlock", "chain.getBlockHash", "chain.getFinalizedHead", "chain.getHeader"],
        ["chain.subscribeAllHeads", "chain.subscribeFinalizedHeads", "chain.subscribeNewHeads"],
        ["grandpa.proveFinality", "grandpa.roundState", "grandpa.subscribeJustifications"],
        ["payment.queryFeeDetails", "payment.queryInfo", "rpc.methods"],
        ["state.call", "state.getKeysPaged", "state.getMetadata", "state.getReadProof", "state.getRuntimeVersion"],
        ["state.getStorage", "state.getStorageHash", "state.getStorageSize", "state.queryStorageAt"],
        ["state.subscribeRuntimeVersion", "state.subscribeStorage"],
        ["system.accountNextIndex", "system.chain", "system.chainType", "system.health", "system.name"],
        ["system.nodeRoles", "system.peers", "system.properties", "system.syncState", "system.version"],
    ],
    ids=lambda methods: methods[0].split(".")[0],
)
def test_methods_are_offered(polkadot_js: Report, methods: list[str]) -> None:
    assert [m for m in methods if m not in polkadot_js["rpc"]["decorated"]] == []


def test_an_extrinsic_passes_all_statuses(polkadot_js: Report) -> None:
    assert polkadot_js["statuses"]["statuses"] == ["ready", "inBlock", "finalized"]


def test_an_extrinsic_waits_for_the_nonce_before(polkadot_js: Report) -> None:
    facts = polkadot_js["nonce_gap"]
    assert facts["earlier"] == ["ready", "inBlock", "finalized"]
    assert facts["later"] == ["future", "ready", "inBlock", "finalized"]
    assert int(facts["received"]) == 2 * ONE


def test_an_ed25519_account_pays(polkadot_js: Report) -> None:
    facts = polkadot_js["ed25519"]
    assert facts["success"] is True
    assert int(facts["left"]) == 9 * ONE - int(facts["fee"])


def test_a_batch_ends_at_its_first_error(polkadot_js: Report) -> None:
    assert polkadot_js["interrupted_batch"] == {
        "success": True,
        "index": 1,
        "error": "EnclaveIsNotRegistered",
        "received": str(ONE),
    }


def test_sudo(polkadot_js: Report) -> None:
    assert polkadot_js["sudo"] == {"success": True, "inner_ok": True, "free": str(7 * ONE)}


def test_fee_details_add_up(polkadot_js: Report) -> None:
    assert polkadot_js["fee_details"]["sum"] == polkadot_js["fee_details"]["estimate"]


def test_an_enclave_is_registered_and_read_back(polkadot_js: Report) -> None:
    facts = polkadot_js["enclave"]
    assert facts["success"] is True
    assert "Teerex.AddedSgxEnclave" in facts["events"]
    enclave = facts["enclave"]["sgx"]
    assert enclave["mrEnclave"] == "0x" + "11" * 32
    assert unhex(enclave["url"]) == b"wss://127.0.0.1:2000"
    assert enclave["attestationMethod"] == {"skip": {"proxied": False}}
    assert (enclave["status"], enclave["buildMode"]) == ("Invalid", "Production")


def test_storage_is_followed(polkadot_js: Report) -> None:
    seen = polkadot_js["subscribed_storage"]["seen"]
    assert len(seen) == 3
    assert all(a < b for a, b in itertools.pairwise(seen))


def test_wallets_see_balances(polkadot_js: Report) -> None:
    facts = polkadot_js["derived"]
    assert facts["available"] == facts["free"]
    assert facts["next_nonce"] > 0
    assert facts["best"] > 0


def test_the_past_can_be_asked(polkadot_js: Report) -> None:
    facts = polkadot_js["past"]
    assert int(facts["free_at_genesis"]) == 1000 * ONE
    assert facts["parent"] is True


def test_every_block_and_event_decodes(polkadot_js: Report) -> None:
    facts = polkadot_js["all_blocks"]
    assert facts["blocks"] > 10
    assert {"Timestamp.set", "Balances.transfer_allow_death", "Utility.batch", "Sudo.sudo"} <= set(facts["calls"])
    assert {"System.ExtrinsicSuccess", "System.ExtrinsicFailed", "Sudo.Sudid"} <= set(facts["events"])


def test_every_extrinsic_succeeds_or_fails_exactly_once(polkadot_js: Report) -> None:
    assert polkadot_js["all_blocks"]["unsettled"] == []


def test_a_proof_proves_what_storage_says(polkadot_js: Report) -> None:
    facts = polkadot_js["read_proof"]
    key = unhex(facts["key"])
    proven = verify_proof(unhex(facts["root"]), [unhex(node) for node in facts["proof"]], [key])
    assert proven[key] == unhex(facts["value"])
