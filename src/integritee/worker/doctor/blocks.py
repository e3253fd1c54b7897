"""The block database: whether it can be read, agrees with itself and with the enclave's head.

The reading is done in a process of its own, which a damaged file may kill.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import lmdb

from integritee.primitives.sidechain import SignedBlock
from integritee.scale import DecodeError, codec

from ..block_store import DATA_FILE, BlockStore, erase, expected_bytes, file_bytes, open_environment
from ..errors import BlockStoreBroken
from .finding import Finding, Severity

MAP_SIZE: Final = 1 << 40
"""Address space for reading a file of any budget."""
BLOCK: Final = codec(SignedBlock)


@dataclass
class Census:
    """What a database holds. `gaps` are pairs of numbers that should be parent and child and are not; `unreadable`
    keys of entries that are no block or another one's; `stray_hashes` how many entries of the index are wrong or
    missing. `head` is the hash of block `head_number` that was asked for."""

    blocks: int = 0
    first: int = 0
    last: int = 0
    last_hash: bytes = b""
    shards: set[bytes] = field(default_factory=set)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)
    stray_hashes: int = 0
    head: bytes | None = None


def count(directory: Path, head_number: int) -> Census:
    """Read all of a database. Raises BlockStoreBroken; a damaged file may end the process."""
    try:
        environment = open_environment(directory, MAP_SIZE, read_only=True)
        try:
            if file_bytes(directory) < expected_bytes(environment):
                raise BlockStoreBroken(str(directory), "the file ends early")
            with environment.begin() as transaction:
                by_number = environment.open_db(b"by-number", transaction, create=False)
                numbers = environment.open_db(b"numbers-by-hash", transaction, create=False)
                return _count(transaction, by_number, numbers, head_number)
        finally:
            environment.close()
    except lmdb.NotFoundError:
        return Census()
    except lmdb.Error as broken:
        raise BlockStoreBroken(str(directory), str(broken)) from None


def _count(
    transaction: lmdb.Transaction, by_number: lmdb._Database, numbers: lmdb._Database, head_number: int
) -> Census:
    census = Census()
    indexed = 0
    previous: tuple[int, bytes] | None = None
    for number, block in _entries(transaction, by_number, census):
        block_hash, header = block.hash(), block.block.header
        census.blocks += 1
        census.first = census.first or number
        census.last, census.last_hash = number, block_hash
        census.shards.add(header.shard_id)
        if previous is not None and (number, header.parent_hash) != (previous[0] + 1, previous[1]):
            census.gaps.append((previous[0], number))
        found = transaction.get(block_hash, db=numbers)
        indexed += found is not None and int.from_bytes(bytes(found), "big") == number
        previous = number, block_hash
        if number == head_number:
            census.head = block_hash
    census.stray_hashes = max(census.blocks, transaction.stat(numbers)["entries"]) - indexed
    return census


def _entries(
    transaction: lmdb.Transaction, by_number: lmdb._Database, census: Census
) -> Iterator[tuple[int, SignedBlock]]:
    with transaction.cursor(by_number) as cursor:
        for key, raw in cursor:
            number = int.from_bytes(bytes(key), "big")
            try:
                block: SignedBlock = BLOCK.decode(bytes(raw))
            except DecodeError:
                census.unreadable.append(number)
                continue
            if block.block.header.block_number != number:
                census.unreadable.append(number)
                continue
            yield number, block


def examine(directory: Path, head: tuple[int, bytes] | None, repair: bool) -> tuple[Census, list[Finding]]:
    """Look at the database of an enclave whose latest block is `head`, if that is known; perhaps mend it."""
    if not file_bytes(directory):
        return Census(), []
    try:
        census = _count_apart(directory, head[0] if head else 0)
    except BlockStoreBroken as broken:
        if repair:
            erase(directory)
        text = "remove the database; peers serve the blocks again"
        return Census(), [Finding(Severity.ERROR, broken.code, str(broken), broken.data(), text, repair)]
    found = [*_self_consistency(census, repair), *_against(census, head, repair)]
    if repair:
        _mend(directory, census, found, head)
    return census, found


def _count_apart(directory: Path, head_number: int) -> Census:
    """Raises BlockStoreBroken."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        try:
            return process.submit(count, directory, head_number).result()
        except BrokenProcessPool:
            raise BlockStoreBroken(str(directory), f"{DATA_FILE} cannot be read to its end") from None


def _self_consistency(census: Census, repair: bool) -> list[Finding]:
    found = []
    if census.unreadable:
        message = f"{len(census.unreadable)} entries are no blocks, the first under number {census.unreadable[0]}"
        facts: dict[str, str | int | bool | None] = {"entries": len(census.unreadable), "first": census.unreadable[0]}
        found.append(
            Finding(Severity.WARNING, "doctor.blocks_unreadable", message, facts, "remove these entries", repair)
        )
    if census.stray_hashes:
        message = f"{census.stray_hashes} entries of the index by hash are wrong or missing"
        facts = {"entries": census.stray_hashes}
        found.append(Finding(Severity.WARNING, "doctor.blocks_index", message, facts, "make the index anew", repair))
    if census.gaps:
        before, after = census.gaps[-1]
        message = f"block {after} is no child of block {before}: peers are served what is on either side"
        facts = {"gaps": len(census.gaps), "before": before, "after": after}
        found.append(Finding(Severity.INFO, "doctor.blocks_gap", message, facts))
    return found


def _against(census: Census, head: tuple[int, bytes] | None, repair: bool) -> list[Finding]:
    """Compare with the enclave's own chain."""
    if head is None or not census.blocks:
        return []
    number, block_hash = head
    facts: dict[str, str | int | bool | None] = {"last": census.last, "head": number}
    if census.head is not None and census.head != block_hash:
        message = f"block {number} is another one than the enclave's: a fork that was left"
        text = f"remove blocks {number} and above"
        return [Finding(Severity.WARNING, "doctor.blocks_off_chain", message, facts, text, repair)]
    if census.last > number:
        message = f"there are blocks up to {census.last}, but sealed state ends at {number}: it is an older copy"
        return [Finding(Severity.WARNING, "doctor.state_behind_blocks", message, facts)]
    if census.last < number:
        message = f"blocks end at {census.last}, the enclave is at {number}: the rest is fetched from peers"
        return [Finding(Severity.INFO, "doctor.blocks_behind", message, facts)]
    return []


def _mend(directory: Path, census: Census, found: list[Finding], head: tuple[int, bytes] | None) -> None:
    codes = {finding.code for finding in found if finding.is_repaired}
    if not codes:
        return
    store = BlockStore(directory, MAP_SIZE, kept=1 << 62)
    try:
        if codes & {"doctor.blocks_unreadable", "doctor.blocks_index"}:
            store.rebuild(census.unreadable)
        if head is not None and "doctor.blocks_off_chain" in codes:
            store.put([], after=head[0] - 1)
    finally:
        store.close()
