"""The running node: a server, a sealer and the chain's thread around a `Node`, until a signal ends it."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .chain_spec import ChainSpec
from .chain_thread import ChainThread
from .clock import unix_ms
from .database import Database
from .delayed_finality import DEFAULT_DELAY_SECONDS, DelayedFinality
from .engine import RuntimeEngine
from .finality import FinalityKind
from .keystore import Keystore
from .node import NO_FINALITY, Node, NodeOptions
from .rpc.api import node_methods
from .rpc.jsonrpc import Dispatcher
from .rpc.limits import ServerLimits
from .rpc.origins import Origins
from .rpc.server import RpcServer
from .sealing import DEFAULT_SEAL, AuthoringTime, Manual, Seal, Sealer

log = logging.getLogger(__name__)

DEFAULT_RPC_PORT = 9944


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """How a node is run.

    `finality_delay` is in seconds (see `DelayedFinality`); with manual sealing, blocks become final on request
    only. `rpc_port` 0 takes a free one; `rpc_external` listens on all interfaces. For the others see their types.
    """

    node: NodeOptions = field(default_factory=NodeOptions)
    seal: Seal = DEFAULT_SEAL
    finality_delay: float = DEFAULT_DELAY_SECONDS
    rpc_port: int = DEFAULT_RPC_PORT
    rpc_external: bool = False
    allow_unsafe: bool = True
    origins: Origins = field(default_factory=Origins)
    limits: ServerLimits = field(default_factory=ServerLimits)


class Service:
    """Owns the database from here on; `close` it in any case."""

    def __init__(
        self, spec: ChainSpec, engine: RuntimeEngine, database: Database, keys: Keystore, options: ServiceOptions
    ) -> None:
        """Open the chain. Raises what `Node` raises."""
        self._options = options
        self._thread = ChainThread()
        closing = AuthoringTime(self._thread, options.seal).begin
        self.node = Node(spec, engine, database, keys, unix_ms, _node_options(options), closing)
        self._server = RpcServer(
            Dispatcher(node_methods(self.node)),
            self._thread,
            allow_unsafe=options.allow_unsafe,
            origins=options.origins,
            limits=options.limits,
        )

    async def run(self, ready: Callable[[int], None]) -> None:
        """Serve and make blocks until SIGINT or SIGTERM. `ready` is told the RPC port once that is open.

        Raises OSError if the port is taken, and what the sealer cannot go on after.
        """
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        self._thread.start()
        try:
            ready(await self._server.start(self._options.rpc_port, external=self._options.rpc_external))
            await self._make_blocks_until(stop)
        finally:
            self._thread.stop()
            await self._server.stop()
            await asyncio.to_thread(self._thread.join)

    async def _make_blocks_until(self, stop: asyncio.Event) -> None:
        tasks: list[asyncio.Task[object]] = [asyncio.create_task(stop.wait())]
        if self.node.is_authority:
            tasks += [asyncio.create_task(part.run()) for part in self._block_makers()]
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()

    def _block_makers(self) -> list[DelayedFinality | Sealer]:
        """What makes blocks and makes them final; the second begins after the first listens."""
        options, sealer = self._options, Sealer(self.node, self._thread, self._options.seal)
        if not _is_finality_delayed(options):
            return [sealer]
        finality = DelayedFinality(self.node, self._thread, options.finality_delay, options.node.finality_lag)
        return [finality, sealer]

    def close(self) -> None:
        """Close the database. Closing twice does nothing."""
        self.node.close()


def _is_finality_delayed(options: ServiceOptions) -> bool:
    on_request = isinstance(options.seal, Manual) or options.node.finality is FinalityKind.NONE
    return options.finality_delay > 0 and not on_request


def _node_options(options: ServiceOptions) -> NodeOptions:
    """Those of the node, which finalizes by itself only if nothing else does."""
    if isinstance(options.seal, Manual) or _is_finality_delayed(options):
        return replace(options.node, finality_lag=NO_FINALITY)
    return options.node
