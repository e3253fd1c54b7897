"""Ways to be paid twice, to lock the vault, or to have deposits passed over, on whatever chain funds come from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from unittest.mock import patch

import msgspec
import pytest

from integritee.boundary.messages import Checkpoint, Leap
from integritee.enclave.errors import VaultShort
from integritee.enclave.parentchain.contract import ParentchainContract, Place
from integritee.enclave.parentchain.inbound import Deposit, ExtrinsicOutcome, InboundBlock
from integritee.enclave.parentchain.light_client import genesis_authorities
from integritee.enclave.parentchain.onboarding import Phase
from integritee.enclave.parentchain.outbox import MAX_ENTRIES
from integritee.enclave.sidechain.lane import MAX_DEPOSITS, MAX_INBOUND, due
from integritee.node.runtime.runtime import TEER
from integritee.node.runtime.target_a import TargetARuntime
from integritee.node.runtime.target_b import TargetBRuntime
from integritee.primitives.header import Header
from integritee.primitives.ids import ParentchainId
from integritee.stf import runtime as runtimes
from integritee.stf.asset_map import ASSET_HUB_LOCAL, AssetId
from integritee.stf.chain_specs import CHAIN_SPECS, DEVELOPMENT, spec_of
from integritee.stf.types import ShardMode

from ...stf.kit import DEVELOPMENT_LEDGER
from .harness import ANN, BEN, World
from .parentchain import ALICE, Parentchain, metadata, target_genesis
from .test_retirement import configure
from .test_targets import PAYEE, held, ledger_balance, shield, shielded, world_on

HERE, A, B = ParentchainId


@pytest.fixture(scope="module")
def hub() -> Iterator[World]:
    world = world_on(B)
    yield world
    world.close()


@pytest.mark.parametrize("asset", [None, AssetId.USDT])
def test_a_payment_that_was_made_is_not_given_back(asset: AssetId | None) -> None:
    """Metadata decides whether a payment arrived, too: one that is said to have failed is given back only if the vault
    still holds it."""
    world = shielded(asset)
    known = {world.vault_chain.chain.genesis_hash: spec_of(bytes(32), development=True)}
    with patch.dict(CHAIN_SPECS, known):
        world.slot()
        if asset is None:
            world.shield(ANN, 90 * TEER)
            world.block()
            world.slot()
            world.unshield(ANN, PAYEE, 60 * TEER)
        else:
            call = world.ledger.call("assets_unshield", ANN.public, PAYEE, asset, 5 * asset.one_unit, world.shard)
            world.submit(world.signed(ANN, call))
        world.slot()
        (entry,) = [entry for entry in world.core.links.vault.outbox.entries.values() if entry.payment is not None]
        world.block()
        inbox = world.core.links.vault.connected.inbox
        (block,) = [block for block in inbox if entry.hash() in block.outcomes]
        assert block.outcomes[entry.hash()] == ExtrinsicOutcome(True, True)
        outcomes = {**block.outcomes, entry.hash(): ExtrinsicOutcome(True, False)}
        inbox[inbox.index(block)] = dataclasses.replace(block, outcomes=outcomes)
        with pytest.raises(VaultShort) as refused:
            world.slot()
    assert refused.value.data()["asset"] == ("native" if asset is None else asset.symbol)
    world.close()


# -- what is proven with every block


def test_an_upgrade_does_not_change_what_is_watched_of_the_vault() -> None:
    """A batch is proven by the keys of the runtime before it: of an asset that an upgrade in it brought, deposits would
    be compared with a holding nobody had asked for."""
    place = Place(A, bytes(32), b"\x01" * 32, b"\x02" * 32)
    before, after = (ParentchainContract(metadata(version), place, ASSET_HUB_LOCAL) for version in (410, 1))
    assert before.vault is not None and after.vault is not None
    assert before.vault.asset_at("Assets", 1984) is None
    assert after.vault.asset_at("Assets", 1984) is AssetId.USDT
    assert before.vault.keys == after.vault.keys


# -- chains that join


def test_a_late_chain_on_which_the_account_was_at_work() -> None:
    """A clean reset keeps the enclave's account, and with it what it once did on a chain that joins again."""
    world = World(ledger=DEVELOPMENT_LEDGER)
    world.run()
    late = Parentchain(storage=target_genesis(TargetBRuntime))
    late.transfer(ALICE, world.account, 10 * TEER, world.now)
    for number in range(300):
        late.produce(world.now + 1 + number)
        if number == 280:
            late.transfer(world.core.keys.signing, PAYEE, TEER, world.now + 1 + number)
    world.chains[B] = late
    world.connect()
    world.now += 10_000
    world.block()
    for _ in range(3):
        world.slot()
    assert world.runtime.target_b.number.get() == late.height
    assert world.core.links[B].outbox.next_nonce == 1
    world.check()
    world.close()


