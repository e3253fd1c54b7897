"""A host that lies: every way to alter what it hands over is refused by name, and nothing has changed then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from integritee.boundary.messages import ImportBlocks, ParentchainBlock
from integritee.crypto import Ed25519Pair
from integritee.errors import IntegriteeError
from integritee.node.finality import AuthoritySet, justify
from integritee.node.runtime.runtime import TEER
from integritee.primitives.grandpa import GrandpaJustification
from integritee.primitives.ids import ParentchainId
from integritee.scale import decode, encode
from integritee.trie import ordered_root

from ..enclave.core.harness import ANN, BEN, CAT, DAN, World, payments
from ..enclave.core.parentchain import Parentchain, raw_genesis
from ..enclave.store.machine import counting_random

STRANGER = Ed25519Pair.from_seed(b"\x66" * 32)
Blocks = list[ParentchainBlock]


@pytest.fixture(scope="module")
def template() -> Iterator[World]:
    world = World()
    world.run()
    yield world
    world.close()


@pytest.fixture
def world(template: World) -> Iterator[World]:
    """A worker whose host holds four finalized blocks that the enclave has not seen."""
    world = template.fork()
    world.slot()
    world.shield(ANN, 5 * TEER)
    world.grow(2)
    world.shield(BEN, 7 * TEER)
    world.grow(2)
    yield world
    world.check()
    world.close()


def memory(world: World) -> tuple[Any, ...]:
    """All that an import could change."""
    core, follower = world.core, world.core.follower
    assert follower is not None
    return (
        core.sync_state(),
        follower.light_client.encode_state(),
        dict(follower.values),
        list(follower.inbox),
        dict(follower.pins),
        follower.facts,
        core.state.root(),
        core.outbox.whole(),
        core.phase,
        core.goal,
        core._resume,
        world.store.sequence,
    )


def honest(world: World) -> Blocks:
    return world.request(world.core.sync_state().number + 1, world.chain.height).blocks


def assert_recovers(world: World) -> None:
    """With the truth everything goes on as if nothing had happened."""
    world.sync()
    world.settle()
    assert world.free(ANN) == 5 * TEER - 5 * TEER // 571
    assert world.free(BEN) == 7 * TEER - 7 * TEER // 571
    assert world.core.halted is None


# -- blocks


def edit(at: int, **changes: Any) -> Callable[[World, Blocks], Blocks]:
    """Replace members of one block; values may be functions of (world, block)."""

    def alter(world: World, blocks: Blocks) -> Blocks:
        block = blocks[at]
        values = {name: value(world, block) if callable(value) else value for name, value in changes.items()}
        blocks[at] = replace(block, **values)
        return blocks

    return alter


def edit_header(at: int, **changes: Any) -> Callable[[World, Blocks], Blocks]:
    return edit(at, header=lambda world, block: replace(block.header, **changes))


def swap(i: int, j: int) -> Callable[[World, Blocks], Blocks]:
    def alter(world: World, blocks: Blocks) -> Blocks:
        blocks[i], blocks[j] = blocks[j], blocks[i]
        return blocks

    return alter


def without(at: int) -> Callable[[World, Blocks], Blocks]:
    def alter(world: World, blocks: Blocks) -> Blocks:
        del blocks[at]
        return blocks

    return alter


def again(world: World, blocks: Blocks) -> Blocks:
    """The last block the enclave has already, and again."""
    number = world.core.sync_state().number
    return world.request(number, world.chain.height).blocks


def twice(world: World, blocks: Blocks) -> Blocks:
    return [blocks[0], *blocks]


def justification(alter: Callable[[GrandpaJustification], GrandpaJustification]) -> Callable[[World, Blocks], Blocks]:
    def altered(world: World, block: ParentchainBlock) -> bytes:
        assert block.justification is not None
        return encode(GrandpaJustification, alter(decode(GrandpaJustification, block.justification)))

    return edit(-1, justification=altered)


def forged(world: World, block: ParentchainBlock) -> bytes:
    """Somebody without a vote finalizes the block."""
    hash, number = block.header.hash(), block.header.number
    voters = AuthoritySet(0, ((STRANGER.public, 1),))
    return encode(GrandpaJustification, justify(hash, number, voters, {STRANGER.public: STRANGER}))


def of_block(offset: int) -> Callable[[World, ParentchainBlock], bytes | None]:
    def found(world: World, block: ParentchainBlock) -> bytes | None:
        hash = world.chain.chain.hash_at(block.header.number + offset)
        assert hash is not None
        return world.chain.chain.justification(hash)

    return found


def no_votes(j: GrandpaJustification) -> GrandpaJustification:
    return replace(j, commit=replace(j.commit, precommits=[]))


def spoilt_vote(j: GrandpaJustification) -> GrandpaJustification:
    vote = j.commit.precommits[0]
    spoilt = replace(vote, signature=vote.signature[:-1] + bytes([vote.signature[-1] ^ 1]))
    return replace(j, commit=replace(j.commit, precommits=[spoilt]))


def other_round(j: GrandpaJustification) -> GrandpaJustification:
    return replace(j, round=j.round + 1)


def proof(alter: Callable[[list[bytes]], list[bytes]]) -> Callable[[World, Blocks], Blocks]:
    return edit(-1, proof=lambda world, block: alter(list(block.proof)))


def of_other_keys(world: World, block: ParentchainBlock) -> list[bytes]:
    keys = world.core.sync_state().watched_keys[:-1]
    return world.chain.block(block.header.number, keys).proof


def of_the_block_before(world: World, block: ParentchainBlock) -> list[bytes]:
    return world.chain.block(block.header.number - 1, world.core.sync_state().watched_keys).proof


def flip(nodes: list[bytes]) -> list[bytes]:
    return [nodes[0][:-1] + bytes([nodes[0][-1] ^ 1]), *nodes[1:]]


def richer(nodes: list[bytes]) -> list[bytes]:
    """Every amount of the deposit of 7 TEER a thousand times larger, in whatever node it stands."""
    amount = (7 * TEER).to_bytes(16, "little")
    more = [node.replace(amount, (7000 * TEER).to_bytes(16, "little")) for node in nodes]
    assert more != nodes
    return more


def extrinsics(alter: Callable[[list[bytes]], list[bytes]]) -> Callable[[World, Blocks], Blocks]:
    return edit(2, extrinsics=lambda world, block: alter(list(block.extrinsics)))


def invented(world: World, blocks: Blocks) -> Blocks:
    """A block of the host's own making with a body of its own, under a stranger's finality."""
    last = blocks[-1]
    body = [*last.extrinsics, last.extrinsics[0]]
    header = replace(last.header, extrinsics_root=ordered_root(body))
    block = replace(last, header=header, extrinsics=body)
    blocks[-1] = replace(block, justification=forged(world, block))
    return blocks


def of_another_chain(world: World, blocks: Blocks) -> Blocks:
    other = Parentchain(storage={**raw_genesis(), b":code": b"another runtime"})
    try:
        while other.height < world.chain.height:
            other.produce(world.now + other.height)
        numbers = range(blocks[0].header.number, world.chain.height + 1)
        return [other.block(n, world.core.sync_state().watched_keys) for n in numbers]
    finally:
        other.close()


ATTACKS: list[Any] = [
    ("swapper", swap(1, 2), "parentchain.not_consecutive"),
    ("dropper of the first", without(0), "parentchain.not_consecutive"),
    ("dropper in the middle", without(2), "parentchain.not_consecutive"),
    ("replayer", again, "parentchain.already_finalized"),
    ("stutterer", twice, "parentchain.not_consecutive"),
    ("forger of a parent", edit_header(1, parent_hash=bytes(32)), "parentchain.parent_mismatch"),
    ("forger of a state root", edit_header(1, state_root=bytes(32)), "parentchain.parent_mismatch"),
    ("forger of the last state root", edit_header(-1, state_root=bytes(32)), "parentchain.wrong_target"),
    ("forger of the last body", edit_header(-1, extrinsics_root=bytes(32)), "parentchain.wrong_target"),
    ("impostor with another chain", of_another_chain, "parentchain.parent_mismatch"),
    ("withholder of finality", edit(-1, justification=None), "parentchain.missing_justification"),
    ("mumbler", edit(-1, justification=b"\x00" * 20), "parentchain.malformed_justification"),
    ("one who shows an old finality", edit(-1, justification=of_block(-1)), "parentchain.wrong_target"),
    ("stranger with a key", edit(-1, justification=forged), "parentchain.unknown_voter"),
    ("inventor of a block", invented, "parentchain.unknown_voter"),
    ("silencer of voters", justification(no_votes), "parentchain.insufficient_weight"),
    ("forger of a vote", justification(spoilt_vote), "parentchain.bad_vote_signature"),
    ("mover of votes", justification(other_round), "parentchain.bad_vote_signature"),
    ("one without proof", edit(-1, proof=[]), "parentchain.state_not_proven"),
    ("shortener of proofs", proof(lambda nodes: nodes[:-1]), "parentchain.state_not_proven"),
    ("padder of proofs", proof(lambda nodes: [*nodes, b"\x00"]), "parentchain.state_not_proven"),
    ("doubler of proofs", proof(lambda nodes: [*nodes, nodes[0]]), "parentchain.state_not_proven"),
    ("flipper of bits", proof(flip), "parentchain.state_not_proven"),
    ("maker of money", edit(3, proof=lambda w, b: richer(deposit_proof(w))), "parentchain.state_not_proven"),
    ("prover of yesterday", edit(-1, proof=of_the_block_before), "parentchain.state_not_proven"),
    ("prover of other things", edit(-1, proof=of_other_keys), "parentchain.state_not_proven"),
    ("silencer of users", extrinsics(lambda body: body[:-1]), "parentchain.extrinsics_root_mismatch"),
    ("speaker for users", extrinsics(lambda body: [*body, body[-1]]), "parentchain.extrinsics_root_mismatch"),
    ("reorderer", extrinsics(lambda body: body[::-1]), "parentchain.extrinsics_root_mismatch"),
    (
        "setter of clocks",
        extrinsics(lambda body: [body[0][:-2] + b"\x02" + body[0][-1:], *body[1:]]),
        "parentchain.extrinsics_root_mismatch",
    ),
]


def deposit_proof(world: World) -> list[bytes]:
    """Proof of the block with BEN's deposit."""
    return world.chain.block(world.chain.height - 1, world.core.sync_state().watched_keys).proof


