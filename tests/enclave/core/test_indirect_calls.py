"""Calls that reach the enclave as extrinsics of pallet EnclaveBridge: what is executed, once, and what is not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from integritee.apps.catalog import DEFAULT_LEDGER as LEDGER
from integritee.crypto import KeyPair, blake2_256
from integritee.enclave.parentchain import bridge_calls
from integritee.enclave.parentchain.merkle import merkle_root
from integritee.enclave.sidechain import lane
from integritee.node.runtime.runtime import TEER
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.ids import Id
from integritee.primitives.storage import storage_prefix
from integritee.scale import Compact, encode, u64, u128
from integritee.stf.operation import DirectCall, Get, IndirectCall, TrustedCallSigned, TrustedOperation

from ..store.faulty_directory import Chance, Everything, Nothing, PowerFailure, Survival, Zeros
from .harness import ANN, BEN, CAT, DAN, World, public_getter
from .parentchain import metadata

FEE = TEER // 100
STRANGER = b"\x77" * 32


@pytest.fixture
def rich(world: World) -> World:
    """ANN holds 100 TEER on the ledger, less the shielding fee."""
    world.shield(ANN, 100 * TEER)
    world.block()
    world.slot()
    return world


def transfer(world: World, amount: int, nonce: int, dest: KeyPair = BEN) -> TrustedCallSigned:
    return world.signed(ANN, LEDGER.call("balance_transfer", ANN.public, dest.public, amount), nonce)


def shield(world: World, operation: TrustedOperation) -> bytes:
    return world.core.keys.shielding.public.encrypt(LEDGER.codec(TrustedOperation).encode(operation))


def invocation(cyphertext: bytes, shard: bytes) -> bytes:
    """`EnclaveBridge.invoke` as a call."""
    return metadata().call("EnclaveBridge", "invoke", {"request": {"shard": shard, "cyphertext": cyphertext}})


def invoke(world: World, signed: TrustedCallSigned) -> bytes:
    return invocation(shield(world, IndirectCall(signed)), world.shard)


def submit(world: World, call: bytes, payer: KeyPair = CAT) -> None:
    """Have `payer` make a call on the parentchain."""
    decoded = metadata().decode_call(call)
    world.chain.submit(world.chain.sign(payer, decoded.pallet, decoded.call, decoded.args), world.now)


def called(pallet: str, name: str, /, **args: Any) -> bytes:
    return metadata().call(pallet, name, args)


def run(world: World) -> None:
    world.block()
    world.slot()


FAILING = called("Balances", "transfer_keep_alive", dest=Id(DAN.public), value=10**9 * TEER)


# -- what is executed


def test_an_invocation_is_executed_in_the_block_that_processes_it(rich: World) -> None:
    signed = transfer(rich, 7 * TEER, 0)
    submit(rich, invoke(rich, signed))
    run(rich)
    assert (rich.free(BEN), rich.nonce(ANN)) == (7 * TEER, 1)
    block = rich.blocks[-1].block
    assert LEDGER.top_hash(IndirectCall(signed)) in block.block_data.signed_top_hashes
    rich.settle()
    assert rich.free(BEN) == 7 * TEER


def test_the_form_of_a_direct_call_is_executed_too(rich: World) -> None:
    submit(rich, invocation(shield(rich, DirectCall(transfer(rich, TEER, 0))), rich.shard))
    run(rich)
    assert rich.free(BEN) == TEER


def _wrapped(kind: str, rich: World, first: bytes, second: bytes) -> bytes:
    others = sorted([ANN.public, DAN.public])
    match kind:
        case "batch" | "batch_all" | "force_batch":
            return called("Utility", kind, calls=[first, second])
        case "force_batch_around_a_failure":
            return called("Utility", "force_batch", calls=[first, FAILING, second])
        case "batches_in_batches":
            stopped = called("Utility", "batch", calls=[first, FAILING])
            return called("Utility", "batch_all", calls=[stopped, called("Utility", "force_batch", calls=[second])])
        case "derivative":
            both = called("Utility", "batch", calls=[first, second])
            return called("Utility", "as_derivative", index=0, call=both)
        case "multisig_of_1":
            both = called("Utility", "batch", calls=[first, second])
            return called("Multisig", "as_multi_threshold_1", other_signatories=others, call=both)
    raise ValueError(kind)


@pytest.mark.parametrize(
    "kind",
    [
        "batch",
        "batch_all",
        "force_batch",
        "force_batch_around_a_failure",
        "batches_in_batches",
        "derivative",
        "multisig_of_1",
    ],
)
def test_wrapped_invocations_are_executed_in_order(rich: World, kind: str) -> None:
    """The second has the nonce after the first's: it would fail before it."""
    first, second = (invoke(rich, transfer(rich, amount, nonce)) for nonce, amount in ((0, TEER), (1, 2 * TEER)))
    submit(rich, _wrapped(kind, rich, first, second))
    run(rich)
    assert (rich.free(BEN), rich.nonce(ANN)) == (3 * TEER, 2)


