"""A host that lies about the parentchain: every lie is refused by name, nothing has changed then, and the truth is
still heard. What the enclave sends out, and its disk, are in `test_named_attackers`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from integritee.boundary.messages import (
    MAX_BLOCKS_PER_IMPORT,
    Checkpoint,
    ImportBlocks,
    Leap,
    ParentchainBlock,
    ParentchainParams,
    RelayParams,
)
from integritee.crypto import Ed25519Pair
from integritee.enclave.parentchain.blocks import MAX_EXTRINSICS
from integritee.enclave.parentchain.finality import STATE_FORMAT, Sealed, SealedGrandpa
from integritee.enclave.parentchain.follower import Follower
from integritee.enclave.parentchain.justification import MAX_JUSTIFICATION_BYTES
from integritee.enclave.parentchain.light_client import GENESIS_KEYS, LightClientState
from integritee.enclave.selftest.damage import flipped
from integritee.errors import IntegriteeError
from integritee.metadata.runtime import MAX_METADATA_SIZE
from integritee.node.runtime.runtime import TEER
from integritee.primitives.grandpa import ForcedChange
from integritee.primitives.header import GRANDPA_ENGINE, Consensus, Digest, DigestItem, Header
from integritee.primitives.ids import ParentchainId
from integritee.scale import decode, encode
from integritee.trie import MAX_PROOF_NODES, Trie

from ..enclave.core.harness import BEN, World
from ..enclave.parentchain.grandpa_chain import authorities, change_to, extend, justified, log, state, vote
from ..enclave.parentchain.grandpa_chain import genesis as genesis_of
from .hostile_host import (
    ALICE,
    BOB,
    EVE,
    FERDIE,
    NEW,
    NEW_COUNCIL,
    OLD,
    STRANGER,
    Lie,
    again,
    announce,
    apart,
    assert_recovers,
    concealed_upgrade,
    edit,
    edit_header,
    eventless,
    extrinsics,
    flip,
    flood,
    forged,
    hand_over,
    honest,
    introduce,
    invented,
    justification,
    memory,
    misnumbered,
    next_runtime,
    no_votes,
    of_another_chain,
    of_block,
    of_more_keys,
    of_other_keys,
    of_the_block_before,
    other_round,
    proof,
    renamed,
    richer,
    runtime,
    spoilt_vote,
    swap,
    twice,
    votes,
    without,
)


@dataclass(frozen=True)
class Attack:
    """Who lies, how, and the code of the refusal. `cause` is the code that a refusal of a whole part names as its own."""

    name: str
    lie: Lie
    code: str
    cause: str | None = None

    def __str__(self) -> str:
        return self.name.replace(" ", "_")


NOT_PROVEN, WRONG_BODY = "parentchain.state_not_proven", "parentchain.extrinsics_root_mismatch"
CHANGED, UNPROVEN = "enclave.metadata_changed", "enclave.spec_version_unproven"
DOWNGRADE = "parentchain.finality_downgrade"
NO_GENESIS, NO_VOTERS = "parentchain.not_genesis", "parentchain.authorities_not_proven"


def garbled(data: bytes) -> Consensus:
    return Consensus(GRANDPA_ENGINE, data)


HEADERS = [
    Attack("swapper", hand_over(swap(1, 2)), "parentchain.not_consecutive"),
    Attack("dropper of the first", hand_over(without(0)), "parentchain.not_consecutive"),
    Attack("dropper in the middle", hand_over(without(2)), "parentchain.not_consecutive"),
    Attack("stutterer", hand_over(twice), "parentchain.not_consecutive"),
    Attack("replayer", hand_over(again), "parentchain.already_finalized"),
    Attack("forger of a parent", hand_over(edit_header(1, parent_hash=bytes(32))), "parentchain.parent_mismatch"),
    Attack("forger of a state root", hand_over(edit_header(1, state_root=bytes(32))), "parentchain.parent_mismatch"),
    Attack("impostor with another chain", hand_over(of_another_chain), "parentchain.parent_mismatch"),
    Attack("flooder", flood(MAX_BLOCKS_PER_IMPORT + 1), "scale.too_long"),
    Attack(
        "mumbler about voters",
        hand_over(announce(4, garbled(b"\x01\xff"))),
        "parentchain.malformed_consensus_log",
        "scale.unexpected_end",
    ),
    Attack(
        "coiner of announcements",
        hand_over(announce(4, garbled(b"\x09"))),
        "parentchain.malformed_consensus_log",
        "scale.unknown_variant",
    ),
    Attack(
        "one who forces a change",
        hand_over(announce(4, log(ForcedChange(0, authorities([STRANGER]), 0)))),
        "parentchain.forced_change",
    ),
    Attack(
        "usurper during a change",
        hand_over(announce(2, change_to([STRANGER], 0))),
        "parentchain.overlapping_set_change",
    ),
    Attack("abolisher of voters", hand_over(announce(4, change_to([], 0))), "parentchain.invalid_authority_set"),
]

JUSTIFICATIONS = [
    Attack("withholder of finality", hand_over(edit(-1, justification=None)), "parentchain.missing_justification"),
    Attack("withholder of a change", hand_over(edit(1, justification=None)), "parentchain.crosses_set_change"),
    Attack(
        "speaker without end",
        hand_over(edit(-1, justification=bytes(MAX_JUSTIFICATION_BYTES + 1))),
        "parentchain.justification_too_large",
    ),
    Attack(
        "mumbler",
        hand_over(edit(-1, justification=b"\x00" * 20)),
        "parentchain.malformed_justification",
        "scale.unexpected_end",
    ),
    Attack(
        "one who adds a byte",
        hand_over(edit(-1, justification=lambda _, block: block.justification + b"\0")),
        "parentchain.malformed_justification",
        "scale.trailing_bytes",
    ),
    Attack(
        "one who shows an old finality", hand_over(edit(-1, justification=of_block(-1))), "parentchain.wrong_target"
    ),
    Attack("misnumberer", hand_over(justification(misnumbered)), "parentchain.wrong_target"),
    Attack("forger of the last state", hand_over(edit_header(-1, state_root=bytes(32))), "parentchain.wrong_target"),
    Attack(
        "forger of the last body", hand_over(edit_header(-1, extrinsics_root=bytes(32))), "parentchain.wrong_target"
    ),
    Attack("stranger with a key", hand_over(edit(-1, justification=forged)), "parentchain.unknown_voter"),
    Attack("inventor of a block", hand_over(invented), "parentchain.unknown_voter"),
    Attack(
        "dismissed council", hand_over(votes(lambda h: [vote(p, h, 1, 1) for p in OLD])), "parentchain.unknown_voter"
    ),
    Attack(
        "council before its time",
        hand_over(edit(1, justification=lambda _, block: justified(block.header, NEW))),
        "parentchain.unknown_voter",
    ),
    Attack("silencer of voters", hand_over(justification(no_votes)), "parentchain.insufficient_weight"),
    Attack(
        "counter of heads",
        hand_over(votes(lambda h: [vote(p, h, 1, 1) for p in (FERDIE, ALICE)])),
        "parentchain.insufficient_weight",
    ),
    Attack(
        "one who votes twice",
        hand_over(votes(lambda h: [vote(p, h, 1, 1) for p in (FERDIE, FERDIE, ALICE)])),
        "parentchain.insufficient_weight",
    ),
    Attack(
        "one who votes for three",
        hand_over(votes(lambda h: [vote(p, h, 1, 1) for p in (EVE, ALICE, ALICE, ALICE)])),
        "parentchain.too_many_votes",
    ),
    Attack("forger of a vote", hand_over(justification(spoilt_vote)), "parentchain.bad_vote_signature"),
    Attack("mover of votes to a round", hand_over(justification(other_round)), "parentchain.bad_vote_signature"),
    Attack(
        "mover of votes to a set",
        hand_over(votes(lambda h: [vote(p, h, 1, 0) for p in NEW])),
        "parentchain.bad_vote_signature",
    ),
    Attack(
        "thief of a name",
        hand_over(votes(lambda h: [replace(vote(BOB, h, 1, 1), id=EVE.public)])),
        "parentchain.bad_vote_signature",
    ),
    Attack(
        "one of unrelated ancestry",
        hand_over(
            votes(
                lambda h: [vote(EVE, extend(h, 2)[1], 1, 1), vote(ALICE, apart(h)[1], 1, 1)],
                lambda h: [*extend(h, 2), *apart(h)],
            )
        ),
        "parentchain.vote_not_descendant",
    ),
    Attack(
        "one who conceals an ancestor",
        hand_over(votes(lambda h: [vote(EVE, extend(h, 2)[1], 1, 1)], lambda h: extend(h, 2)[1:])),
        "parentchain.vote_not_descendant",
    ),
    Attack(
        "carrier of ballast",
        hand_over(votes(lambda h: [vote(EVE, h, 1, 1)], lambda h: extend(h, 2))),
        "parentchain.unused_ancestry",
    ),
]


PROOFS_AND_BODIES = [
    Attack("one without proof", hand_over(edit(-1, proof=[])), NOT_PROVEN, "trie.proof_root_missing"),
    Attack(
        "prover of yesterday", hand_over(edit(-1, proof=of_the_block_before)), NOT_PROVEN, "trie.proof_root_missing"
    ),
    Attack("flipper of bits", hand_over(proof(flip)), NOT_PROVEN, "trie.proof_root_missing"),
    Attack("prover of too little", hand_over(edit(-1, proof=of_other_keys)), NOT_PROVEN, "trie.proof_incomplete"),
    Attack("shortener of proofs", hand_over(proof(lambda nodes: nodes[:-1])), NOT_PROVEN, "trie.proof_incomplete"),
    Attack("maker of money", hand_over(proof(richer, at=2)), NOT_PROVEN, "trie.proof_incomplete"),
    Attack("silencer of events", hand_over(proof(eventless, at=2)), NOT_PROVEN, "trie.proof_incomplete"),
    Attack("prover of too much", hand_over(edit(-1, proof=of_more_keys)), NOT_PROVEN, "trie.proof_unused_node"),
    Attack("padder of proofs", hand_over(proof(lambda nodes: [*nodes, b"\0"])), NOT_PROVEN, "trie.proof_unused_node"),
    Attack(
        "doubler of proofs",
        hand_over(proof(lambda nodes: [*nodes, nodes[0]])),
        NOT_PROVEN,
        "trie.proof_duplicate_node",
    ),
    Attack(
        "prover without end",
        hand_over(proof(lambda nodes: nodes + [b""] * MAX_PROOF_NODES)),
        NOT_PROVEN,
        "trie.proof_too_large",
    ),
    Attack("silencer of users", hand_over(extrinsics(lambda body: body[:-1])), WRONG_BODY),
    Attack("speaker for users", hand_over(extrinsics(lambda body: [*body, body[-1]])), WRONG_BODY),
    Attack("reorderer", hand_over(extrinsics(lambda body: body[::-1])), WRONG_BODY),
    Attack(
        "setter of clocks",
        hand_over(extrinsics(lambda body: [body[0][:-2] + b"\x02" + body[0][-1:], *body[1:]])),
        WRONG_BODY,
    ),
    Attack(
        "filler of blocks", hand_over(extrinsics(lambda body: body * MAX_EXTRINSICS)), "parentchain.block_too_large"
    ),
]

METADATA_AND_VERSIONS = [
    Attack("changer of metadata", runtime(lambda f: replace(f, metadata=renamed(f.metadata))), CHANGED),
    Attack("forgetter of metadata", runtime(lambda f: replace(f, metadata=b"")), CHANGED),
    Attack("downgrader", runtime(lambda f: replace(f, spec_version=f.spec_version - 1)), UNPROVEN),
    Attack("concealer of upgrades", concealed_upgrade, UNPROVEN),
    Attack("writer of nonsense", next_runtime(lambda raw: b"nonsense"), "metadata.magic"),
    Attack(
        "writer in another hand",
        next_runtime(lambda raw: raw[:4] + b"\x63" + raw[5:]),
        "metadata.unsupported_version",
    ),
    Attack("novelist", next_runtime(lambda raw: raw + bytes(MAX_METADATA_SIZE)), "metadata.too_large"),
    Attack("writer who breaks off", next_runtime(lambda raw: raw[:-1]), "scale.unexpected_end"),
    Attack("writer who goes on", next_runtime(lambda raw: raw + b"\0"), "scale.trailing_bytes"),
    Attack("remover of a pallet", next_runtime(renamed), "parentchain.missing_call"),
]

IDENTITIES = [
    Attack(
        "changer of genesis",
        introduce(lambda p: replace(p, genesis=replace(p.genesis, state_root=bytes(32)))),
        "enclave.foreign_genesis",
    ),
    Attack(
        "changer of chains",
        introduce(lambda p: replace(p, id=ParentchainId.TargetA)),
        "enclave.chain_followed_already",
    ),
    Attack(
        "feeder from elsewhere",
        lambda world: world.core.import_blocks(ImportBlocks(ParentchainId.TargetB, honest(world))),
        "enclave.not_ready",
    ),
]

ATTACKS = [*HEADERS, *JUSTIFICATIONS, *PROOFS_AND_BODIES, *METADATA_AND_VERSIONS, *IDENTITIES]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_a_lie_is_refused_and_changes_nothing(world: World, attack: Attack) -> None:
    before = memory(world)
    with pytest.raises(IntegriteeError) as caught:
        attack.lie(world)
    assert (caught.value.code, getattr(caught.value, "cause", None)) == (attack.code, attack.cause)
    assert memory(world) == before
    assert_recovers(world)


# -- first contact, when nothing is known yet


def of_nobody(trie: Trie) -> Lie:
    """A chain of the host's own making, whose genesis names such voters."""
    return introduce(lambda p: replace(p, genesis=genesis_of(trie), authorities_proof=trie.prove(GENESIS_KEYS)))


