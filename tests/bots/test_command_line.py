"""`integritee bots` as it is typed."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from integritee.bots.main import main
from integritee.bots.options import NODE_URL, WORKER_URL, parse

REPOSITORY = Path(__file__).parents[2]
SHARD = "1" * 32


@pytest.mark.parametrize(
    ("line", "facts"),
    [
        ("init", {"command": "init", "seed": 1, "workers": (WORKER_URL,), "node": NODE_URL}),
        ("run --seed 7 --population 300", {"command": "run", "seed": 7, "population": 300, "workers": (WORKER_URL,)}),
        ("benchmark", {"ceremonies": 16, "workers": (), "validateers": 1, "is_on_its_own": True}),
        ("benchmark --ceremonies 0 --validateers 2", {"ceremonies": 0, "validateers": 2}),
        ("benchmark --node-url ws://n:1", {"node": "ws://n:1", "workers": (WORKER_URL,), "is_on_its_own": False}),
        ("benchmark --worker-url wss://a:1 --worker-url wss://b:2", {"workers": ("wss://a:1", "wss://b:2")}),
        (f"run --shard {SHARD} --json", {"shard": bytes(32), "as_json": True}),
        ("benchmark --plot x.png", {"plot": Path("x.png")}),
    ],
)
def test_options(line: str, facts: dict[str, object]) -> None:
    found = parse(line.split(), "bots")
    assert {name: getattr(found, name) for name in facts} == facts


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "COMMAND"),
        ("grow", "invalid choice"),
        ("run --population 9", "between 10 and 1200"),
        ("run --population 1201", "between 10 and 1200"),
        ("run --seed -1", "between 0 and"),
        ("run --shard 111", "base58 of 32 bytes"),
        ("run --shard 0OIl", "base58 of 32 bytes"),
        ("run --dir /nowhere", "no directory"),
        ("run --ceremonies 3", "unrecognized"),
        ("benchmark --validateers 0", "between 1 and 10"),
        ("benchmark --validateers 2 --worker-url wss://a:1", "set-up of its own"),
    ],
)
def test_wrong_command_lines(line: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("benchmark --plot nowhere/x.png", "plotting.picture_refused"),
        ("run", "bots.no_community"),
        ("benchmark --worker-url wss://a:1", "bots.no_community"),
    ],
)
def test_failures(line: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*line.split(), "--dir", str(tmp_path)]) == 1
    assert complaint in capsys.readouterr().err


def test_the_originals_script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["bot-community.py", "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(REPOSITORY / "apps/encointer/bot-community.py"), run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: bot-community.py")
