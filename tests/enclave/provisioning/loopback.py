"""Both edges over real sockets and TLS, for tests."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from integritee.enclave.provisioning import ProvisioningServer, ServerLimits
from integritee.enclave.provisioning.link import Link
from integritee.enclave.provisioning.messages import MAX_REFUSAL, Refusal, parse
from integritee.enclave.provisioning.tls import client_tls
from integritee.trie import Trie

from .enclaves import Enclave

LARGE = 10_000


@cache
def large_state() -> Trie:
    """About 1.8 MB in some 27 chunks."""
    keys = (hashlib.blake2b(i.to_bytes(4, "little"), digest_size=32).digest() for i in range(LARGE))
    return Trie.from_items({key: key * 3 for key in keys})


@asynccontextmanager
async def serving(provider: Enclave, **limits: Any) -> AsyncIterator[ProvisioningServer]:
    listener = ProvisioningServer(provider, ServerLimits(**limits))
    await listener.start("127.0.0.1", 0)
    try:
        yield listener
    finally:
        await listener.stop()


class Pauses(list[float]):
    """Instead of waiting between two attempts."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


async def connect(port: int, seconds: float = 10.0) -> Link:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_tls(), server_hostname="")
    return Link(reader, writer, seconds)


async def refusal(link: Link) -> Refusal:
    answer = parse(await link.receive(MAX_REFUSAL, "test"), MAX_REFUSAL)
    assert isinstance(answer, Refusal)
    return answer


async def nobody_is_served(listener: ProvisioningServer) -> None:
    while listener.client_count:  # noqa: ASYNC110 - the server tells nobody
        await asyncio.sleep(0)