def leap(*logs: DigestItem) -> Lie:
    """The enclave shall begin where strangers have taken the chain to."""

    def alter(params: ParentchainParams) -> ParentchainParams:
        headers = extend(params.genesis, 1, {1: list(logs)})
        return replace(params, leaps=[Leap(headers, justified(headers[0], [STRANGER]))])

    return introduce(alter)


def vouch(number: int, *logs: DigestItem, pairs: Sequence[Ed25519Pair] = (STRANGER,)) -> Lie:
    """The enclave shall begin at a block of the host's own making, where strangers vote."""

    def alter(params: ParentchainParams) -> ParentchainParams:
        header = Header(bytes(32), number, bytes(32), bytes(32), Digest(list(logs)))
        return replace(params, checkpoint=Checkpoint(header, 1, authorities(pairs)))

    return introduce(alter)


FIRST_CONTACT = [
    Attack(
        "hasty one",
        lambda world: world.core.import_blocks(ImportBlocks(ParentchainId.Integritee, [])),
        "enclave.not_ready",
    ),
    Attack("one who starts late", introduce(lambda p: replace(p, genesis=replace(p.genesis, number=1))), NO_GENESIS),
    Attack(
        "one who starts on something",
        introduce(lambda p: replace(p, genesis=replace(p.genesis, parent_hash=b"\x01" * 32))),
        NO_GENESIS,
    ),
    Attack(
        "one who proves no voters",
        introduce(lambda p: replace(p, authorities_proof=[])),
        NO_VOTERS,
        "trie.proof_root_missing",
    ),
    Attack(
        "one who spoils the proof",
        introduce(lambda p: replace(p, authorities_proof=flip(p.authorities_proof))),
        NO_VOTERS,
        "trie.proof_root_missing",
    ),
    Attack(
        "one who shortens the proof",
        introduce(lambda p: replace(p, authorities_proof=p.authorities_proof[:-1])),
        NO_VOTERS,
        "trie.proof_incomplete",
    ),
    Attack(
        "one who pads the proof",
        introduce(lambda p: replace(p, authorities_proof=[*p.authorities_proof, b"\0"])),
        NO_VOTERS,
        "trie.proof_unused_node",
    ),
    Attack(
        "one who starts elsewhere",
        introduce(lambda p: replace(p, genesis=replace(p.genesis, state_root=bytes(32)))),
        NO_VOTERS,
        "trie.proof_root_missing",
    ),
    Attack("one of a chain that nobody finalizes", of_nobody(state([])), "parentchain.invalid_authority_set"),
    Attack("voucher for genesis", vouch(0), "parentchain.invalid_checkpoint"),
    Attack("voucher for the dismissed", vouch(7, change_to(NEW, 0)), "parentchain.invalid_checkpoint"),
    Attack("voucher for nobody", vouch(7, pairs=[]), DOWNGRADE),
    Attack(
        "voucher for usurpers",
        vouch(7, log(ForcedChange(0, authorities([STRANGER]), 0))),
        "parentchain.forced_change",
    ),
    Attack(
        "one who calls it a parachain",
        introduce(lambda p: replace(p, relay=RelayParams(p.genesis, p.authorities_proof, 2039))),
        "parentchain.not_parachain",
    ),
    Attack("leaper to nowhere", leap(), "parentchain.not_set_change"),
    Attack("leaper into the arms of strangers", leap(change_to([STRANGER], 0)), "parentchain.unknown_voter"),
    Attack(
        "one who brings no metadata",
        introduce(lambda p: replace(p, runtime=replace(p.runtime, metadata=b""))),
        "metadata.magic",
    ),
]


