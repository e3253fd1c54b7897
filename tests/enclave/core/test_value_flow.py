"""Money through the whole machine: into the vault, around the ledger, out of the vault, to the last unit."""

from __future__ import annotations

import pytest

from integritee.crypto import blake2_256, keccak_256
from integritee.enclave.parentchain.outbox import PAYMENT_PERIOD
from integritee.metadata import decode_extrinsic
from integritee.node.runtime.runtime import TEER
from integritee.primitives.ids import Id
from integritee.primitives.sidechain import SidechainBlockConfirmation
from integritee.primitives.storage import storage_prefix
from integritee.scale import Compact, decode, encode, u64
from integritee.stf.runtime import ENCLAVE_ENDOWMENT

from .harness import ANN, BEN, CAT, DAN, World, ledger_pair, payments
from .parentchain import metadata

FEE = TEER // 100
NOBODY = b"\x99" * 32


def credited(amount: int) -> int:
    return amount - amount // 571


@pytest.fixture
def rich(world: World) -> World:
    """ANN holds 100 TEER on the ledger, less the shielding fee."""
    world.shield(ANN, 100 * TEER)
    world.block()
    world.slot()
    assert world.free(ANN) == credited(100 * TEER)
    return world


def paid_calls(world: World) -> list[bytes]:
    """Extrinsics of the enclave in blocks that pay out of the vault."""
    return [raw for raw in world.chain.signed_by(world.account) if _is_payment(raw)]


def _is_payment(raw: bytes) -> bool:
    return str(decode_extrinsic(metadata(), raw).call) == "Proxy.proxy"


# -- into the vault


def test_shield_transfer_unshield(rich: World) -> None:
    before = rich.chain.free(CAT.public)
    rich.transfer(ANN, BEN, 7 * TEER)
    hash = rich.unshield(BEN, CAT.public, 5 * TEER)
    rich.slot()
    assert rich.status(hash)[-1] == "InSidechainBlock"
    assert rich.free(ANN) == credited(100 * TEER) - 7 * TEER - FEE
    assert rich.free(BEN) == 7 * TEER - 5 * TEER - 3 * FEE
    assert rich.chain.free(CAT.public) == before
    rich.block()
    assert rich.chain.free(CAT.public) == before + 5 * TEER
    assert payments(rich) == [(CAT.public, 5 * TEER)]
    fees = 4 * FEE + 100 * TEER // 571
    assert rich.free(ledger_pair(rich)) == ENCLAVE_ENDOWMENT + fees


def test_a_deposit_counts_once_even_if_slots_come_late(world: World) -> None:
    world.shield(ANN, 3 * TEER)
    world.block(5)
    world.shield(ANN, 4 * TEER)
    world.block()
    world.slot()
    world.slot()
    assert world.free(ANN) == credited(3 * TEER) + credited(4 * TEER)
    world.settle()
    assert world.free(ANN) == credited(3 * TEER) + credited(4 * TEER)


@pytest.mark.parametrize("amount", [1, 499, 500, 571 * 500, 9 * 10**14])
def test_amounts_of_deposits(world: World, amount: int) -> None:
    """What could not keep an account alive goes to the enclave's; nothing disappears."""
    before = world.runtime.balances.total_issuance.get()
    world.shield(ANN, amount)
    world.block()
    world.slot()
    assert world.runtime.balances.total_issuance.get() == before + amount
    expected = credited(amount) if credited(amount) >= 500 else 0
    assert world.free(ANN) == expected
    assert world.free(ledger_pair(world)) == ENCLAVE_ENDOWMENT + amount - expected


def test_batched_and_forwarded_deposits_count_each(world: World) -> None:
    transfer = metadata().call("Balances", "transfer_allow_death", {"dest": Id(world.vault), "value": TEER})
    args = {"calls": [transfer] * 3}
    world.chain.submit(world.chain.sign(ANN, "Utility", "batch", args), world.now)
    world.block()
    world.slot()
    assert world.free(ANN) == 3 * credited(TEER)


def test_the_enclaves_own_transfers_are_no_deposits(world: World) -> None:
    issued = world.runtime.balances.total_issuance.get()
    funded = [e for e in world.chain.all_events("Balances.Transfer") if e["to"] == world.vault]
    assert [e["from"] for e in funded] == [world.account]
    assert issued == ENCLAVE_ENDOWMENT


