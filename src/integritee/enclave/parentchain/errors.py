"""Why the enclave does not believe what it was told about a parentchain.

ParentchainError                      parentchain
├── LightClientError                  parentchain.light_client
│   ├── StartError                    parentchain.start
│   │   ├── NotGenesis                parentchain.not_genesis
│   │   ├── AuthoritiesNotProven      parentchain.authorities_not_proven
│   │   ├── InvalidAuthoritySet       parentchain.invalid_authority_set  (also: announced by a header)
│   │   ├── InvalidCheckpoint         parentchain.invalid_checkpoint
│   │   └── UnknownStateFormat        parentchain.unknown_state_format
│   ├── TrustError                    parentchain.trust
│   │   ├── FinalityDowngrade         parentchain.finality_downgrade
│   │   ├── NotParachain              parentchain.not_parachain
│   │   ├── ForeignRelayChain         parentchain.foreign_relay_chain
│   │   ├── ForeignPara               parentchain.foreign_para
│   │   └── ForeignCheckpoint         parentchain.foreign_checkpoint
│   ├── HeaderChainError              parentchain.header_chain
│   │   ├── EmptyChain                parentchain.empty_chain
│   │   ├── ChainTooLong              parentchain.chain_too_long
│   │   ├── AlreadyFinalized          parentchain.already_finalized
│   │   ├── NotConsecutive            parentchain.not_consecutive
│   │   └── ParentMismatch            parentchain.parent_mismatch
│   ├── SetChangeError                parentchain.set_change
│   │   ├── MalformedConsensusLog     parentchain.malformed_consensus_log
│   │   ├── ForcedSetChange           parentchain.forced_change
│   │   ├── OverlappingSetChange      parentchain.overlapping_set_change
│   │   └── CrossesSetChange          parentchain.crosses_set_change
│   ├── WarpError                     parentchain.warp
│   │   ├── TooManyLeaps              parentchain.too_many_leaps
│   │   ├── NotSetChange              parentchain.not_set_change
│   │   ├── NothingToLeapBy           parentchain.nothing_to_leap_by
│   │   ├── WarpedTooFar              parentchain.warped_too_far
│   │   └── CheckpointTooLate         parentchain.checkpoint_too_late
│   ├── RelayError                    parentchain.relay
│   │   ├── MissingRelayFinality      parentchain.missing_relay_finality
│   │   ├── UnexpectedRelayFinality   parentchain.unexpected_relay_finality
│   │   ├── RelayChainRefused         parentchain.relay_chain_refused
│   │   ├── ParaHeadNotProven         parentchain.para_head_not_proven
│   │   ├── NoParaHead                parentchain.no_para_head
│   │   └── WrongParaHead             parentchain.wrong_para_head
│   └── JustificationError            parentchain.justification
│       ├── MissingJustification      parentchain.missing_justification
│       ├── JustificationTooLarge     parentchain.justification_too_large
│       ├── MalformedJustification    parentchain.malformed_justification
│       ├── WrongTarget               parentchain.wrong_target
│       ├── UnknownVoter              parentchain.unknown_voter
│       ├── TooManyVotes              parentchain.too_many_votes
│       ├── InsufficientWeight        parentchain.insufficient_weight
│       ├── BadVoteSignature          parentchain.bad_vote_signature
│       ├── VoteNotDescendant         parentchain.vote_not_descendant
│       └── UnusedAncestry            parentchain.unused_ancestry
└── BlockError                        parentchain.block
    ├── BlockTooLarge                 parentchain.block_too_large
    ├── ExtrinsicsRootMismatch        parentchain.extrinsics_root_mismatch
    └── StateNotProven                parentchain.state_not_proven
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class ParentchainError(IntegriteeError):
    code = "parentchain"


class LightClientError(ParentchainError):
    """Headers or contents of the parentchain that are not proven."""

    code = "parentchain.light_client"


# --- start


class StartError(LightClientError):
    """There is nothing to start a light client from."""

    code = "parentchain.start"


class NotGenesis(StartError):
    """The header is not that of a first block."""

    code = "parentchain.not_genesis"

    def __init__(self, number: int, parent: bytes) -> None:
        super().__init__(f"header {number} on 0x{parent.hex()} is not a genesis header")
        self.number = number
        self.parent = parent


class AuthoritiesNotProven(StartError):
    """The authority set does not follow from the genesis state; `cause` is the code of the proof's error."""

    code = "parentchain.authorities_not_proven"

    def __init__(self, state_root: bytes, cause: str, detail: str) -> None:
        super().__init__(f"no authority set proven under 0x{state_root.hex()}: {detail}")
        self.state_root = state_root
        self.cause = cause


