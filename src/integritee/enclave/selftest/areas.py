"""Which areas there are, by the name under which the host asks for them (`boundary.messages.SELF_TEST_AREAS`)."""

from __future__ import annotations

from typing import Final

from . import (
    boundary,
    clock,
    codecs,
    evidence,
    ledger,
    pools,
    primitives,
    provisioning,
    randomness,
    sealing,
    sidechain,
    tries,
)
from .check import Area, UnknownArea

AREAS: Final[dict[str, Area]] = {
    "primitives": primitives.checks,
    "codecs": codecs.checks,
    "trie": tries.checks,
    "ledger": ledger.checks,
    "sealing": sealing.checks,
    "randomness": randomness.checks,
    "clock": clock.checks,
    "evidence": evidence.checks,
    "pool": pools.checks,
    "sidechain": sidechain.checks,
    "boundary": boundary.checks,
    "provisioning": provisioning.checks,
    "provisioning-server": provisioning.server_checks,
    "provisioning-client": provisioning.client_checks,
}


def area(name: str) -> Area:
    """Raises UnknownArea."""
    found = AREAS.get(name)
    if found is None:
        raise UnknownArea(name)
    return found
