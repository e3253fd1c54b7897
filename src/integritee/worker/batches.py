"""Finalized blocks with what proves them, in portions that the enclave takes at once."""

from __future__ import annotations

import asyncio
from typing import Final

from integritee.boundary.messages import ParentchainBlock
from integritee.client.errors import MalformedAnswer
from integritee.client.parentchain import Block, ParentchainClient

from .errors import NoJustification

BATCH: Final = 64
"""Blocks per ecall while catching up; more where only a later one is justified."""

SEARCH_LIMIT: Final = 1000
"""How far to look for the next justified block."""


async def justified_blocks(chain: ParentchainClient, first: int, target: int) -> list[Block]:
    """Blocks from `first` on, `target` at most, that end with a justified one.

    Raises NoJustification if none is in sight, ClientError.
    """
    blocks: list[Block] = []
    while len(blocks) < SEARCH_LIMIT:
        start = first + len(blocks)
        fetched = await plain_blocks(chain, start, target)
        if not fetched:
            break
        blocks += fetched
        for end in range(len(blocks), 0, -1):
            if blocks[end - 1].justification is not None:
                return blocks[:end]
    raise NoJustification(first, first + len(blocks) - 1)


async def plain_blocks(chain: ParentchainClient, first: int, target: int, limit: int = BATCH) -> list[Block]:
    """Up to `limit` blocks from `first` to `target`. Raises ClientError."""
    wanted = range(first, min(first + limit, target + 1))
    return list(await asyncio.gather(*(block_at(chain, number) for number in wanted)))


async def block_at(chain: ParentchainClient, number: int) -> Block:
    """A block by its number. Raises ClientError; MalformedAnswer if the node does not have it."""
    block_hash = await chain.block_hash(number)
    if block_hash is None:
        raise MalformedAnswer("chain_getBlockHash", f"no block {number}, although a later one is final")
    return await chain.block(block_hash)


async def proven(chain: ParentchainClient, blocks: list[Block], keys: list[bytes]) -> list[ParentchainBlock]:
    """The blocks with proofs of `keys` in the state of each. Raises ClientError."""
    proofs = await asyncio.gather(*(chain.read_proof(keys, block.header.hash()) for block in blocks))
    return [
        ParentchainBlock(block.header, block.extrinsics, block.justification, proof)
        for block, proof in zip(blocks, proofs, strict=True)
    ]
