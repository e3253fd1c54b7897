"""Who serves the shard, as the parentchain of Integritee says: signers in its status, and where they registered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final, Protocol

from .errors import PeerUnusable

MAX_URL: Final = 256
"""Bytes, as the pallet allows."""

SCHEMES: Final = ("wss://", "ws://")
STANDARD_MU_RA_PORT: Final = 3443


@dataclass(frozen=True)
class Validateer:
    """A signer in the shard's status. `url` is that of its trusted RPC, None if it is not registered or gives none;
    `last_activity` is the parentchain block it last confirmed something in."""

    account: bytes
    url: str | None
    last_activity: int


class Chain(Protocol):
    """A client of the parentchain."""

    async def storage(self, pallet: str, item: str, *keys: Any, at: bytes | None = None) -> Any: ...

    async def finalized_head(self) -> bytes: ...


async def read_validateers(chain: Chain, shard: bytes) -> list[Validateer]:
    """In the order of the status: the first is the primary. Empty if nobody serves the shard. Raises ClientError."""
    at = await chain.finalized_head()
    status = await chain.storage("EnclaveBridge", "ShardStatus", shard, at=at) or []

    async def validateer(entry: Any) -> Validateer:
        signer = bytes(entry["signer"])
        enclave = await chain.storage("Teerex", "SovereignEnclaves", signer, at=at)
        return Validateer(signer, _url_of(enclave), int(entry["last_activity"]))

    return list(await asyncio.gather(*map(validateer, status)))


def _url_of(enclave: Any) -> str | None:
    """Of a MultiEnclave; None if there is nothing to connect to."""
    raw = None if enclave is None else enclave.value["url"]
    if not raw or len(raw) > MAX_URL:
        return None
    try:
        return trusted_url(bytes(raw).decode())
    except UnicodeError:
        return None


def trusted_url(registered: str) -> str:
    """``wss://host:port`` of what was registered, with or without a scheme (worker `node_api_factory`)."""
    return "wss://" + _without_scheme(registered)


def untrusted_url(told: str) -> str:
    """Where a peer says that blocks are fetched. Raises PeerUnusable."""
    if len(told) > MAX_URL or not told.startswith(SCHEMES):
        raise PeerUnusable("untrusted URL", told[:MAX_URL], "ws://host:port")
    return told


def mu_ra_address(told: str) -> tuple[str, int]:
    """Host and port of a provisioning server: ``host[:port]``, ``[IPv6]:port``. Raises PeerUnusable."""
    text = _without_scheme(told).rstrip("/")
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(STANDARD_MU_RA_PORT)
    host = host.removeprefix("[").removesuffix("]")
    if not host or len(text) > MAX_URL or not port.isdecimal() or not 0 < int(port) < 65536:
        raise PeerUnusable("MU-RA URL", told[:MAX_URL], "host:port")
    return host, int(port)


def _without_scheme(url: str) -> str:
    for scheme in SCHEMES:
        url = url.replace(scheme, "")
    return url
