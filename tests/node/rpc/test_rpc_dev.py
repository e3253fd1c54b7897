"""`dev_*`: blocks, storage, time and heads as testers want them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.node.toy_runtime import ALICE, Account, account_key, transfer

from integritee.metadata import RuntimeMetadata
from integritee.node.chain import Imported
from integritee.node.chain_spec import dev_spec
from integritee.node.database import Database
from integritee.node.dev_control import MAX_BLOCKS, MAX_TIME_MS
from integritee.node.errors import UnusableState
from integritee.node.inherents import last_timestamp
from integritee.node.keystore import Keystore
from integritee.node.node import Node, NodeOptions
from integritee.node.parachain import LAST_RELAY_BLOCK, PARACHAIN_ID, VALIDATION_DATA
from integritee.node.rpc.api import node_methods
from integritee.node.rpc.jsonrpc import Dispatcher
from integritee.node.rpc.limits import MAX_STORAGE_CHANGES
from integritee.node.runtime.genesis import dev_genesis
from integritee.node.runtime.runtime import engine
from integritee.primitives.header import Header, aura_slot
from integritee.primitives.storage import storage_prefix
from integritee.scale import decode, encode
from integritee.trie import verify_proof

from .conftest import START_MS, Caller, RpcFailure, RpcNode

METHODS = ["dev_newBlock", "dev_setStorage", "dev_timeTravel", "dev_setHead", "dev_reorg"]
UNKNOWN = "0x" + "77" * 32
KEY, OTHER = "0x" + b"some key".hex(), "0x" + b"another".hex()


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _failure(rpc: Caller, method: str, *params: Any) -> int:
    with pytest.raises(RpcFailure) as caught:
        rpc.call(method, *params)
    return int(caught.value.code)


@pytest.fixture
def node(make_node: Any) -> RpcNode:
    made: RpcNode = make_node(finality_lag=100)
    return made


@pytest.fixture
def rpc(node: RpcNode) -> Caller:
    return node.caller()


def account(node: RpcNode) -> Account:
    """//Alice's, at the head."""
    value = node.chain.state_at(node.chain.best_hash).get(account_key(ALICE))
    return decode(Account, value or b"")


# --- who may


def test_they_are_listed_and_unsafe(node: RpcNode, rpc: Caller) -> None:
    assert set(METHODS) <= set(rpc.call("rpc_methods")["methods"])
    outside = node.caller(allow_unsafe=False)
    for method in METHODS:
        assert _failure(outside, method, 1) == -32601
    assert node.chain.best.number == 0


@pytest.mark.parametrize(
    "method, params",
    [
        ("dev_newBlock", [{"count": -1}]),
        ("dev_newBlock", [{"count": "1"}]),
        ("dev_newBlock", [{"count": 1, "to": 2}]),
        ("dev_newBlock", [{"parent": "0x00"}]),
        ("dev_newBlock", [{"dmp": []}]),
        ("dev_newBlock", [{"transactions": "0x00"}]),
        ("dev_newBlock", [{"transactions": [1]}]),
        ("dev_newBlock", [3]),
        ("dev_setStorage", []),
        ("dev_setStorage", ["0x00"]),
        ("dev_setStorage", [[["0x00"]]]),
        ("dev_setStorage", [[["0x", "0x00"]]]),
        ("dev_setStorage", [[["0x0", "0x00"]]]),
        ("dev_setStorage", [[["0x00", 1]]]),
        ("dev_setStorage", [[["0x00", "0x00"]] * (MAX_STORAGE_CHANGES + 1)]),
        ("dev_setStorage", [{"Sudo": 1}]),
        ("dev_setStorage", [{"Sudo": {"Key": "0x00"}}]),  # the toy runtime has no metadata
        ("dev_setStorage", [[], "0x00"]),
        ("dev_timeTravel", []),
        ("dev_timeTravel", ["soon"]),
        ("dev_timeTravel", [1.5]),
        ("dev_timeTravel", [-1]),
        ("dev_timeTravel", [MAX_TIME_MS + 1]),
        ("dev_timeTravel", ["1969-12-31T23:59:59Z"]),
        ("dev_setHead", []),
        ("dev_setHead", ["head"]),
        ("dev_setHead", [7]),
        ("dev_reorg", []),
        ("dev_reorg", [0]),
        ("dev_reorg", ["1"]),
        ("dev_reorg", [2, 2]),
    ],
)
def test_bad_parameters(node: RpcNode, rpc: Caller, method: str, params: list[Any]) -> None:
    assert _failure(rpc, method, *params) == -32602
    assert node.chain.best.number == 0