class InvalidAuthoritySet(StartError):
    """A set without weight, or with more than fits 64 bits, cannot vote."""

    code = "parentchain.invalid_authority_set"

    def __init__(self, authorities: int, weight: int) -> None:
        super().__init__(f"{authorities} authorities with total weight {weight} cannot be a voter set")
        self.authorities = authorities
        self.weight = weight


class InvalidCheckpoint(StartError):
    """The header of a checkpoint says otherwise than the rest of it, or than the chain's genesis."""

    code = "parentchain.invalid_checkpoint"

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"checkpoint at block {number}: {reason}")
        self.number = number
        self.reason = reason


class UnknownStateFormat(StartError):
    """The sealed state of a light client is of another version of the enclave."""

    code = "parentchain.unknown_state_format"

    def __init__(self, found: bytes, expected: bytes) -> None:
        super().__init__(
            f"sealed light client begins with 0x{found.hex()}, not 0x{expected.hex()}: start anew with --clean-reset"
        )
        self.found = found
        self.expected = expected


# --- levels of trust


class TrustError(LightClientError):
    """The chain's finality would rest on something else than it has to."""

    code = "parentchain.trust"


class FinalityDowngrade(TrustError):
    """What is proven final, by GRANDPA or on a relay chain, is not followed on the word of the host."""

    code = "parentchain.finality_downgrade"

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f'the finality of this chain is proven ("{expected}"), it is not followed as "{found}"')
        self.expected = expected
        self.found = found


class NotParachain(TrustError):
    """A relay chain is named for a chain with a GRANDPA of its own."""

    code = "parentchain.not_parachain"

    def __init__(self, para_id: int) -> None:
        super().__init__(
            f"the chain has its own GRANDPA authorities, it cannot be parachain {para_id} of a relay chain"
        )
        self.para_id = para_id


class ForeignRelayChain(TrustError):
    """The relay chain is another one, by its genesis hash, than the one the parachain was met with."""

    code = "parentchain.foreign_relay_chain"

    def __init__(self, found: bytes, expected: bytes) -> None:
        super().__init__(f"relay chain 0x{found.hex()}, but the parachain is finalized by 0x{expected.hex()}")
        self.found = found
        self.expected = expected


class ForeignPara(TrustError):
    """The parachain has another id on the relay chain than the one it was met with."""

    code = "parentchain.foreign_para"

    def __init__(self, found: int, expected: int) -> None:
        super().__init__(f"parachain {found} of the relay chain, but the one that is followed is {expected}")
        self.found = found
        self.expected = expected


class ForeignCheckpoint(TrustError):
    """The chain that is followed does not go through the configured checkpoint."""

    code = "parentchain.foreign_checkpoint"

    def __init__(self, number: int, found: bytes, expected: bytes) -> None:
        super().__init__(f"block {number} is 0x{found.hex()}, the checkpoint is 0x{expected.hex()}")
        self.number = number
        self.found = found
        self.expected = expected


# --- header chain


class HeaderChainError(LightClientError):
    """The headers do not continue the finalized chain."""

    code = "parentchain.header_chain"


class EmptyChain(HeaderChainError):
    """No headers."""

    code = "parentchain.empty_chain"

    def __init__(self) -> None:
        super().__init__("no headers")


