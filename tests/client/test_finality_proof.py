"""What a client makes of a node's proof of finality."""

from __future__ import annotations

from typing import Any, cast

import pytest

from integritee.client.errors import MalformedAnswer
from integritee.client.jsonrpc import RpcConnection
from integritee.client.parentchain import ParentchainClient, Runtime
from integritee.primitives.grandpa import FinalityProof
from integritee.primitives.header import Digest, Header
from integritee.scale import encode

HEADER = Header(bytes(32), 7, bytes(32), bytes(32), Digest([]))
PROOF = FinalityProof(HEADER.hash(), b"\x01\x02", [HEADER])
ENCODED = "0x" + encode(FinalityProof, PROOF).hex()


class Node:
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def request(self, method: str, params: list[Any], timeout: float | None = None) -> Any:
        assert (method, params) == ("grandpa_proveFinality", [7])
        return self.answer


def client(answer: Any) -> ParentchainClient:
    return ParentchainClient(cast(RpcConnection, Node(answer)), bytes(32), cast(Runtime, None))


@pytest.mark.parametrize(("answer", "proof"), [(ENCODED, PROOF), (None, None)], ids=["proof", "nothing"])
async def test_proof(answer: str | None, proof: FinalityProof | None) -> None:
    assert await client(answer).prove_finality(7) == proof


@pytest.mark.parametrize("answer", [ENCODED[:-2], ENCODED + "00", "0x00", "xyz", 7, {"proof": ENCODED}], ids=str)
async def test_nonsense(answer: Any) -> None:
    with pytest.raises(MalformedAnswer):
        await client(answer).prove_finality(7)
