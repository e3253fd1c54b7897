"""Blocks: links, digests, seals, roots, inherents, and which transactions get in."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.crypto import verify_sr25519
from integritee.node.authoring import MAX_SKIPPED, author_block
from integritee.node.block import extrinsic_hash
from integritee.node.chain import Imported, NewBest
from integritee.node.engine import RuntimeEngine
from integritee.node.errors import NotSlotAuthor, RootMismatch, UnknownBlock
from integritee.node.keystore import Keystore
from integritee.primitives.header import Digest, Header, Seal, aura_slot
from integritee.scale import decode
from integritee.trie import EMPTY_ROOT, Trie, ordered_root, verify_proof

from .toy_runtime import (
    ALICE,
    BOB,
    CHARLIE,
    NOW,
    TRANSFERS_PER_BLOCK,
    Account,
    Panic,
    SetTime,
    account_key,
    genesis,
    transfer,
    xt,
)

SLOT_MS = 6000


def test_genesis_header(node: Any) -> None:
    genesis_header = node.chain.header(node.chain.genesis_hash)
    assert genesis_header.number == 0
    assert genesis_header.parent_hash == bytes(32)
    assert genesis_header.extrinsics_root == EMPTY_ROOT
    assert genesis_header.state_root == Trie.from_items(genesis()).root()
    assert genesis_header.digest.logs == []
    assert node.chain.best_hash == node.chain.finalized_hash == node.chain.genesis_hash


def test_blocks_are_linked(node: Any) -> None:
    parent = node.chain.genesis_hash
    for number in range(1, 6):
        block = node.produce().block
        assert (block.header.parent_hash, block.number) == (parent, number)
        assert node.chain.best_hash == block.hash == node.chain.hash_at(number)
        assert node.chain.block(block.hash) == block
        parent = block.hash


def test_slot_and_seal(node: Any) -> None:
    header = node.produce().block.header
    *logs, seal = header.digest.logs
    unsealed = Header(header.parent_hash, header.number, header.state_root, header.extrinsics_root, Digest(logs))
    assert aura_slot(header) == node.now_ms // SLOT_MS
    assert isinstance(seal, Seal) and seal.engine == b"aura"
    assert verify_sr25519(seal.data, unsealed.hash(), ALICE)


def test_first_extrinsic_is_the_timestamp(node: Any) -> None:
    node.submit(transfer(ALICE, 0))
    block = node.produce().block
    assert block.extrinsics[0] == xt(SetTime(node.now_ms))
    assert len(block.extrinsics) == 2


def test_roots(node: Any) -> None:
    node.submit(transfer(ALICE, 0, amount=10))
    block = node.produce().block
    state = node.chain.state_at(block.hash)
    assert state.root() == block.header.state_root
    assert Trie.from_items(dict(state.items())).root() == block.header.state_root
    assert ordered_root(list(block.extrinsics)) == block.header.extrinsics_root
    keys = [account_key(CHARLIE), b"absent"]
    values = verify_proof(block.header.state_root, state.prove(keys), keys)
    assert decode(Account, values[account_key(CHARLIE)] or b"") == Account(0, 10)
    assert values[b"absent"] is None


def test_state_of_old_blocks_stays(node: Any) -> None:
    for nonce in range(3):
        node.submit(transfer(ALICE, nonce, amount=100))
        node.produce()
    balances = [node.account(CHARLIE, node.chain.hash_at(n)).free for n in range(4)]
    assert balances == [0, 100, 200, 300]


def test_time_moves_on_when_the_clock_does_not(node: Any) -> None:
    stamps = []
    for _ in range(3):
        block = node.producer.produce(node.now_ms).block
        stamps.append(int.from_bytes(node.chain.state_at(block.hash).get(NOW), "little"))
    assert stamps == [node.now_ms, node.now_ms + 1, node.now_ms + 2]


def test_whole_slots_ahead_of_the_clock(make_node: Any) -> None:
    node = make_node(options={"min_advance_ms": SLOT_MS})
    slots = [aura_slot(node.producer.produce(node.now_ms).block.header) for _ in range(3)]
    assert slots == [slots[0], slots[0] + 1, slots[0] + 2]


def test_slot_author(make_node: Any) -> None:
    node = make_node(storage=genesis(aura=(ALICE, BOB)), keys=Keystore.dev("bob"))
    even = node.now_ms // SLOT_MS // 2 * 2 * SLOT_MS
    with pytest.raises(NotSlotAuthor) as caught:
        author_block(node.chain, [], even, node.keys.aura)
    assert (caught.value.slot, caught.value.author) == (even // SLOT_MS, ALICE)
    odd = author_block(node.chain, [], even + SLOT_MS, node.keys.aura).block
    assert aura_slot(odd.header) == even // SLOT_MS + 1


def test_unknown_parent(node: Any) -> None:
    with pytest.raises(UnknownBlock):
        node.produce(parent=b"\x07" * 32)


def test_authoring_changes_nothing(node: Any) -> None:
    node.submit(transfer(ALICE, 0))
    authored = author_block(node.chain, node.pool.pending(), node.now_ms, node.keys.aura)
    assert authored.block.number == 1
    assert node.chain.best.number == 0
    assert node.chain.header(authored.block.hash) is None
    assert len(node.pool.pending()) == 1


def test_full_block_leaves_the_rest_in_the_pool(node: Any) -> None:
    for nonce in range(TRANSFERS_PER_BLOCK + 3):
        node.submit(transfer(ALICE, nonce))
    assert len(node.produce().block.extrinsics) == 1 + TRANSFERS_PER_BLOCK
    assert node.pool.usage().ready == 3
    assert len(node.produce().block.extrinsics) == 1 + 3
    assert node.pool.usage().ready == 0


def test_smaller_transactions_fill_up_behind_one_too_big(node: Any) -> None:
    too_big = transfer(BOB, 0, tip=20_000)  # weighs more than a block
    node.submit(too_big)
    for nonce in range(3):
        node.submit(transfer(ALICE, nonce))
    block = node.produce().block
    assert len(block.extrinsics) == 1 + 3
    assert node.pool.pending() == [too_big]


def test_gives_up_after_enough_skips(node: Any) -> None:
    heavy = [transfer(BOB, 0, tip=20_000 + n) for n in range(MAX_SKIPPED)]
    authored = author_block(node.chain, [*heavy, transfer(ALICE, 0)], node.now_ms, node.keys.aura)
    assert len(authored.block.extrinsics) == 1


def test_deadline_closes_the_block(node: Any) -> None:
    for nonce in range(5):
        node.submit(transfer(ALICE, nonce))
    answers = iter([False, False, True])
    block = node.produce(time_is_up=lambda: next(answers)).block
    assert len(block.extrinsics) == 1 + 2
    assert node.pool.usage().ready == 3


def test_failed_dispatch_is_included(node: Any) -> None:
    node.submit(transfer(ALICE, 0, amount=10**9))
    assert len(node.produce().block.extrinsics) == 2
    assert node.account(ALICE) == Account(1, 10**6 - 1)
    assert node.account(CHARLIE) == Account()


def test_invalid_transactions_are_left_out_and_reported(node: Any) -> None:
    stale, good = transfer(ALICE, 0, tip=5), transfer(BOB, 0)
    panic = xt(Panic(1))
    authored = author_block(
        node.chain, [transfer(ALICE, 0), stale, panic, b"\x04\xff", good], node.now_ms, node.keys.aura
    )
    assert authored.block.extrinsics[1:] == (transfer(ALICE, 0), good)
    assert [refused.hash for refused in authored.refused] == [extrinsic_hash(e) for e in (stale, panic, b"\x04\xff")]
    assert authored.refused[0].reason == "Transaction is outdated"
    assert "told to" in authored.refused[1].reason
    assert authored.state.get(b":panicked") is None
    assert authored.state.get(b":refused") is None


def test_refused_transactions_leave_the_pool(node: Any) -> None:
    heard = node.watch(xt(Panic(1)))
    node.submit(transfer(ALICE, 0))
    assert len(node.produce().block.extrinsics) == 2
    assert [news.to_rpc() for news in heard] == ["ready", "invalid"]
    assert node.pool.usage().ready == 0


class WrongRoots:
    """Reports a state root of its own."""

    def __init__(self, inner: RuntimeEngine) -> None:
        self.inner = inner

    def call(self, name: str, overlay: Any, args: bytes) -> bytes:
        answer = self.inner.call(name, overlay, args)
        if name != "BlockBuilder_finalize_block":
            return answer
        header = decode(Header, answer)
        return Header(header.parent_hash, header.number, b"\1" * 32, bytes(32), header.digest).encoded()


def test_wrong_root_of_the_runtime(node: Any) -> None:
    node.chain.engine = WrongRoots(node.chain.engine)
    with pytest.raises(RootMismatch) as caught:
        node.produce()
    assert (caught.value.field, caught.value.found) == ("state root", b"\1" * 32)
    assert node.chain.best.number == 0


def test_events(node: Any) -> None:
    block = node.produce().block
    imported, best, final = node.events
    assert imported == Imported(block.hash, block.header)
    assert best == NewBest(block.hash, block.header, (block.hash,))
    assert (final.hash, final.header) == (block.hash, block.header)
    assert final.justification == node.chain.justification(block.hash)


def test_unsubscribed_listeners_hear_nothing(node: Any) -> None:
    heard: list[object] = []
    unsubscribe = node.chain.subscribe(heard.append)
    node.produce()
    unsubscribe()
    unsubscribe()
    node.produce()
    assert len(heard) == 3


def test_runtime_calls_do_not_write(node: Any) -> None:
    node.chain.runtime_call("BlockBuilder_apply_extrinsic", xt(SetTime(5)))
    assert node.chain.state_at(node.chain.best_hash).get(NOW) is None
    assert node.chain.runtime_version().spec_version == 7
    assert node.chain.runtime_version().to_rpc()["apis"] == [["0xdf6acb689907609b", 5]]
