"""`export-shard` and `import-shard`: the host's part of a recovery. It carries files; it can read none of them.

A share is a file that a custodian's answer was put in, in any order and under any name; what cannot be used is said
and waited for anew, until the enclave has shares enough. Its request is worth nothing once this process has ended.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import base58

from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.interface import Ecalls, Method
from integritee.boundary.messages import (
    MAX_RELEASE,
    ExportShard,
    ImportShard,
    Nothing,
    Provisioned,
    ShareRelease,
    ShareRequest,
)
from integritee.scale import Struct

from .config import Config
from .enclave_process import EnclaveProcess
from .kubo import Kubo, Patience, fetch_file, store_file
from .launch import launch
from .sealed_place import sealed_place

SHARE_POLL: Final = 1.0
"""Seconds between two looks for shares."""
STATE_LIMIT: Final = 3600.0
"""Seconds in which the largest state is written or read."""
MAX_BUNDLE: Final = 1 << 40
"""Bytes of a bundle that is fetched: as many as one may have (`enclave.recovery.bundle`)."""
MAX_SHARE_FILES: Final = 256
"""Files that are looked at, by name."""

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)


class Enclave(Protocol):
    """What is asked of the enclave's process."""

    async def call(self, method: Method[Q, A], request: Q, timeout: float = ...) -> A: ...


async def export(config: Config) -> int:
    """Write the bundle, and store it on IPFS if asked to. Raises RemoteFailure with the enclave's error, IpfsError;
    the file is there even after the latter."""
    assert config.bundle is not None
    path = config.bundle.absolute()

    async def ask(enclave: Enclave) -> None:
        request = ExportShard(sealed_place(config), str(path), config.slot_ms, _now())
        told = await enclave.call(Ecalls.export_shard, request, STATE_LIMIT)
        print(f"wrote {path}: the shard behind block {told.number}, {told.entries} entries")
        print(f"identity {told.identity.hex()}")

    code = await _with_enclave(ask)
    if config.on_ipfs is not None:
        async with _kubo(config) as kubo:
            print(f"on IPFS as {await store_file(kubo, path)}")
    return code


async def restore(config: Config) -> int:
    """Write the request, wait for shares, bring the shard back; fetch the bundle before if asked to.

    Raises RemoteFailure with the enclave's error, IpfsError.
    """
    assert config.bundle is not None and config.request is not None and config.shares is not None
    path, shares, request = config.bundle.absolute(), config.shares, config.request
    await asyncio.to_thread(shares.mkdir, parents=True, exist_ok=True)
    if config.on_ipfs is not None:
        async with _kubo(config) as kubo:
            await fetch_file(kubo, config.on_ipfs, path, MAX_BUNDLE)
        print(f"fetched {config.on_ipfs} into {path}")

    async def ask(enclave: Enclave) -> None:
        begin = ImportShard(sealed_place(config), str(path), _now())
        asked = await enclave.call(Ecalls.import_shard, begin)
        await asyncio.to_thread(request.write_bytes, asked.request)
        print(f"wrote {request}: have {asked.threshold} custodians answer it, and put their answers into {shares}")
        done = await collect(enclave, asked, lambda: read_shares(shares), print)
        print(f"the shard is back, behind block {done.number} ({base58.b58encode(done.hash).decode()})")

    return await _with_enclave(ask)


async def collect(
    enclave: Enclave,
    asked: ShareRequest,
    look: Callable[[], dict[str, bytes]],
    say: Callable[[str], None],
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Provisioned:
    """Offer every share that `look` finds once, until there are enough; then have the bundle opened.

    Raises RemoteFailure if that fails.
    """
    seen: set[bytes] = set()
    while True:
        for name, data in (await asyncio.to_thread(look)).items():
            digest = hashlib.sha256(data).digest()
            if digest in seen:
                continue
            seen.add(digest)
            try:
                held = await enclave.call(Ecalls.offer_share, ShareRelease(data))
            except RemoteFailure as refused:
                say(f"{name}: {refused} ({refused.code})")
                continue
            say(f"{name}: share {held.held} of {held.threshold}")
            if held.held >= asked.threshold:
                return await enclave.call(Ecalls.finish_import, Nothing(), STATE_LIMIT)
        await pause(SHARE_POLL)


def read_shares(directory: Path) -> dict[str, bytes]:
    """Content of the files by name; none of them is too long to be a share."""
    found = {}
    for path in sorted(directory.iterdir())[:MAX_SHARE_FILES]:
        if path.is_file() and path.stat().st_size <= MAX_RELEASE:
            found[path.name] = path.read_bytes()
    return found


@asynccontextmanager
async def _kubo(config: Config) -> AsyncIterator[Kubo]:
    assert config.ipfs_url is not None
    kubo = Kubo(config.ipfs_url, Patience(total=STATE_LIMIT))
    try:
        yield kubo
    finally:
        await kubo.close()


async def _with_enclave(ask: Callable[[Enclave], Awaitable[Any]]) -> int:
    enclave = await EnclaveProcess.attach(await launch(), {})
    try:
        await ask(enclave)
    finally:
        await enclave.stop()
    return 0


def _now() -> int:
    return time.time_ns() // 1_000_000
