"""What the doctor finds, finding by finding: each has a code, advice, and a repair only where that costs nothing."""

from __future__ import annotations

import asyncio
import dataclasses
import fcntl
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from integritee.boundary.messages import Examination, Observation
from integritee.client.errors import ConnectionFailed
from integritee.primitives.ids import ParentchainId
from integritee.worker.block_store import DATA_FILE, BlockStore, open_environment
from integritee.worker.chain_config import ChainConfig
from integritee.worker.config import Config, parse
from integritee.worker.doctor import blocks, layout
from integritee.worker.doctor.advice import ADVICE, advice_for
from integritee.worker.doctor.finding import Finding, Severity
from integritee.worker.doctor.report import to_json, to_text
from integritee.worker.doctor.run import diagnose
from integritee.worker.doctor.sealed import findings
from integritee.worker.doctor.surroundings import NodeView, node_findings, port_findings

from .test_block_store import FORK, HASH, TEN, chain

NOW = 1_800_000_000.0
SEEN = Examination(
    b"\x1b" * 32, "simulation", True, ["simulation"], 5, 999, 0, 12, 4, 0, b"\x02" * 32, 10, HASH[10], []
)  # fmt: skip


def codes(found: list[Finding]) -> list[str]:
    return [finding.code for finding in found]


# -- blocks ------------------------------------------------------------------------------------------


def stray_index(directory: Path) -> None:
    with open_environment(directory, 1 << 30) as environment:
        numbers = environment.open_db(b"numbers-by-hash")
        with environment.begin(write=True) as transaction:
            transaction.delete(HASH[4], db=numbers)
            transaction.put(b"\x77" * 32, (5).to_bytes(8, "big"), db=numbers)


def unreadable(directory: Path) -> None:
    with open_environment(directory, 1 << 30) as environment:
        by_number = environment.open_db(b"by-number")
        with environment.begin(write=True) as transaction:
            transaction.put((3).to_bytes(8, "big"), b"rubbish", db=by_number)


def cut_off(directory: Path) -> None:
    path = directory / DATA_FILE
    path.write_bytes(path.read_bytes()[:12_288])


def noise(directory: Path) -> None:
    path = directory / DATA_FILE
    path.write_bytes(path.read_bytes()[:8192] + b"\xff" * (path.stat().st_size - 8192))


def nothing(directory: Path) -> None:
    pass


BLOCKS: dict[str, tuple[list[Any], Callable[[Path], None], tuple[int, bytes] | None, list[str], int]] = {
    "healthy": (TEN, nothing, (10, HASH[10]), [], 10),
    "enclave unknown": (TEN, nothing, None, [], 10),
    "behind": (TEN[:7], nothing, (10, HASH[10]), ["doctor.blocks_behind"], 7),
    "older state": (TEN, nothing, (7, HASH[7]), ["doctor.state_behind_blocks"], 10),
    "left fork": ([*TEN[:5], *FORK], nothing, (7, HASH[7]), ["doctor.blocks_off_chain"], 6),
    "gap": ([*TEN[:3], *TEN[6:]], nothing, (10, HASH[10]), ["doctor.blocks_gap"], 7),
    "index": (TEN, stray_index, (10, HASH[10]), ["doctor.blocks_index"], 10),
    "unreadable": (
        TEN,
        unreadable,
        (10, HASH[10]),
        ["doctor.blocks_unreadable", "doctor.blocks_index", "doctor.blocks_gap"],
        9,
    ),
    "cut off": (chain(1, 30, size=5000), cut_off, None, ["worker.block_store_broken"], 0),
    "noise": (chain(1, 30, size=5000), noise, None, ["worker.block_store_broken"], 0),
}


@pytest.mark.parametrize("what", BLOCKS)
def test_blocks(tmp_path: Path, what: str) -> None:
    stored, damage, head, expected, left = BLOCKS[what]
    store = BlockStore(tmp_path)
    store.put(stored)
    store.close()
    damage(tmp_path)
    before = (tmp_path / DATA_FILE).read_bytes()
    census, found = blocks.examine(tmp_path, head, repair=False)
    assert codes(found) == expected
    assert (tmp_path / DATA_FILE).read_bytes() == before
    _, found = blocks.examine(tmp_path, head, repair=True)
    assert [finding.is_repaired for finding in found] == [finding.repair is not None for finding in found]
    census, found = blocks.examine(tmp_path, head, repair=False)
    assert not any(finding.repair for finding in found)
    assert census.blocks == left


