"""Sidechain blocks on the host's disk, by number and by hash. Ciphertext only.

Embedded database: lmdb. The file never outgrows its budget: the oldest blocks are pruned as new ones arrive, by
count and by size. Every write is one transaction that reaches the disk before `put` returns, save for the page that
names it: after a power failure the latest few may be missing, and are fetched from peers again, but what is there
fits together. Range queries are those of the original's `sidechain/storage`; no block without its ancestors' run.

Methods may be called from any thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import lmdb

from integritee.crypto import blake2_256
from integritee.primitives.sidechain import SignedBlock
from integritee.scale import codec

from .errors import BlockStoreBroken, BlockStoreFull
from .options import DEFAULT_BLOCK_STORE_BUDGET

KEPT_BLOCKS: Final = 10_000
LIVE_QUARTERS: Final = 3
"""Quarters of the budget that blocks may fill; the rest is for pages that are rewritten or not yet free again."""

DATA_FILE: Final = "data.mdb"
LOCK_FILE: Final = "lock.mdb"
COMPACTED: Final = "compacted"
"""Directory in which a smaller copy is made before it takes the database's place."""

Buffer = bytes | memoryview
NO_HASH: Final = bytes(32)
BLOCK: Final = codec(SignedBlock)
HEADER_LENGTH: Final = 112
"""Bytes of a block that its hash covers; it begins with them, and they with the hash of its parent."""


@dataclass(frozen=True)
class Statistics:
    """Of a block store: how many blocks, their lowest and highest number (0 without any); bytes that are in use, that
    the file takes and that it may take; blocks pruned since it was opened."""

    blocks: int
    first: int
    last: int
    live_bytes: int
    file_bytes: int
    budget: int
    pruned: int


