"""From a worker's words to counts and latencies."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.enclave.rpc.watch import update_frame
from integritee.load.tally import Counts, Tally
from integritee.primitives.rpc import (
    Broadcast,
    Dropped,
    Finalized,
    Future,
    InSidechainBlock,
    Invalid,
    Ready,
    RpcReturnValue,
    Submitted,
    TrustedOperationStatus,
    Usurped,
)
from integritee.stf.errors import MissingFunds

TOP = bytes(range(32))
OTHER = bytes(32)


def reply(number: int, result: object, **more: object) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "result": result, "id": number} | more)


def update(status: TrustedOperationStatus, top: bytes = TOP) -> bytes:
    return update_frame(top, status)


TAKEN = reply(0, "0x" + TOP.hex())
REFUSED = {"code": "pool.limit_reached", "message": "", "data": {}}
ERROR = {"jsonrpc": "2.0", "error": {"code": -32000, "message": "busy"}, "id": 0}

Told = Sequence[bytes]

CALLS: dict[str, tuple[Told, dict[str, object]]] = {
    "nothing": ([], {"lost": 1}),
    "taken only": ([TAKEN], {"lost": 1}),
    "in a block": ([TAKEN, update(Ready()), update(InSidechainBlock(OTHER))], {"done": 1}),
    "final at once": ([TAKEN, update(Finalized())], {"done": 1}),
    "on its way": ([TAKEN, *map(update, (Submitted(), Future(), Ready(), Broadcast()))], {"lost": 1}),
    "invalid": ([TAKEN, update(Invalid())], {"refused": {"Invalid": 1}}),
    "dropped": ([TAKEN, update(Dropped())], {"refused": {"Dropped": 1}}),
    "usurped": ([TAKEN, update(Usurped())], {"refused": {"Usurped": 1}}),
    "invalid, and why": (
        [TAKEN, update_frame(TOP, Invalid(), MissingFunds(1, 0))],
        {"refused": {"stf.missing_funds": 1}},
    ),
    "block twice": ([TAKEN, *2 * [update(InSidechainBlock(OTHER))]], {"done": 1}),
    "another's block": ([TAKEN, update(InSidechainBlock(OTHER), OTHER)], {"lost": 1}),
    "not taken": ([reply(0, "0x00", reason=REFUSED)], {"refused": {"pool.limit_reached": 1}}),
    "not taken, no reason": ([reply(0, "0x0011")], {"refused": {"rpc.refused": 1}}),
    "error": ([msgspec.json.encode(ERROR)], {"refused": {"rpc.error": 1}}),
    "another's reply": ([reply(7, "0x" + TOP.hex())], {"lost": 1}),
    "no JSON": ([b"?", TAKEN, update(InSidechainBlock(OTHER))], {"done": 1}),
}


@pytest.mark.parametrize("case", CALLS)
def test_calls(case: str) -> None:
    told, expected = CALLS[case]
    tally = Tally([1.0], ["transfer"], (0.0, 10.0))
    tally.sent(0, 1.5)
    for text in told:
        tally.heard(text, 2.0)
    counts = tally.result()["transfer"]
    found = {name: getattr(counts, name) for name in ("done", "lost", "refused")}
    assert found == {"done": 0, "lost": 0, "refused": {}} | expected
    assert counts.sent == 1
    assert tally.under_way == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (reply(0, RpcReturnValue.ok(b"").to_hex()), {"done": 1}),
        (reply(0, "c2VhbGVk"), {"done": 1}),
        (reply(0, "0x", reason=REFUSED), {"refused": {"pool.limit_reached": 1}}),
        (msgspec.json.encode(ERROR), {"refused": {"rpc.error": 1}}),
    ],
    ids=["answered", "sealed", "refused", "error"],
)
def test_getters(text: bytes, expected: dict[str, object]) -> None:
    tally = Tally([0.0], ["getter"], (0.0, 10.0))
    tally.sent(0, 0.0)
    tally.heard(text, 0.25)
    counts = tally.result()["getter"]
    assert {name: getattr(counts, name) for name in expected} == expected
    assert counts.latency.quantile(1.0) == (0.25 if "done" in expected else None)


@pytest.mark.parametrize(
    ("sent", "latency"), [(1.0, 1.0), (1.9, 1.0), (0.75, 1.25)], ids=["in time", "late", "a little early"]
)
def test_latency_counts_from_when_a_request_was_meant_to_leave(sent: float, latency: float) -> None:
    """Late sending is no excuse; what leaves early is not made to look faster."""
    tally = Tally([1.0], ["transfer"], (0.0, 10.0))
    tally.sent(0, sent)
    tally.heard(TAKEN, 1.95)
    tally.heard(update(InSidechainBlock(OTHER)), 2.0)
    counts = tally.result()["transfer"]
    assert counts.latency.quantile(0.5) == latency
    assert counts.taken.count == 1


@pytest.mark.parametrize(("due", "measured"), [(1.9, 0), (2.0, 1), (11.9, 1), (12.0, 0)])
def test_only_the_window_is_measured(due: float, measured: int) -> None:
    tally = Tally([due], ["getter"], (2.0, 12.0))
    tally.sent(0, due)
    tally.heard(reply(0, "0x"), due + 0.1)
    counts = tally.result()["getter"]
    assert (counts.sent, counts.done, counts.latency.count) == (measured,) * 3
    assert sum(counts.ended.values()) == 1


COUNTS = st.builds(
    Counts,
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 9),
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 9)),
    ended=st.dictionaries(st.integers(0, 5), st.integers(1, 9)),
)


@given(COUNTS, COUNTS)
def test_counts_add_up(one: Counts, other: Counts) -> None:
    merged = Counts()
    merged.merge(one)
    merged.merge(other)
    assert (merged.sent, merged.done, merged.lost) == (
        one.sent + other.sent,
        one.done + other.done,
        one.lost + other.lost,
    )
    for name in ("refused", "ended"):
        total = sum(getattr(one, name).values()) + sum(getattr(other, name).values())
        assert sum(getattr(merged, name).values()) == total
    assert msgspec.json.decode(msgspec.json.encode(merged), type=Counts) == merged
