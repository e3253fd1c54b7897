"""A running set-up: one parentchain node, one worker with its enclave, and nodes of further chains if asked for.

All processes start at once and find each other; from then on the set-up lives as long as all of them. The worker
may be exchanged for another one on the same data.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from .config import INTEGRITEE, TARGETS, NetworkConfig
from .directory import DataDirectory, open_directory
from .ports import HOST, Ports, choose
from .processes import START_TIMEOUT, Child

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
    target_a_url: str | None = None
    target_b_url: str | None = None
    shielding_target: str = INTEGRITEE

    @property
    def shielding_url(self) -> str:
        """The chain that has the vault."""
        urls = {"target-a": self.target_a_url, "target-b": self.target_b_url}
        return urls.get(self.shielding_target) or self.node_url

    @property
    def symbol(self) -> str:
        """Of that chain's token."""
        return "UNIT" if self.shielding_target == "target-b" else "TEER"


class Network:
    """Make it with `run_network`."""

    def __init__(self, config: NetworkConfig, ports: Ports, directory: DataDirectory) -> None:
        self._config, self._ports, self._directory = config, ports, directory
        self._children: dict[str, Child] = {}
        places = zip(TARGETS, (ports.target_a, ports.target_b), strict=True)
        self._targets = {name: port for name, port in places if port is not None}

    async def start(self) -> None:
        """Start all processes. They are not ready yet."""
        await self._start_node("node", "dev", self._ports.node)
        for name, port in self._targets.items():
            await self._start_node(name, f"{name}-dev", port)
        await self.start_worker()

    async def _start_node(self, name: str, chain: str, port: int) -> None:
        place = ("--base-path", str(self._directory.below(name)), "--rpc-port", str(port))
        seal = ("--seal", self._config.seal, *FINALITY)
        await self._start(name, NODE, ("--dev", "--chain", chain, *place, *seal))

    async def start_worker(self, shard: str | None = None) -> None:
        """Start the worker on what its data directory holds; `shard` is what it has to find there."""
        ports, config = self._ports, self._config
        data_dir = self._directory.below("worker")
        place = ("-p", str(ports.node), "-P", str(ports.worker), "-h", str(ports.http), "-d", str(data_dir))
        targets = target_arguments(self._targets)
        run = ("run", "--dev", "--skip-ra", "--slot-ms", str(config.slot_ms), *app_arguments(config.apps))
        vault = ("--shielding-target", config.shielding_target) if targets else ()
        sealing = ("--seal-to-signer",) if config.reload else ()
        await self._start("worker", WORKER, (*place, *targets, *run, *vault, *sealing, *([shard] if shard else [])))

    async def stop_worker(self) -> None:
        """End the worker alone, if there is one; what it knows is in its data directory."""
        if "worker" in self._children:
            await self._children.pop("worker").stop()

    async def _start(self, name: str, module: str, arguments: Sequence[str]) -> None:
        log = self._directory.path / f"{name}.log"
        self._children[name] = await Child.start(name, module, arguments, log, inherited=(self._directory.lock,))

    async def listening(self) -> None:
        """Wait until all processes have loaded and can be talked to. Raises ProcessEnded, ProcessSilent."""
        for node in ("node", *self._targets):
            await self._children[node].line("READY ")
        await self._children["worker"].line("[+] Trusted RPC listening")

    async def ready(self, timeout: float = START_TIMEOUT) -> Facts:
        """Wait, `timeout` seconds at most, until sidechain blocks are made. Raises ProcessEnded, ProcessSilent."""
        worker = self._children["worker"]
        urls = {name: await self._children[name].line("READY ", timeout) for name in ("node", *self._targets)}
        await worker.line("READY", timeout)
        return Facts(
            node_url=urls["node"],
            worker_url=f"wss://{HOST}:{self._ports.worker}",
            http_url=f"http://{HOST}:{self._ports.http}/is_initialized",
            mrenclave=await worker.line("MRENCLAVE="),
            shard=await worker.line("Shard: "),
            vault=await worker.line("Shard vault: "),
            enclave_account=await worker.line("Enclave account: "),
            ports=self._ports,
            data_dir=self._directory.path,
            pids={name: child.pid for name, child in self._children.items()},
            target_a_url=urls.get("target-a"),
            target_b_url=urls.get("target-b"),
            shielding_target=self._config.shielding_target,
        )

    async def while_alive(self, work: Coroutine[None, None, T]) -> T:
        """Do `work`. If a process ends meanwhile, the work is cancelled. Raises ProcessEnded, what `work` raises."""
        working = asyncio.create_task(work)
        ending = [asyncio.create_task(child.failure()) for child in self._children.values()]
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
        """End all processes, at the same time."""
        await asyncio.gather(*(child.stop() for child in self._children.values()))


def app_arguments(apps: Sequence[str]) -> tuple[str, ...]:
    """Options with which a worker is told of its apps."""
    return tuple(word for app in apps for word in ("--app", app))


def target_arguments(targets: Mapping[str, int]) -> tuple[str, ...]:
    """Options with which a worker is told of further chains, by their ports."""
    return tuple(
        word
        for name, port in targets.items()
        for word in (f"--{name}-parentchain-rpc-url", f"ws://{HOST}", f"--{name}-parentchain-rpc-port", str(port))
    )


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