def test_no_checkpoint_passes_over_deposits_to_a_shard_that_has_begun() -> None:
    """Somebody else has paid for the vault, so the enclave's account has not been at work there. The enclave dies
    between the shard's beginning and its first block, and is then told to begin behind a deposit."""
    chain = Parentchain(storage=target_genesis(TargetARuntime))
    world = World(ledger=DEVELOPMENT_LEDGER, targets={A: chain}, shielding_target=A)
    chain.transfer(ALICE, world.vault, 40 * TEER, world.now)
    world.chain.transfer(ALICE, world.account, 100 * TEER, world.now)
    world.connect()
    while world.core.phase is not Phase.RUNNING:
        world.block()
    assert chain.account(world.account).nonce == 0
    world.shield(ANN, 10 * TEER)
    world.grow(3)
    world.directory.reboot()
    world.boot()
    set_id, voters = genesis_authorities(chain.params().genesis, chain.params().authorities_proof) or (0, [])
    header = chain.block(chain.height - 1, []).header
    world.core.connect(world.chain.params(35 * TEER, 0))
    checkpoint = Checkpoint(header, set_id, voters)
    params = chain.params(60 * TEER, 25 * TEER, A)
    world.core.connect(msgspec.structs.replace(params, checkpoint=checkpoint, leaps=[Leap([], b"")]))
    world.sync()
    world.slot()
    assert world.free(ANN) == 10 * TEER - 10 * TEER // 571
    world.check()
    world.close()


# -- many deposits


def waiting(deposits: int) -> InboundBlock:
    return InboundBlock(
        Header(bytes(32), 1, bytes(32), bytes(32), []), {}, None, (Deposit(PAYEE, 1),) * deposits, {}, b""
    )


@pytest.mark.parametrize(
    ("deposits", "taken"),
    [
        ([0] * (MAX_INBOUND + 1), MAX_INBOUND),
        ([MAX_DEPOSITS, 0, 0, 1, 0], 3),
        ([1, MAX_DEPOSITS, 0], 1),
        ([MAX_DEPOSITS + 1, 0, 1], 1),
        ([], 0),
    ],
)
def test_a_sidechain_block_takes_in_so_many_deposits(deposits: list[int], taken: int) -> None:
    """Its record has a limit: a chain full of small deposits, caught up with at once, must not stop the shard."""
    assert len(list(due([waiting(count) for count in deposits]))) == taken


def test_a_full_outbox_elsewhere_does_not_stop_the_ledger() -> None:
    """Target A takes nothing from the enclave, whose account there is empty: calls wait for the vault's chain only."""
    world = World(ledger=DEVELOPMENT_LEDGER, targets={A: Parentchain(storage=target_genesis(TargetARuntime))})
    world.run()
    link = world.core.links[A]
    for number in range(MAX_ENTRIES):
        link.outbox.add(link.connected.facts, link.connected.head, number.to_bytes(32, "big"), b"", 32)
    world.shield(ANN, 10 * TEER)
    world.block()
    world.slot()
    hash = world.transfer(ANN, BEN, TEER)
    world.slot()
    assert world.status(hash)[-1] == "InSidechainBlock"
    world.close()


@pytest.mark.parametrize("amount", [0, 1, 499, 500, 570, 571, TEER])
@pytest.mark.parametrize("asset", [None, AssetId.USDT])
def test_deposits_of_any_size_from_anybody(hub: World, amount: int, asset: AssetId | None) -> None:
    """Dust, nothing at all, from accounts that nobody has or that the enclave itself has in the ledger: all of it is
    on some account afterwards."""
    world, runtime = hub, hub.runtime
    world.shield(ANN, 10 * TEER)
    world.block()
    inbox = world.core.links.vault.connected.inbox
    (block,) = [block for block in inbox if block.deposits]
    senders = (bytes(32), world.core.keys.ledger.public, b"\xff" * 32, b"\x01" * 32)
    strange = tuple(Deposit(sender, amount, asset) for sender in senders)
    inbox[inbox.index(block)] = dataclasses.replace(block, deposits=strange)

    def issued() -> int:
        return runtime.balances.total_issuance.get() if asset is None else runtime.assets.supply(asset)

    before = issued()
    world.slot()
    assert issued() == before + len(senders) * amount
    assert world.core.halted is None


# -- the end of a shard


def test_retirement_waits_for_the_chain_of_the_vault(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shard is to retire while the enclave, after a restart, follows Integritee only: no block is made, so nobody is
    passed over. Native funds and assets leave through the vault on target B once that is there."""
    spec = dataclasses.replace(DEVELOPMENT, retirement_delay=4)
    monkeypatch.setattr(runtimes, "spec_of", lambda genesis, development: spec)
    world = world_on(B)
    target = world.vault_chain
    world.shield(ANN, 10 * TEER)
    shield(world, ANN, AssetId.USDC, 5_000_000)
    world.block()
    world.slot()
    native, usdc = world.free(ANN), ledger_balance(world, AssetId.USDC, ANN)
    assert native and usdc
    had = target.free(ANN.public), held(target, AssetId.USDC, ANN.public)
    world.directory.reboot()
    world.boot()
    world.chains = {HERE: world.chain}
    world.core.connect(world.chain.params(35 * TEER, 0))
    configure(world, True)
    world.block(4)
    assert [world.slot() for _ in range(3)] == [None] * 3
    assert world.core.shown_phase == "awaiting_target"
    assert (world.free(ANN), ledger_balance(world, AssetId.USDC, ANN)) == (native, usdc)
    world.chains[B] = target
    world.connect()
    world.settle()
    world.settle()
    assert (world.core.shown_phase, world.runtime.shard_management.mode.get()) == ("running", ShardMode.Retired)
    assert (world.free(ANN), ledger_balance(world, AssetId.USDC, ANN)) == (0, 0)
    paid = target.free(ANN.public) - had[0], held(target, AssetId.USDC, ANN.public) - had[1]
    assert paid == (native - 3 * TEER // 100, usdc - 30_000)
    world.check()
    world.close()
