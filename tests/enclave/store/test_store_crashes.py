"""Power failures: at every operation of a long scenario, and wherever Hypothesis wants them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from integritee.enclave.store import Recovered, SealedStore, journal, snapshots, store
from integritee.enclave.store.errors import DiskFailed, StoreError

from .faulty_directory import Chance, Everything, FaultyDirectory, Names, Nothing, PowerFailure, Survival, Zeros
from .machine import Machine

State = dict[bytes, bytes]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rotation and chunking happen within a few records."""
    monkeypatch.setattr(journal, "SEGMENT_BYTES", 500)
    monkeypatch.setattr(snapshots, "CHUNK", 64)
    monkeypatch.setattr(store, "SNAPSHOT_MIN_BYTES", 600)


def payload(n: int) -> bytes:
    """The n-th record ever tried; sets one of seven keys. Lengths vary."""
    return b"%d=%d;" % (n % 7, n) + b"." * (n * 13 % 90)


def apply(state: State, data: bytes) -> None:
    key, value = data.split(b";")[0].split(b"=")
    state[key] = value


def state_after(records: list[bytes]) -> State:
    state: State = {}
    for data in records:
        apply(state, data)
    return state


class Ledger:
    """A caller of the store, and what it may rely on."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.records: list[bytes] = []
        """Appended, or in the middle of it: all that can be there."""
        self.acknowledged = 0
        self.tried = 0
        self.secret: set[bytes | None] = {None}
        """What the secret may be."""
        self.store: SealedStore | None = None

    def open(self) -> None:
        self.store, recovered = self.machine.open()
        self.check(recovered)

    def check(self, recovered: Recovered) -> None:
        """Everything acknowledged is there, nothing is doubled, made up or out of order."""
        assert self.store is not None
        assert self.store.sequence == self.store.synced == recovered.sequence
        assert self.acknowledged <= recovered.sequence <= len(self.records)
        del self.records[recovered.sequence :]
        covered = 0
        state: State = {}
        if recovered.snapshot is not None:
            covered = recovered.snapshot.sequence
            assert recovered.snapshot.meta == b"meta %d" % covered
            state = dict(recovered.snapshot.items())
            assert state == state_after(self.records[:covered])
        replayed = list(recovered.records)
        assert [record.sequence for record in replayed] == list(range(covered + 1, recovered.sequence + 1))
        assert [record.payload for record in replayed] == self.records[covered:]
        assert all(record.kind == record.sequence % 256 for record in replayed)
        found = self.store.get_secret("secret")
        assert found in self.secret
        self.secret = {found}
        self.acknowledged = recovered.sequence

    def append(self) -> None:
        assert self.store is not None
        self.tried += 1
        self.records.append(payload(self.tried))
        n = len(self.records)
        assert self.store.append(n % 256, self.records[-1]) == n

    def sync(self) -> None:
        assert self.store is not None
        self.acknowledged = self.store.sync()
        assert self.acknowledged == len(self.records)

    def snapshot(self, only_if_due: bool) -> None:
        assert self.store is not None
        items, meta = sorted(state_after(self.records).items()), b"meta %d" % len(self.records)
        if only_if_due:
            self.store.maybe_snapshot(items, meta)
        elif self.records:
            self.store.snapshot(items, meta)

    def put_secret(self, data: bytes) -> None:
        assert self.store is not None
        self.secret.add(data)
        self.store.put_secret("secret", data)
        self.secret = {data}

    def close(self) -> None:
        assert self.store is not None
        self.store.close()
        self.acknowledged = len(self.records)
        self.store = None


def scenario(ledger: Ledger) -> Iterator[None]:
    """Two lives with everything in them, a step at a time."""
    for life in range(2):
        ledger.open()
        yield
        ledger.put_secret(b"secret %d" % life)
        for n in range(24):
            ledger.append()
            if n % 3 == 2:
                ledger.sync()
            if n % 4 == 3:
                ledger.snapshot(only_if_due=n % 8 == 3)
            yield
        ledger.put_secret(b"another %d" % life)
        ledger.append()
        ledger.close()
        yield


def operations() -> int:
    directory = FaultyDirectory()
    for _ in scenario(Ledger(Machine(directory))):
        pass
    return directory.operations


def crash(at: int, survival: Survival, twice: int | None = None) -> None:
    """Run until operation `at`, lose power, recover (losing power again at operation `twice` of it), go on."""
    directory = FaultyDirectory()
    ledger = Ledger(Machine(directory))
    directory.survival, directory.fail_at = survival, at
    with pytest.raises(PowerFailure):
        for _ in scenario(ledger):
            pass
    directory.reboot()
    if twice is not None:
        directory.fail_at = twice
        try:
            ledger.open()
            ledger.append()
            ledger.sync()
        except PowerFailure:
            pass
        directory.reboot()
    ledger.open()
    for _ in range(5):
        ledger.append()
    ledger.snapshot(only_if_due=False)
    ledger.append()
    ledger.close()
    ledger.open()


SURVIVALS = {
    "nothing": Nothing,
    "everything": Everything,
    "names": Names,
    "zeros": Zeros,
    "chance 1": lambda: Chance(1),
    "chance 2": lambda: Chance(2),
    "chance 3": lambda: Chance(3),
}


@pytest.mark.parametrize("survival", SURVIVALS)
def test_crash_at_every_operation(survival: str) -> None:
    count = operations()
    assert count > 150
    for at in range(count):
        crash(at, SURVIVALS[survival]())


@pytest.mark.parametrize("twice", range(6))
def test_crash_again_while_recovering(twice: int) -> None:
    for at in range(twice, operations(), 5):
        crash(at, Chance(at), twice)


@pytest.mark.parametrize("at", range(0, 150, 3))
def test_disk_error_at_any_operation(at: int) -> None:
    """The store refuses to go on rather than to lose something; reopening tells what is there."""
    directory = FaultyDirectory()
    ledger = Ledger(Machine(directory))
    directory.breaks_with, directory.fail_at = DiskFailed, at
    with pytest.raises(StoreError):
        for _ in scenario(ledger):
            pass
    if ledger.store is not None:
        ledger.store.close()
    ledger.open()
    ledger.append()
    ledger.close()
    ledger.open()


class StoreMachine(RuleBasedStateMachine):
    """Any sequence of uses and failures against the model in `Ledger`."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = FaultyDirectory()
        self.ledger = Ledger(Machine(self.directory))
        self.ledger.open()

    is_open = precondition(lambda self: self.ledger.store is not None)
    is_closed = precondition(lambda self: self.ledger.store is None)

    @is_open
    @rule(count=st.integers(1, 12))
    def append(self, count: int) -> None:
        for _ in range(count):
            self.ledger.append()

    @is_open
    @rule()
    def sync(self) -> None:
        self.ledger.sync()

    @is_open
    @rule(only_if_due=st.booleans())
    def snapshot(self, only_if_due: bool) -> None:
        self.ledger.snapshot(only_if_due)

    @is_open
    @rule(data=st.binary(max_size=20))
    def put_secret(self, data: bytes) -> None:
        self.ledger.put_secret(data)

    @is_open
    @rule()
    def close(self) -> None:
        self.ledger.close()

    @is_closed
    @rule()
    def reopen(self) -> None:
        self.ledger.open()

    @is_open
    @rule()
    def kill(self) -> None:
        """The process dies, the machine does not."""
        self.directory.unlock()
        self.ledger.store = None

    @rule(seed=st.integers(0, 1 << 32))
    def lose_power(self, seed: int) -> None:
        self.directory.reboot(Chance(seed))
        self.ledger.store = None

    @rule(after=st.integers(0, 12), seed=st.integers(0, 1 << 32))
    def lose_power_in_the_middle(self, after: int, seed: int) -> None:
        self.directory.fail_at = after
        try:
            if self.ledger.store is None:
                self.ledger.open()
            self.ledger.put_secret(b"%d" % seed)
            self.ledger.append()
            self.ledger.sync()
            self.ledger.snapshot(only_if_due=False)
        except PowerFailure:
            pass
        self.directory.reboot(Chance(seed))
        self.ledger.store = None

    @is_open
    @rule(after=st.integers(0, 8))
    def disk_error(self, after: int) -> None:
        self.directory.breaks_with, self.directory.fail_at = DiskFailed, after
        try:
            self.ledger.append()
            self.ledger.sync()
            self.ledger.snapshot(only_if_due=False)
        except StoreError:
            self.ledger.store.close()  # type: ignore[union-attr]
            self.ledger.store = None
        self.directory.breaks_with, self.directory.fail_at = PowerFailure, None

    @invariant()
    def disk_is_bounded(self) -> None:
        """Two snapshots, and a journal that snapshots keep short."""
        names = [name for name in self.directory.names() if name.startswith("snapshot-")]
        assert len([name for name in names if not name.endswith(".tmp")]) <= 3

    def teardown(self) -> None:
        if self.ledger.store is None:
            self.ledger.open()
        self.ledger.close()


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
