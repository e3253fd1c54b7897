"""A worker on a parachain: nothing counts for it but what the relay chain has finalized."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.request import urlopen

import base58
import pytest

from integritee.client.parentchain import ParentchainClient, to_hex
from integritee.crypto import blake2_256
from integritee.enclave.parentchain.light_client import AUTHORITIES_KEY
from integritee.primitives.header import Header
from integritee.primitives.parachain import para_head_key
from integritee.scale import encode

from .processes import Node, Service, Worker, soon

PARA_ID = 2039
RELAY_SEAL = "interval:3600"
"""The relay chain makes blocks when it is told of heads."""

Own = Callable[[Service], Service]


class Inclusion:
    """The relay chain takes note of the parachain's heads, as its validators would, unless it is `stopped`."""

    def __init__(self, parachain: Node, relay: Node) -> None:
        self.parachain, self.relay = parachain, relay
        self.stopped = False
        self.included = self.finalized = 0

    async def run(self) -> None:
        async with (
            await ParentchainClient.connect(self.parachain.url) as parachain,
            await ParentchainClient.connect(self.relay.url) as relay,
            parachain.finalized_heads() as heads,
        ):
            async for found in heads:
                head = Header.from_rpc(found["result"])
                self.finalized = head.number
                if not self.stopped:
                    value = [to_hex(para_head_key(PARA_ID)), to_hex(encode(bytes, head.encoded()))]
                    await relay.rpc.request("dev_setStorage", [[value]])
                    self.included = head.number


@pytest.fixture
async def inclusion(own: Own, directory: Path) -> AsyncIterator[Inclusion]:
    unvoted = ("--set-storage", f"{to_hex(AUTHORITIES_KEY)}=")
    parachain = Node(directory / "parachain", options=unvoted)
    relay = Node(directory / "relay", RELAY_SEAL, options=("--finality-delay", "0"))
    for node in (parachain, relay):
        own(node)
        node.start()
    inclusion = Inclusion(parachain, relay)
    including = asyncio.create_task(inclusion.run())
    yield inclusion
    including.cancel()


def worker_on(inclusion: Inclusion, directory: Path, own: Own, *, with_relay: bool = True) -> Worker:
    options = ("--integritee-relay-url", inclusion.relay.url, "--integritee-para-id", str(PARA_ID))
    shard = base58.b58encode(blake2_256(bytes(directory))).decode()
    name = "worker" if with_relay else "worker-without"
    worker = Worker(
        directory, inclusion.parachain.port, options=options if with_relay else (), shard=shard, name=name
    )
    own(worker)
    return worker


def view(worker: Worker) -> dict[str, object]:
    with urlopen(f"http://127.0.0.1:{worker.http_port}/readyz") as answer:
        found: dict[str, object] = json.load(answer)["parentchains"]["Integritee"]
    return found


async def test_the_level_is_relay_and_stays(inclusion: Inclusion, directory: Path, own: Own) -> None:
    worker = worker_on(inclusion, directory, own)
    await asyncio.to_thread(worker.start)
    assert (await asyncio.to_thread(view, worker))["finality"] == "relay"

    async def caught_up() -> bool:
        return (await asyncio.to_thread(view, worker))["verified_block"] == inclusion.included

    async def parachain_goes_on() -> bool:
        return inclusion.finalized > inclusion.included + 5

    inclusion.stopped = True
    await soon(parachain_goes_on, "the parachain goes on")
    await soon(caught_up, "the last included block is verified")
    last = inclusion.included

    async def worker_goes_on() -> bool:
        return int(str((await asyncio.to_thread(view, worker))["verified_block"])) > last

    assert not await worker_goes_on()
    inclusion.stopped = False
    await soon(worker_goes_on, "further blocks are verified")
    assert await asyncio.to_thread(worker.interrupt) == 0

    without = worker_on(inclusion, directory, own, with_relay=False)
    without.spawn()
    await asyncio.to_thread(without.wait_for, r"parentchain\.finality_downgrade")
    assert "READY" not in without.output()
    without.destroy()

    await asyncio.to_thread(worker.start)
    assert (await asyncio.to_thread(view, worker))["finality"] == "relay"
