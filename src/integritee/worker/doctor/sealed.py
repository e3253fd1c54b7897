"""What the enclave says about its sealed state. Only its code can open that; the host asks a process of it."""

from __future__ import annotations

import json
from typing import Final

from integritee.boundary.endpoint import RemoteFailure
from integritee.boundary.interface import Ecalls
from integritee.boundary.messages import Examination, Examine

from ..config import Config
from ..enclave_process import EnclaveProcess
from ..errors import EnclaveDied, EnclaveSilent
from ..launch import launch
from ..sealed_place import sealed_place
from .finding import Finding, Severity

REPLAY_LIMIT: Final = 3600.0
"""Seconds in which the largest state is read, a few times over."""
LOCKED: Final = "store.locked"
"""A running enclave has the state: nothing is wrong with it."""


async def ask(config: Config, repair: bool) -> tuple[Examination | None, list[Finding]]:
    """Have an enclave look at the data directory; with `repair` mend what costs nothing."""
    enclave = await EnclaveProcess.attach(await launch(), {})
    try:
        examination = await enclave.call(Ecalls.examine, Examine(sealed_place(config), repair), REPLAY_LIMIT)
    except (RemoteFailure, EnclaveDied, EnclaveSilent) as failed:
        return None, [Finding(Severity.ERROR, _code(failed.code), str(failed), failed.data())]
    finally:
        await enclave.stop()
    return examination, findings(examination, repair)


def _code(code: str) -> str:
    return "doctor.enclave_failed" if code.startswith("boundary.") else code


def findings(seen: Examination, repair: bool) -> list[Finding]:
    """What an examination comes to."""
    found = [
        Finding(
            Severity.INFO if observation.code == LOCKED else Severity.ERROR,
            observation.code,
            observation.message,
            json.loads(observation.data),
            "do without the damaged files: older ones lead to the same state" if observation.can_repair else None,
            observation.is_repaired,
        )
        for observation in seen.observations
    ]
    mended = repair and not any(finding.counts for finding in found)
    if seen.torn:
        message = f"{seen.torn} bytes of a record that a crash interrupted; nobody was told of it"
        facts: dict[str, str | int | bool | None] = {"bytes": seen.torn}
        found.append(Finding(Severity.INFO, "doctor.torn_record", message, facts, "cut them off", mended))
    if seen.temporary_files:
        message = f"{seen.temporary_files} files were never finished"
        facts = {"files": seen.temporary_files}
        found.append(Finding(Severity.INFO, "doctor.temporary_files", message, facts, "remove them", mended))
    if not found and seen.exists and seen.shard is None:
        found.append(Finding(Severity.INFO, "doctor.no_shard", "keys, but no shard yet"))
    return found
