"""The content of a relayed note: its form, who can open it, and how readers get it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.client.errors import RequestRefused
from integritee.client.relayed_notes import read_content, read_note
from integritee.client.worker import WorkerClient
from integritee.enclave.selftest.damage import flipped
from integritee.errors import IntegriteeError
from integritee.primitives.cid import cid_v0, cid_v1
from integritee.primitives.ipfs import (
    MAX_CONTENT_BYTES,
    MAX_NOTE_BYTES,
    CidMismatch,
    ContentTooLong,
    ContentUnreadable,
    InvalidCid,
)
from integritee.stf.relayed_content import PADDING, open_note, own_key, seal_note
from integritee.stf.relayed_notes import KeptHere, OnIpfs, RelayedElsewhere, RelayedNoteRetrievalInfo

from ..client.ledger_enclave import LEDGER, LedgerEnclave

KEY, OTHER = bytes(range(32)), bytes(32)
TOP_HASH = b"\x11" * 32
TEXT = "Grüezi"


def test_the_form_of_the_content() -> None:
    """Computed apart from this code, by the form in the module's head."""
    content = seal_note(KEY, TEXT, TOP_HASH)
    assert len(content) == 12 + PADDING + 16
    assert cid_v0(content) == "QmcUYBNd7FdUAx8oKkZgquWXMRRpmxcq4exyYq7M3yzVCv"
    assert own_key(KEY, TOP_HASH).hex() == "e9be1446e7d732ba8f1b46bbcfb9aecddf4b1c094bc8cfd97c0a02fc4cdfeaad"


@given(
    text=st.text(max_size=3000), key=st.binary(min_size=32, max_size=32), top_hash=st.binary(min_size=32, max_size=32)
)
def test_what_is_sealed_is_opened(text: str, key: bytes, top_hash: bytes) -> None:
    content = seal_note(key, text, top_hash)
    assert open_note(key, content) == text
    assert (len(content) - 28) % PADDING == 0
    assert content != seal_note(key, text, top_hash[::-1]) or top_hash == top_hash[::-1]


@given(at=st.integers(0, PADDING + 27), bit=st.integers(0, 7))
def test_whatever_is_changed_is_noticed(at: int, bit: int) -> None:
    content = seal_note(KEY, TEXT, TOP_HASH)
    with pytest.raises(ContentUnreadable):
        open_note(KEY, flipped(content, at, 1 << bit))


@pytest.mark.parametrize(
    ("key", "content", "error"),
    [
        pytest.param(OTHER, seal_note(KEY, TEXT, TOP_HASH), ContentUnreadable, id="another key"),
        pytest.param(KEY, b"", ContentUnreadable, id="nothing"),
        pytest.param(KEY, seal_note(KEY, TEXT, TOP_HASH)[:-1], ContentUnreadable, id="cut"),
        pytest.param(KEY, seal_note(KEY, TEXT, TOP_HASH)[:27], ContentUnreadable, id="no tag"),
        pytest.param(KEY, bytes(MAX_CONTENT_BYTES), ContentTooLong, id="too long"),
    ],
)
def test_what_is_no_note_is_said_so(key: bytes, content: bytes, error: type[IntegriteeError]) -> None:
    with pytest.raises(error):
        open_note(key, content)


def test_the_longest_note() -> None:
    longest = "ü" * (MAX_NOTE_BYTES // 2)
    content = seal_note(KEY, longest, TOP_HASH)
    assert len(content) <= MAX_CONTENT_BYTES
    assert open_note(KEY, content) == longest
    with pytest.raises(ContentTooLong) as refused:
        seal_note(KEY, longest + "x", TOP_HASH)
    assert (refused.value.found, refused.value.limit) == (MAX_NOTE_BYTES + 1, MAX_NOTE_BYTES)


# -- readers


CONTENT = seal_note(KEY, TEXT, TOP_HASH)
CID = cid_v0(CONTENT)


@pytest.fixture
def enclave() -> LedgerEnclave:
    return LedgerEnclave()


@pytest.fixture
async def client(enclave: LedgerEnclave) -> AsyncIterator[WorkerClient]:
    async with enclave.serving() as url, await WorkerClient.connect(url, ledger=LEDGER) as client:
        yield client


@pytest.mark.parametrize("cid", [CID, cid_v1(CONTENT)])
async def test_a_note_is_read_through_a_worker(enclave: LedgerEnclave, client: WorkerClient, cid: str) -> None:
    enclave.content[cid] = CONTENT
    assert await read_content(client, cid) == CONTENT
    assert await read_note(client, OnIpfs(cid.encode(), KEY)) == TEXT


@pytest.mark.parametrize(("retrieval", "text"), [(KeptHere(TEXT), TEXT), (RelayedElsewhere(KEY), None)])
async def test_other_notes_need_no_worker(
    client: WorkerClient, retrieval: RelayedNoteRetrievalInfo, text: str | None
) -> None:
    assert await read_note(client, retrieval) == text


@pytest.mark.parametrize(
    ("retrieval", "held", "error"),
    [
        pytest.param(OnIpfs(CID.encode(), KEY), CONTENT[:-1], CidMismatch, id="a worker that lies"),
        pytest.param(OnIpfs(CID.encode(), OTHER), CONTENT, ContentUnreadable, id="another key"),
        pytest.param(OnIpfs(cid_v0(b"").encode(), KEY), CONTENT, RequestRefused, id="not there"),
        pytest.param(OnIpfs(b"\x12\x20" + KEY, KEY), CONTENT, InvalidCid, id="a multihash in bytes"),
        pytest.param(OnIpfs(b"\xff" * 46, KEY), CONTENT, InvalidCid, id="no text"),
        pytest.param(OnIpfs(b"", KEY), CONTENT, InvalidCid, id="nothing"),
    ],
)
async def test_readers_believe_nothing(
    enclave: LedgerEnclave,
    client: WorkerClient,
    retrieval: OnIpfs,
    held: bytes,
    error: type[IntegriteeError],
) -> None:
    enclave.content[CID] = held
    with pytest.raises(error):
        await read_note(client, retrieval)
