"""The node and the worker that the global options name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from integritee.client.errors import RequestTimeout
from integritee.client.parentchain import Inclusion, ParentchainClient
from integritee.client.worker import WorkerClient

from .arguments import Options


async def node(options: Options) -> ParentchainClient:
    """Connect to the node, in up to five attempts; to be used as a context manager. Raises ConnectionFailed."""
    return await ParentchainClient.connect(f"{options.node_url}:{options.node_port}")


async def worker(options: Options, mrenclave: bytes | None = None, shard: bytes | None = None) -> WorkerClient:
    """Connect to the enclave; to be used as a context manager. Raises ConnectionFailed."""
    url = f"{options.worker_url}:{options.trusted_worker_port}"
    return await WorkerClient.connect(
        url, ledger=options.ledger, mrenclave=mrenclave, shard=shard, envelope=options.envelope
    )


@asynccontextmanager
async def deadline(options: Options, what: str) -> AsyncIterator[None]:
    """Raises RequestTimeout if the body takes longer than the option `--timeout` allows."""
    try:
        async with asyncio.timeout(options.timeout):
            yield
    except TimeoutError:
        raise RequestTimeout(what, options.timeout) from None


async def include(options: Options, chain: ParentchainClient, extrinsic: bytes, until: str = "inBlock") -> Inclusion:
    """Submit an extrinsic and wait until it is in a block, or ``finalized``.

    Raises RpcError, ExtrinsicFailed, RequestTimeout.
    """
    async with deadline(options, "the extrinsic"):
        return await chain.submit_and_watch(extrinsic, until)
