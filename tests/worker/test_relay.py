"""Finding what proves a parachain's blocks final, on relay chains as two kinds of nodes show them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from integritee.boundary.messages import RelayParams, SyncState
from integritee.client.errors import MalformedAnswer, RpcError
from integritee.client.parentchain import Block
from integritee.enclave.parentchain.header_chain import HeaderChain
from integritee.enclave.parentchain.light_client import GENESIS_KEYS
from integritee.enclave.parentchain.relayed_chain import RelayedChain, start_relay
from integritee.primitives.grandpa import FinalityProof
from integritee.primitives.header import Header
from integritee.worker import relay as worker_relay
from integritee.worker.chain_config import RelayConfig
from integritee.worker.errors import NoJustification
from integritee.worker.relay import next_proven_head
from integritee.worker.relay_feed import RelayFeed

from ..enclave.parentchain.grandpa_chain import NEW, OLD, PARA_ID, RelayChain, extend, headless, voters

ORIGIN = headless()
PARA = extend(ORIGIN, 60)
LENGTH, LATE, ENDS = 40, 5, (11, 19, 33)
"""From block `LATE` on each block of the relay chain brings one of the parachain; three have other voters behind them."""


def relay_chain() -> RelayChain:
    chain = RelayChain(OLD, NEW, voters("third", 3), OLD)
    for number in range(1, LENGTH + 1):
        chain.grow(PARA[number - LATE] if number >= LATE else None, change=number in ENDS)
    return chain


RELAY = relay_chain()
GRANDPA_ERROR = RpcError("grandpa_proveFinality", 1, "Block not yet finalized")
STATE_ERROR = RpcError("state_getStorage", 4003, "State already discarded")


@dataclass
class Node:
    """A node of the relay chain that has finalized so many blocks. Every `period`th block keeps its justification, as do
    the last ones of a set of voters. With `nearest` it proves blocks by the next justified one. State before block
    `pruned` is gone."""

    finalized: int = LENGTH
    period: int = 1
    nearest: bool = False
    pruned: int = 0
    requests: list[str] = field(default_factory=list)

    def _keeps(self, number: int) -> bool:
        return number % self.period == 0 or number in ENDS

    async def prove_finality(self, number: int) -> FinalityProof | None:
        self.requests.append("prove_finality")
        if number > self.finalized:
            raise GRANDPA_ERROR
        if self.nearest:
            found = next((n for n in range(number, self.finalized + 1) if self._keeps(n)), None)
        else:
            found = next((end for end in ENDS if number <= end <= self.finalized), self.finalized)
        if found is None:
            raise GRANDPA_ERROR
        headers = RELAY.headers[number + 1 : found + 1]
        return FinalityProof(RELAY.headers[found].hash(), RELAY.justification(found), headers)

    async def block_hash(self, number: int) -> bytes | None:
        return RELAY.headers[number].hash()

    def _number(self, block_hash: bytes | None) -> int:
        return next(header.number for header in RELAY.headers if header.hash() == block_hash)

    async def header(self, block_hash: bytes | None = None) -> Header:
        return RELAY.headers[self._number(block_hash)]

    async def block(self, block_hash: bytes) -> Block:
        number = self._number(block_hash)
        return Block(RELAY.headers[number], [], RELAY.justification(number) if self._keeps(number) else None)

    async def raw_storage(self, key: bytes, at: bytes | None = None) -> bytes | None:
        self.requests.append("raw_storage")
        number = self._number(at)
        if number < self.pruned:
            raise STATE_ERROR
        return RELAY.states[number].get(key)

    async def read_proof(self, keys: list[bytes], at: bytes) -> list[bytes]:
        return RELAY.states[self._number(at)].prove(keys)


class Enclave:
    """What is known inside."""

    def __init__(self) -> None:
        params = RelayParams(RELAY.genesis, RELAY.origin.prove(GENESIS_KEYS), PARA_ID)
        self.chain = RelayedChain(HeaderChain.start(ORIGIN), PARA_ID, start_relay(params), is_proven=True)
        self.ends: list[int] = []
        """Last block of each batch."""

    async def advance(self, node: Node, limit: int) -> bool:
        """Import what the node can show; whether that was anything."""
        at = self.chain.chain.head.number
        found = await next_proven_head(node, PARA_ID, self.chain.relay.head.number, at, len(PARA), limit)
        if found is None:
            return False
        assert at < found.head.number <= at + limit
        self.chain.import_batch(PARA[at : found.head.number], found.finality)
        self.ends.append(found.head.number)
        return True


def para(relay_number: int) -> int:
    """The parachain's head as of a block of the relay chain."""
    return relay_number - LATE + 1


NODES = {
    "of the set's last": Node(period=8),
    "of the next": Node(nearest=True),
    "of the next one kept": Node(nearest=True, period=8),
}
nodes = pytest.mark.parametrize("node", NODES.values(), ids=NODES)


