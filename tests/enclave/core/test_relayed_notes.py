"""Notes on their way to IPFS: when their call is executed and as what, and what becomes of it if the host fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integritee.boundary.messages import ContentFetched, ContentStored, FetchContent, StoreContent
from integritee.crypto import KeyPair
from integritee.enclave.ipfs.reading import MAX_READS, ContentReader
from integritee.enclave.ipfs.relay import MAX_HELD_PER_SENDER, UPLOAD_LIMIT_MS
from integritee.enclave.pool import AlreadyImported, NonceTooFar
from integritee.errors import IntegriteeError
from integritee.node.runtime.runtime import TEER
from integritee.primitives.cid import cid_v0, cid_v1
from integritee.primitives.ipfs import (
    MAX_NOTE_BYTES,
    CidMismatch,
    ContentNotFound,
    ContentTooLong,
    InvalidCid,
    IpfsUnavailable,
    RelayBusy,
)
from integritee.stf.errors import InvalidSignature, MissingFunds
from integritee.stf.operation import TrustedCall, TrustedCallSigned
from integritee.stf.relayed_content import open_note, own_key
from integritee.stf.relayed_notes import (
    KeptHere,
    NoteRelayType,
    OnIpfs,
    RelayedNoteRequest,
    RelayedNoteRetrievalInfo,
)
from integritee.stf.types import SuccessfulTrustedCall

from .harness import ANN, BEN, CAT, LEDGER, World
from .test_service import Office
from .validateers import Network

KEY = bytes(range(32))
TEXT = "a text for Ben only"
LONG = "ü" * (MAX_NOTE_BYTES // 2)
FEE = TEER // 100
LONGEST_KEPT = 427
"""Characters of a note that fits into the ledger."""


@pytest.fixture
def rich(world: World) -> World:
    """Ann has 10 TEER, and the host has a daemon."""
    world.shield(ANN, 10 * TEER)
    world.settle()
    world.core.relay.is_on = True
    return world


def note(world: World, text: str, *, fallback: bool = False, key: bytes | None = None, who: KeyPair = ANN) -> Any:
    request = RelayedNoteRequest(fallback, NoteRelayType.Ipfs, text, key)
    return world.signed(who, LEDGER.call("send_relayed_note", who.public, BEN.public, 7, request))


def send(world: World, text: str, **how: Any) -> bytes:
    return world.submit(note(world, text, **how))


def outgoing(world: World) -> StoreContent:
    (content,) = world.core.relay.take_outgoing()
    return content


def report(world: World, told: ContentStored) -> None:
    for changed in world.core.relay.stored(told, world.core.pool):
        world.statuses.setdefault(changed.hash, []).append(changed)


def found(world: World, who: KeyPair) -> list[RelayedNoteRetrievalInfo]:
    """How the notes that an account finds are retrieved."""
    notes = world.runtime.notes.notes_for(who.public, 0)
    calls = [
        LEDGER.codec(TrustedCall).decode(n.note.call) for n in notes if isinstance(n.note, SuccessfulTrustedCall)
    ]
    return [call.args[3] for call in calls if call.name == "send_relayed_note_stripped"]


# -- stored


@pytest.mark.parametrize("text", ["", TEXT, LONG], ids=["empty", "short", "of a mebibyte"])
@pytest.mark.parametrize("key", [None, KEY], ids=["a key of the enclave's", "the sender's key"])
def test_a_stored_note_leaves_its_identifier_and_the_key(rich: World, text: str, key: bytes | None) -> None:
    top_hash = send(rich, text, key=key)
    content = outgoing(rich)
    assert cid_v0(content.content) == content.cid
    assert text == "" or text[:8].encode() not in content.content
    rich.slot()
    assert (rich.status(top_hash), found(rich, BEN)) == (["Future"], [])

    report(rich, ContentStored(content.cid, reported=content.cid))
    rich.slot()
    assert rich.status(top_hash) == ["Future", "Ready", "InSidechainBlock"]
    (retrieval,) = found(rich, BEN)
    assert isinstance(retrieval, OnIpfs)
    assert found(rich, ANN) == [retrieval]
    assert retrieval.ipfs_hash.decode() == content.cid
    assert retrieval.encryption_key == (key or own_key(rich.core.keys.state, top_hash))
    assert open_note(retrieval.encryption_key, content.content) == text
    assert rich.core.state_bytes < 200_000 < MAX_NOTE_BYTES
    assert not rich.core.relay.holds(top_hash)


def test_the_same_text_under_the_same_key_is_other_content_each_time(rich: World) -> None:
    send(rich, TEXT, key=KEY)
    first = outgoing(rich)
    send(rich, TEXT, key=KEY)
    assert outgoing(rich).cid != first.cid


def test_lengths_show_in_steps_only(rich: World) -> None:
    sizes = set()
    for text in ("", TEXT, "x" * 500):
        send(rich, text)
        sizes.add(len(outgoing(rich).content))
    assert len(sizes) == 1


def test_later_calls_wait_behind_a_note(rich: World) -> None:
    top_hash = send(rich, TEXT)
    transfer = rich.transfer(ANN, CAT, TEER)
    rich.slot()
    assert (rich.status(transfer), rich.free(CAT)) == (["Future"], 0)
    cid = outgoing(rich).cid
    report(rich, ContentStored(cid, reported=cid))
    rich.slot()
    assert [rich.status(h)[-1] for h in (top_hash, transfer)] == ["InSidechainBlock"] * 2
    assert rich.free(CAT) == TEER


# -- not stored

Trouble = Callable[[World, StoreContent], None]


def told(code: str, detail: str = "a text") -> Trouble:
    return lambda world, content: report(world, ContentStored(content.cid, code=code, detail=detail))


def lies(world: World, content: StoreContent) -> None:
    report(world, ContentStored(content.cid, reported=cid_v0(b"something else")))


def another_version(world: World, content: StoreContent) -> None:
    report(world, ContentStored(content.cid, reported=cid_v1(content.content)))


def says_nothing(world: World, content: StoreContent) -> None:
    world.now += UPLOAD_LIMIT_MS
    world.block()  # which is not what it waits for
    world.durable(world.core.tick(world.now))


TROUBLES: dict[str, tuple[Trouble, str]] = {
    "absent": (told("ipfs.unavailable"), "ipfs.unavailable"),
    "slow": (told("ipfs.timeout"), "ipfs.timeout"),
    "full": (told("ipfs.full"), "ipfs.full"),
    "refuses": (told("ipfs.refused"), "ipfs.refused"),
    "a code of its own": (told("stf.missing_funds"), "ipfs.refused"),
    "another identifier": (lies, "ipfs.cid_mismatch"),
    "the identifier in another version": (another_version, "ipfs.cid_mismatch"),
    "silent host": (says_nothing, "ipfs.timeout"),
}


@pytest.mark.parametrize(("trouble", "code"), TROUBLES.values(), ids=TROUBLES)
def test_a_note_that_is_not_stored_costs_nothing_and_may_come_again(rich: World, trouble: Trouble, code: str) -> None:
    signed = note(rich, TEXT)
    top_hash = rich.submit(signed)
    trouble(rich, outgoing(rich))
    assert (rich.status(top_hash)[-1], rich.reason(top_hash)) == ("Dropped", code)
    rich.slot()
    assert (rich.free(ANN), rich.nonce(ANN), found(rich, ANN)) == (10 * TEER - 10 * TEER // 571, 0, [])

    assert rich.submit(signed) == top_hash
    content = outgoing(rich)
    report(rich, ContentStored(content.cid, reported=content.cid))
    rich.slot()
    assert isinstance(found(rich, BEN)[0], OnIpfs)


@pytest.mark.parametrize(("trouble", "code"), TROUBLES.values(), ids=TROUBLES)
def test_a_note_that_may_stay_in_the_ledger_does(rich: World, trouble: Trouble, code: str) -> None:
    top_hash = send(rich, TEXT, fallback=True)
    trouble(rich, outgoing(rich))
    rich.slot()
    assert rich.status(top_hash)[-1] == "InSidechainBlock"
    assert found(rich, BEN) == found(rich, ANN) == [KeptHere(TEXT)]
    assert rich.free(ANN) == 10 * TEER - 10 * TEER // 571 - FEE


@pytest.mark.parametrize(
    ("length", "is_kept"), [(LONGEST_KEPT, True), (LONGEST_KEPT + 1, False), (512, False), (MAX_NOTE_BYTES, False)]
)
def test_what_does_not_fit_into_the_ledger_is_not_kept_there(rich: World, length: int, is_kept: bool) -> None:
    top_hash = send(rich, "x" * length, fallback=True)
    told("ipfs.full")(rich, outgoing(rich))
    rich.slot()
    assert rich.reason(top_hash) == (None if is_kept else "ipfs.full")
    assert [len(kept.msg) for kept in found(rich, BEN) if isinstance(kept, KeptHere)] == [length] * is_kept


def test_reports_that_nobody_waits_for_change_nothing(rich: World) -> None:
    top_hash = send(rich, TEXT)
    cid = outgoing(rich).cid
    report(rich, ContentStored(cid_v0(b"other"), reported=cid_v0(b"other")))
    report(rich, ContentStored("no identifier", code="ipfs.full"))
    assert rich.status(top_hash) == ["Future"]
    report(rich, ContentStored(cid, reported=cid))
    report(rich, ContentStored(cid, code="ipfs.full"))  # it changes its mind
    rich.slot()
    assert rich.status(top_hash)[-1] == "InSidechainBlock"


def test_without_a_daemon_the_ledger_is_all_there_is(rich: World) -> None:
    rich.core.relay.is_on = False
    with pytest.raises(IpfsUnavailable):
        send(rich, TEXT)
    send(rich, TEXT, fallback=True)
    rich.slot()
    assert (found(rich, BEN), rich.core.relay.take_outgoing()) == ([KeptHere(TEXT)], [])


# -- refused


def forged(world: World) -> TrustedCallSigned:
    signed = note(world, TEXT)
    return TrustedCallSigned(note(world, "another text").call, 0, None, signed.signature)


def gap(world: World) -> TrustedCallSigned:
    request = RelayedNoteRequest(False, NoteRelayType.Ipfs, TEXT, None)
    return world.signed(ANN, LEDGER.call("send_relayed_note", ANN.public, BEN.public, 7, request), nonce=1)


REFUSED: dict[type[IntegriteeError], Callable[[World], TrustedCallSigned]] = {
    InvalidSignature: forged,
    MissingFunds: lambda world: note(world, TEXT, who=CAT),
    NonceTooFar: gap,
    ContentTooLong: lambda world: note(world, "x" * (MAX_NOTE_BYTES + 1)),
}


@pytest.mark.parametrize(("error", "signed"), REFUSED.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_nothing_is_stored_for_what_is_refused(
    rich: World, error: type[IntegriteeError], signed: Callable[[World], TrustedCallSigned]
) -> None:
    with pytest.raises(error):
        rich.submit(signed(rich))
    assert rich.core.relay.take_outgoing() == []
    assert len(rich.core.pool) == 0


def test_a_note_under_way_is_not_stored_twice(rich: World) -> None:
    signed = note(rich, TEXT)
    rich.submit(signed)
    outgoing(rich)
    with pytest.raises(AlreadyImported):
        rich.submit(signed)
    assert rich.core.relay.take_outgoing() == []


def test_a_sender_has_so_many_notes_under_way(rich: World) -> None:
    for _ in range(MAX_HELD_PER_SENDER):
        send(rich, TEXT)
    with pytest.raises(RelayBusy) as refused:
        send(rich, TEXT)
    assert (refused.value.code, refused.value.scope) == ("ipfs.busy", "a sender")
    cid = rich.core.relay.take_outgoing()[0].cid
    report(rich, ContentStored(cid, reported=cid))
    send(rich, TEXT)


# -- several validateers


async def test_a_note_is_stored_and_executed_by_whom_it_was_given_to(network: Network) -> None:
    first, second = network.workers
    office = Office(first)
    office.service.use_ipfs(office.host)  # type: ignore[arg-type]
    second.core.relay.is_on = True
    top_hash = await office.submit(note(first, TEXT))
    (content,) = office.host.named("store_content")
    assert len(office.service.peering._gossip) == 0
    assert top_hash in first.core.pool

    await office.service.content_stored(ContentStored(content.cid, reported=content.cid))
    network.until(lambda: all(found(worker, BEN) for worker in network.workers))
    (retrieval,) = {*found(first, BEN), *found(second, BEN)}
    assert isinstance(retrieval, OnIpfs)
    assert second.core.relay.take_outgoing() == []
    office.service._executor.shutdown()


# -- reading

CONTENT = b"sealed content"


class Host:
    """Answers as it was told."""

    def __init__(self, answer: Callable[[FetchContent], ContentFetched | None]) -> None:
        self.answer = answer
        self.reader = ContentReader(self.fetch)
        self.asked: list[FetchContent] = []

    def fetch(self, wanted: FetchContent) -> None:
        self.asked.append(wanted)
        if (answer := self.answer(wanted)) is not None:
            self.reader.fetched(answer)


@pytest.mark.parametrize("cid", [cid_v0(CONTENT), cid_v1(CONTENT)])
async def test_content_is_read(cid: str) -> None:
    host = Host(lambda wanted: ContentFetched(wanted.number, CONTENT))
    assert await host.reader.read(cid) == CONTENT
    assert [wanted.cid for wanted in host.asked] == [cid]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(lambda w: ContentFetched(w.number, CONTENT + b"!"), CidMismatch, id="other content"),
        pytest.param(lambda w: ContentFetched(w.number, CONTENT[:-1]), CidMismatch, id="cut"),
        pytest.param(lambda w: ContentFetched(w.number), CidMismatch, id="nothing"),
        pytest.param(lambda w: ContentFetched(w.number, code="ipfs.not_found"), ContentNotFound, id="not found"),
    ],
)
async def test_what_is_not_the_content_is_not_handed_out(
    answer: Callable[[FetchContent], ContentFetched], error: type[IntegriteeError]
) -> None:
    with pytest.raises(error):
        await Host(answer).reader.read(cid_v0(CONTENT))


async def test_only_identifiers_are_asked_for() -> None:
    host = Host(lambda wanted: None)
    with pytest.raises(InvalidCid):
        await host.reader.read("../../etc/passwd")
    with pytest.raises(IpfsUnavailable):
        await ContentReader().read(cid_v0(CONTENT))
    assert host.asked == []


async def test_the_host_s_silence_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integritee.enclave.ipfs.reading.READ_LIMIT", 0.0)
    host = Host(lambda wanted: None)
    for _ in range(MAX_READS + 1):  # none of them is left behind
        with pytest.raises(IntegriteeError) as late:
            await host.reader.read(cid_v0(CONTENT))
        assert late.value.code == "ipfs.timeout"
    host.reader.fetched(ContentFetched(1, CONTENT))
