"""How a relayed note is asked for, and how it is retrieved (`@encointer/types` 0.20.1, integriteeWorker)."""

from __future__ import annotations

import enum
from typing import ClassVar, TypeAlias

from integritee.primitives.ids import H256
from integritee.scale import Enum, Struct, u32

ConversationId: TypeAlias = u32


class NoteRelayType(enum.IntEnum):
    """Where a note goes."""

    Here = 0
    Ipfs = 1
    Undeclared = 2


class RelayedNoteRequest(Struct, frozen=True):
    """What the sender wants. The key, if given, encrypts the note outside of the ledger."""

    allow_onchain_fallback: bool
    note_relay_type: NoteRelayType
    msg: str
    maybe_encryption_key: H256 | None


class RelayedNoteRetrievalInfo(Enum, frozen=True):
    """How to get at a note."""

    named_fields: ClassVar[bool | None] = True


class KeptHere(RelayedNoteRetrievalInfo, frozen=True):
    """The note itself."""

    index: ClassVar[int] = 0
    variant_name: ClassVar[str] = "Here"
    msg: str


class OnIpfs(RelayedNoteRetrievalInfo, frozen=True):
    """Encrypted content (`relayed_content`) under its CID: version 0 as text, if an enclave has stored it."""

    index: ClassVar[int] = 1
    variant_name: ClassVar[str] = "Ipfs"
    ipfs_hash: bytes
    encryption_key: H256


class RelayedElsewhere(RelayedNoteRetrievalInfo, frozen=True):
    """The parties know where; this is the key to it."""

    index: ClassVar[int] = 2
    variant_name: ClassVar[str] = "Undeclared"
    encryption_key: H256
