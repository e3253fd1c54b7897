"""A running set-up: one parentchain node, one worker with its enclave.

Both processes start at once and find each other; from then on the set-up lives as long as both of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from .config import NetworkConfig
from .directory import DataDirectory, open_directory
from .ports import HOST, Ports, choose
from .processes import Child

NODE: Final = "integritee.node.main"
WORKER: Final = "integritee.worker.main"

FINALITY: Final = ("--finality-delay", "0.1")
"""Seconds from block to finality: short of the block interval, yet long enough for clients to see ``inBlock``."""

SYMPTOM_TIME: Final = 0.5
"""Seconds after failed work in which the end of a process counts as the cause: connections break first."""

T = TypeVar("T")


@dataclass(frozen=True)
class Facts:
    """What a user of the set-up wants to know, as people write it: base58, SS58, URLs."""

    node_url: str
    worker_url: str
    http_url: str
    mrenclave: str
    shard: str
    vault: str
    enclave_account: str
    ports: Ports
    data_dir: Path
    pids: dict[str, int]


class Network:
    """Make it with `run_network`."""

    def __init__(self, config: NetworkConfig, ports: Ports, directory: DataDirectory) -> None:
        self._config, self._ports, self._directory = config, ports, directory
        self._children: list[Child] = []

    async def start(self) -> None:
        """Start both processes. They are not ready yet."""
        ports, config = self._ports, self._config
        node_dir, worker_dir = self._directory.below("node"), self._directory.below("worker")
        node = (
            *("--dev", "--base-path", str(node_dir), "--rpc-port", str(ports.node)),
            *("--seal", config.seal, *FINALITY),
        )
        worker = (
            *("-p", str(ports.node), "-P", str(ports.worker), "-h", str(ports.http), "-d", str(worker_dir)),
            *("run", "--dev", "--skip-ra", "--slot-ms", str(config.slot_ms)),
        )
        for name, module, arguments in (("node", NODE, node), ("worker", WORKER, worker)):
            log = self._directory.path / f"{name}.log"
            child = await Child.start(name, module, arguments, log, inherited=(self._directory.lock,))
            self._children.append(child)

    async def listening(self) -> None:
        """Wait until both processes have loaded and can be talked to. Raises ProcessEnded, ProcessSilent."""
        node, worker = self._children
        await node.line("READY ")
        await worker.line("[+] Trusted RPC listening")

    async def ready(self) -> Facts:
        """Wait until sidechain blocks are made. Raises ProcessEnded, ProcessSilent."""
        node, worker = self._children
        node_url = await node.line("READY ")
        await worker.line("READY")
        return Facts(
            node_url=node_url,
            worker_url=f"wss://{HOST}:{self._ports.worker}",
            http_url=f"http://{HOST}:{self._ports.http}/is_initialized",
            mrenclave=await worker.line("MRENCLAVE="),
            shard=await worker.line("Shard: "),
            vault=await worker.line("Shard vault: "),
            enclave_account=await worker.line("Enclave account: "),
            ports=self._ports,
            data_dir=self._directory.path,
            pids={child.name: child.pid for child in self._children},
        )

    async def while_alive(self, work: Coroutine[None, None, T]) -> T:
        """Do `work`. If a process ends meanwhile, the work is cancelled. Raises ProcessEnded, what `work` raises."""
        working = asyncio.create_task(work)
        ending = [asyncio.create_task(child.failure()) for child in self._children]
        try:
            await asyncio.wait((working, *ending), return_when=asyncio.FIRST_COMPLETED)
            if working.done() and working.exception() is not None:
                await asyncio.wait(ending, timeout=SYMPTOM_TIME, return_when=asyncio.FIRST_COMPLETED)
            for ended in ending:
                if ended.done():
                    raise ended.result()
            return await working
        finally:
            for task in (working, *ending):
                task.cancel()
            await asyncio.gather(working, *ending, return_exceptions=True)

    async def stop(self) -> None:
        """End both processes, at the same time."""
        await asyncio.gather(*(child.stop() for child in self._children))


@asynccontextmanager
async def run_network(config: NetworkConfig) -> AsyncIterator[Network]:
    """A set-up for the length of a block: started, not yet ready.

    Raises PortTaken, DataDirInUse, OSError before anything is started.
    """
    with open_directory(config.data_dir) as directory:
        network = Network(config, choose(config.ports, config.auto_ports), directory)
        try:
            await network.start()
            yield network
        finally:
            await network.stop()
