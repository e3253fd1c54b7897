"""Who lacks the right to ask or to act is told so by code and facts, beside the answer that old clients know."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integritee.enclave.rpc.jsonrpc import Connection, Dispatcher
from integritee.enclave.rpc.watch import WatchRegistry, update_frame
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.rpc import Invalid
from integritee.scale import encode
from integritee.stf import errors
from integritee.stf.errors import (
    AllowanceExceeded,
    MissingPrivileges,
    NotPublic,
    RoleTooSmall,
    SessionProxyExpired,
)

from .conftest import SHARD, TOP_HASH, FakeBackend

PROXY = b"\x0b" * 32
WHO = "0x" + PROXY.hex()
REQUEST_HEX = "0x" + encode(Request, Request(SHARD, b"\x01")).hex()

REFUSALS: dict[str, tuple[MissingPrivileges, dict[str, Any]]] = {
    "stf.missing_privileges": (MissingPrivileges(PROXY), {"delegate": WHO}),
    "stf.session_proxy_expired": (
        SessionProxyExpired(PROXY, 5, 2**60),
        {"delegate": WHO, "expiry": 5, "now": str(2**60)},
    ),
    "stf.role_too_small": (
        RoleTooSmall(PROXY, "ReadAny", "Any"),
        {"delegate": WHO, "found": "ReadAny", "expected": "Any"},
    ),
    "stf.allowance_exceeded": (
        AllowanceExceeded(PROXY, 2**100, 7),
        {"delegate": WHO, "needed": str(2**100), "remaining": "7"},
    ),
    "stf.not_public": (NotPublic(PROXY), {"delegate": WHO}),
}


def test_every_refusal_is_in_the_table_under_a_code_of_its_own() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MissingPrivileges)]
    assert [kind.code for kind in kinds] == list(REFUSALS)


async def ask(dispatcher: Dispatcher, connection: Connection, method: str) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "method": method, "params": [REQUEST_HEX], "id": 1}
    reply = await dispatcher.handle(json.dumps(message), connection)
    assert reply is not None
    answer: dict[str, Any] = json.loads(reply.text)
    return answer


@pytest.mark.parametrize("code", REFUSALS)
async def test_a_refused_getter_is_an_answer_without_a_value_and_a_reason(
    dispatcher: Dispatcher, connection: Connection, backend: FakeBackend, code: str
) -> None:
    """Status Ok and None, as the original answers; what is new is the member that its clients pass over."""
    error, facts = REFUSALS[code]
    backend.failure = error
    assert await ask(dispatcher, connection, "state_executeGetter") == {
        "jsonrpc": "2.0",
        "result": "0x04000000",
        "id": 1,
        "reason": {"code": code, "message": str(error), "data": facts},
    }


@pytest.mark.parametrize("method", ["author_submitExtrinsic", "author_submitAndWatchExtrinsic"])
@pytest.mark.parametrize("code", REFUSALS)
async def test_a_refused_call_is_not_admitted(
    dispatcher: Dispatcher,
    connection: Connection,
    backend: FakeBackend,
    watches: WatchRegistry,
    method: str,
    code: str,
) -> None:
    error, facts = REFUSALS[code]
    backend.failure = error
    answer = await ask(dispatcher, connection, method)
    assert answer["reason"] == {"code": code, "message": str(error), "data": facts}
    assert bytes.fromhex(answer["result"][2:]).endswith(b"\x02")
    assert len(watches) == 0


@pytest.mark.parametrize("code", REFUSALS)
def test_a_call_refused_at_its_turn_tells_its_watcher(code: str) -> None:
    """Rights may be gone by the time a call is executed."""
    error, facts = REFUSALS[code]
    update = json.loads(update_frame(TOP_HASH, Invalid(), error))
    reason = update["params"]["reason"]
    assert reason == {"code": code, "message": str(error), "data": facts}
