"""What `node.database.Database` keeps, in memory: the blocks and states of a simulated parentchain."""

from __future__ import annotations

from integritee.node.block import Block
from integritee.node.database import Batch
from integritee.primitives.header import Header


class Archive:
    """The part of `Database` that a `Chain` uses. Copies share blocks and trie nodes, which never change."""

    def __init__(self) -> None:
        self.nodes: dict[bytes, bytes] = {}
        """Trie nodes by hash."""
        self._blocks: dict[bytes, Block] = {}
        self._justifications: dict[bytes, bytes] = {}
        self._canonical: dict[int, bytes] = {}
        self._genesis: bytes | None = None
        self._best = self._finalized = b""

    def copy(self) -> Archive:
        other = Archive()
        other.nodes, other._blocks = dict(self.nodes), dict(self._blocks)
        other._justifications, other._canonical = dict(self._justifications), dict(self._canonical)
        other._genesis, other._best, other._finalized = self._genesis, self._best, self._finalized
        return other

    def genesis(self) -> bytes | None:
        return self._genesis

    def best(self) -> bytes:
        return self._best

    def finalized(self) -> bytes:
        return self._finalized

    def header(self, hash: bytes) -> Header | None:
        block = self._blocks.get(hash)
        return block.header if block else None

    def block(self, hash: bytes) -> Block | None:
        return self._blocks.get(hash)

    def justification(self, hash: bytes) -> bytes | None:
        return self._justifications.get(hash)

    def hash_at(self, number: int) -> bytes | None:
        return self._canonical.get(number)

    def write(self, batch: Batch) -> None:
        self.nodes.update(batch.nodes)
        self._blocks.update((block.hash, block) for block in batch.blocks)
        self._canonical.update(batch.canonical)
        for final in batch.finalized:
            if final.justification is not None:
                self._justifications[final.hash] = final.justification
        self._genesis = batch.genesis or self._genesis
        self._best = batch.best or self._best
        if batch.finalized:
            self._finalized = batch.finalized[-1].hash