class ChainTooLong(HeaderChainError):
    """More headers at once than are looked at."""

    code = "parentchain.chain_too_long"

    def __init__(self, found: int, limit: int) -> None:
        super().__init__(f"{found} headers at once, at most {limit} are allowed")
        self.found = found
        self.limit = limit


class AlreadyFinalized(HeaderChainError):
    """The first header is not beyond the finalized head: a replay, or a fork of history."""

    code = "parentchain.already_finalized"

    def __init__(self, number: int, head: int) -> None:
        super().__init__(f"header {number} is not beyond the finalized head {head}")
        self.number = number
        self.head = head


class NotConsecutive(HeaderChainError):
    """A header is missing, or two are swapped."""

    code = "parentchain.not_consecutive"

    def __init__(self, found: int, expected: int) -> None:
        super().__init__(f"header {found} where {expected} should be")
        self.found = found
        self.expected = expected


class ParentMismatch(HeaderChainError):
    """A header names another parent than the one before it."""

    code = "parentchain.parent_mismatch"

    def __init__(self, number: int, expected: bytes, found: bytes) -> None:
        super().__init__(f"header {number} is a child of 0x{found.hex()}, not of 0x{expected.hex()}")
        self.number = number
        self.expected = expected
        self.found = found


# --- authority set changes


class SetChangeError(LightClientError):
    """The authority set cannot be followed through these headers."""

    code = "parentchain.set_change"


class MalformedConsensusLog(SetChangeError):
    """A GRANDPA digest item that does not decode; `cause` is the code of the codec's error."""

    code = "parentchain.malformed_consensus_log"

    def __init__(self, number: int, cause: str) -> None:
        super().__init__(f"GRANDPA digest item of header {number} does not decode ({cause})")
        self.number = number
        self.cause = cause


class ForcedSetChange(SetChangeError):
    """Authorities are installed by force after block `at`; no vote says who they are, its operators can."""

    code = "parentchain.forced_change"

    def __init__(self, number: int, at: int) -> None:
        super().__init__(
            f"header {number} installs authorities by force, which no vote proves: "
            f"only a fresh enclave that starts from a checkpoint at block {at} or later can follow the chain"
        )
        self.number = number
        self.at = at


class OverlappingSetChange(SetChangeError):
    """A change is announced while one is pending, which pallet-grandpa never does."""

    code = "parentchain.overlapping_set_change"

    def __init__(self, number: int, pending_at: int) -> None:
        super().__init__(f"header {number} announces a set change while that of block {pending_at} is pending")
        self.number = number
        self.pending_at = pending_at


class CrossesSetChange(SetChangeError):
    """Headers up to `at` are finalized by the old set, those beyond by the new one: block `at` must be justified."""

    code = "parentchain.crosses_set_change"

    def __init__(self, at: int, tip: int) -> None:
        super().__init__(f"authorities change with block {at}, it must be finalized before {tip} can be")
        self.at = at
        self.tip = tip


# --- warp


class WarpError(LightClientError):
    """The chain cannot be followed in leaps from one authority set to the next."""

    code = "parentchain.warp"


class TooManyLeaps(WarpError):
    """More leaps at once than are looked at."""

    code = "parentchain.too_many_leaps"

    def __init__(self, found: int, limit: int) -> None:
        super().__init__(f"{found} leaps at once, at most {limit} are allowed")
        self.found = found
        self.limit = limit


class NotSetChange(WarpError):
    """A leap that does not end with the last block of an authority set; elsewhere a change could be missed."""

    code = "parentchain.not_set_change"

    def __init__(self, first: int, last: int) -> None:
        super().__init__(f"headers {first} to {last} do not announce authorities that take over after {last}")
        self.first = first
        self.last = last


class NothingToLeapBy(WarpError):
    """Only the chain's own GRANDPA can justify a leap, and there is none (`trust` as in `SyncState`)."""

    code = "parentchain.nothing_to_leap_by"

    def __init__(self, trust: str) -> None:
        super().__init__(f'leaps, but the chain has no GRANDPA of its own ("{trust}")')
        self.trust = trust


