"""What JS clients read from the trusted RPC, byte for byte."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.primitives.enclave_bridge import Request
from integritee.primitives.rpc import (
    Broadcast,
    DirectRequestStatus,
    Dropped,
    FinalityTimeout,
    Finalized,
    Future,
    InSidechainBlock,
    Invalid,
    Ready,
    Retracted,
    RpcReturnValue,
    StatusError,
    StatusOfOperation,
    StatusOk,
    Submitted,
    TrustedOperationStatus,
    Usurped,
)
from integritee.scale import Struct, decode, encode

from .vectors import load, raw

STATUSES: dict[str, TrustedOperationStatus] = {
    "submitted": Submitted(),
    "future": Future(),
    "ready": Ready(),
    "broadCast": Broadcast(),
    "inSidechainBlock": InSidechainBlock(b"\xa7" * 32),
    "retracted": Retracted(),
    "finalityTimeout": FinalityTimeout(),
    "finalized": Finalized(),
    "usurped": Usurped(),
    "dropped": Dropped(),
    "invalid": Invalid(),
}


def status(view: dict[str, Any]) -> DirectRequestStatus:
    if "ok" in view:
        return StatusOk()
    if "error" in view:
        return StatusError()
    return StatusOfOperation(STATUSES[next(iter(view["trustedOperationStatus"]))])


def value_of(kind: str, view: dict[str, Any]) -> Struct:
    if kind == "DirectRequestStatus":
        return status(view)
    if kind == "RpcReturnValue":
        return RpcReturnValue(raw(view["value"]), view["do_watch"], status(view["status"]))
    return Request(raw(view["shard"]), raw(view["cyphertext"]))


HINTS = {"DirectRequestStatus": DirectRequestStatus, "RpcReturnValue": RpcReturnValue, "Request": Request}
CASES = [v for v in load("js-types.json")["values"] if v["type"] in HINTS]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['type']} {c['hex'][:20]}")
def test_values_of_the_js_clients(case: dict[str, Any]) -> None:
    value = value_of(case["type"], case["json"])
    assert encode(HINTS[case["type"]], value) == raw(case["hex"])
    assert decode(HINTS[case["type"]], raw(case["hex"])) == value


def test_every_status_is_covered() -> None:
    assert len(CASES) == 15
    assert {type(s) for s in STATUSES.values()} == set(TrustedOperationStatus.__subclasses__())


def test_envelopes() -> None:
    assert RpcReturnValue.ok(b"\x05").to_hex() == "0x04050000"
    assert RpcReturnValue.error("no").to_hex() == "0x0c086e6f0002"
