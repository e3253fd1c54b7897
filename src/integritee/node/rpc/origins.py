"""Which web pages may use the server (``--rpc-cors``).

Browsers tell the page's origin with every cross-site request and WebSocket upgrade; other clients tell none and
are not concerned. A page of an origin that is not allowed is refused altogether: it must not even cause effects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import urlsplit

LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
PUBLIC_PAGES: Final = frozenset({"https://polkadot.js.org"})

MAX_AGE_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class Origins:
    """`allowed` origins, e.g. ``https://polkadot.js.org``; None allows all. `local` adds pages of this machine."""

    allowed: frozenset[str] | None = field(default=PUBLIC_PAGES)
    local: bool = True

    @classmethod
    def parse(cls, text: str) -> Self:
        """``all``, or a list of origins separated by commas, ``null`` among them for pages without origin."""
        if text == "all":
            return cls(None)
        return cls(frozenset(part.strip() for part in text.split(",") if part.strip()), local=False)

    def permits(self, origin: str | None) -> bool:
        if origin is None or self.allowed is None or origin in self.allowed:
            return True
        return self.local and _host(origin) in LOCAL_HOSTS

    def headers(self, origin: str | None) -> Mapping[str, str]:
        """Response headers for a permitted origin."""
        if origin is None:
            return {}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "POST, GET, OPTIONS",
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Max-Age": str(MAX_AGE_SECONDS),
            "Vary": "Origin",
        }


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None
