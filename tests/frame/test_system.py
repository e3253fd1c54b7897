"""pallet System: references, block context, room in the block, root's powers over storage."""

from __future__ import annotations

import pytest

from integritee.crypto import blake2_256
from integritee.frame.errors import BadOrigin, ConsumerRemaining, DispatchFailure, Other
from integritee.frame.limits import BASE_EXTRINSIC, BLOCK_EXECUTION, BlockLength, BlockWeights
from integritee.frame.origin import Root, Signed, Unsigned
from integritee.frame.pallets.system import AccountInfo, ConsumedWeight, System
from integritee.frame.validity import ExhaustsResources, Invalid, Refused
from integritee.frame.weights import DispatchClass, DispatchInfo, Weight
from integritee.primitives.header import Digest
from integritee.primitives.header import Other as OtherItem
from integritee.scale import Err, Ok
from integritee.trie import MAX_KEY_BYTES

from .demo_runtime import ALICE, BOB, DemoRuntime, Notes

NORMAL, OPERATIONAL, MANDATORY = DispatchClass


# -- accounts ------------------------------------------------------------------------------------


def test_accounts_are_born_and_die() -> None:
    system = DemoRuntime().system
    system.store_account(ALICE, AccountInfo(providers=1))
    system.increment_nonce(ALICE)
    assert system.nonce(ALICE) == 1
    system.store_account(ALICE, system.drop_provider(system.account.get(ALICE)))
    assert [r.event.name for r in system.events()] == ["NewAccount", "KilledAccount"]
    assert (system.nonce(ALICE), system.account.contains(ALICE)) == (0, False)


@pytest.mark.parametrize("sufficients", [0, 1])
def test_the_last_provider_stays_while_it_is_needed(sufficients: int) -> None:
    with pytest.raises(DispatchFailure) as caught:
        System.drop_provider(AccountInfo(providers=1, consumers=1, sufficients=sufficients))
    assert caught.value.error == ConsumerRemaining()
    assert System.drop_provider(AccountInfo(providers=2, consumers=1)).providers == 1
    assert System.drop_provider(AccountInfo(providers=1, sufficients=1)).providers == 0
    assert System.add_provider(AccountInfo()).exists()


def test_what_suffices_keeps_an_account_alive() -> None:
    alive = System.add_sufficient(AccountInfo())
    assert (alive.sufficients, alive.exists()) == (1, True)
    assert System.drop_sufficient(alive) == AccountInfo()


@pytest.mark.parametrize(
    ("info", "count", "may"),
    [
        (AccountInfo(providers=1), 16, True),
        (AccountInfo(providers=1), 17, False),
        (AccountInfo(providers=1, consumers=14), 2, True),
        (AccountInfo(providers=1, consumers=15), 2, False),
        (AccountInfo(sufficients=1), 1, False),
    ],
)
def test_consumers_need_a_provider_and_room(info: AccountInfo, count: int, may: bool) -> None:
    assert System.may_add_consumers(info, count) is may
    more = System.add_consumer(info)
    assert more.consumers == info.consumers + 1
    assert System.drop_consumer(more) == info


# -- block context -------------------------------------------------------------------------------


def test_a_block_begins_with_a_clean_slate() -> None:
    runtime = DemoRuntime()
    system = runtime.system
    system.event_topics.put(bytes(32), [(1, 2)])
    runtime.notes.deposit(Notes.Event.Plain(1, 2))
    system.write_events()
    runtime.notes.deposit(Notes.Event.Plain(1, 2))
    system.note_weight(Weight(5), NORMAL)
    system.initialize(8, b"\x07" * 32, Digest([]))
    assert (system.number.get(), system.parent_hash.get(), system.block_hash.get(7)) == (
        8,
        b"\x07" * 32,
        b"\x07" * 32,
    )
    assert (system.events(), system.event_count.get(), system.block_weight.get()) == ([], 0, ConsumedWeight())
    assert list(system.event_topics.items()) == []
    system.deposit_log(OtherItem(b"log"))
    assert system.digest.get() == Digest([OtherItem(b"log")])


def test_extrinsics_are_kept_until_the_block_ends() -> None:
    system = DemoRuntime().system
    for i, encoded in enumerate((b"one", b"two", b"three")):
        assert system.extrinsic_index() == i
        system.note_extrinsic(encoded)
    assert system.take_extrinsics() == [b"one", b"two", b"three"]
    assert set(system.runtime.state.changes().values()) == {None}


def test_only_the_latest_block_hashes_are_known() -> None:
    system = DemoRuntime().system
    system.block_hash_count = 3
    for number in range(1, 10):
        system.initialize(number, bytes([number]) * 32, Digest([]))
        system.finish()
    assert sorted(number for number, _ in system.block_hash.items()) == [0, 6, 7, 8]


# -- room ----------------------------------------------------------------------------------------


def test_sensible_limits() -> None:
    limits = BlockWeights.sensible()
    assert limits.base_block == BLOCK_EXECUTION
    assert limits.of(OPERATIONAL).reserved == Weight(5 * 10**11, (1 << 64) - 1 - 13_835_058_055_282_163_711)
    assert limits.of(MANDATORY).max_total is None
    assert [BlockLength.sensible().of(c) for c in DispatchClass] == [3_932_160, 5_242_880, 5_242_880]


