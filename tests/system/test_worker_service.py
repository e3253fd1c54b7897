"""The worker as operators and supervisors know it: subcommands, ports, files, health, metrics, exit codes."""

from __future__ import annotations

import os
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

import base58
import pytest

from integritee.client.parentchain import ParentchainClient
from integritee.client.worker import WorkerClient
from integritee.crypto import ShieldingPublicKey, Sr25519Pair, blake2_256, ss58_decode
from integritee.primitives.ids import Id

from .processes import Node, Service, Worker, eventually, is_alive, run_once, soon

UNIT: Final = 10**12
WORKER: Final = "integritee.worker.main"
BOB: Final = Sr25519Pair.from_uri("//Bob")
ORDERLY_END_SECONDS: Final = 2.0

METRICS: Final = (
    "integritee_worker_account_free_balance",
    "integritee_worker_enclave_labels",
    "integritee_worker_enclave_rpc_requests",
    "integritee_worker_enclave_rpc_tc_received",
    "integritee_worker_enclave_sidechain_aura_remaining_durations",
    "integritee_worker_enclave_sidechain_block_height",
    "integritee_worker_enclave_sidechain_last_finalized_block_number",
    "integritee_worker_enclave_sidechain_peer_count",
    "integritee_worker_enclave_stf_runtime_parentchain_processed_block_number",
    "integritee_worker_enclave_stf_runtime_total_issuance",
    "integritee_worker_enclave_stf_state_size_bytes",
    "integritee_worker_enclave_stf_state_update_attempted_calls_count",
    "integritee_worker_enclave_stf_state_update_execution_duration",
    "integritee_worker_enclave_top_pool_a_priori_size",
)
"""Names that dashboards of the original know."""

Own = Callable[[Service], Service]


