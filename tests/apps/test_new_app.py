"""`integritee new-app`: from nothing to an app that runs in an enclave and that every client can call."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integritee.apps.catalog import BUILT_IN
from integritee.devnet.errors import AppNameUnusable
from integritee.devnet.main import main
from integritee.devnet.new_app import MAX_NAME, TEMPLATE, check_name, index_of, new_app
from integritee.stf.declare import APP_INDEXES

from ..conformance.environments import missing_node, node_packages
from ..conformance.reports import run_client
from ..system.processes import Service, run_once

ROOT = Path(__file__).parents[2]
NAME = "garden_walk"


def python(*arguments: str, directory: Path) -> str:
    """Standard output of a command that has to succeed."""
    done = subprocess.run([sys.executable, *arguments], cwd=directory, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# -- names and files


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Greeter", "app.invalid_name"),
        ("my-app", "app.invalid_name"),
        ("2apps", "app.invalid_name"),
        ("_app", "app.invalid_name"),
        ("", "app.invalid_name"),
        ("../app", "app.invalid_name"),
        ("a" * (MAX_NAME + 1), "app.invalid_name"),
        ("class", "devnet.app_name_unusable"),
        ("match", "devnet.app_name_unusable"),
        ("json", "devnet.app_name_unusable"),
        ("pytest", "devnet.app_name_unusable"),
        ("integritee", "devnet.app_name_unusable"),
        ("evm", "devnet.app_name_unusable"),
        ("noop", "devnet.app_name_unusable"),
        ("balance", "devnet.app_name_unusable"),
        ("unshield_funds", "devnet.app_name_unusable"),
    ],
)
def test_names_that_no_app_can_have(name: str, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["new-app", "--into", str(tmp_path), "--", name])
    assert ended.value.code == 2
    assert f"error: {code}: " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_projects_own_apps_are_there_already(name: str) -> None:
    with pytest.raises(AppNameUnusable):
        check_name(name)


def test_what_is_there_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "greeter").mkdir()
    (tmp_path / "greeter" / "precious").write_text("")
    assert main(["new-app", "greeter", "--into", str(tmp_path)]) == 1
    assert "error: devnet.directory_exists: " in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "greeter").iterdir()] == ["precious"]


def test_the_files_of_a_new_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new-app", "greeter"]) == 0
    assert main(["new-app", "greeter", "--into", "a/b"]) == 0
    found = {str(p.relative_to("greeter")): p.read_text() for p in Path("greeter").rglob("*") if p.is_file()}
    assert sorted(found) == [
        *("README.md", "pyproject.toml", "src/greeter/__init__.py", "src/greeter/app.py", "src/greeter/pallet.py"),
        "tests/test_greeter.py",
    ]
    assert {str(p.relative_to("a/b/greeter")) for p in Path("a/b/greeter").rglob("*") if p.is_file()} == found.keys()
    assert not any("$" in text or "NAME" in text for text in found.values())
    assert f"index: ClassVar[int | None] = {index_of('greeter')}\n" in found["src/greeter/app.py"]


def test_indexes_are_those_for_apps_and_come_from_the_name() -> None:
    indexes = [index_of(f"app{number}") for number in range(1000)]
    assert {*indexes} == {*APP_INDEXES}
    assert index_of("greeter") == 158


def test_templates_are_shipped() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["integritee"]
    package = TEMPLATE.parents[1]
    shipped = {path for pattern in patterns for path in package.glob(f"{pattern}/*" if "**" in pattern else pattern)}
    assert {path for path in TEMPLATE.rglob("*") if path.is_file()} <= shipped


@pytest.mark.parametrize("name", ["a", "greeter", "w" * MAX_NAME])
def test_a_new_app_is_in_good_style(tmp_path: Path, name: str) -> None:
    folder = new_app(name, tmp_path)
    style = ("--config", str(ROOT / "pyproject.toml"), "--no-cache", ".")
    python("-m", "ruff", "check", *style, directory=folder)
    python("-m", "ruff", "format", "--check", *style, directory=folder)


# -- a new app, installed


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The app, installed beside integritee for all processes that are started from here."""
    folder, site = new_app(NAME, tmp_path_factory.mktemp("clean")), tmp_path_factory.mktemp("site")
    pip = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--no-index")
    python(*pip, "--no-build-isolation", "--target", str(site), str(folder), directory=folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(site))
        yield site


@pytest.fixture(scope="module")
def facts(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A set-up whose ledger runs the app."""
    options = ["devnet", "--auto-ports", "--json", "--app", NAME]
    devnet = Service("integritee.devnet.main", options, tmp_path_factory.mktemp("devnet"), "devnet").spawn()
    try:
        yield json.loads(devnet.wait_for(r"^\{.*\}$")[0])
    finally:
        devnet.interrupt()
        devnet.destroy()


def test_its_own_tests_pass(site: Path, tmp_path: Path) -> None:
    """From a clean folder that has nothing but them, against the installed package."""
    tests = new_app(NAME, tmp_path) / "tests"
    said = python(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tests), str(tests), directory=tests
    )
    assert "4 passed" in said


def test_it_is_measured_by_name(site: Path, tmp_path: Path) -> None:
    with_it, without = (
        run_once("integritee.worker.main", ["mrenclave", "--dev", *app], tmp_path).stdout
        for app in (["--app", NAME], [])
    )
    assert len({with_it, without, ""}) == 3


def test_its_call_goes_through_the_command_line(facts: dict[str, Any], tmp_path: Path) -> None:
    ports = ["-p", str(facts["ports"]["node"]), "-P", str(facts["ports"]["worker"])]

    def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run_once("integritee.cli.main", [*ports, "trusted", "--direct", *arguments], tmp_path)

    before = int(cli("garden-walk", "get-greetings", "//Bob").stdout)
    assert "is InSidechainBlock(" in cli("garden-walk", "greet", "//Alice", "//Bob").stdout
    assert int(cli("garden-walk", "get-greetings", "//Bob").stdout) == before + 1
    refused = cli("garden-walk", "greet", "//Alice", "//Alice")
    assert "is Invalid" in refused.stdout
    assert "garden_walk_pallet.greeted_oneself" in refused.stderr


@pytest.mark.timeout(900)  # the first test of all may install the packages
def test_its_call_goes_through_javascript_and_its_pallet_is_in_the_metadata(
    facts: dict[str, Any], tmp_path: Path
) -> None:
    missing = missing_node()
    assert missing is None, missing
    done = run_once("integritee.reference.main", ["--app", NAME, "--out", str(tmp_path)], tmp_path)
    assert done.returncode == 0, done.stderr
    types = str(tmp_path / "types.json")
    command = ["node", "app-call.mjs", facts["worker_url"], types, NAME, "greet", "greetings"]
    report = run_client("app-call.mjs", command, node_packages())
    assert "GardenWalk" in report["pallets"]["names"]
    assert report["call"]["statuses"][-1] == "InSidechainBlock"
    assert report["getter"]["value"] >= 1
