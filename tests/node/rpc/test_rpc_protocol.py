"""JSON-RPC 2.0: framing of requests, replies, batches and errors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integritee.node.rpc.jsonrpc import Dispatcher
from integritee.node.rpc.limits import MAX_BATCH, MAX_NESTING
from integritee.node.rpc.methods import MethodTable, method
from integritee.node.rpc.sessions import Session

NAME_CALL = {"jsonrpc": "2.0", "method": "system_name", "params": []}
NAME = "Integritee Node"


@pytest.mark.parametrize("id", ["1", "", "ü", 0, 1, -7, 2**63, 1.5, None], ids=repr)
def test_id_comes_back_with_its_type(rpc: Any, id: Any) -> None:
    reply = rpc.raw(json.dumps(NAME_CALL | {"id": id}))
    assert reply == {"jsonrpc": "2.0", "result": NAME, "id": id}
    assert type(reply["id"]) is type(id)


def test_reply_of_the_original_clients_request(rpc: Any) -> None:
    assert rpc.raw('{"jsonrpc":"2.0","method":"chain_getBlockHash","params":[0],"id":"1"}') == {
        "jsonrpc": "2.0",
        "result": rpc.call("chain_getBlockHash", 0),
        "id": "1",
    }


@pytest.mark.parametrize("params", [{}, {"params": None}, {"params": []}, {"params": {}}], ids=repr)
def test_no_params_in_any_form(rpc: Any, params: dict[str, Any]) -> None:
    call = {"jsonrpc": "2.0", "method": "system_name", "id": 1} | params
    assert rpc.raw(json.dumps(call))["result"] == NAME


@pytest.mark.parametrize(
    ("text", "code", "id"),
    [
        ("", -32700, None),
        ("{", -32700, None),
        ("nonsense", -32700, None),
        (b"\xff\xfe", -32700, None),
        ("[" * (MAX_NESTING + 1) + "]" * (MAX_NESTING + 1), -32700, None),
        ("[" * 100_000, -32700, None),
        ("7", -32600, None),
        ('"text"', -32600, None),
        ("null", -32600, None),
        ("{}", -32600, None),
        ("[]", -32600, None),
        ('{"jsonrpc":"2.0","id":5}', -32600, 5),
        ('{"jsonrpc":"1.0","id":5,"method":"system_name"}', -32600, 5),
        ('{"id":5,"method":"system_name"}', -32600, 5),
        ('{"jsonrpc":"2.0","id":5,"method":6}', -32600, 5),
        ('{"jsonrpc":"2.0","id":5,"method":"system_name","params":"x"}', -32600, 5),
        ('{"jsonrpc":"2.0","id":true,"method":"system_name"}', -32600, None),
        ('{"jsonrpc":"2.0","id":[1],"method":"system_name"}', -32600, None),
        ('{"jsonrpc":"2.0","id":"a","method":"no_such"}', -32601, "a"),
        ('{"jsonrpc":"2.0","id":"a","method":"state_getStorage"}', -32602, "a"),
        ('{"jsonrpc":"2.0","id":"a","method":"state_getStorage","params":[7]}', -32602, "a"),
    ],
)
def test_errors_of_the_protocol(rpc: Any, text: str | bytes, code: int, id: Any) -> None:
    reply = rpc.raw(text)
    assert reply.keys() == {"jsonrpc", "error", "id"}
    assert (reply["error"]["code"], reply["id"]) == (code, id)
    assert rpc.sent == []


@pytest.mark.parametrize("method", ["system_name", "no_such", "author_submitExtrinsic"])
def test_notifications_are_neither_run_nor_answered(node: Any, rpc: Any, method: str) -> None:
    assert rpc.raw(json.dumps({"jsonrpc": "2.0", "method": method, "params": ["0x00"]})) is None
    assert node.pool.usage().ready == 0


def test_batch_is_answered_in_order_with_errors_in_place(rpc: Any) -> None:
    calls = [
        NAME_CALL | {"id": 1},
        {"jsonrpc": "2.0", "method": "no_such", "id": "two"},
        NAME_CALL,  # a notification
        3,
        NAME_CALL | {"id": 4},
    ]
    replies = rpc.raw(json.dumps(calls))
    assert [reply["id"] for reply in replies] == [1, "two", None, 4]
    assert [reply.get("error", {}).get("code") for reply in replies] == [None, -32601, -32600, None]


def test_batch_of_notifications_is_silent(rpc: Any) -> None:
    assert rpc.raw(json.dumps([NAME_CALL, NAME_CALL])) is None


def test_batch_limit(rpc: Any) -> None:
    assert len(rpc.raw(json.dumps([NAME_CALL | {"id": 1}] * MAX_BATCH))) == MAX_BATCH
    assert rpc.raw(json.dumps([NAME_CALL | {"id": 1}] * (MAX_BATCH + 1))) == {
        "jsonrpc": "2.0",
        "error": {
            "code": -32010,
            "message": "The batch request was too large",
            "data": f"Exceeded max limit of {MAX_BATCH}",
        },
        "id": None,
    }


class Api:
    @method("echo")
    def echo(self) -> str:
        return "x" * 100

    @method("broken")
    def broken(self) -> str:
        raise ZeroDivisionError("secret detail")


def _ask(text: str, **limits: int) -> Any:
    sent: list[bytes] = []
    Dispatcher(MethodTable(Api()), **limits).serve(text, Session(sent.append))
    (reply,) = sent
    return json.loads(reply)


def test_request_too_big() -> None:
    reply = _ask('{"jsonrpc":"2.0","id":1,"method":"echo"}', max_request_bytes=20)
    assert reply["error"] == {"code": -32007, "message": "Request is too big", "data": "Exceeded max limit of 20"}


@pytest.mark.parametrize(("text", "id"), [('{"jsonrpc":"2.0","id":"q","method":"echo"}', "q"), ("[%s]", None)])
def test_response_too_big(text: str, id: Any) -> None:
    call = '{"jsonrpc":"2.0","id":"q","method":"echo"}'
    reply = _ask(text % call if id is None else text, max_response_bytes=50)
    assert (reply["error"]["code"], reply["id"]) == (-32008, id)


def test_defects_are_internal_errors_without_detail(caplog: pytest.LogCaptureFixture) -> None:
    reply = _ask('{"jsonrpc":"2.0","id":1,"method":"broken"}')
    assert reply == {"jsonrpc": "2.0", "error": {"code": -32603, "message": "Internal error"}, "id": 1}
    assert "broken failed with ZeroDivisionError" in caplog.text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_parameters_get_one_reply(rpc: Any, data: st.DataObject) -> None:
    names = [n for n in rpc.dispatcher._table.names() if not n.startswith(("engine_", "system_addLog"))]
    call = {
        "jsonrpc": "2.0",
        "id": 9,
        "method": data.draw(st.sampled_from(names)),
        "params": data.draw(st.lists(json_values | st.just("0x" + "00" * 32), max_size=4)),
    }
    reply = rpc.raw(json.dumps(call))
    rpc.sent.clear()
    assert reply["id"] == 9
    assert ("result" in reply) != ("error" in reply)
    assert reply.get("error", {}).get("code") != -32603


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.text(max_size=60) | json_values.map(json.dumps))
def test_any_text_is_survived(rpc: Any, text: str | bytes) -> None:
    reply = rpc.raw(text)
    assert reply is None or isinstance(reply, list) or reply["jsonrpc"] == "2.0"
