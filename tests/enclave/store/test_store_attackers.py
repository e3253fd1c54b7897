"""The host owns the disk. Each test names what it does to the files and how the store notices."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from integritee.enclave.selftest.damage import flipped
from integritee.enclave.store import StoreError, journal, snapshots
from integritee.enclave.store.errors import (
    HistoryForked,
    JournalBehindSnapshot,
    JournalTampered,
    SealBroken,
    SecretMissing,
    SecretReplayed,
    SegmentMissing,
    SnapshotMissing,
    SnapshotTampered,
    WrongCounter,
    WrongKind,
    WrongLabel,
    WrongVersion,
)
from integritee.enclave.store.seal import header_length
from integritee.enclave.store.segments import segment_name
from integritee.enclave.store.snapshots import snapshot_name

from .faulty_directory import FaultyDirectory
from .machine import KIND, Machine

HEADER = header_length("journal")
HEAD = 8
"""Bytes of a frame before its ciphertext: length and CRC."""

Files = dict[str, bytes]


def frames(data: bytes, label: str = "journal") -> tuple[bytes, list[bytes]]:
    """A file's header and its frames, the first of which is the link or preface."""
    at = header_length(label)
    header, found = data[:at], []
    while at < len(data):
        end = at + HEAD + struct.unpack_from("<I", data, at)[0] + 1
        found.append(data[at:end])
        at = end
    return header, found


def with_frames(files: Files, name: str, change: Callable[[list[bytes]], list[bytes]]) -> None:
    header, found = frames(files[name], name.split("-")[0])
    files[name] = header + b"".join(change(found))


def write(machine: Machine, *payloads: bytes) -> None:
    """One life of the process, hence one segment."""
    store, _ = machine.open()
    for payload in payloads:
        store.append(1, payload)
    store.close()


def swap(files: Files, a: str, b: str) -> None:
    files[a], files[b] = files[b], files[a]


def refused(machine: Machine, directory: FaultyDirectory, files: Files) -> StoreError:
    """The error with which these files are refused; refusing must not change them."""
    directory.put_back(files)
    with pytest.raises(StoreError) as error:
        machine.recovered()
    assert directory.contents() == files
    return error.value


# One segment


FIVE = [b"a" * 40, b"b" * 40, b"c" * 40, b"d" * 40, b"e" * 40]
FIRST = segment_name(1)


@pytest.fixture
def five(machine: Machine, directory: FaultyDirectory) -> Files:
    """A segment of five records of equal length."""
    write(machine, *FIVE)
    return directory.contents()


@pytest.mark.parametrize(
    ("attack", "sequence"),
    [
        pytest.param(lambda f: [f[0], f[2], f[1], *f[3:]], 1, id="swap the first two"),
        pytest.param(lambda f: [*f[:3], f[4], f[3], f[5]], 3, id="swap two in the middle"),
        pytest.param(lambda f: [f[0], *f[2:]], 1, id="drop the first"),
        pytest.param(lambda f: [*f[:3], *f[4:]], 3, id="drop one in the middle"),
        pytest.param(lambda f: [*f[:3], f[2], *f[3:]], 3, id="repeat one"),
        pytest.param(lambda f: [*f, f[5]], 6, id="repeat the last"),
        pytest.param(lambda f: [*f, f[1]], 6, id="replay an old one"),
        pytest.param(lambda f: [*f[:5], f[1]], 5, id="replay an old one as the last"),
        pytest.param(lambda f: [*f, f[0]], 6, id="append the link"),
        pytest.param(lambda f: [f[0], f[0], *f[1:]], 1, id="repeat the link"),
        pytest.param(lambda f: [*f[:3], bytes(len(f[3])), *f[4:]], 3, id="zero one in the middle"),
        pytest.param(lambda f: [*f[:3], f[3][:-17] + bytes(17), *f[4:]], 3, id="zero a tag in the middle"),
        pytest.param(lambda f: [*f[:3], f[3][:-1] + b"\0", *f[4:]], 3, id="zero an end mark in the middle"),
        pytest.param(lambda f: [*f, b"junk" * 20], 6, id="append junk"),
        pytest.param(lambda f: [*f[:3], b"x", *f[3:]], 3, id="insert a byte"),
    ],
)
def test_records_of_a_segment(
    machine: Machine,
    directory: FaultyDirectory,
    five: Files,
    attack: Callable[[list[bytes]], list[bytes]],
    sequence: int,
) -> None:
    with_frames(five, FIRST, attack)
    error = refused(machine, directory, five)
    assert isinstance(error, JournalTampered)
    assert error.sequence == sequence


