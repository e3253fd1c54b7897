"""Foreign clients of Substrate chains on `integritee-node`: each takes the same steps and must see the same.

The clients: @polkadot/api, substrate-interface, async-substrate-interface. Their steps are in `tests/js` and
`tests/external`. Expected values are those of the integritee runtimes (spec 410).
"""

from __future__ import annotations

import itertools

import pytest

from ..system.processes import Node
from .reports import Report

pytestmark = pytest.mark.timeout(900)  # the first test of all may install the clients

ONE = 10**12
ALICE = "2P2pRoXYwZAWVPXXtR6is5o7L34Me72iuNdiMZxeNV2BkgsH"
BOB = "2MTf9jMQoqAcLP32TV8n7jt9EC3UBZdPQYVPJCpyJW6wyqoQ"

PALLETS = [
    "System",
    "Timestamp",
    "Sudo",
    "Multisig",
    "Proxy",
    "Utility",
    "Balances",
    "TransactionPayment",
    "Aura",
    "Grandpa",
    "Teerex",
    "Teeracle",
    "Sidechain",
    "EnclaveBridge",
]

FEE_TAKEN = ["Balances.Withdraw"]
TO_NEW_ACCOUNT = ["System.NewAccount", "Balances.Endowed", "Balances.Transfer"]
FEE_SETTLED = ["Balances.Deposit", "TransactionPayment.TransactionFeePaid"]
TRANSFER = [*FEE_TAKEN, *TO_NEW_ACCOUNT, *FEE_SETTLED, "System.ExtrinsicSuccess"]


def test_connects(parentchain_client: Report, node_process: Node) -> None:
    facts = parentchain_client["connect"]
    assert facts["chain"] == "Integritee Network (dev)"
    assert facts["node_name"] == "Integritee Node"
    assert (facts["spec_name"], facts["spec_version"]) == ("integritee-solo", 410)
    assert (facts["ss58_format"], facts["token"], facts["decimals"]) == (13, "TEER", 12)
    assert facts["genesis_hash"] == node_process.wait_for(r"genesis (0x[0-9a-f]{64})")[1]
    assert facts["pallets"] == PALLETS


def test_reads_constants(parentchain_client: Report) -> None:
    assert parentchain_client["constants"] == {
        "existential_deposit": "500",
        "block_hash_count": 2400,
        "ss58_prefix": 13,
        "proxy_deposit_base": "20008000000000",
    }


def test_reads_balances(parentchain_client: Report) -> None:
    facts = parentchain_client["account"]
    assert 0 < int(facts["free"]) <= 1000 * ONE
    assert facts["providers"] == 1
    assert int(facts["total_issuance"]) > 4900 * ONE


def test_lists_accounts(parentchain_client: Report) -> None:
    accounts = parentchain_client["account_map"]["accounts"]
    assert {ALICE, BOB} <= accounts.keys()
    assert accounts[BOB] == parentchain_client["account"]["free"]
    assert sum(map(int, accounts.values())) > 4900 * ONE


def test_follows_heads(parentchain_client: Report) -> None:
    facts = parentchain_client["heads"]
    assert [b - a for a, b in itertools.pairwise(facts["new"])] == [1, 1]
    assert all(a < b for a, b in itertools.pairwise(facts["finalized"]))


def test_calls_the_runtime(parentchain_client: Report) -> None:
    facts = parentchain_client["runtime_call"]
    assert facts["nonce"] == facts["next_index"] == parentchain_client["account"]["nonce"]


def test_transfers(parentchain_client: Report) -> None:
    facts = parentchain_client["transfer"]
    assert facts["success"] is True
    assert facts["events"] == TRANSFER
    assert int(facts["received"]) == ONE
    assert int(facts["spent"]) == ONE + int(facts["fee"])
    assert facts["nonces"] == 1


def test_estimates_the_fee_that_is_paid(parentchain_client: Report) -> None:
    facts = parentchain_client["transfer"]
    assert facts["estimate"] == facts["fee"]
    assert facts["class"] == "normal"
    assert 10**8 < int(facts["fee"]) < 10**10


def test_signs_for_a_while(parentchain_client: Report) -> None:
    assert parentchain_client["mortal_transfer"] == {"success": True, "events": TRANSFER}


def test_batches(parentchain_client: Report) -> None:
    facts = parentchain_client["batch"]
    item = [*TO_NEW_ACCOUNT, "Utility.ItemCompleted"]
    assert facts["success"] is True
    assert facts["events"] == [
        *FEE_TAKEN,
        *item,
        *item,
        "Utility.BatchCompleted",
        *FEE_SETTLED,
        "System.ExtrinsicSuccess",
    ]
    assert [int(amount) for amount in facts["received"]] == [ONE, 2 * ONE]


def test_decodes_a_block(parentchain_client: Report) -> None:
    assert parentchain_client["block"] == {"calls": ["Timestamp.set", "Utility.batch"], "signers": [None, BOB]}


def test_names_the_error_of_a_failed_call(parentchain_client: Report) -> None:
    assert parentchain_client["dispatch_error"] == {
        "success": False,
        "error": "EnclaveIsNotRegistered",
        "events": [*FEE_TAKEN, *FEE_SETTLED, "System.ExtrinsicFailed"],
    }


def test_is_told_why_the_pool_refuses(parentchain_client: Report) -> None:
    """Libraries show different parts of the node's answer."""
    facts = parentchain_client["outdated"]
    assert facts["message"].startswith("Invalid Transaction")
    assert facts.get("code", 1010) == 1010
    assert facts.get("data", "Transaction is outdated") == "Transaction is outdated"