def http_status(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, ""


def lonely_worker(directory: Path, *options: str, name: str = "worker", data_dir: Path | None = None) -> Worker:
    """A worker that finds no parentchain."""
    return Worker(directory, node_port=1, options=options, name=name, data_dir=data_dir)


def own_shard(directory: Path) -> str:
    """A shard of one test: a second worker on a shard that is in use would have to get its state from the first."""
    return base58.b58encode(blake2_256(bytes(directory))).decode()


# -- subcommands -------------------------------------------------------------------------------------


def test_mrenclave_is_what_the_enclave_says(worker: Worker, directory: Path) -> None:
    printed = run_once(WORKER, ["mrenclave", "--dev"], directory)
    assert printed.returncode == 0
    assert printed.stdout.strip() == worker.say(r"^MRENCLAVE=(\S+)")
    assert len(base58.b58decode(printed.stdout.strip())) == 32
    assert list(directory.iterdir()) == [], "asking leaves nothing behind"


def test_keys_are_written_and_stay_the_same(directory: Path) -> None:
    signing, shielding = written_keys(directory)
    assert len(signing) == 32
    assert ShieldingPublicKey.from_json(shielding).to_json() == shielding
    assert written_keys(directory) == (signing, shielding)


def written_keys(directory: Path) -> tuple[bytes, str]:
    for subcommand in ("signing-key", "shielding-key"):
        assert run_once(WORKER, ["-d", "data", subcommand], directory).returncode == 0
    signing, shielding = (
        directory / name for name in ("enclave-signing-pubkey.bin", "enclave-shielding-pubkey.json")
    )
    return signing.read_bytes(), shielding.read_text()


COMMAND_LINES: Final = {
    "": (2, "required: COMMAND"),
    "fly": (2, "invalid choice"),
    "-p 70000 run": (2, "no port number"),
    "--no-such-option run": (2, "unrecognized arguments"),
    "run notbase58!": (101, "worker.invalid_option"),
    "run abc": (101, "worker.invalid_option"),
    "run --slot-ms 1": (101, "worker.invalid_option"),
    "-T a:b:c:d run": (101, "worker.invalid_option"),
    "--help": (0, ""),
    "--version": (0, ""),
}


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_options_decide_the_exit_code(line: str, directory: Path) -> None:
    code, message = COMMAND_LINES[line]
    done = run_once(WORKER, line.split(), directory)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(directory.iterdir()) == []


# -- health and metrics ------------------------------------------------------------------------------


def test_not_initialized_without_a_parentchain(own: Own, directory: Path) -> None:
    worker = lonely_worker(directory)
    own(worker)
    worker.spawn()
    assert http_status(worker.http_port, "/is_initialized") == (404, "")
    assert worker.interrupt() == 0


def test_initialized_once_it_produces_blocks(worker: Worker) -> None:
    assert http_status(worker.http_port, "/is_initialized") == (200, "I am initialized.")
    assert http_status(worker.http_port, "/metrics")[0] == 404


def test_metrics_have_the_names_that_dashboards_know(worker: Worker) -> None:
    status, text = http_status(worker.metrics_port, "/metrics")
    assert status == 200
    exported = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    assert exported >= set(METRICS)
    height = re.search(r"^integritee_worker_enclave_sidechain_block_height (\S+)", text, re.MULTILINE)
    assert height is not None and float(height[1]) >= 1


# -- the end -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_in_order(number: int, node: Node, own: Own, directory: Path) -> None:
    worker = Worker(directory, node.port, shard=own_shard(directory))
    own(worker)
    worker.start()
    enclave, http_port = worker.enclave_pid, worker.http_port
    began = time.monotonic()
    assert worker.interrupt(number) == 0
    assert time.monotonic() - began < ORDERLY_END_SECONDS
    assert not is_alive(enclave)
    assert "Traceback" not in worker.output()
    with pytest.raises(urllib.error.URLError):
        http_status(http_port, "/is_initialized")
    worker.start()  # nothing is locked, nothing is in the way
    assert worker.interrupt() == 0


def test_ctrl_c_in_a_terminal_reaches_all_and_ends_in_order(node: Node, own: Own, directory: Path) -> None:
    worker = Worker(directory, node.port, shard=own_shard(directory))
    own(worker)
    worker.start()
    enclave = worker.enclave_pid
    os.killpg(worker.pid, signal.SIGINT)
    assert worker.exit_code(ORDERLY_END_SECONDS) == 0
    assert not is_alive(enclave)
    assert "Traceback" not in worker.output()


def test_a_dead_enclave_ends_the_worker_with_101(own: Own, directory: Path) -> None:
    worker = lonely_worker(directory)
    own(worker)
    worker.spawn()
    assert worker.http_port
    os.kill(worker.enclave_pid, signal.SIGKILL)
    assert worker.exit_code() == 101
    assert "worker.enclave_died" in worker.output()


def test_no_enclave_outlives_its_host(own: Own, directory: Path) -> None:
    worker = lonely_worker(directory)
    own(worker)
    worker.spawn()
    assert worker.http_port
    enclave = worker.enclave_pid
    worker.kill()
    eventually(lambda: not is_alive(enclave), "the enclave's end", ORDERLY_END_SECONDS)


def test_a_data_directory_has_one_worker(own: Own, directory: Path) -> None:
    first, second = (lonely_worker(directory, name=name) for name in ("first", "second"))
    own(first), own(second)
    first.spawn()
    assert first.http_port
    second.spawn()
    assert second.exit_code() == 101
    assert "store.locked" in second.output()
    assert "Traceback" not in second.output()
    assert first.is_running
    assert first.interrupt() == 0


# -- clean reset -------------------------------------------------------------------------------------


async def test_clean_reset_keeps_the_keys_and_drops_the_state(node: Node, own: Own, directory: Path) -> None:
    worker = Worker(directory, node.port, shard=own_shard(directory))
    own(worker)
    worker.start()
    identity = worker.enclave_account, worker.vault, worker.shard
    await _deposit(node, worker)
    async with await WorkerClient.connect(worker.url) as client:
        shielding_key = await client.shielding_key()
    assert worker.interrupt() == 0

    fresh = Node(directory / "fresh")
    own(fresh)
    fresh.start()
    reset = Worker(
        directory,
        fresh.port,
        options=("--clean-reset",),
        name="reset",
        data_dir=worker.data_dir,
        shard=own_shard(directory),
    )
    own(reset)
    reset.start()
    assert (reset.enclave_account, reset.vault, reset.shard) == identity
    async with await WorkerClient.connect(reset.url) as client:
        assert await client.shielding_key() == shielding_key
    assert not await _has_money(reset)


async def test_clean_reset_cannot_undo_what_the_parentchain_confirmed(node: Node, own: Own, directory: Path) -> None:
    """Deposits would be credited again although some of them were paid out."""
    worker = Worker(directory, node.port, shard=own_shard(directory))
    own(worker)
    worker.start()
    await _deposit(node, worker)
    await soon(lambda: _is_confirmed(node, worker), "the first confirmation")
    assert worker.interrupt() == 0
    worker.arguments = ["--clean-reset", *worker.arguments]
    worker.spawn()
    worker.find_port()
    worker.wait_for(r"enclave\.state_rolled_back")
    assert not await _has_money(worker)


async def _deposit(node: Node, worker: Worker) -> None:
    async with await ParentchainClient.connect(node.url) as chain:
        call = chain.call(
            "Balances", "transfer_allow_death", {"dest": Id(ss58_decode(worker.vault)[0]), "value": UNIT}
        )
        await chain.submit_and_watch(await chain.sign(call, BOB))
    await soon(lambda: _has_money(worker), "the deposit's credit")


async def _is_confirmed(node: Node, worker: Worker) -> bool:
    async with await ParentchainClient.connect(node.url) as chain:
        shard = base58.b58decode(worker.shard)
        return await chain.storage("Sidechain", "LatestSidechainBlockConfirmation", shard) is not None


async def _has_money(worker: Worker) -> bool:
    async with await WorkerClient.connect(worker.url) as client:
        return (await client.account_info(BOB)).data.free > 0


def test_a_port_in_use_is_said_to_be_so(own: Own, directory: Path) -> None:
    first = lonely_worker(directory / "first")
    own(first)
    first.spawn()
    second = lonely_worker(directory / "second", "-P", str(first.find_port()))
    own(second)
    second.spawn()
    assert second.exit_code() == 101
    assert "Traceback" not in second.output()