def test_proxied_invocations(rich: World) -> None:
    """DAN acts for CAT as any of her proxies, but not for BEN."""
    submit(rich, called("Proxy", "add_proxy", delegate=Id(DAN.public), proxy_type="Any", delay=0))
    run(rich)
    for nonce, real in ((0, CAT), (1, BEN)):
        call = invoke(rich, transfer(rich, TEER, nonce))
        submit(rich, called("Proxy", "proxy", real=Id(real.public), force_proxy_type=None, call=call), DAN)
    run(rich)
    assert rich.chain.all_events("System.ExtrinsicFailed")
    assert (rich.free(BEN), rich.nonce(ANN)) == (TEER, 1)


def test_a_proxied_call_that_fails_inside(rich: World) -> None:
    submit(rich, called("Proxy", "add_proxy", delegate=Id(DAN.public), proxy_type="Any", delay=0))
    run(rich)
    all_or_none = called("Utility", "batch_all", calls=[invoke(rich, transfer(rich, TEER, 0)), FAILING])
    submit(rich, called("Proxy", "proxy", real=Id(CAT.public), force_proxy_type=None, call=all_or_none), DAN)
    run(rich)
    assert rich.free(BEN) == 0


def test_a_multisig_invocation_counts_when_it_is_executed(rich: World) -> None:
    call = invoke(rich, transfer(rich, TEER, 0))
    for caller, other in ((CAT, DAN), (DAN, CAT)):
        begun = [event.extrinsic_index for event in rich.chain.events() if str(event) == "Multisig.NewMultisig"]
        when = {"height": rich.chain.height, "index": begun[0]} if begun else None
        weight = {"ref_time": 10**10, "proof_size": 10**5}
        args = {"threshold": 2, "other_signatories": [other.public], "maybe_timepoint": when, "call": call}
        submit(rich, called("Multisig", "as_multi", **args, max_weight=weight), caller)
        assert rich.free(BEN) == 0
        run(rich)
    assert rich.free(BEN) == TEER


# -- what is not


def test_calls_that_the_parentchain_undid_are_not_executed(rich: World) -> None:
    first, second = (invoke(rich, transfer(rich, TEER, nonce)) for nonce in (0, 1))
    submit(rich, called("Utility", "batch_all", calls=[first, FAILING]))
    submit(rich, called("Utility", "batch", calls=[FAILING, first]))
    inner = called("Utility", "batch_all", calls=[first, FAILING])
    submit(rich, called("Utility", "force_batch", calls=[inner, inner]))
    submit(rich, called("Utility", "batch", calls=[first, inner, second]))
    run(rich)
    assert (rich.free(BEN), rich.nonce(ANN)) == (TEER, 1)


def _garbage(kind: str, rich: World) -> bytes:
    signed = transfer(rich, TEER, 0)
    good = shield(rich, IndirectCall(signed))
    key = rich.core.keys.shielding.public
    match kind:
        case "nothing":
            return b""
        case "noise":
            return blake2_256(b"noise") * 12
        case "cut":
            return good[:-1]
        case "too_long":
            return good * 65
        case "no_operation":
            return key.encrypt(b"\x09" * 40)
        case "trailing":
            return key.encrypt(LEDGER.codec(TrustedOperation).encode(IndirectCall(signed)) + b"\0")
        case "getter":
            return shield(rich, Get(public_getter("parentchains_info")))
        case "forged":
            call = LEDGER.call("balance_transfer", ANN.public, BEN.public, TEER)
            return shield(rich, IndirectCall(LEDGER.sign_call(call, 0, DAN, rich.mrenclave, rich.shard)))
        case "enclaves_own":
            call = LEDGER.call("balance_shield", BEN.public, BEN.public, TEER, 0)
            return shield(rich, IndirectCall(LEDGER.sign_call(call, 0, BEN, rich.mrenclave, rich.shard)))
    raise ValueError(kind)


