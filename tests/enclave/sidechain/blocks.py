"""Sidechain blocks without content, for tests of what is done with whole blocks."""

from __future__ import annotations

from integritee.crypto import Ed25519Pair
from integritee.enclave.sidechain.slots import SLOT_MS
from integritee.primitives.sidechain import BlockData, SidechainBlock, SidechainHeader, SignedBlock

SHARD = b"\x11" * 32
AUTHORS = [Ed25519Pair.from_seed(bytes([seed]) * 32) for seed in range(1, 5)]


def child(parent: SignedBlock | None, slot: int, author: int = 0, size: int = 0, salt: bytes = b"") -> SignedBlock:
    """A block of a slot behind `parent` with a diff of `size` bytes; `salt` tells it from others like it."""
    key = AUTHORS[author]
    data = BlockData(slot * SLOT_MS, b"\x22" * 32, key.public, [], salt + bytes(size))
    number = parent.block.header.block_number + 1 if parent else 1
    header = SidechainHeader(parent.hash() if parent else bytes(32), number, SHARD, data.hash(), 1)
    return SidechainBlock(header, data).signed_by(key)


def line(parent: SignedBlock | None, slots: range, author: int = 0) -> list[SignedBlock]:
    """Consecutive blocks behind `parent`."""
    blocks: list[SignedBlock] = []
    for slot in slots:
        blocks.append(child(blocks[-1] if blocks else parent, slot, author))
    return blocks
