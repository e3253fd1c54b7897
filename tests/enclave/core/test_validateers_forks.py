"""Forks as users and attackers see them: calls of lost blocks, blocks that are wrong, what a long tail costs."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time

import pytest
from msgspec.structs import replace

from integritee.enclave.consensus import REVERT_STRIDE
from integritee.enclave.sidechain.payload import StatePayload, decrypt, encrypt, position
from integritee.node.runtime.runtime import TEER
from integritee.primitives.sidechain import FINALIZATION_STRIDE, SignedBlock

from .harness import ANN, BEN, LEDGER, SLOT_MS, World
from .validateers import Network

CUT = frozenset((0, 1))


def pay(network: Network, at: int, amount: int, nonce: int | None = None) -> bytes:
    world = network.workers[at]
    return network.spread(
        at, world.signed(ANN, LEDGER.call("balance_transfer", ANN.public, BEN.public, amount), nonce)
    )


def lose(network: Network, loser: int, slots: int = 14) -> None:
    """One side's blocks lose: it stops, the other goes on, and they meet again."""
    network.down.add(loser)
    network.run(slots)
    network.down.clear()
    network.workers[loser].sync()
    network.cut.clear()
    network.until(lambda: len(network.heads()) == 1, 30)
    assert network.workers[loser].core.replica.reverted