@pytest.mark.parametrize("attack", FIRST_CONTACT, ids=str)
def test_a_lie_at_first_contact_leaves_the_enclave_unacquainted(attack: Attack) -> None:
    world = World()
    try:
        before = (world.core.state.root(), world.core.integritee.outbox.whole(), world.store.sequence)
        with pytest.raises(IntegriteeError) as caught:
            attack.lie(world)
        assert (caught.value.code, getattr(caught.value, "cause", None)) == (attack.code, attack.cause)
        assert (world.core.state.root(), world.core.integritee.outbox.whole(), world.store.sequence) == before
        assert world.core.integritee.follower is None
        world.connect()
        world.fund_enclave()
        world.block(2)
        assert world.phases[-1] == "claiming_shard"
    finally:
        world.close()


def test_no_checkpoint_moves_what_is_sealed(world: World) -> None:
    """Strangers' blocks from the next one on: after a restart the enclave has them no more than before."""
    number = world.core.sync_state().number + 1
    world.directory.reboot()
    world.boot()
    vouch(number)(world)
    assert world.core.sync_state().number < number
    before = memory(world)
    with pytest.raises(IntegriteeError) as caught:
        world.sync()
    assert caught.value.code == "parentchain.foreign_checkpoint"
    assert memory(world) == before
    world.restart()
    assert_recovers(world)


