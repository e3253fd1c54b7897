"""Dispatch: arguments, transactions, errors with their indexes, events, weights."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.frame.declare import Errors, Events, error, event
from integritee.frame.errors import (
    BadOrigin,
    DeclarationError,
    DispatchFailure,
    Module,
    ModuleError,
    Transactional,
    TransactionalError,
    camel,
    snake,
)
from integritee.frame.origin import Origin, Root, Signed, Unsigned, ensure_none, ensure_root, ensure_signed
from integritee.frame.outer import ApplyExtrinsic, EventRecord, Finalization, Initialization, RuntimeCall
from integritee.frame.overlay import MAX_TRANSACTIONS
from integritee.frame.weights import DispatchClass, DispatchInfo, Pays, PostInfo, Weight, weight
from integritee.primitives.ids import Id
from integritee.scale import DecodeError, EncodeError, Err, Ok, encode

from .demo_runtime import ALICE, BOB, DemoRuntime, LargerRuntime, Notes


def names(runtime: DemoRuntime) -> list[str]:
    """Events deposited and not yet written."""
    codec = runtime.codec(EventRecord)
    return [codec.decode(raw).event.name for raw in runtime.events]


# -- calls ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pallet", "function", "args", "hexed"),
    [
        ("System", "remark", (b"hi",), "0000086869"),
        ("Balances", "transfer_keep_alive", (Id(BOB), 1 << 30), "040300" + "02" * 32 + "0300000040"),
        ("NotePad", "store", (b"",), "090000"),
        ("NotePad", "fail_oddly", (7,), "090307"),
        ("NotePad", "crash", (), "0909"),
    ],
)
def test_calls_on_the_wire(pallet: str, function: str, args: tuple[Any, ...], hexed: str) -> None:
    call = DemoRuntime.call(pallet, function, *args)
    assert DemoRuntime.codec(RuntimeCall).encode(call).hex() == hexed
    assert DemoRuntime.codec(RuntimeCall).decode(bytes.fromhex(hexed)) == call
    assert (call.pallet, call.function) == (pallet, function)


def test_calls_within_calls() -> None:
    inner = DemoRuntime.call("NotePad", "store", b"x")
    outer = DemoRuntime.call("NotePad", "repeat", DemoRuntime.call("NotePad", "repeat", inner, 2), 3)
    encoded = DemoRuntime.codec(RuntimeCall).encode(outer)
    assert encoded.hex() == "0902090209000478080c"
    assert DemoRuntime.codec(RuntimeCall).decode(encoded) == outer


@pytest.mark.parametrize("hexed", ["", "00", "0001", "0500", "0901", "0900", "09000800", "0000040000", "ff00"])
def test_bytes_that_are_no_call(hexed: str) -> None:
    with pytest.raises(DecodeError):
        DemoRuntime.codec(RuntimeCall).decode(bytes.fromhex(hexed))


def test_endless_nesting_is_refused_when_decoding() -> None:
    with pytest.raises(DecodeError):
        DemoRuntime.codec(RuntimeCall).decode(b"\x09\x02" * 5000)


def test_a_runtime_knows_only_its_own_calls() -> None:
    foreign = LargerRuntime.call("MoreNotes", "store", b"")
    with pytest.raises(EncodeError):
        DemoRuntime.codec(RuntimeCall).encode(foreign)
    for pallet, function in (("MoreNotes", "store"), ("NotePad", "shred"), ("notes", "store")):
        with pytest.raises(DeclarationError):
            DemoRuntime.call(pallet, function)


def test_constants_are_overridden_where_the_pallet_is_listed() -> None:
    runtime = LargerRuntime()
    assert (runtime.notes.max_note_size, runtime.more_notes.max_note_size) == (8, 16)
    assert runtime.pallet(Notes) is runtime.notes


# -- transactions --------------------------------------------------------------------------------


def test_a_call_that_succeeds_keeps_writes_and_events() -> None:
    runtime = DemoRuntime()
    assert runtime.dispatch(runtime.call("NotePad", "store", b"note"), Signed(ALICE)) == PostInfo()
    assert runtime.notes.by_number.get(1) == b"note"
    assert names(runtime) == ["Stored"]
    assert runtime.state.depth == 0


def test_a_call_that_fails_leaves_nothing() -> None:
    runtime = DemoRuntime()
    with pytest.raises(DispatchFailure) as caught:
        runtime.dispatch(runtime.call("NotePad", "store", b"far too long"), Signed(ALICE))
    assert caught.value.error == Module(ModuleError(9, b"\x00\x00\x00\x00"))
    assert caught.value.code == "notes.note_too_long"
    assert caught.value.data() == {"message": "the note is longer than MaxNoteSize"}
    assert runtime.state.changes() == {}
    assert runtime.events == []
    assert runtime.state.depth == 0


def test_a_call_that_crashes_leaves_nothing_either() -> None:
    runtime = DemoRuntime()
    with pytest.raises(ZeroDivisionError):
        runtime.dispatch(runtime.call("NotePad", "crash"), Unsigned())
    assert (runtime.state.changes(), runtime.events, runtime.state.depth) == ({}, [], 0)


def test_inner_failures_undo_the_inner_call_only() -> None:
    runtime = DemoRuntime()
    repeated = runtime.call("NotePad", "repeat", runtime.call("NotePad", "store", b"far too long"), 2)
    assert runtime.dispatch(repeated, Signed(ALICE)) == PostInfo(Weight(5))
    assert names(runtime) == ["Tried", "Tried"]
    assert runtime.notes.count.get() == 0


def test_outcomes_are_values() -> None:
    runtime = DemoRuntime()
    assert runtime.try_dispatch(runtime.call("NotePad", "store", b""), Signed(ALICE)) == Ok(None)
    assert runtime.try_dispatch(runtime.call("NotePad", "store", b""), Root()) == Err(BadOrigin())


def test_error_payloads_and_indexes() -> None:
    runtime = LargerRuntime()
    failed = runtime.try_dispatch(runtime.call("NotePad", "fail_oddly", 5), Root())
    assert failed == Err(Module(ModuleError(9, b"\x01\x05\x00\x00")))


def test_of_two_pallets_of_a_kind_each_fails_in_its_own_name() -> None:
    runtime = LargerRuntime()
    failed = runtime.try_dispatch(runtime.call("MoreNotes", "fail_oddly", 5), Root())
    assert failed == Err(Module(ModuleError(11, b"\x01\x05\x00\x00")))


def test_calls_cannot_nest_without_end() -> None:
    runtime = DemoRuntime()
    for _ in range(MAX_TRANSACTIONS):
        runtime.state.begin()
    outcome = runtime.try_dispatch(runtime.call("NotePad", "store", b""), Signed(ALICE))
    assert outcome == Err(Transactional(TransactionalError.LimitReached))


# -- origins -------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [Root(), Unsigned(), Signed(ALICE)])
def test_origins(origin: Origin) -> None:
    checks = {Root: ensure_root, Unsigned: ensure_none, Signed: ensure_signed}
    for kind, check in checks.items():
        if isinstance(origin, kind):
            assert check(origin) == (ALICE if kind is Signed else None)
        else:
            with pytest.raises(DispatchFailure) as caught:
                check(origin)
            assert caught.value.error == BadOrigin()


def test_restricted_origins_make_the_calls_they_may_and_pass_the_restriction_on() -> None:
    runtime = DemoRuntime()
    store = runtime.call("NotePad", "store", b"")
    restricted = Signed(ALICE).restricted(lambda call: call.function in ("repeat", "remark"))
    filtered = Err(Module(ModuleError(0, b"\x05\x00\x00\x00")))
    assert runtime.try_dispatch(store, Signed(ALICE)) == Ok(None)
    assert runtime.try_dispatch(store, restricted) == filtered
    assert runtime.try_dispatch(runtime.call("System", "remark", b""), restricted) == Ok(None)
    runtime.events.clear()
    runtime.dispatch(runtime.call("NotePad", "repeat", store, 1), restricted)
    assert [r.event.values for r in runtime.system.events()] == [(filtered,)]
    nothing = restricted.restricted(lambda call: False)
    assert runtime.try_dispatch(runtime.call("System", "remark", b""), nothing) == filtered


# -- events --------------------------------------------------------------------------------------


def test_event_records_on_the_wire() -> None:
    runtime = DemoRuntime()
    runtime.notes.deposit(Notes.Event.Plain(1, 2))
    runtime.begin_extrinsic(3)
    runtime.notes.deposit(Notes.Event.Stored(ALICE, size=4), topics=(bytes(32),))
    runtime.phase = Finalization()
    runtime.notes.deposit(Notes.Event.Tried(Ok(None)))
    assert [raw.hex() for raw in runtime.events] == [
        "02090301020000",
        "00030000000900" + "01" * 32 + "0400000004" + "00" * 32,
        "0109050000",
    ]
    runtime.system.write_events()
    records = runtime.system.event_records.get()
    assert [r.phase for r in records] == [Initialization(), ApplyExtrinsic(3), Finalization()]
    assert (records[1].event.pallet, records[1].event.values) == ("NotePad", (ALICE, 4))
    assert runtime.system.event_count.get() == 3
    runtime.system.reset_events()
    assert runtime.system.events() == []


def test_events_can_be_switched_off() -> None:
    runtime = DemoRuntime()
    runtime.record_events = False
    runtime.notes.deposit(Notes.Event.Plain(1, 2))
    assert runtime.events == []


@pytest.mark.parametrize("args", [(), (1,), (1, 2, 3)])
def test_events_take_their_fields(args: tuple[int, ...]) -> None:
    with pytest.raises(TypeError):
        Notes.Event.Plain(*args)


def test_entering_a_state_forgets_the_last_one() -> None:
    runtime, other = DemoRuntime(), DemoRuntime()
    runtime.notes.deposit(Notes.Event.Plain(1, 2))
    runtime.begin_extrinsic(4)
    runtime.enter(other.state)
    assert (runtime.events, runtime.phase, runtime.state) == ([], Initialization(), other.state)


# -- weights -------------------------------------------------------------------------------------


def test_weights() -> None:
    assert weight(10, reads=2, writes=3) == Weight(10 + 2 * 25_000_000 + 3 * 100_000_000, 0)
    assert Weight(1, 2) + Weight(3, 4) == Weight(4, 6)
    assert Weight((1 << 64) - 1, 0) + Weight(3, 4) == Weight((1 << 64) - 1, 4)
    assert Weight(5, 1) - Weight(3, 4) == Weight(2, 0)
    assert Weight(5, 1).exceeds(Weight(5, 0))
    assert not Weight(5, 1).exceeds(Weight(5, 1))
    assert Weight(5, 1).least(Weight(3, 4)) == Weight(3, 1)


def test_declared_costs_may_depend_on_the_call() -> None:
    runtime = DemoRuntime()
    store = runtime.call("NotePad", "store", b"")
    assert runtime.info_of(store) == DispatchInfo(Weight(125_001_000), DispatchClass.Normal)
    odd = runtime.call("NotePad", "fail_oddly", 0)
    repeated = runtime.call("NotePad", "repeat", runtime.call("NotePad", "repeat", store, 2), 3)
    assert runtime.info_of(repeated).weight == Weight(6 * 125_001_000)
    assert runtime.info_of(runtime.call("NotePad", "repeat", odd, 3)).class_ is DispatchClass.Operational


@pytest.mark.parametrize(
    ("post", "actual"),
    [
        (PostInfo(), DispatchInfo(Weight(100, 10))),
        (PostInfo(Weight(60, 20)), DispatchInfo(Weight(60, 10))),
        (PostInfo(Weight(600, 0), Pays.No), DispatchInfo(Weight(100, 0), pays_fee=Pays.No)),
    ],
)
def test_a_call_never_costs_more_than_declared(post: PostInfo, actual: DispatchInfo) -> None:
    assert DispatchInfo(Weight(100, 10)).after(post) == actual


def test_dispatch_info_on_the_wire() -> None:
    info = DispatchInfo(Weight(270_180_000, 1493), DispatchClass.Mandatory, Pays.No)
    assert encode(DispatchInfo, info).hex() == "827a6a4055170201"


# -- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("camels", "snakes"), [("NotProxy", "not_proxy"), ("Odd", "odd"), ("TotalIssuance", "total_issuance")]
)
def test_names(camels: str, snakes: str) -> None:
    assert snake(camels) == snakes
    assert camel(snakes) == camels


def test_declarations_know_their_names_and_order() -> None:
    class Event(Events):
        Later = event(4)
        Sooner = event(1, from_=bool, docs="text")

    class Error(Errors):
        First = error("one")
        Second = error("two")

    assert [(e.index, e.name) for e in Event.definitions()] == [(1, "Sooner"), (4, "Later")]
    assert Event.Sooner.fields[0].name == "from"
    assert Event.Sooner(from_=True) == Event.Sooner(True)
    assert [(e.index, e.name, e.docs) for e in Error.definitions()] == [(0, "First", "one"), (1, "Second", "two")]