def test_no_blocks_are_no_finding(tmp_path: Path) -> None:
    assert blocks.examine(tmp_path, (7, HASH[7]), repair=True) == (blocks.Census(), [])
    assert list(tmp_path.iterdir()) == []


# -- the directory -----------------------------------------------------------------------------------

ROOMY = layout.Layout({}, 1 << 40, None)


@pytest.mark.parametrize(
    ("view", "budget", "stored", "expected"),
    [
        (ROOMY, 4 << 30, 0, []),
        (dataclasses.replace(ROOMY, free=1 << 20), 4 << 30, 4 << 30, ["doctor.disk_full"]),
        (dataclasses.replace(ROOMY, free=1 << 30), 4 << 30, 0, ["doctor.budget_exceeds_disk"]),
        (dataclasses.replace(ROOMY, free=1 << 30), 4 << 30, 4 << 30, []),
        (dataclasses.replace(ROOMY, holder=(7, "enclave")), 0, 0, ["doctor.in_use"]),
        (
            dataclasses.replace(ROOMY, sizes={"notes.txt": 1, "enclave": 2, "w.log": 3}),
            0,
            0,
            ["doctor.foreign_files"],
        ),
    ],
)
def test_layout(tmp_path: Path, view: layout.Layout, budget: int, stored: int, expected: list[str]) -> None:
    assert codes(layout.findings(tmp_path, view, budget, stored, NOW * 2)) == expected


@pytest.mark.parametrize(
    ("mode", "expected"), [(0o600, []), (0o400, []), (0o640, ["doctor.seal_root_exposed"]), (0o604, ["doctor.seal_root_exposed"])]
)  # fmt: skip
def test_seal_root(tmp_path: Path, mode: int, expected: list[str]) -> None:
    path = tmp_path / layout.SEAL_ROOT_FILE
    path.write_bytes(bytes(32))
    path.chmod(mode)
    assert codes(layout.findings(tmp_path, ROOMY, 0, 0, NOW * 2)) == expected


def test_a_link_in_the_seal_root_s_place(tmp_path: Path) -> None:
    (tmp_path / layout.SEAL_ROOT_FILE).symlink_to(tmp_path / "elsewhere")
    assert codes(layout.findings(tmp_path, ROOMY, 0, 0, NOW * 2)) == ["doctor.data_dir_unusable"]


def test_files_of_the_future(tmp_path: Path) -> None:
    os.utime(tmp_path, (NOW, NOW))
    assert codes(layout.findings(tmp_path, ROOMY, 0, 0, NOW - 3600)) == ["doctor.clock_behind"]
    assert layout.findings(tmp_path, ROOMY, 0, 0, NOW) == []


def test_who_has_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as file:
        assert layout.lock_holder(path) is None
        fcntl.flock(file, fcntl.LOCK_EX)
        holder = layout.lock_holder(path)
    assert holder is None or (holder[0] == os.getpid() and "python" in holder[1])


# -- the surroundings --------------------------------------------------------------------------------


def test_ports() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        [taken] = port_findings("127.0.0.1", {"-P": port, "-r": 0}, in_use=False)
        [own] = port_findings("127.0.0.1", {"-P": port}, in_use=True)
    assert (taken.code, taken.severity, own.severity) == ("doctor.port_taken", Severity.ERROR, Severity.INFO)
    assert taken.facts["port"] == port


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (NodeView(9, int(NOW * 1000) - 12_000), []),
        (NodeView(9, int(NOW * 1000) + 20_000), []),
        (NodeView(9, int(NOW * 1000) + 40_000), ["doctor.clock_behind"]),
        (NodeView(9, int(NOW * 1000) - 700_000), ["doctor.node_stale"]),
        (NodeView(0, 0), []),
        (NodeView(9, None), []),
        (None, ["doctor.node_silent"]),
    ],
)
def test_nodes(view: NodeView | None, expected: list[str]) -> None:
    async def look(url: str) -> NodeView:
        if view is None:
            raise ConnectionFailed(url, "refused")
        return view

    chains = (ChainConfig(ParentchainId.TargetA, ("wss://user:secret@host:1/path",)),)
    found = asyncio.run(node_findings(chains, NOW, look))
    assert codes(found) == expected
    assert all(finding.facts["node"] == "wss://host:1" and "secret" not in finding.message for finding in found)


