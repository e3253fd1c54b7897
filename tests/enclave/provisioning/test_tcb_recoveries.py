"""Whoever has accepted evidence of after a TCB recovery takes none with collateral of before, which is valid yet."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from integritee.enclave.attestation import VerifiedEvidence
from integritee.enclave.attestation.errors import CollateralRolledBack
from integritee.enclave.provisioning import Role, ShardTerms, fetch
from integritee.enclave.provisioning.errors import Refused
from integritee.enclave.store.errors import DiskFailed

from ...attestation.forge import of_recovery
from .enclaves import NEW_CODE, SERVER, Enclave, client, party, server
from .loopback import serving

ROLLED_BACK = CollateralRolledBack.code


async def join(provider: Enclave, applicant: Enclave, role: Role = Role.JOIN) -> str | None:
    """The code with which either side refuses the other, if one does."""
    async with serving(provider) as listener:
        try:
            await fetch("127.0.0.1", listener.port, applicant, role)
        except Refused as refused:
            return refused.reason
        except CollateralRolledBack as refused:
            return refused.code
    return None


@pytest.mark.parametrize(
    ("shown", "outcomes"),
    [
        ([2, 1], [None, ROLLED_BACK]),
        ([2, 2], [None, None]),
        ([1, 2, 1], [None, None, ROLLED_BACK]),
        ([1, 3, 2, 3], [None, None, ROLLED_BACK, None]),
    ],
    ids=str,
)
@pytest.mark.parametrize("side", ["clients", "servers"])
async def test_numbers_only_grow(side: str, shown: list[int], outcomes: list[str | None]) -> None:
    """Of what one enclave is shown by others, each of whom it meets for the first time."""
    one = server() if side == "clients" else client()
    found = []
    for number in shown:
        if side == "clients":
            found.append(await join(one, client(platform=of_recovery(number))))
        else:
            found.append(await join(server(platform=of_recovery(number)), one))
    assert found == outcomes
    assert one.latest == max(shown)


STRANGERS = {
    "other code": ({}, {"measurement": b"\x66" * 32}, Role.JOIN, "attestation.measurement"),
    "an account that is not listed": (
        {"shard_terms": ShardTerms(listed=frozenset({SERVER}))},
        {},
        Role.JOIN,
        "provisioning.not_listed",
    ),
    "a successor of the old code": (
        {"shard_terms": ShardTerms(successor=NEW_CODE)},
        {},
        Role.SUCCEED,
        "attestation.measurement",
    ),
}


@pytest.mark.parametrize(("here", "there", "role", "code"), STRANGERS.values(), ids=STRANGERS)
async def test_nothing_is_learned_from_who_is_refused(
    here: dict[str, Any], there: dict[str, Any], role: Role, code: str
) -> None:
    """Collateral is public: anybody could have others refused with that of a recovery that is hardly known yet."""
    provider = server(**here)
    assert await join(provider, client(platform=of_recovery(9), **there), role) == code
    assert provider.remembered == []


class Forgetful(Enclave):
    """Its disk is full."""

    def remember(self, peer: VerifiedEvidence) -> None:
        raise DiskFailed("write", "secret-tcb-evaluation-number", errno.ENOSPC)


@pytest.mark.parametrize("role", list(Role))
async def test_a_number_that_cannot_be_kept_gives_nothing(role: Role) -> None:
    provider = Forgetful(party(SERVER, "server"), shard_terms=ShardTerms(successor=NEW_CODE))
    heir = client(measurement=NEW_CODE) if role is Role.SUCCEED else client()
    assert await join(provider, heir, role) == DiskFailed.code
    assert provider.log == []
