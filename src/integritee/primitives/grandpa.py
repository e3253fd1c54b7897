"""GRANDPA justifications and authority-set changes.

Source: sp-consensus-grandpa (`GrandpaJustification`, `ConsensusLog`, `localized_payload`), finality-grandpa.
Verification lives with whoever trusts the outcome; here are the bytes.
"""

from __future__ import annotations

from typing import ClassVar

from integritee.scale import Bytes32, Bytes64, Enum, Struct, encode, u32, u64

from .header import GRANDPA_ENGINE, Consensus, Header
from .ids import H256


class Precommit(Struct, frozen=True):
    scale_path: ClassVar[str] = "finality_grandpa::Precommit"
    target_hash: H256
    target_number: u32


class SignedPrecommit(Struct, frozen=True):
    scale_path: ClassVar[str] = "finality_grandpa::SignedPrecommit"
    precommit: Precommit
    signature: Bytes64
    id: Bytes32


class Commit(Struct, frozen=True):
    scale_path: ClassVar[str] = "finality_grandpa::Commit"
    target_hash: H256
    target_number: u32
    precommits: list[SignedPrecommit]


class GrandpaJustification(Struct, frozen=True):
    """Proof that more than two thirds of the authorities precommitted a block or its descendants."""

    scale_path: ClassVar[str] = "sp_consensus_grandpa::GrandpaJustification"
    round: u64
    commit: Commit
    votes_ancestries: list[Header]


class FinalityProof(Struct, frozen=True):
    """Answer of `grandpa_proveFinality`: a justified block and the headers from behind the asked one up to it.

    Upstream answers with the last block of the asked one's authority set, or with the latest justified block if that
    set is still in force (sc-consensus-grandpa, `finality_proof.rs`)."""

    scale_path: ClassVar[str] = "sc_consensus_grandpa::FinalityProof"
    block: H256
    justification: bytes
    unknown_headers: list[Header]


Authority = tuple[Bytes32, u64]
"""(ed25519 public key, weight)."""


class ConsensusLog(Enum, frozen=True):
    scale_path: ClassVar[str] = "sp_consensus_grandpa::ConsensusLog"


class ScheduledChange(ConsensusLog, frozen=True):
    index: ClassVar[int] = 1
    next_authorities: list[Authority]
    delay: u32


class ForcedChange(ConsensusLog, frozen=True):
    index: ClassVar[int] = 2
    median_last_finalized: u32
    next_authorities: list[Authority]
    delay: u32


class OnDisabled(ConsensusLog, frozen=True):
    index: ClassVar[int] = 3
    authority_index: u64


class Pause(ConsensusLog, frozen=True):
    index: ClassVar[int] = 4
    delay: u32


class Resume(ConsensusLog, frozen=True):
    index: ClassVar[int] = 5
    delay: u32


def precommit_payload(precommit: Precommit, round_: int, set_id: int) -> bytes:
    """What an authority signs: Message::Precommit (variant 1), round and set id; not hashed."""
    return b"\x01" + encode(Precommit, precommit) + round_.to_bytes(8, "little") + set_id.to_bytes(8, "little")


def grandpa_logs(header: Header) -> list[bytes]:
    """SCALE bytes of every GRANDPA consensus log in the header's digest."""
    return [item.data for item in header.digest.logs if isinstance(item, Consensus) and item.engine == GRANDPA_ENGINE]


def finality_threshold(total_weight: int) -> int:
    """Least weight that finalizes: total − ⌊(total − 1) / 3⌋ (finality-grandpa `threshold`)."""
    return total_weight - (total_weight - 1) // 3
