"""Sidechain blocks on the host's disk, by number and by hash. Ciphertext only.

Embedded database: lmdb. Blocks beyond `KEPT_BLOCKS` are pruned as new ones arrive.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import lmdb

from integritee.primitives.sidechain import SignedBlock
from integritee.scale import codec

KEPT_BLOCKS: Final = 10_000
MAP_SIZE: Final = 4 << 30
"""Address space reserved for the database; disk use follows content."""

BLOCK: Final = codec(SignedBlock)


class BlockStore:
    """Open database of one shard's blocks."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._env = lmdb.open(str(directory), map_size=MAP_SIZE, max_dbs=2, sync=False)
        self._by_number = self._env.open_db(b"by-number")
        self._numbers = self._env.open_db(b"numbers-by-hash")

    def put(self, blocks: list[SignedBlock]) -> None:
        """Store blocks; one already there is replaced."""
        with self._env.begin(write=True) as transaction:
            for block in blocks:
                number = _key(block.block.header.block_number)
                transaction.put(number, BLOCK.encode(block), db=self._by_number)
                transaction.put(block.hash(), number, db=self._numbers)
                self._prune(transaction, block.block.header.block_number - KEPT_BLOCKS)

    def _prune(self, transaction: lmdb.Transaction, number: int) -> None:
        old = transaction.pop(_key(number), db=self._by_number) if number > 0 else None
        if old is not None:
            transaction.delete(BLOCK.decode(bytes(old)).hash(), db=self._numbers)

    def get(self, number: int) -> SignedBlock | None:
        with self._env.begin() as transaction:
            raw = transaction.get(_key(number), db=self._by_number)
        return BLOCK.decode(bytes(raw)) if raw else None

    def by_hash(self, block_hash: bytes) -> SignedBlock | None:
        with self._env.begin() as transaction:
            number = transaction.get(block_hash, db=self._numbers)
        return self.get(int.from_bytes(bytes(number), "big")) if number else None

    def latest_number(self) -> int:
        """Highest stored number; 0 without blocks."""
        with self._env.begin() as transaction, transaction.cursor(self._by_number) as cursor:
            return int.from_bytes(cursor.key(), "big") if cursor.last() else 0

    def clear(self) -> None:
        with self._env.begin(write=True) as transaction:
            transaction.drop(self._by_number, delete=False)
            transaction.drop(self._numbers, delete=False)

    def close(self) -> None:
        self._env.sync(True)
        self._env.close()


def _key(number: int) -> bytes:
    return number.to_bytes(8, "big")
