"""What is known to be wrong with the original's enclave where it feeds its ledger, and that it is not wrong here.

The list for readers is `docs/deviations.md`.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from integritee.boundary.messages import ImportBlocks
from integritee.crypto import Ed25519Pair
from integritee.metadata import decode_extrinsic
from integritee.node.runtime.runtime import TEER
from integritee.node.runtime.target_a import TargetARuntime
from integritee.primitives.ids import ParentchainId
from integritee.stf import authorisation
from integritee.stf.operation import TrustedOperation

from .harness import ANN, BEN, CAT, LEDGER, World, ledger_pair, payments
from .parentchain import BLOCK_MS, Parentchain, metadata, target_genesis

FEE = TEER // 100


@pytest.fixture
def rich(world: World) -> World:
    world.shield(ANN, 100 * TEER)
    world.block()
    world.slot()
    return world


def test_blocks_list_no_hash_of_zeros(rich: World) -> None:
    """The original lists one for the work of maintenance. Here the enclave's own calls are listed under their hashes,
    those that adopt the parentchain's time and deposits as those that pay out (see `test_retirement`)."""
    before = len(rich.blocks)
    pair, nonce = ledger_pair(rich), rich.runtime.system.nonce(ledger_pair(rich).public)
    rich.shield(BEN, TEER)
    rich.block()
    rich.slot()
    now = rich.runtime.integritee.now.get()
    expected = []
    for call in (
        LEDGER.call("timestamp_set", pair.public, now, ParentchainId.Integritee),
        LEDGER.call("balance_shield", pair.public, BEN.public, TEER, ParentchainId.Integritee),
    ):
        signed = LEDGER.sign_call(call, nonce, pair, rich.core.config.mrenclave, rich.shard)
        raw = b"\0" + LEDGER.codec(type(signed)).encode(signed)
        expected.append(LEDGER.top_hash(LEDGER.codec(TrustedOperation).decode(raw)))
        nonce += 1
    (block,) = rich.blocks[before:]
    assert block.block.block_data.signed_top_hashes == expected


def test_the_enclaves_working_capital_is_nobodys_deposit(rich: World) -> None:
    """The enclave has an account on each ledger, and different ones. In the original what it sends to the vault is
    credited to its parentchain account id in the ledger. Here it is credited to nobody, and backs nothing."""
    signer, collector = rich.account, ledger_pair(rich).public
    assert signer != collector
    sent = [
        e["amount"]
        for e in rich.chain.all_events("Balances.Transfer")
        if (e["from"], e["to"]) == (signer, rich.vault)
    ]
    assert sum(sent) > 0
    assert rich.runtime.balances.free(signer) == 0
    unbacked = rich.runtime.shard_management.unbacked.get()
    assert rich.runtime.balances.total_issuance.get() - unbacked == 100 * TEER  # what ANN sent, nothing else


@pytest.mark.parametrize("elsewhere", [ParentchainId.TargetA, ParentchainId.TargetB])
def test_a_deposit_counts_on_the_chain_of_the_vault_only(rich: World, elsewhere: ParentchainId) -> None:
    """The original takes a transfer to the vault's account id on any chain for a deposit, and makes a call that fails
    and uses up a nonce. Here only the chain of the vault is asked for them."""
    other, began = Parentchain(storage=target_genesis(TargetARuntime)), rich.now
    rich.core.connect(replace(other.params(), id=elsewhere))
    other.transfer(BEN, rich.vault, TEER, rich.now)
    other.produce(rich.now + BLOCK_MS)
    block = other.block(1, rich.core.sync_state(elsewhere).watched_keys)
    issued = rich.runtime.balances.total_issuance.get()
    rich.core.import_blocks(ImportBlocks(elsewhere, [block]))
    rich.slot()
    mirror = rich.runtime.parentchain(elsewhere)
    assert (mirror.number.get(), mirror.now.get()) == (1, began + BLOCK_MS)
    assert (rich.free(BEN), rich.runtime.balances.total_issuance.get()) == (0, issued)


