"""Sealing keys and the sealed store, on this machine's disk: what is kept comes back; what a host does to it shows.

What no seal can show is a whole directory put back as it once was: that is found when the parentchain is seen, and
is checked here with what it has confirmed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from ..attestation import SealPolicy, SimulationTee, load_or_create_root
from ..store import DiskDirectory, SealedStore
from ..store.files import LOCK_FILE
from ..store.segments import segment_name
from .check import Check, Mismatch, Setup, expect, expect_refusal
from .damage import flipped

LABEL: Final = b"integritee/self-test/v1"
KIND: Final = 1
LIVES: Final = 3
RECORDS: Final = [b"a" * 40, b"b" * 40, b"c" * 40]
"""Of each life."""
SECRET: Final = b"a secret nobody may see"

Files: TypeAlias = dict[str, bytes]
Change: TypeAlias = Callable[[Files, Files], Files]
"""From the files as they are, and as they were after the enclave's first life."""


def checks(setup: Setup) -> Iterator[Check]:
    place = Place(setup)
    yield Check("sealing keys", partial(_keys, setup))
    yield Check("the machine's root is kept and private", partial(_root, setup))
    yield Check("records and secrets come back", place.comes_back)
    yield Check("a snapshot comes back", place.snapshot_comes_back)
    yield Check("nothing readable on the disk", place.nothing_readable)
    yield Check("one process at a time", place.one_at_a_time)
    for what, code, change in DAMAGES:
        yield Check(f"{what} is refused", partial(place.is_refused, what, code, change))
    yield Check("a seal by other code is refused", place.by_other_code)
    yield Check("a seal of another kind of TEE is refused", place.of_another_kind)


def _keys(setup: Setup) -> None:
    machine, other_machine = setup.random(32), setup.random(32)
    ours, theirs = SimulationTee(b"\x01" * 32, machine), SimulationTee(b"\x02" * 32, machine)
    moved = SimulationTee(b"\x01" * 32, other_machine)
    by_code, by_signer = SealPolicy.MRENCLAVE, SealPolicy.MRSIGNER
    expect(len(ours.seal_key(LABEL, by_code)), 32, "bytes of a key")
    expect(ours.seal_key(LABEL, by_code) == ours.seal_key(LABEL, by_code), True, "the same code has the same key")
    expect(ours.seal_key(LABEL, by_code) == theirs.seal_key(LABEL, by_code), False, "other code has the same key")
    expect(ours.seal_key(LABEL, by_signer) == theirs.seal_key(LABEL, by_signer), True, "a signer has one key")
    expect(ours.seal_key(LABEL, by_code) == moved.seal_key(LABEL, by_code), False, "another machine has the same key")


def _root(setup: Setup) -> None:
    path = setup.fresh("root") / "root"
    made = load_or_create_root(path)
    expect(load_or_create_root(path), made, "the root at the next start")
    expect(oct(path.stat().st_mode & 0o777), oct(0o600), "access rights")
    path.chmod(0o644)
    expect_refusal("attestation.seal_root", "a root that others can read", lambda: load_or_create_root(path))