@pytest.mark.parametrize(
    "method, params, code",
    [
        ("dev_newBlock", [{"count": 0}], 14000),
        ("dev_newBlock", [{"count": MAX_BLOCKS + 1}], 14000),
        ("dev_newBlock", [{"to": 3}], 14000),  # the chain is there already
        ("dev_newBlock", [{"parent": UNKNOWN}], 13000),
        ("dev_newBlock", [{"transactions": ["0x0400"]}], 1001),
        ("dev_setStorage", [[[KEY, "0x00"]], UNKNOWN], 13000),
        ("dev_timeTravel", [START_MS], 14000),
        ("dev_setHead", [UNKNOWN], 13000),
        ("dev_reorg", [4], 15000),
        ("dev_reorg", [1, MAX_BLOCKS + 1], 14000),
    ],
)
def test_what_cannot_be(node: RpcNode, rpc: Caller, method: str, params: list[Any], code: int) -> None:
    node.produce(3)
    head = node.chain.best_hash
    assert _failure(rpc, method, *params) == code
    assert node.chain.best_hash == head


@pytest.mark.parametrize("call", [["dev_newBlock"], ["dev_setStorage", []], ["dev_reorg", 1]])
def test_without_keys_there_are_no_blocks(node: RpcNode, rpc: Caller, call: list[Any]) -> None:
    node.produce(2)
    node.keys.aura.clear()
    assert _failure(rpc, *call) == 14000
    assert node.chain.best.number == 2


# --- blocks


@pytest.mark.parametrize(
    "params, made", [([], 1), ([None], 1), ([{}], 1), ([{"count": 3}], 3), ([{"to": 6}], 4), ([{"to": "0x4"}], 2)]
)
def test_new_blocks(node: RpcNode, rpc: Caller, params: list[Any], made: int) -> None:
    node.produce(2)
    heads = rpc.call("chain_subscribeNewHeads")
    last = rpc.call("dev_newBlock", *params)
    assert last == _hex(node.chain.best_hash)
    told = rpc.notifications(heads, "chain_newHead")
    assert [int(head["number"], 16) for head in told] == list(range(2, 2 + made + 1))


@pytest.mark.parametrize("call", [["dev_newBlock", {"count": 5}], ["dev_reorg", 4]])
def test_a_node_that_stops_does_not_go_on(node: RpcNode, rpc: Caller, call: list[Any]) -> None:
    node.produce(5)
    asked: list[bool] = []
    node._closing = lambda: lambda: asked.append(True) or len(asked) > 2
    made = []
    node.chain.subscribe(lambda event: made.append(event.hash) if isinstance(event, Imported) else None)
    assert _failure(rpc, *call) == 14000
    assert len(made) == 3  # it is asked between blocks only: there are no transactions


def test_new_block_takes_transactions(node: RpcNode, rpc: Caller) -> None:
    rpc.call("author_submitExtrinsic", _hex(transfer(ALICE, 0)))
    rpc.call("dev_newBlock", {"transactions": [_hex(transfer(ALICE, 1))], "count": 2})
    assert len(node.chain.block(node.chain.hash_at(1) or b"").extrinsics) == 3  # type: ignore[union-attr]
    assert rpc.call("author_pendingExtrinsics") == []


@pytest.mark.parametrize(
    "order, code",
    [({"parent": UNKNOWN}, 13000), ({"count": 0}, 14000), ({"count": MAX_BLOCKS + 1}, 14000), ({"to": 1}, 14000)],
)
def test_transactions_of_an_order_that_cannot_be_are_not_taken(
    node: RpcNode, rpc: Caller, order: dict[str, Any], code: int
) -> None:
    node.produce(2)
    assert _failure(rpc, "dev_newBlock", order | {"transactions": [_hex(transfer(ALICE, 0))]}) == code
    assert rpc.call("author_pendingExtrinsics") == []


def test_new_blocks_on_a_fork(node: RpcNode, rpc: Caller) -> None:
    node.produce(2)
    head, base = node.chain.best_hash, _hex(node.chain.genesis_hash)
    first = rpc.call("dev_newBlock", {"parent": base})
    assert (node.chain.best_hash, rpc.call("chain_getHeader", first)["number"]) == (head, "0x1")
    assert rpc.call("dev_newBlock", {"parent": first, "to": 3}) == _hex(node.chain.best_hash)
    assert node.chain.is_canonical(bytes.fromhex(first[2:]))


# --- storage