@pytest.mark.parametrize(("alter", "code"), [pytest.param(a, c, id=n.replace(" ", "_")) for n, a, c in ATTACKS])
def test_lies_about_blocks(world: World, alter: Callable[[World, Blocks], Blocks], code: str) -> None:
    before = memory(world)
    request = ImportBlocks(ParentchainId.Integritee, alter(world, honest(world)))
    with pytest.raises(IntegriteeError) as caught:
        world.core.import_blocks(request)
    assert caught.value.code == code
    assert memory(world) == before
    assert_recovers(world)


def test_every_byte_of_a_request_counts(world: World) -> None:
    """One flipped bit anywhere in the last block's members is refused by a named error (or never decoded)."""
    blocks = honest(world)
    before = memory(world)
    raw = encode(ParentchainBlock, blocks[-1])
    refused = set()
    for at in range(0, len(raw), 7):
        spoilt = raw[:at] + bytes([raw[at] ^ 1 << at % 8]) + raw[at + 1 :]
        with pytest.raises(IntegriteeError) as caught:
            block = decode(ParentchainBlock, spoilt)
            assert block != blocks[-1]
            world.core.import_blocks(ImportBlocks(ParentchainId.Integritee, [*blocks[:-1], block]))
        refused.add(caught.value.code)
        assert memory(world) == before
    assert refused >= {
        "parentchain.state_not_proven",
        "parentchain.extrinsics_root_mismatch",
        "parentchain.wrong_target",
        "parentchain.bad_vote_signature",
    }
    assert_recovers(world)


