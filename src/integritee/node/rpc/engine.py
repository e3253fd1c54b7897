"""`engine_*`: blocks on request (sc-consensus-manual-seal)."""

from __future__ import annotations

from typing import Any, TypeAlias

from ..errors import NodeError, NotCanonical, UnknownBlock
from ..node import Node
from .errors import BlockNotFound, EmptyPool, SealingFailed
from .methods import method
from .params import BlockHash, Flag, Hex

Json: TypeAlias = Any


class EngineApi:
    def __init__(self, node: Node) -> None:
        self._node = node

    @method("engine_createBlock", unsafe=True, changes=True)
    def create_block(self, create_empty: Flag, finalize: Flag, parent_hash: BlockHash | None = None) -> Json:
        """Make a block on the best one or on `parent_hash`. Raises EmptyPool, BlockNotFound, SealingFailed."""
        node = self._node
        if not create_empty and not node.pool.usage().ready:
            raise EmptyPool
        try:
            block = node.seal(parent_hash).block
            if finalize and node.chain.finalized.number < block.number:
                node.finalize(block.hash)
        except (UnknownBlock, NotCanonical) as error:
            raise BlockNotFound(error.block) from None
        except NodeError as error:
            raise SealingFailed(str(error)) from None
        return {
            "hash": "0x" + block.hash.hex(),
            "aux": {
                "header_only": False,
                "clear_justification_requests": False,
                "needs_justification": False,
                "bad_justification": False,
                "is_new_best": node.chain.best_hash == block.hash,
            },
        }

    @method("engine_finalizeBlock", unsafe=True, changes=True)
    def finalize_block(self, hash: BlockHash, justification: Hex | None = None) -> bool:
        """Make a block of the best chain final. Justifications are made here; one that is given is ignored."""
        try:
            self._node.finalize(hash)
        except (UnknownBlock, NotCanonical) as error:
            raise BlockNotFound(error.block) from None
        except NodeError as error:
            raise SealingFailed(str(error)) from None
        return True
