"""What is served, under which names, for whom; what the methods answer."""

from __future__ import annotations

from typing import Any

import pytest
from tests.node.toy_runtime import ALICE, BOB, Panic, SetTime, Tagged, account_key, genesis, transfer, xt

from integritee.crypto import blake2_256, ss58_encode
from integritee.node.block import extrinsic_hash
from integritee.node.rpc.limits import MAX_BLOCK_NUMBERS, MAX_KEYS_PAGE, MAX_QUERY_BLOCKS
from integritee.node.rpc.methods import MethodTable, method
from integritee.primitives.grandpa import FinalityProof, GrandpaJustification
from integritee.primitives.header import Header
from integritee.scale import decode
from integritee.trie import verify_proof

from .conftest import RpcFailure
from .rpc_engine import EVENTS, METADATA, SAME_EVENTS

UNKNOWN = "0x" + "ab" * 32

REQUIRED = [
    "rpc_methods",
    "chain_getBlockHash",
    "chain_getHead",
    "chain_getFinalizedHead",
    "chain_getFinalisedHead",
    "chain_getHeader",
    "chain_getBlock",
    "chain_subscribeNewHeads",
    "chain_subscribeNewHead",
    "subscribe_newHead",
    "chain_unsubscribeNewHeads",
    "chain_subscribeFinalizedHeads",
    "chain_unsubscribeFinalizedHeads",
    "chain_subscribeFinalisedHeads",
    "chain_unsubscribeFinalisedHeads",
    "chain_subscribeAllHeads",
    "chain_unsubscribeAllHeads",
    "state_getMetadata",
    "state_getRuntimeVersion",
    "chain_getRuntimeVersion",
    "state_subscribeRuntimeVersion",
    "chain_subscribeRuntimeVersion",
    "state_unsubscribeRuntimeVersion",
    "state_call",
    "state_callAt",
    "state_getStorage",
    "state_getStorageAt",
    "state_getStorageHash",
    "state_getStorageHashAt",
    "state_getStorageSize",
    "state_getStorageSizeAt",
    "state_getKeysPaged",
    "state_getKeysPagedAt",
    "state_getKeys",
    "state_getPairs",
    "state_queryStorageAt",
    "state_queryStorage",
    "state_getReadProof",
    "state_subscribeStorage",
    "state_unsubscribeStorage",
    "author_submitExtrinsic",
    "author_submitAndWatchExtrinsic",
    "author_unwatchExtrinsic",
    "author_pendingExtrinsics",
    "author_removeExtrinsic",
    "author_hasKey",
    "system_accountNextIndex",
    "account_nextIndex",
    "system_chain",
    "system_name",
    "system_version",
    "system_chainType",
    "system_properties",
    "system_health",
    "system_peers",
    "system_nodeRoles",
    "system_syncState",
    "payment_queryInfo",
    "payment_queryFeeDetails",
    "grandpa_roundState",
    "grandpa_proveFinality",
    "grandpa_subscribeJustifications",
    "grandpa_unsubscribeJustifications",
    "engine_createBlock",
    "engine_finalizeBlock",
]

UNSAFE = {
    "author_removeExtrinsic": [[]],
    "author_hasKey": ["0x", "aura"],
    "state_getPairs": ["0x"],
    "state_queryStorage": [[], UNKNOWN],
    "system_peers": [],
    "system_addLogFilter": [""],
    "system_resetLogFilter": [],
    "engine_createBlock": [True, True],
    "engine_finalizeBlock": [UNKNOWN],
}


def _hash(data: bytes) -> str:
    return "0x" + data.hex()


def _failure(rpc: Any, method: str, *params: Any) -> tuple[int, str, Any]:
    with pytest.raises(RpcFailure) as failure:
        rpc.call(method, *params)
    return failure.value.code, failure.value.message, failure.value.data


# --- the table


def test_all_required_methods_are_served_and_listed(rpc: Any) -> None:
    listed = rpc.call("rpc_methods")["methods"]
    assert set(REQUIRED) <= set(listed)
    assert listed == sorted(set(listed))


@pytest.mark.parametrize("method", UNSAFE)
def test_unsafe_methods_are_refused_to_external_callers(node: Any, method: str) -> None:
    external = node.caller(allow_unsafe=False)
    assert _failure(external, method, *UNSAFE[method])[:2] == (-32601, "RPC call is unsafe to be called externally")


