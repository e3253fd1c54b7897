"""From options to a running community: a set-up of one's own or somebody else's, connections, files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from integritee.apps.catalog import client_ledger
from integritee.apps.encointer.parentchain import SCHEDULER
from integritee.cli.errors import NoCeremonies
from integritee.client.parentchain import ParentchainClient
from integritee.devnet.config import NetworkConfig
from integritee.devnet.ports import STANDARD_PORTS, STANDARD_WORKER_PORTS, Ports

from .agents import Agents
from .community import Community, Tell
from .errors import NoAgents
from .files import Files
from .founding import found, schedule
from .geometry import grid
from .model import BOOTSTRAPPERS
from .workers import Workers, connect

APP: Final = "encointer"


def own_network(validateers: int) -> NetworkConfig:
    """A fresh set-up on free ports that does without any worker but the first."""
    workers = tuple(STANDARD_WORKER_PORTS.of(number) for number in range(1, validateers + 1))
    return NetworkConfig(Ports(STANDARD_PORTS.node, workers), auto_ports=True, apps=(APP,), keep_going=True)


@dataclass(frozen=True)
class Session:
    """Connected to a parentchain and to workers; keys of `seed` are in the files' directory."""

    chain: ParentchainClient
    workers: Workers
    files: Files
    agents: Agents
    seed: int

    async def found(self, tell: Tell) -> Community:
        """A new community of ten, known to all workers. Raises FoundingRefused, NotSettled, ClientError."""
        agents = self.agents
        agents.dismiss(BOOTSTRAPPERS)
        agents.grow(BOOTSTRAPPERS - len(agents))
        bootstrappers = [agent.account for agent in agents]
        points = grid(self.seed)
        self.files.write_specification(points, bootstrappers)
        cid = await found(self.chain, points, bootstrappers)
        self.files.write_cid(cid)
        self.files.clear_statistics()
        community = Community(cid, agents, self.workers, tell)
        await community.known()
        return community

    async def community(self, tell: Tell) -> Community:
        """The one that was founded here, in the phase that the parentchain is in.

        Raises NoCommunity, FileUnreadable, NoAgents, NotSettled, ClientError.
        """
        cid = self.files.cid()
        if len(self.agents) < BOOTSTRAPPERS:
            raise NoAgents(self.files.keys(self.workers.shard).directory, self.seed)
        community = Community(cid, self.agents, self.workers, tell)
        await community.reached(*await schedule(self.chain))
        return community


@asynccontextmanager
async def open_session(
    node: str, workers: Sequence[str], files: Files, seed: int, shard: bytes | None = None
) -> AsyncIterator[Session]:
    """Connections for the length of a block. Raises NoCeremonies, ClientError."""
    async with AsyncExitStack() as stack:
        chain = await stack.enter_async_context(await ParentchainClient.connect(node))
        if not chain.runtime.metadata.has_pallet(SCHEDULER):
            raise NoCeremonies
        group = await stack.enter_async_context(connect(workers, client_ledger(), shard))
        yield Session(chain, group, files, Agents(seed, files.keys(group.shard)), seed)