UNIT = 10**9


@pytest.fixture
def system() -> System:
    """A block of a thousand units; an extrinsic's base is about a tenth of one."""
    found = DemoRuntime().system
    found.block_weights = BlockWeights.sensible(Weight(1000 * UNIT, 1 << 60))
    found.block_length = BlockLength.sensible(1000)
    return found


def spend(system: System, units: int, class_: DispatchClass = NORMAL, length: int = 1) -> None:
    system.take_room(DispatchInfo(Weight(units * UNIT), class_), length)


def test_normal_calls_fill_three_quarters(system: System) -> None:
    for _ in range(7):
        spend(system, 100)
    with pytest.raises(Refused) as caught:
        spend(system, 50)
    assert caught.value.error == Invalid(ExhaustsResources())
    spend(system, 49)
    used = system.block_weight.get()
    assert used.normal == Weight(749 * UNIT + 8 * BASE_EXTRINSIC.ref_time, 8)
    assert used.total() == used.normal


def test_operational_calls_use_the_rest(system: System) -> None:
    spend(system, 749)
    spend(system, 249, OPERATIONAL)
    with pytest.raises(Refused):
        spend(system, 2, OPERATIONAL)


def test_reserved_room_is_there_when_the_block_is_overfull(system: System) -> None:
    spend(system, 2000, MANDATORY)
    with pytest.raises(Refused):
        spend(system, 1)
    spend(system, 240, OPERATIONAL)
    with pytest.raises(Refused):
        spend(system, 20, OPERATIONAL)
    spend(system, 5000, MANDATORY)


def test_bytes_run_out_as_well(system: System) -> None:
    spend(system, 1, length=700)
    with pytest.raises(Refused):
        spend(system, 1, length=51)
    spend(system, 1, length=50)
    spend(system, 1, OPERATIONAL, length=250)
    assert system.all_extrinsics_len.get() == 1000


def test_refused_room_is_not_taken(system: System) -> None:
    spend(system, 700, length=700)
    before = system.runtime.state.changes()
    for units, length in ((100, 1), (1, 100)):
        with pytest.raises(Refused):
            spend(system, units, length=length)
    assert system.runtime.state.changes() == before


def test_unused_room_is_returned(system: System) -> None:
    declared = DispatchInfo(Weight(700 * UNIT))
    system.take_room(declared, 1)
    system.return_room(declared, DispatchInfo(Weight(10 * UNIT)))
    assert system.block_weight.get().normal == Weight(10 * UNIT + BASE_EXTRINSIC.ref_time, 1)


@pytest.mark.parametrize(
    ("units", "class_", "length", "fits"),
    [
        (649, NORMAL, 750, True),
        (650, NORMAL, 1, False),
        (899, OPERATIONAL, 1000, True),
        (900, OPERATIONAL, 1, False),
        (10_000, MANDATORY, 1, True),
        (1, NORMAL, 751, False),
        (1, MANDATORY, 1001, False),
    ],
)
def test_what_fits_no_block(system: System, units: int, class_: DispatchClass, length: int, fits: bool) -> None:
    cost = DispatchInfo(Weight(units * UNIT), class_)
    if fits:
        system.check_room(cost, length)
        assert system.runtime.state.changes() == {}
    else:
        with pytest.raises(Refused):
            system.check_room(cost, length)


# -- calls ---------------------------------------------------------------------------------------


def test_remarks() -> None:
    runtime = DemoRuntime()
    runtime.dispatch(runtime.call("System", "remark", b"hello"), Signed(ALICE))
    assert runtime.events == []
    runtime.dispatch(runtime.call("System", "remark_with_event", b"hello"), Signed(ALICE))
    (record,) = runtime.system.events()
    assert (record.event.name, record.event.values) == ("Remarked", (ALICE, blake2_256(b"hello")))


def test_root_writes_storage() -> None:
    runtime = DemoRuntime()

    def sudo(function: str, *args: object) -> object:
        return runtime.try_dispatch(runtime.call("System", function, *args), Root())

    assert sudo("set_storage", [(b"aa", b"1"), (b"ab", b"2"), (b"ac", b"3")]) == Ok(None)
    assert runtime.state.get(b"ab") == b"2"
    assert sudo("kill_storage", [b"ab"]) == Ok(None)
    assert sudo("kill_prefix", b"a", 1) == Ok(None)
    assert list(runtime.state.items(b"a")) == [(b"ac", b"3")]
    assert sudo("set_storage", [(b"x" * MAX_KEY_BYTES, b"")]) == Ok(None)
    assert sudo("set_storage", [(b"y", b""), (b"x" * (MAX_KEY_BYTES + 1), b"")]) == Err(Other())
    assert runtime.state.get(b"y") is None


@pytest.mark.parametrize("origin", [Signed(BOB), Unsigned()])
@pytest.mark.parametrize(
    ("function", "args"), [("set_storage", ([(b"k", b"v")],)), ("kill_storage", ([b"k"],)), ("kill_prefix", (b"", 9))]
)
def test_nobody_else_does(origin: Signed | Unsigned, function: str, args: tuple[object, ...]) -> None:
    runtime = DemoRuntime()
    assert runtime.try_dispatch(runtime.call("System", function, *args), origin) == Err(BadOrigin())
