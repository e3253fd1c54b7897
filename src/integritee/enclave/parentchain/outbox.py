"""Extrinsics the enclave must get on one chain: signed, journalled, watched to finality, never paid twice.

An entry keeps its nonce for life. Its extrinsic may be signed again only once it is provably void, that is,
when a finalized block past its era, or of a later runtime than it was signed for, was processed without
containing it; until then the host is asked to submit the same bytes again and again. So at most one form of a
call can ever be included.

Each entry has a key, the hash of what it is for. What is under way already is not queued again.

Sans-IO: blocks in, extrinsics to submit and finished entries out.

    OutboxError
    ├── OutboxFull
    ├── AlreadyQueued
    ├── PurseLow
    └── NonceOvertaken
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from integritee.crypto import KeyPair, blake2_256
from integritee.errors import IntegriteeError
from integritee.metadata import RuntimeMetadata, sign_extrinsic
from integritee.primitives.era import Era
from integritee.primitives.header import Header
from integritee.primitives.ids import H256, AccountId, Balance, BlockNumber
from integritee.scale import Struct, u32, u64
from integritee.stf.asset_map import AssetId

from .inbound import ExtrinsicOutcome, InboundBlock

MAX_ENTRIES: Final = 4096
"""Extrinsics that may wait at once. When so many do, calls that would add to them wait too."""

MAX_CONFIRMATIONS: Final = 3072
"""With so many waiting, parentchain blocks are processed without confirmation: the rest is for payments."""

PAYMENT_PERIOD: Final = 32
SIDECHAIN_CONFIRMATION_PERIOD: Final = 16
PARENTCHAIN_CONFIRMATION_PERIOD: Final = 512
ONBOARDING_PERIOD: Final = 64
"""Mortality in parentchain blocks, by purpose (worker `extrinsics-factory` users)."""


class OutboxError(IntegriteeError):
    """An extrinsic cannot be sent."""

    code = "outbox.error"


class OutboxFull(OutboxError):
    """Too many extrinsics wait for the parentchain."""

    code = "outbox.full"

    def __init__(self, found: int, limit: int) -> None:
        self.found, self.limit = found, limit
        super().__init__(f"{found} extrinsics wait for the parentchain, {limit} is the limit")


class AlreadyQueued(OutboxError):
    """What the extrinsic is for is under way already."""

    code = "outbox.already_queued"

    def __init__(self, key: bytes) -> None:
        self.key = key
        super().__init__(f"an extrinsic for 0x{key.hex()} waits for the parentchain already")


class PurseLow(OutboxError):
    """The enclave account cannot pay the fees of payments; its operator must top it up. Nothing was burned."""

    code = "outbox.purse_low"

    def __init__(self, parentchain: str, found: int, expected: int) -> None:
        self.parentchain, self.found, self.expected = parentchain, found, expected
        super().__init__(
            f"the enclave account holds {found} base units on {parentchain}, payments need {expected} for their fees"
        )


class NonceOvertaken(OutboxError):
    """The account's nonce moved past a pending extrinsic that no processed block contains.

    Only an enclave restored from an old copy of its state, or a second one with its key, can see this. Nothing
    more is signed then: whatever happened to the pending calls is not known.
    """

    code = "outbox.nonce_overtaken"

    def __init__(self, found: int, expected: int) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"the account's nonce is {found} although nonce {expected} was never seen included")


class Payment(Struct, frozen=True):
    """A payment: who burned how much for it, and of what, in case the parentchain refuses to pay."""

    payer: AccountId
    amount: Balance
    asset: AssetId | None = None


class OutboxEntry(Struct, frozen=True):
    """A call on its way. `death` is the first block at which `extrinsic` can no longer be included.

    The signature holds for the two versions of the chain's runtime only.
    """

    id: u64
    key: H256
    nonce: u32
    call: bytes
    spec_version: u32
    transaction_version: u32
    period: u32
    death: BlockNumber
    extrinsic: bytes
    payment: Payment | None

    def hash(self) -> bytes:
        return blake2_256(self.extrinsic)


class OutboxChange(Struct, frozen=True):
    """What a sidechain block does to the outbox, for the journal. `refunds` are all that are due behind it."""

    put: list[OutboxEntry]
    removed: list[u64]
    next_id: u64
    next_nonce: u32
    refunds: list[Payment] = []


@dataclass(frozen=True)
class ChainFacts:
    """What signing needs to know of the chain. A `metadata_hash` (RFC-78) has to be that of the chain's metadata."""

    metadata: RuntimeMetadata
    genesis_hash: H256
    spec_version: int
    transaction_version: int
    metadata_hash: bytes | None = None