def test_a_failed_transfer_is_no_deposit(world: World) -> None:
    world.shield(ANN, 10**6 * TEER)
    world.block()
    world.slot()
    assert world.chain.all_events("System.ExtrinsicFailed")
    assert world.free(ANN) == 0


# -- out of the vault


def test_refused_inside_the_proxy_is_refunded(rich: World) -> None:
    """499 units cannot bring an account to life on the parentchain: the payer gets them back, fees are spent."""
    free = rich.free(ANN)
    rich.unshield(ANN, NOBODY, 499)
    rich.slot()
    assert rich.free(ANN) == free - 499 - 3 * FEE
    rich.block()
    rich.slot()
    assert rich.free(ANN) == free - 3 * FEE
    executed = rich.chain.all_events("Proxy.ProxyExecuted")
    assert len(executed) == 1
    assert payments(rich) == []
    rich.settle()
    assert rich.free(ANN) == free - 3 * FEE


def test_refund_of_an_account_that_died(rich: World) -> None:
    """499 units cannot revive it: they go to the enclave's account. The 101 it kept were dust."""
    rich.transfer(ANN, BEN, 600 + 3 * FEE)
    rich.slot()
    rich.unshield(BEN, NOBODY, 499)
    rich.slot()
    assert rich.free(BEN) == 0
    pot, issued = rich.free(ledger_pair(rich)), rich.runtime.balances.total_issuance.get()
    rich.block()
    rich.slot()
    assert rich.free(BEN) == 0
    assert rich.free(ledger_pair(rich)) == pot + 499
    assert rich.runtime.balances.total_issuance.get() == issued + 499


def test_a_payment_that_fails_as_a_whole_is_refunded(rich: World) -> None:
    """Somebody took the enclave off the vault's proxies: the extrinsic itself fails."""
    free = rich.free(ANN)
    vault = rich.core.keys.vault(rich.shard)
    args = {"delegate": Id(rich.account), "proxy_type": "Any", "delay": 0}
    rich.chain.submit(rich.chain.sign(vault, "Proxy", "remove_proxy", args), rich.now)
    rich.block()
    rich.unshield(ANN, CAT.public, TEER)
    rich.slot()
    rich.block()
    rich.slot()
    assert rich.free(ANN) == free - 3 * FEE
    assert payments(rich) == []


def test_everything_can_leave(rich: World) -> None:
    """The last unit out: the vault keeps what the enclave put into it."""
    free = rich.free(ANN)
    rich.unshield(ANN, ANN.public, free - 3 * FEE)
    rich.settle()
    assert rich.free(ANN) == 0
    assert payments(rich) == [(ANN.public, free - 3 * FEE)]


def test_many_payments_in_one_slot_are_each_paid_once(rich: World) -> None:
    before = rich.chain.free(DAN.public)
    nonce = rich.nonce(ANN)
    for i in range(40):
        rich.unshield(ANN, DAN.public, TEER + i, nonce + i)
    rich.settle()
    assert rich.chain.free(DAN.public) - before == sum(TEER + i for i in range(40))
    assert len(payments(rich)) == 40
    assert len(rich.core.integritee.outbox.entries) <= 2


def test_two_equal_payments_are_two_payments(rich: World) -> None:
    rich.unshield(ANN, DAN.public, TEER)
    rich.unshield(ANN, DAN.public, TEER)
    rich.settle()
    assert payments(rich) == [(DAN.public, TEER)] * 2


# -- delays


def test_an_expired_payment_is_signed_again_with_the_same_nonce(rich: World) -> None:
    rich.drops = lambda extrinsic: True
    rich.unshield(ANN, CAT.public, TEER)
    rich.slot()
    first = next(e for e in rich.core.integritee.outbox.entries.values() if e.payment)
    for _ in range(PAYMENT_PERIOD - 2):
        rich.block()
        rich.slot()
    assert rich.core.integritee.outbox.entries[first.id] == first
    for _ in range(3):
        rich.block()
        rich.slot()
    renewed = rich.core.integritee.outbox.entries[first.id]
    assert (renewed.nonce, renewed.call) == (first.nonce, first.call)
    assert renewed.extrinsic != first.extrinsic
    rich.drops = lambda extrinsic: False
    rich.block(4)
    rich.settle()
    assert payments(rich) == [(CAT.public, TEER)]
    assert len(paid_calls(rich)) == 1
    rich.chain.submit(first.extrinsic, rich.now)
    rich.settle()
    assert payments(rich) == [(CAT.public, TEER)]