@pytest.mark.parametrize("bit", [1, 128])
@pytest.mark.parametrize("position", range(HEADER))
def test_flip_a_bit_of_a_header(
    machine: Machine, directory: FaultyDirectory, five: Files, position: int, bit: int
) -> None:
    five[FIRST] = flipped(five[FIRST], position, bit)
    error = refused(machine, directory, five)
    if position == 4:
        assert isinstance(error, WrongVersion)
    elif position == 5:
        assert isinstance(error, WrongKind)
    elif 7 <= position < 14:
        assert isinstance(error, WrongLabel | SealBroken)
    elif 14 <= position < 22:
        assert isinstance(error, WrongCounter)
    else:
        assert isinstance(error, SealBroken)


@pytest.mark.parametrize("record", [1, 3, 5])
@pytest.mark.parametrize(
    "position",
    [
        *[pytest.param(n, id=f"length {n}") for n in range(4)],
        *[pytest.param(n, id=f"crc {n}") for n in range(4, 8)],
        pytest.param(8, id="kind"),
        pytest.param(9, id="first of payload"),
        pytest.param(HEAD + 40, id="last of payload"),
        pytest.param(-17, id="tag"),
        pytest.param(-2, id="last of tag"),
        pytest.param(-1, id="end mark"),
    ],
)
def test_flip_a_bit_of_a_record(
    machine: Machine, directory: FaultyDirectory, five: Files, record: int, position: int
) -> None:
    """Also in the last record: damaged is not unfinished."""
    for bit in (1, 16, 128):
        files = dict(five)
        with_frames(
            files, FIRST, lambda f, bit=bit: [*f[:record], flipped(f[record], position, bit), *f[record + 1 :]]
        )
        error = refused(machine, directory, files)
        assert isinstance(error, JournalTampered)
        assert error.sequence == record


@pytest.mark.parametrize("position", [0, 4, 8, 20, -17, -1])
def test_flip_a_bit_of_the_link(machine: Machine, directory: FaultyDirectory, five: Files, position: int) -> None:
    with_frames(five, FIRST, lambda f: [flipped(f[0], position), *f[1:]])
    assert isinstance(refused(machine, directory, five), SealBroken)


def test_truncating_the_last_record_anywhere_cuts_off_it_alone(
    machine: Machine, directory: FaultyDirectory, five: Files
) -> None:
    whole = five[FIRST]
    last = len(frames(whole)[1][-1])
    for cut in range(1, last + 1):
        for filling in (b"", bytes(cut), bytes(cut + 1000)):
            directory.put_back({FIRST: whole[: len(whole) - cut] + filling})
            store, recovered = machine.open()
            assert [record.payload for record in recovered.records] == FIVE[:4]
            assert recovered.torn == last - cut + len(filling)
            assert store.append(1, b"new") == 5
            store.close()
            assert [payload for _, _, payload in machine.recovered()[1]] == [*FIVE[:4], b"new"]


def test_truncating_the_only_record_or_less_leaves_nothing(machine: Machine, directory: FaultyDirectory) -> None:
    write(machine, b"only")
    whole = directory.contents()[FIRST]
    for length in range(len(whole)):
        for filling in (b"", bytes(len(whole) - length)):
            directory.put_back({FIRST: whole[:length] + filling})
            store, recovered = machine.open()
            assert (recovered.sequence, list(recovered.records)) == (0, [])
            assert directory.names() == []
            store.append(1, b"new")
            store.close()
            assert machine.recovered()[1] == [(1, 1, b"new")]


def test_zeros_behind_a_whole_record_are_room(machine: Machine, directory: FaultyDirectory, five: Files) -> None:
    directory.put_back({FIRST: five[FIRST] + bytes(5000)})
    assert [payload for _, _, payload in machine.recovered()[1]] == FIVE
    assert directory.contents() == five


