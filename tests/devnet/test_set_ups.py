"""`integritee devnet` and `integritee demo` as a user runs them: real processes, real funds, no remains."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from integritee.client.parentchain import ParentchainClient
from integritee.client.worker import WorkerClient
from integritee.crypto import Sr25519Pair, ss58_decode
from integritee.devnet.config import TEER
from integritee.devnet.ports import HOST
from integritee.frame.outer import RuntimeCall
from integritee.frame.pallets.assets import AssetAccount
from integritee.node.runtime.target_b import TargetBRuntime
from integritee.primitives.ids import Id
from integritee.primitives.location import Location
from integritee.scale import decode, u32
from integritee.stf.asset_map import AssetId
from integritee.stf.development import ENDOWMENTS
from integritee.stf.fees import shielding_fee, transaction_fee

from ..system.processes import (
    ENCLAVE_PROCESSES,
    Service,
    children_of,
    eventually,
    family_of,
    is_alive,
    run_once,
    soon,
)

ALICE, BOB, CHARLIE = (Sr25519Pair.from_uri(f"//{name}") for name in ("Alice", "Bob", "Charlie"))
MODULE = "integritee.devnet.main"
READY = r"^\{.*\}$"

Start = Callable[..., Service]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts ``integritee devnet --auto-ports``; its temporary data lie below `tmp_path`/tmp."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    services: list[Service] = []

    def start(*options: str) -> Service:
        arguments = ["devnet", "--auto-ports", *options]
        services.append(Service(MODULE, arguments, tmp_path / f"devnet{len(services)}", "devnet").spawn())
        return services[-1]

    yield start
    for service in services:
        service.destroy()


PROCESSES: Final = 3 + ENCLAVE_PROCESSES
"""Devnet, node, worker, and the enclave's."""


def said(service: Service) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(service.wait_for(READY)[0])
    return facts


async def test_from_start_to_ctrl_c(start: Start, tmp_path: Path) -> None:
    devnet = start("--json")
    facts = said(devnet)

    # What it says is so, and the first trusted transfer works at once.
    alice = facts["accounts"]["//Alice"]
    credited = ENDOWMENTS[ALICE.public] + 100 * TEER - shielding_fee(100 * TEER)
    assert alice["private"] == credited
    async with await WorkerClient.connect(facts["worker_url"]) as worker:
        await worker.call("balance_transfer", ALICE.public, BOB.public, TEER, signer=ALICE)
        assert (await worker.account_info(ALICE)).data.free == credited - TEER - transaction_fee(TEER, ())
        assert (await worker.account_info(BOB)).data.free == TEER
    async with await ParentchainClient.connect(facts["node_url"]) as chain:
        assert await chain.free_balance(ALICE.public) == alice["parentchain"]

    processes = family_of(devnet.pid)
    assert len(processes) == PROCESSES
    assert sorted(facts["pids"].values()) == sorted(children_of(devnet.pid))
    assert Path(facts["data_dir"]).parent == tmp_path / "tmp"

    assert devnet.interrupt(signal.SIGINT) == 0
    assert [pid for pid in processes if is_alive(pid)] == []
    assert list((tmp_path / "tmp").iterdir()) == []
    for port in facts["ports"].values():
        with socket.create_server((HOST, port)) as free_again:
            assert free_again


