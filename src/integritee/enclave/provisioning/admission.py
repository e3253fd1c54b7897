"""Whom the server listens to at all: how many clients, how often, and from where.

Clients that have proven nothing yet count by the network they come from, so that nobody at one place can keep all
others out. Whoever has many places can; provisioning is not promised to be available.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from .errors import ProvisioningError, TooManyClients, TooOften

Network: TypeAlias = IPv4Network | IPv6Network

LOOPBACK: Final[tuple[Network, ...]] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
RATE_SECONDS: Final = 60.0
"""How long a client counts after it has come."""
SITE_BITS: Final = 64
"""Leading bits of an IPv6 address that are one site's (RFC 4291, 2.5.4)."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Bounds of the provisioning server. Times in seconds."""

    clients: int = 8
    """Served at the same time."""
    clients_per_site: int = 4
    """Of these, from one IPv4 address or IPv6 site."""
    sessions_per_minute: int = 240
    """Whose evidence is looked at."""
    sessions_per_minute_and_site: int = 60
    refusals: int = 8
    """Further clients that are told why they are not served; beyond these a socket is closed at once."""
    backlog: int = 16
    """Connections the kernel queues for us."""
    handshake_seconds: float = 10.0
    """Time for TLS."""
    message_seconds: float = 30.0
    """Time for one message in either direction."""
    session_seconds: float = 3600.0
    """Time for everything. A client that needs longer resumes."""


class Admission:
    """Counts clients. Times in seconds of any clock that only goes forward."""

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self._inside: Counter[Network] = Counter()
        self._entered: deque[tuple[float, Network]] = deque()

    @property
    def count(self) -> int:
        """Clients that are being served."""
        return self._inside.total()

    def enter(self, address: str, now: float) -> ProvisioningError | None:
        """Why a client is not served, or None: then it counts until it leaves."""
        limits, site = self._limits, site_of(address)
        while self._entered and self._entered[0][0] <= now - RATE_SECONDS:
            self._entered.popleft()
        recent = sum(other == site for _, other in self._entered)
        if self.count >= limits.clients:
            return TooManyClients(limits.clients)
        if self._inside[site] >= limits.clients_per_site:
            return TooManyClients(limits.clients_per_site)
        if len(self._entered) >= limits.sessions_per_minute:
            return TooOften(limits.sessions_per_minute)
        if recent >= limits.sessions_per_minute_and_site:
            return TooOften(limits.sessions_per_minute_and_site)
        self._inside[site] += 1
        self._entered.append((now, site))
        return None

    def leave(self, address: str) -> None:
        """A client that was served is gone."""
        site = site_of(address)
        self._inside[site] -= 1
        if not self._inside[site]:
            del self._inside[site]


def address_of(text: str) -> IPv4Address | IPv6Address:
    """The address that a socket gives; IPv4 as such, even if it came through an IPv6 socket."""
    address = ip_address(text.partition("%")[0])
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def site_of(text: str) -> Network:
    """What an address counts as: itself for IPv4, its site for IPv6."""
    address = address_of(text)
    return ip_network((address, SITE_BITS if address.version == 6 else 32), strict=False)
