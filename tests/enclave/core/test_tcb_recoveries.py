"""An enclave that serves a shard, or waits for one, seals the latest TCB recovery of which it was shown evidence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from integritee.enclave.attestation.errors import CollateralRolledBack
from integritee.enclave.peering import Peering
from integritee.enclave.provisioning import Role, fetch
from integritee.enclave.provisioning.errors import Refused
from integritee.enclave.service import EnclaveService
from integritee.node.runtime.runtime import TEER

from ...attestation.forge import of_recovery
from ..provisioning.enclaves import CLIENT, SERVER, Enclave, party
from ..provisioning.loopback import serving
from .harness import ANN, TEE, World


@asynccontextmanager
async def peering(world: World) -> AsyncIterator[Peering]:
    """Of one life of the enclave."""
    service = EnclaveService(world.core, world.store, TEE)
    yield service.peering
    await service.peering.close()
    service._executor.shutdown()


def other(world: World, account: bytes, number: int) -> Enclave:
    """Of the same code, for the same shard, on a machine with collateral of one recovery."""
    owner = "server" if account == SERVER else "client"
    return Enclave(
        party(account, owner, shard=world.shard, genesis_hash=world.core.integritee.connected.genesis_hash),
        {"entitled": frozenset({world.mrenclave})},
        measurement=world.mrenclave,
        platform=of_recovery(number),
    )


async def meets(world: World, side: str, number: int) -> str | None:
    """One life of the enclave, in which one of the others asks it, or is asked by it; the code of a refusal."""
    async with peering(world) as own:
        try:
            if side == "provides":
                await fetch("127.0.0.1", await own.listen("127.0.0.1", 0), other(world, CLIENT, number), Role.JOIN)
            else:
                async with serving(other(world, SERVER, number)) as listener:
                    await fetch("127.0.0.1", listener.port, own, Role.JOIN)
        except Refused as refused:
            return refused.reason
        except CollateralRolledBack as refused:
            return refused.code
    return None


@pytest.mark.parametrize("side", ["provides", "applies"])
async def test_the_number_outlives_the_process(world: World, side: str) -> None:
    world.shield(ANN, 10 * TEER)
    world.settle()
    outcomes = []
    for number in (1, 3, 2, 3):
        outcomes.append(await meets(world, side, number))
        world.restart()
        world.block()  # it tells the time
    assert outcomes == [None, None, "attestation.collateral_rolled_back", None]
    async with peering(world) as own:
        assert own.trust().minimum_tcb_evaluation_number == 3
    world.block()
    world.slot()
