"""Framing: exact replies to what clients and strangers send (jsonrpc-core v18 in strict mode)."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.enclave.rpc.jsonrpc import Connection, Dispatcher, Method, OrderedMethod, Outcome, Params
from integritee.enclave.rpc.limits import (
    MAX_BATCH,
    MAX_ECHOED_CHARACTERS,
    MAX_MESSAGE_BYTES,
    MAX_NESTING,
    MAX_READ_AS_A_WHOLE,
    MAX_STRUCTURED_BYTES,
)
from integritee.enclave.rpc.order import Turn
from integritee.errors import IntegriteeError


class Refusal(IntegriteeError):
    code = "test.refusal"

    def __init__(self) -> None:
        super().__init__("not today")
        self.found, self.big, self.raw = 3, 2**64, b"\x01"


async def echo(params: Params, connection: Connection) -> Outcome:
    return Outcome(params)


async def refuse(params: Params, connection: Connection) -> Outcome:
    raise Refusal


async def half_refuse(params: Params, connection: Connection) -> Outcome:
    return Outcome("0x00", reason=Refusal())


async def crash(params: Params, connection: Connection) -> Outcome:
    raise KeyError("the caller's secret")


METHODS = {
    "echo": Method(echo),
    "refuse": Method(refuse),
    "half_refuse": Method(half_refuse),
    "crash": Method(crash),
}


async def answer(text: str | bytes, dispatcher: Dispatcher | None = None) -> str | None:
    reply = await (dispatcher or Dispatcher(METHODS)).handle(text, Connection(1))
    return None if reply is None else reply.text.decode()


def without_reason(text: str | None) -> str:
    """The reply as the original gives it: our addition stands last and is cut off."""
    assert text is not None
    head, mark, _ = text.partition(',"reason":')
    assert mark, "a failing reply must carry its reason"
    return head + "}"


def error(code: int, message: str, call_id: str = "null") -> str:
    return f'{{"jsonrpc":"2.0","error":{{"code":{code},"message":"{message}"}},"id":{call_id}}}'


PARSE_ERROR = error(-32700, "Parse error")

SUCCESSES = [
    ('{"jsonrpc":"2.0","method":"echo","params":["a"],"id":1}', '{"jsonrpc":"2.0","result":["a"],"id":1}'),
    ('{"id":"x","params":{"a":1},"method":"echo","jsonrpc":"2.0"}', '{"jsonrpc":"2.0","result":{"a":1},"id":"x"}'),
    ('{"jsonrpc":"2.0","method":"echo","id":null}', '{"jsonrpc":"2.0","result":null,"id":null}'),
    ('{"jsonrpc":"2.0","method":"echo","params":null,"id":0}', '{"jsonrpc":"2.0","result":null,"id":0}'),
    (
        '{"jsonrpc":"2.0","method":"echo","params":[],"id":18446744073709551615}',
        '{"jsonrpc":"2.0","result":[],"id":18446744073709551615}',
    ),
    (' \n{"jsonrpc":"2.0","method":"echo","params":["\\u00e9"],"id":1} ', '{"jsonrpc":"2.0","result":["é"],"id":1}'),
]


@pytest.mark.parametrize(("text", "reply"), SUCCESSES)
async def test_calls_are_answered(text: str, reply: str) -> None:
    assert await answer(text) == reply
    assert await answer(text.encode()) == reply


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "{",
        "hello",
        "NaN",
        "1",
        '"echo"',
        "null",
        "true",
        "[1]",
        '[{"jsonrpc":"2.0","method":"echo","id":1},1]',
        '[[{"jsonrpc":"2.0","method":"echo","id":1}]]',
        '{"jsonrpc":"2.0","method":"echo","id":1} x',
        '{"jsonrpc":"2.0","method":"echo","id":-1}',
        '{"jsonrpc":"2.0","method":"echo","id":1.5}',
        '{"jsonrpc":"2.0","method":"echo","id":true}',
        '{"jsonrpc":"2.0","method":"echo","id":[1]}',
        '{"jsonrpc":"2.0","method":"echo","id":{}}',
        '{"jsonrpc":"2.0","method":"echo","id":18446744073709551616}',
        '[{"jsonrpc":"2.0","method":"echo","id":1},{"id":-1}]',
        '{"jsonrpc":"2.0","method":"echo","params":["\\ud800"],"id":1}',
    ],
)
async def test_what_cannot_be_a_request_is_a_parse_error(text: str) -> None:
    reply = await answer(text)
    assert without_reason(reply) == PARSE_ERROR
    assert json.loads(reply or "")["reason"]["code"] == "rpc.parse_error"


async def test_bytes_that_are_not_utf8_are_a_parse_error() -> None:
    assert without_reason(await answer(b'{"jsonrpc":"2.0","method":"\xff","id":1}')) == PARSE_ERROR


@pytest.mark.parametrize(
    ("text", "code", "message", "call_id"),
    [
        ("{}", -32600, "Invalid request", "null"),
        ('{"id":4}', -32600, "Invalid request", "4"),
        ('{"jsonrpc":"2.0","method":1,"id":4}', -32600, "Invalid request", "4"),
        ('{"jsonrpc":"2.0","method":"echo","params":"a","id":"b"}', -32600, "Invalid request", '"b"'),
        ('{"jsonrpc":"2.0","method":"echo","params":5}', -32600, "Invalid request", "null"),
        ('{"jsonrpc":"2.0","method":"echo","id":4,"extra":0}', -32600, "Invalid request", "4"),
        ('{"jsonrpc":"1.0","method":"echo","id":4}', -32600, "Invalid request", "4"),
        ('{"jsonrpc":2.0,"method":"echo","id":4}', -32600, "Invalid request", "4"),
        ('{"jsonrpc":["2.0"],"method":"echo"}', -32600, "Invalid request", "null"),
        ('{"method":"echo","id":4}', -32600, "Unsupported JSON-RPC protocol version", "4"),
        ('{"jsonrpc":null,"method":"nope","id":4}', -32600, "Unsupported JSON-RPC protocol version", "4"),
        ('{"jsonrpc":"2.0","method":"nope","id":4}', -32601, "Method not found", "4"),
        ('{"jsonrpc":"2.0","method":"ECHO","id":null}', -32601, "Method not found", "null"),
    ],
)
async def test_faults_have_the_originals_code_and_message(text: str, code: int, message: str, call_id: str) -> None:
    assert without_reason(await answer(text)) == error(code, message, call_id)


@pytest.mark.parametrize(
    "text",
    [
        '{"jsonrpc":"2.0","method":"crash"}',
        '{"jsonrpc":"2.0","method":"nope","params":[]}',
        '{"method":"echo"}',
        "[]",
        '[{"jsonrpc":"2.0","method":"crash"},{"jsonrpc":"2.0","method":"crash"}]',
    ],
)
async def test_notifications_are_neither_run_nor_answered(text: str, caplog: pytest.LogCaptureFixture) -> None:
    assert await answer(text) is None
    assert not caplog.records


async def test_a_batch_is_answered_in_order_without_its_notifications() -> None:
    batch = (
        '[{"jsonrpc":"2.0","method":"echo","params":[1],"id":1},{"jsonrpc":"2.0","method":"echo"},'
        '{"jsonrpc":"2.0","method":"nope","id":2},{"id":3},{"jsonrpc":"2.0","method":"echo","id":4}]'
    )
    reply = json.loads(await answer(batch) or "")
    assert [r["id"] for r in reply] == [1, 2, 3, 4]
    assert [r.get("error", {}).get("code") for r in reply] == [None, -32601, -32600, None]


async def test_a_batch_of_one_is_answered_as_a_batch() -> None:
    assert await answer('[{"jsonrpc":"2.0","method":"echo","id":1}]') == ('[{"jsonrpc":"2.0","result":null,"id":1}]')


def batch_of(size: int) -> str:
    return "[" + ",".join(['{"jsonrpc":"2.0","method":"echo","id":1}'] * size) + "]"


async def test_batches_are_bounded() -> None:
    assert len(json.loads(await answer(batch_of(MAX_BATCH)) or "")) == MAX_BATCH
    reply = await answer(batch_of(MAX_BATCH + 1))
    assert without_reason(reply) == error(-32600, "Invalid request")
    assert json.loads(reply or "")["reason"] == {
        "code": "rpc.batch_too_large",
        "message": f"batch of {MAX_BATCH + 1} calls exceeds the limit of {MAX_BATCH}",
        "data": {"limit": MAX_BATCH, "found": MAX_BATCH + 1},
    }


def padded(size: int, filler: str = "a") -> str:
    frame = '{"jsonrpc":"2.0","method":"echo","params":["%s"],"id":1}'
    return frame % (filler * ((size - len(frame) + 2) // len(filler.encode())))


@pytest.mark.parametrize("filler", ["a", "é"])
async def test_messages_are_bounded_in_bytes(filler: str) -> None:
    size = MAX_MESSAGE_BYTES
    fitting = padded(size, filler)
    assert json.loads(await answer(fitting) or "")["id"] == 1
    reply = json.loads(await answer(padded(size + 2, filler)) or "")
    assert reply["error"]["code"] == -32600
    assert reply["id"] is None
    assert reply["reason"]["code"] == "rpc.message_too_large"


LONG = {"long": Method(echo, max_message_bytes=2 * MAX_MESSAGE_BYTES)}


def long_call(size: int, method: str = '"long"', call_id: str = "1", more: str = "") -> str:
    frame = '{"jsonrpc":"2.0","method":%s,"params":["%s"],"id":%s%s}'
    return frame % (method, "a" * (size - len(frame % (method, "", call_id, more))), call_id, more)


@pytest.mark.parametrize("call_id", ["1", '"x"', "null"])
async def test_some_methods_take_longer_messages(call_id: str) -> None:
    text = long_call(2 * MAX_MESSAGE_BYTES, call_id=call_id)
    reply = json.loads(await answer(text, Dispatcher(METHODS | LONG)) or "")
    assert (reply["id"], reply["result"]) == (json.loads(call_id), json.loads(text)["params"])


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (long_call(2 * MAX_MESSAGE_BYTES + 1), 2 * MAX_MESSAGE_BYTES),
        (long_call(MAX_MESSAGE_BYTES + 1, '"echo"'), MAX_MESSAGE_BYTES),
        (long_call(MAX_MESSAGE_BYTES + 1, '"nobody"'), MAX_MESSAGE_BYTES),
        (long_call(MAX_MESSAGE_BYTES + 1, call_id="-1"), MAX_STRUCTURED_BYTES),
        (long_call(MAX_MESSAGE_BYTES + 1, call_id="1.5"), MAX_STRUCTURED_BYTES),
        (long_call(MAX_MESSAGE_BYTES + 1, more=',"extra":1'), MAX_STRUCTURED_BYTES),
        (long_call(MAX_MESSAGE_BYTES + 1).replace("2.0", "1.0"), MAX_STRUCTURED_BYTES),
        (long_call(MAX_MESSAGE_BYTES + 9).replace(',"id":1', ""), MAX_STRUCTURED_BYTES),
        ("[" + long_call(MAX_MESSAGE_BYTES + 1) + "]", MAX_STRUCTURED_BYTES),
        (long_call(MAX_MESSAGE_BYTES + 9).replace('aa"]', '","a"]'), MAX_STRUCTURED_BYTES),
        ("[" + "[]," * MAX_MESSAGE_BYTES + "[]]", MAX_STRUCTURED_BYTES),
        ("[" * 2 * MAX_MESSAGE_BYTES, MAX_STRUCTURED_BYTES),
        ("a" * 2 * MAX_MESSAGE_BYTES, MAX_STRUCTURED_BYTES),
        (long_call(MAX_STRUCTURED_BYTES + 9, '"echo"').replace('aa"]', '","a"]'), MAX_STRUCTURED_BYTES),
        ("[" + "[]," * (MAX_STRUCTURED_BYTES // 3) + "[]]", MAX_STRUCTURED_BYTES),
    ],
    ids=range(15),
)
async def test_a_long_message_of_another_form_is_not_looked_at(text: str, limit: int) -> None:
    reply = json.loads(await answer(text, Dispatcher(METHODS | LONG)) or "")
    assert reply["error"] == {"code": -32600, "message": "Invalid request"}
    assert reply["reason"]["data"] == {"limit": limit, "found": len(text)}


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        (long_call(MAX_READ_AS_A_WHOLE + 1, '"bytes"'), True),
        (long_call(MAX_READ_AS_A_WHOLE + 1, '"bytes"').encode(), True),
        (bytearray(long_call(MAX_STRUCTURED_BYTES + 1, '"bytes"').encode()), True),
        (long_call(MAX_STRUCTURED_BYTES, '"bytes"'), False),
        (long_call(MAX_STRUCTURED_BYTES + 9, '"bytes"').replace('["', '[ "'), False),
        (long_call(MAX_STRUCTURED_BYTES + 9, '"bytes"', '"[\\"a"'), True),
        (long_call(MAX_STRUCTURED_BYTES + 9, '"bytes"', '"a\\"]"'), False),
        (long_call(MAX_STRUCTURED_BYTES + 9, '"long"'), False),
    ],
    ids=["long", "bytes", "shorter", "short", "other spaces", "odd id", "an id that misleads", "a method of texts"],
)
async def test_a_long_text_stays_as_it_came_for_a_method_of_bytes(
    text: str | bytes | bytearray, digits: bool
) -> None:
    given = list[object]()

    async def hear(params: Params, connection: Connection) -> Outcome:
        assert isinstance(params, list)
        given.extend(params)
        return Outcome("heard")

    methods = {
        "bytes": Method(hear, max_message_bytes=4 * MAX_MESSAGE_BYTES, takes_bytes=True),
        "long": Method(hear, max_message_bytes=4 * MAX_MESSAGE_BYTES),
    }
    reply = await Dispatcher(methods).handle(text, Connection(1))
    assert reply is not None and json.loads(reply.text)["result"] == "heard"
    (param,) = given
    assert isinstance(param, memoryview) is digits
    said = str(param, "ascii") if isinstance(param, memoryview) else param
    assert said == json.loads(text)["params"][0]


async def test_what_cannot_be_cut_out_has_its_own_greatest_length() -> None:
    text = long_call(MAX_READ_AS_A_WHOLE + 9, '"bytes"').replace('["', '[ "')
    methods = {"bytes": Method(echo, max_message_bytes=4 * MAX_MESSAGE_BYTES, takes_bytes=True)}
    reply = json.loads(await answer(text, Dispatcher(methods)) or "")
    assert reply["reason"]["data"] == {"limit": MAX_STRUCTURED_BYTES, "found": len(text)}


async def test_a_full_batch_of_submissions_is_looked_at() -> None:
    text = "[" + ",".join([long_call(MAX_STRUCTURED_BYTES // MAX_BATCH - 2, '"echo"')] * MAX_BATCH) + "]"
    assert len(json.loads(await answer(text) or "")) == MAX_BATCH


async def test_calls_of_a_batch_wait_for_their_turns() -> None:
    waited = 0

    async def turn() -> None:
        nonlocal waited
        waited += 1

    text = "[" + ",".join(['{"jsonrpc":"2.0","method":"echo","id":1}'] * MAX_BATCH) + "]"
    await Dispatcher(METHODS).handle(text, Connection(1, turn))
    assert waited == MAX_BATCH - 1, "the message has had one"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 20_000,
        "[" * 500 + "]" * 500,
        '{"jsonrpc":"2.0","method":"echo","id":1,"params":' + "[" * MAX_NESTING + "]" * MAX_NESTING + "}",
    ],
)
async def test_nesting_is_bounded(text: str) -> None:
    assert without_reason(await answer(text)) == PARSE_ERROR


async def test_nesting_up_to_the_limit_is_fine() -> None:
    deep = "[" * (MAX_NESTING - 1) + "]" * (MAX_NESTING - 1)
    reply = await answer('{"jsonrpc":"2.0","method":"echo","id":1,"params":' + deep + "}")
    assert reply == '{"jsonrpc":"2.0","result":' + deep + ',"id":1}'


async def test_refusals_tell_their_code_and_facts() -> None:
    assert await answer('{"jsonrpc":"2.0","method":"refuse","id":1}') == (
        '{"jsonrpc":"2.0","error":{"code":-32000,"message":"not today"},"id":1,'
        '"reason":{"code":"test.refusal","message":"not today",'
        '"data":{"found":3,"big":"18446744073709551616","raw":"0x01"}}}'
    )


async def test_a_failing_result_carries_its_reason_last() -> None:
    reply = await answer('{"jsonrpc":"2.0","method":"half_refuse","id":1}')
    assert without_reason(reply) == '{"jsonrpc":"2.0","result":"0x00","id":1}'
    assert json.loads(reply or "")["reason"]["code"] == "test.refusal"


async def test_defects_are_internal_errors_and_leave_no_data(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        reply = await answer('{"jsonrpc":"2.0","method":"crash","params":["p4ss"],"id":1}')
    assert reply == (
        '{"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal error"},"id":1,'
        '"reason":{"code":"rpc.internal","message":"internal error","data":{}}}'
    )
    assert "crash failed with KeyError at" in caplog.text
    assert "secret" not in caplog.text
    assert "p4ss" not in caplog.text


async def test_an_unknown_method_is_not_echoed_in_full() -> None:
    reply = await answer('{"jsonrpc":"2.0","method":"%s","id":1}' % ("m" * 100_000))
    assert len(json.loads(reply or "")["reason"]["data"]["method"]) == MAX_ECHOED_CHARACTERS


async def test_known_methods_are_observed() -> None:
    seen: list[str] = []
    dispatcher = Dispatcher(METHODS, observe=seen.append)
    await answer('[{"jsonrpc":"2.0","method":"echo","id":1},{"jsonrpc":"2.0","method":"nope","id":1}]', dispatcher)
    await answer('{"jsonrpc":"2.0","method":"echo"}', dispatcher)
    assert seen == ["echo"]


class Gated:
    """Methods that record their parameters and wait."""

    def __init__(self) -> None:
        self.started: list[Any] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.done: list[str] = []

    async def run(self, params: Params, connection: Connection) -> Outcome:
        assert isinstance(params, list)
        self.started.append(params[0])
        await self.gates.setdefault(params[0], asyncio.Event()).wait()
        return Outcome(params[0])

    async def run_in_order(self, params: Params, connection: Connection, turn: Turn) -> Outcome:
        outcome = await self.run(params, connection)
        await turn()
        self.done.append(outcome.result)
        return outcome


def call(method: str, param: str) -> str:
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": [param], "id": 1})


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("sent", "opened", "started", "done"),
    [
        (["a", "b", "c"], "", "abc", ""),  # they are begun ahead of their turn,
        (["a", "b", "c"], "bc", "abc", ""),
        (["a", "b", "c"], "cba", "abc", "abc"),  # and take effect in their order
        (["ab", "c"], "c", "ac", ""),  # a batch has its turn as a whole
        (["ab", "c"], "abc", "acb", "abc"),
        (["a", "bc", "d"], "bca", "abdc", "abc"),
        ([*"abcdefgh"], "", "abcd", ""),  # ORDERED_AHEAD may be begun
        ([*"abcdefgh"], "bc", "abcd", ""),
        ([*"abcdefgh"], "a", "abcde", "a"),
        ([*"abcdefgh"], "hgfedcba", "abcdefgh", "abcdefgh"),
    ],
)
async def test_ordered_methods_of_one_connection_take_effect_in_order(
    sent: list[str], opened: str, started: str, done: str
) -> None:
    gated = Gated()
    dispatcher = Dispatcher({"do": OrderedMethod(gated.run_in_order), "ask": Method(gated.run)})
    one, other = Connection(1), Connection(2)
    messages = [f"[{','.join(call('do', name) for name in names)}]" for names in sent]
    tasks = [asyncio.create_task(dispatcher.handle(text, one)) for text in messages]
    await settle()
    for name in opened:
        gated.gates.setdefault(name, asyncio.Event()).set()
        await settle()
    assert ("".join(gated.started), "".join(gated.done)) == (started, done)
    others = [(call("do", "x"), other), (call("ask", "q"), one)]  # queries and other clients do not wait
    for text, connection in others:
        tasks.append(asyncio.create_task(dispatcher.handle(text, connection)))
    await settle()
    assert gated.started[-2:] == ["x", "q"]
    for name in ["x", "q", *"".join(sent)]:
        gated.gates.setdefault(name, asyncio.Event()).set()
    replies = await asyncio.gather(*tasks)
    assert all(reply is not None and b'"result"' in reply.text for reply in replies)
    assert gated.done == [*done, *(name for name in ["x", *"".join(sent)] if name not in done)]


@pytest.mark.parametrize(
    ("sent", "done"),
    [
        (["a", "b", "c"], "abc"),  # who is surely the next to take effect need not be answered first
        (["ab", "c"], "a"),  # but a batch has several to come
        (["a", "bc", "d"], "ab"),
    ],
)
async def test_the_next_has_its_turn_once_the_one_before_is_under_way(sent: list[str], done: str) -> None:
    begun, answers = [], asyncio.Event()

    async def submit(params: Params, connection: Connection, turn: Turn) -> Outcome:
        await turn()
        assert isinstance(params, list)
        begun.append(params[0])
        turn.taken()
        turn.taken()  # as often as one likes
        await answers.wait()
        return Outcome(None)

    dispatcher, connection = Dispatcher({"do": OrderedMethod(submit)}), Connection(1)
    texts = [f"[{','.join(call('do', name) for name in names)}]" for names in sent]
    tasks = [asyncio.create_task(dispatcher.handle(text, connection)) for text in texts]
    await settle()
    assert "".join(begun) == done
    answers.set()
    await asyncio.gather(*tasks)
    assert "".join(begun) == "".join(sent)


@pytest.mark.parametrize("gone", [(0,), (1,), (2, 1), (0, 1, 2), (3, 0)])
async def test_whose_message_fails_or_is_given_up_leaves_its_turn_to_the_others(gone: tuple[int, ...]) -> None:
    gated, connection = Gated(), Connection(1)
    dispatcher = Dispatcher({"do": OrderedMethod(gated.run_in_order)})
    tasks = [asyncio.create_task(dispatcher.handle(call("do", name), connection)) for name in "abcdefgh"]
    await settle()
    for number in gone:
        tasks[number].cancel()
        await settle()
    for name in "abcdefgh":
        gated.gates.setdefault(name, asyncio.Event()).set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert gated.done == [name for number, name in enumerate("abcdefgh") if number not in gone]


async def test_calls_in_flight_are_bounded() -> None:
    gated = Gated()
    dispatcher = Dispatcher({"ask": Method(gated.run)}, max_calls_in_flight=1)
    first = asyncio.create_task(dispatcher.handle(call("ask", "a"), Connection(1)))
    await settle()
    refused = json.loads(await answer(call("ask", "b"), dispatcher) or "")
    assert (refused["error"]["code"], refused["reason"]["code"]) == (-32000, "rpc.busy")
    gated.gates["a"].set()
    assert (await first) is not None
    gated.gates["b"] = gated.gates["a"]
    assert json.loads(await answer(call("ask", "b"), dispatcher) or "")["result"] == "b"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["jsonrpc", "id", "method", "params", "x"]), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(st.one_of(JSON.map(json.dumps), st.text(), st.binary()))
def test_whatever_is_sent_is_answered_in_kind(text: str | bytes) -> None:
    reply = asyncio.run(answer(text))
    if reply is not None:
        parsed = json.loads(reply)
        for item in parsed if isinstance(parsed, list) else [parsed]:
            assert item["jsonrpc"] == "2.0"
            assert ("result" in item) != ("error" in item)
            assert "id" in item
