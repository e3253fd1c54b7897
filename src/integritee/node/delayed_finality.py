"""Finality that follows a block after some time, as if votes had to travel.

With no time between them, clients that look up the block of an `inBlock` status before they show it (polkadot-js)
never do, because `finalized` overtakes it.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Final

from .chain import ChainEvent, NewBest
from .chain_thread import ChainThread
from .errors import DatabaseError, NodeError
from .node import Node

log = logging.getLogger(__name__)

DEFAULT_DELAY_SECONDS: Final = 0.2
MAX_DELAY_SECONDS: Final = 60.0


class DelayedFinality:
    """Makes the block `lag` below each new best one final, `seconds` after that became the best.

    The node itself must not finalize anything (`NO_FINALITY`).
    """

    def __init__(self, node: Node, thread: ChainThread, seconds: float, lag: int) -> None:
        self._node, self._thread = node, thread
        self._seconds, self._lag = seconds, lag

    async def run(self) -> None:
        """Finalize until cancelled. Raises DatabaseError and defects; other failures are logged."""
        loop = asyncio.get_running_loop()
        heads: asyncio.Queue[tuple[float, int]] = asyncio.Queue()

        def follow(event: ChainEvent) -> None:
            """Called in the chain's thread."""
            if isinstance(event, NewBest):
                head = loop.time() + self._seconds, event.header.number
                loop.call_soon_threadsafe(heads.put_nowait, head)

        ignore = self._node.chain.subscribe(follow)
        try:
            while True:
                due, number = await heads.get()
                await asyncio.sleep(due - loop.time())
                await asyncio.wrap_future(self._thread.change(partial(self._finalize, number - self._lag)))
        finally:
            ignore()

    def _finalize(self, number: int) -> None:
        chain = self._node.chain
        hash = chain.hash_at(number)
        if hash is None or number <= chain.finalized.number:
            return
        try:
            self._node.finalize(hash)
        except DatabaseError:
            raise
        except NodeError as error:
            log.error("block #%d is not final: %s (%s)", number, error, error.code)
