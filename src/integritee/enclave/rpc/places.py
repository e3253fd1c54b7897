"""Who is served where more want to be than can.

Everybody is, while there is room. Then a newcomer takes a place of the site that has most of them, as long as that
site keeps at least as many as the newcomer's: so nobody at one address can keep all others out. Clients of one site,
or behind one proxy, do not displace each other: who comes too late is refused.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

S = TypeVar("S", bound=Hashable)


class Places(Generic[S]):
    """Places of numbered clients by the sites they come from. Time is constant while there is room."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._sites: dict[int, S] = {}
        self._clients: dict[S, dict[int, None]] = {}
        """Of each site, in the order of arrival."""

    def __len__(self) -> int:
        """Places taken."""
        return len(self._sites)

    def enter(self, client: int, site: S) -> int | None:
        """Take a place: None if there is one, else the client that must go: maybe the newcomer."""
        displaced = self._to_displace(site) if len(self._sites) >= self.capacity else None
        if displaced is None and len(self._sites) >= self.capacity:
            return client
        if displaced is not None:
            self.leave(displaced)
        self._sites[client] = site
        self._clients.setdefault(site, {})[client] = None
        return displaced

    def leave(self, client: int) -> None:
        """Give a place back; nothing for who has none."""
        site = self._sites.pop(client, None)
        if site is None:
            return
        clients = self._clients[site]
        del clients[client]
        if not clients:
            del self._clients[site]

    def _to_displace(self, site: S) -> int | None:
        """The latest client of the site with most of them, if it can spare one."""
        most = max(self._clients.values(), key=len, default={})
        if len(most) - 1 < len(self._clients.get(site, ())) + 1:
            return None
        return next(reversed(most))
