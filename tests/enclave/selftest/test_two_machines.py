"""The two ends of a provisioning between machines, here on one."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from integritee.boundary.messages import EnclaveIdentity
from integritee.enclave.selftest import provisioning
from integritee.enclave.selftest.areas import AREAS
from integritee.enclave.selftest.check import Setup, run_area
from integritee.enclave.selftest.small_host import SmallHost

LOOPBACK = "127.0.0.1"


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[EnclaveIdentity]:
    """Enclaves that have begun to listen."""
    queue: asyncio.Queue[EnclaveIdentity] = asyncio.Queue()
    init = SmallHost.init

    async def noted(self: SmallHost, *args: Any, **facts: Any) -> EnclaveIdentity:
        identity = await init(self, *args, **facts)
        queue.put_nowait(identity)
        return identity

    monkeypatch.setattr(SmallHost, "init", noted)
    return queue


async def test_a_server_waits_until_a_client_was_provisioned(
    begun: asyncio.Queue[EnclaveIdentity], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provisioning, "PARTING", 0.0)
    for name in ("server", "client"):
        (tmp_path / name).mkdir()
    serving = asyncio.create_task(run_area(AREAS["provisioning-server"], Setup(tmp_path / "server", host=LOOPBACK)))
    port = (await begun.get()).mu_ra_port
    (asked,) = await run_area(AREAS["provisioning-client"], Setup(tmp_path / "client", host=LOOPBACK, port=port))
    (served,) = await serving
    assert (asked.detail, served.detail) == ("", "")


async def test_a_client_without_a_server_fails(tmp_path: Path) -> None:
    with socket.socket() as held:  # bound but not listening: nobody answers there
        held.bind((LOOPBACK, 0))
        port = held.getsockname()[1]
        (asked,) = await run_area(AREAS["provisioning-client"], Setup(tmp_path, host=LOOPBACK, port=port))
    assert not asked.passed and asked.detail.endswith("expected a provisioning server")
