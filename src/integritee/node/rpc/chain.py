"""`chain_*`: blocks and heads (sc-rpc `chain`)."""

from __future__ import annotations

from typing import Any, TypeAlias

from integritee.primitives.header import GRANDPA_ENGINE, Header

from ..chain import ChainEvent, Finalized, Imported, NewBest
from ..node import Node
from .methods import method, subscription
from .params import BlockHash, BlockNumbers
from .sessions import Sink, Topic

Json: TypeAlias = Any


class ChainApi:
    """Blocks by number and hash, and head subscriptions, which begin with the head of the moment."""

    def __init__(self, node: Node) -> None:
        self._chain = node.chain
        self._imported, self._best, self._finalized = Topic(), Topic(), Topic()
        self._chain.subscribe(self._on_event)

    @method("chain_getBlockHash", "chain_getHead")
    def block_hash(self, number: BlockNumbers | None = None) -> str | list[str | None] | None:
        """Of one block of the best chain or of several; without a number that of the best block."""
        if isinstance(number, list):
            return [self._hash_at(each) for each in number]
        return "0x" + self._chain.best_hash.hex() if number is None else self._hash_at(number)

    @method("chain_getFinalizedHead", "chain_getFinalisedHead")
    def finalized_head(self) -> str:
        return "0x" + self._chain.finalized_hash.hex()

    @method("chain_getHeader")
    def header(self, hash: BlockHash | None = None) -> Json:
        header = self._chain.best if hash is None else self._chain.header(hash)
        return None if header is None else header.to_rpc()

    @method("chain_getBlock")
    def block(self, hash: BlockHash | None = None) -> Json:
        hash = hash or self._chain.best_hash
        block = self._chain.block(hash)
        if block is None:
            return None
        justification = self._chain.justification(hash)
        return {
            "block": {
                "header": block.header.to_rpc(),
                "extrinsics": ["0x" + extrinsic.hex() for extrinsic in block.extrinsics],
            },
            "justifications": None if justification is None else [[list(GRANDPA_ENGINE), list(justification)]],
        }

    @subscription(
        "chain_subscribeNewHeads",
        "chain_subscribeNewHead",
        "subscribe_newHead",
        notification="chain_newHead",
        unsubscribe=("chain_unsubscribeNewHeads", "chain_unsubscribeNewHead", "unsubscribe_newHead"),
    )
    def subscribe_new_heads(self, sink: Sink) -> None:
        _follow(self._best, sink, self._chain.best)

    @subscription(
        "chain_subscribeFinalizedHeads",
        "chain_subscribeFinalisedHeads",
        notification="chain_finalizedHead",
        unsubscribe=("chain_unsubscribeFinalizedHeads", "chain_unsubscribeFinalisedHeads"),
    )
    def subscribe_finalized_heads(self, sink: Sink) -> None:
        _follow(self._finalized, sink, self._chain.finalized)

    @subscription("chain_subscribeAllHeads", notification="chain_allHead", unsubscribe=("chain_unsubscribeAllHeads",))
    def subscribe_all_heads(self, sink: Sink) -> None:
        _follow(self._imported, sink, self._chain.best)

    def _hash_at(self, number: int) -> str | None:
        hash = self._chain.hash_at(number)
        return None if hash is None else "0x" + hash.hex()

    def _on_event(self, event: ChainEvent) -> None:
        match event:
            case Imported():
                topic = self._imported
            case NewBest():
                topic = self._best
            case Finalized():
                topic = self._finalized
        topic.publish(event.header.to_rpc)


def _follow(topic: Topic, sink: Sink, head: Header) -> None:
    sink.push(head.to_rpc())
    topic.join(sink)