# Several segments


@pytest.fixture
def three(machine: Machine, directory: FaultyDirectory) -> Files:
    """Segments of records 1-2, 3-4, 5-6."""
    for n in (1, 3, 5):
        write(machine, b"%d" % n, b"%d" % (n + 1))
    return directory.contents()


A, B, C = (segment_name(n) for n in (1, 3, 5))


def test_delete_a_segment(machine: Machine, directory: FaultyDirectory, three: Files) -> None:
    error = refused(machine, directory, {A: three[A], C: three[C]})
    assert isinstance(error, SegmentMissing)
    assert (error.expected, error.found) == (3, 5)


def test_delete_the_first_segments(machine: Machine, directory: FaultyDirectory, three: Files) -> None:
    error = refused(machine, directory, {B: three[B], C: three[C]})
    assert isinstance(error, SnapshotMissing)
    assert (error.expected, error.found) == (2, None)


def test_cutting_off_the_end_can_only_be_noticed_by_the_sequence(
    machine: Machine, directory: FaultyDirectory, three: Files
) -> None:
    directory.put_back({A: three[A], B: three[B]})
    store, recovered = machine.open()
    assert store.sequence == recovered.sequence == 4
    store.close()


def test_swap_two_segments(machine: Machine, directory: FaultyDirectory, three: Files) -> None:
    swap(three, A, B)
    assert isinstance(refused(machine, directory, three), WrongCounter)


def test_move_records_to_another_segment(machine: Machine, directory: FaultyDirectory, three: Files) -> None:
    foreign = frames(three[B])[1][1]
    with_frames(three, A, lambda f: [f[0], f[1], foreign])
    error = refused(machine, directory, three)
    assert isinstance(error, JournalTampered)
    assert error.sequence == 2


@pytest.mark.parametrize("cut", [1, 20])
def test_tear_a_segment_that_is_not_the_last(
    machine: Machine, directory: FaultyDirectory, three: Files, cut: int
) -> None:
    three[B] = three[B][:-cut]
    error = refused(machine, directory, three)
    assert isinstance(error, JournalTampered)
    assert error.sequence == 4


def test_drop_the_last_record_of_a_segment_that_is_not_the_last(
    machine: Machine, directory: FaultyDirectory, three: Files
) -> None:
    with_frames(three, B, lambda f: f[:-1])
    error = refused(machine, directory, three)
    assert isinstance(error, SegmentMissing)
    assert (error.expected, error.found) == (4, 5)


@pytest.mark.parametrize("length", [0, 10, HEADER, HEADER + 20])
def test_empty_a_segment_that_is_not_the_last(
    machine: Machine, directory: FaultyDirectory, three: Files, length: int
) -> None:
    three[B] = three[B][:length]
    assert isinstance(refused(machine, directory, three), SealBroken)


@pytest.fixture
def fork(machine: Machine, directory: FaultyDirectory, three: Files) -> Files:
    """The same number of records in other segments, after the host put back the first of `three`."""
    directory.put_back({A: three[A]})
    write(machine, b"3'", b"4'")
    write(machine, b"5'", b"6'")
    return directory.contents()


def test_mix_two_histories(machine: Machine, directory: FaultyDirectory, three: Files, fork: Files) -> None:
    assert fork[A] == three[A]
    error = refused(machine, directory, {A: three[A], B: three[B], C: fork[C]})
    assert isinstance(error, HistoryForked)
    assert (error.name, error.sequence) == (C, 5)
    assert isinstance(refused(machine, directory, {A: three[A], B: fork[B], C: three[C]}), HistoryForked)


def test_mix_records_of_two_histories(
    machine: Machine, directory: FaultyDirectory, three: Files, fork: Files
) -> None:
    foreign = frames(fork[C])[1][2]
    with_frames(three, C, lambda f: [f[0], f[1], foreign])
    error = refused(machine, directory, three)
    assert isinstance(error, JournalTampered)
    assert error.sequence == 6


