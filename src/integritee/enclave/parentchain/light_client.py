"""A GRANDPA light client: which headers of a chain are final, and how we know.

It starts from a genesis header and proves the authority set out of the genesis state, or takes both from a
checkpoint. Then it takes batches of consecutive headers. A batch counts only with a justification of its last header
by the authority set in force there, and counts as a whole: a final block finalizes its ancestors. On any error the
client is unchanged.

Rules: sp-consensus-grandpa (`ConsensusLog`), sc-consensus-grandpa (`import.rs`, `authorities.rs`), pallet-grandpa
(storage). Votes are counted in `justification`.

- A scheduled change announced in block n with delay d takes effect after block n + d, which is the last one for
  the old set to finalize. A batch that goes on beyond it needs a justification of that block too.
- A forced change is how operators replace a set that no longer votes. Full nodes follow it on the word of block
  authors as soon as their best chain is d blocks beyond it, and drop it if the block announcing it was final for
  them before it was due. Headers do not tell which of the two happened, no vote of the old set says who the new one
  is, and warp proofs end before it. So it is refused, and a chain that had one is followed from a checkpoint behind
  it: whoever vouches for the checkpoint vouches for the new set.
- Pause and resume are ignored, as full nodes do: if voters do pause, there is nothing to import.

`warp` goes from one change of the set to the next without the headers between (sc-consensus-grandpa,
`warp_proof.rs`): who is in the set is known from the one before, and its votes name the set they belong to. For the
same reason `skip_to` may pass over headers under one set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Self

from msgspec.structs import replace

from integritee.boundary.messages import MAX_LEAPS, Checkpoint, Leap
from integritee.primitives.grandpa import (
    Authority,
    ConsensusLog,
    ForcedChange,
    ScheduledChange,
    grandpa_logs,
)
from integritee.primitives.header import Header
from integritee.primitives.ids import H256
from integritee.primitives.storage import storage_prefix
from integritee.scale import DecodeError, Struct, decode, u64
from integritee.trie import TrieError, verify_proof

from .errors import (
    AlreadyFinalized,
    AuthoritiesNotProven,
    CrossesSetChange,
    EmptyChain,
    ForcedSetChange,
    InvalidAuthoritySet,
    InvalidCheckpoint,
    MalformedConsensusLog,
    MissingJustification,
    NotSetChange,
    OverlappingSetChange,
    TooManyLeaps,
)
from .header_chain import BlockId, check_beyond_genesis, check_genesis, verify_header_chain
from .justification import VoterSet, verify_justification

NOTHING_EARLIER: Final[Mapping[int, bytes]] = MappingProxyType({})

AUTHORITIES_KEY: Final = storage_prefix("Grandpa", "Authorities")
SET_ID_KEY: Final = storage_prefix("Grandpa", "CurrentSetId")
LEGACY_AUTHORITIES_KEY: Final = b":grandpa_authorities"
"""Where chains before pallet-grandpa 5 keep the set, as version byte and vector."""

LEGACY_VERSION: Final = b"\x01"

GENESIS_KEYS: Final = (AUTHORITIES_KEY, SET_ID_KEY, LEGACY_AUTHORITIES_KEY)
"""Keys that the proof given to `LightClient.start` must cover, present or absent, and no others."""


class SetChange(Struct, frozen=True):
    """`authorities` take over after block `at`."""

    at: u64
    authorities: list[Authority]


class LightClientState(Struct, frozen=True):
    """All that a light client remembers. `start` is the block it began with: genesis, or a checkpoint."""

    genesis_hash: H256
    start: BlockId
    head: Header
    set_id: u64
    authorities: list[Authority]
    pending: SetChange | None


class LightClient:
    """The finalized chain as far as it is known; `state` restores it, after a restart or elsewhere."""

    def __init__(self, state: LightClientState) -> None:
        self._state = state
        self._head_hash = state.head.hash()

    @classmethod
    def start(cls, genesis: Header, authorities_proof: Sequence[bytes]) -> Self:
        """Follow the chain of a trusted genesis header; the proof covers GENESIS_KEYS in its state.

        Raises NotGenesis, AuthoritiesNotProven or InvalidAuthoritySet.
        """
        proven = genesis_authorities(genesis, authorities_proof)
        check_genesis(genesis)
        if proven is None:
            raise InvalidAuthoritySet(0, 0)
        set_id, authorities = proven
        VoterSet.of(authorities)
        return cls(LightClientState(genesis.hash(), BlockId.of(genesis), genesis, set_id, authorities, None))

    @classmethod
    def start_at(cls, genesis: Header, checkpoint: Checkpoint) -> Self:
        """Follow the chain from a block on that somebody trustworthy vouches for, together with the set in force.

        Nothing ties the block to the genesis header. No change of authorities announced before it may be pending, or
        the client will wait for votes that nobody casts; if its own header announces one, that is heard.
        Raises NotGenesis, InvalidCheckpoint, InvalidAuthoritySet or a SetChangeError.
        """
        check_genesis(genesis)
        header = checkpoint.header
        check_beyond_genesis(header)
        VoterSet.of(checkpoint.authorities)
        _, pending = _under_one_set([header], None)
        if pending is not None and pending.at == header.number:
            if pending.authorities != checkpoint.authorities:
                raise InvalidCheckpoint(header.number, "its header says that other authorities take over")
            pending = None
        start = BlockId.of(header)
        return cls(
            LightClientState(genesis.hash(), start, header, checkpoint.set_id, checkpoint.authorities, pending)
        )

    def copy(self) -> Self:
        """A client that goes its own way from here."""
        return type(self)(self._state)

    @property
    def state(self) -> LightClientState:
        return self._state

    @property
    def head(self) -> Header:
        """The last finalized header."""
        return self._state.head

    @property
    def head_hash(self) -> bytes:
        return self._head_hash

    def import_chain(
        self, headers: Sequence[Header], justification: bytes | None, earlier: Mapping[int, bytes] = NOTHING_EARLIER
    ) -> list[Header]:
        """Finalize consecutive headers behind the head, and return them.

        `justification` is the SCALE form of that of the last header, `earlier` are those of headers before it, by
        number: they are needed, and looked at, where authorities change.
        Raises a HeaderChainError, SetChangeError, JustificationError or InvalidAuthoritySet.
        """
        tip_hash = verify_header_chain(headers, self._state.head, self._head_hash)
        tip = headers[-1]
        state, rest = self._state, headers
        while rest:
            count, pending = _under_one_set(rest, state.pending)
            part, rest = rest[:count], rest[count:]
            if rest and part[-1].number not in earlier:
                raise CrossesSetChange(part[-1].number, tip.number)
            proof = earlier[part[-1].number] if rest else justification
            state = _finalize(replace(state, head=part[-1], pending=pending), proof)
        self._state, self._head_hash = state, tip_hash
        return list(headers)

    def warp(self, leaps: Sequence[Leap]) -> Header:
        """Go to the last block of the set in force, of the next one, and so on; the new head.

        What lies between is neither seen nor checked: its finality is, since a later block of it is final. All or
        nothing. Raises TooManyLeaps, NotSetChange, or as `import_chain`.
        """
        if len(leaps) > MAX_LEAPS:
            raise TooManyLeaps(len(leaps), MAX_LEAPS)
        state = self._state
        for leap in leaps:
            state = _leap(state, leap)
        self._state, self._head_hash = state, state.head.hash()
        return state.head

    def skip_to(self, header: Header, justification: bytes | None) -> Header:
        """Go to a later block that the set in force finalized, without the headers between; the new head.

        A change of authorities that is announced between must not take effect later than with that block, or be
        passed by a leap then: its authorities are not known here. For the head itself nothing is to be shown.
        Raises AlreadyFinalized, or as `import_chain` for changes and votes.
        """
        head, due = self._state.head, self._state.pending
        if header == head:
            return head
        if header.number <= head.number:
            raise AlreadyFinalized(header.number, head.number)
        if due is not None and due.at < header.number:
            raise CrossesSetChange(due.at, header.number)
        _, pending = _under_one_set([header], due)
        self._state = _finalize(replace(self._state, head=header, pending=pending), justification)
        self._head_hash = header.hash()
        return header


def genesis_authorities(genesis: Header, proof: Sequence[bytes]) -> tuple[int, list[Authority]] | None:
    """Set id and authorities as proven by the genesis state, None if it has no GRANDPA.

    Raises AuthoritiesNotProven.
    """
    try:
        values = verify_proof(genesis.state_root, proof, GENESIS_KEYS)
        if values[AUTHORITIES_KEY] is None and values[LEGACY_AUTHORITIES_KEY] is None:
            return None
        set_id = values[SET_ID_KEY]
        return 0 if set_id is None else decode(u64, set_id), _stored_authorities(values)
    except (TrieError, DecodeError) as error:
        raise AuthoritiesNotProven(genesis.state_root, error.code, str(error)) from error


def _stored_authorities(values: dict[bytes, bytes | None]) -> list[Authority]:
    stored = values[AUTHORITIES_KEY]
    legacy = values[LEGACY_AUTHORITIES_KEY]
    if stored is None and legacy is not None and legacy[:1] == LEGACY_VERSION:
        stored = legacy[1:]
    authorities: list[Authority] = [] if stored is None else decode(list[Authority], stored)
    return authorities


# --- authority sets


def _under_one_set(headers: Sequence[Header], pending: SetChange | None) -> tuple[int, SetChange | None]:
    """How many of the headers the set in force finalizes, and the change that is pending at the last of them.

    Raises a SetChangeError or InvalidAuthoritySet.
    """
    for count, header in enumerate(headers, 1):
        for change in _announced_changes(header):
            if pending is not None:
                raise OverlappingSetChange(header.number, pending.at)
            VoterSet.of(change.next_authorities)
            pending = SetChange(header.number + change.delay, change.next_authorities)
        if pending is not None and pending.at == header.number:
            return count, pending
    return len(headers), pending


def _announced_changes(header: Header) -> list[ScheduledChange]:
    changes = []
    for data in grandpa_logs(header):
        try:
            log = decode(ConsensusLog, data)
        except DecodeError as error:
            raise MalformedConsensusLog(header.number, error.code) from error
        if isinstance(log, ForcedChange):
            raise ForcedSetChange(header.number, header.number + log.delay)
        if isinstance(log, ScheduledChange):
            changes.append(log)
    return changes


def _leap(state: LightClientState, leap: Leap) -> LightClientState:
    """The state behind the last header of a leap. Its first ones may be at or before the head, whose announcement
    they then repeat. Raises as `LightClient.warp`."""
    if not leap.headers:
        raise EmptyChain
    first, last = leap.headers[0], leap.headers[-1]
    if last.number <= state.head.number:
        raise AlreadyFinalized(last.number, state.head.number)
    if len(leap.headers) > 1:
        verify_header_chain(leap.headers[1:], first, first.hash())
    known = state.pending if first.number > state.head.number else None
    _, pending = _under_one_set(leap.headers, known)
    if pending is None or pending.at != last.number:
        raise NotSetChange(first.number, last.number)
    if state.pending not in (None, pending):
        raise OverlappingSetChange(last.number, state.pending.at)
    return _finalize(replace(state, head=last, pending=pending), leap.justification)


def _finalize(state: LightClientState, justification: bytes | None) -> LightClientState:
    """The state behind its head, which the set in force must have finalized and may be its last block.

    Raises a JustificationError.
    """
    head, pending = state.head, state.pending
    if justification is None:
        raise MissingJustification(head.number)
    voters = VoterSet.of(state.authorities)
    verify_justification(justification, head.number, head.hash(), voters, state.set_id)
    if pending is None or pending.at != head.number:
        return state
    return replace(state, set_id=state.set_id + 1, authorities=pending.authorities, pending=None)
