"""Which blocks the enclave is given at once, of chains that justify some of them."""

from __future__ import annotations

from typing import Any, cast

import pytest

from integritee.client.errors import RpcError
from integritee.client.parentchain import Block, ParentchainClient
from integritee.primitives.grandpa import FinalityProof
from integritee.primitives.header import Header
from integritee.worker.batches import SEARCH_LIMIT, justified_blocks
from integritee.worker.errors import NoJustification

from .small_world import chain_of

HEADERS, NUMBERS = chain_of("main", 3000)


class Node:
    """Keeps the justifications of every `period`-th block; has heard of one of block `heard`, if it tells of any."""

    def __init__(self, period: int, heard: int | None) -> None:
        self.period, self.heard = period, heard
        self.fetched = 0

    async def block_hash(self, number: int) -> bytes | None:
        return HEADERS[number].hash()

    async def block(self, block_hash: bytes) -> Block:
        number = NUMBERS[block_hash]
        self.fetched += 1
        return Block(HEADERS[number], [], b"kept" if number % self.period == 0 else None)

    async def prove_finality(self, number: int) -> FinalityProof | None:
        if self.heard is None or self.heard < number:
            raise RpcError("grandpa_proveFinality", -32000, "not yet")
        headers: list[Header] = HEADERS[number + 1 : self.heard + 1]
        return FinalityProof(HEADERS[self.heard].hash(), b"heard", headers)


@pytest.mark.parametrize(
    ("period", "heard", "first", "target", "last", "by"),
    [
        (1, None, 5, 9, 9, b"kept"),
        (4, None, 5, 9, 8, b"kept"),
        (512, None, 5, 9, None, None),
        (512, None, 400, 600, 512, b"kept"),
        (512, 9, 5, 9, 9, b"heard"),
        (512, 7, 5, 9, 7, b"heard"),
        (512, 5, 5, 9, 5, b"heard"),
        (512, 4, 5, 9, None, None),
        (512, 200, 5, 9, None, None),
        (512, 300, 100, 300, 300, b"heard"),
        (512, 600, 100, 600, 512, b"kept"),
        (64, 100, 5, 100, 64, b"kept"),
        (5000, 2000, 1, 2000, None, NoJustification),
        (5000, SEARCH_LIMIT, 1, 2000, SEARCH_LIMIT, b"heard"),
    ],
)
async def test_blocks_end_with_what_is_proven(
    period: int, heard: int | None, first: int, target: int, last: int | None, by: Any
) -> None:
    chain = cast(ParentchainClient, Node(period, heard))
    if by is NoJustification:
        with pytest.raises(NoJustification):
            await justified_blocks(chain, first, target)
        return
    blocks = await justified_blocks(chain, first, target)
    assert [block.header.number for block in blocks] == ([] if last is None else [*range(first, last + 1)])
    assert (blocks[-1].justification if blocks else None) == by


async def test_a_head_without_proof_costs_little() -> None:
    """Each new head is looked at; what was fetched for the one before is fetched again."""
    node = Node(512, 460)
    await justified_blocks(cast(ParentchainClient, node), 450, 470)
    assert node.fetched == 22