@pytest.mark.parametrize("method", ["chain_getHeader", "system_health", "author_pendingExtrinsics"])
def test_safe_methods_are_for_all(node: Any, method: str) -> None:
    assert node.caller(allow_unsafe=False).call(method) == node.caller().call(method)


def test_two_methods_of_one_name_are_a_defect() -> None:
    class Twice:
        @method("name", "name")
        def function(self) -> None: ...

    with pytest.raises(ValueError, match="two methods are named name"):
        MethodTable(Twice())


def test_parameters_by_name(node: Any, rpc: Any) -> None:
    key = _hash(account_key(ALICE))
    assert rpc.call("state_getStorage", key=key) == rpc.call("state_getStorage", key)
    node.produce()
    at_genesis = rpc.call("state_getStorage", key=_hash(EVENTS), hash=_hash(node.chain.genesis_hash))
    assert at_genesis is None and rpc.call("state_getStorage", key=_hash(EVENTS)) == _hash(SAME_EVENTS)


def test_surplus_and_null_parameters(rpc: Any) -> None:
    assert rpc.call("chain_getHeader", None) == rpc.call("chain_getHeader", None, 1, 2) == rpc.call("chain_getHeader")


@pytest.mark.parametrize(
    ("method", "params", "detail"),
    [
        ("state_getStorage", [], "missing parameter key"),
        ("state_getStorage", ["0xzz"], "parameter key: expected a 0x-prefixed hex string"),
        ("state_getStorage", ["0x0"], "parameter key: expected a 0x-prefixed hex string"),
        ("state_getStorage", ["0x00", "0x00"], "parameter hash: expected 32 bytes of hex, got 1"),
        ("chain_getBlockHash", [-1], "parameter number: expected an unsigned 32-bit number"),
        ("chain_getBlockHash", [1 << 32], "parameter number: expected an unsigned 32-bit number"),
        ("chain_getBlockHash", ["0xx"], "parameter number: expected a block number"),
        ("chain_getBlockHash", [True], "parameter number: expected an unsigned 32-bit number"),
        (
            "chain_getBlockHash",
            [[0] * (MAX_BLOCK_NUMBERS + 1)],
            "parameter number: expected at most 4096 entries, got 4097",
        ),
        ("state_getKeysPaged", ["0x", 1.5], "parameter count: expected an unsigned 32-bit number"),
        ("state_call", [1, "0x"], "parameter name: expected a string"),
        ("state_getReadProof", ["0x00"], "parameter keys: expected an array"),
        ("engine_createBlock", [1, True], "parameter create_empty: expected true or false"),
        (
            "author_removeExtrinsic",
            [[{"x": "0x"}]],
            'parameter bytes_or_hash: expected entries {"hash": …} or {"extrinsic": …}',
        ),
        ("author_unwatchExtrinsic", [], "expected a subscription id"),
        ("author_unwatchExtrinsic", [None], "expected a subscription id"),
        ("system_addLogFilter", ["x=loud"], "unknown log level 'loud'"),
    ],
)
def test_bad_parameters_are_named(rpc: Any, method: str, params: list[Any], detail: str) -> None:
    assert _failure(rpc, method, *params) == (-32602, "Invalid params", detail)


def test_bad_address(rpc: Any) -> None:
    code, message, detail = _failure(rpc, "system_accountNextIndex", "5GrwvaEF")
    assert (code, message) == (-32602, "Invalid params")
    assert detail.startswith("parameter account: expected an SS58 address")


# --- chain


def test_block_hash_by_number(node: Any, rpc: Any) -> None:
    node.produce(3)
    hashes = [_hash(node.chain.hash_at(n)) for n in range(4)]
    assert rpc.call("chain_getBlockHash") == rpc.call("chain_getHead") == hashes[3]
    assert [rpc.call("chain_getBlockHash", n) for n in range(4)] == hashes
    assert rpc.call("chain_getBlockHash", "0x2") == rpc.call("chain_getBlockHash", "2") == hashes[2]
    assert rpc.call("chain_getBlockHash", [0, "0x1", 99]) == [hashes[0], hashes[1], None]
    assert rpc.call("chain_getBlockHash", 4) is None