def test_an_expired_payment_is_not_valid_when_its_successor_is_signed(rich: World) -> None:
    """At no height are two forms of one payment includable."""
    rich.drops = lambda extrinsic: True
    rich.unshield(ANN, CAT.public, TEER)
    rich.slot()
    forms = []
    for _ in range(3 * PAYMENT_PERIOD):
        entry = next(e for e in rich.core.integritee.outbox.entries.values() if e.payment)
        if not forms or forms[-1].extrinsic != entry.extrinsic:
            forms.append(entry)
            assert len(forms) == 1 or forms[-2].death <= rich.chain.height + 1
        rich.block()
        rich.slot()
    assert len(forms) == 3
    for form in forms[:-1]:
        rich.chain.submit(form.extrinsic, rich.now)
    rich.block()
    assert payments(rich) == []


def test_a_lost_extrinsic_is_submitted_again(rich: World) -> None:
    rich.drops = lambda extrinsic: True
    rich.unshield(ANN, CAT.public, TEER)
    rich.slot()
    rich.drops = lambda extrinsic: False
    rich.block(5)
    assert payments(rich) == [(CAT.public, TEER)]


def test_extrinsics_signed_while_catching_up_are_not_born_expired(rich: World) -> None:
    rich.grow(3 * PAYMENT_PERIOD)
    rich.sync()
    rich.unshield(ANN, CAT.public, TEER)
    rich.slot()
    entry = next(e for e in rich.core.integritee.outbox.entries.values() if e.payment)
    assert entry.death > rich.chain.height
    rich.settle()
    assert payments(rich) == [(CAT.public, TEER)]


# -- confirmations


def test_every_parentchain_block_is_confirmed_once(world: World) -> None:
    first = world.runtime.integritee.creation_block_number.get()
    for _ in range(20):
        world.block()
        world.slot()
    world.settle()
    confirmed = world.chain.all_events("EnclaveBridge.ProcessedParentchainBlock")
    numbers = [event["block_number"] for event in confirmed]
    assert numbers == list(range(first, first + len(numbers)))
    assert numbers[-1] >= world.chain.height - 3
    for event in confirmed:
        assert event["block_hash"] == world.chain.chain.hash_at(event["block_number"])
        assert event["shard"] == world.shard


def test_sidechain_confirmations(world: World) -> None:
    hashes = {}
    for _ in range(105):
        effects = world.slot()
        assert effects is not None
        block = effects.blocks[0].block
        hashes[block.header.block_number] = block.hash()
        world.block()
    found = world.chain.all_events("Sidechain.FinalizedSidechainBlock")
    assert [(e["block_number"], e["block_header_hash"]) for e in found] == [
        (51, world.blocks[0].hash()),
        (101, hashes[51]),
        (151, hashes[101]),
    ]
    raw = world.chain.value(world.core.integritee.follower.bridge.keys.confirmation)  # type: ignore[union-attr]
    assert raw is not None
    assert decode(SidechainBlockConfirmation, raw) == SidechainBlockConfirmation(151, hashes[101])
    assert world.core.confirmed_number() == 151
    assert all(e["validateer"] == world.account for e in found)


def test_the_root_of_indirect_calls_commits_to_the_time(world: World) -> None:
    """Keccak over the hash of the one indirect call of an empty block: variant 2, compact time in ms."""
    world.block()
    world.settle()
    event = world.chain.all_events("EnclaveBridge.ProcessedParentchainBlock")[-1]
    raw = world.chain.value(storage_prefix("Timestamp", "Now"), event["block_hash"])
    call = b"\x02" + encode(Compact[u64], int.from_bytes(raw or b"", "little"))
    assert event["trusted_calls_merkle_root"] == keccak_256(blake2_256(call))


def test_parentchain_time_reaches_the_ledger(world: World) -> None:
    world.block()
    world.slot()
    mirror = world.runtime.integritee
    assert mirror.number.get() == world.chain.height
    assert mirror.block_hash.get() == world.chain.chain.best_hash
    assert mirror.now.get() == world.now - 1000  # the slot began a second after the block
    assert mirror.creation_timestamp.get() is not None