class Place:
    """A store with the records of some lives of an enclave and a secret, made once; each check spoils a copy."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._key = SimulationTee(b"\x01" * 32, bytes(32)).seal_key(LABEL, SealPolicy.MRENCLAVE)
        self._made: Path | None = None
        self._before: Files = {}
        """The files as they were after the first life."""

    def _copy(self, name: str) -> Path:
        copy = self._setup.directory / f"sealed, {name}"
        shutil.copytree(self._make(), copy)
        return copy

    def _make(self) -> Path:
        if self._made is None:
            made = self._setup.directory / "sealed"
            for secret in (b"an older secret", b"another", SECRET):
                store, _ = self._open(made)
                with store:
                    store.put_secret("secret", secret)
                    for record in RECORDS:
                        store.append(1, record)
                self._before = self._before or _read(made)
            self._made = made
        return self._made

    def _open(self, path: Path, key: bytes | None = None, kind: int = KIND) -> tuple[SealedStore, list[bytes]]:
        store, found = SealedStore.open(DiskDirectory(path), key or self._key, kind, random=self._setup.random)
        try:
            return store, [record.payload for record in found.records]
        except BaseException:
            store.close()
            raise

    def comes_back(self) -> None:
        store, records = self._open(self._copy("as it was"))
        with store:
            expect(records, RECORDS * LIVES, "records")
            expect(store.get_secret("secret"), SECRET, "secret")

    def snapshot_comes_back(self) -> None:
        path, state = self._copy("with a snapshot"), {b"key": b"value", b"long": bytes(3_000_000)}
        store, _ = self._open(path)
        with store:
            store.snapshot(sorted(state.items()), b"meta")
            store.append(1, b"after")
        store, found = SealedStore.open(DiskDirectory(path), self._key, KIND)
        with store:
            if found.snapshot is None:
                raise Mismatch("", "no snapshot", "one")
            expect((dict(found.snapshot.items()) == state, found.snapshot.meta), (True, b"meta"), "its contents")
            expect([record.payload for record in found.records], [b"after"], "records behind it")

    def nothing_readable(self) -> None:
        content = b"".join(_read(self._make()).values())
        expect([piece for piece in (SECRET, *RECORDS) if piece in content], [], "plain text on the disk")

    def one_at_a_time(self) -> None:
        path = self._copy("in use")
        store, _ = self._open(path)
        with store:
            expect_refusal("store.locked", "a second process", partial(self._open_and_close, path))

    def is_refused(self, what: str, code: str, change: Change) -> None:
        path = self._copy(what)
        changed = change(_read(path), self._before)
        shutil.rmtree(path)
        path.mkdir()
        for name, content in changed.items():
            (path / name).write_bytes(content)
        expect_refusal(code, what, partial(self._open_and_close, path))

    def by_other_code(self) -> None:
        key = SimulationTee(b"\x02" * 32, bytes(32)).seal_key(LABEL, SealPolicy.MRENCLAVE)
        path = self._copy("by other code")
        expect_refusal("store.seal_broken", "a seal by other code", partial(self._open_and_close, path, key))

    def of_another_kind(self) -> None:
        path = self._copy("of another kind")
        attempt = partial(self._open_and_close, path, None, KIND + 1)
        expect_refusal("store.wrong_kind", "a seal of another kind of TEE", attempt)

    def _open_and_close(self, path: Path, key: bytes | None = None, kind: int = KIND) -> None:
        store, _ = self._open(path, key, kind)
        store.close()


def _read(path: Path) -> Files:
    return {file.name: file.read_bytes() for file in path.iterdir() if file.name != LOCK_FILE}


FIRST, SECOND = segment_name(1), segment_name(len(RECORDS) + 1)
SECRET_FILE: Final = "secret-secret"  # noqa: S105  # its name

DAMAGES: Final[tuple[tuple[str, str, Change], ...]] = (
    ("a damaged record", "store.journal_tampered", lambda now, _: now | {FIRST: flipped(now[FIRST], -30)}),
    ("a damaged header", "store.seal_broken", lambda now, _: now | {FIRST: flipped(now[FIRST], 30)}),
    ("a damaged secret", "store.seal_broken", lambda now, _: now | {SECRET_FILE: flipped(now[SECRET_FILE], -1)}),
    ("a missing part of the journal", "store.segment_missing", lambda now, _: _without(now, SECOND)),
    ("one part in the place of another", "store.wrong_counter", lambda now, _: now | {SECOND: now[FIRST]}),
    ("a secret that is gone", "store.secret_missing", lambda now, _: _without(now, SECRET_FILE)),
    ("a secret put back as it was", "store.secret_replayed", lambda now, old: now | {SECRET_FILE: old[SECRET_FILE]}),
)
"""What a host may do to the files, and the code of the error that it leads to."""


def _without(files: Files, name: str) -> Files:
    return {key: content for key, content in files.items() if key != name}
