"""Looking up where authorities changed, in chains as a node shows them."""

from __future__ import annotations

import pytest

from integritee.client.errors import MalformedAnswer
from integritee.client.parentchain import Block
from integritee.enclave.parentchain.light_client import LightClient
from integritee.worker.leaps import PENDING_CHANGE_KEY, SET_ID_KEY, find_leaps

from ..enclave.parentchain.grandpa_chain import OLD, Voters, change_to, extend, justified, started, voters

Changes = dict[int, int]
"""Delays by the number of the announcing block."""


class Recorded:
    """A chain of `length` blocks; `requests` counts what was asked, `unjustified` blocks lost their justification."""

    def __init__(self, changes: Changes, length: int, unjustified: int | None = None) -> None:
        self.changes, self.unjustified, self.requests = changes, unjustified, 0
        self.sets: list[Voters] = [OLD, *(voters(f"set {i}", 3) for i in range(len(changes)))]
        logs = {n: [change_to(self.sets[i], delay)] for i, (n, delay) in enumerate(changes.items(), 1)}
        self.headers = [started().head, *extend(started().head, length, logs)]
        self.ends = [n + delay for n, delay in changes.items()]

    async def block_hash(self, number: int) -> bytes | None:
        self.requests += 1
        return number.to_bytes(32, "big") if number < len(self.headers) else None

    async def block(self, block_hash: bytes) -> Block:
        number = int.from_bytes(block_hash, "big")
        proof = None
        if number in self.ends and number != self.unjustified:
            set_id = self.ends.index(number)
            proof = justified(self.headers[number], self.sets[set_id], set_id=set_id)
        return Block(self.headers[number], [], proof)

    async def raw_storage(self, key: bytes, at: bytes | None = None) -> bytes | None:
        number = int.from_bytes(at or b"", "big")
        if key == SET_ID_KEY:
            return sum(end <= number for end in self.ends).to_bytes(8, "little")
        assert key == PENDING_CHANGE_KEY
        for first, delay in self.changes.items():
            if first <= number < first + delay:
                return first.to_bytes(4, "little") + delay.to_bytes(4, "little")
        return None


@pytest.mark.parametrize(
    "changes",
    [{}, {1: 0}, {40: 0}, {1: 0, 2: 0, 3: 0}, {5: 3, 9: 0, 30: 10}, {39: 1}, {2: 38}, {41: 0}],
    ids=["none", "first block", "last block", "in a row", "delayed", "delayed to the last", "long", "not final yet"],
)
async def test_found_leaps_are_good(changes: Changes) -> None:
    chain = Recorded(changes, 50)
    leaps = await find_leaps(chain, 40)
    client: LightClient = started()
    client.warp(leaps)
    done = [end for end in chain.ends if end <= 40]
    assert (client.state.set_id, client.head.number) == (len(done), done[-1] if done else 0)


async def test_few_requests() -> None:
    chain = Recorded({700: 0, 1900: 0}, 2000)
    assert len(await find_leaps(chain, 2000)) == 2
    assert chain.requests < 100


async def test_what_nothing_justifies_is_left_to_be_read() -> None:
    chain = Recorded({5: 0, 9: 0, 20: 0}, 40, unjustified=9)
    assert [leap.headers[-1].number for leap in await find_leaps(chain, 40)] == [5]


async def test_a_node_that_does_not_know_its_own_blocks() -> None:
    with pytest.raises(MalformedAnswer):
        await find_leaps(Recorded({}, 10), 40)