@nodes
@pytest.mark.parametrize("limit", [100, 16, 9])
async def test_all_that_is_final_is_found_and_proven(node: Node, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_relay, "JUSTIFICATION_PERIOD", 8)
    enclave = Enclave()
    while await enclave.advance(node, limit):
        pass
    assert enclave.chain.chain.head == PARA[para(LENGTH) - 1]
    assert enclave.chain.relay.state.set_id == 3
    assert (len(enclave.ends) == 1) == (limit == 100)


@nodes
async def test_following_a_chain_that_grows(node: Node) -> None:
    enclave = Enclave()
    for finalized in range(8, LENGTH + 1, 8):
        live = Node(finalized, node.period, node.nearest)
        assert await enclave.advance(live, 100)
        assert enclave.chain.chain.head == PARA[para(finalized) - 1]
        assert not await enclave.advance(live, 100)


async def test_few_requests_for_the_next_block() -> None:
    enclave = Enclave()
    await enclave.advance(Node(30, nearest=True), 100)
    node = Node(31, nearest=True)
    await enclave.advance(node, 100)
    assert sorted(node.requests) == ["prove_finality", "prove_finality", "raw_storage"]


async def test_a_parachain_that_is_not_there_yet() -> None:
    assert await next_proven_head(Node(LATE - 1), PARA_ID, 0, 0, len(PARA), 100) is None
    assert await next_proven_head(Node(), PARA_ID + 7, 0, 0, len(PARA), 100) is None


async def test_the_last_block_of_a_set_is_proven_by_its_leap() -> None:
    found = await next_proven_head(Node(11), PARA_ID, 0, 0, len(PARA), 100)
    assert found is not None
    assert [leap.headers[-1].number for leap in found.finality.leaps] == [11]
    assert found.finality.header.number == 11


async def test_forgotten_state_is_passed_over_while_a_later_one_does() -> None:
    enclave = Enclave()
    assert await enclave.advance(Node(pruned=38), 100)
    assert enclave.ends == [para(LENGTH)]


async def test_forgotten_state_is_told() -> None:
    with pytest.raises(RpcError) as caught:
        await next_proven_head(Node(pruned=LENGTH + 1), PARA_ID, 0, 0, len(PARA), 100)
    assert caught.value is STATE_ERROR


@pytest.mark.parametrize(("limit", "period"), [(2, 8), (6, 1000)], ids=["heads jump", "nothing is kept"])
async def test_no_proof_within_reach(limit: int, period: int) -> None:
    with pytest.raises(NoJustification):
        await next_proven_head(Node(period=period), PARA_ID, 0, 0, len(PARA), limit)


async def test_too_long_a_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_relay, "MAX_STATIONS", 3)
    with pytest.raises(NoJustification) as caught:
        await next_proven_head(Node(nearest=True), PARA_ID, 0, 0, len(PARA), 100)
    assert (caught.value.first, caught.value.last) == (1, 3)


class Connection(Node):
    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("node", "number", "target", "head"),
    [
        (Connection(20), 0, para(20), para(20)),
        (Connection(20), 0, para(20) + 5, para(20)),
        (Connection(20), 0, para(19), para(19)),
        (Connection(20), para(18), para(19), para(19)),
        (Connection(18), 0, para(17), para(11)),
        (Connection(18), para(11), para(17), None),
        (Connection(18), para(18), para(19), None),
        (Connection(18, nearest=True), para(11), para(17), para(17)),
        (Connection(20, nearest=True), 0, para(18), para(18)),
    ],
    ids=[
        "both at the same",
        "parachain's node ahead",
        "relay chain's node ahead, by a set of voters",
        "the same, later",
        "it has an older one",
        "it has none between",
        "it is behind",
        "it has all between",
        "it has all",
    ],
)
async def test_one_node_may_be_ahead_of_the_other(
    node: Connection, number: int, target: int, head: int | None
) -> None:
    async def connect(url: str) -> Any:
        return node

    feed = RelayFeed("Integritee", RelayConfig(("ws://relay:1",), PARA_ID), connect)
    known = number + LATE - 1 if number else 0
    found = await feed.next_head(SyncState(number, bytes(32), [], "relay", known), target)
    assert (found.head.number if found else None) == head
    await feed.close()


async def test_a_head_that_is_no_header(monkeypatch: pytest.MonkeyPatch) -> None:
    node = Node()
    monkeypatch.setattr(node, "raw_storage", lambda key, at: _answer(b"\x04\xff"))
    with pytest.raises(MalformedAnswer):
        await next_proven_head(node, PARA_ID, 0, 0, len(PARA), 100)


async def _answer(value: bytes) -> bytes:
    return value


async def test_headers_that_lead_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    node = Node()
    proof = FinalityProof(bytes(32), b"", [])
    monkeypatch.setattr(node, "prove_finality", lambda number: _proof(proof))
    with pytest.raises(MalformedAnswer):
        await next_proven_head(node, PARA_ID, 0, 0, len(PARA), 100)


async def _proof(proof: FinalityProof) -> FinalityProof:
    return proof
