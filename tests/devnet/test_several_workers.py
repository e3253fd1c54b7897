"""`integritee devnet --workers`: validateers of one shard in one process tree."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import base58
import pytest

from integritee.client.parentchain import ParentchainClient
from integritee.client.worker import WorkerClient
from integritee.crypto import Sr25519Pair, ss58_encode
from integritee.devnet.config import TEER
from integritee.worker.peers.registry import read_validateers

from ..system.processes import Service, children_of, eventually, is_alive, soon
from .composition import is_healthy

MODULE: Final = "integritee.devnet.main"
ALICE, ERIN, FRANK = (Sr25519Pair.from_uri(name) for name in ("//Alice", "//Erin", "//Frank"))


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Service]]:
    """Starts two workers on one data directory."""
    directory = tmp_path_factory.mktemp("two")
    options = ["--auto-ports", "--json", "--workers", "2", "--keep-going", "--data-dir", str(directory / "data")]
    services: list[Service] = []

    def start() -> Service:
        services.append(Service(MODULE, ["devnet", *options], directory, f"devnet{len(services)}").spawn())
        return services[-1]

    yield start
    for service in services:
        if service.is_running:
            service.interrupt()
        service.destroy()


@pytest.fixture(scope="module")
def devnet(start: Callable[[], Service]) -> Service:
    return start()


@pytest.fixture(scope="module")
def facts(devnet: Service) -> dict[str, Any]:
    return said(devnet)


def said(devnet: Service) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(devnet.wait_for(r"^\{.*\}$")[0])
    return facts


def test_all_is_said_of_each(facts: dict[str, Any]) -> None:
    first, second = facts["workers"]
    assert (first["name"], second["name"]) == ("worker", "worker-2")
    assert {name: first[name] for name in ("worker_url", "http_url", "enclave_account")} == {
        name: facts[name] for name in ("worker_url", "http_url", "enclave_account")
    }
    assert set(facts["pids"]) == {"node", "worker", "worker-2"}
    ports = [port for worker in facts["workers"] for port in worker["ports"].values()]
    assert len(set(ports)) == 8
    assert all(is_healthy(worker["http_url"]) for worker in facts["workers"])
    data = Path(facts["data_dir"])
    assert {entry.name for entry in data.iterdir()} == {
        *("node", "node.log", "worker", "worker.log", "worker-2", "worker-2.log")
    }


async def test_the_first_worker_leads_the_shard(facts: dict[str, Any]) -> None:
    async with await ParentchainClient.connect(facts["node_url"]) as chain:
        validateers = await read_validateers(chain, base58.b58decode(facts["shard"]))
    found = [(ss58_encode(validateer.account), validateer.url) for validateer in validateers]
    assert found == [(worker["enclave_account"], worker["worker_url"]) for worker in facts["workers"]]


@pytest.mark.parametrize(("to", "of", "receiver"), [(0, 1, ERIN), (1, 0, FRANK)], ids=["first", "second"])
async def test_what_one_is_told_the_other_knows(
    facts: dict[str, Any], to: int, of: int, receiver: Sr25519Pair
) -> None:
    urls = [worker["worker_url"] for worker in facts["workers"]]
    async with await WorkerClient.connect(urls[to]) as told, await WorkerClient.connect(urls[of]) as asked:
        await told.call("balance_transfer", ALICE.public, receiver.public, TEER, signer=ALICE)

        async def knows() -> bool:
            return bool((await asked.account_info(receiver)).data.free == TEER)

        await soon(knows, "the transfer on the other worker")


def test_the_end_of_the_second_is_reported_and_the_first_goes_on(devnet: Service, facts: dict[str, Any]) -> None:
    os.kill(facts["pids"]["worker-2"], signal.SIGKILL)
    devnet.wait_for(r"^error: devnet\.process_ended: the worker-2 ended with exit code -9")
    devnet.wait_for(r"^the others go on")
    assert is_healthy(facts["workers"][0]["http_url"])
    family = [devnet.pid, *children_of(devnet.pid)]
    assert len(family) == 3
    assert devnet.interrupt() == 0
    eventually(lambda: not any(map(is_alive, family)), "the end of all processes")


async def test_what_was_kept_goes_on_with_both(start: Callable[[], Service]) -> None:
    """The first worker is there before the other one of its shard, which it must not wait for."""
    again = said(start())
    for worker in again["workers"]:
        async with await WorkerClient.connect(worker["worker_url"]) as client:
            for receiver in (ERIN, FRANK):
                assert (await client.account_info(receiver)).data.free == TEER