def test_storage_is_that_of_a_new_block(node: RpcNode, rpc: Caller) -> None:
    """A light client that knows the header verifies the values, and the next block goes on from them."""
    node.produce()
    rpc.call("author_submitExtrinsic", _hex(transfer(ALICE, 0)))
    watched = rpc.call("state_subscribeStorage", [KEY, OTHER])
    rpc.notifications(watched, "state_storage")
    rich = encode(Account, Account(0, 10**20))
    hash = rpc.call("dev_setStorage", [[KEY, "0x0102"], [_hex(account_key(ALICE)), _hex(rich)], [OTHER, None]])
    block = node.chain.block(bytes.fromhex(hash[2:]))
    assert block is not None
    assert (block.number, len(block.extrinsics), block.header.parent_hash) == (2, 1, node.chain.hash_at(1))
    assert rpc.call("state_getStorage", KEY) == "0x0102"
    assert rpc.call("state_getStorage", KEY, _hex(node.chain.hash_at(1) or b"")) is None
    proof = [bytes.fromhex(n[2:]) for n in rpc.call("state_getReadProof", [KEY, OTHER], hash)["proof"]]
    keys = [bytes.fromhex(KEY[2:]), bytes.fromhex(OTHER[2:])]
    assert verify_proof(block.header.state_root, proof, keys) == {keys[0]: b"\1\2", keys[1]: None}
    assert rpc.notifications(watched, "state_storage") == [
        {"block": hash, "changes": [[OTHER, None], [KEY, "0x0102"]]}
    ]
    node.produce()
    assert account(node).free > 9 * 10**19 and account(node).nonce == 1
    assert rpc.call("dev_setStorage", [[KEY, None]]) == _hex(node.chain.best_hash)
    assert rpc.call("state_getStorage", KEY) is None


def test_storage_of_a_fork(node: RpcNode, rpc: Caller) -> None:
    node.produce(2)
    head = node.chain.best_hash
    hash = rpc.call("dev_setStorage", [[KEY, "0x01"]], _hex(node.chain.genesis_hash))
    assert node.chain.best_hash == head
    assert rpc.call("state_getStorage", KEY, hash) == "0x01"
    assert rpc.call("state_getStorage", KEY) is None


@pytest.mark.parametrize(
    "changes",
    [
        {storage_prefix("Timestamp", "Now"): bytes(8 * [255])},
        {storage_prefix("Timestamp", "Now"): bytes(9 * [255])},
        {PARACHAIN_ID: b"\1"},
        {PARACHAIN_ID: bytes(4), LAST_RELAY_BLOCK: b"\1"},
        {PARACHAIN_ID: bytes(4), LAST_RELAY_BLOCK: bytes(4 * [255])},
        {PARACHAIN_ID: bytes(4), VALIDATION_DATA: b"\1"},
    ],
    ids=["the last time", "no time", "no id", "no relay block", "the last relay block", "no validation data"],
)
def test_after_storage_that_leads_nowhere_the_node_still_answers(
    node: RpcNode, rpc: Caller, changes: dict[bytes, bytes]
) -> None:
    """And goes on from another block."""
    node.produce(2)
    head = _hex(node.chain.best_hash)
    rpc.call("dev_setStorage", [[_hex(key), _hex(value)] for key, value in changes.items()])
    with pytest.raises(UnusableState):
        node.produce()
    assert _failure(rpc, "dev_newBlock") == 14000
    assert _failure(rpc, "dev_setStorage", [[KEY, "0x01"]]) == 14000
    rpc.call("dev_setHead", head)
    assert rpc.call("dev_newBlock") == _hex(node.chain.best_hash)


def test_changed_storage_survives_restart(node: RpcNode, rpc: Caller) -> None:
    rpc.call("dev_setStorage", [[KEY, "0x0102"]])
    path, head = node._database.path, node.chain.best_hash
    node.close()
    again = RpcNode(path)
    assert again.chain.best_hash == head
    assert again.chain.state_at(head).get(bytes.fromhex(KEY[2:])) == b"\1\2"
    again.close()


# --- time


@pytest.mark.parametrize(
    "date, ms",
    [
        (1_800_000_000_000, 1_800_000_000_000),
        ("2030-01-01", int(datetime(2030, 1, 1, tzinfo=UTC).timestamp()) * 1000),
        ("2030-01-01T12:00:00.5Z", int(datetime(2030, 1, 1, 12, tzinfo=UTC).timestamp()) * 1000 + 500),
        ("2030-01-01T12:00:00+02:00", int(datetime(2030, 1, 1, 10, tzinfo=UTC).timestamp()) * 1000),
    ],
)
def test_time_travel(node: RpcNode, rpc: Caller, date: Any, ms: int) -> None:
    node.produce()
    assert rpc.call("dev_timeTravel", date) == ms
    assert node.chain.best.number == 1  # the next block is there, this one is not
    rpc.call("dev_newBlock")
    state = node.chain.state_at(node.chain.best_hash)
    assert last_timestamp(state) == ms
    assert aura_slot(node.chain.best) == ms // 6000
    node.produce()  # its clock moves a slot
    assert last_timestamp(node.chain.state_at(node.chain.best_hash)) == ms + 6000


