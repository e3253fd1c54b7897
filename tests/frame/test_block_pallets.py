"""Pallets that make a block a block: Timestamp, Aura, Grandpa, Sudo."""

from __future__ import annotations

import pytest

from integritee.frame.errors import BadOrigin, BlockPanic, CannotLookup, DispatchFailure, Module, ModuleError
from integritee.frame.inherents import CheckInherentsResult
from integritee.frame.origin import Origin, Root, Signed, Unsigned
from integritee.frame.pallets.aura import Aura
from integritee.frame.pallets.grandpa import Grandpa, Live, PendingPause, StoredPendingChange, StoredState
from integritee.frame.pallets.sudo import Sudo
from integritee.frame.pallets.timestamp import MAX_DRIFT_MS, TIMESTAMP_INHERENT, Timestamp
from integritee.frame.runtime import use
from integritee.frame.weights import DispatchClass, Pays, PostInfo, Weight
from integritee.primitives.grandpa import ConsensusLog, ForcedChange, ScheduledChange
from integritee.primitives.header import GRANDPA_ENGINE, Consensus, Digest, PreRuntime, aura_slot_digest
from integritee.primitives.ids import Id, Index
from integritee.scale import Err, Ok, decode, encode, u64

from .demo_runtime import ALICE, BOB, CHARLIE, DemoRuntime

NOW = 1_700_000_000_000
SLOT = NOW // 6000


class BlockRuntime(DemoRuntime):
    name = "block_runtime"
    timestamp = use(3, Timestamp)
    sudo = use(5, Sudo)
    aura = use(23, Aura)
    grandpa = use(24, Grandpa)

    def begin(self, number: int = 1, slot: int | None = SLOT) -> None:
        digest = Digest([] if slot is None else [aura_slot_digest(slot)])
        self.system.initialize(number, bytes(32), digest)
        for pallet in self.pallets.values():
            pallet.on_initialize(number)

    def end(self) -> None:
        for pallet in self.pallets.values():
            pallet.on_finalize(self.system.number.get())


def names(runtime: DemoRuntime) -> list[str]:
    return [r.event.name for r in runtime.system.events()]


# -- timestamp -----------------------------------------------------------------------------------


def set_time(runtime: BlockRuntime, now: int, origin: Origin = Unsigned()) -> PostInfo:  # noqa: B008  # frozen
    return runtime.dispatch(runtime.call("Timestamp", "set", now), origin)


