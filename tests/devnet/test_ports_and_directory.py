"""Ports and data directory: what a set-up takes, and what it refuses to share."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from integritee.devnet.directory import open_directory
from integritee.devnet.errors import DataDirInUse, PortTaken
from integritee.devnet.ports import HOST, Ports, choose


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]


def free() -> int:
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


def test_free_ports_are_taken_as_wanted() -> None:
    wanted = Ports(free(), free(), free())
    assert choose(wanted, auto=False) == wanted
    assert choose(wanted, auto=True) == wanted


@pytest.mark.parametrize(
    ("place", "option"), [(0, "--node-port"), (1, "--worker-port"), (2, "--http-port")], ids=lambda x: str(x)
)
def test_a_port_in_use_is_named_with_its_option(taken: int, place: int, option: str) -> None:
    ports = [free(), free(), free()]
    ports[place] = taken
    with pytest.raises(PortTaken) as refused:
        choose(Ports(*ports), auto=False)
    assert refused.value.data() == {"option": option, "port": taken}


def test_auto_replaces_only_what_is_in_use(taken: int) -> None:
    node, http = free(), free()
    chosen = choose(Ports(node, taken, http), auto=True)
    assert (chosen.node, chosen.http) == (node, http)
    assert chosen.worker not in (0, taken, node, http)


def test_ports_of_targets_are_chosen_with_the_others(taken: int) -> None:
    wanted = Ports(free(), free(), free(), taken, free())
    with pytest.raises(PortTaken) as refused:
        choose(wanted, auto=False)
    assert refused.value.option == "--target-a-port"
    chosen = choose(wanted, auto=True)
    assert chosen.target_b == wanted.target_b
    assert chosen.target_a not in (None, 0, taken)


def test_one_port_does_not_serve_two(taken: int) -> None:
    port = free()
    with pytest.raises(PortTaken) as refused:
        choose(Ports(port, port, free()), auto=False)
    assert refused.value.option == "--worker-port"
    chosen = choose(Ports(taken, taken, taken), auto=True)
    assert len({chosen.node, chosen.worker, chosen.http, taken}) == 4


def test_chosen_ports_are_free_again() -> None:
    chosen = choose(Ports(free(), free(), free()), auto=False)
    with socket.create_server((HOST, chosen.node)) as server:
        assert server.getsockname()[1] == chosen.node


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
