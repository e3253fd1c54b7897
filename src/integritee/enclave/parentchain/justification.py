"""A GRANDPA justification: whether enough of a set of voters finalized a block.

Rules: finality-grandpa (`validate_commit`), sc-consensus-grandpa (`GrandpaJustification`). Stricter than they are
in two points: votes from outside of the set, and more votes than an equivocation takes, spoil the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from integritee.crypto import verify_ed25519
from integritee.primitives.grandpa import Authority, GrandpaJustification, finality_threshold, precommit_payload
from integritee.scale import DecodeError, decode

from .errors import (
    BadVoteSignature,
    InsufficientWeight,
    InvalidAuthoritySet,
    JustificationTooLarge,
    MalformedJustification,
    TooManyVotes,
    UnknownVoter,
    UnusedAncestry,
    VoteNotDescendant,
    WrongTarget,
)

MAX_JUSTIFICATION_BYTES: Final = 1 << 20
"""Bounds votes and ancestry headers alike."""

MAX_VOTES_PER_VOTER: Final = 2
"""An equivocation takes two votes; more are redundant (finality-grandpa)."""


@dataclass(frozen=True, slots=True)
class VoterSet:
    """Weights by ed25519 public key, and the least total of them that finalizes."""

    weights: dict[bytes, int]
    threshold: int

    @classmethod
    def of(cls, authorities: Sequence[Authority]) -> Self:
        """Listed twice, an authority has the sum of its weights; with weight 0 it is no voter.

        Raises InvalidAuthoritySet.
        """
        weights: dict[bytes, int] = {}
        for voter, weight in authorities:
            if weight:
                weights[voter] = weights.get(voter, 0) + weight
        total = sum(weights.values())
        if not 0 < total < 1 << 64:
            raise InvalidAuthoritySet(len(authorities), total)
        return cls(weights, finality_threshold(total))


def verify_justification(data: bytes, number: int, hash: bytes, voters: VoterSet, set_id: int) -> None:
    """Whether the SCALE-encoded justification shows that the voters finalized block `number`, `hash`.

    Votes count for the block if they are for it or for a descendant, as the enclosed headers must show.
    Raises a JustificationError.
    """
    if len(data) > MAX_JUSTIFICATION_BYTES:
        raise JustificationTooLarge(len(data), MAX_JUSTIFICATION_BYTES)
    try:
        justification = decode(GrandpaJustification, data)
    except DecodeError as error:
        raise MalformedJustification(error.code, str(error)) from error
    commit = justification.commit
    if (commit.target_number, commit.target_hash) != (number, hash):
        raise WrongTarget(number, hash, commit.target_number, commit.target_hash)
    _verify_weight(justification, voters, set_id)
    _verify_ancestry(justification)
    for vote in commit.precommits:
        payload = precommit_payload(vote.precommit, justification.round, set_id)
        if not verify_ed25519(vote.signature, payload, vote.id):
            raise BadVoteSignature(vote.id, justification.round, set_id)


def _verify_weight(justification: GrandpaJustification, voters: VoterSet, set_id: int) -> None:
    votes: dict[bytes, int] = {}
    for vote in justification.commit.precommits:
        if vote.id not in voters.weights:
            raise UnknownVoter(vote.id, set_id)
        votes[vote.id] = votes.get(vote.id, 0) + 1
        if votes[vote.id] > MAX_VOTES_PER_VOTER:
            raise TooManyVotes(vote.id, MAX_VOTES_PER_VOTER)
    weight = sum(voters.weights[voter] for voter in votes)
    if weight < voters.threshold:
        raise InsufficientWeight(weight, voters.threshold)


def _verify_ancestry(justification: GrandpaJustification) -> None:
    """Every vote reaches the target through the enclosed headers, and every header is needed for that."""
    target = justification.commit.target_hash
    headers = {header.hash(): header for header in justification.votes_ancestries}
    reaching: dict[bytes, int] = {target: justification.commit.target_number}
    for vote in justification.commit.precommits:
        voted = vote.precommit
        way, block = [], voted.target_hash
        while block not in reaching:
            header = headers.get(block)
            if header is None:
                raise VoteNotDescendant(vote.id, voted.target_number, voted.target_hash)
            way.append(block)
            block = header.parent_hash
        reaching.update((passed, headers[passed].number) for passed in way)
        if reaching[voted.target_hash] != voted.target_number:
            raise VoteNotDescendant(vote.id, voted.target_number, voted.target_hash)
    used = len(reaching) - 1
    if used != len(justification.votes_ancestries):
        raise UnusedAncestry(len(justification.votes_ancestries), used)
