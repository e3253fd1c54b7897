"""The file with a simulated machine's secret."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from integritee.enclave.attestation import load_or_create_root
from integritee.enclave.attestation.errors import SealRootUnusable

ROOT = bytes(range(32))


def fixed(length: int) -> bytes:
    return ROOT[:length]


def never(length: int) -> bytes:
    raise AssertionError("an existing root must not be drawn anew")


def names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "seal_root"


def test_created_once_then_loaded(path: Path) -> None:
    assert load_or_create_root(path, fixed) == ROOT
    assert load_or_create_root(path, never) == ROOT
    assert path.read_bytes() == ROOT
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(path.parent) == [path.name]


def test_roots_are_random_by_default(tmp_path: Path) -> None:
    assert load_or_create_root(tmp_path / "a") != load_or_create_root(tmp_path / "b")


def test_leftover_of_a_crash_does_not_matter(path: Path) -> None:
    leftover = path.with_name(f".{path.name}.{os.getpid()}")
    leftover.write_bytes(ROOT[:7])
    assert load_or_create_root(path, fixed) == ROOT
    assert not leftover.exists()


def test_other_process_wins_the_race(path: Path) -> None:
    def slow(length: int) -> bytes:
        load_or_create_root(path, fixed)
        return b"\xff" * length

    assert load_or_create_root(path, slow) == ROOT
    assert names(path.parent) == [path.name]


def test_failed_write_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        load_or_create_root(path, fixed)
    assert names(path.parent) == []


def shared(path: Path) -> None:
    path.write_bytes(ROOT)
    path.chmod(0o640)


def short(path: Path) -> None:
    path.touch(mode=0o600)


def long(path: Path) -> None:
    path.touch(mode=0o600)
    path.write_bytes(bytes(33))


def link(path: Path) -> None:
    target = path.with_name("target")
    target.touch(mode=0o600)
    target.write_bytes(ROOT)
    path.symlink_to(target)


def directory(path: Path) -> None:
    path.mkdir(mode=0o700)


def fifo(path: Path) -> None:
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize("spoil", [shared, short, long, link, directory, fifo])
def test_anything_else_is_refused(path: Path, spoil: Callable[[Path], None]) -> None:
    spoil(path)
    with pytest.raises(SealRootUnusable) as refusal:
        load_or_create_root(path, never)
    assert refusal.value.code == "attestation.seal_root"
    assert ROOT.hex() not in str(refusal.value.data())