def test_header_hashes_to_its_block(node: Any, rpc: Any) -> None:
    hash = node.produce(2)
    view = rpc.call("chain_getHeader", _hash(hash))
    assert Header.from_rpc(view).hash() == hash
    assert view["number"] == "0x2"
    assert rpc.call("chain_getHeader") == view
    assert rpc.call("chain_getHeader", UNKNOWN) is None


def test_block_with_extrinsics_and_justification(node: Any, rpc: Any) -> None:
    extrinsic = transfer(ALICE, 0)
    rpc.call("author_submitExtrinsic", _hash(extrinsic))
    hash = node.produce()
    found = rpc.call("chain_getBlock")
    assert found == rpc.call("chain_getBlock", _hash(hash))
    assert found["block"].keys() == {"header", "extrinsics"}
    assert found["block"]["extrinsics"] == [_hash(xt(SetTime(node.now_ms))), _hash(extrinsic)]
    ((engine, justification),) = found["justifications"]
    assert engine == [70, 82, 78, 75]
    assert decode(GrandpaJustification, bytes(justification)).commit.target_hash == hash
    assert rpc.call("chain_getBlock", UNKNOWN) is None
    assert rpc.call("chain_getBlock", _hash(node.chain.genesis_hash))["justifications"] is None


def test_finalized_head_lags(make_node: Any) -> None:
    node = make_node(finality_lag=2)
    node.produce(5)
    assert node.caller().call("chain_getFinalizedHead") == _hash(node.chain.hash_at(3))


# --- state


def test_metadata_has_no_outer_length_and_is_computed_once(node: Any, rpc: Any) -> None:
    node.produce(2)
    hashes = [None, _hash(node.chain.hash_at(0)), _hash(node.chain.hash_at(1))]
    assert {rpc.call("state_getMetadata", hash) for hash in hashes} == {_hash(METADATA)}
    assert node.engine.calls.count("Metadata_metadata") == 1


def test_runtime_version(rpc: Any) -> None:
    version = rpc.call("state_getRuntimeVersion")
    assert version == rpc.call("chain_getRuntimeVersion")
    assert version == {
        "specName": "toy",
        "implName": "toy",
        "authoringVersion": 1,
        "specVersion": 3,
        "implVersion": 1,
        "apis": [["0x3132333435363738", 5]],
        "transactionVersion": 1,
        "systemVersion": 0,
        "stateVersion": 0,
    }


def test_state_call(node: Any, rpc: Any) -> None:
    rpc.call("author_submitExtrinsic", _hash(transfer(ALICE, 0)))
    node.produce()
    name = "AccountNonceApi_account_nonce"
    assert rpc.call("state_call", name, _hash(ALICE)) == "0x01000000"
    assert rpc.call("state_call", name, _hash(ALICE), _hash(node.chain.genesis_hash)) == "0x00000000"


def test_storage(node: Any, rpc: Any) -> None:
    key, value = account_key(ALICE), genesis()[account_key(ALICE)]
    assert rpc.call("state_getStorage", _hash(key)) == _hash(value)
    assert rpc.call("state_getStorageHash", _hash(key)) == _hash(blake2_256(value))
    assert rpc.call("state_getStorageSize", _hash(key)) == len(value)
    assert rpc.call("state_getStorageSize", _hash(b":account")) == 2 * len(value)
    for name in ("state_getStorage", "state_getStorageHash", "state_getStorageSize"):
        assert rpc.call(name, _hash(b"absent")) is None
        assert rpc.call(name + "At", _hash(key)) == rpc.call(name, _hash(key))


def test_keys_and_pages(rpc: Any) -> None:
    keys = sorted(genesis())
    assert rpc.call("state_getKeys", "0x") == [_hash(key) for key in keys]
    assert dict(rpc.call("state_getPairs", _hash(b":account"))) == {
        _hash(k): _hash(v) for k, v in genesis().items() if k.startswith(b":account")
    }
    paged: list[str] = []
    while page := rpc.call("state_getKeysPaged", "0x", 2, paged[-1] if paged else None):
        assert len(page) <= 2
        paged += page
    assert paged == [_hash(key) for key in keys]
    assert rpc.call("state_getKeysPaged", None, MAX_KEYS_PAGE) == paged
    assert rpc.call("state_getKeysPaged", "0x", 0) == []
    # a start key that is not there itself
    assert rpc.call("state_getKeysPaged", "0x", 9, _hash(keys[0] + b"\0")) == paged[1:]


