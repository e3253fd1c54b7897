"""A client of npm packages on the worker's trusted RPC: types by the authors' @encointer/types, keys and SCALE by
polkadot-js, shielding by WebCrypto. Its steps are in `tests/js/trusted-rpc.mjs`; expected values follow the public
JS client and the original worker.
"""

from __future__ import annotations

import pytest

from integritee.crypto import ss58_decode

from ..system.processes import Worker
from .reports import Report

pytestmark = pytest.mark.timeout(900)  # the first test of all may install the client

ONE = 10**12
TRANSFER_FEE = ONE // 100
UNSHIELDING_FEE = 3 * TRANSFER_FEE

TWO_BYTE_LENGTHS = range(64, 2**14)
"""Texts whose compact length takes two bytes: the public client skips exactly that many."""


def account(address: str) -> str:
    return "0x" + ss58_decode(address)[0].hex()


# -- who is this ---------------------------------------------------------------------------------------


def test_certificate(trusted_rpc: Report, worker_process: Worker) -> None:
    """Its key is the enclave's account on the parentchain."""
    facts = trusted_rpc["certificate"]
    assert facts["subject"] == "O=Integritee"
    assert facts["names"] == "DNS:Enclave"
    assert facts["curve"] == "Ed25519"
    assert facts["key"] == account(worker_process.enclave_account)


def test_shielding_key(trusted_rpc: Report) -> None:
    """Little-endian; RSA-3072 with the usual exponent."""
    facts = trusted_rpc["identity"]
    assert facts["key_text_length"] in TWO_BYTE_LENGTHS
    assert int.from_bytes(bytes(facts["n"]), "little").bit_length() == 3072
    assert facts["e"] == [1, 0, 1, 0]


def test_identity(trusted_rpc: Report, worker_process: Worker) -> None:
    facts = trusted_rpc["identity"]
    assert facts["fingerprint"] == worker_process.say(r"^MRENCLAVE \(hex\): (0x\w+)")
    assert facts["shard"] == facts["fingerprint"]
    assert facts["vault"] == account(worker_process.vault)
    assert facts["parentchain"] == "Integritee"
    assert facts["version"].startswith("enclave-runtime: ")
    assert facts["untrusted_url"].startswith("ws://127.0.0.1")


def test_latest_sidechain_header(trusted_rpc: Report) -> None:
    facts = trusted_rpc["header"]
    assert facts["number"] > 0
    assert facts["shard"] == trusted_rpc["identity"]["shard"]


def test_metadata_of_the_ledger(trusted_rpc: Report) -> None:
    facts = trusted_rpc["metadata"]
    assert facts["version"] == 14
    assert {"System", "Balances", "ParentchainIntegritee"} <= set(facts["pallets"])


# -- deposit and getters -------------------------------------------------------------------------------


def test_a_deposit_is_credited_less_the_fee(trusted_rpc: Report) -> None:
    facts = trusted_rpc["deposit"]
    deposit = int(facts["deposit"])
    assert facts["paid"] is True
    assert int(facts["free"]) == deposit - deposit // 571
    assert facts["nonce"] == 0
    assert int(facts["issued"]) == deposit


def test_public_getters(trusted_rpc: Report) -> None:
    facts = trusted_rpc["public_getters"]
    assert facts["some_value"] == 42
    assert facts["genesis_known"] is True
    assert facts["block_number"] > 0
    assert facts["shielding_target"] == "Integritee"
    assert facts["shard_mode"] == "Normal"
    assert facts["enclave"] == trusted_rpc["identity"]["fingerprint"]


def test_trusted_getters(trusted_rpc: Report) -> None:
    """Signed plainly or as browser extensions do; the same account in every answer."""
    facts = trusted_rpc["trusted_getters"]
    credited = {"nonce": 0, "free": trusted_rpc["deposit"]["free"]}
    assert facts["plain"] == facts["wrapped"] == facts["essentials"] == credited
    assert facts["unknown"] == {"nonce": 0, "free": "0"}