@dataclass(frozen=True)
class Processed:
    """The last block whose extrinsics are known: its number, and the version of the runtime that ran it."""

    number: int
    spec_version: int


@dataclass(frozen=True)
class Finished:
    """An entry that was included, and how that ended."""

    entry: OutboxEntry
    outcome: ExtrinsicOutcome

    @property
    def is_refused(self) -> bool:
        """Whether the chain did not do what was asked, itself or in the name of the vault."""
        return not self.outcome.ok or self.outcome.inner_ok is False


def sign_call(facts: ChainFacts, pair: KeyPair, call: bytes, nonce: int, period: int, anchor: Header) -> bytes:
    """Sign a call with an era of `period` blocks from the finalized block `anchor`."""
    return sign_extrinsic(
        facts.metadata,
        call,
        pair,
        nonce=nonce,
        era=Era.mortal(period, anchor.number),
        birth_hash=anchor.hash(),
        genesis_hash=facts.genesis_hash,
        spec_version=facts.spec_version,
        transaction_version=facts.transaction_version,
        metadata_hash=facts.metadata_hash,
    )


class Outbox:
    """Entries by id, in the order of their nonces. Changes are collected until `take_change`."""

    def __init__(self, pair: KeyPair) -> None:
        self._pair = pair
        self.entries: dict[int, OutboxEntry] = {}
        self.next_nonce = 0
        self._next_id = 1
        self._by_hash: dict[bytes, int] = {}
        self._keys: set[bytes] = set()
        self._put: set[int] = set()
        self._removed: set[int] = set()
        self.refunds: list[Payment] = []
        """Payments that the chain refused, to be given back with the next own block."""

    def copy(self) -> Outbox:
        """An independent outbox with the same entries and uncollected changes."""
        other = Outbox(self._pair)
        other.entries, other.next_nonce, other._next_id = dict(self.entries), self.next_nonce, self._next_id
        other._by_hash, other._keys = dict(self._by_hash), set(self._keys)
        other._put, other._removed = set(self._put), set(self._removed)
        other.refunds = list(self.refunds)
        return other

    @property
    def is_unused(self) -> bool:
        """Whether nothing was ever sent."""
        return self._next_id == 1

    def take_refunds(self) -> list[Payment]:
        """What is due to be given back; it no longer is."""
        taken, self.refunds = self.refunds, []
        return taken

    def forget_refunds(self, given_back: Iterable[Payment]) -> None:
        """These are not due: a block that is in the chain again has given them back."""
        for payment in given_back:
            if payment in self.refunds:
                self.refunds.remove(payment)

    def has_room(self, limit: int = MAX_ENTRIES, planned: int = 0) -> bool:
        """Whether another entry may be added behind `planned` ones."""
        return len(self.entries) + planned < limit

    def is_queued(self, key: bytes) -> bool:
        """Whether an entry with this key waits."""
        return key in self._keys

    # -- from blocks ---------------------------------------------------------------------------------

    def on_block(self, block: InboundBlock) -> list[Finished]:
        """Entries included in a finalized block; they leave the outbox."""
        finished = []
        for extrinsic_hash, outcome in block.outcomes.items():
            number = self._by_hash.get(extrinsic_hash)
            if number is not None:
                finished.append(Finished(self._remove(number), outcome))
        return finished

    def check_nonce(self, proven: int) -> None:
        """Raises NonceOvertaken if a pending entry's nonce, or the next one, was used by something else."""
        overtaken = min((e.nonce for e in self.entries.values()), default=self.next_nonce)
        if overtaken < proven:
            raise NonceOvertaken(proven, overtaken)

    def adopt_nonce(self, proven: int) -> None:
        """Follow the account's proven nonce while nothing is pending (onboarding used some)."""
        if not self.entries:
            self.next_nonce = max(self.next_nonce, proven)

    def renew_void(
        self, facts: ChainFacts, processed: Processed, anchor: Header, translated: Callable[[bytes, int, int], bytes]
    ) -> None:
        """Sign again, same nonce and a fresh era from `anchor`, what can no longer be included.

        That is what has expired, or was signed for an earlier runtime, when `processed` was the last block that
        `on_block` has seen. `translated` (call, spec version, transaction version) makes calls those of `facts`.
        """
        for entry in list(self.entries.values()):
            if entry.death <= processed.number or entry.spec_version < processed.spec_version:
                call = translated(entry.call, entry.spec_version, entry.transaction_version)
                self._store(self._signed(facts, anchor, entry, call))

    # -- from the ledger -----------------------------------------------------------------------------

    def add(
        self,
        facts: ChainFacts,
        anchor: Header,
        key: bytes,
        call: bytes,
        period: int,
        payment: Payment | None = None,
    ) -> OutboxEntry:
        """Queue a call behind the others; `key` (32 bytes) says what it is for.

        Raises OutboxFull, AlreadyQueued.
        """
        if len(self.entries) >= MAX_ENTRIES:
            raise OutboxFull(len(self.entries), MAX_ENTRIES)
        if key in self._keys:
            raise AlreadyQueued(key)
        blank = OutboxEntry(self._next_id, key, self.next_nonce, call, 0, 0, period, 0, b"", payment)
        entry = self._signed(facts, anchor, blank, call)
        self._next_id += 1
        self.next_nonce += 1
        self._store(entry)
        return entry

    def _signed(self, facts: ChainFacts, anchor: Header, entry: OutboxEntry, call: bytes) -> OutboxEntry:
        """The entry with a fresh signature over `call`."""
        return replace(
            entry,
            call=call,
            spec_version=facts.spec_version,
            transaction_version=facts.transaction_version,
            death=Era.mortal(entry.period, anchor.number).death(anchor.number) or 0,
            extrinsic=sign_call(facts, self._pair, call, entry.nonce, entry.period, anchor),
        )

    # -- journal -------------------------------------------------------------------------------------

    def take_change(self) -> OutboxChange:
        """What changed since the last call."""
        put = [self.entries[n] for n in sorted(self._put) if n in self.entries]
        change = OutboxChange(put, sorted(self._removed), self._next_id, self.next_nonce, list(self.refunds))
        self._put, self._removed = set(), set()
        return change

    def whole(self) -> OutboxChange:
        """The change that makes an empty outbox this one, for snapshots."""
        return OutboxChange(list(self.entries.values()), [], self._next_id, self.next_nonce, list(self.refunds))

    def apply(self, change: OutboxChange) -> None:
        """Replay a journalled change."""
        for number in change.removed:
            if number in self.entries:
                self._remove(number)
        for entry in change.put:
            self._store(entry)
        self._next_id, self.next_nonce = change.next_id, change.next_nonce
        self.refunds = list(change.refunds)
        self._put, self._removed = set(), set()

    def pending(self) -> list[bytes]:
        """Extrinsics to submit, by nonce."""
        return [e.extrinsic for e in sorted(self.entries.values(), key=lambda e: e.nonce)]

    def _store(self, entry: OutboxEntry) -> None:
        replaced = self.entries.get(entry.id)
        if replaced is not None:
            self._by_hash.pop(replaced.hash(), None)
        self.entries[entry.id] = entry
        self._by_hash[entry.hash()] = entry.id
        self._keys.add(entry.key)
        self._put.add(entry.id)

    def _remove(self, number: int) -> OutboxEntry:
        entry = self.entries.pop(number)
        self._by_hash.pop(entry.hash(), None)
        self._keys.discard(entry.key)
        self._put.discard(number)
        self._removed.add(number)
        return entry
