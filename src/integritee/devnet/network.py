"""A running set-up: a parentchain node, workers of one shard with their enclaves, and nodes of further chains if
asked for.

Nodes and the first worker start at once and find each other. The other workers start when it makes blocks: the first
signer of a shard leads it, and has what the others ask for. From then on the set-up lives as long as all of them. A
single worker may be exchanged for another one on the same data.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from .config import INTEGRITEE, TARGETS, NetworkConfig
from .directory import DataDirectory, open_directory
from .ports import HOST, Ports, WorkerPorts, reserve
from .process_tree import ProcessTree
from .processes import START_TIMEOUT

NODE: Final = "integritee.node.main"
WORKER: Final = "integritee.worker.main"

FIRST_WORKER: Final = "worker"

PARENTCHAIN: Final = "dev"
PARENTCHAINS: Final = {"encointer": "encointer-dev"}
"""Chains of the node that apps need, by the app's name."""

FINALITY: Final = ("--finality-delay", "0.1")
"""Seconds from block to finality: short of the block interval, yet long enough for clients to see ``inBlock``."""

T = TypeVar("T")


@dataclass(frozen=True)
class WorkerFacts:
    """What a user wants to know of one worker. Data directory and log have its `name`."""

    name: str
    worker_url: str
    http_url: str
    untrusted_url: str
    enclave_account: str
    ports: WorkerPorts


@dataclass(frozen=True)
class Facts:
    """What a user of the set-up wants to know, as people write it: base58, SS58, URLs."""

    node_url: str
    mrenclave: str
    shard: str
    vault: str
    workers: tuple[WorkerFacts, ...]
    ports: Ports
    data_dir: Path
    pids: dict[str, int]
    target_a_url: str | None = None
    target_b_url: str | None = None
    shielding_target: str = INTEGRITEE

    @property
    def worker_url(self) -> str:
        """Of the first worker's trusted RPC."""
        return self.workers[0].worker_url

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
        self._tree = ProcessTree((directory.lock,))
        self._workers = {worker_name(number): ports for number, ports in enumerate(ports.workers, 1)}
        places = zip(TARGETS, (ports.target_a, ports.target_b), strict=True)
        self._targets = {name: port for name, port in places if port is not None}

    # -- life ----------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start all processes but the workers behind the first. They are not ready yet."""
        await self._start_node("node", parentchain_for(self._config.apps), self._ports.node)
        for name, port in self._targets.items():
            await self._start_node(name, f"{name}-dev", port)
        await self.start_worker()

    async def _start_node(self, name: str, chain: str, port: int) -> None:
        place = ("--base-path", str(self._directory.below(name)), "--rpc-port", str(port))
        seal = ("--seal", self._config.seal, *FINALITY)
        await self._start(name, NODE, ("--dev", "--chain", chain, *place, *seal))

    async def start_worker(self, shard: str | None = None, name: str = FIRST_WORKER) -> None:
        """Start a worker on what its data directory holds; `shard` is what it has to find there."""
        config, data_dir = self._config, self._directory.below(name)
        place = ("-p", str(self._ports.node), *port_arguments(self._workers[name]), "-d", str(data_dir))
        targets = target_arguments(self._targets)
        host = (*place, *targets, *(("--ipfs-url", config.ipfs_url) if config.ipfs_url else ()))
        run = ("run", "--dev", "--slot-ms", str(config.slot_ms), *app_arguments(config.apps))
        vault = ("--shielding-target", config.shielding_target) if targets else ()
        sealing = ("--seal-to-signer",) if config.reload else ()
        await self._start(name, WORKER, (*host, *run, *vault, *sealing, *([shard] if shard else [])))

    async def stop_worker(self) -> None:
        """End the first worker alone, if there is one; what it knows is in its data directory."""
        await self._tree.stop_one(FIRST_WORKER)

    async def _start(self, name: str, module: str, arguments: Sequence[str]) -> None:
        is_expendable = self._config.keep_going and name in self._workers and name != FIRST_WORKER
        log = self._directory.path / f"{name}.log"
        await self._tree.start(name, module, arguments, log, is_expendable=is_expendable)

    async def while_alive(self, work: Coroutine[None, None, T]) -> T:
        """Do `work`. If a process ends meanwhile, the work is cancelled. Raises ProcessEnded, what `work` raises."""
        return await self._tree.while_alive(work)

    async def stop(self) -> None:
        """End all processes, at the same time."""
        await self._tree.stop()

    # -- what they say -------------------------------------------------------------------------------

    async def listening(self) -> None:
        """Wait until all processes so far have loaded and can be talked to. Raises ProcessEnded, ProcessSilent."""
        for node in ("node", *self._targets):
            await self._tree[node].line("READY ")
        await self._tree[FIRST_WORKER].line("[+] Trusted RPC listening")

    async def ready(self, timeout: float = START_TIMEOUT) -> Facts:
        """Wait until all workers, the others started meanwhile, make sidechain blocks.

        `timeout` are seconds for nodes and for each worker. Raises ProcessEnded, ProcessSilent.
        """
        urls = {name: await self._tree[name].line("READY ", timeout) for name in ("node", *self._targets)}
        first = self._tree[FIRST_WORKER]
        await first.line("READY", timeout)
        for name in self._workers:
            if name not in self._tree:
                await self.start_worker(name=name)
        for name in self._workers:
            await self._tree[name].line("READY", timeout)
        return Facts(
            node_url=urls["node"],
            mrenclave=await first.line("MRENCLAVE="),
            shard=await first.line("Shard: "),
            vault=await first.line("Shard vault: "),
            workers=tuple([await self._facts(name) for name in self._workers]),
            ports=self._ports,
            data_dir=self._directory.path,
            pids={name: self._tree[name].pid for name in self._tree},
            target_a_url=urls.get("target-a"),
            target_b_url=urls.get("target-b"),
            shielding_target=self._config.shielding_target,
        )

    async def _facts(self, name: str) -> WorkerFacts:
        ports = self._workers[name]
        return WorkerFacts(
            name=name,
            worker_url=f"wss://{HOST}:{ports.worker}",
            http_url=f"http://{HOST}:{ports.http}/is_initialized",
            untrusted_url=f"ws://{HOST}:{ports.untrusted}",
            enclave_account=await self._tree[name].line("Enclave account: "),
            ports=ports,
        )


def worker_name(number: int) -> str:
    """Of worker `number`, from 1, its data directory and log: ``worker``, ``worker-2``, ``worker-3`` …"""
    return FIRST_WORKER if number == 1 else f"{FIRST_WORKER}-{number}"


def parentchain_for(apps: Sequence[str]) -> str:
    """The chain of the node that a ledger with these apps is for."""
    return next((PARENTCHAINS[app] for app in apps if app in PARENTCHAINS), PARENTCHAIN)


def port_arguments(ports: WorkerPorts) -> tuple[str, ...]:
    """Options with which a worker is told of its own ports."""
    own = {"-P": ports.worker, "-w": ports.untrusted, "-r": ports.mu_ra, "-h": ports.http}
    return tuple(word for option, port in own.items() for word in (option, str(port)))


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
    with open_directory(config.data_dir) as directory, reserve(config.ports, config.auto_ports) as ports:
        network = Network(config, ports, directory)
        try:
            await network.start()
            yield network
        finally:
            await network.stop()
