"""A GRANDPA light client: which headers of a parentchain are final, and how we know.

It starts from a genesis header, proves the authority set out of the genesis state and then takes batches of
consecutive headers. A batch counts only with a justification of its last header by the authority set in
force there, and counts as a whole: a final block finalizes its ancestors. On any error the client is unchanged.

Rules: sp-consensus-grandpa (`ConsensusLog`), sc-consensus-grandpa (`import.rs`, `authorities.rs`), pallet-grandpa
(storage). Votes are counted in `justification`.

- A scheduled change announced in block n with delay d takes effect after block n + d, which is the last one for
  the old set to finalize. A batch that goes on beyond it needs a justification of that block too.
- A forced change is refused. It is how operators replace a set that no longer votes: full nodes follow it on the
  word of block authors, and drop it if the block announcing it was final for them before it was due. Headers do
  not tell which of the two happened, and no vote of the old set says who the new one is.
- Pause and resume are ignored, as full nodes do: if voters do pause, there is nothing to import.

`warp` goes from one change of the set to the next without the headers between (sc-consensus-grandpa,
`warp_proof.rs`): who is in the set is known from the one before, and its votes name the set they belong to.

Chains whose finality cannot be proven here (parachains) need `start_unproven`, which follows the header chain
on the word of the host. The client then says so in `trust`, and never changes its mind.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, Self

from msgspec.structs import replace

from integritee.boundary.messages import MAX_LEAPS, Leap
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
from integritee.scale import DecodeError, Struct, decode, encode, u64
from integritee.trie import TrieError, verify_proof

from .errors import (
    AlreadyFinalized,
    AuthoritiesNotProven,
    ChainTooLong,
    CrossesSetChange,
    EmptyChain,
    MalformedConsensusLog,
    MissingJustification,
    NotConsecutive,
    NotGenesis,
    NotSetChange,
    OverlappingSetChange,
    ParentMismatch,
    TooManyLeaps,
    UnsupportedConsensusLog,
)
from .justification import VoterSet, verify_justification

MAX_HEADERS: Final = 4096
"""Headers per batch. Nodes keep a justification at least every 512 blocks."""

NOTHING_EARLIER: Final[Mapping[int, bytes]] = MappingProxyType({})

AUTHORITIES_KEY: Final = storage_prefix("Grandpa", "Authorities")
SET_ID_KEY: Final = storage_prefix("Grandpa", "CurrentSetId")
LEGACY_AUTHORITIES_KEY: Final = b":grandpa_authorities"
"""Where chains before pallet-grandpa 5 keep the set, as version byte and vector."""

LEGACY_VERSION: Final = b"\x01"

GENESIS_KEYS: Final = (AUTHORITIES_KEY, SET_ID_KEY, LEGACY_AUTHORITIES_KEY)
"""Keys that the proof given to `LightClient.start` must cover, present or absent, and no others."""


class Trust(enum.IntEnum):
    """What the finality of the head rests on."""

    Grandpa = 0
    Unproven = 1


class SetChange(Struct, frozen=True):
    """`authorities` take over after block `at`."""

    at: u64
    authorities: list[Authority]


class LightClientState(Struct, frozen=True):
    """All that a light client remembers. `authorities` is empty and meaningless if `trust` is Unproven."""

    genesis_hash: H256
    head: Header
    trust: Trust
    set_id: u64
    authorities: list[Authority]
    pending: SetChange | None


class LightClient:
    """The finalized chain as far as it is known; `state` restores it, after a restart or elsewhere."""

    def __init__(self, state: LightClientState) -> None:
        self._state = state
        self._head_hash = state.head.hash()

    @classmethod
    def start(cls, genesis_header: Header, authorities_proof: Sequence[bytes]) -> Self:
        """Follow the chain of a trusted genesis header; the proof covers GENESIS_KEYS in its state.

        Raises NotGenesis, AuthoritiesNotProven or InvalidAuthoritySet.
        """
        set_id, authorities = _genesis_authorities(genesis_header.state_root, authorities_proof)
        VoterSet.of(authorities)
        return cls._start(genesis_header, Trust.Grandpa, set_id, authorities)

    @classmethod
    def start_unproven(cls, genesis_header: Header) -> Self:
        """Follow the chain without any proof of finality. Raises NotGenesis."""
        return cls._start(genesis_header, Trust.Unproven, 0, [])

    @classmethod
    def _start(cls, genesis: Header, trust: Trust, set_id: int, authorities: list[Authority]) -> Self:
        if genesis.number != 0 or genesis.parent_hash != bytes(32):
            raise NotGenesis(genesis.number, genesis.parent_hash)
        return cls(LightClientState(genesis.hash(), genesis, trust, set_id, authorities, None))

    @classmethod
    def resume(cls, state: bytes) -> Self:
        """Go on from what `encode_state` gave. Raises DecodeError."""
        return cls(decode(LightClientState, state))

    def encode_state(self) -> bytes:
        return encode(LightClientState, self._state)

    def copy(self) -> Self:
        """A client that goes its own way from here."""
        return type(self)(self._state)

    @property
    def state(self) -> LightClientState:
        return self._state

    @property
    def trust(self) -> Literal["grandpa", "unproven"]:
        return "grandpa" if self._state.trust is Trust.Grandpa else "unproven"

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
        number: they are needed, and looked at, where authorities change. In unproven mode none is looked at.
        Raises a HeaderChainError, SetChangeError, JustificationError or InvalidAuthoritySet.
        """
        tip_hash = verify_header_chain(headers, self._state.head, self._head_hash)
        tip = headers[-1]
        state = replace(self._state, head=tip)
        if state.trust is Trust.Grandpa:
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
            if not leap.headers:
                raise EmptyChain
            first, last = leap.headers[0], leap.headers[-1]
            if first.number <= state.head.number:
                raise AlreadyFinalized(first.number, state.head.number)
            if len(leap.headers) > 1:
                verify_header_chain(leap.headers[1:], first, first.hash())
            _, pending = _under_one_set(leap.headers, state.pending)
            if pending is None or pending.at != last.number:
                raise NotSetChange(first.number, last.number)
            state = _finalize(replace(state, head=last, pending=pending), leap.justification)
        self._state, self._head_hash = state, state.head.hash()
        return state.head


