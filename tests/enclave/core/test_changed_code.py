"""An enclave that starts with other code than before on its old state, or with code that breaks."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from integritee.apps.catalog import DEFAULT_LEDGER as LEDGER
from integritee.crypto import blake2_256
from integritee.enclave.parentchain.onboarding import is_entitled
from integritee.enclave.parentchain.outbox import ONBOARDING_PERIOD
from integritee.node.runtime.runtime import TEER
from integritee.primitives.enclave_bridge import ShardConfig
from integritee.primitives.ids import AccountId
from integritee.scale import u32
from integritee.stf.declare import App, Context, trusted_call
from integritee.stf.errors import InvalidSignature
from integritee.stf.fees import transaction_fee
from integritee.stf.ledger import Ledger
from integritee.stf.native import NATIVE_APPS

from .harness import ANN, BEN, MRENCLAVE, World
from .parentchain import ALICE, metadata

OTHER_CODE = blake2_256(b"the enclave's next code")
FEE = TEER // 100


def as_root(world: World, pallet: str, call: str, args: dict[str, Any]) -> None:
    """What governance does on chains that have some."""
    inner = metadata().call(pallet, call, args)
    world.chain.submit(world.chain.sign(ALICE, "Sudo", "sudo", {"call": inner}), world.now)
    world.block()


def entitle(world: World, fingerprint: bytes) -> None:
    config = {"shard": world.shard, "shard_config": ShardConfig(fingerprint), "enactment_delay": 0}
    as_root(world, "EnclaveBridge", "update_shard_config", config)


def registrations(world: World) -> list[dict[str, Any]]:
    return world.chain.all_events("Teerex.AddedSgxEnclave")


def confirmed(world: World) -> int:
    """Parentchain blocks that the chain has taken confirmations of."""
    return len(world.chain.all_events("EnclaveBridge.ProcessedParentchainBlock"))


def test_other_code_goes_on_with_the_shard_once_the_chain_entitles_it(world: World) -> None:
    world.shield(ANN, 10 * TEER)
    world.settle()
    held, number, account = world.free(ANN), world.core.latest_header.block_number, world.account
    entitle(world, OTHER_CODE)
    world.mrenclave = OTHER_CODE
    world.restart()
    world.block()
    world.settle(2)
    # One registration, ahead of confirmations, so that all of them count.
    assert len(registrations(world)) == 2
    before = confirmed(world)
    world.settle(4)
    assert confirmed(world) == before + 4
    assert len(registrations(world)) == 2
    # Account, shard and state are as they were; calls are signed for the new code.
    assert (world.account, world.shard, world.free(ANN)) == (account, MRENCLAVE, held)
    assert world.core.latest_header.block_number > number
    call = LEDGER.call("balance_transfer", ANN.public, BEN.public, TEER)
    with pytest.raises(InvalidSignature):
        world.submit(LEDGER.sign_call(call, world.nonce(ANN), ANN, MRENCLAVE, world.shard))
    world.submit(world.signed(ANN, call))
    world.slot()
    assert world.free(BEN) == TEER


def test_code_that_is_not_entitled_makes_no_blocks(world: World) -> None:
    """The chain would take no confirmation of it, and only its fees. Calls wait for the entitled code."""
    world.shield(ANN, 10 * TEER)
    world.settle()
    entitle(world, OTHER_CODE)
    hash = world.transfer(ANN, BEN, TEER)
    assert world.slot() is None
    assert (world.core.is_superseded, world.core.shown_phase) == (True, "superseded")
    assert world.status(hash)[-1:] != ["InSidechainBlock"]
    entitle(world, MRENCLAVE)
    assert world.slot() is not None
    assert (world.core.shown_phase, world.status(hash)[-1]) == ("running", "InSidechainBlock")


def test_an_announced_upgrade_leaves_time_until_it_is_in_force(world: World) -> None:
    """Both codes are known during the window; the old one serves until its end, to the block."""
    config = {"shard": world.shard, "shard_config": ShardConfig(OTHER_CODE), "enactment_delay": 3}
    as_root(world, "EnclaveBridge", "update_shard_config", config)
    until = world.chain.height + 3
    while world.chain.height < until:
        assert world.slot() is not None
        stored = world.runtime.shard_management.config.get()
        assert stored is not None and stored[0].pending_upgrade == ShardConfig(OTHER_CODE)
        world.block()
    assert world.core.is_superseded
    assert world.slot() is None
    world.mrenclave = OTHER_CODE
    world.restart()
    world.block()
    assert world.slot() is not None


def test_another_address_is_put_on_record(world: World) -> None:
    world.url = "wss://moved.test:2000"
    world.restart()
    world.block()
    world.settle(2)
    assert [event["worker_url"] for event in registrations(world)][1:] == [b"wss://moved.test:2000"]


def test_the_port_that_was_free_is_put_on_record(world: World) -> None:
    world.url = "wss://worker.test:0"
    world.restart()
    world.core.serves_at(4242)
    world.block()
    world.settle(2)
    assert [event["worker_url"] for event in registrations(world)][1:] == [b"wss://worker.test:4242"]


def test_a_refused_registration_is_tried_again_a_while_later(world: World) -> None:
    flags = {"allow_skipping_attestation": False, "sgx_allow_debug_mode": False}
    as_root(world, "Teerex", "set_security_flags", flags)
    entitle(world, OTHER_CODE)
    world.mrenclave = OTHER_CODE
    world.restart()
    world.block()

    def attempts() -> int:
        return sum(OTHER_CODE in raw for raw in world.chain.signed_by(world.account))

    world.settle(5)
    assert attempts() == 1
    world.settle(ONBOARDING_PERIOD)
    assert attempts() == 2
    assert world.core.halted is None


class Fragile(App):
    """Divides."""

    name: ClassVar[str] = "fragile"
    index: ClassVar[int | None] = 200

    @trusted_call(0, fee=transaction_fee)
    def divide(self, ctx: Context, sender: AccountId, by: u32) -> None:
        """Send part of a token to nobody."""
        self.runtime.balances.transfer(sender, bytes(32), TEER)
        self.runtime.balances.transfer(sender, bytes(32), TEER // by)


def test_a_call_that_breaks_costs_its_fee_and_nothing_else(template: World, caplog: pytest.LogCaptureFixture) -> None:
    world = template.fork()
    world.ledger = Ledger((*NATIVE_APPS, Fragile))
    world.restart()
    world.block()
    world.shield(ANN, 10 * TEER)
    world.settle()
    held = world.free(ANN)
    broken, fine = (
        world.submit(world.signed(ANN, world.ledger.call("fragile.divide", ANN.public, by))) for by in (0, 2)
    )
    world.slot()
    assert world.status(broken)[-1] == "Invalid"
    assert world.reason(broken) == "stf.call_crashed"
    assert world.status(fine)[-1] == "InSidechainBlock"
    assert world.free(ANN) == held - 2 * FEE - TEER - TEER // 2
    assert world.core.halted is None
    # The host reads where, but not with what.
    (line,) = [record.getMessage() for record in caplog.records if "broke with" in record.getMessage()]
    assert line.startswith("fragile.divide broke with ZeroDivisionError in divide")
    world.close()


def test_a_configuration_in_a_later_form_entitles_nobody_else(world: World) -> None:
    """The pallet's storage may get a new layout before the enclave knows it: nothing is read from it then."""
    bridge = world.core.integritee.connected.bridge
    proven = dict(world.core.integritee.connected.values)
    assert bridge.config(proven) is not None
    for version in (None, b"\x02\x00"):
        later = {**proven, bridge.keys.bridge_version: version, bridge.keys.shard_config: b"another layout"}
        assert bridge.config(later) is None
        assert is_entitled(bridge, MRENCLAVE, later, 7)
