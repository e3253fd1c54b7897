"""Private messages and receipts, kept in the ledger's buckets or relayed outside of it.

A successful call leaves a receipt with the accounts it concerns. A *relayed* note travels as the sender asks:
kept here in full, or elsewhere with only the information to retrieve it kept here. Either way both sides find a
`send_relayed_note_stripped` among their notes: the call as clients of `@encointer/types` read it.
"""

from __future__ import annotations

from typing import ClassVar

from integritee.primitives.ids import AccountId
from integritee.stf.declare import App, Context, public_getter, trusted_call, trusted_getter
from integritee.stf.errors import RelayUnavailable
from integritee.stf.fees import transaction_fee
from integritee.stf.operation import TrustedCall
from integritee.stf.relayed_notes import (
    ConversationId,
    KeptHere,
    NoteRelayType,
    RelayedElsewhere,
    RelayedNoteRequest,
    RelayedNoteRetrievalInfo,
)
from integritee.stf.roles import HARMLESS_CALLS
from integritee.stf.types import BucketIndex, BucketRange, NoteText, TimestampedTrustedNote


class PrivateNotes(App):
    """Notes from account to account."""

    name: ClassVar[str] = "private_notes"

    @trusted_call(20, fee=transaction_fee, roles=HARMLESS_CALLS, linked=("from", "to"))
    def send_note(self, ctx: Context, from_: AccountId, to: AccountId, note: NoteText) -> None:
        """Leave a note that both sides find."""

    @trusted_call(21, fee=transaction_fee, roles=HARMLESS_CALLS)
    def send_relayed_note(
        self,
        ctx: Context,
        from_: AccountId,
        to: AccountId,
        conversation_id: ConversationId,
        request: RelayedNoteRequest,
    ) -> None:
        """Relay a note of a conversation as the sender asks.

        `Here` keeps it in the ledger. `Undeclared` means that the parties know another way: the text is dropped
        and a key for it is kept, the sender's or a fresh one. `Ipfs` has the enclave store it, encrypted, and then
        execute the stripped call in place of this one. Where it cannot, as for calls through the parentchain, the
        note is kept here if the sender allows it, else refused.
        """
        retrieval = self._relay(ctx, request)
        stripped = type(self).send_relayed_note_stripped.trusted_call  # type: ignore[attr-defined]
        ctx.note(TrustedCall(stripped, (from_, to, conversation_id, retrieval)), from_, to)

    @trusted_call(22, fee=transaction_fee, roles=HARMLESS_CALLS, linked=("from", "to"))
    def send_relayed_note_stripped(
        self,
        ctx: Context,
        from_: AccountId,
        to: AccountId,
        conversation_id: ConversationId,
        retrieval: RelayedNoteRetrievalInfo,
    ) -> None:
        """Leave how to retrieve a note that the sender has relayed itself."""

    def _relay(self, ctx: Context, request: RelayedNoteRequest) -> RelayedNoteRetrievalInfo:
        match request.note_relay_type:
            case NoteRelayType.Here:
                return KeptHere(request.msg)
            case NoteRelayType.Undeclared:
                return RelayedElsewhere(request.maybe_encryption_key or self.runtime.random(ctx.call_hash))
        if not request.allow_onchain_fallback:
            raise RelayUnavailable(request.note_relay_type.name)
        return KeptHere(request.msg)

    # -- getters -------------------------------------------------------------------------------------

    @trusted_getter(10)
    def notes_for(self, who: AccountId, bucket_index: BucketIndex) -> list[TimestampedTrustedNote]:
        """Notes of an account in one bucket, oldest first."""
        return self.runtime.notes.notes_for(who, bucket_index)

    @public_getter(11)
    def note_buckets_info(self) -> BucketRange:
        """The oldest and the newest bucket."""
        return self.runtime.notes.bucket_range()
