"""GRANDPA with the local authorities' keys: justifications and finality proofs; or finality without anybody's vote.

Every vote is on the block to finalize itself, so ancestries are empty. The set that finalizes a block is the
one in force after its parent: a block that changes the authorities is still finalized by those it replaces.
One round finalizes one block; its number serves as the round's, which therefore never repeats within a set.

Sources: sp-consensus-grandpa, finality-grandpa, sc-consensus-grandpa (`justification.rs`, `finality_proof.rs`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from integritee.crypto import KeyPair
from integritee.frame.overlay import Overlay
from integritee.primitives.grandpa import (
    Authority,
    Commit,
    FinalityProof,
    GrandpaJustification,
    Precommit,
    SignedPrecommit,
    finality_threshold,
    precommit_payload,
)
from integritee.primitives.header import Header
from integritee.scale import encode
from integritee.trie import Trie

from . import runtime_api
from .block import Block
from .chain import Chain
from .database import Finalization
from .engine import RuntimeEngine
from .errors import MissingVotes, NotCanonical, NotFinalized, RuntimeApiMissing, UnknownBlock

MAX_UNKNOWN_HEADERS: Final = 100_000
"""Headers a finality proof may carry between the block and the justified one."""

MAX_FINALIZED_AT_ONCE: Final = 4096
"""Blocks that one step finalizes; a longer backlog takes several steps."""


class FinalityKind(enum.StrEnum):
    """How blocks become final (``--finality``)."""

    AUTO = "auto"
    """GRANDPA if the chain has authorities for it, INSTANT otherwise (a parachain, say)."""
    GRANDPA = "grandpa"
    """By votes of the local keys."""
    INSTANT = "instant"
    """Without votes, so without justifications."""
    NONE = "none"
    """On request only, then as AUTO."""

    def votes_on(self, chain: Chain) -> bool:
        """Whether finality takes votes there. Raises RuntimeFailure."""
        match self:
            case FinalityKind.GRANDPA:
                return True
            case FinalityKind.INSTANT:
                return False
        return has_authorities(chain)


@dataclass(frozen=True, slots=True)
class AuthoritySet:
    """Who may finalize: set id and (ed25519 public key, weight) of each."""

    id: int
    authorities: tuple[Authority, ...]

    @classmethod
    def read(cls, engine: RuntimeEngine, overlay: Overlay) -> AuthoritySet:
        """The set in force for the children of the block whose state this is."""
        return cls(
            runtime_api.grandpa_current_set_id(engine, overlay),
            tuple(runtime_api.grandpa_authorities(engine, overlay)),
        )

    @property
    def threshold(self) -> int:
        return finality_threshold(sum(weight for _, weight in self.authorities))


def has_authorities(chain: Chain) -> bool:
    """Whether the chain has GRANDPA authorities now."""
    try:
        return bool(runtime_api.grandpa_authorities(chain.engine, chain.overlay_at(chain.best_hash)))
    except RuntimeApiMissing:
        return False


def justify(hash: bytes, number: int, voters: AuthoritySet, keys: Mapping[bytes, KeyPair]) -> GrandpaJustification:
    """A justification of the block by all local keys (by public key) in the set. Raises MissingVotes."""
    precommit = Precommit(hash, number)
    payload = precommit_payload(precommit, number, voters.id)
    local = [(public, weight) for public, weight in voters.authorities if public in keys]
    weight = sum(weight for _, weight in local)
    if not voters.authorities or weight < voters.threshold:
        raise MissingVotes(weight, voters.threshold)
    votes = [SignedPrecommit(precommit, keys[public].sign(payload), public) for public, _ in local]
    return GrandpaJustification(number, Commit(hash, number, votes), [])


class Finalizer:
    """Decides what a new block makes final, and signs for it.

    `lag` is how many blocks finality stays behind the best one (0: a block is final at once; None: blocks are
    final only on request). `period` thins out justifications as real nodes do: one for the first finalized block,
    for each change of authorities, and whenever ⌊number / period⌋ grows; 1 justifies every block. Without `votes`
    there are none.
    """

    def __init__(
        self,
        chain: Chain,
        keys: Mapping[bytes, KeyPair],
        *,
        lag: int | None = 0,
        period: int = 1,
        votes: bool = True,
    ) -> None:
        if (lag is not None and lag < 0) or period < 1:
            raise ValueError("lag must not be negative, period must be positive")
        self.lag, self.period, self.votes = lag, period, votes
        self._chain, self._keys = chain, keys

    def upon(self, block: Block, state: Trie) -> tuple[Finalization, ...]:
        """What becomes final by importing the block, whose state is given; oldest first. Raises MissingVotes."""
        if self.lag is None or block.number <= self._chain.best.number:
            return ()
        return self._finalizations(block.hash, block.header, block.number - self.lag, {block.hash: state})

    def up_to(self, hash: bytes) -> tuple[Finalization, ...]:
        """What makes the block of the best chain final, its ancestors first.

        Raises UnknownBlock, NotCanonical, MissingVotes. Empty if it is final already.
        """
        header = self._chain.header(hash)
        if header is None:
            raise UnknownBlock(hash)
        if not self._chain.is_canonical(hash):
            raise NotCanonical(hash)
        return self._finalizations(hash, header, header.number, {})

    def _finalizations(
        self, hash: bytes, header: Header, up_to: int, states: Mapping[bytes, Trie]
    ) -> tuple[Finalization, ...]:
        """Blocks above the finalized one and not above number `up_to` on the way down from a block."""
        chain = self._chain
        targets: list[tuple[bytes, Header]] = []
        while header.number > chain.finalized.number:
            if header.number <= up_to:
                targets.append((hash, header))
            above, hash = hash, header.parent_hash
            found = chain.header(hash)
            if found is None:
                raise UnknownBlock(above)
            header = found
        targets.reverse()
        done, previous = [], chain.finalized.number
        for hash, header in targets[:MAX_FINALIZED_AT_ONCE]:
            done.append(self._finalization(hash, header, previous, states))
            previous = header.number
        return tuple(done)

    def _finalization(self, hash: bytes, header: Header, previous: int, states: Mapping[bytes, Trie]) -> Finalization:
        if not self.votes:
            return Finalization(hash, header.number)
        voters = self._set_after(header.parent_hash, states)
        justification = encode(GrandpaJustification, justify(hash, header.number, voters, self._keys))
        kept = (
            previous == 0
            or header.number // self.period != previous // self.period
            or self._set_after(hash, states) != voters
        )
        return Finalization(hash, header.number, justification if kept else None)

    def _set_after(self, hash: bytes, states: Mapping[bytes, Trie]) -> AuthoritySet:
        state = states.get(hash) or self._chain.state_at(hash)
        return AuthoritySet.read(self._chain.engine, Overlay(state))


def prove_finality(chain: Chain, number: int) -> FinalityProof:
    """The nearest justified block at or above block `number`, with what leads there. Raises NotFinalized."""
    headers: list[Header] = []
    for at in range(number, min(chain.finalized.number, number + MAX_UNKNOWN_HEADERS) + 1):
        hash = chain.hash_at(at)
        header = chain.header(hash) if hash else None
        if hash is None or header is None:
            break
        if at > number:
            headers.append(header)
        justification = chain.justification(hash)
        if justification is not None:
            return FinalityProof(hash, justification, headers)
    raise NotFinalized(number, chain.finalized.number)