def test_mix_two_lives(machine: Machine, directory: FaultyDirectory, three: Files) -> None:
    directory.put_back({})
    for n in (1, 3, 5):
        write(machine, b"%d" % n, b"%d" % (n + 1))
    other = directory.contents()
    for name in (A, B, C):
        assert isinstance(refused(machine, directory, {**three, name: other[name]}), HistoryForked)


def test_overlapping_segments(machine: Machine, directory: FaultyDirectory, three: Files) -> None:
    directory.put_back({A: frames(three[A])[0] + b"".join(frames(three[A])[1][:2])})
    write(machine, b"2'")
    overlap = directory.contents()[segment_name(2)]
    error = refused(machine, directory, {**three, segment_name(2): overlap})
    assert isinstance(error, HistoryForked)
    assert error.sequence == 2


def test_meddling_between_opening_and_reading(
    machine: Machine, directory: FaultyDirectory, three: Files, fork: Files
) -> None:
    directory.put_back(three)
    store, recovered = machine.open()
    for changed, expected in (
        ({**three, C: fork[C]}, HistoryForked),
        ({**three, C: three[C][:-1]}, JournalTampered),
        ({**three, C: flipped(three[C], -30)}, JournalTampered),
        ({**three, C: b""}, SealBroken),
        ({A: three[A]}, StoreError),
    ):
        directory.put_back(changed)
        with pytest.raises(expected):
            list(recovered.records)
    directory.put_back(three)
    assert len(list(recovered.records)) == 6
    store.close()


# Other keys, other kinds


def test_another_key(machine: Machine, directory: FaultyDirectory, three: Files) -> None:
    with pytest.raises(SealBroken) as error:
        machine.open(key=b"k" * 32)
    assert error.value.name == A
    assert directory.contents() == three


def test_another_kind_of_tee(machine: Machine, directory: FaultyDirectory, three: Files) -> None:
    with pytest.raises(WrongKind) as error:
        machine.open(kind=2)
    assert (error.value.expected, error.value.found) == (2, KIND)
    # Claiming the other kind does not help either.
    forged = {name: data[:5] + b"\2" + data[6:] for name, data in three.items()}
    directory.put_back(forged)
    with pytest.raises(SealBroken):
        machine.open(kind=2)


# Snapshots


S1, S2 = snapshot_name(2), snapshot_name(4)


@pytest.fixture
def chunked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "CHUNK", 100)


def state(n: int) -> list[tuple[bytes, bytes]]:
    return [(b"%03d" % k, b"%d" % n * 40) for k in range(20)]


@pytest.fixture
def snapshotted(machine: Machine, directory: FaultyDirectory, chunked: None) -> Files:
    """Records 1-2, snapshot, 3-4, snapshot, 5-6; what the first snapshot makes superfluous is gone."""
    store, _ = machine.open()
    for n in (1, 3, 5):
        store.append(1, b"%d" % n)
        store.append(1, b"%d" % (n + 1))
        if n < 5:
            store.snapshot(state(n), b"meta %d" % n)
    store.close()
    files = directory.contents()
    assert sorted(files) == [B, C, S1, S2]
    return files


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(lambda f: [*f[:1], f[2], f[1], *f[3:]], id="swap chunks"),
        pytest.param(lambda f: [*f[:3], *f[4:]], id="drop a chunk"),
        pytest.param(lambda f: f[:-1], id="drop the last chunk"),
        pytest.param(lambda f: f[:1], id="drop all chunks"),
        pytest.param(lambda f: [*f[:2], f[1], *f[2:]], id="repeat a chunk"),
        pytest.param(lambda f: [*f, f[-1]], id="repeat the last chunk"),
        pytest.param(lambda f: [*f[:-1], f[-1][:-1]], id="tear the last chunk"),
        pytest.param(lambda f: [*f, bytes(100)], id="append zeros"),
        pytest.param(lambda f: [*f[:3], flipped(f[3], 0), *f[4:]], id="flip a length"),
        pytest.param(lambda f: [*f[:3], flipped(f[3], 8), *f[4:]], id="flip a final flag"),
        pytest.param(lambda f: [*f[:3], flipped(f[3], 50), *f[4:]], id="flip an entry"),
        pytest.param(lambda f: [*f[:3], flipped(f[3], -5), *f[4:]], id="flip a tag"),
    ],
)
def test_chunks_of_a_snapshot(
    machine: Machine,
    directory: FaultyDirectory,
    snapshotted: Files,
    attack: Callable[[list[bytes]], list[bytes]],
) -> None:
    intact = dict(snapshotted)
    with_frames(snapshotted, S2, attack)
    error = refused(machine, directory, snapshotted)
    assert isinstance(error, SnapshotTampered)
    assert error.sequence == 4
    # The one before it and the journal still have everything.
    directory.put_back(snapshotted)
    items, records = machine.recovered(repair=True)
    assert items == dict(state(1))
    assert [sequence for sequence, _, _ in records] == [3, 4, 5, 6]
    assert directory.contents() == {name: data for name, data in intact.items() if name != S2}