class WarpedTooFar(WarpError):
    """Blocks were passed over in which the enclave was at work already, so it reads the chain from genesis on."""

    code = "parentchain.warped_too_far"

    def __init__(self, number: int, nonce: int) -> None:
        super().__init__(f"before block {number}, reached by leaps, the enclave has sent {nonce} extrinsics")
        self.number = number
        self.nonce = nonce


class CheckpointTooLate(WarpError):
    """The enclave was at work before the checkpoint, in blocks that it has not read; an earlier one will do."""

    code = "parentchain.checkpoint_too_late"

    def __init__(self, number: int, nonce: int) -> None:
        super().__init__(
            f"before block {number}, the first after the checkpoint, the enclave has sent {nonce} extrinsics: "
            f"configure an earlier checkpoint, or none"
        )
        self.number = number
        self.nonce = nonce


# --- finality through a relay chain


class RelayError(LightClientError):
    """The relay chain does not show that a parachain's block is final."""

    code = "parentchain.relay"


class MissingRelayFinality(RelayError):
    """Blocks of a parachain come without a word of its relay chain."""

    code = "parentchain.missing_relay_finality"

    def __init__(self, number: int) -> None:
        super().__init__(f"header {number} comes without finality on the relay chain")
        self.number = number


class UnexpectedRelayFinality(RelayError):
    """Finality on a relay chain for a chain that is not followed by it (`trust` as in `SyncState`)."""

    code = "parentchain.unexpected_relay_finality"

    def __init__(self, trust: str) -> None:
        super().__init__(f'finality on a relay chain for a chain that is followed as "{trust}"')
        self.trust = trust


class RelayChainRefused(RelayError):
    """Block `number` of the relay chain is not proven itself; `cause` is the code of its light client's error."""

    code = "parentchain.relay_chain_refused"

    def __init__(self, number: int, cause: str, detail: str) -> None:
        super().__init__(f"relay chain at block {number}: {detail}")
        self.number = number
        self.cause = cause


class ParaHeadNotProven(RelayError):
    """The proof does not show the parachain's head in the relay chain's state; `cause` as in StateNotProven."""

    code = "parentchain.para_head_not_proven"

    def __init__(self, state_root: bytes, cause: str, detail: str) -> None:
        super().__init__(f"parachain head under relay state 0x{state_root.hex()} is not proven: {detail}")
        self.state_root = state_root
        self.cause = cause


class NoParaHead(RelayError):
    """The relay chain does not know the parachain at this block."""

    code = "parentchain.no_para_head"

    def __init__(self, para_id: int, relay_number: int) -> None:
        super().__init__(f"relay chain has no head of parachain {para_id} at block {relay_number}")
        self.para_id = para_id
        self.relay_number = relay_number


class WrongParaHead(RelayError):
    """The last of the headers is not the parachain's head on the relay chain; `found` is the hash of the latter."""

    code = "parentchain.wrong_para_head"

    def __init__(self, number: int, expected: bytes, found: bytes) -> None:
        super().__init__(f"relay chain proves parachain head 0x{found.hex()}, not {number} 0x{expected.hex()}")
        self.number = number
        self.expected = expected
        self.found = found


# --- justification


class JustificationError(LightClientError):
    """The last header is not shown to be final."""

    code = "parentchain.justification"


class MissingJustification(JustificationError):
    """The last of the headers comes without a justification."""

    code = "parentchain.missing_justification"

    def __init__(self, number: int) -> None:
        super().__init__(f"header {number} comes without a justification")
        self.number = number


class JustificationTooLarge(JustificationError):
    """A justification has more bytes than one may have."""

    code = "parentchain.justification_too_large"

    def __init__(self, found: int, limit: int) -> None:
        super().__init__(f"justification of {found} bytes, at most {limit} are allowed")
        self.found = found
        self.limit = limit


