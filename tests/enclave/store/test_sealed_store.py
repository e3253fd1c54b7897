"""The store as its caller sees it: what goes in comes out again, limits, refusals, life cycle."""

from __future__ import annotations

import struct
import zlib

import pytest

from integritee.crypto import aead_open, derive_key
from integritee.crypto.errors import InvalidLength
from integritee.enclave.store import erase_history, journal, secrets, segments, snapshots, store
from integritee.enclave.store.errors import (
    DiskFailed,
    InvalidLabel,
    NothingRecorded,
    SnapshotRunning,
    StoreClosed,
    StoreFailed,
    StoreLocked,
    TooLarge,
)

from .faulty_directory import Everything, FaultyDirectory, Names, Nothing, PowerFailure, Survival
from .machine import KIND, SEAL_KEY, Machine, counting_random


def test_a_fresh_store_is_empty_and_leaves_no_file(machine: Machine, directory: FaultyDirectory) -> None:
    opened, recovered = machine.open()
    assert (opened.sequence, opened.synced, recovered.sequence, recovered.torn) == (0, 0, 0, 0)
    assert recovered.snapshot is None and list(recovered.records) == [] and recovered.damaged == ()
    opened.close()
    assert directory.files == {}


def test_records_come_back_in_order(machine: Machine) -> None:
    written = [(n, n % 256, bytes([n % 256]) * n) for n in range(1, 300)]
    opened, _ = machine.open()
    assert [opened.append(kind, payload) for _, kind, payload in written] == list(range(1, 300))
    opened.close()
    assert machine.recovered() == ({}, written)
    assert machine.recovered() == ({}, written)


def test_each_opening_that_appends_begins_a_segment(machine: Machine, directory: FaultyDirectory) -> None:
    for n in range(1, 4):
        opened, recovered = machine.open()
        assert recovered.sequence == n - 1
        assert opened.append(0, b"x") == n
        opened.close()
    assert directory.names() == [segments.segment_name(n) for n in (1, 2, 3)]
    assert [sequence for sequence, _, _ in machine.recovered()[1]] == [1, 2, 3]


def test_records_can_be_iterated_while_the_store_appends(machine: Machine) -> None:
    opened, _ = machine.open()
    opened.append(1, b"one")
    opened.close()
    opened, recovered = machine.open()
    opened.append(1, b"two")
    assert [record.payload for record in recovered.records] == [b"one"]
    assert [record.payload for record in recovered.records] == [b"one"]
    opened.close()


def test_one_sync_serves_many_appends(machine: Machine, directory: FaultyDirectory) -> None:
    opened, _ = machine.open()
    for n in range(50):
        opened.append(0, bytes([n]))
    assert opened.synced == 0
    assert (opened.sync(), opened.sync(), opened.synced) == (50, 50, 50)
    assert directory.syncs == 1
    opened.close()


