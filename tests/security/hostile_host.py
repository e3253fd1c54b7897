"""A worker under a hostile host: a chain with two councils of voters, and the ways to alter what a host hands over.

The host holds four finalized blocks that the enclave has not seen. The first announces new voters, the second is
the last that the old ones finalize, the third carries a deposit of BEN's, the fourth ends the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as replace_config
from typing import Any

from msgspec.structs import replace

from integritee.boundary.messages import ImportBlocks, ParentchainBlock, ParentchainParams, RuntimeFacts
from integritee.crypto import Ed25519Pair
from integritee.enclave.selftest.damage import flipped
from integritee.frame.pallets.grandpa import StoredPendingChange
from integritee.node.finality import AuthoritySet, justify
from integritee.node.keystore import Keystore
from integritee.node.runtime.genesis import genesis
from integritee.node.runtime.presets import DEVELOPMENT
from integritee.node.runtime.runtime import TEER
from integritee.primitives.grandpa import Authority, GrandpaJustification, SignedPrecommit
from integritee.primitives.header import Digest, DigestItem, Header
from integritee.primitives.ids import ParentchainId
from integritee.primitives.storage import storage_prefix
from integritee.scale import decode, encode
from integritee.trie import ordered_root

from ..enclave.core.harness import ANN, BEN, World
from ..enclave.core.parentchain import USERS, Parentchain, runtime_update
from ..enclave.parentchain.grandpa_chain import extend
from ..enclave.parentchain.grandpa_chain import justification as justification_of

Blocks = list[ParentchainBlock]
Alter = Callable[[World, Blocks], Blocks]
Lie = Callable[[World], object]

STRANGER = Ed25519Pair.from_seed(b"\x66" * 32)

AURA = Keystore.dev("alice")
VOTERS = Keystore.dev("alice", "bob", "charlie", "dave", "eve", "ferdie")
ALICE, BOB, CHARLIE, DAVE, EVE, FERDIE = VOTERS.grandpa.values()

OLD, NEW = [ALICE, BOB, CHARLIE, DAVE], [EVE, FERDIE, ALICE]
OLD_COUNCIL: list[Authority] = [(pair.public, weight) for pair, weight in zip(OLD, (3, 2, 1, 1), strict=True)]
NEW_COUNCIL: list[Authority] = [(pair.public, weight) for pair, weight in zip(NEW, (5, 1, 1), strict=True)]
"""Both need weight 5 of 7. Alice is in both; Eve alone is enough in the new one."""

ANNOUNCED, DELAY = 7, 1
"""The first of the four blocks, and how long the old council goes on."""


def council_chain(code: bytes = DEVELOPMENT.code, announced: int = ANNOUNCED) -> Parentchain:
    """A chain whose voters change `DELAY` blocks after a known one."""
    balances = {**DEVELOPMENT.balances, **{pair.public: 1000 * TEER for pair in USERS.values()}}
    storage = genesis(replace_config(DEVELOPMENT, balances=balances, grandpa=tuple(OLD_COUNCIL), code=code))
    change = StoredPendingChange(announced, DELAY, NEW_COUNCIL)
    storage[storage_prefix("Grandpa", "PendingChange")] = encode(StoredPendingChange, change)
    return Parentchain(storage=storage, keys=Keystore(AURA.aura, VOTERS.grandpa))


def besieged(template: World) -> World:
    world = template.fork()
    world.slot()
    world.shield(ANN, 5 * TEER)
    world.grow(2)
    world.shield(BEN, 7 * TEER)
    world.grow(2)
    assert [block.header.number for block in honest(world)] == list(range(ANNOUNCED, ANNOUNCED + 4))
    return world


def memory(world: World) -> tuple[Any, ...]:
    """All that a request of the host could change, on the disk and off it."""
    core, follower = world.core, world.core.integritee.follower
    assert follower is not None
    return (
        core.sync_state(),
        follower.chain.encode_state(),
        dict(follower.values),
        list(follower.inbox),
        dict(follower.pins),
        follower.facts,
        core.state.root(),
        core.integritee.outbox.whole(),
        core.phase,
        core.goal,
        core.integritee.resume,
        world.store.sequence,
        world.directory.contents(),
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


def hand_over(alter: Alter) -> Lie:
    """The unseen blocks, altered, in the bytes that cross the boundary."""

    def lie(world: World) -> object:
        request = ImportBlocks(ParentchainId.Integritee, alter(world, honest(world)))
        return world.core.import_blocks(decode(ImportBlocks, encode(ImportBlocks, request)))

    return lie


def edit(at: int, **changes: Any) -> Alter:
    """Replace members of one block; values may be functions of (world, block)."""

    def alter(world: World, blocks: Blocks) -> Blocks:
        block = blocks[at]
        values = {name: value(world, block) if callable(value) else value for name, value in changes.items()}
        blocks[at] = replace(block, **values)
        return blocks

    return alter


def edit_header(at: int, **changes: Any) -> Alter:
    return edit(at, header=lambda world, block: replace(block.header, **changes))


def announce(count: int, *logs: DigestItem) -> Alter:
    """The last of the first `count` blocks says more about voters than it does."""

    def alter(world: World, blocks: Blocks) -> Blocks:
        digest = Digest([*blocks[count - 1].header.digest.logs, *logs])
        return edit_header(count - 1, digest=digest)(world, blocks)[:count]

    return alter


def swap(i: int, j: int) -> Alter:
    def alter(world: World, blocks: Blocks) -> Blocks:
        blocks[i], blocks[j] = blocks[j], blocks[i]
        return blocks

    return alter


def without(at: int) -> Alter:
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


def of_another_chain(world: World, blocks: Blocks) -> Blocks:
    other = council_chain(code=b"another runtime")
    try:
        while other.height < world.chain.height:
            other.produce(world.now + other.height)
        numbers = range(blocks[0].header.number, world.chain.height + 1)
        return [other.block(n, world.core.sync_state().watched_keys) for n in numbers]
    finally:
        other.close()


def invented(world: World, blocks: Blocks) -> Blocks:
    """A block of the host's own making with a body of its own, under a stranger's finality."""
    last = blocks[-1]
    body = [*last.extrinsics, last.extrinsics[0]]
    header = replace(last.header, extrinsics_root=ordered_root(body))
    block = replace(last, header=header, extrinsics=body)
    blocks[-1] = replace(block, justification=forged(world, block))
    return blocks


# -- justifications


def justification(alter: Callable[[GrandpaJustification], GrandpaJustification]) -> Alter:
    def altered(world: World, block: ParentchainBlock) -> bytes:
        assert block.justification is not None
        return encode(GrandpaJustification, alter(decode(GrandpaJustification, block.justification)))

    return edit(-1, justification=altered)


def votes(
    cast: Callable[[Header], list[SignedPrecommit]], ancestry: Callable[[Header], list[Header]] = lambda h: []
) -> Alter:
    """The last block under other votes."""
    return edit(
        -1, justification=lambda _, block: justification_of(block.header, cast(block.header), ancestry(block.header))
    )


def apart(target: Header) -> list[Header]:
    """Two blocks of the target's heights to come that are not its descendants."""
    return extend(replace(target, state_root=bytes(32)), 2)


