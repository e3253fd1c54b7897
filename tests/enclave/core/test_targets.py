"""Funds that come from another chain than Integritee: native ones and assets, in and out, to the last unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest

from integritee.boundary.messages import MetadataToken
from integritee.crypto import KeyPair
from integritee.enclave.errors import (
    FollowedAlready,
    ForeignGenesis,
    TooManyValidateers,
    VaultElsewhere,
    VaultShort,
)
from integritee.enclave.membership import MAX_ADMITTED
from integritee.enclave.parentchain.inbound import Deposit
from integritee.enclave.parentchain.onboarding import PROXIES, Funds
from integritee.metadata.merkleized import metadata_hash
from integritee.node.runtime.genesis import genesis
from integritee.node.runtime.presets import DEVELOPMENT, NodeRuntime
from integritee.node.runtime.runtime import TEER
from integritee.node.runtime.target_a import TargetARuntime
from integritee.node.runtime.target_b import TargetBRuntime
from integritee.primitives.ids import Id, ParentchainId
from integritee.primitives.storage import blake2_map_key
from integritee.scale import decode, u128
from integritee.stf.asset_map import AssetId
from integritee.stf.chain_specs import CHAIN_SPECS, spec_of
from integritee.stf.fees import shielding_fee
from integritee.stf.types import ParentchainsInfo

from ...stf.kit import DEVELOPMENT_LEDGER
from .harness import ANN, BEN, CAT, DAN, SLOT_MS, World, public_getter
from .parentchain import ALICE, BLOCK_MS, Parentchain, target_genesis

HERE, A, B = ParentchainId
RUNTIMES: dict[ParentchainId, type[NodeRuntime]] = {A: TargetARuntime, B: TargetBRuntime}
USDT, USDC, ETH, WETH = AssetId.USDT, AssetId.USDC, AssetId.ETH, AssetId.WETH
PAYEE = b"\x77" * 32


def world_on(target: ParentchainId) -> World:
    """A running worker on three parentchains, its vault on `target`."""
    targets = {id: Parentchain(storage=target_genesis(runtime)) for id, runtime in RUNTIMES.items()}
    world = World(ledger=DEVELOPMENT_LEDGER, targets=targets, shielding_target=target)
    world.run()
    return world


@pytest.fixture(scope="module")
def hub() -> Iterator[World]:
    """Tests share it: each has a user to itself, or leaves nothing behind."""
    world = world_on(B)
    yield world
    world.check()
    world.close()


def held(chain: Parentchain, asset: AssetId, who: bytes) -> int:
    """Units of an asset on the target chain."""
    reserve = asset.reserve
    assert reserve is not None
    raw = chain.value(blake2_map_key(reserve.pallet, "Account", reserve.key, who))
    return int(decode(u128, raw[:16])) if raw else 0


def transfer(world: World, asset: AssetId, to: bytes, amount: int) -> tuple[str, str, dict[str, Any]]:
    """The call that moves an asset on the target chain."""
    vault = world.core.links[B].connected.contract.vault
    assert vault is not None
    pallet, id = next((pallet, id) for pallet, id, known in vault._assets if known is asset)
    return pallet, "transfer", {"id": id, "target": Id(to), "amount": amount}


def send(world: World, who: KeyPair, pallet: str, call: str, args: dict[str, Any]) -> None:
    chain = world.vault_chain
    chain.submit(chain.sign(who, pallet, call, args), world.now)


def shield(world: World, who: KeyPair, asset: AssetId, amount: int) -> None:
    send(world, who, *transfer(world, asset, world.vault, amount))


def unshield(world: World, who: KeyPair, asset: AssetId, amount: int, to: bytes = PAYEE) -> bytes:
    call = DEVELOPMENT_LEDGER.call("assets_unshield", who.public, to, asset, amount, world.shard)
    return world.submit(world.signed(who, call))


def ledger_balance(world: World, asset: AssetId, who: KeyPair) -> int:
    return world.runtime.assets.balance(asset, who.public)


def net(amount: int) -> int:
    return amount - shielding_fee(amount)


# -- in and out


@pytest.mark.parametrize("target", [A, B])
def test_native_funds_come_and_go(target: ParentchainId) -> None:
    world = world_on(target)
    chain = world.vault_chain
    vault_before = chain.free(world.vault)
    world.shield(ANN, 100 * TEER)
    world.block()
    world.slot()
    assert world.free(ANN) == net(100 * TEER)
    world.unshield(ANN, PAYEE, 40 * TEER)
    world.settle()
    assert chain.free(PAYEE) == 40 * TEER
    assert chain.free(world.vault) == vault_before + 60 * TEER
    assert world.free(ANN) == net(100 * TEER) - 40 * TEER - 3 * TEER // 100
    assert not world.core.links.vault.outbox.entries
    world.check()
    world.close()


@pytest.mark.parametrize(
    ("asset", "amount"), [(USDT, 1_000_001), (USDC, 999_999), (ETH, 10**18 + 1), (WETH, 3 * 10**17)]
)
def test_assets_come_and_go(hub: World, asset: AssetId, amount: int) -> None:
    """In pallet Assets by number, in ForeignAssets by location. BEN has no native funds in the ledger: fees are paid in
    the first asset that suffices."""
    world, chain = hub, hub.vault_chain
    shield(world, BEN, USDT, 50_000_000)
    before, vault, paid = (
        ledger_balance(world, asset, BEN),
        held(chain, asset, world.vault),
        held(chain, asset, PAYEE),
    )
    extra = 50_000_000 if asset is USDT else 0
    shield(world, BEN, asset, amount)
    world.block()
    world.slot()
    assert held(chain, asset, world.vault) == vault + amount + extra
    credited = ledger_balance(world, asset, BEN) - before
    assert credited == net(amount) + (net(extra) if extra else 0)
    usdt = ledger_balance(world, USDT, BEN)
    hash = unshield(world, BEN, asset, amount // 2)
    world.settle()
    assert world.status(hash)[-1] == "InSidechainBlock"
    assert held(chain, asset, PAYEE) == paid + amount // 2
    assert held(chain, asset, world.vault) == vault + amount + extra - amount // 2
    fee = 30_000
    spent = {asset: amount // 2}
    spent[USDT] = spent.get(USDT, 0) + fee
    assert usdt - ledger_balance(world, USDT, BEN) == spent[USDT]
    assert world.free(BEN) == 0
    world.check()


def test_a_refused_payment_of_an_asset_is_given_back(hub: World) -> None:
    """Less than the least holding cannot go to an account that has none."""
    world, nobody = hub, b"\x99" * 32
    world.shield(CAT, 10 * TEER)
    shield(world, CAT, USDC, 5_000_000)
    world.block()
    world.slot()
    before, refused = ledger_balance(world, USDC, CAT), world.core.links[B].refused
    unshield(world, CAT, USDC, 9_999, nobody)
    world.slot()
    assert ledger_balance(world, USDC, CAT) == before - 9_999
    world.settle()
    assert ledger_balance(world, USDC, CAT) == before
    assert held(world.vault_chain, USDC, nobody) == 0
    assert world.core.links[B].refused == refused + 1
    world.check()


# -- what counts as a deposit


def test_deposits_of_assets_from_batches_and_proxies(hub: World) -> None:
    world, chain = hub, hub.vault_chain
    metadata = world.core.links[B].connected.contract.metadata
    inner = [metadata.call(*transfer(world, USDC, world.vault, amount)) for amount in (1_000_000, 2_000_000)]
    too_much = metadata.call(*transfer(world, USDC, world.vault, 10**15))
    before = ledger_balance(world, USDC, DAN)
    send(world, DAN, "Utility", "batch", {"calls": [metadata.decode_call(call) for call in (*inner, too_much)]})
    world.block()
    send(world, DAN, "Utility", "batch_all", {"calls": [metadata.decode_call(call) for call in (*inner, too_much)]})
    world.block()
    send(world, DAN, "Proxy", "add_proxy", {"delegate": Id(ALICE.public), "proxy_type": "Any", "delay": 0})
    world.block()
    args = {"real": Id(DAN.public), "force_proxy_type": None, "call": metadata.decode_call(inner[0])}
    send(world, ALICE, "Proxy", "proxy", args)
    world.block()
    world.slot()
    amounts = (1_000_000, 2_000_000, 1_000_000)
    assert ledger_balance(world, USDC, DAN) - before == sum(map(net, amounts))
    assert not chain.refused
    world.check()


def test_an_asset_nobody_knows_is_not_credited(hub: World) -> None:
    world = hub
    send(world, ALICE, "Assets", "create", {"id": 77, "admin": Id(ALICE.public), "min_balance": 1})
    world.block()
    send(world, ALICE, "Assets", "mint", {"id": 77, "beneficiary": Id(ALICE.public), "amount": 1000})
    world.block()
    world.slot()
    supplies = {asset: world.runtime.assets.supply(asset) for asset in AssetId}
    send(world, ALICE, "Assets", "transfer", {"id": 77, "target": Id(world.vault), "amount": 500})
    world.block()
    world.slot()
    assert {asset: world.runtime.assets.supply(asset) for asset in AssetId} == supplies
    world.check()


# -- three chains at once


def test_the_ledger_knows_how_far_each_chain_is(hub: World) -> None:
    hub.block()
    hub.slot()
    answer = hub.core.view.query(public_getter("parentchains_info"), hub.now)
    assert answer is not None
    info = decode(ParentchainsInfo, answer)
    for id, found in zip(ParentchainId, (info.integritee, info.target_a, info.target_b), strict=True):
        chain = hub.chains[id]
        assert (found.genesis_hash, found.block_number) == (chain.chain.genesis_hash, chain.height)
        assert found.now is not None and abs(found.now - hub.now) <= BLOCK_MS
    assert info.shielding_target is B


def test_what_the_ledger_mirrors_of_the_vault(hub: World) -> None:
    vault = hub.core.links[B].connected.contract.vault
    assert vault is not None
    mirror = hub.runtime.target_b.mirror
    assert mirror.get(vault.keys.account) == hub.vault_chain.value(vault.keys.account)
    reserve = USDT.reserve
    assert reserve is not None
    key = blake2_map_key("Assets", "Account", reserve.key, hub.vault)
    assert mirror.get(key) == hub.vault_chain.value(key)


def test_one_chain_is_not_two(hub: World) -> None:
    for known in (HERE, B):
        with pytest.raises(FollowedAlready):
            hub.core.connect(hub.chains[known].params(id=A))
    with pytest.raises(ForeignGenesis):
        hub.core.connect(Parentchain(storage=genesis(DEVELOPMENT)).params(id=A))


@pytest.mark.parametrize("wanted", [HERE, A])
def test_a_vault_does_not_move(wanted: ParentchainId) -> None:
    world = world_on(B)
    world.shielding_target = wanted
    world.directory.reboot()
    with pytest.raises(VaultElsewhere) as refused:
        world.boot()
    assert refused.value.data() == {"found": wanted.name, "expected": "TargetB"}
    world.shielding_target = None
    world.directory.reboot()
    world.boot()
    assert world.core.config.shielding_target is B
    world.close()


def test_a_restart_with_payments_under_way_on_two_chains() -> None:
    world = world_on(B)
    world.shield(ANN, 100 * TEER)
    shield(world, ANN, USDC, 7_000_000)
    world.block()
    world.slot()
    world.drops = lambda extrinsic: True
    world.unshield(ANN, PAYEE, 5 * TEER)
    unshield(world, ANN, USDC, 1_000_000)
    world.slot()
    world.restart()
    world.drops = lambda extrinsic: False
    assert len(world.core.links[B].outbox.entries) == 2
    world.block(4)
    world.settle()
    assert world.vault_chain.free(PAYEE) == 5 * TEER
    assert held(world.vault_chain, USDC, PAYEE) == 1_000_000
    world.check()
    world.close()


def test_a_chain_that_joins_later() -> None:
    """A target that is introduced to a running shard is bound to it with its first block."""
    world = World(ledger=DEVELOPMENT_LEDGER)
    world.run()
    late = Parentchain(storage=target_genesis(TargetBRuntime))
    world.chains[B] = late
    late.produce(world.now)
    world.connect()
    world.block(2)
    world.slot()
    mirror = world.runtime.target_b
    assert (mirror.parentchain_genesis_hash.get(), mirror.number.get()) == (late.chain.genesis_hash, 3)
    world.restart()
    world.block()
    world.slot()
    assert world.runtime.target_b.number.get() == 4
    world.check()
    world.close()


# -- when things run low or late


def test_a_low_purse_refuses_payments_before_anything_is_burned(hub: World) -> None:
    world, link = hub, hub.core.links.vault
    world.shield(CAT, 20 * TEER)
    world.block()
    world.slot()
    free = world.free(CAT)
    link.funds = Funds(required=200_000 * TEER, vault=0)
    world.block()
    assert link.needed_funds == 200_000 * TEER - link.free
    hash = world.unshield(CAT, PAYEE, TEER)
    world.slot()
    assert (world.status(hash)[-1], world.reason(hash)) == ("Invalid", "outbox.purse_low")
    assert world.free(CAT) == free - 3 * TEER // 100
    world.connect()
    world.block()
    assert link.needed_funds == 0
    world.unshield(CAT, PAYEE, TEER)
    world.slot()
    assert world.free(CAT) == free - TEER - 6 * TEER // 100
    world.settle()
    world.check()


def test_no_blocks_on_a_stale_view_of_integritee() -> None:
    """Calls wait in the pool meanwhile, and production goes on by itself."""
    world = World()
    world.max_age = 60_000
    world.directory.reboot()
    world.boot()
    world.run()
    world.shield(ANN, 10 * TEER)
    world.block()
    assert world.slot() is not None
    world.now = world.core.integritee.connected.time or 0
    world.now += 60_000 - 2 * SLOT_MS
    assert world.slot() is not None
    hash = world.transfer(ANN, BEN, TEER)
    world.now += 3 * SLOT_MS
    assert world.slot() is None
    (status,) = world.core.chain_statuses(world.now)
    assert status.is_stale
    assert world.free(BEN) == 0
    world.block()
    assert world.slot() is not None
    (status,) = world.core.chain_statuses(world.now)
    assert not status.is_stale
    assert world.status(hash)[-1] == "InSidechainBlock"
    world.close()


# -- what the host says events mean


def shielded(asset: AssetId | None) -> World:
    """A world in which a deposit of ANN waits for its sidechain block."""
    if asset is None:
        world = World()
        world.run()
        world.shield(ANN, 10 * TEER)
    else:  # a chain that a ledger for real use knows, so that there are assets beyond development
        chain = Parentchain(storage=target_genesis(TargetBRuntime))
        known = {chain.chain.genesis_hash: spec_of(bytes(32), development=True)}
        with patch.dict(CHAIN_SPECS, known):
            world = World(targets={B: chain}, shielding_target=B)
            world.run()
        shield(world, ANN, asset, 10 * asset.one_unit)
    world.block()
    return world


@pytest.mark.parametrize("asset", [None, USDT, WETH])
def test_a_deposit_that_is_not_in_the_vault_is_found_out(asset: AssetId | None) -> None:
    """Metadata decides what an event means, and the host brought it. Balances are proven: a deposit the vault does not
    hold ends production, before anybody can take it out."""
    world = shielded(asset)
    inbox = world.core.links.vault.connected.inbox
    (block,) = [block for block in inbox if block.deposits]
    (honest,) = block.deposits
    invented = world.vault_chain.free(world.vault) if asset is None else 1
    inbox[inbox.index(block)] = dataclasses.replace(block, deposits=(honest, Deposit(BEN.public, invented, asset)))
    known = {world.vault_chain.chain.genesis_hash: spec_of(bytes(32), development=True)}
    with patch.dict(CHAIN_SPECS, known), pytest.raises(VaultShort) as refused:
        world.slot()
    facts = refused.value.data()
    assert facts["asset"] == ("native" if asset is None else asset.symbol)
    assert facts["found"] < facts["expected"]
    assert world.free(BEN) == 0
    assert world.core.shown_phase == "halted:enclave.vault_short"
    world.close()


@pytest.mark.parametrize(("symbol", "paid"), [("UNIT", TEER), ("ROC", 0)])
def test_extrinsics_are_bound_to_the_metadata_they_were_composed_by(symbol: str, paid: int) -> None:
    """With the token of the runtime every extrinsic carries the hash of its metadata, and the chain compares: calls that
    mean something else there are never included."""
    world = world_on(B)
    world.token = MetadataToken(symbol, 12)
    world.restart()
    world.block()
    world.shield(ANN, 10 * TEER)
    world.block()
    world.slot()
    world.unshield(ANN, PAYEE, TEER)
    world.settle()
    facts = world.core.links.vault.connected.facts
    assert facts.metadata_hash == metadata_hash(facts.metadata, 12, symbol)
    assert world.vault_chain.free(PAYEE) == paid
    bad = "Invalid Transaction"
    assert any(bad in refusal for refusal in world.vault_chain.refused) is (paid == 0), world.vault_chain.refused
    world.check()
    world.close()


# -- further validateers


def proxies(world: World) -> list[bytes]:
    """Accounts that may act for the vault."""
    vault = world.core.links.vault.connected.contract.vault
    assert vault is not None
    raw = world.vault_chain.value(vault.keys.proxies)
    assert raw is not None
    return [proxy.delegate for proxy in PROXIES.decode(raw)[0]]


@pytest.mark.parametrize("target", [HERE, A, B])
def test_a_further_validateer_becomes_a_proxy_of_the_vault(target: ParentchainId) -> None:
    """Asked for twice, with the first extrinsics lost: it happens once."""
    world = world_on(target) if target is not HERE else World()
    if target is HERE:
        world.run()
    other = DAN.public
    assert proxies(world) == [world.account]
    world.drops = lambda extrinsic: True
    world.core.admit_validateer(other)
    world.core.admit_validateer(other)
    world.settle(2)
    assert proxies(world) == [world.account]
    world.drops = lambda extrinsic: False
    world.block(4)
    world.settle()
    assert sorted(proxies(world)) == sorted([world.account, other])
    added = [event for event in world.vault_chain.all_events("Proxy.ProxyAdded") if event["delegator"] == world.vault]
    assert len(added) == 2
    assert world.core.membership.admitted == []
    world.check()
    world.close()


def test_few_may_wait_to_become_proxies() -> None:
    world = World()
    for number in range(MAX_ADMITTED):
        world.core.admit_validateer(bytes([number]) * 32)
    world.core.admit_validateer(bytes(32))
    with pytest.raises(TooManyValidateers):
        world.core.admit_validateer(b"\xff" * 32)
    world.close()