@pytest.mark.parametrize(
    "kind",
    ["nothing", "noise", "cut", "too_long", "no_operation", "trailing", "getter", "forged", "enclaves_own"],
)
def test_garbage_is_counted_and_skipped(rich: World, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    submit(rich, invocation(_garbage(kind, rich), rich.shard))
    submit(rich, invoke(rich, transfer(rich, TEER, 0)), DAN)
    rich.block()
    slot = rich.begin()
    assert slot is not None
    with caplog.at_level(logging.WARNING):
        while slot.step(8):
            pass
        rich.durable(rich.core.finish_slot(slot, rich.now + 1))
    assert slot.builder.failed == 1
    assert rich.free(BEN) == TEER
    [line] = [record.getMessage() for record in caplog.records if "indirect call" in record.getMessage()] or [""]
    assert ANN.public.hex() not in line


def test_invocations_of_other_shards_are_theirs(rich: World) -> None:
    submit(rich, invocation(shield(rich, IndirectCall(transfer(rich, TEER, 0))), STRANGER))
    rich.block()
    slot = rich.begin()
    assert slot is not None
    assert not slot.step(8)
    rich.durable(rich.core.finish_slot(slot, rich.now + 1))
    assert (slot.builder.failed, rich.free(BEN)) == (0, 0)


def test_a_replayed_invocation_fails_by_its_nonce(rich: World, caplog: pytest.LogCaptureFixture) -> None:
    call = invoke(rich, transfer(rich, TEER, 0))
    submit(rich, call)
    submit(rich, call, DAN)
    run(rich)
    assert rich.free(BEN) == TEER
    assert "failed: stf.invalid_nonce" in caplog.text
    submit(rich, call)
    run(rich)
    assert (rich.free(BEN), rich.nonce(ANN)) == (TEER, 1)


# -- beside the pool


def test_the_pool_follows_the_nonce(rich: World) -> None:
    """A direct call at the same nonce comes too late, the one after it is executed."""
    late = rich.submit(transfer(rich, TEER, 0, CAT))
    after = rich.submit(transfer(rich, TEER, 1, DAN))
    submit(rich, invoke(rich, transfer(rich, 2 * TEER, 0)))
    run(rich)
    rich.slot()
    assert (rich.free(BEN), rich.free(CAT), rich.free(DAN)) == (2 * TEER, 0, TEER)
    assert (rich.status(late)[-1], rich.status(after)[-1]) == ("Invalid", "InSidechainBlock")


def test_a_direct_call_that_waits_for_an_indirect_one(rich: World) -> None:
    waiting = rich.submit(transfer(rich, TEER, 1))
    assert rich.status(waiting) == ["Future"]
    submit(rich, invoke(rich, transfer(rich, TEER, 0)))
    run(rich)
    assert rich.status(waiting) == ["Future", "Ready"]
    rich.slot()
    assert rich.free(BEN) == 2 * TEER


def test_the_same_operation_on_both_ways_is_executed_once(rich: World) -> None:
    signed = transfer(rich, TEER, 0)
    hash = rich.submit(signed)
    submit(rich, invocation(shield(rich, DirectCall(signed)), rich.shard))
    run(rich)
    rich.slot()
    assert rich.free(BEN) == TEER
    assert rich.status(hash)[-1] == "InSidechainBlock"
    assert hash not in rich.core.pool


# -- bounds


def test_other_shards_take_no_room(rich: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge_calls, "MAX_SHIELDED_BLOCKS", 1)
    call = shield(rich, IndirectCall(transfer(rich, TEER, 0)))
    calls = [invocation(call, STRANGER), invocation(call, rich.shard)]
    submit(rich, called("Utility", "batch", calls=calls))
    run(rich)
    assert rich.free(BEN) == TEER


def test_what_is_above_the_limit_of_a_block_is_refused(rich: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge_calls, "MAX_SHIELDED_BLOCKS", 3)
    calls = [invoke(rich, transfer(rich, TEER, nonce)) for nonce in range(5)]
    submit(rich, called("Utility", "batch", calls=calls))
    rich.block()
    slot = rich.begin()
    assert slot is not None
    effects = rich.durable(rich.core.finish_slot(slot, rich.now + 1))
    assert (rich.free(BEN), rich.nonce(ANN), slot.builder.failed) == (3 * TEER, 3, 2)
    assert len(effects.blocks[0].block.block_data.signed_top_hashes) >= 3
    submit(rich, called("Utility", "batch", calls=calls[3:]))
    run(rich)
    assert rich.free(BEN) == 5 * TEER


def test_blocks_above_the_limit_of_a_slot_wait(rich: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "MAX_SHIELDED_BLOCKS", 3)
    for block in range(3):
        calls = [invoke(rich, transfer(rich, TEER, 2 * block + n)) for n in range(2)]
        submit(rich, called("Utility", "batch", calls=calls))
        rich.block()
    seen = []
    for _ in range(3):
        rich.slot()
        seen.append(rich.free(BEN))
    assert seen == [2 * TEER, 4 * TEER, 6 * TEER]


def test_a_slot_that_is_over_still_executes_them(rich: World) -> None:
    """Their parentchain block counts as processed: they are not read again."""
    submit(rich, called("Utility", "batch", calls=[invoke(rich, transfer(rich, TEER, n)) for n in range(3)]))
    rich.block()
    slot = rich.begin()
    assert slot is not None
    rich.durable(rich.core.finish_slot(slot, rich.now + 1))
    assert rich.free(BEN) == 3 * TEER


# -- crashes


def _tell(world: World, survival: Survival, restart_before: int | None = None) -> None:
    """Two invocations in two blocks, the enclave started again whenever the power is lost."""
    calls = [invoke(world, transfer(world, TEER, nonce)) for nonce in range(2)]
    steps: list[Callable[[], object]] = [
        lambda: submit(world, calls[0]),
        *(world.grow, world.sync),
        lambda: submit(world, calls[1]),
        *(world.grow, world.slot, world.sync, world.slot),
        *(world.grow, world.sync, world.slot),
    ]
    for number, step in enumerate(steps):
        if number == restart_before:
            world.restart(survival)
        while True:
            try:
                step()
                break
            except PowerFailure:
                world.restart(survival)
    assert (world.free(BEN), world.nonce(ANN)) == (2 * TEER, 2)
    world.check()


@pytest.mark.parametrize("survival", [Nothing(), Everything(), Zeros(), Chance(1)], ids=lambda s: type(s).__name__)
def test_executed_once_wherever_the_power_is_lost(rich: World, survival: Survival) -> None:
    """At every disk operation."""
    operation, failed = 0, True
    while failed:
        world = rich.fork()
        world.directory.fail_at, world.directory.survival = operation, survival
        _tell(world, survival)
        failed = world.directory.fail_at is None
        world.close()
        operation += 1
    assert operation > 6


def test_executed_once_whenever_the_enclave_starts_again(rich: World) -> None:
    for number in range(11):
        world = rich.fork()
        _tell(world, Nothing(), restart_before=number)
        world.close()


# -- pallet EnclaveBridge's shielding


def shield_funds(world: World, account: bytes, shard: bytes | None = None) -> bytes:
    args = {
        "shard": world.shard if shard is None else shard,
        "incognito_account_encrypted": account,
        "amount": 5 * TEER,
    }
    return called("EnclaveBridge", "shield_funds", **args)


def test_shielding_around_the_vault_is_ignored(rich: World, caplog: pytest.LogCaptureFixture) -> None:
    issued = rich.runtime.balances.total_issuance.get()
    submit(rich, shield_funds(rich, rich.core.keys.shielding.public.encrypt(BEN.public)))
    run(rich)
    assert rich.runtime.balances.total_issuance.get() == issued
    assert "refused: shielding around the vault" in caplog.text


# -- the confirmed root


def test_the_confirmed_root_covers_the_calls_in_order(rich: World) -> None:
    """Time first; invocations of any shard; shieldings if their beneficiary can be read."""
    account = rich.core.keys.shielding.public.encrypt(BEN.public)
    request = Request(rich.shard, shield(rich, IndirectCall(transfer(rich, TEER, 0))))
    other = Request(STRANGER, b"what only they can read")
    calls = [
        invocation(request.cyphertext, request.shard),
        shield_funds(rich, account),
        shield_funds(rich, b"garbage"),
        invocation(other.cyphertext, other.shard),
    ]
    submit(rich, called("Utility", "batch_all", calls=calls))
    rich.block()
    number = rich.chain.height
    rich.settle()
    [event] = [
        found
        for found in rich.chain.all_events("EnclaveBridge.ProcessedParentchainBlock")
        if found["block_number"] == number
    ]
    now = rich.chain.value(storage_prefix("Timestamp", "Now"), event["block_hash"]) or b""
    leaves = [
        b"\x02" + encode(Compact[u64], int.from_bytes(now, "little")),
        b"\x01" + encode(Request, request),
        b"\x00" + rich.shard + encode(bytes, account) + encode(u128, 5 * TEER),
        b"\x01" + encode(Request, other),
    ]
    assert event["trusted_calls_merkle_root"] == merkle_root([blake2_256(leaf) for leaf in leaves])
