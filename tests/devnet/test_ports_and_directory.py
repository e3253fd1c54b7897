"""Ports and data directory: what a set-up takes, and what it refuses to share."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import astuple, replace
from pathlib import Path
from typing import Final

import pytest

from integritee.devnet.directory import open_directory
from integritee.devnet.errors import DataDirInUse, NoSuchPort, PortTaken
from integritee.devnet.ports import (
    HOST,
    MAX_WORKERS,
    STANDARD_PORTS,
    STANDARD_TARGET_PORTS,
    STANDARD_WORKER_PORTS,
    Ports,
    WorkerPorts,
    reserve,
)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]


def free() -> int:
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


def one_worker(node: int, *own: int, **targets: int) -> Ports:
    """Ports of a set-up; those of the worker that are not said are free ones."""
    return Ports(node, (WorkerPorts(*own, *(free() for _ in range(4 - len(own)))),), **targets)


def numbers(ports: Ports) -> list[int]:
    return [*ports.chains().values(), *(port for worker in ports.workers for port in astuple(worker))]


def test_free_ports_are_taken_as_wanted() -> None:
    wanted = one_worker(free())
    for auto in (False, True):
        with reserve(wanted, auto) as ports:
            assert ports == wanted


@pytest.mark.parametrize(
    ("place", "option"),
    [(0, "--worker-port"), (1, "--http-port"), (2, "--untrusted-port"), (3, "--mu-ra-port"), (4, "--node-port")],
    ids=lambda x: str(x),
)
def test_a_port_in_use_is_named_with_its_option(taken: int, place: int, option: str) -> None:
    ports = [free() for _ in range(5)]
    ports[place] = taken
    *own, node = ports
    with pytest.raises(PortTaken) as refused, reserve(one_worker(node, *own), auto=False):
        pass
    assert refused.value.data() == {"option": option, "port": taken}


def test_auto_replaces_only_what_is_in_use(taken: int) -> None:
    wanted = one_worker(free(), taken)
    with reserve(wanted, auto=True) as chosen:
        worker = chosen.workers[0]
        assert replace(chosen, workers=(replace(worker, worker=taken),)) == wanted
        assert worker.worker not in (0, *numbers(wanted))


def test_ports_of_targets_are_reserved_with_the_others(taken: int) -> None:
    wanted = one_worker(free(), target_a=taken, target_b=free())
    with pytest.raises(PortTaken) as refused, reserve(wanted, auto=False):
        pass
    assert refused.value.option == "--target-a-port"
    with reserve(wanted, auto=True) as chosen:
        assert chosen.target_b == wanted.target_b
        assert chosen.target_a not in (None, 0, taken)


def test_one_port_does_not_serve_two(taken: int) -> None:
    port = free()
    with pytest.raises(PortTaken) as refused, reserve(one_worker(port, port), auto=False):
        pass
    assert refused.value.option == "--worker-port"
    with reserve(one_worker(port, port, port), auto=True) as chosen:
        assert len(set(numbers(chosen))) == 5
    with reserve(one_worker(taken, taken, taken), auto=True) as chosen:
        assert len({*numbers(chosen), taken}) == 6


@pytest.mark.parametrize("auto", [False, True])
def test_a_reserved_port_is_the_servers_and_nobody_elses(auto: bool) -> None:
    with reserve(one_worker(free()), auto) as ports:
        with reserve(ports, auto=True) as others:
            assert set(numbers(ports)) & set(numbers(others)) == set()
        with socket.create_server((HOST, ports.node)) as server:
            assert server.getsockname()[1] == ports.node
            with pytest.raises(PortTaken), reserve(ports, auto=False):
                pass


STANDARD: Final = [
    (1, (2000, 4545, 2001, 3443)),
    (2, (3000, 4546, 3001, 4443)),
    (3, (4000, 4547, 4001, 5443)),
    (10, (11000, 4554, 11001, 12443)),
]


@pytest.mark.parametrize(("number", "ports"), STANDARD)
def test_ports_of_each_worker(number: int, ports: tuple[int, ...]) -> None:
    assert astuple(STANDARD_WORKER_PORTS.of(number)) == ports


def test_standard_ports_of_the_largest_set_up_do_not_meet() -> None:
    workers = tuple(STANDARD_WORKER_PORTS.of(number) for number in range(1, MAX_WORKERS + 1))
    ports = replace(
        STANDARD_PORTS, workers=workers, target_a=STANDARD_TARGET_PORTS[0], target_b=STANDARD_TARGET_PORTS[1]
    )
    assert len(set(numbers(ports))) == 3 + 4 * MAX_WORKERS


def test_there_is_an_end_of_ports() -> None:
    with pytest.raises(NoSuchPort) as refused:
        WorkerPorts(60_000, 4545, 2001, 3443).of(7)
    assert refused.value.data() == {"option": "--worker-port", "port": 66_000, "worker": 7}


def test_a_temporary_directory_goes_with_all_its_content() -> None:
    with open_directory(None) as directory:
        path = directory.path
        (directory.below("node") / "file").write_text("content")
        assert path.is_dir()
    assert not path.exists()


def test_a_named_directory_stays_without_a_lock_file(tmp_path: Path) -> None:
    with open_directory(tmp_path / "new" / "data") as directory:
        directory.below("node")
    assert [entry.name for entry in (tmp_path / "new" / "data").iterdir()] == ["node"]
    with open_directory(tmp_path / "new" / "data") as again:
        assert again.below("node").is_dir()


def test_a_directory_belongs_to_one_set_up(tmp_path: Path) -> None:
    with open_directory(tmp_path), pytest.raises(DataDirInUse) as refused, open_directory(tmp_path):
        pass
    assert refused.value.path == str(tmp_path)


def test_a_directory_belongs_to_the_last_process_with_the_lock(tmp_path: Path) -> None:
    """After a ``kill -9`` of the supervisor, its processes may write for another moment."""
    with open_directory(tmp_path) as directory:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(directory.lock,))
    try:
        with pytest.raises(DataDirInUse), open_directory(tmp_path):
            pass
    finally:
        child.communicate(b"\n")
    with open_directory(tmp_path) as directory:
        assert os.fstat(directory.lock)
