"""A chain of headers, each naming its parent by hash; who finalizes it is none of its business.

By itself it is the lowest level of trust: the host says what is final. `relayed_chain` puts a relay chain's
finality behind it. Chains with a GRANDPA of their own are followed by `light_client`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Self

from msgspec.structs import replace

from integritee.primitives.header import Header
from integritee.primitives.ids import H256
from integritee.scale import Struct, u32

from .errors import (
    AlreadyFinalized,
    ChainTooLong,
    EmptyChain,
    InvalidCheckpoint,
    NotConsecutive,
    NotGenesis,
    ParentMismatch,
)

MAX_HEADERS: Final = 4096
"""Headers per batch. Nodes keep a justification at least every 512 blocks."""


class BlockId(Struct, frozen=True):
    number: u32
    hash: H256

    @classmethod
    def of(cls, header: Header) -> Self:
        return cls(header.number, header.hash())


class HeaderChainState(Struct, frozen=True):
    """All that a header chain remembers. `start` is the block it began with: genesis, or a checkpoint."""

    genesis_hash: H256
    start: BlockId
    head: Header


class HeaderChain:
    """The chain as far as it is known."""

    def __init__(self, state: HeaderChainState) -> None:
        self.state = state

    @classmethod
    def start(cls, genesis: Header) -> Self:
        """From the first block on. Raises NotGenesis."""
        check_genesis(genesis)
        return cls(HeaderChainState(genesis.hash(), BlockId.of(genesis), genesis))

    @classmethod
    def start_at(cls, genesis: Header, checkpoint: Header) -> Self:
        """From a checkpoint on. Raises NotGenesis or InvalidCheckpoint."""
        check_genesis(genesis)
        check_beyond_genesis(checkpoint)
        return cls(HeaderChainState(genesis.hash(), BlockId.of(checkpoint), checkpoint))

    def copy(self) -> Self:
        """A chain that goes its own way from here."""
        return type(self)(self.state)

    @property
    def head(self) -> Header:
        """The last header."""
        return self.state.head

    def import_chain(self, headers: Sequence[Header]) -> list[Header]:
        """Append consecutive headers, all or nothing, and return them. Raises a HeaderChainError."""
        verify_header_chain(headers, self.head, self.head.hash())
        self.state = replace(self.state, head=headers[-1])
        return list(headers)


def check_genesis(header: Header) -> None:
    """Raises NotGenesis unless the header is a first block's."""
    if header.number != 0 or header.parent_hash != bytes(32):
        raise NotGenesis(header.number, header.parent_hash)


def check_beyond_genesis(checkpoint: Header) -> None:
    """Raises InvalidCheckpoint for a block that is known without one."""
    if checkpoint.number == 0:
        raise InvalidCheckpoint(0, "genesis is none")


def verify_header_chain(headers: Sequence[Header], head: Header, head_hash: bytes) -> bytes:
    """Whether the headers follow `head` one by one; the hash of the last. Raises a HeaderChainError."""
    if not headers:
        raise EmptyChain
    if len(headers) > MAX_HEADERS:
        raise ChainTooLong(len(headers), MAX_HEADERS)
    if headers[0].number <= head.number:
        raise AlreadyFinalized(headers[0].number, head.number)
    parent = head_hash
    for expected, header in enumerate(headers, head.number + 1):
        if header.number != expected:
            raise NotConsecutive(header.number, expected)
        if header.parent_hash != parent:
            raise ParentMismatch(expected, parent, header.parent_hash)
        parent = header.hash()
    return parent
