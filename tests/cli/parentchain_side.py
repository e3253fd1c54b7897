"""What an enclave does on the parentchain, as far as the command line notices."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import base58

from integritee.client.parentchain import ParentchainClient
from integritee.crypto import KeyPair
from integritee.primitives.teerex import Skip

from ..client.ledger_enclave import MRENCLAVE

MRENCLAVE_TEXT = base58.b58encode(MRENCLAVE).decode()
NO_CALLS = b"\x0c" * 32


async def register_worker(node_port: str, pair: KeyPair, url: bytes | None) -> None:
    async with await ParentchainClient.connect(f"ws://127.0.0.1:{node_port}") as chain:
        arguments = {
            "proof": MRENCLAVE,
            "worker_url": url,
            "attestation_method": Skip(proxied=False),
        }
        call = chain.call("Teerex", "register_sgx_enclave", arguments)
        await chain.submit_and_watch(await chain.sign(call, pair))


async def confirm_invocations(node_port: str, pair: KeyPair, ready: asyncio.Event) -> None:
    """Confirm every block with an invocation, until cancelled. The shard is the one named by the MRENCLAVE."""
    async with (
        await ParentchainClient.connect(f"ws://127.0.0.1:{node_port}") as chain,
        chain.event_stream() as batches,
    ):
        with suppress(asyncio.CancelledError):
            async for batch in batches:
                ready.set()
                if any(event.name == "IndirectInvocationRegistered" for event in batch.events):
                    arguments = {
                        "shard": MRENCLAVE,
                        "block_hash": batch.block_hash,
                        "block_number": batch.number,
                        "trusted_calls_merkle_root": NO_CALLS,
                    }
                    call = chain.call("EnclaveBridge", "confirm_processed_parentchain_block", arguments)
                    await chain.submit(await chain.sign(call, pair))
