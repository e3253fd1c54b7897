"""Fork choice, reorganisation, and what finality forbids."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.node.authoring import author_block
from integritee.node.block import Block
from integritee.node.chain import Finalized, Imported, NewBest
from integritee.node.errors import (
    AlreadyKnown,
    BlockMismatch,
    ConflictsWithFinalized,
    NotCanonical,
    UnknownBlock,
)
from integritee.primitives.header import Header

from .toy_runtime import ALICE, CHARLIE, transfer

NEVER = {"finality_lag": None}


@pytest.fixture
def node(make_node: Any) -> Any:
    return make_node(options=NEVER)


def grow(node: Any, parent: bytes, count: int) -> list[bytes]:
    """A branch of empty blocks on `parent`; their hashes."""
    hashes = []
    for _ in range(count):
        parent = node.produce(parent=parent, with_transactions=False).block.hash
        hashes.append(parent)
    return hashes


def test_longer_fork_wins(node: Any) -> None:
    trunk = grow(node, node.chain.genesis_hash, 3)
    fork = grow(node, trunk[0], 2)
    assert node.chain.best_hash == trunk[2]  # as long, but later
    assert not node.chain.is_canonical(fork[1])
    node.events.clear()
    last = grow(node, fork[1], 1)[0]
    assert node.chain.best_hash == last
    assert [node.chain.hash_at(n) for n in range(1, 5)] == [trunk[0], *fork, last]
    assert node.chain.hash_at(5) is None
    header = node.chain.header(last)
    assert node.events == [
        Imported(last, header),
        NewBest(last, header, enacted=(*fork, last), retracted=(trunk[2], trunk[1])),
    ]
    node.reopen()
    assert node.chain.best_hash == last
    assert node.chain.is_canonical(fork[0]) and not node.chain.is_canonical(trunk[1])


def test_abandoned_blocks_stay_readable(node: Any) -> None:
    node.submit(transfer(ALICE, 0, amount=5))
    old = node.produce().block
    grow(node, node.chain.genesis_hash, 2)
    assert node.chain.block(old.hash) == old
    assert node.account(CHARLIE, old.hash).free == 5
    assert node.account(CHARLIE).free == 0


def test_fork_below_finalized_is_refused(node: Any) -> None:
    trunk = grow(node, node.chain.genesis_hash, 3)
    node.producer.finalize(trunk[1], node.now_ms)
    with pytest.raises(ConflictsWithFinalized) as caught:
        grow(node, trunk[0], 1)
    assert caught.value.finalized == trunk[1]
    assert grow(node, trunk[1], 2)[1] == node.chain.best_hash


def test_branch_that_misses_a_block_finalized_later(node: Any) -> None:
    trunk = grow(node, node.chain.genesis_hash, 4)
    fork = grow(node, trunk[0], 2)
    node.producer.finalize(trunk[2], node.now_ms)
    with pytest.raises(ConflictsWithFinalized):
        grow(node, fork[1], 1)
    assert node.chain.best_hash == trunk[3]


def test_finalize_in_one_step(node: Any) -> None:
    trunk = grow(node, node.chain.genesis_hash, 4)
    node.events.clear()
    node.producer.finalize(trunk[2], node.now_ms)
    assert [event.hash for event in node.events] == trunk[:3]
    assert all(isinstance(event, Finalized) and event.justification for event in node.events)
    assert node.chain.finalized_hash == trunk[2]
    node.producer.finalize(trunk[2], node.now_ms)
    assert node.chain.finalized_hash == trunk[2]


def test_only_the_best_chain_is_finalized(node: Any) -> None:
    trunk = grow(node, node.chain.genesis_hash, 2)
    fork = grow(node, node.chain.genesis_hash, 1)
    with pytest.raises(NotCanonical) as caught:
        node.producer.finalize(fork[0], node.now_ms)
    assert caught.value.block == fork[0]
    with pytest.raises(UnknownBlock):
        node.producer.finalize(b"\x01" * 32, node.now_ms)
    final = node.producer.finalizer.up_to(trunk[1])
    node.chain.finalize(final)
    with pytest.raises(ConflictsWithFinalized):
        node.chain.finalize(final[:1])


def test_head_is_set_lower_beside_and_back(node: Any) -> None:
    trunk = grow(node, node.chain.genesis_hash, 3)
    fork = grow(node, trunk[0], 1)
    node.events.clear()
    for target, enacted, retracted in [
        (trunk[1], (), (trunk[2],)),
        (fork[0], (fork[0],), (trunk[1],)),
        (trunk[2], (trunk[1], trunk[2]), (fork[0],)),
        (trunk[2], None, None),
        (node.chain.genesis_hash, (), (trunk[2], trunk[1], trunk[0])),
    ]:
        node.producer.set_head(target, node.now_ms)
        assert node.chain.best_hash == target
        header = node.chain.header(target)
        assert node.events == ([] if enacted is None else [NewBest(target, header, enacted, retracted)])
        assert [node.chain.hash_at(n) for n in range(header.number + 1, 5)] == [None] * (4 - header.number)
        node.events.clear()
        node.reopen()
        assert node.chain.best_hash == target
    assert grow(node, trunk[2], 1)[0] == node.chain.best_hash
    assert [node.chain.hash_at(n) for n in range(1, 4)] == trunk


def test_head_is_not_set_below_what_is_final(node: Any) -> None:
    trunk = grow(node, node.chain.genesis_hash, 4)
    fork = grow(node, trunk[0], 2)
    node.producer.finalize(trunk[1], node.now_ms)
    for target in (trunk[0], *fork):
        with pytest.raises(ConflictsWithFinalized) as caught:
            node.producer.set_head(target, node.now_ms)
        assert (caught.value.block, caught.value.finalized) == (target, trunk[1])
    with pytest.raises(UnknownBlock):
        node.producer.set_head(b"\x01" * 32, node.now_ms)
    assert node.chain.best_hash == trunk[3]
    node.producer.set_head(trunk[1], node.now_ms)
    assert node.chain.best_hash == node.chain.finalized_hash


def test_import_checks(node: Any) -> None:
    authored = author_block(node.chain, [], node.now_ms, node.keys.aura)
    header = authored.block.header
    node.chain.import_block(authored.block, authored.state)
    with pytest.raises(AlreadyKnown):
        node.chain.import_block(authored.block, authored.state)
    unlinked = Header(b"\1" * 32, 2, header.state_root, header.extrinsics_root, header.digest)
    with pytest.raises(UnknownBlock):
        node.chain.import_block(Block(unlinked, ()), authored.state)
    far = Header(node.chain.best_hash, 3, header.state_root, header.extrinsics_root, header.digest)
    with pytest.raises(BlockMismatch) as caught:
        node.chain.import_block(Block(far, ()), authored.state)
    assert (caught.value.field, caught.value.expected, caught.value.found) == ("number", "2", "3")
    other = Header(node.chain.best_hash, 2, bytes(32), header.extrinsics_root, header.digest)
    with pytest.raises(BlockMismatch) as caught:
        node.chain.import_block(Block(other, ()), authored.state)
    assert caught.value.field == "state root"
    assert node.chain.best.number == 1


def test_unknown_blocks(node: Any) -> None:
    unknown = b"\x05" * 32
    assert node.chain.header(unknown) is None
    assert node.chain.block(unknown) is None
    assert node.chain.justification(unknown) is None
    assert not node.chain.is_canonical(unknown)
    with pytest.raises(UnknownBlock) as caught:
        node.chain.state_at(unknown)
    assert caught.value.data() == {"block": "0x" + unknown.hex()}
    with pytest.raises(UnknownBlock):
        node.chain.runtime_call("Core_version", at=unknown)
    assert node.chain.hash_at(-1) is None
    assert node.chain.hash_at(1 << 40) is None


def test_transactions_come_back_from_a_retracted_block(node: Any) -> None:
    first, second = transfer(ALICE, 0), transfer(ALICE, 1)
    heard = [node.watch(first), node.watch(second)]
    retracted = node.produce().block
    assert node.pool.pending() == []
    grow(node, node.chain.genesis_hash, 2)
    assert node.pool.pending() == [first, second]
    included = node.produce().block
    node.producer.finalize(included.hash, node.now_ms)
    for news in heard:
        assert [n.to_rpc() for n in news] == [
            "ready",
            {"inBlock": "0x" + retracted.hash.hex()},
            {"retracted": "0x" + retracted.hash.hex()},
            "ready",
            {"inBlock": "0x" + included.hash.hex()},
            {"finalized": "0x" + included.hash.hex()},
        ]


def test_transaction_in_both_branches_is_not_invalid(node: Any) -> None:
    extrinsic = transfer(ALICE, 0)
    heard = node.watch(extrinsic)
    old = node.produce().block
    node.now_ms += 6000
    twin = author_block(node.chain, [extrinsic], node.now_ms, node.keys.aura, parent=node.chain.genesis_hash)
    for event in node.chain.import_block(twin.block, twin.state):
        node.pool.handle(event, node.now_ms)
    grow(node, twin.block.hash, 1)
    assert [n.to_rpc() for n in heard] == [
        "ready",
        {"inBlock": "0x" + old.hash.hex()},
        {"retracted": "0x" + old.hash.hex()},
        {"inBlock": "0x" + twin.block.hash.hex()},
    ]
    assert node.pool.pending() == []


def test_pool_is_validated_again_after_a_reorganisation(node: Any) -> None:
    """Ready because the account's nonce was 1, the transaction waits again when it is 0."""
    node.submit(transfer(ALICE, 0))
    node.produce()
    heard = node.watch(transfer(ALICE, 1))
    node.submit(transfer(ALICE, 2))
    gone = transfer(ALICE, 0)
    grow(node, node.chain.genesis_hash, 2)
    assert node.pool.pending() == [gone, transfer(ALICE, 1), transfer(ALICE, 2)]
    assert [n.to_rpc() for n in heard] == ["ready"]
    assert len(node.produce().block.extrinsics) == 1 + 3
