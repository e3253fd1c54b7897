"""The loss of every enclave of a shard, in real processes: export, custodians, import, and on with the same vault."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from integritee.enclave.selftest.damage import flipped

from .processes import SLOT_MS, Cli, Node, Run, Service, Worker, run_here, run_once

WORKER, CLI = "integritee.worker.main", "integritee.cli.main"
SIMULATED = "--allow-simulation-insecure"
Own = Callable[[Service], Service]


def ok(module: str, arguments: list[str], directory: Path, run: Run = run_once) -> str:
    done = run(module, arguments, directory)
    assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
    return done.stdout


def custodians(directory: Path, *names: str) -> tuple[str, ...]:
    """Options of a ledger that any two of them can recover."""
    keys = [ok(CLI, ["recovery", "new-custodian", f"{name}.key"], directory, run_here).strip() for name in names]
    return (*(word for key in keys for word in ("--custodian", key)), "--custodian-threshold", "2")


def test_a_shard_outlives_its_enclaves(node: Node, own: Own, directory: Path) -> None:
    options = custodians(directory, "ann", "ben", "cat")
    worker = Worker(directory, node.port, run_options=options)
    own(worker)
    worker.start()
    mrenclave, vault, account = worker.say(r"^MRENCLAVE=(\S+)"), worker.vault, worker.enclave_account
    Cli(directory, node, worker).trusted(
        "--mrenclave", mrenclave, "transfer", "//Alice", "//Charlie", "12345678901234"
    )
    balance = Cli(directory, node, worker).trusted("--mrenclave", mrenclave, "balance", "//Charlie")
    assert worker.interrupt() == 0

    lost, fresh = ["-d", str(worker.data_dir)], ["-d", str(directory / "fresh")]
    ledger = ["--dev", *options]
    ok(WORKER, [*lost, "export-shard", "bundle", *ledger, "--slot-ms", str(SLOT_MS)], directory)
    worker.data_dir.rename(directory / "lost")

    import_shard = ["import-shard", "bundle", "--request", "request", "--shares", "shares", *ledger]
    importing = Service(WORKER, [*fresh, *import_shard], directory, "import")
    own(importing)
    importing.spawn()
    importing.wait_for(r"^wrote request")
    for name in ("cat", "ann"):
        release = ["recovery", "release", "bundle", "request", f"shares/{name}", "--key", f"{name}.key", SIMULATED]
        ok(CLI, release, directory, run_here)
    assert importing.exit_code(30) == 0
    assert "the shard is back" in importing.output()

    again = Worker(directory, node.port, run_options=options, data_dir=directory / "fresh", name="again")
    own(again)
    again.start()
    assert (again.vault, again.enclave_account) == (vault, account)
    cli = Cli(directory, node, again, run_here)
    assert cli.trusted("--mrenclave", mrenclave, "balance", "//Charlie") == balance


def test_the_doctor_sees_a_worker_s_directory(node: Node, own: Own, directory: Path) -> None:
    worker = Worker(directory, node.port)
    own(worker)
    free = ["-p", str(node.port), "-P", "0", "-w", "0", "-r", "0", "-h", "0"]

    def doctor(*options: str) -> tuple[int, dict[str, object], set[str]]:
        arguments = [*free, "-d", str(worker.data_dir), "doctor", "--json", "--dev", *options]
        done = run_once(WORKER, arguments, directory)
        report = json.loads(done.stdout)
        return done.returncode, report, {finding["code"] for finding in report["findings"]}

    worker.spawn()
    worker.wait_for(r"Trusted RPC listening")
    code, _, codes = doctor()
    assert code == 0 and {"store.locked"} <= codes
    assert worker.interrupt() == 0
    code, report, codes = doctor()
    assert (code, report["healthy"]) == (0, True)
    assert codes <= {"doctor.no_shard"}, "how far it came is a matter of time"
    key = worker.data_dir / "enclave" / "secret-state-key"
    key.write_bytes(flipped(key.read_bytes(), -1))
    (worker.data_dir / "simulated-seal-root").chmod(0o644)
    code, report, codes = doctor("--repair")
    assert (code, report["healthy"]) == (1, False)
    assert "doctor.seal_root_exposed" in codes
