"""Subscriptions: first values, notifications, ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.node.toy_runtime import ALICE, Tagged, account_key, transfer, xt

from integritee.node.rpc.state import CODE
from integritee.primitives.grandpa import GrandpaJustification
from integritee.primitives.header import Header
from integritee.scale import decode

from .conftest import RpcFailure
from .rpc_engine import EVENTS, SAME_EVENTS

HEADS = [
    ("chain_subscribeNewHeads", "chain_newHead", "chain_unsubscribeNewHeads"),
    ("chain_subscribeNewHead", "chain_newHead", "chain_unsubscribeNewHead"),
    ("subscribe_newHead", "chain_newHead", "unsubscribe_newHead"),
    ("chain_subscribeFinalizedHeads", "chain_finalizedHead", "chain_unsubscribeFinalizedHeads"),
    ("chain_subscribeFinalisedHeads", "chain_finalizedHead", "chain_unsubscribeFinalisedHeads"),
    ("chain_subscribeAllHeads", "chain_allHead", "chain_unsubscribeAllHeads"),
]


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _numbers(heads: list[Any]) -> list[int]:
    return [int(head["number"], 16) for head in heads]


@pytest.mark.parametrize(("subscribe", "notification", "unsubscribe"), HEADS)
def test_heads(node: Any, rpc: Any, subscribe: str, notification: str, unsubscribe: str) -> None:
    node.produce()
    id = rpc.call(subscribe)
    assert isinstance(id, str)
    assert _numbers(rpc.notifications(id, notification)) == [1]
    hash = node.produce(2)
    heads = rpc.notifications(id, notification)
    assert _numbers(heads) == [2, 3]
    assert Header.from_rpc(heads[-1]).hash() == hash
    assert rpc.call(unsubscribe, id) is True
    assert rpc.call(unsubscribe, id) is False
    node.produce()
    assert rpc.sent == []


def test_reply_comes_before_the_first_notification(rpc: Any) -> None:
    rpc.dispatcher.serve('{"jsonrpc":"2.0","id":1,"method":"chain_subscribeNewHeads"}', rpc.session)
    reply, notification = rpc.sent
    assert reply["id"] == 1
    assert notification["params"]["subscription"] == reply["result"]


def test_batch_of_subscriptions(node: Any, rpc: Any) -> None:
    methods = ["chain_subscribeNewHeads", "chain_subscribeFinalizedHeads"]
    calls = [{"jsonrpc": "2.0", "id": n, "method": method} for n, method in enumerate(methods)]
    ids = [reply["result"] for reply in rpc.raw(json.dumps(calls))]
    assert len(set(ids)) == 2
    node.produce()
    assert _numbers(rpc.notifications(ids[0], "chain_newHead")) == [0, 1]
    assert _numbers(rpc.notifications(ids[1], "chain_finalizedHead")) == [0, 1]


def test_lagging_finality(make_node: Any) -> None:
    node = make_node(finality_lag=2)
    rpc = node.caller()
    id = rpc.call("chain_subscribeFinalizedHeads")
    node.produce(5)
    assert _numbers(rpc.notifications(id, "chain_finalizedHead")) == [0, 1, 2, 3]


def test_forks_show_in_all_heads_only(make_node: Any) -> None:
    node = make_node(finality_lag=1000)
    rpc = node.caller()
    node.produce(2)
    best, every = rpc.call("chain_subscribeNewHeads"), rpc.call("chain_subscribeAllHeads")
    fork = node.produce(parent=node.chain.hash_at(1))
    assert _numbers(rpc.notifications(best, "chain_newHead")) == [2]
    assert _numbers(rpc.notifications(every, "chain_allHead")) == [2, 2]
    hash = node.produce(parent=fork)
    assert node.chain.best_hash == hash
    assert _numbers(rpc.notifications(best, "chain_newHead")) == [3]


# --- storage


def test_storage_fires_when_written_even_if_equal(node: Any, rpc: Any) -> None:
    id = rpc.call("state_subscribeStorage", [_hex(EVENTS)])
    assert rpc.notifications(id, "state_storage") == [
        {"block": _hex(node.chain.genesis_hash), "changes": [[_hex(EVENTS), None]]}
    ]
    hashes = [node.produce() for _ in range(3)]
    assert rpc.notifications(id, "state_storage") == [
        {"block": _hex(hash), "changes": [[_hex(EVENTS), _hex(SAME_EVENTS)]]} for hash in hashes
    ]
    assert rpc.call("state_unsubscribeStorage", id) is True
    node.produce()
    assert rpc.sent == []


def test_storage_tells_only_what_was_written(node: Any, rpc: Any) -> None:
    keys = [_hex(account_key(ALICE)), _hex(b":code")]
    id = rpc.call("state_subscribeStorage", keys)
    ((first),) = rpc.notifications(id, "state_storage")
    assert [key for key, _ in first["changes"]] == keys
    node.produce()
    assert rpc.notifications(id, "state_storage") == []
    rpc.call("author_submitExtrinsic", _hex(transfer(ALICE, 0)))
    hash = node.produce()
    value = node.chain.state_at(hash).get(account_key(ALICE))
    assert rpc.notifications(id, "state_storage") == [{"block": _hex(hash), "changes": [[keys[0], _hex(value)]]}]


def test_storage_without_keys_tells_everything(node: Any, rpc: Any) -> None:
    id = rpc.call("state_subscribeStorage")
    node.produce()
    (change,) = rpc.notifications(id, "state_storage")
    assert [_hex(EVENTS), _hex(SAME_EVENTS)] in change["changes"]
    assert [_hex(b":weight"), None] in change["changes"]


def test_storage_of_forks_is_not_told(make_node: Any) -> None:
    node = make_node(finality_lag=1000)
    rpc = node.caller()
    node.produce(2)
    id = rpc.call("state_subscribeStorage", [_hex(EVENTS)])
    rpc.notifications(id, "state_storage")
    node.produce(parent=node.chain.hash_at(1))
    assert rpc.notifications(id, "state_storage") == []


def test_runtime_version(node: Any, rpc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    id = rpc.call("state_subscribeRuntimeVersion")
    assert [v["specVersion"] for v in rpc.notifications(id, "state_runtimeVersion")] == [3]
    node.produce()
    assert rpc.sent == []

    def upgrade(state: Any, args: bytes) -> bytes:
        state.put(CODE, b"longer")
        return type(node.engine).BlockBuilder_inherent_extrinsics(node.engine, state, args)

    monkeypatch.setattr(node.engine, "BlockBuilder_inherent_extrinsics", upgrade, raising=False)
    node.produce(2)
    assert [v["specVersion"] for v in rpc.notifications(id, "state_runtimeVersion")] == [6]
    assert rpc.call("state_unsubscribeRuntimeVersion", id) is True


# --- extrinsics


def test_watch_to_finality(make_node: Any) -> None:
    node = make_node(finality_lag=1)
    rpc = node.caller()
    id = rpc.call("author_submitAndWatchExtrinsic", _hex(transfer(ALICE, 0)))
    assert rpc.notifications(id, "author_extrinsicUpdate") == ["ready"]
    included = node.produce()
    assert rpc.notifications(id, "author_extrinsicUpdate") == [{"inBlock": _hex(included)}]
    node.produce(2)
    assert rpc.notifications(id, "author_extrinsicUpdate") == [{"finalized": _hex(included)}]
    assert len(rpc.session) == 0
    assert rpc.call("author_unwatchExtrinsic", id) is False


def test_watch_future_and_usurped(rpc: Any) -> None:
    id = rpc.call("author_submitAndWatchExtrinsic", _hex(xt(Tagged([b"a"], [b"b"], 1))))
    assert rpc.notifications(id, "author_extrinsicUpdate") == ["future"]
    rpc.call("author_submitExtrinsic", _hex(xt(Tagged([], [b"a"], 1))))
    assert rpc.notifications(id, "author_extrinsicUpdate") == ["ready"]
    better = rpc.call("author_submitExtrinsic", _hex(xt(Tagged([b"a"], [b"b"], 2))))
    assert rpc.notifications(id, "author_extrinsicUpdate") == [{"usurped": better}]
    assert len(rpc.session) == 0


def test_watch_removed(rpc: Any) -> None:
    extrinsic = _hex(transfer(ALICE, 0))
    id = rpc.call("author_submitAndWatchExtrinsic", extrinsic)
    rpc.call("author_removeExtrinsic", [{"extrinsic": extrinsic}])
    assert rpc.notifications(id, "author_extrinsicUpdate") == ["ready", "invalid"]


def test_refused_extrinsic_leaves_no_subscription(rpc: Any) -> None:
    with pytest.raises(RpcFailure) as failure:
        rpc.call("author_submitAndWatchExtrinsic", _hex(transfer(ALICE, 0, proof=1)))
    assert failure.value.code == 1010
    assert len(rpc.session) == 0 and rpc.sent == []


def test_unwatch(node: Any, rpc: Any) -> None:
    id = rpc.call("author_submitAndWatchExtrinsic", _hex(transfer(ALICE, 0)))
    assert rpc.call("author_unwatchExtrinsic", id) is True
    rpc.sent.clear()
    node.produce()
    assert rpc.sent == []
    assert node.pool._watchers == {}


# --- justifications


def test_justifications(make_node: Any) -> None:
    node = make_node(justification_period=2)
    rpc = node.caller()
    id = rpc.call("grandpa_subscribeJustifications")
    assert rpc.sent == []
    node.produce(5)
    found = [
        decode(GrandpaJustification, bytes.fromhex(x[2:])) for x in rpc.notifications(id, "grandpa_justifications")
    ]
    assert [justification.commit.target_number for justification in found] == [1, 2, 4]
    assert rpc.call("grandpa_unsubscribeJustifications", id) is True


# --- ends and limits


def test_wrong_kind_of_unsubscribe(node: Any, rpc: Any) -> None:
    id = rpc.call("chain_subscribeNewHeads")
    assert rpc.call("chain_unsubscribeFinalizedHeads", id) is False
    assert rpc.call("chain_unsubscribeNewHeads", "999") is False
    assert rpc.call("chain_unsubscribeNewHeads", int(id)) is True  # some clients turn ids into numbers


def test_subscriptions_belong_to_their_session(node: Any, rpc: Any) -> None:
    id = rpc.call("chain_subscribeNewHeads")
    assert node.caller().call("chain_unsubscribeNewHeads", id) is False
    rpc.sent.clear()
    node.produce()
    assert len(rpc.notifications(id, "chain_newHead")) == 1


def test_disconnect_ends_everything(node: Any, rpc: Any) -> None:
    for method, *params in (
        ("chain_subscribeNewHeads",),
        ("chain_subscribeFinalizedHeads",),
        ("chain_subscribeAllHeads",),
        ("state_subscribeRuntimeVersion",),
        ("state_subscribeStorage", [_hex(EVENTS)]),
        ("grandpa_subscribeJustifications",),
        ("author_submitAndWatchExtrinsic", _hex(transfer(ALICE, 0))),
    ):
        rpc.call(method, *params)
    assert len(rpc.session) == 7
    rpc.sent.clear()
    rpc.session.close()
    assert len(rpc.session) == 0
    assert node.pool._watchers == {}
    node.produce(2)
    assert rpc.sent == []
    rpc.dispatcher.serve('{"jsonrpc":"2.0","id":1,"method":"system_name"}', rpc.session)
    assert rpc.sent == []


def test_subscribing_after_the_end_leaves_nothing_behind(node: Any, rpc: Any) -> None:
    """A batch may go on while its caller has left."""
    rpc.session.close()
    for method, params in (
        ("chain_subscribeNewHeads", []),
        ("state_subscribeStorage", [[_hex(EVENTS)]]),
        ("author_submitAndWatchExtrinsic", [_hex(transfer(ALICE, 0))]),
    ):
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        rpc.dispatcher.serve(json.dumps(call), rpc.session)
    assert len(rpc.session) == 0
    assert node.pool._watchers == {}
    node.produce()
    assert rpc.sent == []


def test_a_callers_end_does_not_concern_others(node: Any) -> None:
    callers = [node.caller() for _ in range(3)]
    ids = [caller.call("chain_subscribeNewHeads") for caller in callers]
    callers[1].session.close()
    node.produce()
    counts = [len(c.notifications(id, "chain_newHead")) for c, id in zip(callers, ids, strict=True)]
    assert counts == [2, 1, 2]


def test_limit_per_session(node: Any) -> None:
    rpc = node.caller(max_subscriptions=2)
    ids = [rpc.call("chain_subscribeNewHeads") for _ in range(2)]
    with pytest.raises(RpcFailure) as failure:
        rpc.call("chain_subscribeNewHeads")
    assert (failure.value.code, failure.value.data) == (-32006, "Exceeded max limit of 2")
    rpc.call("chain_unsubscribeNewHeads", ids[0])
    assert rpc.call("chain_subscribeNewHeads") not in ids


def test_subscriptions_need_a_connection(node: Any) -> None:
    rpc = node.caller(can_push=False)
    with pytest.raises(RpcFailure) as failure:
        rpc.call("author_submitAndWatchExtrinsic", _hex(transfer(ALICE, 0)))
    assert (failure.value.code, failure.value.message) == (-32601, "Subscriptions need a WebSocket connection")
    assert node.pool.usage().ready == 0