# -- the parentchain as a whole


@dataclass
class Introduction:
    """A lie told at connection or later about the chain itself."""

    name: str
    tell: Callable[[World], object]
    code: str


def another_genesis(world: World) -> object:
    params = world.chain.params()
    return world.core.connect(replace(params, genesis=replace(params.genesis, state_root=bytes(32))))


def another_chain_id(world: World) -> object:
    return world.core.connect(replace(world.chain.params(), id=ParentchainId.TargetA))


def blocks_of_another_id(world: World) -> object:
    return world.core.import_blocks(ImportBlocks(ParentchainId.TargetB, honest(world)))


def other_metadata(world: World) -> object:
    facts = world.chain.facts()
    return world.core.set_runtime(replace(facts, metadata=facts.metadata.replace(b"Sidechain", b"Sidechaim")))


def no_metadata(world: World) -> object:
    facts = world.chain.facts()
    return world.core.connect(replace(world.chain.params(), runtime=replace(facts, metadata=b"")))


def version_before(world: World) -> object:
    facts = world.chain.facts()
    return world.core.set_runtime(replace(facts, spec_version=facts.spec_version - 1))


def upgrade_that_the_host_conceals(world: World) -> object:
    world.chain.upgrade()
    world.grow()
    try:
        return world.core.import_blocks(ImportBlocks(ParentchainId.Integritee, honest(world)))
    finally:
        world.core.set_runtime(world.chain.facts())