def forged(world: World, block: ParentchainBlock) -> bytes:
    """Somebody without a vote finalizes the block."""
    hash, number = block.header.hash(), block.header.number
    voters = AuthoritySet(1, ((STRANGER.public, 1),))
    return encode(GrandpaJustification, justify(hash, number, voters, {STRANGER.public: STRANGER}))


def of_block(offset: int) -> Callable[[World, ParentchainBlock], bytes | None]:
    def found(world: World, block: ParentchainBlock) -> bytes | None:
        hash = world.chain.chain.hash_at(block.header.number + offset)
        assert hash is not None
        return world.chain.chain.justification(hash)

    return found


def no_votes(j: GrandpaJustification) -> GrandpaJustification:
    return replace(j, commit=replace(j.commit, precommits=[]))


def misnumbered(j: GrandpaJustification) -> GrandpaJustification:
    return replace(j, commit=replace(j.commit, target_number=j.commit.target_number - 1))


def spoilt_vote(j: GrandpaJustification) -> GrandpaJustification:
    vote, *others = j.commit.precommits
    spoilt = replace(vote, signature=flipped(vote.signature, -1))
    return replace(j, commit=replace(j.commit, precommits=[spoilt, *others]))


def other_round(j: GrandpaJustification) -> GrandpaJustification:
    return replace(j, round=j.round + 1)