class BlockStore:
    """Open database of one shard's blocks, of at most `budget` bytes and `kept` blocks.

    One process opens a directory once. Raises BlockStoreBroken if its files are no database.
    """

    def __init__(self, directory: Path, budget: int = DEFAULT_BLOCK_STORE_BUDGET, kept: int = KEPT_BLOCKS) -> None:
        self._directory, self._budget, self._kept = directory, budget, kept
        self._pruned = 0
        directory.mkdir(parents=True, exist_ok=True)
        size = file_bytes(directory)
        self._open(budget if size <= budget else size + budget)
        if size > budget:
            self._shrink()

    def _open(self, map_size: int) -> None:
        with _failures(self._directory):
            self._env = open_environment(self._directory, map_size)
            self._by_number = self._env.open_db(b"by-number")
            self._numbers = self._env.open_db(b"numbers-by-hash")

    def put(self, blocks: Sequence[SignedBlock], after: int | None = None) -> None:
        """Store blocks, all or none; those stored above number `after` are removed first.

        A block that takes the place of another one removes what was built on that. Raises BlockStoreFull if they do
        not fit, and BlockStoreBroken; the store can be used further.
        """
        with _failures(self._directory):
            for eighths in (8, 7, 6, 4, 2):  # of the limit; in a file full of holes a long block may need more room
                try:
                    return self._put(blocks, after)
                except lmdb.MapFullError as full:
                    problem = full
                    self._make_room(self._live_limit * eighths // 8)
            raise problem

    def _put(self, blocks: Sequence[SignedBlock], after: int | None) -> None:
        with self._env.begin(write=True) as transaction:
            if after is not None:
                self._remove_above(transaction, after)
            for block in blocks:
                self._insert(transaction, block)
            pruned = self._prune(transaction, self._live_limit)
        self._pruned += pruned

    def _insert(self, transaction: lmdb.Transaction, block: SignedBlock) -> None:
        number, block_hash = block.block.header.block_number, block.hash()
        raw = transaction.get(_key(number), db=self._by_number)
        if raw is not None and _hash_of(raw) != block_hash:
            self._remove_above(transaction, number - 1)
        transaction.put(_key(number), BLOCK.encode(block), db=self._by_number)
        transaction.put(block_hash, _key(number), db=self._numbers)

    def _remove_above(self, transaction: lmdb.Transaction, number: int) -> None:
        with transaction.cursor(self._by_number) as cursor:
            found = cursor.set_range(_key(number + 1))
            while found:
                self._remove_at(transaction, cursor)
                found = bool(cursor.key())

    def _prune(self, transaction: lmdb.Transaction, live_limit: int) -> int:
        """Remove the oldest blocks beyond the two limits; how many. The latest block stays."""
        pruned = 0
        with transaction.cursor(self._by_number) as cursor:
            newest = _number(cursor.key()) if cursor.last() else 0
            while cursor.first() and (oldest := _number(cursor.key())) < newest:
                if oldest > newest - self._kept and self._live_bytes(transaction) <= live_limit:
                    break
                self._remove_at(transaction, cursor)
                pruned += 1
        return pruned

    def _remove_at(self, transaction: lmdb.Transaction, cursor: lmdb.Cursor) -> None:
        key, block_hash = bytes(cursor.key()), _hash_of(cursor.value())
        cursor.delete()
        if transaction.get(block_hash, db=self._numbers) == key:
            transaction.delete(block_hash, db=self._numbers)

    def _make_room(self, live_limit: int) -> None:
        with self._env.begin(write=True) as transaction:
            pruned = self._prune(transaction, live_limit)
        self._pruned += pruned

    @property
    def _live_limit(self) -> int:
        return self._budget * LIVE_QUARTERS // 4

    def _live_bytes(self, transaction: lmdb.Transaction) -> int:
        databases = (transaction.stat(db) for db in (self._by_number, self._numbers))
        return sum(s["psize"] * (s["branch_pages"] + s["leaf_pages"] + s["overflow_pages"]) for s in databases)

    # -- reading -------------------------------------------------------------------------------------

    def get(self, number: int) -> SignedBlock | None:
        with _failures(self._directory), self._env.begin() as transaction:
            raw = transaction.get(_key(number), db=self._by_number)
        return BLOCK.decode(raw) if raw else None

    def by_hash(self, block_hash: bytes) -> SignedBlock | None:
        with _failures(self._directory), self._env.begin() as transaction:
            number = transaction.get(block_hash, db=self._numbers)
            raw = transaction.get(number, db=self._by_number) if number else None
        return BLOCK.decode(raw) if raw else None

    def blocks_after(
        self, from_hash: bytes, until_hash: bytes | None, max_blocks: int, max_bytes: int
    ) -> list[SignedBlock]:
        """The chain of blocks behind `from_hash`, oldest first, both ends excluded.

        None if `from_hash` is unknown; all zero means from the oldest block kept, which is included. An unknown
        `until_hash` bounds nothing. Ends early at a gap, after `max_blocks`, or before more than `max_bytes` of
        SCALE, of which the first block may have any number.
        """
        found: list[bytes] = []
        with _failures(self._directory), self._env.begin() as transaction:
            for raw in self._run_after(transaction, from_hash):
                if len(found) >= max_blocks or _hash_of(raw) == until_hash:
                    break
                max_bytes -= len(raw)
                if found and max_bytes < 0:
                    break
                found.append(raw)
        return [BLOCK.decode(raw) for raw in found]

    def _run_after(self, transaction: lmdb.Transaction, from_hash: bytes) -> Iterator[bytes]:
        """Encoded blocks in an unbroken row."""
        with transaction.cursor(self._by_number) as cursor:
            if from_hash == NO_HASH:
                if not cursor.first():
                    return
                parent = bytes(cursor.value()[:32])
            else:
                number = transaction.get(from_hash, db=self._numbers)
                if number is None or not cursor.set_key(number) or not cursor.next():
                    return
                parent = from_hash
            for raw in cursor.iternext(keys=False):
                if raw[:32] != parent:
                    return
                yield bytes(raw)
                parent = _hash_of(raw)

    def latest_number(self) -> int:
        """Highest stored number; 0 without blocks."""
        with _failures(self._directory), self._env.begin() as transaction, transaction.cursor(self._by_number) as at:
            return _number(at.key()) if at.last() else 0

    def statistics(self) -> Statistics:
        with _failures(self._directory), self._env.begin() as transaction:
            with transaction.cursor(self._by_number) as cursor:
                first = _number(cursor.key()) if cursor.first() else 0
                last = _number(cursor.key()) if cursor.last() else 0
            return Statistics(
                blocks=transaction.stat(self._by_number)["entries"],
                first=first,
                last=last,
                live_bytes=self._live_bytes(transaction),
                file_bytes=file_bytes(self._directory),
                budget=self._budget,
                pruned=self._pruned,
            )

    # -- the whole of it -----------------------------------------------------------------------------

    def clear(self) -> None:
        """Remove all blocks (`--clean-reset`)."""
        with _failures(self._directory), self._env.begin(write=True) as transaction:
            transaction.drop(self._by_number, delete=False)
            transaction.drop(self._numbers, delete=False)

    def rebuild(self, unreadable: Sequence[int]) -> None:
        """Remove the entries under these numbers, and make the index by hash anew from the others."""
        with _failures(self._directory), self._env.begin(write=True) as transaction:
            transaction.drop(self._numbers, delete=False)
            for number in unreadable:
                transaction.delete(_key(number), db=self._by_number)
            with transaction.cursor(self._by_number) as cursor:
                for key, raw in cursor:
                    transaction.put(_hash_of(raw), key, db=self._numbers)

    def _shrink(self) -> None:
        """Fit a file that was made under a larger budget into this one."""
        copy = self._directory / COMPACTED
        with _failures(self._directory):
            with self._env.begin(write=True) as transaction:
                pruned = self._prune(transaction, self._live_limit)
            self._pruned += pruned
            copy.mkdir(exist_ok=True)
            (copy / DATA_FILE).unlink(missing_ok=True)
            self._env.copy(str(copy), compact=True)
            self._env.close()
        (copy / DATA_FILE).replace(self._directory / DATA_FILE)
        copy.rmdir()
        self._open(self._budget)

    def close(self) -> None:
        with _failures(self._directory):
            self._env.sync(True)
            self._env.close()


def erase(directory: Path) -> None:
    """Remove a database that is not open, whether or not it can be."""
    for name in (f"{COMPACTED}/{DATA_FILE}", DATA_FILE, LOCK_FILE):
        (directory / name).unlink(missing_ok=True)


def open_environment(directory: Path, map_size: int, *, read_only: bool = False) -> lmdb.Environment:
    """Open the files. Raises lmdb.Error.

    A file shorter than its own directory of pages says is filled up with zeros: reading pages that are not there
    would kill the process, pages of zeros are noticed. Pages at the end that were never needed are left out at times.
    """
    environment = lmdb.open(
        str(directory), map_size=map_size, max_dbs=2, metasync=False, readonly=read_only, create=not read_only
    )
    if not read_only:
        expected = expected_bytes(environment)
        if file_bytes(directory) < expected:
            os.truncate(directory / DATA_FILE, expected)
    return environment


def expected_bytes(environment: lmdb.Environment) -> int:
    """How long the file of an open database has to be."""
    pages: int = environment.info()["last_pgno"] + 1
    return pages * int(environment.stat()["psize"])


def file_bytes(directory: Path) -> int:
    """Bytes of the database file; 0 if there is none."""
    try:
        return (directory / DATA_FILE).stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def _failures(directory: Path) -> Iterator[None]:
    try:
        yield
    except (lmdb.MapFullError, lmdb.DiskError) as full:
        raise BlockStoreFull(str(directory), str(full)) from None
    except lmdb.Error as broken:
        raise BlockStoreBroken(str(directory), str(broken)) from None


def _hash_of(raw: Buffer) -> bytes:
    return blake2_256(bytes(raw[:HEADER_LENGTH]))


def _key(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _number(key: Buffer) -> int:
    return int.from_bytes(key, "big")