def test_a_foreign_signature_reads_nothing(trusted_rpc: Report) -> None:
    facts = trusted_rpc["foreign_getter"]
    assert (facts["status"], facts["text"]) == ("Error", "GetterIsNotAuthorized")
    assert facts["reason"]["code"] == "stf.invalid_signature"


def test_next_index(trusted_rpc: Report) -> None:
    assert trusted_rpc["next_index"] == {"nonce": 0}


# -- trusted calls -------------------------------------------------------------------------------------


def test_a_transfer_ends_in_a_sidechain_block(trusted_rpc: Report) -> None:
    facts = trusted_rpc["transfer"]
    assert facts["hash"] == facts["expected_hash"]
    assert facts["statuses"] == ["Ready", "InSidechainBlock"]
    assert len(facts["block"]) == 66
    before, after = facts["before"], facts["after"]
    assert int(before["payer"]["free"]) - int(after["payer"]["free"]) == ONE + TRANSFER_FEE
    assert int(after["payee"]["free"]) - int(before["payee"]["free"]) == ONE
    assert after["payer"]["nonce"] == before["payer"]["nonce"] + 1


def test_browser_extensions_sign_calls(trusted_rpc: Report) -> None:
    assert trusted_rpc["wrapped_transfer"]["statuses"] == ["Ready", "InSidechainBlock"]


def test_a_ciphertext_without_its_leading_zero_is_read(trusted_rpc: Report) -> None:
    """About one in 190 comes out of the public client's big-number round trip like that."""
    facts = trusted_rpc["short_ciphertext"]
    assert facts["length"] == 383
    assert facts["statuses"] == ["Ready", "InSidechainBlock"]


def test_a_call_waits_for_the_nonce_before(trusted_rpc: Report) -> None:
    facts = trusted_rpc["nonce_gap"]
    assert facts["earlier"]["statuses"] == ["Ready", "InSidechainBlock"]
    assert facts["later"]["statuses"] == ["Future", "Ready", "InSidechainBlock"]


def test_submission_without_a_watch(trusted_rpc: Report) -> None:
    facts = trusted_rpc["unwatched"]
    assert facts["hash"] == facts["expected_hash"]
    assert (facts["do_watch"], facts["status"]) == (False, "Submitted")


# -- refusals ------------------------------------------------------------------------------------------


def test_a_call_beyond_the_balance_is_invalid_and_says_why(trusted_rpc: Report) -> None:
    """The fee is paid and the nonce used; nothing else happens."""
    facts = trusted_rpc["invalid"]
    left = int(facts["free"]) - TRANSFER_FEE
    assert facts["statuses"] == ["Ready", "Invalid"]
    assert facts["block"] is None
    assert facts["reason"]["code"] == "stf.missing_funds"
    assert facts["reason"]["data"] == {"needed": facts["needed"], "available": str(left)}
    assert int(facts["after"]["free"]) == left


@pytest.mark.parametrize(
    ("step", "code", "text"),
    [
        ("foreign_signature", "stf.invalid_signature", "stf.invalid_signature: "),
        ("stale_nonce", "pool.stale_nonce", 'Error { code: ServerError(4004), message: "Invalid trusted operation"'),
        ("not_shielded", "shielding.undecipherable", "Error { code: ServerError(1001), message: "),
        ("no_operation", "top.invalid_format", "Error { code: ServerError(1001), message: "),
        ("wrong_shard", "pool.invalid_shard", 'Error { code: ServerError(1002), message: "Shard does not exist"'),
    ],
)
def test_submissions_are_refused_with_a_reason(trusted_rpc: Report, step: str, code: str, text: str) -> None:
    """Old clients read the text, new ones the reason."""
    facts = trusted_rpc[step]
    assert facts["status"] == "Error"
    assert facts["refused"].startswith(text)
    assert facts["reason"]["code"] == code


# -- withdrawal ----------------------------------------------------------------------------------------


def test_a_withdrawal_reaches_the_parentchain(trusted_rpc: Report) -> None:
    facts = trusted_rpc["withdrawal"]
    assert facts["statuses"] == ["Ready", "InSidechainBlock"]
    assert int(facts["spent"]) == ONE + UNSHIELDING_FEE
    assert int(facts["received"]) == ONE
