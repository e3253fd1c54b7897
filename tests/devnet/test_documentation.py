"""`docs/local-setups.md`: its commands are commands, and its tables tell what is so."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path
from typing import Final

import pytest

from integritee.devnet import set_up_file
from integritee.devnet.config import PLAYS
from integritee.devnet.launch_file import check, read_launch
from integritee.devnet.main import _parsers

from .compose import read

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "local-setups.md").read_text()
COMMANDS: Final = re.findall(r"^(?:\w+=\S+ )?integritee (.+)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_commands(command: str) -> None:
    words = shlex.split(command, comments=True)
    parser, _ = _parsers()
    check("integritee", parser, words)
    if words[0] == "local-setup":
        assert read_launch(ROOT / words[1]).workers


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 8


def test_the_set_up_is_the_one_that_is_tested() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert uncommented(example) in uncommented(textwrap.dedent(set_up_file.__doc__ or ""))


def uncommented(text: str) -> str:
    return "\n".join(line.partition("#")[0].strip() for line in text.strip().splitlines())


def rows(column: str) -> set[str]:
    """First cells of the table with that heading."""
    (table,) = re.findall(rf"^\| {re.escape(column)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return set(re.findall(r"^\| `([^`]+)`", table, re.MULTILINE))


def test_tables_are_complete() -> None:
    assert rows("play") == set(PLAYS)
    assert rows("configuration") == {path.name for path in (ROOT / "local-setup" / "config").iterdir()}
    assert rows("profile") == {profile for service in read().values() for profile in service.profiles}