# -- calls ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stride", [1, REVERT_STRIDE])
def test_calls_of_a_lost_block_are_executed_once_more_in_their_order(
    network: Network, stride: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was charged though it failed among them: those behind it need its nonce."""
    monkeypatch.setattr("integritee.enclave.consensus.REVERT_STRIDE", stride)
    one, two = network.workers
    network.run(3)
    network.cut.add(CUT)
    before, nonce = two.free(BEN), two.runtime.system.nonce(ANN.public)
    good = pay(network, 1, TEER, nonce)
    failing = pay(network, 1, 10_000 * TEER, nonce + 1)
    last = pay(network, 1, 2 * TEER, nonce + 2)
    network.run(4)
    assert [two.status(hash)[-1] for hash in (good, failing, last)] == [
        "InSidechainBlock",
        "Invalid",
        "InSidechainBlock",
    ]
    lose(network, 1)
    network.run(4)
    for world in (one, two):
        assert world.free(BEN) == before + 3 * TEER
        assert world.runtime.system.nonce(ANN.public) == nonce + 3
    for hash in (good, last):
        told = two.status(hash)
        assert told[:2] == ["Ready", "InSidechainBlock"]
        assert told[2] == "Retracted"
        assert set(told[3:-1]) <= {"Ready", "Future"}
        assert told[-2:] == ["Ready", "InSidechainBlock"]
    assert two.core.pool.ready_count == 0
    assert two.core.pool.future_count == 0


def test_another_call_with_the_same_nonce_won(network: Network) -> None:
    two = network.workers[1]
    network.run(3)
    network.cut.add(CUT)
    before, nonce = two.free(BEN), two.runtime.system.nonce(ANN.public)
    lost = pay(network, 1, TEER, nonce)
    pay(network, 0, 2 * TEER, nonce)
    network.run(4)
    lose(network, 1)
    network.run(4)
    assert [world.free(BEN) for world in network.workers] == [before + 2 * TEER] * 2
    assert (two.status(lost)[-1], two.reason(lost)) == ("Invalid", "pool.stale_nonce")
    assert "Retracted" in two.status(lost)


# -- wrong blocks --------------------------------------------------------------------------------------


def forged(world: World, signed: SignedBlock, change: Callable[[StatePayload], StatePayload]) -> SignedBlock:
    """The block with another diff, by an author whose enclave is broken."""
    header, data = signed.block.header, signed.block.block_data
    where = position(header.parent_hash, header.block_number, header.shard_id)
    payload = decrypt(data.encrypted_state_diff, world.core.keys.state, where)
    data = replace(data, encrypted_state_diff=encrypt(change(payload), world.core.keys.state, bytes(12), where))
    header = replace(header, block_data_hash=data.hash())
    return replace(signed.block, header=header, block_data=data).signed_by(world.core.keys.signing)


WRONG: dict[str, Callable[[StatePayload], StatePayload]] = {
    "root before": lambda payload: replace(payload, root_before=bytes(32)),
    "root after": lambda payload: replace(payload, root_after=bytes(32)),
    "changes": lambda payload: replace(payload, changes=[*payload.changes, (b"new", b"value")]),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_nothing_is_given_up_for_a_branch_that_leads_nowhere(network: Network, wrong: str) -> None:
    """Longer than the chain, but its last block is not what it says: the good part is as long as the chain only."""
    one, two = network.workers
    network.run(4)
    fork = one.core.head
    assert fork is not None
    network.cut.add(CUT)
    network.run(5)
    while one.core.head.block_number >= two.core.head.block_number:  # type: ignore[union-attr]
        network.down = {0}
        network.slot()
    network.down.clear()
    branch = [block.signed for block in two.core.replica.chain.tail if block.number > fork.block_number]
    head, state, reverted = one.core.head, one.core.state, one.core.replica.reverted
    bad = [*branch[:-1], forged(two, branch[-1], WRONG[wrong])]
    assert one.core.receive_blocks(bad, network.now).blocks == []
    assert (one.core.head, one.core.state) == (head, state)
    assert one.core.replica.reverted == reverted
    assert one.core.halted is None
    one.core.receive_blocks(branch[-1:], network.now)
    assert one.core.head == two.core.head
    network.cut.clear()


def test_a_block_that_nobody_can_connect_is_asked_for_once(network: Network) -> None:
    """It does not keep the enclave asking, nor lead it to think that its own chain cannot be helped."""
    one, two = network.workers
    network.run(2)
    last = two.core.replica.chain.tail[-1].signed
    header = replace(last.block.header, parent_hash=b"?" * 32)
    loose = replace(last.block, header=header).signed_by(two.core.keys.signing)
    assert one.core.receive_blocks([loose], network.now).refused is None
    wants = [one.core.tick(network.now + n * SLOT_MS).fetch for n in range(2, 3)]
    assert [each and each.until for each in wants] == [loose.hash()]
    one.core.receive_blocks([], network.now, is_complete=True)
    assert len(one.core.consensus.candidates) == 0
    assert one.core.tick(network.now + 5 * SLOT_MS).fetch is None
    network.run(4)
    assert len(network.heads()) == 1


def test_reverted_blocks_that_find_no_room_are_let_go(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    network.run(3)
    network.cut.add(CUT)
    network.run(4)
    monkeypatch.setattr("integritee.enclave.sidechain.candidates.MAX_CANDIDATES", 12)
    lose(network, 1, slots=10)
    monkeypatch.setattr("integritee.enclave.sidechain.candidates.MAX_CANDIDATES", 0)
    network.run(3)
    assert [world.core.halted for world in network.workers] == [None, None]


# -- cost ----------------------------------------------------------------------------------------------


def test_a_tick_costs_nothing_with_a_long_tail(network: Network) -> None:
    """Without confirmations 400 blocks can be given up; a losing branch of 50 is known as well."""
    one = network.workers[0]
    one.drops = lambda extrinsic: True
    network.cut.add(CUT)
    network.down.add(0)
    network.run(100)
    branch = [block.signed for block in network.workers[1].core.replica.chain.tail][:FINALIZATION_STRIDE]
    network.down = {1}
    network.workers[0].core.consensus.hear_all()
    network.run(300)
    assert len(one.core.replica.chain.tail) > 100
    one.core.receive_blocks(branch, network.now)
    rounds = 20
    began = process_time()
    for n in range(rounds):
        one.core.tick(network.now + n)
    assert (process_time() - began) / rounds < 0.01
    network.down.clear()
