"""A real node as the relay chain: what its RPC shows proves the heads of a parachain to the enclave."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from integritee.boundary.messages import RelayParams
from integritee.client.parentchain import ParentchainClient, to_hex
from integritee.enclave.parentchain.header_chain import HeaderChain
from integritee.enclave.parentchain.light_client import GENESIS_KEYS
from integritee.enclave.parentchain.relayed_chain import RelayedChain, start_relay
from integritee.primitives.parachain import para_head_key
from integritee.scale import encode
from integritee.worker.relay import next_proven_head

from ..enclave.parentchain.grandpa_chain import PARA_ID, extend, headless

PARA = extend(headless(), 24)


@pytest.fixture(scope="module", params=[1, 4], ids=["every block justified", "every fourth"])
def port(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of a node that makes no blocks unless it is told to."""
    command = [sys.executable, "-m", "integritee.node.main", "--dev", "--tmp", "--seal", "interval:3600"]
    command += ["--justification-period", str(request.param), "--finality-delay", "0", "--rpc-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as node:
        try:
            assert node.stdout is not None
            ready = next(line for line in node.stdout if line.startswith("READY"))
            yield ready.strip().rpartition(":")[2]
        finally:
            node.terminate()


@pytest.fixture
async def relay(port: str) -> AsyncIterator[ParentchainClient]:
    async with await ParentchainClient.connect(f"ws://127.0.0.1:{port}") as client:
        yield client


async def test_from_the_first_head_to_the_last(relay: ParentchainClient) -> None:
    genesis = await relay.header(relay.genesis_hash)
    proof = await relay.read_proof(list(GENESIS_KEYS), relay.genesis_hash)
    client = start_relay(RelayParams(genesis, proof, PARA_ID))
    chain = RelayedChain(HeaderChain.start(headless()), PARA_ID, client, is_proven=True)
    ends = []
    for head in PARA:
        value = to_hex(encode(bytes, head.encoded()))
        await relay.rpc.request("dev_setStorage", [[[to_hex(para_head_key(PARA_ID)), value]]])
        at = chain.chain.head.number
        found = await next_proven_head(relay, PARA_ID, chain.relay.head.number, at, len(PARA), 8)
        if found is not None:
            chain.import_batch(PARA[at : found.head.number], found.finality)
            ends.append(found.head.number)
    assert len(PARA) - 4 < ends[-1] <= len(PARA)
    assert ends == sorted(set(ends))
    assert chain.chain.head == PARA[ends[-1] - 1]
    assert chain.relay.head == await relay.header(await relay.block_hash(chain.relay.head.number))
