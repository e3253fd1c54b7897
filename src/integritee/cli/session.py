"""What the options of `trusted` say: MRENCLAVE, shard, key store, and the enclave they are about.

Worker `cli/src/trusted_command_utils.rs`: a missing MRENCLAVE is asked of the worker, a missing shard is the
MRENCLAVE if that is given. Otherwise the worker is asked as well: it may serve the shard of earlier code.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import base58

from integritee.client.keystore import KeyStore
from integritee.client.worker import WorkerClient

from .arguments import Options
from .connections import worker
from .errors import InvalidIdentifier


@dataclass(frozen=True)
class Identity:
    """An enclave and a shard, 32 bytes each."""

    mrenclave: bytes
    shard: bytes

    @property
    def store(self) -> KeyStore:
        """Accounts of the shard."""
        return KeyStore.trusted(self.shard)


@dataclass(frozen=True)
class Session:
    """A connection to the enclave an identity names."""

    client: WorkerClient
    identity: Identity


@asynccontextmanager
async def session(options: Options) -> AsyncIterator[Session]:
    """Connect, and ask the worker for what the options do not say. Raises InvalidIdentifier and client errors."""
    mrenclave, shard = _given(options)
    async with await worker(options) as client:
        known = mrenclave or await client.fingerprint()
        identity = Identity(known, shard or mrenclave or await _served(client) or known)
        asked = WorkerClient(client.rpc, client.ledger, known, identity.shard, options.envelope)
        yield Session(asked, identity)


async def _served(client: WorkerClient) -> bytes | None:
    """The shard that the worker says it serves; None if it names none."""
    shard = await client.served_shard()
    return shard if any(shard) else None


async def key_store(options: Options) -> KeyStore:
    """Accounts of the shard; the worker is asked only if no option names it. Raises as `session`."""
    mrenclave, shard = _given(options)
    named = shard or mrenclave
    if named is not None:
        return KeyStore.trusted(named)
    async with session(options) as asked:
        return asked.identity.store


def base58_text(data: bytes) -> str:
    text: bytes = base58.b58encode(data)
    return text.decode()


def _given(options: Options) -> tuple[bytes | None, bytes | None]:
    mrenclave, shard = options.mrenclave, options.shard
    return (
        None if mrenclave is None else identifier("--mrenclave", mrenclave),
        None if shard is None else identifier("--shard", shard),
    )


def identifier(option: str, text: str) -> bytes:
    """The 32 bytes that a base58 text stands for. Raises InvalidIdentifier."""
    try:
        data: bytes = base58.b58decode(text)
    except ValueError:
        data = b""
    if len(data) != 32:
        raise InvalidIdentifier(option)
    return data
