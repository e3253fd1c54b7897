"""A real, foreign runtime as target B: Asset Hub Rococo as the npm package of known chains ships it, run from its Wasm.

Nothing of it is ours but the genesis balances. The vault is on it: the enclave learns its calls, events and signed
extensions (`ChargeAssetTxPayment` among them) from its metadata alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from integritee.metadata import decode_extrinsic
from integritee.node.chain_spec import ChainSpec
from integritee.node.dev_genesis import with_dev_accounts
from integritee.node.wasm.engine import WasmEngine
from integritee.primitives.ids import Id, ParentchainId
from integritee.stf.asset_map import AssetId

from ...node.wasm.conftest import asset_hub, asset_hub_engine
from ...stf.kit import DEVELOPMENT_LEDGER
from .harness import World
from .parentchain import ALICE, Parentchain
from .test_targets import held, ledger_balance, net, send, shield, unshield

__all__ = ["asset_hub", "asset_hub_engine"]

pytestmark = pytest.mark.timeout(900)  # the first test of all may install the package, and compiles

B = ParentchainId.TargetB
USDT = AssetId.USDT
BOB_S = b"\x77" * 32
ROC = 10**12


@pytest.fixture(scope="module")
def hub(asset_hub: ChainSpec, asset_hub_engine: WasmEngine) -> Iterator[World]:
    """A running worker whose vault is on Asset Hub; //Alice has created USDT there and holds a thousand."""
    storage = with_dev_accounts(asset_hub.genesis, asset_hub_engine)
    chain = Parentchain(storage=storage, foreign=asset_hub_engine)
    world = World(ledger=DEVELOPMENT_LEDGER, targets={B: chain}, shielding_target=B)
    world.run()
    create: dict[str, Any] = {"id": 1984, "admin": Id(ALICE.public), "min_balance": 10_000}
    send(world, ALICE, "Assets", "create", create)
    mint = {"id": 1984, "beneficiary": Id(ALICE.public), "amount": 1_000_000_000}
    send(world, ALICE, "Assets", "mint", mint)
    world.block()
    world.slot()
    yield world
    world.check()
    world.close()


def test_it_is_followed_without_proof_of_finality(hub: World) -> None:
    """A parachain without its relay chain: the level of trust says so."""
    assert [(status.id.name, status.trust) for status in hub.core.chain_statuses(hub.now)] == [
        ("Integritee", "grandpa"),
        ("TargetB", "unproven"),
    ]
    assert hub.runtime.vault() == (hub.vault, B)


def test_native_funds_come_and_go(hub: World) -> None:
    world, chain = hub, hub.vault_chain
    vault, free = chain.free(world.vault), world.free(ALICE)
    world.shield(ALICE, 100 * ROC)
    world.block()
    world.slot()
    assert world.free(ALICE) == free + net(100 * ROC)
    world.unshield(ALICE, BOB_S, 40 * ROC)
    world.settle()
    assert chain.free(BOB_S) == 40 * ROC
    assert chain.free(world.vault) == vault + 60 * ROC
    world.check()


def test_assets_come_and_go(hub: World) -> None:
    world, chain = hub, hub.vault_chain
    before, on_chain = ledger_balance(world, USDT, ALICE), held(chain, USDT, ALICE.public)
    shield(world, ALICE, USDT, 200_000_000)
    world.block()
    world.slot()
    assert ledger_balance(world, USDT, ALICE) == before + net(200_000_000)
    assert held(chain, USDT, ALICE.public) == on_chain - 200_000_000
    unshield(world, ALICE, USDT, 50_000_001, BOB_S)
    world.settle()
    assert held(chain, USDT, BOB_S) == 50_000_001
    assert held(chain, USDT, world.vault) == 149_999_999
    world.check()


def test_a_payment_the_chain_refuses_is_given_back(hub: World) -> None:
    world, nobody = hub, b"\x99" * 32
    before = ledger_balance(world, USDT, ALICE)
    shield(world, ALICE, USDT, 1_000_000)
    world.block()
    world.slot()
    unshield(world, ALICE, USDT, 9_999, nobody)
    world.settle()
    assert ledger_balance(world, USDT, ALICE) == before + net(1_000_000)
    assert held(world.vault_chain, USDT, nobody) == 0
    assert world.core.links.vault.refused == 1
    world.check()


def test_what_the_enclave_sends_has_the_chains_own_extensions(hub: World) -> None:
    chain = hub.vault_chain
    metadata = chain.metadata(chain.chain.runtime_version().spec_version)
    names = [extension.identifier for extension in metadata.signed_extensions]
    assert "ChargeAssetTxPayment" in names
    sent = [decode_extrinsic(metadata, raw) for raw in chain.signed_by(hub.account)]
    assert {str(extrinsic.call) for extrinsic in sent} == {"Balances.transfer_keep_alive", "Proxy.proxy"}
