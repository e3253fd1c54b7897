"""Relayed notes of kind Ipfs: a call waits in the pool until the host has stored what it says, sans-IO.

    admitted ── content sealed, its CID computed ── host told, call held in the pool
        ├─ host reports that CID                 the call is executed as `send_relayed_note_stripped` with CID and key
        └─ an error, another CID, or nothing     the note is kept in the ledger, if the sender allows it and it fits;
           within `UPLOAD_LIMIT_MS`              else the call leaves the pool with that error: nothing is charged

What is executed has the sender, nonce and hash of the call that was signed; signature and authority were checked
with that one. Such a call is not spread among validateers: whoever it was given to stores its content and executes
it. While the host works, only the identifier is kept here, and a text short enough for the ledger.

Time is Unix ms and given by the caller.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from msgspec.structs import replace

from integritee.boundary.messages import ContentStored, StoreContent
from integritee.primitives.cid import cid_v0
from integritee.primitives.ipfs import (
    CidMismatch,
    IpfsError,
    IpfsTimeout,
    IpfsUnavailable,
    RelayBusy,
    daemon_error,
)
from integritee.scale import encode
from integritee.stf.fees import expect_payable
from integritee.stf.ledger import Ledger
from integritee.stf.native.notes import PrivateNotes
from integritee.stf.operation import TrustedCall, TrustedCallSigned
from integritee.stf.pallets.notes import NOTE_VERSION
from integritee.stf.relayed_content import own_key, seal_note
from integritee.stf.relayed_notes import (
    KeptHere,
    NoteRelayType,
    OnIpfs,
    RelayedNoteRequest,
    RelayedNoteRetrievalInfo,
)
from integritee.stf.runtime import LedgerRuntime
from integritee.stf.types import SuccessfulTrustedCall, TimestampedTrustedNote

from ..pool import NonceTooFar, PoolEntry, StatusChanged, TopPool

UPLOAD_LIMIT_MS: Final = 60_000
"""How long the host may take; its own patience with the daemon is shorter."""

MAX_HELD: Final = 64
"""Notes under way."""

MAX_HELD_BYTES: Final = 32 << 20
"""Content under way: at most so much is on its way to the host, or waits there."""

MAX_HELD_PER_SENDER: Final = 4
"""Notes of one sender under way. They cost nothing if they fail after all."""

SEND: Final = PrivateNotes.send_relayed_note.trusted_call  # type: ignore[attr-defined]
STRIPPED: Final = PrivateNotes.send_relayed_note_stripped.trusted_call  # type: ignore[attr-defined]

log = logging.getLogger(__name__)
Pool = TopPool[TrustedCallSigned]


@dataclass(frozen=True)
class HeldNote:
    """A note whose content the host is storing. `kept` is the call that keeps it in the ledger, if it may be."""

    top_hash: bytes
    sender: bytes
    relayed: TrustedCallSigned
    kept: TrustedCallSigned | None
    size: int
    """Bytes of content."""
    deadline: int


class NoteRelay:
    """Notes of one shard. `is_on` says that the host has a daemon; without one, only the ledger is left."""

    def __init__(self, ledger: Ledger, state_key: bytes) -> None:
        self._ledger, self._state_key = ledger, state_key
        self.is_on = False
        self._held: dict[str, HeldNote] = {}
        self._outgoing: list[StoreContent] = []

    # -- admission -----------------------------------------------------------------------------------

    def concerns(self, signed: TrustedCallSigned) -> bool:
        """Whether a call is to be given to `admit` instead of the pool; where nothing can be stored, the ledger keeps
        the note if the sender allows it."""
        if signed.call.definition is not SEND:
            return False
        request = _request(signed)
        wants_ipfs = request.note_relay_type is NoteRelayType.Ipfs
        return wants_ipfs and (self.is_on or not request.allow_onchain_fallback)

    def admit(
        self, top_hash: bytes, signed: TrustedCallSigned, runtime: LedgerRuntime, pool: Pool, now: int
    ) -> list[StatusChanged]:
        """Have a call wait for its content to be stored. It was verified and authorised.

        Raises IpfsUnavailable, RelayBusy, NonceTooFar for one that could not be the sender's next, MissingFunds,
        ContentTooLong, and what the pool raises. Nothing is stored then.
        """
        if not self.is_on:
            raise IpfsUnavailable("this worker has none")
        sender, nonce = signed.call.sender, runtime.system.nonce(signed.call.sender)
        self._expect_room(sender)
        if signed.nonce > (expected := pool.next_nonce(sender, nonce)):
            raise NonceTooFar(signed.nonce, expected, 0)
        expect_payable(runtime, SEND.fee, sender, signed.call.args)
        request = _request(signed)
        key = request.maybe_encryption_key or own_key(self._state_key, top_hash)
        content = seal_note(key, request.msg, top_hash)
        cid = cid_v0(content)
        relayed = self._stripped(signed, OnIpfs(cid.encode(), key))
        kept = self._kept(signed, request, runtime)
        entry = PoolEntry(top_hash, sender, signed.nonce, len(self._ledger.encode_call(relayed.call)), relayed)
        statuses = pool.submit(entry, nonce, now, held=True)
        self._held[cid] = HeldNote(top_hash, sender, relayed, kept, len(content), now + UPLOAD_LIMIT_MS)
        self._outgoing.append(StoreContent(cid, content))
        return statuses

    def holds(self, top_hash: bytes) -> bool:
        return any(note.top_hash == top_hash for note in self._held.values())

    def take_outgoing(self) -> list[StoreContent]:
        """Content that the host is to be given now."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def _expect_room(self, sender: bytes) -> None:
        """Raises RelayBusy."""
        notes = self._held.values()
        if sum(note.sender == sender for note in notes) >= MAX_HELD_PER_SENDER:
            raise RelayBusy("a sender", MAX_HELD_PER_SENDER)
        if len(notes) >= MAX_HELD or sum(note.size for note in notes) >= MAX_HELD_BYTES:
            raise RelayBusy("all together", MAX_HELD)

    def _stripped(self, signed: TrustedCallSigned, retrieval: RelayedNoteRetrievalInfo) -> TrustedCallSigned:
        sender, to, conversation_id, _ = signed.call.args
        return replace(signed, call=TrustedCall(STRIPPED, (sender, to, conversation_id, retrieval)))

    def _kept(
        self, signed: TrustedCallSigned, request: RelayedNoteRequest, runtime: LedgerRuntime
    ) -> TrustedCallSigned | None:
        if not request.allow_onchain_fallback or len(request.msg) > runtime.notes.max_note_size:
            return None
        kept = self._stripped(signed, KeptHere(request.msg))
        note = SuccessfulTrustedCall(self._ledger.encode_call(kept.call))
        fits = len(encode(TimestampedTrustedNote, TimestampedTrustedNote(0, NOTE_VERSION, note)))
        return kept if fits <= runtime.notes.max_note_size else None

    # -- what became of it ---------------------------------------------------------------------------

    def stored(self, report: ContentStored, pool: Pool) -> list[StatusChanged]:
        """Go on with a note as the host reports. One that is not awaited, or not any more, changes nothing."""
        note = self._held.pop(report.cid, None)
        if note is None:
            return []
        if report.code:
            return self._fall_back(note, daemon_error(report.code, report.detail), pool)
        if report.reported != report.cid:
            return self._fall_back(note, CidMismatch(report.reported, report.cid), pool)
        return pool.resume(note.top_hash, note.relayed)

    def expire(self, pool: Pool, now: int) -> list[StatusChanged]:
        """Go on with those whose time is over."""
        late = [cid for cid, note in self._held.items() if note.deadline <= now]
        error = IpfsTimeout(f"the host has not answered for {UPLOAD_LIMIT_MS // 1000} s")
        return _flat(self._fall_back(self._held.pop(cid), error, pool) for cid in late)

    def _fall_back(self, note: HeldNote, error: IpfsError, pool: Pool) -> list[StatusChanged]:
        log.warning("a note is not on IPFS: %s (%s)", error, error.code)
        if note.kept is not None:
            return pool.resume(note.top_hash, note.kept)
        return pool.withdraw(note.top_hash, error)


def _request(signed: TrustedCallSigned) -> RelayedNoteRequest:
    request: RelayedNoteRequest = signed.call.args[3]
    return request


def _flat(lists: Iterable[list[Any]]) -> list[Any]:
    return [item for items in lists for item in items]