# -- what the enclave says, and the whole ------------------------------------------------------------


def observed(code: str, *, can_repair: bool = False, is_repaired: bool = False, **facts: Any) -> Observation:
    return Observation(code, "what happened", json.dumps(facts), can_repair, is_repaired)


@pytest.mark.parametrize(
    ("changes", "repair", "expected"),
    [
        ({}, False, []),
        ({"torn": 7}, False, [("doctor.torn_record", Severity.INFO, False)]),
        ({"torn": 7, "temporary_files": 1}, True, [("doctor.torn_record", Severity.INFO, True), ("doctor.temporary_files", Severity.INFO, True)]),
        ({"shard": None}, False, [("doctor.no_shard", Severity.INFO, False)]),
        ({"exists": False, "shard": None}, False, []),
        ({"observations": [observed("store.locked", path="x")]}, True, [("store.locked", Severity.INFO, False)]),
        ({"observations": [observed("store.seal_broken", name="x")]}, True, [("store.seal_broken", Severity.ERROR, False)]),
        ({"observations": [observed("store.snapshot_missing", can_repair=True)], "torn": 3}, False, [("store.snapshot_missing", Severity.ERROR, False), ("doctor.torn_record", Severity.INFO, False)]),
        ({"observations": [observed("store.snapshot_missing", can_repair=True, is_repaired=True)]}, True, [("store.snapshot_missing", Severity.ERROR, True)]),
    ],
)  # fmt: skip
def test_sealed(changes: dict[str, Any], repair: bool, expected: list[tuple[str, Severity, bool]]) -> None:
    found = findings(replace(SEEN, **changes), repair)
    assert [(f.code, f.severity, f.is_repaired) for f in found] == expected
    assert all((f.repair is not None) >= f.is_repaired for f in found)


async def look(url: str) -> NodeView:
    return NodeView(9, int(NOW * 1000))


def config_for(directory: Path, *options: str) -> Config:
    ports = [f"{option}=0" for option in ("--trusted-worker-port", "--untrusted-worker-port", "--mu-ra-port")]
    return parse(["-d", str(directory), *ports, "--untrusted-http-port=0", "doctor", *options])


@pytest.mark.parametrize(("options", "repaired"), [((), False), (("--repair",), True)])
def test_the_whole(tmp_path: Path, options: tuple[str, ...], repaired: bool) -> None:
    store = BlockStore(tmp_path / layout.BLOCKS_DIRECTORY)
    store.put([*TEN[:5], *FORK])
    store.close()
    asked = []
    seen = replace(SEEN, head_number=7, head_hash=HASH[7])

    async def tell(config: Config, repair: bool) -> tuple[Examination | None, list[Finding]]:
        asked.append(repair)
        return seen, findings(seen, repair)

    report = asyncio.run(diagnose(config_for(tmp_path, *options), NOW * 2, tell, look))
    assert asked == [repaired]
    off_chain = next(f for f in report.findings if f.code == "doctor.blocks_off_chain")
    assert off_chain.is_repaired is repaired
    view = json.loads(to_json(report))
    assert view["enclave"]["block"] == 7 and view["blocks"]["last"] == 8
    assert {f["code"] for f in view["findings"]} == {f.code for f in report.findings}
    text = to_text(report)
    assert ("repaired: remove blocks 7 and above" in text) is repaired
    assert ("--repair would remove blocks 7 and above" in text) is not repaired


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    async def ask(config: Config, repair: bool) -> tuple[Examination | None, list[Finding]]:
        raise AssertionError

    report = asyncio.run(diagnose(config_for(tmp_path / "none"), NOW, ask, look))
    assert (codes(report.findings), report.is_healthy) == (["doctor.no_data_dir"], True)
    assert json.loads(to_json(report))["healthy"] is True
    assert not (tmp_path / "none").exists()


def test_advice_is_one_sentence_or_two() -> None:
    for code, advice in ADVICE.items():
        assert advice.endswith(".") and len(advice) < 200, code
    assert advice_for("store.history_forked") != advice_for("store") == advice_for("store.something_new")
    assert advice_for("unheard.of") is None
