"""Having an enclave that knows nothing of its shard get keys and state from one that does.

The peer that was active last is tried first, then the others, then all again after a pause, until one serves. Who may
have what, the two enclaves settle between themselves.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from random import SystemRandom
from typing import Final

from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.messages import Provisioned, Provisioning
from integritee.client.errors import ClientError
from integritee.errors import IntegriteeError
from integritee.worker.endpoints import pause
from integritee.worker.errors import EnclaveSilent

from .errors import PeerError
from .network import Network

PROVISIONING_LIMIT: Final = 3600.0
"""Seconds that one attempt may take; what was received of the state is kept for the next."""

OWN_FAULTS: Final = frozenset({"enclave.other_slot_duration"})
"""Codes of refusals for which this worker's configuration is to blame: nobody else would be of any help."""

RANDOM: Final = SystemRandom()
log = logging.getLogger(__name__)

Provision = Callable[[Provisioning], Awaitable[Provisioned]]
"""The ecall. Raises RemoteFailure, EnclaveDied, EnclaveSilent."""


@dataclass(frozen=True)
class Source:
    """Who may provide. `address` finds host and port of its provisioning server; raises ClientError, PeerError."""

    name: str
    address: Callable[[], Awaitable[tuple[str, int]]]
    succeed: bool = False
    """Whether to take its place instead of joining it."""
    failed: Callable[[], None] = lambda: None
    """Is told when it did not serve."""


def predecessor(host: str, port: int) -> Source:
    """The enclave at a known place, to be succeeded."""

    async def address() -> tuple[str, int]:
        return host, port

    return Source(f"{host}:{port}", address, succeed=True)


async def peers_by_activity(network: Network) -> list[Source]:
    """All peers as the registry lists them now, the one that was active last first."""
    await network.refresh()
    latest_first = sorted(network.validateers, key=lambda validateer: -validateer.last_activity)
    peers = (network.peer(validateer.account) for validateer in latest_first)
    return [Source(peer.name, peer.mu_ra_address, failed=peer.forget) for peer in peers if peer is not None]


async def be_provisioned(
    provision: Provision,
    sources: Callable[[], Awaitable[Iterable[Source]]],
    say: Callable[[str], None],
    roll: Callable[[], float] = RANDOM.random,
) -> Provisioned:
    """Try one source after the other until one serves. Raises EnclaveDied, and RemoteFailure for own faults."""
    rounds = 0
    told: dict[str, str] = {}
    while True:
        for source in await sources():
            try:
                return await _attempt(provision, source, say, is_first=source.name not in told)
            except (ClientError, PeerError, RemoteFailure, EnclaveSilent) as failed:
                if failed.code in OWN_FAULTS:
                    raise
                source.failed()
                _report(source, failed, say, is_news=told.get(source.name) != failed.code)
                told[source.name] = failed.code
        rounds += 1
        await asyncio.sleep(pause(rounds, roll()))


async def _attempt(provision: Provision, source: Source, say: Callable[[str], None], is_first: bool) -> Provisioned:
    host, port = await source.address()
    if is_first:
        say(f"[>] asking {source.name} at {host}:{port} for keys and state")
    return await provision(Provisioning(host, port, source.succeed))


def _report(source: Source, failed: IntegriteeError, say: Callable[[str], None], is_news: bool) -> None:
    text = f"{source.name} does not provide keys and state: {failed} ({failed.code})"
    if is_news:
        say(f"[!] {text}")
    else:
        log.info("%s", text)