# --- heads


def test_head_is_cut_back(node: RpcNode, rpc: Caller) -> None:
    """Transactions of the blocks that leave are in the pool again, storage is told to watchers."""
    node.produce(2)
    low = node.chain.best_hash
    watched = rpc.call("author_submitAndWatchExtrinsic", _hex(transfer(ALICE, 0)))
    storage = rpc.call("state_subscribeStorage", [_hex(account_key(ALICE))])
    included = node.produce()
    heads, every = rpc.call("chain_subscribeNewHeads"), rpc.call("chain_subscribeAllHeads")
    for id, name in ((storage, "state_storage"), (heads, "chain_newHead"), (every, "chain_allHead")):
        rpc.notifications(id, name)
    assert rpc.call("dev_setHead", 2) == _hex(low)
    assert (node.chain.best_hash, rpc.call("chain_getBlockHash", 3)) == (low, None)
    assert rpc.call("chain_getHeader", _hex(included))["number"] == "0x3"
    assert [head["number"] for head in rpc.notifications(heads, "chain_newHead")] == ["0x2"]
    assert rpc.notifications(every, "chain_allHead") == []
    (change,) = rpc.notifications(storage, "state_storage")
    assert change["block"] == _hex(low)
    assert rpc.call("author_pendingExtrinsics") == [_hex(transfer(ALICE, 0))]
    again = node.produce()
    assert rpc.notifications(watched, "author_extrinsicUpdate") == [
        "ready",
        {"inBlock": _hex(included)},
        {"retracted": _hex(included)},
        "ready",
        {"inBlock": _hex(again)},
    ]


def test_head_on_a_fork_and_back(node: RpcNode, rpc: Caller) -> None:
    node.produce(3)
    head = node.chain.best_hash
    fork = rpc.call("dev_newBlock", {"parent": _hex(node.chain.hash_at(1) or b"")})
    for hash in (fork, _hex(head), fork):
        assert rpc.call("dev_setHead", hash) == hash
        assert rpc.call("chain_getBlockHash") == hash
    assert rpc.call("dev_setHead", fork) == fork  # nothing to do
    assert rpc.call("chain_getBlockHash", [1, 2, 3])[1:] == [fork, None]
    node.produce(2)
    assert node.chain.is_canonical(bytes.fromhex(fork[2:]))


def test_head_stays_above_what_is_final(make_node: Any) -> None:
    node = make_node(finality_lag=2)
    rpc = node.caller()
    node.produce(5)
    assert node.chain.finalized.number == 3
    assert _failure(rpc, "dev_setHead", 2) == 15000
    assert rpc.call("dev_setHead", 3) == _hex(node.chain.finalized_hash)
    node.produce(4)
    assert (node.chain.best.number, node.chain.finalized.number) == (7, 5)


def test_cut_head_survives_restart(node: RpcNode, rpc: Caller) -> None:
    node.produce(4)
    rpc.call("dev_setHead", 2)
    path, head = node._database.path, node.chain.best_hash
    node.close()
    again = RpcNode(path)
    assert (again.chain.best_hash, again.chain.hash_at(3)) == (head, None)
    again.close()


# --- reorganisation


@pytest.mark.parametrize("depth, length", [(1, None), (1, 2), (3, None), (3, 7), (5, None)])
def test_reorg(node: RpcNode, rpc: Caller, depth: int, length: int | None) -> None:
    node.produce(5)
    old = [node.chain.hash_at(n) or b"" for n in range(6)]
    heads = rpc.call("chain_subscribeNewHeads")
    rpc.notifications(heads, "chain_newHead")
    done = rpc.call("dev_reorg", depth, *([] if length is None else [length]))
    made = length or depth + 1
    assert done["commonAncestor"] == _hex(old[5 - depth])
    assert done["retracted"] == [_hex(hash) for hash in reversed(old[6 - depth :])]
    assert done["enacted"] == [_hex(node.chain.hash_at(6 - depth + n) or b"") for n in range(made)]
    assert node.chain.best.number == 5 - depth + made
    told = rpc.notifications(heads, "chain_newHead")
    assert [int(head["number"], 16) for head in told] == list(range(6, 6 - depth + made))


