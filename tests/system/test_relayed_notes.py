"""Notes through a daemon of IPFS and back, with a chain, a worker and an enclave as processes; `make test-ipfs` does
the same with a real Kubo."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from integritee.client.errors import OperationCancelled
from integritee.client.relayed_notes import read_note
from integritee.client.worker import WorkerClient
from integritee.crypto import Sr25519Pair
from integritee.primitives.cid import cid_v0
from integritee.primitives.ipfs import MAX_NOTE_BYTES
from integritee.stf.operation import TrustedCall
from integritee.stf.relayed_notes import KeptHere, NoteRelayType, OnIpfs, RelayedNoteRequest, RelayedNoteRetrievalInfo
from integritee.stf.types import SuccessfulTrustedCall

from ..ipfs.fake_kubo import NO_SPACE, FakeKubo, answering, failed, fake_kubo
from .processes import Node, Worker

ALICE: Final = Sr25519Pair.from_uri("//Alice")
BOB: Final = Sr25519Pair.from_uri("//Bob")
LONG: Final = ("Grüezi mitenand! " * MAX_NOTE_BYTES).encode()[:MAX_NOTE_BYTES].decode(errors="ignore")
SHORT: Final = "a short text"


@pytest.fixture
async def daemon() -> AsyncIterator[FakeKubo]:
    async with fake_kubo() as daemon:
        yield daemon


@pytest.fixture
async def worker(daemon: FakeKubo, node: Node, tmp_path: Path) -> AsyncIterator[Worker]:
    worker = Worker(tmp_path, node.port, options=("--ipfs-url", daemon.url))
    try:
        yield await asyncio.to_thread(worker.start)
    finally:
        worker.destroy()


async def send(client: WorkerClient, text: str, *, fallback: bool = False) -> None:
    request = RelayedNoteRequest(fallback, NoteRelayType.Ipfs, text, None)
    await client.call("send_relayed_note", ALICE.public, BOB.public, 7, request, signer=ALICE)


async def latest(client: WorkerClient) -> RelayedNoteRetrievalInfo:
    """How Bob's latest note is retrieved."""
    (*_, stamped) = await client.get("notes_for", BOB.public, 0, signer=BOB)
    assert isinstance(stamped.note, SuccessfulTrustedCall)
    call: TrustedCall = client.ledger.codec(TrustedCall).decode(stamped.note.call)
    retrieval: RelayedNoteRetrievalInfo = call.args[3]
    return retrieval


async def test_a_long_note_there_and_back_and_what_a_full_daemon_does(daemon: FakeKubo, worker: Worker) -> None:
    async with await WorkerClient.connect(worker.url) as client:
        await send(client, LONG)
        retrieval = await latest(client)
        assert isinstance(retrieval, OnIpfs)
        assert await read_note(client, retrieval) == LONG
        ((cid, content),) = daemon.content.items()
        assert retrieval.ipfs_hash.decode() == cid == cid_v0(content)
        assert b"mitenand" not in content

        daemon.trouble["add"] = answering(lambda: failed(NO_SPACE))
        before = await client.account_info(ALICE)
        with pytest.raises(OperationCancelled) as told:
            await send(client, LONG)
        assert (told.value.code, told.value.status) == ("ipfs.full", "Dropped")
        assert await client.account_info(ALICE) == before
        await send(client, SHORT, fallback=True)
        assert await latest(client) == KeptHere(SHORT)

        del daemon.trouble["add"]
        await send(client, SHORT)
        assert await read_note(client, await latest(client)) == SHORT
    assert "mitenand" not in worker.output()
