"""Answers and updates as workers give them, the original ones included; and what no worker says."""

from __future__ import annotations

import pytest

from integritee.client.answers import Reason, StatusUpdate, read_top_hash, read_update, read_value
from integritee.client.errors import MalformedAnswer, OperationCancelled, RequestRefused, RpcError
from integritee.primitives.rpc import (
    Broadcast,
    Dropped,
    FinalityTimeout,
    Finalized,
    Future,
    InSidechainBlock,
    Invalid,
    Ready,
    Retracted,
    RpcReturnValue,
    Submitted,
    TrustedOperationStatus,
    Usurped,
)
from integritee.scale import encode

TOP_HASH = bytes(range(32))
REASON = {"code": "pool.stale_nonce", "message": "nonce 0 is used up", "data": {"found": 0, "expected": 1}}
BOOM = "0x1410626f6f6d0002"
"""Status Error with the text "boom", from the sheet of the original's wire formats."""


def test_value() -> None:
    assert read_value("m", {"result": RpcReturnValue.ok(b"\x2a").to_hex()}) == b"\x2a"


def test_refusal_of_the_original() -> None:
    with pytest.raises(RequestRefused, match="boom") as refused:
        read_value("m", {"result": BOOM})
    assert (refused.value.code, refused.value.data()) == ("client.refused", {})
    assert RequestRefused.code == "client.refused"


def test_refusal_in_hex_twice() -> None:
    """What the original makes of a failure of `author_getShardVault`."""
    twice = encode(str, BOOM).hex()
    with pytest.raises(RequestRefused, match="boom") as refused:
        read_value("author_getShardVault", {"result": twice})
    assert refused.value.code == "client.refused"
    with pytest.raises(MalformedAnswer):
        read_value("author_getShardVault", {"result": encode(str, "0xno hex").hex()})


def test_refusal_with_a_reason() -> None:
    with pytest.raises(RequestRefused, match="nonce 0 is used up") as refused:
        read_top_hash("m", {"result": BOOM, "reason": REASON})
    assert refused.value.code == "pool.stale_nonce"
    assert refused.value.data() == {"found": 0, "expected": 1}


def test_top_hash() -> None:
    assert read_top_hash("m", {"result": "0x" + TOP_HASH.hex()}) == TOP_HASH


def test_json_rpc_error() -> None:
    with pytest.raises(RpcError) as failed:
        read_value("m", {"error": {"code": -32601, "message": "Method not found"}})
    assert failed.value.rpc_code == -32601


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"result": None},
        {"result": 7},
        {"result": "0xzz"},
        {"result": "0x1"},
        {"result": "0x"},
        {"result": "0x04ff0002"},
        {"result": RpcReturnValue.ok(b"").to_hex() + "00"},
        {"error": "no"},
    ],
)
def test_malformed_answers(answer: dict[str, object]) -> None:
    for read in (read_value, read_top_hash):
        with pytest.raises(MalformedAnswer):
            read("m", answer)


def test_envelope_where_a_hash_belongs() -> None:
    with pytest.raises(MalformedAnswer):
        read_top_hash("m", {"result": RpcReturnValue.ok(b"\x2a").to_hex()})


@pytest.mark.parametrize(
    ("result", "status"),
    [
        ("0x0100", Submitted()),
        ("0x0101", Future()),
        ("0x0102", Ready()),
        ("0x0103", Broadcast()),
        ("0x0104" + "07" * 32, InSidechainBlock(b"\x07" * 32)),
        ("0x010a", Invalid()),
    ],
)
def test_updates(result: str, status: TrustedOperationStatus) -> None:
    assert read_update("m", {"result": result}) == StatusUpdate(status)


def test_update_with_a_reason() -> None:
    update = read_update("m", {"result": "0x010a", "reason": REASON})
    assert update.reason == Reason("pool.stale_nonce", "nonce 0 is used up", {"found": 0, "expected": 1})


@pytest.mark.parametrize("params", [{}, {"result": "0x"}, {"result": "0x00"}, {"result": "0x01ff"}, {"result": 1}])
def test_malformed_updates(params: dict[str, object]) -> None:
    with pytest.raises(MalformedAnswer):
        read_update("m", params)


def test_update_that_is_an_error() -> None:
    with pytest.raises(RequestRefused, match=r"^\[Error\] DirectRequestStatus::Error: out of gas$"):
        read_update("m", {"result": "0x02", "error": "out of gas"})


@pytest.mark.parametrize("status", [Submitted(), Future(), Ready(), Broadcast()])
def test_statuses_under_way(status: TrustedOperationStatus) -> None:
    update = StatusUpdate(status)
    assert (update.is_last, update.is_cancelled) == (False, False)


@pytest.mark.parametrize("status", [InSidechainBlock(TOP_HASH), Finalized()])
def test_statuses_of_success(status: TrustedOperationStatus) -> None:
    update = StatusUpdate(status)
    update.check(TOP_HASH)
    assert (update.is_last, update.is_cancelled) == (True, False)


@pytest.mark.parametrize("status", [Retracted(), FinalityTimeout(), Usurped(), Dropped(), Invalid()])
def test_statuses_of_failure(status: TrustedOperationStatus) -> None:
    name = type(status).__name__
    with pytest.raises(OperationCancelled, match=f"is {name}$") as unexplained:
        StatusUpdate(status).check(TOP_HASH)
    assert unexplained.value.code == "client.operation_cancelled"
    with pytest.raises(OperationCancelled, match="no funds") as explained:
        StatusUpdate(status, Reason("stf.missing_funds", "no funds", {"needed": "5"})).check(TOP_HASH)
    assert explained.value.code == "stf.missing_funds"
    assert explained.value.data() == {"top_hash": "0x" + TOP_HASH.hex(), "status": name, "needed": "5"}


@pytest.mark.parametrize("reason", [None, "no", {}, {"code": 1, "message": "", "data": {}}, {"code": "a"}])
def test_reasons_that_are_none(reason: object) -> None:
    assert Reason.of({"reason": reason}) is None
