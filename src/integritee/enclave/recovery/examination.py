"""What is wrong with sealed state, said without a secret; and repair of what can be repaired without loss.

An examination opens the store as a start would, and replays it, on a directory that only pretends to change. A repair
is `SealedStore.open(repair=True)`: a damaged newest snapshot is done without where an older one and the journal lead
to the same state, of which a new one is made. Nothing that would lose a record is ever done.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from integritee.attestation.anchors import TeeKind
from integritee.boundary.messages import Examination, Examine, Observation
from integritee.errors import IntegriteeError

from ..attestation.simulation import SimulationTee
from ..attestation.tee import SealPolicy
from ..bootstrap import SEAL_ROOT_FILE, STORE_DIRECTORY, config_of, measured
from ..core import EnclaveCore
from ..store import DiskDirectory, Recovered, SealedStore, StoreError
from ..store.errors import DiskError, SealBroken
from ..store.files import TEMPORARY, Directory
from ..store.seal import MAGIC
from .errors import KeysMissing, SealedOtherwise, SealRootMissing
from .place import Place, place_of
from .rehearsal import ChangeNeeded, Rehearsal

KIND_AT = len(MAGIC) + 1
"""Where a sealed file names the kind of its TEE."""

Random = Callable[[int], bytes]


@dataclass
class Reading:
    """What could be read of a store, and what went wrong on the way."""

    stored: Recovered | None = None
    core: EnclaveCore | None = None
    problems: list[IntegriteeError] = field(default_factory=list)


def examine(asked: Examine, random: Random = os.urandom) -> Examination:
    """Look at a data directory; with `asked.repair` mend what is safe to mend.

    Raises what measuring raises, SealRootUnusable, SealPolicyRefused; what is wrong with the store is an observation.
    """
    data_dir = Path(asked.place.data_dir)
    files = DiskDirectory(data_dir / STORE_DIRECTORY)
    missing: IntegriteeError | None = None
    if files.path.is_dir() and not (data_dir / SEAL_ROOT_FILE).exists():
        missing = SealRootMissing(SEAL_ROOT_FILE)
    if missing is not None or not files.path.is_dir():
        observations = [_observation(missing, False)] if missing else []
        return _report(measured(config_of(asked.place.ledger)), files, Reading(), observations)
    place = place_of(asked.place, random)
    reading = read(place, Rehearsal(place.directory), random)
    observations = [_observation(problem, _can_repair(place, problem, random)) for problem in reading.problems]
    if asked.repair:
        repaired = _repair(place, random, bool(reading.problems))
        if not repaired.problems:
            reading, observations = repaired, [_mended(observation) for observation in observations]
    return _report(place.measurement, files, reading, observations)


def read(place: Place, directory: Directory, random: Random, *, repair: bool = False) -> Reading:
    """Open and replay a store as a start does."""
    reading = Reading()
    try:
        store, reading.stored = _open(place, directory, random, place.policy, repair=repair)
        with store:
            reading.core = _replay(place, store, reading.stored, random)
    except SealBroken as broken:
        reading.problems.append(_other_policy(place, random) or broken)
    except IntegriteeError as problem:
        reading.problems.append(problem)
    return reading


def _open(
    place: Place, directory: Directory, random: Random, policy: SealPolicy, *, repair: bool = False
) -> tuple[SealedStore, Recovered]:
    key = place.seal_key(policy)
    return SealedStore.open(directory, key, int(place.tee.kind), repair=repair, random=random)


def _replay(place: Place, store: SealedStore, stored: Recovered, random: Random) -> EnclaveCore | None:
    """The core behind all records; None if there are none."""
    if not store.sequence:
        return None
    try:
        return place.recover(store, stored, random)
    except ChangeNeeded:  # new keys would have been made
        raise KeysMissing from None


def _other_policy(place: Place, random: Random) -> SealedOtherwise | None:
    """Whether the state can be opened under the other policy; in development there are two."""
    if not place.config.development:
        return None
    other = SealPolicy.MRSIGNER if place.policy is SealPolicy.MRENCLAVE else SealPolicy.MRENCLAVE
    try:
        _open(place, Rehearsal(place.directory), random, other)[0].close()
    except StoreError:
        return None
    return SealedOtherwise(other is SealPolicy.MRSIGNER)


def _can_repair(place: Place, problem: IntegriteeError, random: Random) -> bool:
    """Rehearse a repair."""
    if not isinstance(problem, StoreError) or isinstance(problem, DiskError):
        return False
    return not read(place, Rehearsal(place.directory), random, repair=True).problems


def _repair(place: Place, random: Random, is_damaged: bool) -> Reading:
    """Mend what can be, remove temporary files and what a crash left of a record; nothing if that does not help."""
    rehearsed = read(place, Rehearsal(place.directory), random, repair=True)
    if rehearsed.problems:
        return rehearsed
    reading = Reading()
    try:
        store, reading.stored = _open(place, place.directory, random, place.policy, repair=True)
        with store:
            reading.core = _replay(place, store, reading.stored, random)
            if reading.core is not None and is_damaged:
                # Until there is one, the journal asks for the one that is gone.
                store.snapshot(reading.core.state.items(), reading.core.snapshot_meta())
    except IntegriteeError as problem:
        reading.problems.append(problem)
    return reading


def _observation(problem: IntegriteeError, can_repair: bool) -> Observation:
    return Observation(problem.code, str(problem), json.dumps(problem.data()), can_repair, False)


def _mended(seen: Observation) -> Observation:
    return Observation(seen.code, seen.message, seen.data, seen.can_repair, True)


def _report(
    measurement: bytes, files: DiskDirectory, reading: Reading, observations: list[Observation]
) -> Examination:
    names = files.names() if files.path.is_dir() else []
    stored, core = reading.stored, reading.core
    head = core.head if core else None
    return Examination(
        fingerprint=measurement,
        kind=SimulationTee.kind.name.lower(),
        exists=files.path.is_dir(),
        kinds=sorted({kind for name in names if (kind := _kind_of(files, name))}),
        files=len(names),
        bytes=sum(_size(files, name) for name in names),
        temporary_files=sum(name.endswith(TEMPORARY) for name in names),
        sequence=stored.sequence if stored else 0,
        snapshot=stored.snapshot.sequence if stored and stored.snapshot else None,
        torn=stored.torn if stored else 0,
        shard=core.config.shard if core and core.is_running else None,
        head_number=head.block_number if head else 0,
        head_hash=head.hash() if head else bytes(32),
        observations=observations,
    )


def _size(files: DiskDirectory, name: str) -> int:
    try:
        return files.size(name)
    except DiskError:
        return 0


def _kind_of(files: DiskDirectory, name: str) -> str | None:
    """The TEE that a file says it was sealed in; None if it is no sealed file."""
    try:
        data = files.read(name, 0, KIND_AT + 1)
    except DiskError:
        return None
    if data[: len(MAGIC)] != MAGIC or len(data) <= KIND_AT:
        return None
    kind = data[KIND_AT]
    return TeeKind(kind).name.lower() if kind in set(TeeKind) else str(kind)