INTRODUCTIONS = [
    Introduction("changer_of_genesis", another_genesis, "enclave.foreign_genesis"),
    Introduction("changer_of_chains", another_chain_id, "enclave.foreign_parentchain"),
    Introduction("feeder_from_elsewhere", blocks_of_another_id, "enclave.foreign_parentchain"),
    Introduction("changer_of_metadata", other_metadata, "enclave.metadata_changed"),
    Introduction("forgetter_of_metadata", no_metadata, "enclave.metadata_changed"),
    Introduction("downgrader", version_before, "enclave.spec_version_unproven"),
    Introduction("concealer_of_upgrades", upgrade_that_the_host_conceals, "enclave.spec_version_unproven"),
]


@pytest.mark.parametrize("lie", INTRODUCTIONS, ids=lambda lie: lie.name)
def test_lies_about_the_chain(world: World, lie: Introduction) -> None:
    before = memory(world)
    with pytest.raises(IntegriteeError) as caught:
        lie.tell(world)
    assert caught.value.code == lie.code
    assert memory(world) == before
    assert_recovers(world)


@pytest.mark.parametrize(
    ("alter", "code"),
    [
        (lambda p: replace(p, authorities_proof=[]), "parentchain.authorities_not_proven"),
        (lambda p: replace(p, authorities_proof=p.authorities_proof[:-1]), "parentchain.authorities_not_proven"),
        (lambda p: replace(p, authorities_proof=flip(p.authorities_proof)), "parentchain.authorities_not_proven"),
        (lambda p: replace(p, genesis=replace(p.genesis, number=1)), "parentchain.not_genesis"),
        (lambda p: replace(p, genesis=replace(p.genesis, parent_hash=b"\x01" * 32)), "parentchain.not_genesis"),
        (
            lambda p: replace(p, genesis=replace(p.genesis, state_root=bytes(32))),
            "parentchain.authorities_not_proven",
        ),
        (lambda p: replace(p, runtime=replace(p.runtime, metadata=b"nonsense")), "metadata.magic"),
    ],
    ids=["no_proof", "short_proof", "spoilt_proof", "late_start", "with_parent", "other_state", "no_metadata"],
)
def test_lies_at_first_contact(alter: Callable[[Any], Any], code: str) -> None:
    world = World()
    try:
        with pytest.raises(IntegriteeError) as caught:
            world.core.connect(alter(world.chain.params()))
        assert caught.value.code == code
        assert world.core.follower is None
        world.connect()
        world.fund_enclave()
        world.block(2)
        assert world.phases[-1] == "claiming_shard"
    finally:
        world.close()


