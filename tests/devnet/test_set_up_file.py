"""`integritee devnet --config FILE`: what a file may say, what it means, and what the command line says besides."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from integritee.devnet import main as program
from integritee.devnet import set_up_file
from integritee.devnet.config import TEER, NetworkConfig, Shielding
from integritee.devnet.errors import SetUpUnreadable
from integritee.devnet.ports import STANDARD_PORTS, STANDARD_WORKER_PORTS, Ports, WorkerPorts
from integritee.devnet.set_up_file import MAX_FILE, read_set_up

EVERYTHING = re.search(r"(?m)^    seal = (.|\n)*?\n(?=\S|\Z)", set_up_file.__doc__ or "")


def written(directory: Path, text: str, name: str = "set-up.toml") -> Path:
    path = directory / name
    path.write_text(text)
    return path


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What `integritee devnet` would run."""

    def configured(*arguments: str) -> tuple[NetworkConfig, tuple[Shielding, ...], bool]:
        seen: list[Any] = []
        monkeypatch.setattr(program, "_devnet", lambda *found: seen.append(found) or 0)
        assert program.main(["devnet", *arguments]) == 0
        (found,) = seen
        return found

    return configured


def test_all_that_can_be_said(tmp_path: Path, configured: Any) -> None:
    """The example of the module's own words."""
    assert EVERYTHING is not None
    text = re.sub(r"(?m)^    ", "", EVERYTHING[0])
    config, wishes, _ = configured("--config", str(written(tmp_path, text)))
    assert config == NetworkConfig(
        ports=Ports(9944, (STANDARD_WORKER_PORTS, WorkerPorts(3000, 4546, 3001, 4443)), 9954, 9988),
        auto_ports=False,
        data_dir=tmp_path / "data",
        seal="interval:0.15",
        slot_ms=150,
        apps=("evm", str(tmp_path / "greeter")),
        reload=False,
        shielding_target="target-a",
        keep_going=False,
        ipfs_url="http://127.0.0.1:5001",
    )
    assert wishes == (Shielding("//Alice", 100 * TEER),)


def test_what_is_not_said_is_as_ever(tmp_path: Path, configured: Any) -> None:
    assert configured("--config", str(written(tmp_path, ""))) == configured()


SAYINGS: dict[str, tuple[dict[str, Any], list[str], dict[str, Any]]] = {
    "file": ({"workers": 3, "slot_ms": 99}, [], {"slot_ms": 99}),
    "command line wins": ({"slot_ms": 99}, ["--slot-ms", "77"], {"slot_ms": 77}),
    "apps add up": ({"apps": ["evm"]}, ["--app", "game"], {"apps": ("evm", "game")}),
    "one port": ({"ports": {"node": 1944}}, [], {"ports": Ports(1944, STANDARD_PORTS.workers)}),
    "keep going": ({"keep_going": True}, [], {"keep_going": True}),
    "IPFS": ({"ipfs_url": "http://n:1"}, ["--ipfs-url", "http://n:2"], {"ipfs_url": "http://n:2"}),
    "auto ports": ({"auto_ports": True}, [], {"auto_ports": True}),
}


@pytest.mark.parametrize("case", SAYINGS)
def test_file_and_command_line(case: str, tmp_path: Path, configured: Any) -> None:
    said, options, expected = SAYINGS[case]
    config, *_ = configured("--config", str(written(tmp_path, json.dumps(said), "set-up.json")), *options)
    assert {name: getattr(config, name) for name in expected} == expected
    assert len(config.ports.workers) == said.get("workers", 1)


MISTAKES = {
    "worker = 2": "unknown field `worker`",
    "[ports]\nnodes = 1": "unknown field `nodes` - at `$.ports`",
    "workers = 0": "`int` >= 1 - at `$.workers`",
    "workers = 11": "`int` <= 10 - at `$.workers`",
    'workers = "2"': "Expected `int | null`, got `str`",
    'shielding_target = "target-c"': "Invalid enum value 'target-c'",
    "[ports]\nnode = 65536": "`int` <= 65535",
    "workers = ": "Invalid value",
    "#" * (MAX_FILE + 1): "longer than",
}


@pytest.mark.parametrize("text", MISTAKES, ids=lambda text: text[:20])
def test_mistakes_are_named(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SetUpUnreadable) as refused:
        read_set_up(path)
    assert refused.value.path == str(path)
    assert MISTAKES[text] in refused.value.reason
    with pytest.raises(SystemExit) as ended:
        program.main(["devnet", "--config", str(path)])
    assert ended.value.code == 2
    assert "error: devnet.set_up_unreadable: " in capsys.readouterr().err