def test_page_limit(rpc: Any) -> None:
    code, message, _ = _failure(rpc, "state_getKeysPaged", "0x", MAX_KEYS_PAGE + 1)
    assert (code, message) == (4002, "count exceeds maximum value. value: 1001, max: 1000")


def test_query_storage_at(node: Any, rpc: Any) -> None:
    keys = [_hash(account_key(ALICE)), _hash(b"absent")]
    assert rpc.call("state_queryStorageAt", keys) == [
        {
            "block": _hash(node.chain.best_hash),
            "changes": [[keys[0], _hash(genesis()[account_key(ALICE)])], [keys[1], None]],
        }
    ]


def test_query_storage_reports_changes_only(node: Any, rpc: Any) -> None:
    node.produce()
    rpc.call("author_submitExtrinsic", _hash(transfer(ALICE, 0)))
    node.produce(2)
    hashes = [_hash(node.chain.hash_at(n)) for n in range(4)]
    sets = rpc.call("state_queryStorage", [_hash(account_key(ALICE))], hashes[0])
    assert [s["block"] for s in sets] == [hashes[0], hashes[2]]
    assert rpc.call("state_queryStorage", [_hash(account_key(ALICE))], hashes[0], hashes[1]) == sets[:1]
    assert _failure(rpc, "state_queryStorage", [], hashes[2], hashes[1])[:2] == (
        4001,
        f"Cannot resolve a block range ['{hashes[2]}' ... '{hashes[1]}'] it must have 1 to {MAX_QUERY_BLOCKS} blocks",
    )


def test_read_proof_verifies(node: Any, rpc: Any) -> None:
    node.produce()
    keys = [account_key(ALICE), b"absent"]
    answer = rpc.call("state_getReadProof", [_hash(key) for key in keys])
    assert answer["at"] == _hash(node.chain.best_hash)
    proof = [bytes.fromhex(node[2:]) for node in answer["proof"]]
    values = verify_proof(node.chain.best.state_root, proof, keys)
    assert values == {keys[0]: genesis()[keys[0]], keys[1]: None}


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("state_getStorage", ["0x00", UNKNOWN]),
        ("state_getKeysPaged", ["0x", 10, None, UNKNOWN]),
        ("state_getReadProof", [["0x00"], UNKNOWN]),
        ("state_getMetadata", [UNKNOWN]),
        ("state_getRuntimeVersion", [UNKNOWN]),
        ("state_call", ["Core_version", "0x", UNKNOWN]),
        ("state_queryStorageAt", [["0x00"], UNKNOWN]),
        ("state_queryStorage", [["0x00"], UNKNOWN]),
        ("payment_queryInfo", ["0x0400", UNKNOWN]),
    ],
)
def test_unknown_block(rpc: Any, method: str, params: list[Any]) -> None:
    code, message, _ = _failure(rpc, method, *params)
    assert code == 4003
    assert message == f"Client error: UnknownBlock: Header was not found in the database: {UNKNOWN}"


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("No_such", "0x", "Client error: Execution failed: the runtime has no function No_such"),
        ("Core_initialize_block", "0x", "Client error: Execution failed: Core_initialize_block panicked"),
    ],
)
def test_failing_state_call(rpc: Any, name: str, args: str, message: str) -> None:
    code, found, _ = _failure(rpc, "state_call", name, args)
    assert code == 4003
    assert found.startswith(message)


# --- author


def test_submit_and_pending(node: Any, rpc: Any) -> None:
    first, second = transfer(ALICE, 0), transfer(ALICE, 1)
    for extrinsic in (second, first):
        assert rpc.call("author_submitExtrinsic", _hash(extrinsic)) == _hash(extrinsic_hash(extrinsic))
    assert rpc.call("author_pendingExtrinsics") == [_hash(first), _hash(second)]
    node.produce()
    assert rpc.call("author_pendingExtrinsics") == []


