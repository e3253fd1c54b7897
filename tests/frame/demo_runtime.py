"""A small runtime to test the machinery with: accounts, money, and a pallet that does odd things."""

from __future__ import annotations

from typing import Annotated

from integritee.frame.declare import Constant, Errors, Events, call, constant, error, event, storage
from integritee.frame.errors import DispatchResult
from integritee.frame.origin import Origin, ensure_none, ensure_root, ensure_signed
from integritee.frame.outer import RuntimeCall
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.balances import Balances
from integritee.frame.pallets.system import RuntimeVersion, System
from integritee.frame.runtime import Runtime, use
from integritee.frame.storage_items import (
    Blake2_128Concat,
    Identity,
    StorageDoubleMap,
    StorageMap,
    StorageValue,
    Twox64Concat,
)
from integritee.frame.weights import DispatchClass, PostInfo, Weight, weight
from integritee.primitives.ids import H256, AccountId
from integritee.scale import Bounded, Compact, u8, u16, u32

ALICE, BOB, CHARLIE = (bytes([i]) * 32 for i in (1, 2, 3))


class Notes(Pallet):
    """Keeps notes."""

    path = "pallet_notes"
    storage_version = 3
    system: System

    count: StorageValue[u32]
    title: StorageValue[str | None]
    limit: StorageValue[u16] = storage(default=7)
    by_author: StorageMap[Blake2_128Concat[AccountId], Annotated[list[u16], Bounded(4, "BoundedVec")]]
    by_number: StorageMap[Twox64Concat[u32], bytes | None] = storage(name="NumberedNotes")
    by_hash: StorageMap[Identity[H256], u8]
    shared: StorageDoubleMap[Twox64Concat[u32], Blake2_128Concat[AccountId], u8 | None]

    max_note_size: Constant[u32] = constant(16)

    class Event(Events):
        Stored = event(0, author=AccountId, size=u32)
        Plain = event(3, u8, u16)
        Tried = event(5, result=DispatchResult)

    class Error(Errors):
        NoteTooLong = error("the note is longer than MaxNoteSize")
        Odd = error("an odd failure", field=u8)

    @call(0, weight=weight(1_000, reads=1, writes=1))
    def store(self, origin: Origin, note: bytes) -> None:
        """Store a note.

        It is kept forever.
        """
        author = ensure_signed(origin)
        number = self.count.mutate(lambda n: n + 1)
        self.by_number.put(number, note)
        self.deposit(self.Event.Stored(author, len(note)))
        if len(note) > self.max_note_size:
            raise self.Error.NoteTooLong()

    @call(
        2,
        weight=lambda self, inner, times: Weight(times * self.runtime.info_of(inner).weight.ref_time),
        dispatch_class=lambda self, inner, times: self.runtime.info_of(inner).class_,
    )
    def repeat(self, origin: Origin, inner: RuntimeCall, times: Compact[u32]) -> PostInfo:
        for _ in range(times):
            self.deposit(self.Event.Tried(self.runtime.try_dispatch(inner, origin)))
        return PostInfo(Weight(5))

    @call(3, weight=weight(0), dispatch_class=DispatchClass.Operational)
    def fail_oddly(self, origin: Origin, from_: u8) -> None:
        """Fail with a payload."""
        ensure_root(origin)
        self.deposit(self.Event.Plain(from_, 2))
        raise self.Error.Odd(bytes([from_]))

    @call(9, weight=weight(0), dispatch_class=DispatchClass.Mandatory)
    def crash(self, origin: Origin) -> None:
        ensure_none(origin)
        self.count.put(99)
        self.deposit(self.Event.Plain(0, 0))
        raise ZeroDivisionError


class DemoRuntime(Runtime):
    name = "demo_runtime"
    pallet_names = {"notes": "NotePad"}

    system = use(0, System, version=RuntimeVersion("demo", "demo", 1, 2, 3, [], 4, 0), ss58_prefix=42)
    balances = use(4, Balances, existential_deposit=500)
    notes = use(9, Notes, max_note_size=8)


class LargerRuntime(DemoRuntime):
    """Inherits its pallets and lists one more."""

    name = "larger_runtime"
    more_notes = use(11, Notes)
