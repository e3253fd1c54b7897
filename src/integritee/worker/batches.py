"""Finalized blocks with what proves them, in portions that the enclave takes at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from integritee.boundary.messages import ParentchainBlock
from integritee.client.errors import MalformedAnswer, RpcError
from integritee.client.parentchain import Block, ParentchainClient

from .errors import NoJustification

BATCH: Final = 64
"""Blocks per ecall while catching up; more where only a later one is justified."""

SEARCH_LIMIT: Final = 1000
"""How far to look for the next justified block."""


async def justified_blocks(chain: ParentchainClient, first: int, target: int) -> list[Block]:
    """Blocks from `first` on, `target` at most, that end with a justified one; none if nothing proves any yet.

    Nodes keep the justification of one block in 512, and of those with which authorities change; for others they are
    asked for the latest they have heard (sc-consensus-grandpa, `grandpa_proveFinality`).

    Raises NoJustification if none is in sight, ClientError.
    """
    blocks = await plain_blocks(chain, first, target)
    if justified := _up_to_justified(blocks):
        return justified
    proven = await _proven_block(chain, first, min(target, first + SEARCH_LIMIT - 1))
    while True:
        if proven is not None and proven.header.number < first + len(blocks):
            return [*blocks[: proven.header.number - first], proven]
        if len(blocks) >= SEARCH_LIMIT:
            raise NoJustification(first, first + len(blocks) - 1)
        fetched = await plain_blocks(chain, first + len(blocks), target)
        if not fetched:
            return []
        blocks += fetched
        if justified := _up_to_justified(blocks):
            return justified


def _up_to_justified(blocks: list[Block]) -> list[Block]:
    end = next((end for end in range(len(blocks), 0, -1) if blocks[end - 1].justification is not None), 0)
    return blocks[:end]


async def _proven_block(chain: ParentchainClient, first: int, last: int) -> Block | None:
    """The block that the node proves `first` final by, with that proof, if it is not beyond `last`."""
    try:
        proof = await chain.prove_finality(first)
    except RpcError:  # of a node that does not know the method, or has heard of no justification
        return None
    if proof is None or first + len(proof.unknown_headers) > last:
        return None
    block = await chain.block(proof.block)
    return replace(block, justification=proof.justification) if first <= block.header.number <= last else None


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
