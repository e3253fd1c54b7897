"""Payments on their way to a parentchain: bytes of each call, refusal where it cannot be had, refunds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integritee.crypto import Ed25519Pair, blake2_256
from integritee.enclave.parentchain.contract import (
    AssetUnknown,
    EffectElsewhere,
    MissingCall,
    ParentchainContract,
    Place,
)
from integritee.enclave.parentchain.inbound import ExtrinsicOutcome
from integritee.enclave.parentchain.outbox import Finished, OutboxEntry, Payment
from integritee.enclave.sidechain.author import Assignment, BlockBuilder
from integritee.metadata import RuntimeMetadata
from integritee.node.runtime.runtime import TEER
from integritee.primitives.ids import ParentchainId
from integritee.scale import encode_compact
from integritee.stf.asset_map import ASSET_HUB_LOCAL, AssetId
from integritee.stf.effects import BridgePayment, Effect, Remark, VaultPayment
from integritee.stf.invariants import check_invariants
from integritee.trie import Trie

from ...stf.kit import DEVELOPMENT_LEDGER
from .harness import World
from .parentchain import ALICE, metadata

VECTORS = Path(__file__).parents[2] / "vectors" / "metadata"
HERE, HUB = ParentchainId.Integritee, ParentchainId.TargetB
SHARD, ACCOUNT, VAULT, PAYEE, PAYER = (bytes([i]) * 32 for i in range(3, 8))
USDC = AssetId.USDC


@pytest.fixture(scope="module")
def hub() -> ParentchainContract:
    """The contract with Polkadot's Asset Hub, which has no pallets of Integritee but all assets."""
    raw = (VECTORS / "pah.scale").read_bytes()
    return ParentchainContract(RuntimeMetadata.parse(raw), Place(HUB, SHARD, ACCOUNT, VAULT), ASSET_HUB_LOCAL)


@pytest.fixture(scope="module")
def solo() -> ParentchainContract:
    """The contract with the embedded node, which knows no assets."""
    return ParentchainContract(metadata(), Place(HERE, SHARD, ACCOUNT, VAULT))


# -- bytes


def token(chain: int, contract: str | None = None) -> dict[str, Any]:
    """The XCM location of an Ethereum token."""
    network = ("GlobalConsensus", ("Ethereum", {"chain_id": chain}))
    if contract is None:
        return {"parents": 2, "interior": ("X1", [network])}
    account = ("AccountKey20", {"network": None, "key": bytes.fromhex(contract)})
    return {"parents": 2, "interior": ("X2", [network, account])}


ASSETS: dict[AssetId, tuple[str, Any]] = {
    AssetId.USDT: ("Assets", 1984),
    AssetId.USDC: ("Assets", 1337),
    AssetId.USDT_E: ("ForeignAssets", token(1, "dac17f958d2ee523a2206206994597c13d831ec7")),
    AssetId.USDC_E: ("ForeignAssets", token(1, "a0b86991c6218b36c1d19d4a2e9eb0ce3606eb48")),
    AssetId.EURC_E: ("ForeignAssets", token(1, "1abaea1f7c830bd89acc67ec4af516284b1bc33c")),
    AssetId.ETH: ("ForeignAssets", token(1)),
    AssetId.WETH: ("ForeignAssets", token(11155111, "fff9976782d46cc05630d1f6ebab18b2324d6b14")),
    AssetId.WBTC_E: ("ForeignAssets", token(1, "2260fac5e5542a773aa44fbcfedf7c193bc2c599")),
    AssetId.PEPE_E: ("ForeignAssets", token(1, "6982508145454ce325ddbe47a25d4ec3d2311933")),
}


def test_every_asset_that_lives_somewhere_is_in_the_table() -> None:
    assert set(ASSETS) == {asset for asset in AssetId if asset.reserve is not None}


@pytest.mark.parametrize("amount", [0, 1, 2**128 - 1])
@pytest.mark.parametrize("asset", ASSETS)
def test_an_asset_payment_reads_back_by_the_chains_own_metadata(
    hub: ParentchainContract, asset: AssetId, amount: int
) -> None:
    """As the vault, keeping it alive: id or location, payee and amount are what was asked for, and nothing else."""
    effect = VaultPayment(HUB, PAYEE, amount, asset)
    hub.check(effect)
    proxied = hub.metadata.decode_call(hub.call_of(effect))
    assert str(proxied) == "Proxy.proxy"
    assert (proxied.args["real"], proxied.args["force_proxy_type"]) == (("Id", VAULT), None)
    pallet, place = ASSETS[asset]
    assert str(proxied.args["call"]) == f"{pallet}.transfer_keep_alive"
    assert proxied.args["call"].args == {"id": place, "target": ("Id", PAYEE), "amount": amount}


def test_bytes_of_payments(hub: ParentchainContract) -> None:
    """Pallet and call index, compact number or location, address, compact amount (worker trusted_call.rs)."""
    proxy = bytes.fromhex("2a00") + b"\0" + VAULT + b"\0"
    payee = b"\0" + PAYEE
    eth = bytes.fromhex("0201090704")
    for asset, call in (
        (None, bytes.fromhex("0a03") + payee + encode_compact(5)),
        (AssetId.USDT, bytes.fromhex("3209") + bytes.fromhex("011f") + payee + encode_compact(5)),
        (AssetId.USDC, bytes.fromhex("3209") + bytes.fromhex("e514") + payee + encode_compact(5)),
        (AssetId.ETH, bytes.fromhex("3509") + eth + payee + encode_compact(5)),
    ):
        assert hub.call_of(VaultPayment(HUB, PAYEE, 5, asset)) == proxy + call


