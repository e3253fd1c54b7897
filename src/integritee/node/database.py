"""The node's database: blocks, heads and state in one LMDB environment.

Everything an imported block changes is written in one transaction, so a process killed at any instant leaves
the chain before the block or after it. State is stored as trie nodes by hash, for all blocks (an archive node).

Table         key              value
meta          name             format, genesis, best and finalized hash
headers       block hash       SCALE Header
bodies        block hash       SCALE Vec<extrinsic>
justifications block hash      SCALE GrandpaJustification
canonical     number, u32 BE   hash of the block in the best chain
nodes         node hash        encoded trie node

One process may have a database open (an advisory lock beside the LMDB files); within it, one thread.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import lmdb

from integritee.primitives.header import Header
from integritee.scale import decode

from .block import Block, decode_body, encode_body
from .errors import CorruptDatabase, DatabaseFormatMismatch, DatabaseFull, DatabaseLocked

FORMAT: Final = 1
"""Version of the layout above."""

INITIAL_MAP_SIZE: Final = 64 * 1024 * 1024
MAX_MAP_SIZE: Final = 1 << 40
"""Bytes of address space: what a new environment gets, and where growing (by doubling) ends."""

LOCK_FILE: Final = "node.lock"
_TABLES: Final = ("meta", "headers", "bodies", "justifications", "canonical", "nodes")


@dataclass(frozen=True, slots=True)
class Finalization:
    """A block becomes final; `justification` is a SCALE GrandpaJustification if one is kept for it."""

    hash: bytes
    number: int
    justification: bytes | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction writes: new blocks, state, and where the heads are afterwards."""

    blocks: Sequence[Block] = ()
    nodes: Mapping[bytes, bytes] = field(default_factory=dict)
    canonical: Mapping[int, bytes] = field(default_factory=dict)
    best: bytes | None = None
    finalized: Sequence[Finalization] = ()
    genesis: bytes | None = None


class Database:
    """An open database. Raises DatabaseLocked or DatabaseFormatMismatch when opened, lmdb.Error on disk faults."""

    def __init__(self, path: Path, *, durable: bool = True, initial_map_size: int = INITIAL_MAP_SIZE) -> None:
        """Open or create the database in directory `path`.

        With `durable` a written block survives power loss; without it, only the death of the process.
        """
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._doomed: Path | None = None
        self._lock = _lock(path)
        try:
            self._environment = lmdb.open(
                str(path), map_size=initial_map_size, max_dbs=len(_TABLES), sync=durable, metasync=durable
            )
            self._tables = {name: self._environment.open_db(name.encode()) for name in _TABLES}
            self._check_format()
        except BaseException:
            os.close(self._lock)
            raise
        self.nodes = NodeTable(self)

    @classmethod
    def temporary(cls) -> Database:
        """A database in a new temporary directory that `close` removes."""
        path = Path(tempfile.mkdtemp(prefix="integritee-node-"))
        database = cls(path, durable=False)
        database._doomed = path
        return database

    def close(self) -> None:
        """Close the files and release the lock. Closing twice does nothing."""
        if self._lock >= 0:
            self._environment.close()
            os.close(self._lock)
            self._lock = -1
            if self._doomed is not None:
                shutil.rmtree(self._doomed, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- reading

    def genesis(self) -> bytes | None:
        """Hash of block 0, None as long as the database is empty."""
        return self._get("meta", b"genesis")

    def best(self) -> bytes:
        """Hash of the best block. Raises CorruptDatabase if there is none."""
        return self._required("meta", b"best", "the best block's hash")

    def finalized(self) -> bytes:
        """Hash of the last finalized block. Raises CorruptDatabase if there is none."""
        return self._required("meta", b"finalized", "the finalized block's hash")

    def header(self, hash: bytes) -> Header | None:
        data = self._get("headers", hash)
        return None if data is None else decode(Header, data)

    def block(self, hash: bytes) -> Block | None:
        header = self.header(hash)
        if header is None:
            return None
        body = self._required("bodies", hash, f"the body of block 0x{hash.hex()}")
        return Block(header, decode_body(body))

    def justification(self, hash: bytes) -> bytes | None:
        """SCALE GrandpaJustification of a finalized block, if one was kept."""
        return self._get("justifications", hash)

    def hash_at(self, number: int) -> bytes | None:
        """Hash of block `number` (u32) of the best chain."""
        return self._get("canonical", _number_key(number))

    # --- writing

    def write(self, batch: Batch) -> None:
        """Write all of the batch or nothing. Raises DatabaseFull."""
        while True:
            try:
                with self._environment.begin(write=True) as transaction:
                    self._put(transaction, batch)
                return
            except lmdb.MapFullError:
                self._grow()

    def _put(self, transaction: lmdb.Transaction, batch: Batch) -> None:
        tables = self._tables
        for hash, node in batch.nodes.items():
            transaction.put(hash, node, db=tables["nodes"])
        for block in batch.blocks:
            transaction.put(block.hash, block.header.encoded(), db=tables["headers"])
            transaction.put(block.hash, encode_body(block.extrinsics), db=tables["bodies"])
        for number, hash in batch.canonical.items():
            transaction.put(_number_key(number), hash, db=tables["canonical"])
        for final in batch.finalized:
            if final.justification is not None:
                transaction.put(final.hash, final.justification, db=tables["justifications"])
        heads = {
            b"genesis": batch.genesis,
            b"best": batch.best,
            b"finalized": batch.finalized[-1].hash if batch.finalized else None,
        }
        for name, head in heads.items():
            if head is not None:
                transaction.put(name, head, db=tables["meta"])

    def _grow(self) -> None:
        size: int = self._environment.info()["map_size"] * 2
        if size > MAX_MAP_SIZE:
            raise DatabaseFull(MAX_MAP_SIZE)
        self._environment.set_mapsize(size)

    def _check_format(self) -> None:
        expected = FORMAT.to_bytes(4, "little")
        with self._environment.begin(write=True, db=self._tables["meta"]) as transaction:
            found = transaction.get(b"format")
            if found is None:
                transaction.put(b"format", expected)
        if found is not None and found != expected:
            raise DatabaseFormatMismatch(FORMAT, int.from_bytes(found, "little"))

    def _get(self, table: str, key: bytes) -> bytes | None:
        with self._environment.begin(db=self._tables[table]) as transaction:
            found: bytes | None = transaction.get(key)
        return found

    def _required(self, table: str, key: bytes, name: str) -> bytes:
        found = self._get(table, key)
        if found is None:
            raise CorruptDatabase(name)
        return found


def _number_key(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _lock(path: Path) -> int:
    """Descriptor that holds the lock of the directory until closed. Raises DatabaseLocked."""
    descriptor = os.open(path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise DatabaseLocked(str(path)) from None
    return descriptor


class NodeTable:
    """Trie nodes by hash: the node source of every state in the database."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, hash: bytes, /) -> bytes | None:
        return self._database._get("nodes", hash)