def test_time_moves_on_block_by_block() -> None:
    runtime = BlockRuntime()
    for number, now in enumerate((NOW, NOW + 1, NOW + 4000), 1):
        runtime.begin(number, now // 6000)
        set_time(runtime, now)
        assert runtime.timestamp.now.get() == now
        runtime.end()
        assert not runtime.timestamp.did_update.exists()


@pytest.mark.parametrize("now", [NOW, NOW - 1, 0])
def test_time_does_not_stand_still(now: int) -> None:
    runtime = BlockRuntime()
    runtime.timestamp.now.put(NOW)
    runtime.begin()
    with pytest.raises(BlockPanic):
        set_time(runtime, now)


def test_time_is_set_once() -> None:
    runtime = BlockRuntime()
    runtime.begin()
    with pytest.raises(BlockPanic):
        runtime.end()
    set_time(runtime, NOW)
    with pytest.raises(BlockPanic):
        set_time(runtime, NOW + 1)


def test_only_the_author_sets_the_time() -> None:
    runtime = BlockRuntime()
    runtime.begin()
    for origin in (Root(), Signed(ALICE)):
        with pytest.raises(DispatchFailure) as caught:
            set_time(runtime, NOW, origin)
        assert caught.value.error == BadOrigin()
    assert runtime.info_of(runtime.call("Timestamp", "set", NOW)).class_ is DispatchClass.Mandatory


@pytest.mark.parametrize(
    ("before", "offered", "used"), [(0, NOW, NOW), (NOW, NOW + 9, NOW + 9), (NOW, NOW - 9, NOW + 1)]
)
def test_the_inherent(before: int, offered: int, used: int) -> None:
    runtime = BlockRuntime()
    runtime.timestamp.now.put(before)
    call = runtime.timestamp.create_inherent({TIMESTAMP_INHERENT: encode(u64, offered)})
    assert call == runtime.call("Timestamp", "set", used)
    assert runtime.timestamp.is_inherent(call)
    assert not runtime.notes.is_inherent(runtime.call("NotePad", "crash"))
    assert runtime.timestamp.create_inherent({}) is None


@pytest.mark.parametrize(
    ("moment", "error"),
    [(NOW, None), (NOW + MAX_DRIFT_MS, None), (NOW + MAX_DRIFT_MS + 1, b"\x01"), (NOW - 100, b"\x00")],
)
def test_checking_the_inherents_of_others(moment: int, error: bytes | None) -> None:
    runtime = BlockRuntime()
    runtime.timestamp.now.put(NOW - 100)
    call = runtime.call("Timestamp", "set", moment)
    found = runtime.timestamp.check_inherent(call, {TIMESTAMP_INHERENT: encode(u64, NOW)})
    assert found == ({} if error is None else {TIMESTAMP_INHERENT: error})


def test_result_of_checking_on_the_wire() -> None:
    failed = CheckInherentsResult(False, True, {TIMESTAMP_INHERENT: b"\x01"})
    assert encode(CheckInherentsResult, failed).hex() == "00010474696d73746170300401"
    assert encode(CheckInherentsResult, CheckInherentsResult()).hex() == "010000"


# -- aura ----------------------------------------------------------------------------------------


def test_the_slot_comes_from_the_digest() -> None:
    runtime = BlockRuntime()
    runtime.begin(1, 50)
    assert runtime.aura.current_slot.get() == 50
    runtime.begin(2, 50)
    runtime.begin(3, 57)
    assert runtime.aura.current_slot.get() == 57
    with pytest.raises(BlockPanic):
        runtime.begin(4, 56)


def test_a_block_without_slot_stays_in_the_last_one() -> None:
    runtime = BlockRuntime()
    runtime.begin(1, 50)
    runtime.begin(2, None)
    runtime.system.digest.put(Digest([PreRuntime(b"babe", bytes(8))]))
    runtime.aura.on_initialize(2)
    assert runtime.aura.current_slot.get() == 50


@pytest.mark.parametrize("now", [NOW - 6000, NOW + 6000])
def test_time_and_slot_agree(now: int) -> None:
    runtime = BlockRuntime()
    runtime.begin()
    with pytest.raises(BlockPanic):
        set_time(runtime, now)


# -- grandpa -------------------------------------------------------------------------------------

OLD, NEW = [(b"\x01" * 32, 1)], [(b"\x02" * 32, 1), (b"\x03" * 32, 2)]


@pytest.mark.parametrize("delay", [0, 1, 3])
def test_a_change_of_authorities(delay: int) -> None:
    runtime = BlockRuntime()
    runtime.grandpa.authorities.put(OLD)
    logs = []
    for number in range(1, 6):
        runtime.begin(number)
        if number == 2:
            runtime.grandpa.schedule_change(NEW, delay)
        before = runtime.grandpa.authorities.get()
        runtime.grandpa.on_finalize(number)
        logs.append(runtime.system.digest.get().logs[1:])
        assert before == (NEW if number > 2 + delay else OLD)
        assert runtime.grandpa.current_set_id.get() == (number >= 2 + delay)
        assert names(runtime) == (["NewAuthorities"] if number == 2 + delay else [])
    announced = Consensus(GRANDPA_ENGINE, encode(ConsensusLog, ScheduledChange(NEW, delay)))
    assert logs == [[], [announced], [], [], []]
    assert runtime.grandpa.authorities.get() == NEW
    assert not runtime.grandpa.pending_change.exists()
    assert dict(runtime.grandpa.set_id_session.items()) == {1: 1}


def test_one_change_at_a_time() -> None:
    runtime = BlockRuntime()
    runtime.begin()
    runtime.grandpa.schedule_change(NEW, 2)
    with pytest.raises(DispatchFailure) as caught, runtime.transaction():
        runtime.grandpa.schedule_change(OLD, 2)
    assert caught.value.error == Module(ModuleError(24, b"\x02\x00\x00\x00"))


def test_forced_changes_are_announced_as_such() -> None:
    runtime = BlockRuntime()
    runtime.begin(4)
    runtime.grandpa.pending_change.put(StoredPendingChange(4, 1, NEW, forced=3))
    runtime.grandpa.on_finalize(4)
    log = runtime.system.digest.get().logs[1]
    assert isinstance(log, Consensus)
    assert decode(ConsensusLog, log.data) == ForcedChange(3, NEW, 1)


def test_noting_a_stall_takes_root() -> None:
    runtime = BlockRuntime()
    call = runtime.call("Grandpa", "note_stalled", 5, 77)
    assert runtime.try_dispatch(call, Signed(ALICE)) == Err(BadOrigin())
    assert runtime.try_dispatch(call, Root()) == Ok(None)
    assert runtime.grandpa.stalled.get() == (5, 77)


def test_stored_state_layout() -> None:
    assert encode(StoredState, Live()).hex() == "00"
    assert encode(StoredState, PendingPause(1, 2)).hex() == "010100000002000000"


# -- sudo ----------------------------------------------------------------------------------------


def with_sudo() -> BlockRuntime:
    runtime = BlockRuntime()
    runtime.sudo.key.put(ALICE)
    return runtime


def test_sudo_is_root_and_free() -> None:
    runtime = with_sudo()
    inner = runtime.call("Balances", "force_set_balance", Id(BOB), 5_000)
    post = runtime.dispatch(runtime.call("Sudo", "sudo", inner), Signed(ALICE))
    assert post == PostInfo(pays_fee=Pays.No)
    assert runtime.balances.free(BOB) == 5_000
    record = runtime.system.events()[-1]
    assert (record.event.name, record.event.values) == ("Sudid", (Ok(None),))


def test_a_failing_inner_call_is_only_reported() -> None:
    runtime = with_sudo()
    inner = runtime.call("Timestamp", "set", NOW)
    runtime.dispatch(runtime.call("Sudo", "sudo_unchecked_weight", inner, Weight(5)), Signed(ALICE))
    assert [r.event.values for r in runtime.system.events()] == [(Err(BadOrigin()),)]


def test_sudo_as_another_account() -> None:
    runtime = with_sudo()
    runtime.balances.mint(BOB, 5_000)
    inner = runtime.call("Balances", "transfer_keep_alive", Id(CHARLIE), 1_000)
    runtime.dispatch(runtime.call("Sudo", "sudo_as", Id(BOB), inner), Signed(ALICE))
    assert runtime.balances.free(CHARLIE) == 1_000
    assert names(runtime)[-1] == "SudoAsDone"


def test_the_key_is_handed_on_and_given_up() -> None:
    runtime = with_sudo()
    runtime.dispatch(runtime.call("Sudo", "set_key", Id(BOB)), Signed(ALICE))
    assert runtime.sudo.key.get() == BOB
    runtime.dispatch(runtime.call("Sudo", "remove_key"), Signed(BOB))
    assert runtime.sudo.key.get() is None
    assert [(r.event.name, r.event.values) for r in runtime.system.events()] == [
        ("KeyChanged", (ALICE, BOB)),
        ("KeyRemoved", ()),
    ]
    lookup = runtime.call("Sudo", "set_key", Index(None))
    assert runtime.try_dispatch(lookup, Signed(BOB)) == Err(Module(ModuleError(5, bytes(4))))


def test_an_address_that_names_nobody_gets_no_key() -> None:
    runtime = with_sudo()
    assert runtime.try_dispatch(runtime.call("Sudo", "set_key", Index(None)), Signed(ALICE)) == Err(CannotLookup())


@pytest.mark.parametrize(
    ("origin", "error"),
    [(Signed(BOB), Module(ModuleError(5, bytes(4)))), (Root(), BadOrigin()), (Unsigned(), BadOrigin())],
)
def test_nobody_else_is_sudo(origin: Origin, error: object) -> None:
    runtime = with_sudo()
    remark = runtime.call("System", "remark", b"")
    for call in (
        runtime.call("Sudo", "sudo", remark),
        runtime.call("Sudo", "sudo_unchecked_weight", remark, Weight()),
        runtime.call("Sudo", "sudo_as", Id(BOB), remark),
        runtime.call("Sudo", "set_key", Id(BOB)),
        runtime.call("Sudo", "remove_key"),
    ):
        assert runtime.try_dispatch(call, origin) == Err(error)


def test_sudo_costs_what_the_inner_call_costs_and_more() -> None:
    runtime = with_sudo()
    inner = runtime.call("NotePad", "fail_oddly", 1)
    info = runtime.info_of(runtime.call("Sudo", "sudo_as", Id(BOB), inner))
    assert info.class_ is DispatchClass.Operational
    assert info.weight == Weight(11_000_000 + 25_000_000)
    unchecked = runtime.info_of(runtime.call("Sudo", "sudo_unchecked_weight", inner, Weight(7, 8)))
    assert (unchecked.weight, unchecked.class_) == (Weight(7, 8), DispatchClass.Operational)
