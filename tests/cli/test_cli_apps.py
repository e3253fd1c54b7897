"""Apps that the user names: their verbs, and what there is to say if they are unusable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Cli

PROJECT = """
[project]
name = "{package}"
version = "0.1.0"

[project.entry-points."integritee.apps"]
{name} = "{package}:Example"
"""

APP = '''
from integritee.primitives.ids import AccountId
from integritee.scale import u32
from integritee.stf.declare import App, trusted_call, trusted_getter


class Example(App):
    """Greetings among friends."""

    name = "{name}"
    index = {index}

    @trusted_call(0)
    def greet_warmly(self, ctx, sender: AccountId, whom: AccountId, times: u32, loud: bool) -> None:
        """Greet somebody, 100 % warmly."""

    @trusted_getter(0)
    def greetings(self, who: AccountId) -> u32:
        """How often an account was greeted."""
        return 7
'''

Project = Callable[[str, int], str]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Writes an app of a name and index; the folder's path."""

    def write(name: str, index: int) -> str:
        package = f"cli_example_{name}"
        folder = tmp_path / package
        (folder / package).mkdir(parents=True)
        (folder / "pyproject.toml").write_text(PROJECT.format(name=name, package=package))
        (folder / package / "__init__.py").write_text(APP.format(name=name, index=index))
        return str(folder)

    return write


def test_an_app_has_a_group(cli: Cli, project: Project) -> None:
    folder = project("greeter", 200)
    listed = cli("--app", folder, "trusted", "greeter", "--help")
    assert (listed.code, listed.err) == (0, "")
    assert "Greetings among friends." in listed.out
    assert "100 % warmly" in listed.out
    assert "get-greetings" in listed.out
    usage = cli("--app", folder, "trusted", "greeter", "greet-warmly", "--help").out
    assert usage.split()[3:5] == ["greeter", "greet-warmly"]
    assert "[--loud]" in usage
    assert "sender whom times" in usage.replace("\n", " ").replace("  ", "")


def test_apps_of_the_environment(cli: Cli, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTEGRITEE_APPS", f"{project('first_one', 201)}:{project('second_one', 202)}")
    listed = cli("--app", project("third_one", 203), "trusted", "--help").out.split()
    assert {"first-one", "second-one", "third-one"} <= set(listed)


def test_an_app_that_is_called_as_a_command(cli: Cli, project: Project) -> None:
    folder = project("watchdog", 204)
    assert cli("--app", folder, "trusted", "app-watchdog", "greet-warmly", "--help").code == 0
    assert "--interval" in cli("--app", folder, "trusted", "watchdog", "--help").out


def test_calls_reach_workers_that_run_the_app_only(with_enclave: Cli, project: Project) -> None:
    command = ("trusted", "-d", "greeter_two", "greet-warmly", "//Alice", "//Bob", "3")
    result = with_enclave("--app", project("greeter_two", 205), *(word.replace("_", "-") for word in command))
    assert (result.code, result.out) == (101, "send trusted call greeter-two greet-warmly\n")
    assert result.err.startswith("error: ")


@pytest.mark.parametrize(
    ("app", "code"), [("nonsense", "app.unknown"), ("./nowhere", "app.not_a_project"), ("", "app.unknown")]
)
def test_unusable_apps(cli: Cli, app: str, code: str) -> None:
    result = cli("--json", "--app", app, "trusted", "balance", "//Alice")
    assert (result.code, result.out, result.error["code"]) == (101, "", code)


def test_apps_are_not_loaded_in_vain(cli: Cli) -> None:
    assert cli("--app", "nonsense", "list-accounts").code == 0


@pytest.mark.parametrize("arguments", [["--app"], ["trusted", "--app", "credits", "version"]])
def test_wrong_command_lines(cli: Cli, arguments: list[str]) -> None:
    assert cli(*arguments).code == 2
