"""What testers do to a chain beyond letting it run: blocks on demand, other storage, other times, other heads.

All of it gives a chain like any other, in the same database and with the same events: headers are linked and
sealed, state roots are right, proofs verify. Only one who executes the blocks finds that somebody had a hand in
them. What is final stays final.

Counterpart of the `dev_*` methods of Chopsticks, which changes a block's state in place; here that takes a block.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .errors import Interrupted, ReorgTooDeep, TimeInThePast, TooManyBlocks
from .inherents import last_timestamp
from .node import Node

MAX_BLOCKS: Final = 1024
"""Blocks that one request makes or leaves."""

MAX_TIME_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999."""


@dataclass(frozen=True, slots=True)
class Reorganized:
    """The chain left block `junction` (hash) another way: `retracted` blocks, newest first, and what is there now,
    `enacted`, oldest first."""

    junction: bytes
    retracted: tuple[bytes, ...]
    enacted: tuple[bytes, ...]


def make_blocks(node: Node, count: int, parent: bytes | None = None) -> bytes:
    """Make `count` blocks on each other, the first on `parent` or on the best block; hash of the last.

    On a parent below the best block, they are a fork without transactions, which is the best chain once it is
    longer. Raises TooManyBlocks, Interrupted, and what `Node.seal` raises; blocks made until then stay.
    """
    check_count(count)
    return _grow(node, count, None if parent == node.chain.best_hash else parent)[-1]


def set_storage(node: Node, changes: Mapping[bytes, bytes | None], parent: bytes | None = None) -> bytes:
    """Make a block without transactions on `parent` or on the best block whose state has the changes; its hash.

    None deletes. Raises what `Node.seal` raises.
    """
    return node.seal(parent, with_transactions=False, changes=changes).block.hash


def travel(node: Node, to_ms: int) -> int:
    """Let it be `to_ms` (unix ms) now; it goes on from there. Blocks of the past stay what they are.

    Raises TimeInThePast if the best block is later.
    """
    last = last_timestamp(node.chain.state_at(node.chain.best_hash))
    if to_ms <= last:
        raise TimeInThePast(to_ms, last)
    node.travel(to_ms)
    return to_ms


def reorganize(node: Node, depth: int, length: int | None = None) -> Reorganized:
    """Leave the last `depth` blocks for a new branch of `length` empty blocks (default, and least: one more).

    The transactions of the blocks left go back to the pool. Raises ReorgTooDeep, TooManyBlocks, ValueError,
    Interrupted, and what `Node.seal` raises; the best chain is then as before, unless the branch has outgrown it.
    """
    chain = node.chain
    length = depth + 1 if length is None else length
    if depth < 1 or length <= depth:
        raise ValueError("depth must be positive, length greater than depth")
    check_count(length)
    if depth > chain.best.number - chain.finalized.number:
        raise ReorgTooDeep(depth, chain.best.number - chain.finalized.number)
    top = chain.best.number
    old = tuple(_canonical(node, range(top, top - depth, -1)))
    (junction,) = _canonical(node, [top - depth])
    return Reorganized(junction, old, tuple(_grow(node, length, junction)))


def _grow(node: Node, count: int, parent: bytes | None) -> list[bytes]:
    """Blocks on each other: the first on the best block, or without transactions on `parent`; their hashes."""
    made: list[bytes] = []
    for _ in range(count):
        if made and node.is_interrupted():
            raise Interrupted(len(made))
        made.append(node.seal(parent, with_transactions=parent is None).block.hash)
        parent = parent and made[-1]
    return made


def _canonical(node: Node, numbers: Sequence[int]) -> list[bytes]:
    return [hash for number in numbers if (hash := node.chain.hash_at(number)) is not None]


def check_count(count: int) -> None:
    """Raises TooManyBlocks."""
    if not 1 <= count <= MAX_BLOCKS:
        raise TooManyBlocks(count, MAX_BLOCKS)
