"""The two ends of a provisioning between machines, here on one."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from integritee.enclave.selftest import provisioning
from integritee.enclave.selftest.areas import AREAS
from integritee.enclave.selftest.check import Setup, run_area

LOOPBACK = "127.0.0.1"


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        return int(free.getsockname()[1])


async def test_a_server_waits_until_a_client_was_provisioned(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provisioning, "PARTING", 0.0)
    for name in ("server", "client"):
        (tmp_path / name).mkdir()
    serving = asyncio.create_task(
        run_area(AREAS["provisioning-server"], Setup(tmp_path / "server", host=LOOPBACK, port=port))
    )
    while not _is_heard(port):  # the area tells nobody
        assert not serving.done()
        await asyncio.sleep(0.01)
    (asked,) = await run_area(AREAS["provisioning-client"], Setup(tmp_path / "client", host=LOOPBACK, port=port))
    (served,) = await serving
    assert (asked.detail, served.detail) == ("", "")


def _is_heard(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


async def test_a_client_without_a_server_fails(port: int, tmp_path: Path) -> None:
    (asked,) = await run_area(AREAS["provisioning-client"], Setup(tmp_path, host=LOOPBACK, port=port))
    assert not asked.passed and asked.detail.endswith("expected a provisioning server")
