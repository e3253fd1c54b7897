"""The real directory: permissions, lock, hostile file types, a process killed in the middle of writing."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from integritee.enclave.store import DiskDirectory, SealedStore, files
from integritee.enclave.store.errors import DiskFailed, FileMissing, StoreLocked, TooLarge
from integritee.enclave.store.files import write_atomic

from .machine import SEAL_KEY, Machine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "enclave"


@pytest.fixture
def disk(path: Path) -> DiskDirectory:
    directory = DiskDirectory(path)
    directory.lock()
    return directory


def test_a_life_on_disk(path: Path) -> None:
    machine = Machine(DiskDirectory(path))
    store, _ = machine.open()
    store.put_secret("signing", b"seed")
    for n in range(1, 101):
        store.append(1, b"%d" % n * 100)
    store.snapshot([(b"%d" % n, bytes(1000)) for n in range(3000)], b"meta")
    store.append(2, b"after")
    store.close()
    store, recovered = machine.open()
    assert recovered.snapshot is not None
    assert dict(recovered.snapshot.items()) == {b"%d" % n: bytes(1000) for n in range(3000)}
    assert [tuple(record) for record in recovered.records] == [(101, 2, b"after")]
    assert store.get_secret("signing") == b"seed"
    store.close()


def test_only_the_owner_may_read(path: Path, disk: DiskDirectory) -> None:
    write_atomic(disk, "a", b"x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((path / "a").stat().st_mode) == 0o600


def test_files(disk: DiskDirectory) -> None:
    file = disk.create("a")
    file.append(b"hello ")
    file.append(b"world")
    file.sync()
    file.close()
    assert (disk.size("a"), disk.read("a", 6, 100), disk.read("a", 0, 5)) == (11, b"world", b"hello")
    assert disk.read("a", 100, 5) == b""
    disk.truncate("a", 5)
    disk.rename("a", "b")
    disk.create("c").close()
    assert disk.names() == ["b", "c", "lock"]
    disk.remove("c")
    disk.create("b").close()
    assert (disk.names(), disk.size("b")) == (["b", "lock"], 0)
    disk.sync()


def test_missing_files(disk: DiskDirectory) -> None:
    for act in (
        lambda: disk.size("x"),
        lambda: disk.read("x", 0, 1),
        lambda: disk.truncate("x", 0),
        lambda: disk.rename("x", "y"),
        lambda: disk.remove("x"),
    ):
        with pytest.raises(FileMissing) as error:
            act()
        assert error.value.name == "x"


def test_links_pipes_and_directories_are_refused(path: Path, disk: DiskDirectory, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"x")
    (path / "link").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(path / "pipe")
    (path / "folder").mkdir()
    for name in ("link", "pipe", "folder"):
        with pytest.raises(DiskFailed):
            disk.read(name, 0, 1)
        with pytest.raises(DiskFailed):
            disk.create(name)
    assert (tmp_path / "elsewhere").read_bytes() == b"x"


def test_too_many_files(disk: DiskDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILES", 3)
    for name in ("a", "b"):
        disk.create(name).close()
    assert len(disk.names()) == 3
    disk.create("c").close()
    with pytest.raises(TooLarge):
        disk.names()


def test_short_writes_are_continued(disk: DiskDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    file = disk.create("a")
    file.append(b"0123456789")
    file.close()
    assert disk.read("a", 0, 20) == b"0123456789"


@pytest.mark.parametrize(("call", "act"), [("write", "append"), ("fdatasync", "sync")])
def test_system_errors_are_named(disk: DiskDirectory, monkeypatch: pytest.MonkeyPatch, call: str, act: str) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space")

    file = disk.create("a")
    monkeypatch.setattr(os, call, full)
    with pytest.raises(DiskFailed) as error:
        file.append(b"x") if act == "append" else file.sync()
    assert (error.value.errno, error.value.name) == (errno.ENOSPC, "a")
    file.close()


def test_the_lock_excludes_other_openings(path: Path) -> None:
    machine = Machine(DiskDirectory(path))
    store, _ = machine.open()
    with pytest.raises(StoreLocked) as error:
        SealedStore.open(DiskDirectory(path), SEAL_KEY, 1)
    assert error.value.path == str(path)
    store.close()
    SealedStore.open(DiskDirectory(path), SEAL_KEY, 1)[0].close()


WRITER = """
import sys
from pathlib import Path
from integritee.enclave.store import DiskDirectory, SealedStore

store, recovered = SealedStore.open(DiskDirectory(Path(sys.argv[1])), bytes(range(32)), 1)
while True:
    for _ in range(3):
        sequence = store.append(1, b"%d" % (store.sequence + 1) * 200)
    store.sync()
    if sequence % 60 == 0:
        store.snapshot([(b"covers", b"%d" % sequence)])
    print(sequence, flush=True)
"""


def test_a_killed_process_loses_nothing_acknowledged_and_leaves_no_lock(path: Path) -> None:
    acknowledged = 0
    for life in range(3):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        for _ in range(25 + life):
            acknowledged = int(process.stdout.readline())
        with pytest.raises(StoreLocked):
            SealedStore.open(DiskDirectory(path), SEAL_KEY, 1)
        process.send_signal(signal.SIGKILL)
        acknowledged = max([acknowledged, *map(int, process.stdout.read().split(b"\n")[:-1])])
        process.wait()
        process.stdout.close()
        store, recovered = SealedStore.open(DiskDirectory(path), SEAL_KEY, 1)
        assert recovered.sequence >= acknowledged
        covered = int(dict(recovered.snapshot.items())[b"covers"]) if recovered.snapshot else 0
        assert [record.sequence for record in recovered.records] == list(range(covered + 1, recovered.sequence + 1))
        assert all(record.payload == b"%d" % record.sequence * 200 for record in recovered.records)
        store.close()


def test_group_commit_from_another_thread(path: Path) -> None:
    """Appending goes on while syncs run; a sync promises what was appended before it."""
    machine = Machine(DiskDirectory(path))
    store, _ = machine.open()
    stop = threading.Event()
    failures: list[BaseException] = []

    def commit() -> None:
        try:
            while not stop.is_set():
                before = store.sequence
                assert before <= store.sync() <= store.sequence
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=commit)
    thread.start()
    for n in range(2000):
        store.append(0, b"%d" % n)
        if n % 500 == 250:
            store.snapshot([])
    stop.set()
    thread.join()
    assert failures == []
    assert store.sync() == 2000
    store.close()
    assert [payload for _, _, payload in machine.recovered()[1]] == [b"%d" % n for n in range(1751, 2000)]