def test_bytes_of_bridge_payments_and_remarks(solo: ParentchainContract) -> None:
    bridge = solo.call_of(BridgePayment(PAYEE, 5, b"\x09" * 32))
    assert bridge == bytes([54, 3]) + SHARD + PAYEE + (5).to_bytes(16, "little") + b"\x09" * 32
    assert solo.call_of(Remark(HERE, b"hello")) == bytes([0, 0, 20]) + b"hello"


# -- what cannot be had


@pytest.mark.parametrize(
    ("effect", "refusal", "facts"),
    [
        (VaultPayment(HERE, PAYEE, 1, USDC), MissingCall, {"pallet": "Assets", "call": "transfer_keep_alive"}),
        (
            VaultPayment(HERE, PAYEE, 1, AssetId.ETH),
            MissingCall,
            {"pallet": "ForeignAssets", "call": "transfer_keep_alive"},
        ),
        (VaultPayment(HERE, PAYEE, 1, AssetId.BTC), AssetUnknown, {"asset": "BTC"}),
        (VaultPayment(ParentchainId.TargetA, PAYEE, 1), EffectElsewhere, {"parentchain": "TargetA"}),
        (Remark(ParentchainId.TargetB, b""), EffectElsewhere, {"parentchain": "TargetB"}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_what_this_chain_cannot_do(
    solo: ParentchainContract, effect: Effect, refusal: type[Exception], facts: dict[str, str]
) -> None:
    with pytest.raises(refusal) as caught:
        solo.check(effect)
    assert caught.value.data() == facts  # type: ignore[attr-defined]


def test_a_hub_without_the_bridge_pays_nothing_through_it(hub: ParentchainContract) -> None:
    with pytest.raises(EffectElsewhere) as caught:
        hub.check(BridgePayment(PAYEE, 1, bytes(32)))
    assert caught.value.parentchain == "Integritee"


@pytest.fixture(scope="module")
def developed() -> Iterator[World]:
    """A running worker whose ledger is for development: //Alice holds every asset, the node knows none."""
    world = World(ledger=DEVELOPMENT_LEDGER)
    world.run()
    yield world
    world.check()
    world.close()


@pytest.mark.parametrize("asset", [USDC, AssetId.ETH])
def test_nothing_is_burned_for_what_the_chain_cannot_pay(developed: World, asset: AssetId) -> None:
    world = developed
    held = world.runtime.assets.balance(asset, ALICE.public)
    free, nonce = world.free(ALICE), world.nonce(ALICE)
    call = DEVELOPMENT_LEDGER.call("assets_unshield", ALICE.public, PAYEE, asset, 5, world.shard)
    hash = world.submit(world.signed(ALICE, call))
    world.slot()
    assert (world.status(hash)[-1], world.reason(hash)) == ("Invalid", "parentchain.missing_call")
    assert world.runtime.assets.balance(asset, ALICE.public) == held > 0
    assert (world.free(ALICE), world.nonce(ALICE)) == (free - 3 * TEER // 100, nonce + 1)
    assert not any(entry.payment for entry in world.core.integritee.outbox.entries.values())
    world.check()


# -- refunds


def finished(ok: bool, inner_ok: bool | None, payment: Payment) -> Finished:
    entry = OutboxEntry(1, bytes(32), 0, b"", 410, 8, 32, 64, b"", payment)
    return Finished(entry, ExtrinsicOutcome(ok, inner_ok))


def builder() -> BlockBuilder:
    """The next block of a shard on which PAYER has just burned what it is to be paid on the parentchain."""
    signing, ledger_pair = (Ed25519Pair.from_seed(blake2_256(name)) for name in (b"signing", b"ledger"))
    runtime = DEVELOPMENT_LEDGER.runtime()
    runtime.initialize_genesis(ledger_pair.public)
    state = Trie.empty().commit(dict(runtime.state.changes()))
    assignment = Assignment(SHARD, bytes(32), signing, ledger_pair, bytes(32), None)
    return BlockBuilder(assignment, DEVELOPMENT_LEDGER, state, 1_700_000_000_000, bytes(32))


OUTCOMES = {"paid": (True, True), "paid through the bridge": (True, None)} | {
    "refused in the proxy": (True, False),
    "failed as a whole": (False, None),
}


@pytest.mark.parametrize("asset", [None, USDC, AssetId.PEPE_E])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_refused_payment_is_given_back_in_its_own_kind(outcome: str, asset: AssetId | None) -> None:
    """To its payer, who may have died meanwhile, and exactly once; one that was made is not."""
    block = builder()
    runtime = block.runtime
    issued = runtime.balances.total_issuance.get() if asset is None else runtime.assets.supply(asset)
    if finished(*OUTCOMES[outcome], Payment(PAYER, 700, asset)).is_refused:
        block.refund(Payment(PAYER, 700, asset))
    back = 0 if outcome.startswith("paid") else 700
    given = runtime.balances.free(PAYER) if asset is None else runtime.assets.balance(asset, PAYER)
    assert given == back
    after = runtime.balances.total_issuance.get() if asset is None else runtime.assets.supply(asset)
    assert after - issued == back
    assert runtime.system.account.get(PAYER).exists() is (back > 0)
    check_invariants(runtime)


@pytest.mark.parametrize("amount", [0, 1, 499])
def test_what_cannot_revive_its_payer(amount: int) -> None:
    """Native funds go to the enclave account; a single unit of an asset is enough to live on."""
    block = builder()
    runtime, enclave = block.runtime, block.assignment.ledger_pair.public
    before = runtime.balances.free(enclave)
    for asset in (None, USDC):
        block.refund(Payment(PAYER, amount, asset))
    assert (runtime.balances.free(PAYER), runtime.balances.free(enclave)) == (0, before + amount)
    assert runtime.assets.balance(USDC, PAYER) == amount
    check_invariants(runtime)
