"""Asking one peer for the blocks an enclave misses: what to ask next, and what its answers are worth. No I/O.

First the locator's hashes are tried until the peer has blocks behind one, then it is asked again and again behind the
last block it gave. What it gives has to be one chain of the shard; whether its blocks are any good the enclave says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from integritee.primitives.sidechain import SignedBlock

from .errors import EndlessAnswer, ForeignBlock, UnlinkedBlock

MAX_FETCHED: Final = 100_000
"""Blocks taken from one peer in one go; stores hold fewer."""

MAX_IDLE_PAGES: Final = 4
"""Answers in a row that bring the enclave nothing, after which the peer is left alone."""

NO_HASH: Final = bytes(32)


class Search:
    """One peer and one request for blocks behind the first hash of `locator` it knows, up to `until`.

    `known` holds hashes of blocks that the enclave has already; they are not handed over.
    """

    def __init__(self, shard: bytes, locator: Sequence[bytes], until: bytes | None, known: set[bytes]) -> None:
        self._shard, self._until, self._known = shard, until, known
        self._locator = list(dict.fromkeys(locator))
        self._behind: bytes | None = None
        self._fetched = self._idle_pages = 0
        self._is_over = False

    @property
    def question(self) -> bytes | None:
        """The hash behind which blocks are wanted next; None when there are no more to be had."""
        if self._is_over:
            return None
        if self._behind is not None:
            return self._behind
        return self._locator[0] if self._locator else None

    def answer(self, blocks: Sequence[SignedBlock]) -> list[SignedBlock]:
        """Take the answer to `question`; the blocks to hand over. Raises PeerLied."""
        asked = self.question
        if asked is None or not blocks:
            self._nothing_behind()
            return []
        if asked == NO_HASH and blocks[0].block.header.parent_hash != NO_HASH:
            self._is_over = True  # it does not go back to the first block any more
            return []
        self._check(asked, blocks)
        self._behind = blocks[-1].hash()
        new = []
        for block in blocks:
            if block.hash() == self._until:
                self._is_over = True
                break
            if block.hash() not in self._known:
                new.append(block)
        return new

    def _nothing_behind(self) -> None:
        if self._behind is not None or not self._locator:
            self._is_over = True
        else:
            del self._locator[0]

    def _check(self, parent: bytes, blocks: Sequence[SignedBlock]) -> None:
        self._fetched += len(blocks)
        if self._fetched > MAX_FETCHED:
            raise EndlessAnswer(MAX_FETCHED)
        for number, block in enumerate(blocks, blocks[0].block.header.block_number):
            header = block.block.header
            if header.shard_id != self._shard:
                raise ForeignBlock(self._shard, header.shard_id)
            if header.parent_hash != parent or header.block_number != number:
                raise UnlinkedBlock(header.block_number, parent, header.parent_hash)
            parent = block.hash()

    def judged(self, is_progress: bool) -> None:
        """Note whether the enclave got on by what was handed over last: a peer whose blocks move nothing is left."""
        self._idle_pages = 0 if is_progress else self._idle_pages + 1
        if self._idle_pages >= MAX_IDLE_PAGES:
            self._is_over = True
