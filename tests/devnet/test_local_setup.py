"""`local-setup/launch.py CONFIG.json`: configurations of the original's launcher, and what becomes of them."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from integritee.devnet.errors import LaunchUnreadable, UnusableFlags
from integritee.devnet.launch_file import MAX_PROCESSES, read_launch
from integritee.worker.config import parse as parse_worker

from ..system.processes import Service, children_of, eventually, is_alive
from .composition import free_ports

HOME: Final = Path(__file__).parents[2] / "local-setup"


def written(directory: Path, config: object) -> Path:
    path = directory / "config.json"
    path.write_text(config if isinstance(config, str) else json.dumps(config))
    return path


def node(*flags: str) -> dict[str, Any]:
    return {"bin": "../integritee-node/target/release/integritee-node", "flags": list(flags)}


def worker(*flags: str, run: tuple[str, ...] = ("--skip-ra", "--dev")) -> dict[str, Any]:
    return {"source": "bin", "flags": list(flags), "subcommand_flags": list(run)}


PORTS: Final = {
    "one-worker": (["9944"], [(2000, 2001, 3490, 4545, 9944)]),
    "two-workers": (["9944"], [(2000, 2001, 3490, 4545, 9944), (3000, 3001, 4490, 4546, 9944)]),
    "three-nodes-one-worker": (["9944", "9966", "9988"], [(2000, 2001, 3490, 4545, 9944)]),
    "benchmark": (["9930"], [(2030, 2031, 3430, 4530, 9930)]),
}


@pytest.mark.parametrize("name", PORTS)
def test_the_originals_set_ups(name: str) -> None:
    launch = read_launch(HOME / "config" / f"{name}.json")
    ports = [
        flags[flags.index(next(f for f in flags if f in ("--rpc-port", "--ws-port"))) + 1] for flags in launch.nodes
    ]
    workers = [parse_worker(list(arguments)) for arguments in launch.workers]
    own = [(w.trusted_port, w.untrusted_port, w.mu_ra_port, w.http_port) for w in workers]
    assert (
        ports,
        [(*ports, int(w.chains[0].urls[0].rpartition(":")[2])) for ports, w in zip(own, workers, strict=True)],
    ) == PORTS[name]
    assert all(w.skip_ra and w.dev and w.clean_reset for w in workers)


def test_there_are_no_others() -> None:
    assert {path.stem for path in (HOME / "config").iterdir()} == set(PORTS)


def test_targets_are_where_the_worker_looks_for_them() -> None:
    launch = read_launch(HOME / "config" / "three-nodes-one-worker.json")
    assert [flags[flags.index("--chain") + 1] for flags in launch.nodes[1:]] == ["target-a-dev", "target-b-dev"]
    chains = parse_worker(list(launch.workers[0])).chains
    assert [chain.urls for chain in chains] == [(f"ws://127.0.0.1:{port}",) for port in (9944, 9966, 9988)]


TRANSLATED: Final = {
    "an older node": (node("--ws-port", "9966", "--rpc-port", "9955"), ("--ws-port", "9966")),
    "a newer node": (node("--rpc-port", "9944", "--tmp"), ("--rpc-port", "9944", "--tmp")),
    "target B": (node("--chain", "dev3", "--alice"), ("--chain", "target-b-dev", "--alice")),
    "log levels": (node("-lruntime=info", "-lteerex=debug"), ("-lruntime=info", "-lteerex=debug")),
}


@pytest.mark.parametrize("case", TRANSLATED)
def test_what_flags_of_nodes_mean_here(case: str, tmp_path: Path) -> None:
    entry, expected = TRANSLATED[case]
    assert read_launch(written(tmp_path, {"nodes": [entry]})).nodes == (expected,)


def test_older_configurations(tmp_path: Path) -> None:
    """They have one node, and tell the second worker to ask for the state."""
    config = {"node": node("--dev"), "workers": [worker(), worker("-P", "3000", run=("--dev", "--request-state"))]}
    launch = read_launch(written(tmp_path, config))
    assert launch.nodes == (("--dev",),)
    assert launch.workers == (("run", "--skip-ra", "--dev"), ("-P", "3000", "run", "--dev"))


UNREADABLE: Final = {
    "nothing": ("", "truncated"),
    "a list": ([], "Expected `object`"),
    "no node": ({"workers": []}, "there is no node"),
    "an unknown key": ({"nodes": [node()], "validators": []}, "unknown field `validators`"),
    "an unknown key of a worker": (
        {"nodes": [node()], "workers": [{"source": "bin", "env": {}}]},
        "unknown field `env`",
    ),
    "a worker from nowhere": ({"nodes": [node()], "workers": [{"flags": []}]}, "missing required field `source`"),
    "flags in one string": ({"nodes": [{"bin": "integritee-node", "flags": "--dev"}]}, "Expected `array`"),
    "another program": ({"nodes": [{"bin": "./bitcoind", "flags": []}]}, "'./bitcoind' is no integritee-node"),
    "too many": ({"nodes": [node()] * (MAX_PROCESSES + 1)}, "length <= 32"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_no_configuration(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, reason = UNREADABLE[case]
    path = written(tmp_path, config)
    with pytest.raises(LaunchUnreadable) as refused:
        read_launch(path)
    assert reason in refused.value.reason


UNUSABLE: Final = {
    "node": ({"nodes": [node(), node("--warp-sync")]}, "node 2", "unrecognized arguments: --warp-sync"),
    "port": ({"nodes": [node()], "workers": [worker("-P", "x")]}, "worker 1", "'x' is no port number"),
    "run": ({"nodes": [node()], "workers": [worker(run=("--fly",))]}, "worker 1", "unrecognized arguments: --fly"),
    "help": ({"nodes": [node("--help")]}, "node 1", "they only print something"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_flags_that_our_programs_do_not_know(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, process, reason = UNUSABLE[case]
    path = written(tmp_path, config)
    with pytest.raises(UnusableFlags) as refused:
        read_launch(path)
    assert refused.value.process == process
    assert reason in refused.value.reason


# -- as a user runs it


@pytest.fixture
def launched(tmp_path: Path) -> Iterator[Callable[[object], Launcher]]:
    """Starts ``launch.py`` in `tmp_path`."""
    launchers: list[Launcher] = []

    def launch(config: object) -> Launcher:
        launchers.append(Launcher(written(tmp_path, config), tmp_path, f"launch{len(launchers)}"))
        launchers[-1].spawn()
        return launchers[-1]

    yield launch
    for launcher in launchers:
        launcher.destroy()


class Launcher(Service):
    """``launch.py CONFIG``."""

    def __init__(self, config: Path, directory: Path, name: str) -> None:
        super().__init__("launch.py", [str(config)], directory, name)

    def command(self) -> list[str]:
        return [sys.executable, str(HOME / self.module), *self.arguments]


def fast(workers: int) -> dict[str, Any]:
    """A node and workers that need not wait for anything."""
    port, *own = (str(free) for free in free_ports(set(range(1 + 4 * workers))).values())
    run = ("--skip-ra", "--dev", "--slot-ms", "150")
    letters = ("-P", "-w", "-r", "-h")
    flags = [
        [word for pair in zip(letters, own[4 * number :], strict=False) for word in pair] for number in range(workers)
    ]
    return {
        "nodes": [node("--tmp", "--dev", "-lruntime=info", "--rpc-port", port, "--port", "30390", *SEAL)],
        "workers": [worker("--clean-reset", "-p", port, "-d", "data", *ports, run=run) for ports in flags],
    }


SEAL: Final = ("--seal", "interval:0.15", "--finality-delay", "0.1")


def test_launch_py_says_what_is_wrong(launched: Callable[[object], Launcher], tmp_path: Path) -> None:
    launcher = launched({"nodes": []})
    assert launcher.exit_code() == 2
    assert "integritee: error: devnet.launch_unreadable: " in launcher.output()
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize(("workers", "number"), [(1, signal.SIGINT), (2, signal.SIGTERM)])
def test_workers_until_a_signal(
    workers: int, number: int, launched: Callable[[object], Launcher], tmp_path: Path
) -> None:
    launcher = launched(fast(workers))
    launcher.wait_for("^All are ready")
    started = [line for line in launcher.output().splitlines() if line.startswith("Starting")]
    numbers = range(1, workers + 1)
    assert started == [f"Starting {who} in background" for who in ("node 1", *(f"worker {n}" for n in numbers))]
    assert "READY ws://" in (tmp_path / "log" / "node1.log").read_text()
    for n in numbers:
        assert "READY" in (tmp_path / "log" / f"worker{n}.log").read_text().splitlines()
        assert (tmp_path / "tmp" / f"w{n}" / "data" / "enclave").is_dir()
    children = children_of(launcher.pid)
    assert len(children) == 1 + workers
    assert launcher.interrupt(number) == 0
    eventually(lambda: not any(map(is_alive, children)), "the end of all processes")


def test_a_second_launch_disturbs_nobody(launched: Callable[[object], Launcher]) -> None:
    first = launched(fast(workers=0))
    first.wait_for("^All are ready")
    second = launched(fast(workers=0))
    assert second.exit_code() == 1
    assert "error: devnet.data_dir_in_use: " in second.output()
    assert first.interrupt() == 0


def test_the_end_of_a_worker_is_the_end_of_all(launched: Callable[[object], Launcher]) -> None:
    config = fast(workers=1)
    config["workers"][0]["subcommand_flags"].append("no-shard")
    launcher = launched(config)
    assert launcher.exit_code(30) == 1
    assert "error: devnet.process_ended: the worker1 ended with exit code 101" in launcher.output()