def test_segments_are_rotated_by_size(
    machine: Machine, directory: FaultyDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SEGMENT_BYTES", 4096)
    opened, _ = machine.open()
    for _ in range(20):
        opened.append(0, bytes(1000))
    opened.close()
    assert len(directory.names()) == 5
    assert len(machine.recovered()[1]) == 20


def test_state_is_snapshot_plus_records(machine: Machine) -> None:
    opened, _ = machine.open()
    opened.append(1, b"before")
    opened.snapshot([(b"k", b"v"), (b"", b""), (b"empty", b"")], b"meta")
    opened.append(1, b"after")
    opened.close()
    opened, recovered = machine.open()
    assert recovered.snapshot is not None
    assert (recovered.snapshot.sequence, recovered.snapshot.meta) == (1, b"meta")
    assert list(recovered.snapshot.items()) == [(b"k", b"v"), (b"", b""), (b"empty", b"")]
    assert [tuple(record) for record in recovered.records] == [(2, 1, b"after")]
    assert recovered.sequence == opened.sequence == 2
    opened.close()


@pytest.mark.parametrize(
    "sizes",
    [
        [],
        [0],
        [snapshots.CHUNK - 9],
        [snapshots.CHUNK - 8],
        [snapshots.CHUNK] * 3,
        [1] * 9000,
        [5_000_000, 3, 2_100_000],
    ],
)
def test_snapshot_entries_of_any_size(machine: Machine, sizes: list[int]) -> None:
    entries = [(b"%d" % n, bytes([n % 251]) * size) for n, size in enumerate(sizes)]
    opened, _ = machine.open()
    opened.append(0, b"")
    opened.snapshot(iter(entries))
    opened.close()
    opened, recovered = machine.open()
    assert recovered.snapshot is not None
    assert list(recovered.snapshot.items()) == entries
    assert all(len(chunk) <= snapshots.CHUNK for chunk in recovered.snapshot.chunks())
    opened.close()


def test_a_snapshot_written_bit_by_bit_between_appends(machine: Machine) -> None:
    opened, _ = machine.open()
    opened.append(0, b"a")
    writer = opened.begin_snapshot(b"m")
    with pytest.raises(SnapshotRunning):
        opened.begin_snapshot()
    for n in range(5):
        writer.write([(b"%d" % n, b"")])
        opened.append(0, b"b")
    writer.finish()
    opened.commit_snapshot(writer)
    opened.close()
    items, records = machine.recovered()
    assert list(items) == [b"0", b"1", b"2", b"3", b"4"]
    assert [sequence for sequence, _, _ in records] == [2, 3, 4, 5, 6]


def test_two_snapshots_are_kept_and_the_journal_since_the_older(machine: Machine, directory: FaultyDirectory) -> None:
    opened, _ = machine.open()
    for n in range(1, 6):
        opened.append(0, b"%d" % n)
        opened.snapshot([(b"n", b"%d" % n)])
    assert directory.names() == [segments.segment_name(5), snapshots.snapshot_name(4), snapshots.snapshot_name(5)]
    opened.append(0, b"6")
    opened.close()
    assert machine.recovered() == ({b"n": b"5"}, [(6, 0, b"6")])


def test_when_a_snapshot_is_due(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "SNAPSHOT_MIN_BYTES", 10_000)
    opened, _ = machine.open()
    untouched = iter([(b"k", b"v")])
    opened.append(0, bytes(9_000))
    assert not opened.maybe_snapshot(untouched)
    opened.append(0, bytes(1_000))
    assert not opened.maybe_snapshot(untouched, size_hint=20_000)
    assert opened.maybe_snapshot(untouched)
    assert not opened.snapshot_due()
    # From now on a snapshot is known to be large.
    opened.append(0, bytes(11_000))
    opened.snapshot([(b"k", bytes(50_000))])
    opened.append(0, bytes(40_000))
    assert not opened.snapshot_due()
    opened.close()
    opened, _ = machine.open()
    assert not opened.snapshot_due()
    opened.append(0, bytes(11_000))
    assert opened.snapshot_due()
    opened.close()


def test_many_restarts_make_a_snapshot_due(machine: Machine) -> None:
    for n in range(store.MAX_SEGMENTS + 1):
        opened, _ = machine.open()
        opened.append(0, b"")
        assert opened.snapshot_due() == (n == store.MAX_SEGMENTS)
        opened.close()


def test_a_failing_source_of_entries_leaves_no_trace(machine: Machine, directory: FaultyDirectory) -> None:
    def entries():
        yield b"k", b"v"
        raise LookupError

    opened, _ = machine.open()
    opened.append(0, b"a")
    before = directory.contents()
    with pytest.raises(LookupError):
        opened.snapshot(entries())
    assert directory.contents() == before
    opened.append(0, b"b")
    opened.snapshot([])
    opened.close()
    assert machine.recovered() == ({}, [])


def test_a_snapshot_needs_a_record(machine: Machine) -> None:
    opened, _ = machine.open()
    with pytest.raises(NothingRecorded):
        opened.begin_snapshot()
    opened.close()


def test_closing_abandons_a_running_snapshot(machine: Machine, directory: FaultyDirectory) -> None:
    opened, _ = machine.open()
    opened.append(0, b"a")
    opened.begin_snapshot()
    opened.close()
    assert directory.names() == [segments.segment_name(1)]


def test_secrets(machine: Machine) -> None:
    opened, _ = machine.open()
    assert opened.get_secret("signing") is None
    opened.put_secret("signing", b"seed one")
    opened.put_secret("shielding", b"{}")
    opened.append(0, b"")
    opened.put_secret("signing", b"seed two")
    assert opened.get_secret("signing") == b"seed two"
    opened.close()
    opened, _ = machine.open()
    assert opened.get_secret("signing") == b"seed two"
    assert opened.get_secret("shielding") == b"{}"
    assert opened.get_secret("other") is None
    opened.close()


def test_nothing_is_readable_on_disk(machine: Machine, directory: FaultyDirectory) -> None:
    opened, _ = machine.open()
    opened.put_secret("key", b"PLAINTEXT-1")
    opened.append(7, b"PLAINTEXT-2")
    opened.snapshot([(b"PLAINTEXT-3", b"PLAINTEXT-4")], b"PLAINTEXT-5")
    opened.close()
    assert len(directory.files) == 3
    assert all(b"PLAINTEXT" not in data for data in directory.contents().values())


def test_equal_contents_look_different(machine: Machine, directory: FaultyDirectory) -> None:
    """Whatever the host puts back, nothing is ever sealed twice with one key and nonce."""
    seen = set()
    for _ in range(5):
        directory.put_back({})
        opened, _ = machine.open()
        opened.append(0, b"the same")
        opened.put_secret("key", b"the same")
        opened.close()
        seen |= {data[-17:] for data in directory.contents().values()}
    assert len(seen) == 10


@pytest.mark.parametrize(
    ("limit", "act"),
    [
        ((segments, "MAX_RECORD"), lambda opened, n: opened.append(0, bytes(n))),
        ((snapshots, "MAX_META"), lambda opened, n: opened.snapshot([], bytes(n))),
        ((snapshots, "MAX_ENTRY"), lambda opened, n: opened.snapshot([(b"k", bytes(n - 1))])),
        ((secrets, "MAX_SECRET"), lambda opened, n: opened.put_secret("s", bytes(n))),
    ],
)
def test_limits(machine: Machine, monkeypatch: pytest.MonkeyPatch, limit, act) -> None:
    monkeypatch.setattr(*limit, 100)
    if limit[1] == "MAX_RECORD":
        monkeypatch.setattr(journal, "MAX_RECORD", 100)
    opened, _ = machine.open()
    opened.append(0, b"")
    act(opened, 100)
    with pytest.raises(TooLarge) as refused:
        act(opened, 101)
    assert (refused.value.limit, refused.value.found) == (100, 101)
    opened.append(0, b"")
    opened.close()
    machine.recovered()


def test_largest_payload_is_readable(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (journal, segments):
        monkeypatch.setattr(module, "MAX_RECORD", 1 << 20)
    opened, _ = machine.open()
    opened.append(0, bytes(1 << 20))
    opened.append(0, b"next")
    opened.close()
    assert [len(payload) for _, _, payload in machine.recovered()[1]] == [1 << 20, 4]


def test_number_of_secrets_is_limited(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "MAX_SECRETS", 2)
    opened, _ = machine.open()
    opened.put_secret("a", b"")
    opened.put_secret("b", b"")
    opened.put_secret("b", b"again")
    with pytest.raises(TooLarge):
        opened.put_secret("c", b"")
    opened.close()


@pytest.mark.parametrize("label", ["", "a" * 25, "../up", "UPPER", "a/b", "a.tmp", "ä", "a\n"])
def test_labels_are_plain(machine: Machine, label: str) -> None:
    opened, _ = machine.open()
    with pytest.raises(InvalidLabel):
        opened.put_secret(label, b"")
    with pytest.raises(InvalidLabel):
        opened.get_secret(label)
    opened.close()


def test_all_64_secrets_fit_into_a_segments_link(machine: Machine) -> None:
    opened, _ = machine.open()
    for n in range(secrets.MAX_SECRETS):
        opened.put_secret(f"{n:024}", b"%d" % n)
    opened.append(0, b"")
    opened.snapshot([])
    opened.append(0, b"")
    opened.close()
    opened, _ = machine.open()
    assert opened.get_secret(f"{63:024}") == b"63"
    opened.close()


def test_a_closed_store_refuses(machine: Machine) -> None:
    opened, _ = machine.open()
    opened.close()
    opened.close()
    for act in (
        lambda: opened.append(0, b""),
        opened.sync,
        lambda: opened.put_secret("a", b""),
        lambda: opened.get_secret("a"),
        opened.begin_snapshot,
    ):
        with pytest.raises(StoreClosed):
            act()


def test_the_lock(machine: Machine) -> None:
    opened, _ = machine.open()
    with pytest.raises(StoreLocked):
        machine.open()
    opened.close()
    machine.open()[0].close()


def test_a_failed_opening_releases_the_lock(machine: Machine, directory: FaultyDirectory) -> None:
    opened, _ = machine.open()
    opened.append(0, b"")
    opened.close()
    with pytest.raises(InvalidLength):
        machine.open(key=bytes(16))
    directory.fail_at, directory.breaks_with = 0, DiskFailed
    with pytest.raises(DiskFailed):
        machine.open()
    machine.open()[0].close()


@pytest.mark.parametrize("after", range(4))
def test_after_a_failed_write_only_reopening_helps(machine: Machine, directory: FaultyDirectory, after: int) -> None:
    """Operations: create segment, write link, sync directory, write record."""
    directory.breaks_with = DiskFailed
    opened, _ = machine.open()
    directory.fail_at = after
    with pytest.raises(DiskFailed):
        opened.append(0, b"lost")
    for act in (lambda: opened.append(0, b""), opened.sync, lambda: opened.put_secret("s", b"")):
        with pytest.raises(StoreFailed):
            act()
    opened.close()
    opened, recovered = machine.open()
    assert list(recovered.records) == []
    assert opened.append(0, b"written") == 1
    opened.close()
    assert machine.recovered()[1] == [(1, 0, b"written")]


def test_a_failed_sync_is_not_tried_again(machine: Machine, directory: FaultyDirectory) -> None:
    opened, _ = machine.open()
    opened.append(0, b"")
    directory.fail_at, directory.breaks_with = 0, DiskFailed
    with pytest.raises(DiskFailed):
        opened.sync()
    with pytest.raises(StoreFailed):
        opened.sync()
    assert opened.synced == 0
    opened.close()


def test_leftovers_are_removed_and_strange_files_left_alone(machine: Machine, directory: FaultyDirectory) -> None:
    directory.put_back({"snapshot-00000000000000000007.tmp": b"half", "README": b"hello", "journal-1": b"?"})
    machine.open()[0].close()
    assert directory.names() == ["README", "journal-1"]


def test_what_a_killed_process_wrote_is_made_durable_before_it_is_built_upon(
    machine: Machine, directory: FaultyDirectory
) -> None:
    opened, _ = machine.open()
    opened.append(0, b"one")
    opened.sync()
    opened.append(0, b"two")
    # The process dies, the machine lives on: the written bytes are there though never synced.
    directory.unlock()
    opened, _ = machine.open()
    opened.append(0, b"three")
    opened.sync()
    directory.reboot()
    assert [payload for _, _, payload in machine.recovered()[1]] == [b"one", b"two", b"three"]


def test_snapshots_and_secrets_are_durable_at_once(machine: Machine, directory: FaultyDirectory) -> None:
    opened, _ = machine.open()
    opened.append(0, b"one")
    opened.snapshot([(b"k", b"v")])
    directory.reboot()
    opened, recovered = machine.open()
    assert recovered.snapshot is not None
    opened.put_secret("key", b"secret")
    directory.reboot()
    opened, _ = machine.open()
    assert opened.get_secret("key") == b"secret"
    opened.close()


def test_what_is_recovered_from_a_killed_process_stays(machine: Machine, directory: FaultyDirectory) -> None:
    opened, _ = machine.open()
    directory.fail_at, directory.breaks_with = 4, DiskFailed
    with pytest.raises(DiskFailed):
        # Killed after create, append, sync and rename, before the directory is synced.
        opened.put_secret("key", b"secret")
    directory.unlock()
    for _ in range(2):
        opened, _ = machine.open()
        assert opened.get_secret("key") == b"secret"
        directory.reboot()


def test_secrets_appear_in_no_repr_and_no_error(machine: Machine, directory: FaultyDirectory) -> None:
    opened, recovered = machine.open()
    opened.append(0, b"x")
    opened.close()
    texts = [repr(opened), repr(recovered), repr(vars(opened))]
    with pytest.raises(Exception) as refused:
        machine.open(key=b"K" * 32)
    texts.append(str(refused.value) + repr(refused.value.data()))
    assert not any(secret in text for text in texts for secret in (repr(SEAL_KEY)[2:-1], "KKKK"))


def test_the_format_is_as_documented(machine: Machine, directory: FaultyDirectory) -> None:
    """Whoever changes this must raise the version: sealed files outlive the code."""
    opened, _ = machine.open()
    opened.append(7, b"payload")
    opened.close()
    data = directory.contents()["journal-00000000000000000001"]
    salt = counting_random()(16)
    header = b"ITEE" + bytes([1, KIND, 7 << 2]) + b"journal" + (1).to_bytes(8, "little") + salt
    assert data[:38] == header
    key = derive_key(SEAL_KEY, b"integritee/store/journal", salt)
    at, previous, messages = 38, bytes(16), []
    while at < len(data):
        length, check = struct.unpack_from("<II", data, at)
        assert check == zlib.crc32(data[at : at + 4])
        sealed = data[at + 8 : at + 8 + length]
        nonce = len(messages).to_bytes(12, "little")
        messages.append(aead_open(key, nonce, sealed, header + previous))
        at, previous = at + 8 + length + 1, sealed[-16:]
        assert data[at - 1] == 0xED
    assert messages == [bytes(16) + b"\0" + b"\0", b"\7payload"]


@pytest.mark.parametrize("at", range(4))
def test_a_snapshot_that_cannot_be_committed(machine: Machine, directory: FaultyDirectory, at: int) -> None:
    """Operations: rename, sync directory, remove the oldest snapshot, remove a segment."""
    opened, _ = machine.open()
    for n in range(1, 3):
        opened.append(0, b"")
        opened.snapshot([(b"n", b"%d" % n)])
    opened.append(0, b"")
    writer = opened.begin_snapshot()
    writer.write([(b"n", b"3")])
    writer.finish()
    directory.breaks_with, directory.fail_at = DiskFailed, at
    with pytest.raises(DiskFailed):
        opened.commit_snapshot(writer)
    opened.abandon_snapshot(writer)
    assert not [name for name in directory.names() if name.endswith(".tmp")]
    opened.append(0, b"4")
    opened.close()
    items, records = machine.recovered()
    assert (items, len(records)) == (({b"n": b"2"}, 2) if at == 0 else ({b"n": b"3"}, 1))


@pytest.mark.parametrize("survival", [Nothing, Everything, Names])
@pytest.mark.parametrize("at", [0, 1, 2, 3, None])
def test_erasing_the_history_keeps_the_secrets(
    machine: Machine, directory: FaultyDirectory, at: int | None, survival: type[Survival]
) -> None:
    opened, _ = machine.open()
    opened.put_secret("key", b"secret")
    opened.append(0, b"one")
    opened.snapshot([])
    opened.append(0, b"two")
    opened.close()
    directory.fail_at = at
    if at is not None:
        with pytest.raises(PowerFailure):
            erase_history(directory)
        directory.reboot(survival())
    erase_history(directory)
    assert directory.names() == ["secret-key"]
    opened, recovered = machine.open()
    assert (recovered.sequence, opened.get_secret("key")) == (0, b"secret")
    with pytest.raises(StoreLocked):
        erase_history(directory)
    assert opened.append(0, b"new") == 1
    opened.close()
    assert machine.recovered()[1] == [(1, 0, b"new")]
