"""`--reload`: changed code of apps takes the place of the old, on the same state.

Changed code is another enclave to everybody: it has another MRENCLAVE, so the parentchain must be told that the
shard is its own now, and it could not open what the old code sealed. In development, and there only, the state is
sealed for any code of the same signer (``--seal-to-signer``), and the chain's root key does what governance would.

    a change in a folder → try out and measure → stop the worker → entitle the new code → start the worker

Code that the enclave would not run is reported, and the old code goes on.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Final

import base58

from integritee.client.parentchain import ParentchainClient
from integritee.crypto import Sr25519Pair
from integritee.primitives.enclave_bridge import ShardConfig, UpgradableShardConfig
from integritee.primitives.storage import blake2_map_key
from integritee.scale import decode

from .errors import CodeRefused, NotEntitled
from .network import WORKER, Facts, Network, app_arguments
from .watch import Watch

MEASURING_TIMEOUT: Final = 30.0
"""Seconds that changed code may take to be imported and measured."""

READY_TIMEOUT: Final = 15.0
"""Seconds for the new code to make its first block. Longer is reported; it may still do so, or be changed again."""

ROOT: Final = Sr25519Pair.from_uri("//Alice")
"""Holds the sudo key of development chains."""


async def changed_code(watch: Watch, apps: Sequence[str], running: str | None) -> str:
    """Wait for code that the enclave would run and that is not `running`; its MRENCLAVE in base58."""
    while True:
        await watch.change()
        try:
            fingerprint = await measure(apps)
        except CodeRefused as refused:
            report(refused)
        else:
            if fingerprint != running:
                return fingerprint


def report(refused: CodeRefused) -> None:
    print(f"error: {refused.code}: {refused}\n[reload] the old code goes on", file=sys.stderr, flush=True)


async def measure(apps: Sequence[str]) -> str:
    """MRENCLAVE (base58) of the code as it is now, tried out by an enclave of its own. Raises CodeRefused."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", WORKER, "mrenclave", "--dev", *app_arguments(apps)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(MEASURING_TIMEOUT):
            output, errors = await process.communicate()
    except TimeoutError:
        raise CodeRefused(f"it was not imported within {MEASURING_TIMEOUT:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode != 0:
        raise CodeRefused(errors.decode(errors="replace").strip().removeprefix("error: "))
    return output.decode().strip()


async def exchange(network: Network, facts: Facts, fingerprint: str) -> Facts:
    """Have the code of `fingerprint` (base58) take over; the worker that was there has ended in any case.

    Raises NotEntitled, ProcessEnded, ProcessSilent, ClientError.
    """
    await network.stop_worker()
    await entitle(facts.node_url, facts.shard, fingerprint)
    await network.start_worker(facts.shard)
    now = await network.ready(READY_TIMEOUT)
    await entitle(now.node_url, now.shard, now.mrenclave)  # another one, if files changed in the meantime
    return now


async def entitle(node_url: str, shard: str, fingerprint: str) -> None:
    """Have the parentchain take the code of `fingerprint` for that of `shard` (base58 both), if anybody's is.

    Raises NotEntitled, ClientError.
    """
    shard_id, code = base58.b58decode(shard), base58.b58decode(fingerprint)
    async with await ParentchainClient.connect(node_url) as chain:
        if await _entitled(chain, shard_id) in (None, code):
            return
        config = {"shard": shard_id, "shard_config": ShardConfig(code), "enactment_delay": 0}
        as_root = chain.call("Sudo", "sudo", {"call": chain.call("EnclaveBridge", "update_shard_config", config)})
        await chain.submit_and_watch(await chain.sign(as_root, ROOT))
        if await _entitled(chain, shard_id) != code:
            raise NotEntitled(shard_id, code)


async def _entitled(chain: ParentchainClient, shard: bytes) -> bytes | None:
    """Fingerprint of the code that may speak for a shard at the best block; None if nobody claimed it yet."""
    raw = await chain.raw_storage(blake2_map_key("EnclaveBridge", "ShardConfigRegistry", shard))
    if raw is None:
        return None
    config: UpgradableShardConfig = decode(UpgradableShardConfig, raw)
    return config.at((await chain.header()).number).enclave_fingerprint
