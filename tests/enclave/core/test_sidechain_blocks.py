"""Blocks as peers and explorers see them, and as an enclave with the state key reads them."""

from __future__ import annotations

import pytest

from integritee.crypto import Ed25519Pair
from integritee.crypto.errors import AeadTampered
from integritee.enclave.selftest.damage import flipped
from integritee.enclave.sidechain.payload import NONCE_SIZE, StatePayload, decrypt, encrypt, position
from integritee.enclave.sidechain.verification import Authorship, Tip, verify_place, verify_seal
from integritee.node.runtime.runtime import TEER
from integritee.primitives.sidechain import SignedBlock
from integritee.primitives.signature import Ed25519
from integritee.trie import Trie

from .harness import ANN, BEN, SLOT_MS, World


@pytest.fixture
def busy(world: World) -> World:
    """A few blocks with deposits, calls and failures in them."""
    world.shield(ANN, 10 * TEER)
    world.block()
    world.slot()
    for i in range(3):
        world.transfer(ANN, BEN, TEER + i)
        world.transfer(ANN, BEN, 10**6 * TEER)
        world.slot()
        world.block()
    world.slot()
    return world


def payload(world: World, signed: SignedBlock) -> StatePayload:
    header, data = signed.block.header, signed.block.block_data
    where = position(header.parent_hash, header.block_number, header.shard_id)
    return decrypt(data.encrypted_state_diff, world.core.keys.state, where)


def test_blocks_form_a_chain(busy: World) -> None:
    numbers = [b.block.header.block_number for b in busy.blocks]
    assert numbers == list(range(1, len(numbers) + 1))
    assert busy.blocks[0].block.header.parent_hash == bytes(32)
    for parent, child in zip(busy.blocks, busy.blocks[1:], strict=False):
        assert child.block.header.parent_hash == parent.hash()
        assert child.block.block_data.timestamp > parent.block.block_data.timestamp
    assert busy.core.head == busy.blocks[-1].block.header
    assert {b.block.header.next_finalization_block_number for b in busy.blocks[1:]} == {51}


def test_blocks_pass_the_verification_of_peers(busy: World) -> None:
    tip = None
    for signed in busy.blocks:
        data = signed.block.block_data
        assert data.block_author == busy.account
        verify_seal(signed, busy.shard)
        authorship = Authorship(data.layer_one_head, (busy.account,))
        verify_place(signed.block, tip, authorship, busy.now, SLOT_MS)
        tip = Tip.of(signed.block)


def test_every_bit_counts(busy: World) -> None:
    signed = busy.blocks[-1]
    stranger = Ed25519Pair.from_seed(b"\x01" * 32)
    assert isinstance(signed.signature, Ed25519)
    assert not SignedBlock(signed.block, signed.block.signed_by(stranger).signature).has_valid_signature()
    assert not SignedBlock(busy.blocks[-2].block, signed.signature).has_valid_signature()


def test_diffs_lead_from_state_to_state(busy: World) -> None:
    """Whoever has the key rebuilds the ledger from blocks alone, root by root, from the genesis state on."""
    first = payload(busy, busy.blocks[0])
    genesis = genesis_state(busy)
    assert genesis.root() == first.root_before
    state = genesis
    for signed in busy.blocks:
        read = payload(busy, signed)
        assert state.root() == read.root_before
        state = state.commit(dict(read.changes))
        assert state.root() == read.root_after
    assert state.root() == busy.core.state.root()
    assert dict(state.items()) == dict(busy.core.state.items())


def genesis_state(world: World) -> Trie:
    """The first state, from the journal's genesis record."""
    from integritee.enclave.records import GENESIS, RecordKind

    from ..store.machine import Machine

    world.directory.reboot()
    _, records = Machine(world.directory).recovered()
    record = next(GENESIS.decode(data) for _, kind, data in records if kind == RecordKind.GENESIS)
    world.boot()
    world.connect()
    return Trie.from_items(record.changes)


def test_diffs_are_bound_to_their_place_and_key(busy: World) -> None:
    header, data = busy.blocks[-1].block.header, busy.blocks[-1].block.block_data
    key, sealed = busy.core.keys.state, data.encrypted_state_diff
    where = position(header.parent_hash, header.block_number, header.shard_id)
    for other in (
        position(bytes(32), header.block_number, header.shard_id),
        position(header.parent_hash, header.block_number + 1, header.shard_id),
        position(header.parent_hash, header.block_number, bytes(32)),
    ):
        with pytest.raises(AeadTampered):
            decrypt(sealed, key, other)
    with pytest.raises(AeadTampered):
        decrypt(sealed, bytes(32), where)
    for at in (0, NONCE_SIZE, len(sealed) - 1):
        with pytest.raises(AeadTampered):
            decrypt(flipped(sealed, at), key, where)


def test_no_nonce_is_used_twice(busy: World) -> None:
    nonces = [b.block.block_data.encrypted_state_diff[:NONCE_SIZE] for b in busy.blocks]
    assert len(set(nonces)) == len(nonces)


def test_payload_round_trip() -> None:
    what = StatePayload(b"\x01" * 32, b"\x02" * 32, [(b"a", b"1"), (b"b", None)])
    sealed = encrypt(what, b"k" * 32, b"n" * NONCE_SIZE, b"here")
    assert sealed[:NONCE_SIZE] == b"n" * NONCE_SIZE
    assert decrypt(sealed, b"k" * 32, b"here") == what


def test_only_what_succeeded_is_listed(busy: World) -> None:
    busy.block()
    good = busy.transfer(ANN, BEN, TEER)
    bad = busy.transfer(ANN, BEN, 10**6 * TEER)
    effects = busy.slot()
    assert effects is not None
    listed = effects.blocks[0].block.block_data.signed_top_hashes
    assert good in listed
    assert bad not in listed
    assert len(listed) == 2  # the parentchain block's time is set by a call of the enclave


def test_an_empty_block_changes_next_to_nothing(busy: World) -> None:
    busy.slot()
    before = len(busy.blocks)
    busy.slot()
    changes = payload(busy, busy.blocks[before]).changes
    assert len(changes) <= 4
    assert busy.blocks[before].block.block_data.signed_top_hashes == []


def test_layer_one_head_is_the_block_whose_effects_are_in(busy: World) -> None:
    for signed in busy.blocks[1:]:
        assert busy.chain.chain.header(signed.block.block_data.layer_one_head) is not None
    assert busy.blocks[-1].block.block_data.layer_one_head == busy.runtime.integritee.block_hash.get()