def test_mix_chunks_of_two_snapshots(machine: Machine, directory: FaultyDirectory, snapshotted: Files) -> None:
    foreign = frames(snapshotted[S1], "snapshot")[1]
    with_frames(snapshotted, S2, lambda f: [*f[:2], foreign[2], *f[3:]])
    assert isinstance(refused(machine, directory, snapshotted), SnapshotTampered)


@pytest.mark.parametrize("position", [0, 5, 20, 33, 40, 60, 70])
def test_flip_a_bit_at_the_beginning_of_a_snapshot(
    machine: Machine, directory: FaultyDirectory, snapshotted: Files, position: int
) -> None:
    snapshotted[S2] = flipped(snapshotted[S2], position)
    assert refused(machine, directory, snapshotted).code.startswith(("store.seal", "store.wrong"))


def test_swap_two_snapshots(machine: Machine, directory: FaultyDirectory, snapshotted: Files) -> None:
    swap(snapshotted, S1, S2)
    assert isinstance(refused(machine, directory, snapshotted), WrongCounter)


def test_a_snapshot_as_a_segment(machine: Machine, directory: FaultyDirectory, snapshotted: Files) -> None:
    snapshotted[C] = snapshotted[S2]
    assert isinstance(refused(machine, directory, snapshotted), WrongLabel)


def test_delete_the_newest_snapshot(machine: Machine, directory: FaultyDirectory, snapshotted: Files) -> None:
    del snapshotted[S2]
    error = refused(machine, directory, snapshotted)
    assert isinstance(error, SnapshotMissing)
    assert (error.expected, error.found) == (4, 2)


def test_delete_all_snapshots(machine: Machine, directory: FaultyDirectory, snapshotted: Files) -> None:
    del snapshotted[S1], snapshotted[S2]
    assert isinstance(refused(machine, directory, snapshotted), SnapshotMissing)
    directory.put_back(snapshotted)
    with pytest.raises(SnapshotMissing):
        machine.open(repair=True)


def test_delete_all_snapshots_before_the_journal_knows_of_them(
    machine: Machine, directory: FaultyDirectory, snapshotted: Files
) -> None:
    files = {B: snapshotted[B]}
    error = refused(machine, directory, files)
    assert isinstance(error, SnapshotMissing)
    assert (error.expected, error.found) == (2, None)


def test_delete_the_older_snapshot_is_harmless(
    machine: Machine, directory: FaultyDirectory, snapshotted: Files
) -> None:
    del snapshotted[S1]
    directory.put_back(snapshotted)
    items, records = machine.recovered()
    assert items == dict(state(3))
    assert [sequence for sequence, _, _ in records] == [5, 6]


def test_delete_the_journal_but_no_snapshot(machine: Machine, directory: FaultyDirectory, snapshotted: Files) -> None:
    error = refused(machine, directory, {S1: snapshotted[S1], S2: snapshotted[S2]})
    assert isinstance(error, JournalBehindSnapshot)
    assert (error.snapshot, error.journal) == (4, 0)


@pytest.mark.parametrize("repair", [False, True])
def test_older_journal_with_newer_snapshot(
    machine: Machine, directory: FaultyDirectory, chunked: None, repair: bool
) -> None:
    store, _ = machine.open()
    store.append(1, b"1")
    store.sync()
    older = directory.contents()
    store.append(1, b"2")
    store.snapshot(state(1))
    store.close()
    directory.put_back({**directory.contents(), FIRST: older[FIRST]})
    with pytest.raises(JournalBehindSnapshot) as error:
        machine.open(repair=repair)
    assert (error.value.snapshot, error.value.journal) == (2, 1)


