"""`dev_*`: what testers do to a chain, under the names of Chopsticks; see `dev_control` for what it means here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from integritee.metadata import MetadataError, RuntimeMetadata
from integritee.scale import ScaleError, decode

from ..dev_control import check_count, make_blocks, reorganize, set_storage, travel
from ..errors import ConflictsWithFinalized, NodeError, NotCanonical, ReorgTooDeep, UnknownBlock
from ..named_storage import NamedStorage
from ..node import Node
from ..pool.errors import PoolError
from .dev_params import BlockHashOrNumber, BlockOrder, NewBlocks, StorageChanges, Time
from .errors import BlockNotFound, HeadIsFinal, InvalidParams, RpcError, SealingFailed
from .methods import method
from .params import BlockHash, Count

Json: TypeAlias = Any


class DevApi:
    """All methods are unsafe. They raise BlockNotFound, HeadIsFinal and SealingFailed."""

    def __init__(self, node: Node) -> None:
        self._node = node

    @method("dev_newBlock", unsafe=True, changes=True)
    def new_block(self, params: NewBlocks | None = None) -> str:
        """Make blocks: `count` of them (default 1) or up to number `to`, on `parent` (hash) or on the best block.

        `transactions` go to the pool before. Hash of the last block.
        """
        asked, node = params or BlockOrder(), self._node
        with _reported():
            parent = node.chain.best if asked.parent is None else node.chain.header(asked.parent)
            if parent is None:
                raise UnknownBlock(asked.parent or b"")
            count = asked.count if asked.to is None else asked.to - parent.number
            check_count(count)
            for extrinsic in asked.transactions:
                node.pool.submit(extrinsic, node.clock())
            return "0x" + make_blocks(node, count, asked.parent).hex()

    @method("dev_setStorage", unsafe=True, changes=True)
    def set_storage(self, values: StorageChanges, hash: BlockHash | None = None) -> str:
        """Make a block on `hash` or on the best block whose state has these values, null for none; its hash."""
        with _reported():
            changes = self._resolved(values, hash) if isinstance(values, NamedStorage) else values
            return "0x" + set_storage(self._node, changes, hash).hex()

    @method("dev_timeTravel", unsafe=True, changes=True)
    def time_travel(self, date: Time) -> int:
        """Let it be that time, unix ms or ISO 8601; the next block has it. Unix ms."""
        with _reported():
            return travel(self._node, date)

    @method("dev_setHead", unsafe=True, changes=True)
    def set_head(self, hash_or_number: BlockHashOrNumber) -> str:
        """Make a block the best one: a lower one, or one on a fork. Its hash."""
        chain = self._node.chain
        hash = chain.hash_at(hash_or_number) if isinstance(hash_or_number, int) else hash_or_number
        if hash is None:
            raise InvalidParams(f"the best chain has no block {hash_or_number!r}")
        with _reported():
            self._node.set_head(hash)
        return "0x" + hash.hex()

    @method("dev_reorg", unsafe=True, changes=True)
    def reorg(self, depth: Count, length: Count | None = None) -> Json:
        """Leave the last `depth` blocks for a branch of `length` empty ones (default, and least: one more)."""
        if depth < 1 or (length is not None and length <= depth):
            raise InvalidParams("depth must be positive, length greater than depth")
        with _reported():
            done = reorganize(self._node, depth, length)
        return {
            "commonAncestor": "0x" + done.junction.hex(),
            "retracted": ["0x" + hash.hex() for hash in done.retracted],
            "enacted": ["0x" + hash.hex() for hash in done.enacted],
        }

    def _resolved(self, values: NamedStorage, hash: bytes | None) -> dict[bytes, bytes | None]:
        chain, at = self._node.chain, hash or self._node.chain.best_hash
        answer = chain.runtime_call("Metadata_metadata", at=at)
        try:
            metadata = RuntimeMetadata.parse(decode(bytes, answer))
            return values.resolved(metadata, chain.state_at(at))
        except (MetadataError, ScaleError, ValueError) as error:
            raise InvalidParams(f"parameter values: {error}") from None


@contextmanager
def _reported() -> Iterator[None]:
    """What callers are told of failures to make blocks."""
    try:
        yield
    except (RpcError, PoolError):
        raise
    except (UnknownBlock, NotCanonical) as error:
        raise BlockNotFound(error.block) from None
    except (ConflictsWithFinalized, ReorgTooDeep) as error:
        raise HeadIsFinal(str(error)) from None
    except NodeError as error:
        raise SealingFailed(str(error)) from None
