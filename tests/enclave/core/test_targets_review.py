"""Ways to be paid twice, to lock the vault, or to have deposits passed over, on whatever chain funds come from."""

from __future__ import annotations

import dataclasses
from unittest.mock import patch

import pytest

from integritee.enclave.errors import VaultShort
from integritee.enclave.parentchain.inbound import ExtrinsicOutcome
from integritee.node.runtime.runtime import TEER
from integritee.primitives.ids import ParentchainId
from integritee.stf.asset_map import AssetId
from integritee.stf.chain_specs import CHAIN_SPECS, spec_of

from .harness import ANN, World
from .test_targets import PAYEE, shielded

HERE, A, B = ParentchainId


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