def test_older_snapshot_with_newer_journal(machine: Machine, directory: FaultyDirectory, snapshotted: Files) -> None:
    directory.put_back(snapshotted)
    store, _ = machine.open()
    store.snapshot(state(5))
    store.append(1, b"7")
    store.close()
    newer = directory.contents()
    del newer[snapshot_name(6)], newer[S2]
    error = refused(machine, directory, {**newer, S1: snapshotted[S1]})
    assert isinstance(error, SegmentMissing)
    assert (error.expected, error.found) == (3, 5)


def test_snapshot_of_another_history(machine: Machine, directory: FaultyDirectory, chunked: None) -> None:
    write(machine, b"1", b"2", b"3")
    store, _ = machine.open()
    store.snapshot(state(1))
    store.close()
    foreign = directory.contents()[snapshot_name(3)]
    directory.put_back({})
    write(machine, b"1", b"2", b"3", b"4")
    files = directory.contents()
    error = refused(machine, directory, {**files, snapshot_name(3): foreign})
    assert isinstance(error, HistoryForked)
    assert (error.name, error.sequence) == (snapshot_name(3), 3)


def test_a_made_up_snapshot(machine: Machine, directory: FaultyDirectory, three: Files) -> None:
    for made_up in (b"", b"ITEE", bytes(1000), three[C]):
        assert isinstance(refused(machine, directory, {**three, snapshot_name(6): made_up}), SealBroken | WrongLabel)


def test_meddling_with_a_snapshot_while_it_is_read(
    machine: Machine, directory: FaultyDirectory, snapshotted: Files
) -> None:
    directory.put_back(snapshotted)
    store, recovered = machine.open()
    assert recovered.snapshot is not None
    directory.put_back({**snapshotted, S2: snapshotted[S1]})
    with pytest.raises(SealBroken):
        list(recovered.snapshot.items())
    store.close()


def test_repair_down_to_the_beginning(machine: Machine, directory: FaultyDirectory, chunked: None) -> None:
    store, _ = machine.open()
    store.append(1, b"1")
    store.snapshot(state(1))
    store.append(1, b"2")
    store.close()
    for damage in (flipped(directory.contents()[snapshot_name(1)], 200), None):
        files = {**directory.contents(), snapshot_name(1): damage}
        directory.put_back({name: data for name, data in files.items() if data is not None})
        store, recovered = machine.open(repair=True)
        assert recovered.snapshot is None
        assert [error.code for error in recovered.damaged] == (["store.snapshot_tampered"] if damage else [])
        assert [record.payload for record in recovered.records] == [b"1", b"2"]
        store.close()
    # Without a new record the journal still expects it.
    assert isinstance(refused(machine, directory, directory.contents()), SnapshotMissing)
    store, _ = machine.open(repair=True)
    store.append(1, b"3")
    store.close()
    assert len(machine.recovered()[1]) == 3


def test_repair_goes_no_further_than_the_journal(
    machine: Machine, directory: FaultyDirectory, snapshotted: Files
) -> None:
    for name in (S1, S2):
        snapshotted[name] = flipped(snapshotted[name], -20)
    directory.put_back(snapshotted)
    with pytest.raises(SnapshotTampered) as error:
        machine.open(repair=True)
    assert error.value.sequence == 4
    assert directory.contents() == snapshotted


def test_repair_of_a_healthy_store_changes_nothing(
    machine: Machine, directory: FaultyDirectory, snapshotted: Files
) -> None:
    assert machine.recovered(repair=True) == machine.recovered()
    assert directory.contents() == snapshotted


# Secrets


@pytest.fixture
def secrets(machine: Machine, directory: FaultyDirectory) -> tuple[Files, Files]:
    """Files before and after the secret "key" was replaced; both times the journal has noted it."""
    store, _ = machine.open()
    store.put_secret("key", b"one")
    store.put_secret("other", b"two")
    store.append(1, b"1")
    store.sync()
    before = directory.contents()
    store.put_secret("key", b"three")
    store.append(1, b"2")
    store.close()
    return before, directory.contents()