# -- proofs and bodies


def proof(alter: Callable[[list[bytes]], list[bytes]], at: int = -1) -> Alter:
    return edit(at, proof=lambda world, block: alter(list(block.proof)))


def of_other_keys(world: World, block: ParentchainBlock) -> list[bytes]:
    keys = world.core.sync_state().watched_keys[:-1]
    return world.chain.block(block.header.number, keys).proof


def of_more_keys(world: World, block: ParentchainBlock) -> list[bytes]:
    keys = [*world.core.sync_state().watched_keys, b":code"]
    return world.chain.block(block.header.number, keys).proof


def of_the_block_before(world: World, block: ParentchainBlock) -> list[bytes]:
    return world.chain.block(block.header.number - 1, world.core.sync_state().watched_keys).proof


def flip(nodes: list[bytes]) -> list[bytes]:
    return [flipped(nodes[0], -1), *nodes[1:]]


def richer(nodes: list[bytes]) -> list[bytes]:
    """Every amount of the deposit of 7 TEER a thousand times larger, in whatever node it stands."""
    amount = (7 * TEER).to_bytes(16, "little")
    more = [node.replace(amount, (7000 * TEER).to_bytes(16, "little")) for node in nodes]
    assert more != nodes
    return more


def eventless(nodes: list[bytes]) -> list[bytes]:
    """BEN's deposit happens, but no event tells of the transfer: its bytes name somebody else."""
    less = [node.replace(BEN.public, STRANGER.public) for node in nodes]
    assert less != nodes
    return less


def extrinsics(alter: Callable[[list[bytes]], list[bytes]]) -> Alter:
    """Of the block with BEN's deposit."""
    return edit(2, extrinsics=lambda world, block: alter(list(block.extrinsics)))


def flood(count: int) -> Lie:
    """A request of many blocks, of which the enclave shall not read one."""

    def lie(world: World) -> object:
        block = encode(ParentchainBlock, honest(world)[0])
        one = encode(ImportBlocks, ImportBlocks(ParentchainId.Integritee, honest(world)[:1]))
        head = one[: one.index(block) - 1]
        many = head + ((count << 2) | 1).to_bytes(2, "little") + block * count
        return world.core.import_blocks(decode(ImportBlocks, many))

    return lie


# -- the chain as a whole


def introduce(alter: Callable[[ParentchainParams], ParentchainParams]) -> Lie:
    return lambda world: world.core.connect(alter(world.chain.params()))


def runtime(alter: Callable[[RuntimeFacts], RuntimeFacts]) -> Lie:
    """Metadata and version that the host offers beside the blocks."""
    return lambda world: world.core.set_runtime(runtime_update(alter(world.chain.facts())))


def next_runtime(alter: Callable[[bytes], bytes]) -> Lie:
    """Metadata of a version that no block has run yet."""
    return runtime(lambda f: RuntimeFacts(alter(f.metadata), f.spec_version + 1, f.transaction_version))


def renamed(metadata: bytes) -> bytes:
    """A pallet that the enclave calls has another name."""
    return metadata.replace(b"Sidechain", b"Sidechaim")


def concealed_upgrade(world: World) -> object:
    world.chain.upgrade()
    world.grow()
    try:
        return world.core.import_blocks(ImportBlocks(ParentchainId.Integritee, honest(world)))
    finally:
        world.core.set_runtime(runtime_update(world.chain.facts()))