def test_reorg_gives_transactions_back(node: RpcNode, rpc: Caller) -> None:
    watched = [rpc.call("author_submitAndWatchExtrinsic", _hex(transfer(ALICE, nonce))) for nonce in (0, 1)]
    old = node.produce()
    assert account(node).nonce == 2
    rpc.call("dev_reorg", 1)
    assert account(node).nonce == 0
    assert rpc.call("author_pendingExtrinsics") == [_hex(transfer(ALICE, nonce)) for nonce in (0, 1)]
    new = node.produce()
    for id in watched:
        assert rpc.notifications(id, "author_extrinsicUpdate") == [
            "ready",
            {"inBlock": _hex(old)},
            {"retracted": _hex(old)},
            "ready",
            {"inBlock": _hex(new)},
        ]


def test_reorg_as_deep_as_finality_lets(make_node: Any) -> None:
    node = make_node(finality_lag=2)
    rpc = node.caller()
    node.produce(5)
    assert _failure(rpc, "dev_reorg", 3) == 15000
    finalized = rpc.call("chain_subscribeFinalizedHeads")
    rpc.call("dev_reorg", 2)
    told = [int(head["number"], 16) for head in rpc.notifications(finalized, "chain_finalizedHead")]
    assert told == [3, 4]
    assert node.chain.is_canonical(node.chain.finalized_hash)


# --- storage by name, on the real runtime


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Caller]:
    now = iter(range(START_MS, START_MS + 10**9, 1000))
    made = Node(
        dev_spec(dev_genesis()),
        engine(),
        Database(tmp_path / "real", durable=False),
        Keystore.dev("alice"),
        lambda: next(now),
        NodeOptions(finality_lag=100),
    )
    yield Caller(Dispatcher(node_methods(made)))
    made.close()


BOB = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"


def test_storage_by_name(real: Caller) -> None:
    metadata = RuntimeMetadata.parse(bytes.fromhex(real.call("state_getMetadata")[2:]))
    public = bytes.fromhex("8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48")
    real.call(
        "dev_setStorage",
        {
            "Sudo": {"Key": BOB},
            "System": {"Account": [[[BOB], {"nonce": 7, "data": {"free": "1000000000000000000"}}]]},
            "Teerex": {"SgxAllowDebugMode": False, "AllowSkippingAttestation": None},
        },
    )

    def value(pallet: str, item: str, *keys: Any) -> Any:
        raw = real.call("state_getStorage", _hex(metadata.storage_key(pallet, item, *keys)))
        return None if raw is None else metadata.decode_storage(pallet, item, bytes.fromhex(raw[2:]))

    assert value("Sudo", "Key") == public
    found = value("System", "Account", public)
    assert (found["nonce"], found["providers"], found["data"]["free"]) == (7, 1, 10**18)
    assert value("Teerex", "SgxAllowDebugMode") is False
    assert value("Teerex", "AllowSkippingAttestation") is None
    assert isinstance(real.call("dev_newBlock"), str)
    assert real.call("system_accountNextIndex", BOB) == 7


@pytest.mark.parametrize(
    "values",
    [
        {"Sudoo": {"Key": BOB}},
        {"Sudo": {"Keys": BOB}},
        {"Sudo": {"Key": 7}},
        {"Sudo": {"Key": "0x0"}},
        {"System": {"Account": {"nonce": 1}}},
        {"System": {"Account": [[[BOB, BOB], {"nonce": 1}]]}},
        {"System": {"Account": [[[BOB], {"nonce": -1}]]}},
        {"System": {"Account": [[[BOB], {"nonsense": 1}]]}},
    ],
)
def test_bad_storage_by_name(real: Caller, values: Any) -> None:
    assert _failure(real, "dev_setStorage", values) == -32602


def test_headers_after_all_that(node: RpcNode, rpc: Caller) -> None:
    """Every header of the best chain is linked, its state is there, its root is that of the state."""
    rpc.call("dev_newBlock", {"count": 4})
    rpc.call("dev_setStorage", [[KEY, "0x01"]])
    rpc.call("dev_timeTravel", START_MS + 10**9)
    rpc.call("dev_reorg", 2, 4)
    rpc.call("dev_setHead", 5)
    rpc.call("dev_newBlock", {"count": 2})
    above: Header | None = None
    for number in range(node.chain.best.number, 0, -1):
        hash = node.chain.hash_at(number) or b""
        header = node.chain.header(hash)
        assert header is not None and header.hash() == hash and header.number == number
        assert node.chain.state_at(hash).root() == header.state_root
        assert above is None or above.parent_hash == hash
        above = header