def test_put_back_an_old_secret(machine: Machine, directory: FaultyDirectory, secrets: tuple[Files, Files]) -> None:
    before, after = secrets
    error = refused(machine, directory, {**after, "secret-key": before["secret-key"]})
    assert isinstance(error, SecretReplayed)
    assert (error.label, error.expected, error.found) == ("key", 2, 1)


def test_put_back_an_old_secret_while_the_store_is_open(
    machine: Machine, directory: FaultyDirectory, secrets: tuple[Files, Files]
) -> None:
    before, after = secrets
    directory.put_back(after)
    store, _ = machine.open()
    directory.put_back({**after, "secret-key": before["secret-key"]})
    with pytest.raises(SecretReplayed):
        store.get_secret("key")
    directory.put_back({name: data for name, data in after.items() if name != "secret-key"})
    with pytest.raises(SecretMissing):
        store.get_secret("key")
    store.close()


def test_put_in_the_secret_of_another_history(
    machine: Machine, directory: FaultyDirectory, secrets: tuple[Files, Files]
) -> None:
    before, after = secrets
    directory.put_back(before)
    store, _ = machine.open()
    store.put_secret("key", b"other three")
    store.append(1, b"2'")
    store.close()
    error = refused(machine, directory, {**directory.contents(), "secret-key": after["secret-key"]})
    assert isinstance(error, SecretReplayed)
    assert (error.expected, error.found) == (2, 2)


def test_delete_a_secret(machine: Machine, directory: FaultyDirectory, secrets: tuple[Files, Files]) -> None:
    _, after = secrets
    del after["secret-key"]
    error = refused(machine, directory, after)
    assert isinstance(error, SecretMissing)
    assert error.label == "key"


def test_swap_two_secrets(machine: Machine, directory: FaultyDirectory, secrets: tuple[Files, Files]) -> None:
    _, after = secrets
    swap(after, "secret-key", "secret-other")
    assert isinstance(refused(machine, directory, after), WrongLabel)


def test_flip_every_byte_of_a_secret(
    machine: Machine, directory: FaultyDirectory, secrets: tuple[Files, Files]
) -> None:
    _, after = secrets
    intact = after["secret-key"]
    for position in range(len(intact)):
        error = refused(machine, directory, {**after, "secret-key": flipped(intact, position)})
        assert isinstance(error, StoreError)
        assert error.code.startswith(("store.seal", "store.wrong"))
    for length in range(len(intact)):
        error = refused(machine, directory, {**after, "secret-key": intact[:length]})
        assert isinstance(error, SealBroken)


def test_a_snapshot_notes_secrets_too(machine: Machine, directory: FaultyDirectory) -> None:
    store, _ = machine.open()
    store.put_secret("key", b"one")
    before = directory.contents()
    store.append(1, b"1")
    store.put_secret("key", b"two")
    store.snapshot([])
    store.close()
    files = {**directory.contents(), "secret-key": before["secret-key"]}
    assert isinstance(refused(machine, directory, files), SecretReplayed)


def test_a_secret_put_just_before_a_crash_is_there(machine: Machine, directory: FaultyDirectory) -> None:
    store, _ = machine.open()
    store.put_secret("key", b"one")
    store.append(1, b"1")
    store.put_secret("key", b"two")
    directory.reboot()
    store, recovered = machine.open()
    assert store.get_secret("key") == b"two"
    assert recovered.sequence == 1
    store.append(1, b"2")
    store.close()
    store, _ = machine.open()
    assert store.get_secret("key") == b"two"
    store.close()


def test_rotation_is_no_gap_in_the_protection(
    machine: Machine, directory: FaultyDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SEGMENT_BYTES", 1)
    write(machine, b"1", b"2", b"3", b"4")
    files = directory.contents()
    assert len(files) == 4
    for n in (1, 2, 3):
        rest = {name: data for name, data in files.items() if name != segment_name(n)}
        assert isinstance(refused(machine, directory, rest), SegmentMissing | SnapshotMissing)