# -- extrinsics of the enclave


def test_altered_extrinsics_reach_nobody(world: World) -> None:
    world.sync()
    world.slot()
    world.drops = lambda extrinsic: True
    world.unshield(ANN, CAT.public, TEER)
    world.slot()
    payment = next(e for e in world.core.outbox.entries.values() if e.payment)
    before = world.chain.free(DAN.public)
    for extrinsic in (
        payment.extrinsic.replace(CAT.public, DAN.public),
        payment.extrinsic[:-1] + bytes([payment.extrinsic[-1] ^ 1]),
        payment.extrinsic.replace(world.account, STRANGER.public),
    ):
        assert extrinsic != payment.extrinsic
        world.chain.submit(extrinsic, world.now)
    world.block()
    assert payments(world) == []
    assert world.chain.free(DAN.public) == before
    world.drops = lambda extrinsic: False
    world.block(5)
    world.settle()
    assert payments(world) == [(CAT.public, TEER)]


def test_replayed_and_reordered_extrinsics_pay_once_each(world: World) -> None:
    world.sync()
    world.slot()
    world.drops = lambda extrinsic: True
    nonce = world.nonce(ANN)
    for i in range(3):
        world.unshield(ANN, CAT.public, TEER + i, nonce + i)
    world.slot()
    for _ in range(3):
        for extrinsic in reversed(world.core.outbox.pending()):
            world.chain.submit(extrinsic, world.now)
        world.grow()
    world.sync()
    world.drops = lambda extrinsic: False
    world.settle()
    assert payments(world) == [(CAT.public, TEER + i) for i in range(3)]


# -- the disk


def journal(contents: dict[str, bytes]) -> str:
    return next(name for name in sorted(contents) if name.startswith("journal"))


def flipped(contents: dict[str, bytes], name: str, at: int) -> dict[str, bytes]:
    data = contents[name]
    return {**contents, name: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]}


DISK: list[Any] = [
    ("flipper_of_records", lambda c, _: flipped(c, journal(c), len(c[journal(c)]) // 2)),
    ("flipper_of_headers", lambda c, _: flipped(c, journal(c), 0)),
    ("eraser_of_the_journals_beginning", lambda c, _: {**c, journal(c): c[journal(c)][100:]}),
    ("thief_of_a_journal", lambda c, _: {n: d for n, d in c.items() if n != journal(c)}),
    ("thief_of_a_key", lambda c, _: {n: d for n, d in c.items() if n != "secret-state-key"}),
    ("spoiler_of_a_key", lambda c, _: flipped(c, "secret-signing-key", 80)),
    ("swapper_of_keys", lambda c, _: {**c, "secret-signing-key": c["secret-state-key"]}),
    ("smuggler_of_anothers_key", lambda c, o: {**c, "secret-signing-key": o["secret-signing-key"]}),
    ("smuggler_of_anothers_journal", lambda c, o: {**c, journal(c): o[journal(o)]}),
]


@pytest.mark.parametrize("meddle", [m for _, m in DISK], ids=[n for n, _ in DISK])
def test_meddling_with_the_disk(world: World, meddle: Callable[..., dict[str, bytes]]) -> None:
    """No enclave starts from a directory the host has touched; untouched, it starts."""
    contents = world.directory.contents()
    draw = counting_random()
    other = World(random=lambda size: draw(size)[::-1])
    other.run()
    others = other.directory.contents()
    other.close()
    meddled = meddle(contents, others)
    assert meddled != contents
    world.directory.reboot()
    world.directory.put_back(meddled)
    with pytest.raises(IntegriteeError) as caught:
        world.boot()
    assert caught.value.code.startswith("store.")
    assert not world.directory._locked
    world.directory.reboot()
    world.directory.put_back(contents)
    world.boot()
    world.connect()
    world.sync()
    assert_recovers(world)