@pytest.mark.parametrize(
    ("extrinsic", "error"),
    [
        (b"\x10\x00", (1001, "Extrinsic has invalid format: ", None)),
        (b"\x04\xff", (1001, "Extrinsic has invalid format: ", None)),
        (transfer(ALICE, 0, proof=1), (1010, "Invalid Transaction", "Transaction has a bad signature")),
        (
            transfer(bytes(32), 0),
            (1010, "Invalid Transaction", "Inability to pay some fees (e.g. account balance too low)"),
        ),
        (transfer(ALICE, 0, proof=2), (1011, "Unknown Transaction Validity", "CannotLookup")),
        (
            xt(Tagged([], [], 0)),
            (1019, "No tags provided", "Transaction does not provide any tags, so the pool can't identify it"),
        ),
        (xt(Tagged([b"a"], [b"a"], 0)), None),
    ],
)
def test_pool_errors(rpc: Any, extrinsic: bytes, error: tuple[int, str, Any] | None) -> None:
    if error is None:
        assert rpc.call("author_submitExtrinsic", _hash(extrinsic)) == _hash(extrinsic_hash(extrinsic))
    else:
        code, message, data = _failure(rpc, "author_submitExtrinsic", _hash(extrinsic))
        assert (code, message[: len(error[1])], data) == error


def test_pool_errors_that_need_a_history(node: Any, rpc: Any) -> None:
    extrinsic = _hash(transfer(ALICE, 0))
    hash = rpc.call("author_submitExtrinsic", extrinsic)
    assert _failure(rpc, "author_submitExtrinsic", extrinsic) == (1013, "Transaction Already Imported", hash)
    assert _failure(rpc, "author_submitExtrinsic", _hash(transfer(ALICE, 0, amount=11))) == (
        1014,
        "Priority is too low: (0 vs 0)",
        "The transaction has too low priority to replace another transaction already in the pool.",
    )
    node.produce()
    assert _failure(rpc, "author_submitExtrinsic", extrinsic) == (1012, "Transaction is temporarily banned", None)
    outdated = _hash(transfer(ALICE, 0, amount=12))
    assert _failure(rpc, "author_submitExtrinsic", outdated)[2] == "Transaction is outdated"


def test_remove_extrinsics(rpc: Any) -> None:
    alice, bob = transfer(ALICE, 0), transfer(BOB, 0)
    hashes = [rpc.call("author_submitExtrinsic", _hash(extrinsic)) for extrinsic in (alice, bob)]
    removed = rpc.call("author_removeExtrinsic", [{"hash": hashes[0]}, {"extrinsic": _hash(bob)}])
    assert sorted(removed) == sorted(hashes)
    assert rpc.call("author_pendingExtrinsics") == []


def test_keys_of_the_node(node: Any, rpc: Any) -> None:
    (aura,), (grandpa,) = node.keys.aura, node.keys.grandpa
    assert rpc.call("author_hasKey", _hash(aura), "aura") and rpc.call("author_hasKey", _hash(grandpa), "gran")
    assert not rpc.call("author_hasKey", _hash(aura), "gran")
    assert not rpc.call("author_hasKey", _hash(aura), "babe")
    assert rpc.call("author_hasSessionKeys", _hash(aura + grandpa))
    assert not rpc.call("author_hasSessionKeys", _hash(grandpa + aura))


# --- system, payment, grandpa


def test_system_facts(node: Any, rpc: Any) -> None:
    node.produce(2)
    facts = {
        "system_name": "Integritee Node",
        "system_chain": "Integritee Network (dev)",
        "system_chainType": "Development",
        "system_properties": {"ss58Format": 13, "tokenDecimals": 12, "tokenSymbol": "TEER"},
        "system_health": {"peers": 0, "isSyncing": False, "shouldHavePeers": False},
        "system_peers": [],
        "system_nodeRoles": ["Authority"],
        "system_syncState": {"startingBlock": 0, "currentBlock": 2, "highestBlock": 2},
        "system_localListenAddresses": [],
        "chainSpec_v1_genesisHash": _hash(node.chain.genesis_hash),
    }
    assert {method: rpc.call(method) for method in facts} == facts


@pytest.mark.parametrize("prefix", [13, 42])
def test_next_index_counts_the_pool(rpc: Any, prefix: int) -> None:
    address = ss58_encode(ALICE, prefix)
    assert rpc.call("system_accountNextIndex", address) == 0
    for nonce in (0, 1, 3):
        rpc.call("author_submitExtrinsic", _hash(transfer(ALICE, nonce)))
    assert rpc.call("system_accountNextIndex", address) == rpc.call("account_nextIndex", _hash(ALICE)) == 2