class MalformedJustification(JustificationError):
    """The bytes do not decode; `cause` is the code of the codec's error."""

    code = "parentchain.malformed_justification"

    def __init__(self, cause: str, detail: str) -> None:
        super().__init__(f"justification does not decode: {detail}")
        self.cause = cause


class WrongTarget(JustificationError):
    """The votes are for another block."""

    code = "parentchain.wrong_target"

    def __init__(self, expected_number: int, expected: bytes, found_number: int, found: bytes) -> None:
        super().__init__(
            f"justification of {found_number} 0x{found.hex()}, expected {expected_number} 0x{expected.hex()}"
        )
        self.expected_number = expected_number
        self.expected = expected
        self.found_number = found_number
        self.found = found


class UnknownVoter(JustificationError):
    """Somebody outside of the authority set votes; maybe a member of another set."""

    code = "parentchain.unknown_voter"

    def __init__(self, voter: bytes, set_id: int) -> None:
        super().__init__(f"0x{voter.hex()} is not in authority set {set_id}")
        self.voter = voter
        self.set_id = set_id


class TooManyVotes(JustificationError):
    """One voter votes more often than an equivocation takes."""

    code = "parentchain.too_many_votes"

    def __init__(self, voter: bytes, limit: int) -> None:
        super().__init__(f"0x{voter.hex()} votes more than {limit} times")
        self.voter = voter
        self.limit = limit


class InsufficientWeight(JustificationError):
    """Too few voters, each counted once however often it votes."""

    code = "parentchain.insufficient_weight"

    def __init__(self, found: int, expected: int) -> None:
        super().__init__(f"votes of weight {found}, {expected} are needed")
        self.found = found
        self.expected = expected


class BadVoteSignature(JustificationError):
    """The voter did not cast this vote in this round of this authority set."""

    code = "parentchain.bad_vote_signature"

    def __init__(self, voter: bytes, round: int, set_id: int) -> None:
        super().__init__(f"0x{voter.hex()} did not sign this vote for round {round} of set {set_id}")
        self.voter = voter
        self.round = round
        self.set_id = set_id


class VoteNotDescendant(JustificationError):
    """A vote is for a block that is not shown to be the target or to descend from it."""

    code = "parentchain.vote_not_descendant"

    def __init__(self, voter: bytes, number: int, hash: bytes) -> None:
        super().__init__(f"0x{voter.hex()} votes for {number} 0x{hash.hex()}, no descendant of the target")
        self.voter = voter
        self.number = number
        self.hash = hash


class UnusedAncestry(JustificationError):
    """Headers that lie on the way of no vote, or occur twice."""

    code = "parentchain.unused_ancestry"

    def __init__(self, found: int, used: int) -> None:
        super().__init__(f"justification has {found} ancestry headers, its votes need {used}")
        self.found = found
        self.used = used


# --- block contents


class BlockError(ParentchainError):
    """Contents that do not belong to a verified header."""

    code = "parentchain.block"


class BlockTooLarge(BlockError):
    """`unit` is "extrinsics", "bytes" or "keys"."""

    code = "parentchain.block_too_large"

    def __init__(self, unit: str, found: int, limit: int) -> None:
        super().__init__(f"block with {found} {unit}, at most {limit} are allowed")
        self.unit = unit
        self.found = found
        self.limit = limit


class ExtrinsicsRootMismatch(BlockError):
    """An extrinsic is missing, added, altered or moved."""

    code = "parentchain.extrinsics_root_mismatch"

    def __init__(self, expected: bytes, found: bytes) -> None:
        super().__init__(f"extrinsics have root 0x{found.hex()}, the header says 0x{expected.hex()}")
        self.expected = expected
        self.found = found


class StateNotProven(BlockError):
    """The proof does not show every watched key under the state root; `cause` is the code of the proof's error."""

    code = "parentchain.state_not_proven"

    def __init__(self, state_root: bytes, cause: str, detail: str) -> None:
        super().__init__(f"state under 0x{state_root.hex()} is not proven: {detail}")
        self.state_root = state_root
        self.cause = cause
