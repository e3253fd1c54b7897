"""Sidechain blocks as peers, explorers and clients see them (worker `sidechain/primitives`).

The block hash covers the 112-byte header only; the signature covers header and data.
"""

from __future__ import annotations

from typing import ClassVar, Final

from integritee.crypto import KeyPair, blake2_256
from integritee.scale import Bytes32, Struct, encode, u64

from .ids import H256, Moment, ShardIdentifier
from .signature import MultiSignature, sign, verify

FINALIZATION_STRIDE: Final = 50
"""Sidechain blocks between two confirmations on the parentchain."""


class SidechainHeader(Struct, frozen=True):
    scale_path: ClassVar[str] = "its_primitives::types::header::SidechainHeader"
    parent_hash: H256
    block_number: u64
    shard_id: ShardIdentifier
    block_data_hash: H256
    next_finalization_block_number: u64

    def hash(self) -> bytes:
        return blake2_256(encode(SidechainHeader, self))


class BlockData(Struct, frozen=True):
    """`timestamp` in ms; `encrypted_state_diff` is opaque to everyone without the state key."""

    scale_path: ClassVar[str] = "its_primitives::types::block_data::BlockData"
    timestamp: Moment
    layer_one_head: H256
    block_author: Bytes32
    signed_top_hashes: list[H256]
    encrypted_state_diff: bytes

    def hash(self) -> bytes:
        return blake2_256(encode(BlockData, self))


class SidechainBlock(Struct, frozen=True):
    scale_path: ClassVar[str] = "its_primitives::types::block::Block"
    header: SidechainHeader
    block_data: BlockData

    def hash(self) -> bytes:
        return self.header.hash()

    def signed_by(self, pair: KeyPair) -> SignedBlock:
        return SignedBlock(self, sign(pair, encode(SidechainBlock, self)))


class SignedBlock(Struct, frozen=True):
    scale_path: ClassVar[str] = "its_primitives::types::block::SignedBlock"
    block: SidechainBlock
    signature: MultiSignature

    def hash(self) -> bytes:
        return self.block.hash()

    def has_valid_signature(self) -> bool:
        """True iff `block_data.block_author` signed header and data."""
        return verify(self.signature, encode(SidechainBlock, self.block), self.block.block_data.block_author)


class SidechainBlockConfirmation(Struct, frozen=True):
    scale_path: ClassVar[str] = "sidechain_primitives::SidechainBlockConfirmation"
    block_number: u64
    block_header_hash: H256


def next_finalization(number: int, previous: int) -> int:
    """`next_finalization_block_number` of block `number` whose parent carried `previous`: 1, 51, 101, …"""
    if number == 1:
        return 1
    return previous + FINALIZATION_STRIDE if number > previous else previous
