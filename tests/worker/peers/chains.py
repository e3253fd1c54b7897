"""Sidechain blocks to be fetched and gossiped, and a store of them."""

from __future__ import annotations

from integritee.crypto import Ed25519Pair, blake2_256
from integritee.primitives.sidechain import BlockData, SidechainBlock, SidechainHeader, SignedBlock, next_finalization

SHARD = b"\x04" * 32
AUTHOR = Ed25519Pair.from_uri("//Author")


def chain_of(
    length: int, name: str = "main", behind: SignedBlock | None = None, shard: bytes = SHARD
) -> list[SignedBlock]:
    """`length` blocks, from number 1 or behind a block."""
    blocks: list[SignedBlock] = [] if behind is None else [behind]
    for _ in range(length):
        blocks.append(next_block(blocks[-1] if blocks else None, name, shard))
    return blocks if behind is None else blocks[1:]


def next_block(
    parent: SignedBlock | None, name: str = "main", shard: bytes = SHARD, diff: bytes = b""
) -> SignedBlock:
    number = 1 if parent is None else parent.block.header.block_number + 1
    previous = 1 if parent is None else parent.block.header.next_finalization_block_number
    data = BlockData(
        timestamp=1_700_000_000_000 + 1000 * number,
        layer_one_head=blake2_256(b"%d" % number),
        block_author=AUTHOR.public,
        signed_top_hashes=[],
        encrypted_state_diff=diff or name.encode(),
    )
    parent_hash = bytes(32) if parent is None else parent.hash()
    header = SidechainHeader(parent_hash, number, shard, data.hash(), next_finalization(number, previous))
    return SidechainBlock(header, data).signed_by(AUTHOR)


class Store:
    """Blocks of one chain in memory, as `BlockStore` serves them; `pruned` are those no more there."""

    def __init__(self, blocks: list[SignedBlock], pruned: int = 0) -> None:
        self.blocks = blocks[pruned:]

    def by_hash(self, block_hash: bytes) -> SignedBlock | None:
        return next((block for block in self.blocks if block.hash() == block_hash), None)

    def blocks_after(
        self, from_hash: bytes, until_hash: bytes | None, max_blocks: int, max_bytes: int
    ) -> list[SignedBlock]:
        hashes = [block.hash() for block in self.blocks]
        if from_hash == bytes(32):
            first = 0
        elif from_hash in hashes:
            first = hashes.index(from_hash) + 1
        else:
            return []
        end = hashes.index(until_hash) if until_hash in hashes else len(hashes)
        return self.blocks[first:end][:max_blocks]