def _genesis_authorities(state_root: bytes, proof: Sequence[bytes]) -> tuple[int, list[Authority]]:
    """Set id and authorities of the genesis state. Raises AuthoritiesNotProven."""
    try:
        values = verify_proof(state_root, proof, GENESIS_KEYS)
        set_id = values[SET_ID_KEY]
        return 0 if set_id is None else decode(u64, set_id), _stored_authorities(values)
    except (TrieError, DecodeError) as error:
        raise AuthoritiesNotProven(state_root, error.code, str(error)) from error


def _stored_authorities(values: dict[bytes, bytes | None]) -> list[Authority]:
    stored = values[AUTHORITIES_KEY]
    legacy = values[LEGACY_AUTHORITIES_KEY]
    if stored is None and legacy is not None and legacy[:1] == LEGACY_VERSION:
        stored = legacy[1:]
    authorities: list[Authority] = [] if stored is None else decode(list[Authority], stored)
    return authorities


def verify_header_chain(headers: Sequence[Header], head: Header, head_hash: bytes) -> bytes:
    """Whether the headers follow `head` one by one; the hash of the last. Raises a HeaderChainError."""
    if not headers:
        raise EmptyChain
    if len(headers) > MAX_HEADERS:
        raise ChainTooLong(len(headers), MAX_HEADERS)
    if headers[0].number <= head.number:
        raise AlreadyFinalized(headers[0].number, head.number)
    parent = head_hash
    for expected, header in enumerate(headers, head.number + 1):
        if header.number != expected:
            raise NotConsecutive(header.number, expected)
        if header.parent_hash != parent:
            raise ParentMismatch(expected, parent, header.parent_hash)
        parent = header.hash()
    return parent


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
            raise UnsupportedConsensusLog(header.number, type(log).__name__)
        if isinstance(log, ScheduledChange):
            changes.append(log)
    return changes


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