def test_query_info(rpc: Any) -> None:
    extrinsic = transfer(ALICE, 99, proof=1)
    assert rpc.call("payment_queryInfo", _hash(extrinsic), None) == {
        "weight": {"ref_time": len(extrinsic), "proof_size": 7},
        "class": "normal",
        "partialFee": str(10**20 + len(extrinsic)),
    }


def test_query_fee_details(rpc: Any) -> None:
    extrinsic = transfer(ALICE, 99)
    assert rpc.call("payment_queryFeeDetails", _hash(extrinsic), None) == {
        "inclusionFee": {"baseFee": "0x6c", "lenFee": hex(len(extrinsic)), "adjustedWeightFee": hex(1 << 100)}
    }
    assert rpc.call("payment_queryFeeDetails", "0x0400") == {"inclusionFee": None}


def test_fee_of_no_extrinsic(rpc: Any) -> None:
    assert _failure(rpc, "payment_queryInfo", "0x10")[:2] == (2, "Unable to query dispatch info.")
    assert _failure(rpc, "payment_queryFeeDetails", "0x10")[:2] == (2, "Unable to query fee details.")


def test_round_state(node: Any, rpc: Any) -> None:
    node.produce(2)
    votes = {"currentWeight": 0, "missing": [ss58_encode(next(iter(node.keys.grandpa)), 13)]}
    assert rpc.call("grandpa_roundState") == {
        "setId": 0,
        "best": {"round": 3, "totalWeight": 1, "thresholdWeight": 1, "prevotes": votes, "precommits": votes},
        "background": [],
    }


def test_prove_finality(make_node: Any) -> None:
    node = make_node(justification_period=4)
    node.produce(6)
    rpc = node.caller()
    proof = decode(FinalityProof, bytes.fromhex(rpc.call("grandpa_proveFinality", 2)[2:]))
    assert proof.block == node.chain.hash_at(4)
    assert [header.number for header in proof.unknown_headers] == [3, 4]
    for number in (5, 7):
        assert _failure(rpc, "grandpa_proveFinality", number)[:2] == (
            2,
            "GRANDPA prove finality rpc failed: Block not yet finalized",
        )


# --- manual sealing


def test_create_block(make_node: Any) -> None:
    node = make_node(finality_lag=1000)
    rpc = node.caller()
    made = rpc.call("engine_createBlock", True, False)
    assert made["hash"] == _hash(node.chain.best_hash)
    assert made["aux"]["is_new_best"] is True
    assert (node.chain.best.number, node.chain.finalized.number) == (1, 0)
    second = rpc.call("engine_createBlock", True, True)
    assert second["hash"] == _hash(node.chain.finalized_hash)


def test_create_block_refuses_an_empty_one(node: Any, rpc: Any) -> None:
    assert _failure(rpc, "engine_createBlock", False, False)[0] == 12000
    rpc.call("author_submitExtrinsic", _hash(transfer(ALICE, 0)))
    rpc.call("engine_createBlock", False, False)
    assert len(node.chain.block(node.chain.best_hash).extrinsics) == 2


def test_create_fork_and_finalize(make_node: Any) -> None:
    node = make_node(finality_lag=1000)
    rpc = node.caller()
    genesis_hash = _hash(node.chain.genesis_hash)
    first = rpc.call("engine_createBlock", True, False)["hash"]
    node.now_ms += 1
    fork = rpc.call("engine_createBlock", True, False, genesis_hash)
    assert fork["aux"]["is_new_best"] is False
    assert _failure(rpc, "engine_finalizeBlock", fork["hash"])[0] == 13000
    assert _failure(rpc, "engine_finalizeBlock", UNKNOWN)[0] == 13000
    assert rpc.call("engine_finalizeBlock", first) is True
    assert rpc.call("chain_getFinalizedHead") == first


def test_failing_production_is_reported(node: Any, rpc: Any) -> None:
    node.keys.aura.clear()
    code, message, _ = _failure(rpc, "engine_createBlock", True, True)
    assert code == 14000
    assert message.startswith("consensus error: slot ")


def test_panicking_extrinsic_leaves_the_pool(node: Any, rpc: Any) -> None:
    rpc.call("author_submitExtrinsic", _hash(xt(Panic(1))))
    node.produce()
    assert rpc.call("author_pendingExtrinsics") == []
