"""`integritee reference`: the files of the project are what its declarations say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integritee.devnet.main import main as integritee
from integritee.reference import main as command
from integritee.reference.main import PLACES, SOURCE_TREE, main

FILES = ("calls.md", "error_codes.json", "errors.md", "getters.md", "typed.py", "types.json")


def test_the_project_s_own_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever changes a declaration runs `make reference`."""
    code = main(["--check"])
    assert (code, capsys.readouterr().err) == (0, "")


def test_their_places() -> None:
    assert sorted(PLACES) == sorted(FILES)
    assert all((SOURCE_TREE / directory / name).is_file() for name, directory in PLACES.items())


@pytest.fixture
def written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["--out", str(tmp_path / "new")]) == 0
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "new" / name) for name in PLACES]
    return tmp_path / "new"


def test_all_in_one_directory(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == sorted(FILES)
    assert main(["--check", "--out", str(written)]) == 0


@pytest.mark.parametrize("name", FILES)
def test_drift_is_found(written: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """In any file, and only there."""
    (written / name).write_text((written / name).read_text() + " ")
    assert main(["--check", "--out", str(written)]) == 1
    assert capsys.readouterr().err == (
        f"{written / name} is not what the declarations say: run `integritee reference`\n"
    )


def test_a_missing_file_is_drift(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (written / "types.json").unlink()
    assert main(["--check", "--out", str(written)]) == 1
    assert "types.json is not" in capsys.readouterr().err
    assert not (written / "types.json").exists()


def test_without_a_source_tree(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "SOURCE_TREE", tmp_path)
    assert main(["--check"]) == 1
    assert capsys.readouterr().err == (
        f"error: reference.no_source_tree: there is no source tree in {tmp_path}: give a directory with --out\n"
    )


def test_as_part_of_the_one_command(tmp_path: Path) -> None:
    assert integritee(["reference", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "calls.md").is_file()


APP = '''\
"""Says hello."""

from __future__ import annotations

from typing import ClassVar

from integritee.primitives.ids import AccountId
from integritee.stf.declare import App, Context, trusted_call
from integritee.stf.errors import StfError


class GreeterError(StfError):
    code = "reference_greeter"


class TooShy(GreeterError):
    """Nobody is greeted twice; greet somebody else."""

    code = "reference_greeter.too_shy"

    def __init__(self, whom: bytes) -> None:
        self.whom = whom
        super().__init__("nobody is greeted twice")


class Greeter(App):
    """Greets."""

    name: ClassVar[str] = "reference_greeter"
    index: ClassVar[int | None] = 205

    @trusted_call(0)
    def greet(self, ctx: Context, sender: AccountId, whom: AccountId) -> None:
        """Say hello."""
        raise TooShy(whom)
'''

PROJECT = """\
[project]
name = "reference-greeter"
version = "0.1.0"

[project.entry-points."integritee.apps"]
reference_greeter = "reference_greeter:Greeter"
"""


def test_an_app_of_somebody_else(tmp_path: Path) -> None:
    """Its calls, types, methods and errors stand beside the ledger's."""
    package = tmp_path / "greeter" / "reference_greeter"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(APP)
    (tmp_path / "greeter" / "pyproject.toml").write_text(PROJECT)
    assert main(["--app", str(tmp_path / "greeter"), "--out", str(tmp_path / "out")]) == 0
    out = {name: (tmp_path / "out" / name).read_text() for name in FILES}
    assert "- **Errors:** `reference_greeter.too_shy`" in out["calls.md"]
    assert "| `reference_greeter.too_shy` | Nobody is greeted twice; greet somebody else. |" in out["errors.md"]
    assert "ReferenceGreeterGreetArgs" in json.loads(out["types.json"])["types"]
    assert "class ReferenceGreeterClient(AppClient):" in out["typed.py"]
    assert json.loads(out["error_codes.json"])["reference_greeter.too_shy"]["facts"] == {"whom": "0x-hex"}


def test_an_app_that_cannot_be_found(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--app", "no_such_app", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error: app.unknown: ")