def test_calls_behind_a_gap_wait_for_it(rich: World) -> None:
    """The original executes them at once, in the order of their arrival, so that all but one are lost."""
    nonce = rich.nonce(ANN)
    hashes = [rich.transfer(ANN, BEN, TEER + i, nonce + i) for i in (2, 1)]
    rich.slot()
    assert [rich.status(hash)[-1] for hash in hashes] == ["Future", "Future"]
    hashes.append(rich.transfer(ANN, BEN, TEER, nonce))
    rich.slot()
    assert [rich.status(hash)[-1] for hash in hashes] == ["InSidechainBlock"] * 3
    assert rich.free(BEN) == 3 * TEER + 3


def test_a_failing_call_of_the_enclave_does_not_stop_its_later_ones(rich: World) -> None:
    """The original signs them ahead, and one that is dropped makes all later nonces wrong. Here each is signed when it
    is executed: a call that fails before its nonce is used leaves the next one unharmed."""
    production = rich.begin()
    assert production is not None
    builder, pair = production.builder, ledger_pair(rich)
    nonce = builder.runtime.system.nonce(pair.public)
    builder._as_enclave("balance_transfer", pair.public, BEN.public, 10**6 * TEER)
    builder._as_enclave("note_bloat", pair.public, 1)
    builder._as_enclave("balance_shield", pair.public, BEN.public, TEER, ParentchainId.Integritee)
    assert builder.runtime.balances.free(BEN.public) == TEER - TEER // 571
    assert builder.runtime.system.nonce(pair.public) == nonce + 2
    assert builder.failed == 2
    rich.core.abandon_slot(production, rich.now)


def test_one_enclave_serves_one_shard(rich: World) -> None:
    """The original takes several and feeds only the first. Here another shard is refused wherever it is named."""
    foreign = b"\x0f" * 32
    call = LEDGER.call("balance_unshield", ANN.public, CAT.public, TEER, foreign)
    hash = rich.submit(rich.signed(ANN, call))
    rich.slot()
    assert rich.reason(hash) == "stf.wrong_shard"
    elsewhere = LEDGER.sign_call(LEDGER.call("noop", ANN.public), 1, ANN, rich.core.config.mrenclave, foreign)
    with pytest.raises(Exception) as refused:
        rich.submit(elsewhere)
    assert refused.value.code == "stf.invalid_signature"  # type: ignore[attr-defined]


def test_calls_are_composed_with_the_metadata_of_their_own_chain(
    rich: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The original uses that of the vault's chain for all of them. Here an effect on a chain that is not connected is
    refused, and its call undone."""
    maintainer = Ed25519Pair.from_seed(b"\x07" * 32)
    monkeypatch.setattr(authorisation, "MAINTAINER", maintainer.public)
    call = LEDGER.call("spam_extrinsics", maintainer.public, 1, ParentchainId.TargetB)
    hash = rich.submit(rich.signed(maintainer, call))
    rich.unshield(ANN, CAT.public, TEER)
    rich.settle()
    assert rich.reason(hash) == "parentchain.not_connected"
    assert payments(rich) == [(CAT.public, TEER)]
    sent = {str(decode_extrinsic(metadata(), raw).call) for raw in rich.chain.signed_by(rich.account)}
    assert "System.remark" not in sent


def test_the_vault_gets_its_proxy_on_its_own_chain(rich: World) -> None:
    """The original always asks Integritee for it. Here there is one chain to ask: the one that was connected, whose
    genesis the shard is bound to, and where the vault is."""
    calls = [decode_extrinsic(metadata(), raw).call for raw in rich.chain.signed_by(rich.vault)]
    assert [str(call) for call in calls] == ["Proxy.add_proxy"]
    vault = rich.runtime.vault()
    assert vault is not None
    assert vault == (rich.vault, ParentchainId.Integritee)
    assert rich.runtime.parentchain(vault[1]).parentchain_genesis_hash.get() == rich.chain.chain.genesis_hash