@pytest.mark.parametrize("asset", [AssetId.WETH, AssetId.USDT], ids=str)
async def test_an_asset_comes_and_goes_through_the_vault_on_target_b(hub: dict[str, Any], asset: AssetId) -> None:
    assert set(hub["pids"]) == {"node", "target-a", "target-b", "worker"}
    vault, shielded, unshielded = ss58_decode(hub["vault"])[0], 3 * asset.one_unit, asset.one_unit
    async with (
        await WorkerClient.connect(hub["worker_url"]) as worker,
        await ParentchainClient.connect(hub["target_b_url"]) as chain,
    ):
        await chain.submit_and_watch(await chain.sign(asset_transfer(asset, vault, shielded), BOB))
        credited = shielded - shielded // 571

        async def is_credited() -> bool:
            return bool(await worker.get("asset_balance", BOB.public, asset, signer=BOB) == credited)

        await soon(is_credited, f"{asset} in the ledger")
        shard = await worker.shard()
        await worker.call("assets_unshield", BOB.public, CHARLIE.public, asset, unshielded, shard, signer=BOB)

        async def is_paid() -> bool:
            return await asset_held(chain, asset, CHARLIE.public) == unshielded

        await soon(is_paid, f"{asset} on target B")
        assert await asset_held(chain, asset, vault) == shielded - unshielded


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A set-up of all chains whose vault is on target B: what it says."""
    options = ["devnet", "--auto-ports", "--json", "--shielding-target", "target-b"]
    devnet = Service(MODULE, options, tmp_path_factory.mktemp("hub"), "devnet").spawn()
    try:
        yield said(devnet)
    finally:
        devnet.interrupt()


def reserve_id(asset: AssetId) -> tuple[str, Any]:
    """The pallet that has an asset on target B, and its id there."""
    reserve = asset.reserve
    assert reserve is not None
    return reserve.pallet, decode(u32 if reserve.pallet == "Assets" else Location, reserve.key)


def asset_transfer(asset: AssetId, to: bytes, amount: int) -> bytes:
    pallet, id = reserve_id(asset)
    call = TargetBRuntime.call(pallet, "transfer_keep_alive", id, Id(to), amount)
    return bytes(TargetBRuntime.codec(RuntimeCall).encode(call))


async def asset_held(chain: ParentchainClient, asset: AssetId, who: bytes) -> int:
    pallet, id = reserve_id(asset)
    holdings = TargetBRuntime().pallets[pallet].account  # type: ignore[attr-defined]
    raw = await chain.raw_storage(holdings.key_of(id, who))
    return 0 if raw is None else decode(AssetAccount, raw).balance


def test_the_screen_and_a_kept_data_directory(start: Start, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    first = start("--data-dir", data, "--shield", "//Bob=2.5")
    screen = first.wait_for(r"(?s)integritee devnet is ready.*Ctrl-C ends it")[0]
    assert re.search(r"//Bob +997\.4\d{11} +2\.4956\d{8}\n", screen)
    assert "//Bob has shielded 2.5 TEER" in screen
    mrenclave, vault = (re.search(rf"{name} +(\S+)", screen)[1] for name in ("MRENCLAVE", "vault"))  # type: ignore[index]

    # Somebody else in the same directory is refused, and disturbs nobody.
    intruder = start("--data-dir", data)
    assert intruder.exit_code() == 1
    assert "devnet.data_dir_in_use" in intruder.output()
    assert first.interrupt(signal.SIGTERM) == 0

    # The next one finds chain and ledger as they were, and shields nothing again.
    facts = said(second := start("--data-dir", data, "--shield", "//Bob=2.5", "--json"))
    assert (facts["mrenclave"], facts["vault"]) == (mrenclave, vault)
    assert facts["accounts"]["//Bob"]["private"] == 25 * TEER // 10 - shielding_fee(25 * TEER // 10)
    assert second.interrupt() == 0
    assert sorted(entry.name for entry in (tmp_path / "data").iterdir()) == [
        "node",
        "node.log",
        "worker",
        "worker.log",
    ]


@pytest.mark.parametrize("victim", ["node", "worker"])
def test_a_dead_process_ends_the_set_up_with_its_words(start: Start, tmp_path: Path, victim: str) -> None:
    devnet = start("--json", "--shield", "//Alice=1")
    facts = said(devnet)
    processes = family_of(devnet.pid)
    os.kill(facts["pids"][victim], signal.SIGKILL)
    assert devnet.exit_code() == 1
    assert f"error: devnet.process_ended: the {victim} ended with exit code -9" in devnet.output()
    eventually(lambda: not any(map(is_alive, processes)), "the end of all processes")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_nothing_outlives_a_killed_devnet(start: Start) -> None:
    devnet = start("--json")
    said(devnet)
    processes = family_of(devnet.pid)
    assert len(processes) == PROCESSES
    devnet.kill()
    eventually(lambda: not any(map(is_alive, processes)), "the end of all processes")


@pytest.mark.parametrize("children", [0, 1, 2], ids=["at once", "node started", "worker started"])
def test_ctrl_c_during_the_start(start: Start, tmp_path: Path, children: int) -> None:
    devnet = start()
    eventually(lambda: any((tmp_path / "tmp").iterdir()), "a data directory")
    eventually(lambda: len(children_of(devnet.pid)) >= children, f"{children} processes")
    processes = family_of(devnet.pid)
    assert devnet.interrupt() == 0
    eventually(lambda: not any(map(is_alive, processes)), "the end of all processes")
    assert "Traceback" not in devnet.output()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_port_in_use_is_an_error_unless_told_otherwise(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        refused = run_once(MODULE, ["devnet", "--node-port", str(port)], tmp_path)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr.startswith(
        f"error: devnet.port_taken: port {port} is in use; choose another with --node-port"
    )


def test_the_demo_adds_up_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    demo = run_once(MODULE, ["demo"], tmp_path)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert demo.stderr == ""
    assert "Everything adds up" in demo.stdout
    for step in ("1. //Alice shields", "2. //Alice transfers", "3. //Bob unshields"):
        assert step in demo.stdout
    assert list((tmp_path / "tmp").iterdir()) == []
