"""Whether the longest note fits through all that is on its way: the call, its frame, the RPC, the boundary, the pool."""

from __future__ import annotations

import json

import pytest

from integritee.boundary.framing import MAX_FRAME
from integritee.boundary.interface import Ecalls, Ocalls
from integritee.boundary.messages import ContentFetched, StoreContent
from integritee.client.worker import WorkerClient
from integritee.enclave.pool.entry import MAX_ENTRY_BYTES
from integritee.enclave.rpc.limits import MAX_MESSAGE_BYTES, MAX_SESSION_MESSAGE_BYTES, ServerLimits
from integritee.primitives.cid import cid_v0
from integritee.primitives.ipfs import MAX_CONTENT_BYTES, MAX_NOTE_BYTES
from integritee.primitives.session import FRAME_OVERHEAD, SUBMIT_METHOD, WATCH_METHOD, to_text
from integritee.scale import EncodeError
from integritee.stf.operation import DirectCall, TrustedOperation
from integritee.stf.relayed_notes import NoteRelayType, RelayedNoteRequest

from ..client.ledger_enclave import ALICE, BOB, LEDGER, MRENCLAVE, SHARD, LedgerEnclave

LONGEST = RelayedNoteRequest(False, NoteRelayType.Ipfs, "x" * MAX_NOTE_BYTES, bytes(32))


def longest_call() -> bytes:
    call = LEDGER.call("send_relayed_note", ALICE.public, BOB.public, 2**32 - 1, LONGEST)
    return LEDGER.codec(TrustedOperation).encode(DirectCall(LEDGER.sign_call(call, 0, ALICE, MRENCLAVE, SHARD)))


@pytest.mark.parametrize("method", [WATCH_METHOD, SUBMIT_METHOD])
def test_a_message_of_a_session(method: str) -> None:
    frame = to_text(longest_call() + bytes(FRAME_OVERHEAD))
    message = json.dumps({"jsonrpc": "2.0", "id": 2**63 - 1, "method": method, "params": [frame]})
    assert MAX_MESSAGE_BYTES < len(message) <= MAX_SESSION_MESSAGE_BYTES <= ServerLimits().message_bytes
    assert len(longest_call()) > MAX_ENTRY_BYTES  # so it can only wait in the pool without its text


def test_an_answer_of_the_trusted_rpc() -> None:
    assert ServerLimits().outgoing_bytes >= 2 * MAX_CONTENT_BYTES + 1024


def test_messages_of_the_boundary() -> None:
    cid, content = cid_v0(b""), bytes(MAX_CONTENT_BYTES)
    assert len(Ocalls.store_content.encode_request(StoreContent(cid, content))) < MAX_FRAME
    assert len(Ecalls.content_fetched.encode_request(ContentFetched(1, content))) < MAX_FRAME
    with pytest.raises(EncodeError):
        Ocalls.store_content.encode_request(StoreContent(cid, content + b"!"))
    with pytest.raises(EncodeError):
        Ecalls.content_fetched.encode_request(ContentFetched(1, content + b"!"))


async def test_through_a_session_of_the_sdk() -> None:
    """This enclave has no IPFS and executes the call as it is; what counts is that it has arrived."""
    enclave = LedgerEnclave()
    async with enclave.serving() as url, await WorkerClient.connect(url, ledger=LEDGER) as client:
        signed = await client.sign("send_relayed_note", ALICE.public, BOB.public, 7, LONGEST, signer=ALICE, nonce=0)
        assert await client.submit(signed) == LEDGER.top_hash(DirectCall(signed))
    assert SUBMIT_METHOD in enclave.asked
