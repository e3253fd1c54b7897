"""What a worker needs around it: free ports, nodes that answer, and a clock that agrees with them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from integritee.client.errors import ClientError
from integritee.client.parentchain import ParentchainClient
from integritee.metadata.errors import MetadataError

from ..chain_config import ChainConfig
from ..config import Config
from .finding import Finding, Severity

NODE_LIMIT: Final = 5.0
"""Seconds for one node to answer."""
CLOCK_TOLERANCE: Final = 30
"""Seconds that a finalized block may be ahead of the clock."""
STALE_AFTER: Final = 600
"""Seconds after which a latest finalized block is old."""


@dataclass(frozen=True)
class NodeView:
    """A node's latest finalized block and its time in unix ms; None of a chain that keeps no time."""

    number: int
    time: int | None


Observe = Callable[[str], Awaitable[NodeView]]


def ports(config: Config) -> dict[str, int]:
    """The ports that a worker of this configuration listens at, by name of the option."""
    wanted = {
        "--trusted-worker-port": config.trusted_port,
        "--untrusted-worker-port": config.untrusted_port,
        "--mu-ra-port": config.mu_ra_port,
        "--untrusted-http-port": config.http_port,
    }
    if config.enable_metrics:
        wanted["--metrics-port"] = config.metrics_port
    return wanted


def port_findings(host: str, wanted: dict[str, int], in_use: bool) -> list[Finding]:
    """Ports that cannot be had; while a worker has the directory (`in_use`) they are probably its own."""
    found = []
    for option, port in wanted.items():
        reason = _occupied(host, port) if port else None
        if reason is not None:
            severity = Severity.INFO if in_use else Severity.ERROR
            message = f"{option} {port} on {host}: {reason}"
            facts: dict[str, str | int | bool | None] = {"option": option, "port": port, "host": host}
            found.append(Finding(severity, "doctor.port_taken", message, facts))
    return found


def _occupied(host: str, port: int) -> str | None:
    """Why one cannot listen there; None if one can."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as failed:
            return failed.strerror or str(failed)
    return None


async def observe(url: str) -> NodeView:
    """Raises ClientError, MetadataError."""
    async with await ParentchainClient.connect(url, attempts=1, request_timeout=NODE_LIMIT) as chain:
        head = await chain.finalized_head()
        number = (await chain.header(head)).number
        try:
            time = await chain.storage("Timestamp", "Now", at=head)
        except MetadataError:
            time = None
        return NodeView(number, time if isinstance(time, int) else None)


async def node_findings(chains: tuple[ChainConfig, ...], now: float, look: Observe = observe) -> list[Finding]:
    """Ask every configured node; `now` in unix seconds. URLs are shown without what may be secret in them."""
    asked = [(chain, url) for chain in chains for url in chain.urls]
    views = await asyncio.gather(*(_view(look, url) for _, url in asked))
    return [
        finding
        for (chain, url), view in zip(asked, views, strict=True)
        for finding in _judge(chain.id.name, _public(url), view, now)
    ]


async def _view(look: Observe, url: str) -> NodeView | str:
    try:
        async with asyncio.timeout(2 * NODE_LIMIT):
            return await look(url)
    except TimeoutError:
        return "no answer in time"
    except (ClientError, MetadataError) as failed:
        return failed.code


def _judge(chain: str, url: str, view: NodeView | str, now: float) -> list[Finding]:
    facts: dict[str, str | int | bool | None] = {"chain": chain, "node": url}
    if isinstance(view, str):
        message = f"{chain}'s node at {url} does not answer: {view}"
        return [Finding(Severity.WARNING, "doctor.node_silent", message, facts | {"reason": view})]
    if view.time is None or view.number == 0:
        return []
    age = int(now - view.time / 1000)
    facts |= {"number": view.number, "age": age}
    if age < -CLOCK_TOLERANCE:
        message = f"block {view.number} of {chain} is {-age} s ahead of this machine's clock"
        return [Finding(Severity.WARNING, "doctor.clock_behind", message, facts)]
    if age > STALE_AFTER:
        message = f"the latest finalized block of {chain} at {url} is {age} s old: chain, node or clock is wrong"
        return [Finding(Severity.WARNING, "doctor.node_stale", message, facts)]
    return []


def _public(url: str) -> str:
    """Scheme, host and port."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}"