# -- the table as a whole


def test_refusals_differ() -> None:
    """What is a different crime has a name of its own: whoever runs a worker can tell what happened."""
    every = [*ATTACKS, *FIRST_CONTACT]
    assert max(Counter(attack.name for attack in every).values()) == 1
    assert len({(attack.code, attack.cause) for attack in every}) >= 40


def test_every_byte_of_a_request_counts(world: World) -> None:
    """One flipped bit anywhere in the last block's members is refused by a named error (or never decoded)."""
    blocks = honest(world)
    before = memory(world)
    raw = encode(ParentchainBlock, blocks[-1])
    refused = set()
    for at in range(0, len(raw), 7):
        spoilt = flipped(raw, at, 1 << at % 8)
        with pytest.raises(IntegriteeError) as caught:
            block = decode(ParentchainBlock, spoilt)
            assert block != blocks[-1]
            world.core.import_blocks(ImportBlocks(ParentchainId.Integritee, [*blocks[:-1], block]))
        refused.add(caught.value.code)
        assert memory(world) == before
    assert refused >= {NOT_PROVEN, WRONG_BODY, "parentchain.wrong_target", "parentchain.bad_vote_signature"}
    assert_recovers(world)


def grandpa(follower: Follower) -> LightClientState:
    sealed = decode(Sealed, follower.chain.encode_state()[len(STATE_FORMAT) :])
    assert isinstance(sealed, SealedGrandpa)
    return sealed.client


def test_the_truth_is_told_in_one_request(world: World) -> None:
    """The table's own premise: the honest batch spans a change of voters, and is taken as it is."""
    follower = world.core.integritee.follower
    assert follower is not None
    assert grandpa(follower).set_id == 0
    hand_over(lambda _, blocks: blocks)(world)
    state_after = grandpa(follower)
    assert (state_after.set_id, state_after.authorities) == (1, NEW_COUNCIL)
    assert follower.head.number == world.chain.height
    world.settle()
    assert world.free(BEN) == 7 * TEER - 7 * TEER // 571
