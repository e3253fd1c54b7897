"""Examining sealed state: what is wrong is named, nothing is changed; a repair mends what loses no record."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from integritee.boundary.messages import Examination, Examine, LedgerChoice, SealedPlace
from integritee.enclave.bootstrap import SEAL_ROOT_FILE, STORE_DIRECTORY
from integritee.enclave.recovery.examination import examine
from integritee.enclave.recovery.place import place_of
from integritee.enclave.selftest.damage import flipped
from integritee.enclave.store.segments import is_segment
from integritee.enclave.store.snapshots import is_snapshot

from .conftest import SHARD, make_shard, measurement_of, open_core, sealed_place


def content(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def look(directory: Path, *, repair: bool = False) -> Examination:
    return examine(Examine(sealed_place(directory), repair))


def sealed(directory: Path, of: Callable[[str], bool]) -> list[Path]:
    return sorted(path for path in (directory / STORE_DIRECTORY).iterdir() if of(path.name))


def flip(path: Path, at: int = -40) -> None:
    path.write_bytes(flipped(path.read_bytes(), at))


def lose_journal(directory: Path) -> None:
    for path in sealed(directory, is_segment):
        path.unlink()


def lose_snapshot(directory: Path) -> None:
    sealed(directory, is_snapshot)[-1].unlink()


def damage_snapshot(directory: Path) -> None:
    flip(sealed(directory, is_snapshot)[-1])


def tear(directory: Path) -> None:
    newest = sealed(directory, is_segment)[-1]
    newest.write_bytes(newest.read_bytes()[:-1])


def test_a_healthy_directory(make: Callable[..., Path]) -> None:
    directory = make(snapshots=1)
    before = content(directory)
    found = look(directory)
    assert content(directory) == before
    assert (found.fingerprint, found.kind, found.kinds) == (
        measurement_of(sealed_place(directory)),
        "simulation",
        ["simulation"],
    )
    assert (found.exists, found.shard, found.sequence, found.snapshot) == (True, SHARD, 2, 1)
    assert (found.torn, found.temporary_files, found.observations) == (0, 0, [])
    assert found.files == len(sealed(directory, lambda name: True))


def test_no_directory_is_none(tmp_path: Path) -> None:
    found = look(tmp_path / "nothing")
    assert (found.exists, found.observations) == (False, [])
    assert not (tmp_path / "nothing").exists()


DAMAGES: dict[str, tuple[Callable[[Path], None], str, bool]] = {
    "a key altered": (lambda d: flip(d / "enclave" / "secret-state-key"), "store.seal_broken", False),
    "a key gone": (lambda d: (d / "enclave" / "secret-state-key").unlink(), "store.secret_missing", False),
    "the journal altered": (lambda d: flip(sealed(d, is_segment)[0], -5), "store.journal_tampered", False),
    "the journal gone": (lose_journal, "store.journal_behind_snapshot", False),
    "the newest snapshot gone": (lose_snapshot, "store.snapshot_missing", True),
    "the newest snapshot altered": (damage_snapshot, "store.snapshot_tampered", True),
    "its header altered": (lambda d: flip(sealed(d, is_snapshot)[-1], 20), "store.wrong_counter", True),
    "the seal root gone": (lambda d: (d / SEAL_ROOT_FILE).unlink(), "recovery.seal_root_missing", False),
    "another machine's root": (lambda d: (d / SEAL_ROOT_FILE).write_bytes(bytes(32)), "store.seal_broken", False),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_damage(make: Callable[..., Path], what: str) -> None:
    damage, code, can_repair = DAMAGES[what]
    directory = make(snapshots=2)
    damage(directory)
    before = content(directory)
    [seen] = look(directory).observations
    assert (seen.code, seen.can_repair, seen.is_repaired) == (code, can_repair, False)
    assert isinstance(json.loads(seen.data), dict)
    assert content(directory) == before, "an examination changes nothing"
    [seen] = look(directory, repair=True).observations
    assert (seen.code, seen.is_repaired) == (code, can_repair)
    if can_repair:
        after = look(directory)
        assert (after.observations, after.sequence, after.shard) == ([], 3, SHARD)
    else:
        assert content(directory) == before, "what cannot be repaired is left alone"


def test_leftovers_of_a_crash_go_with_a_repair_only(make: Callable[..., Path]) -> None:
    directory = make(snapshots=1)
    tear(directory)
    (directory / STORE_DIRECTORY / "snapshot-00000000000000000009.tmp").write_bytes(b"half")
    before = content(directory)
    found = look(directory)
    assert found.observations == [] and found.torn > 0 and found.temporary_files == 1
    assert content(directory) == before
    look(directory, repair=True)
    found = look(directory)
    assert (found.torn, found.temporary_files, found.sequence) == (0, 0, 1)


@pytest.mark.parametrize("to_signer", [False, True])
def test_the_other_policy_is_recognised(tmp_path: Path, to_signer: bool) -> None:
    make_shard(sealed_place(tmp_path / "data", seal_to_signer=to_signer))
    other = sealed_place(tmp_path / "data", seal_to_signer=not to_signer)
    [seen] = examine(Examine(other, False)).observations
    assert seen.code == "recovery.sealed_otherwise" and json.loads(seen.data) == {"to_signer": to_signer}


def test_a_running_enclave_is_left_alone(tmp_path: Path) -> None:
    asked = sealed_place(tmp_path / "data")
    make_shard(asked)
    store, _ = open_core(place_of(asked, os.urandom))
    with store:
        [seen] = look(tmp_path / "data", repair=True).observations
    assert (seen.code, seen.can_repair) == ("store.locked", False)


@pytest.mark.parametrize(
    "other", [sealed_place(Path(), [b"\x01" * 32], 1), SealedPlace("", LedgerChoice([], False), False)]
)
def test_other_code(make: Callable[..., Path], other: SealedPlace) -> None:
    directory = make()
    found = examine(Examine(replace(other, data_dir=str(directory)), False))
    assert found.fingerprint == measurement_of(other) != measurement_of(sealed_place(directory))
    assert [seen.code for seen in found.observations] == ["store.seal_broken"]
