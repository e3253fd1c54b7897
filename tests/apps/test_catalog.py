"""Apps are found, tried and measured before a ledger runs them; whatever is wrong with one has a code."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from integritee.apps import catalog
from integritee.apps.catalog import BUILT_IN, DEFAULT_LEDGER, MEASURED, LedgerConfig, client_ledger, ledger_of
from integritee.apps.discovery import read_project
from integritee.apps.errors import AppError, CustodiansRefused
from integritee.enclave.bootstrap import measured
from integritee.errors import IntegriteeError
from integritee.stf.declare import APP_INDEXES
from integritee.stf.ledger import IndexClash

from ..system.processes import run_once
from .projects import install, new_name, source, write_package, write_project

WORKER = "integritee.worker.main"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that installed packages are found in."""
    directory = tmp_path / "site"
    directory.mkdir()
    monkeypatch.syspath_prepend(str(directory))
    return directory


def config(*apps: str, development: bool = True) -> LedgerConfig:
    return LedgerConfig.of(apps, development)


def refusal(*apps: str, development: bool = True) -> IntegriteeError:
    """Why these apps make no ledger."""
    with pytest.raises((AppError, IndexClash)) as refused:
        ledger_of(config(*apps, development=development))
    return refused.value


# -- where apps are


def test_without_a_name_a_ledger_has_the_usual_apps() -> None:
    assert ledger_of(config(development=False)) is DEFAULT_LEDGER
    assert {app.name for app in DEFAULT_LEDGER.apps} >= {"guess_the_number", "credits"}
    assert "evm" not in {app.name for app in DEFAULT_LEDGER.apps}
    assert "evm" in {app.name for app in ledger_of(config("evm", development=False)).apps}


@pytest.mark.parametrize("layout", ["src", ""])
def test_an_app_in_a_folder(tmp_path: Path, layout: str) -> None:
    name = new_name()
    folder = write_project(tmp_path / "project", name, layout=layout)
    ledger = ledger_of(config(str(folder)))
    assert ledger.calls[f"{name}.count"].arguments[1].name == "by"
    assert name.capitalize() in ledger.runtime().pallets


@pytest.mark.parametrize("development", [True, False])
def test_an_installed_app(site: Path, development: bool) -> None:
    name = new_name()
    install(site, name, f"{name}.inner:Counter", "")
    (site / name / "inner.py").write_text(source(name))
    assert f"{name}.count" in ledger_of(config(name, development=development)).calls


def test_the_order_of_names_and_their_repetition_mean_nothing(site: Path) -> None:
    one, two = new_name(), new_name()
    for name, index in ((one, 200), (two, 201)):
        install(site, name, f"{name}:Counter", source(name, index=index, pallet_index=index))
    assert measured(config(one, two, one)) == measured(config(two, one))
    assert ledger_of(config(one, two)) is ledger_of(config(two, one, two))


# -- what is refused: (code of the error, what is installed or in the folder)

BROKEN_CODE = {
    "syntax": ("app.not_importable", "def ("),
    "import": ("app.not_importable", "import no_such_package"),
    "crash": ("app.not_importable", "1 / 0"),
    "no class": ("app.not_an_app", ""),
    "no app": ("app.not_an_app", "class Counter: ..."),
    "a value": ("app.not_an_app", "Counter = 5"),
    "the base class": ("app.not_an_app", "from integritee.stf.declare import App as Counter"),
}


def reserved(**changes: object) -> Callable[[str], str]:
    return lambda name: source(name, **changes)  # type: ignore[arg-type]


def edited(old: str, new: str) -> Callable[[str], str]:
    def edit(name: str) -> str:
        code = source(name)
        assert old in code
        return code.replace(old, new)

    return edit


CALL = "@trusted_call(0)\n    def again(self, ctx: Context, sender: AccountId) -> None: ..."

BROKEN_APPS = {
    "another name": ("app.name_mismatch", lambda name: source("other")),
    "no index": ("app.index_reserved", reserved(index=None)),
    "index of the ledger's": ("app.index_reserved", reserved(index=APP_INDEXES.start - 1)),
    "index that is taken": ("app.index_reserved", reserved(index=APP_INDEXES.stop)),
    "pallet index": ("app.pallet_index_reserved", reserved(pallet_index=APP_INDEXES.start - 1)),
    "pallet in the place of a method": ("app.not_an_app", reserved(attribute="random")),
    "pallet that is none": ("app.not_an_app", edited("use(200, Tally)", "Tally")),
    "pallet's name": ("app.invalid_name", reserved(attribute="Tally")),
    "storage of another pallet": ("stf.index_clash", reserved(attribute="sudo")),
    "call without account": ("app.broken", edited("sender: AccountId, by: u32", "by: u32")),
    "call without context": ("app.broken", edited("ctx: Context, sender: AccountId, by: u32", "")),
    "unknown type": ("app.broken", edited("by: u32", "by: 'Missing'")),
    "type that is no wire type": ("app.broken", edited("by: u32", "by: object")),
    "getter without answer": ("app.broken", edited("-> u32:", ":")),
    "call index": ("app.broken", edited("@trusted_call(0)", "@trusted_call(256)")),
    "two calls of an index": ("stf.index_clash", edited("@trusted_getter(0)", f"{CALL}\n\n    @trusted_getter(0)")),
    "unknown argument": ("app.broken", edited("@trusted_call(0)", "@trusted_call(0, linked=('who',))")),
    "map without hasher": ("app.broken", edited("Blake2_128Concat[AccountId]", "AccountId")),
}


@pytest.mark.parametrize("case", BROKEN_CODE)
@pytest.mark.parametrize("where", ["folder", "installed"])
def test_code_that_is_no_app(tmp_path: Path, site: Path, case: str, where: str) -> None:
    code, text = BROKEN_CODE[case]
    name = new_name()
    if where == "installed":
        install(site, name, f"{name}:Counter", text)
        assert refusal(name).code == code
    else:
        assert refusal(str(write_project(tmp_path / "project", name, text))).code == code


@pytest.mark.parametrize("case", BROKEN_APPS)
def test_apps_that_cannot_be_part_of_a_ledger(tmp_path: Path, case: str) -> None:
    code, text = BROKEN_APPS[case]
    name = new_name()
    assert refusal(str(write_project(tmp_path / "project", name, text(name)))).code == code


def test_a_reason_names_the_line(tmp_path: Path) -> None:
    name = new_name()
    folder = write_project(tmp_path / "project", name, f"from .rules import *\n{source(name)}")
    (folder / "src" / name / "rules.py").write_text("\n\nlimit = unknown\n")
    reason = refusal(str(folder)).data()["reason"]
    assert reason == "NameError: name 'unknown' is not defined (rules.py, line 3)"


@pytest.mark.parametrize(
    ("code", "name", "target"),
    [
        ("app.unknown", None, None),
        ("app.invalid_name", "Greeter", "{package}:Counter"),
        ("app.invalid_name", "greeter-app", "{package}:Counter"),
        ("app.invalid_name", "greeter__app", "{package}:Counter"),
        ("app.not_an_app", "some_app", "{package}"),
        ("app.not_an_app", "some_app", "{package}:Counter.inner"),
        ("app.forbidden_package", "some_app", "integritee.stf.native:NativeToken"),
        ("app.forbidden_package", "some_app", "json:JSONDecoder"),
        ("app.name_taken", "evm", "{package}:Counter"),
    ],
)
def test_names_that_lead_to_no_app(site: Path, code: str, name: str | None, target: str | None) -> None:
    package = new_name()
    write_package(site, package, source(package))
    if name is not None and target is not None:
        install(site, name, target.format(package=package))
    assert refusal(name or "no_such_app").code == code


def test_a_name_that_two_distributions_offer_belongs_to_nobody(site: Path) -> None:
    name, other = new_name(), new_name()
    install(site, name, f"{name}:Counter", source(name))
    install(site, name, f"{other}:Counter", source(name), distribution=other)
    assert refusal(name).data()["places"] == f"{name}:Counter, {other}:Counter"


@pytest.mark.parametrize("kind", ["index", "pallet"])
def test_two_apps_that_claim_the_same(site: Path, kind: str) -> None:
    one, two = new_name(), new_name()
    install(site, one, f"{one}:Counter", source(one, index=210, pallet_index=210))
    other = {"index": 210, "pallet_index": 211} if kind == "index" else {"index": 211, "pallet_index": 210}
    install(site, two, f"{two}:Counter", source(two, **other))  # type: ignore[arg-type]
    assert refusal(one, two).code == "stf.index_clash"
    assert f"{one}.count" in ledger_of(config(one)).calls
    assert f"{two}.count" in ledger_of(config(two)).calls


def test_an_app_may_not_be_called_like_a_call(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "project", "balance_transfer")
    assert refusal(str(folder)).data()["kind"] == "app name"


def test_folders_are_for_development(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "project", new_name())
    assert refusal(str(folder), development=False).code == "app.folder_not_allowed"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "No such file"),
        ("[project", "pyproject.toml: "),
        ("\xff", "pyproject.toml: "),
        ("[project]\nname = 'x'", "0 entry points"),
        ("project = 5", "0 entry points"),
        ("[project.entry-points.'integritee.apps']\na = 'x:A'\nb = 'x:B'", "2 entry points"),
        ("[project.entry-points.'integritee.apps']\na = 'x:A'", "no package x"),
        ("#" * (1 << 20) + "\n", "more than 1048576 bytes"),
    ],
)
def test_folders_that_are_no_projects(tmp_path: Path, text: str | None, reason: str) -> None:
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text, encoding="latin-1")
    found = refusal(str(tmp_path))
    assert found.code == "app.not_a_project"
    assert reason in str(found)


def test_one_process_runs_one_package_of_a_name(tmp_path: Path) -> None:
    name = new_name()
    ledger_of(config(str(write_project(tmp_path / "one", name))))
    assert refusal(str(write_project(tmp_path / "two", name))).code == "app.not_importable"


def test_a_folder_stands_in_the_place_of_nothing_else(tmp_path: Path) -> None:
    """Beside its package, no module of a project folder can be imported."""
    name = new_name()
    folder = write_project(tmp_path / "project", name)
    write_package(folder / "src", "msgspec", "raise AssertionError")
    write_package(folder / "src", f"{name}_beside", "")
    ledger_of(config(str(folder)))
    assert "project" not in (sys.modules["msgspec"].__file__ or "")
    with pytest.raises(ModuleNotFoundError):
        __import__(f"{name}_beside")


# -- measurement


def test_naming_an_app_is_measured() -> None:
    found = [measured(config(*apps, development=d)) for apps in ((), ("evm",)) for d in (False, True)]
    assert len(set(found)) == 4
    assert measured(config("guess_the_number")) == measured(config())


def test_a_byte_of_an_apps_code_is_measured(tmp_path: Path) -> None:
    name = new_name()
    folder = write_project(tmp_path / "project", name)
    before = measured(config(str(folder)))
    (folder / "README.md").write_text("beside the package")
    assert measured(config(str(folder))) == before
    code = folder / "src" / name / "__init__.py"
    code.write_text(code.read_text().replace("by * 1", "by * 2"))
    assert measured(config(str(folder))) != before


def test_another_class_of_the_same_package_is_another_measurement(site: Path) -> None:
    name = new_name()
    twice = source(name) + "\n\nclass Other(Counter):\n    pass\n"
    install(site, name, f"{name}:Counter", twice)
    before = measured(config(name))
    (site / f"{name}-1.dist-info" / "entry_points.txt").write_text(f"[integritee.apps]\n{name} = {name}:Other\n")
    assert measured(config(name)) != before


def test_places_are_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same code in other folders, or installed, is the same enclave."""
    name = new_name()
    one = write_project(tmp_path / "one", name)
    two = shutil.copytree(one, tmp_path / "elsewhere" / "two")
    install(tmp_path / "site", name, f"{name}:Counter")
    shutil.copytree(one / "src" / name, tmp_path / "site" / name)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    found = {
        run_once(WORKER, ["mrenclave", "--dev", "--app", app], tmp_path).stdout
        for app in (str(one), "./elsewhere/two", name)
    }
    assert len(found) == 1
    assert len(found.pop()) > 40
    assert two.is_dir()


def test_the_worker_says_why_it_does_not_start(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "project", new_name(), "def (")
    for command in (["mrenclave", "--dev", "--app", str(folder)], ["run", "--dev", "--app", str(folder)]):
        done = run_once(WORKER, ["-p", "1", "-P", "0", "-w", "0", "-r", "0", "-h", "0", *command], tmp_path)
        assert done.returncode == 101
        assert "error: app.not_importable: " in done.stderr
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "enclave").exists()


# -- clients


def test_clients_speak_of_every_app_at_hand(site: Path) -> None:
    name = new_name()
    install(site, name, f"{name}:Counter", source(name))
    catalog._client_ledger.cache_clear()
    apps = {app.name for app in client_ledger().apps}
    assert {*BUILT_IN, name} <= apps


def test_installed_apps_that_cannot_be_had_are_left_out(site: Path, caplog: pytest.LogCaptureFixture) -> None:
    one, two, three = sorted(new_name() for _ in range(3))
    install(site, one, f"{one}:Counter", source(one, index=220, pallet_index=220))
    install(site, two, f"{two}:Counter", source(two, index=220, pallet_index=221))
    install(site, three, f"{three}:Counter", "def (")
    catalog._client_ledger.cache_clear()
    apps = {app.name for app in client_ledger().apps}
    assert apps & {one, two, three} == {one}
    assert [record.getMessage().split()[3] for record in caplog.records] == [two, three]


def test_an_app_that_is_asked_for_comes_before_installed_ones(site: Path, tmp_path: Path) -> None:
    one, two = new_name(), new_name()
    install(site, one, f"{one}:Counter", source(one, index=230, pallet_index=230))
    folder = write_project(tmp_path / "project", two, source(two, index=230, pallet_index=231))
    apps = {app.name for app in client_ledger((str(folder),)).apps}
    assert apps & {one, two} == {two}
    with pytest.raises(AppError):
        client_ledger(("no_such_app",))


def test_the_target_of_a_folder_is_told_in_full(tmp_path: Path) -> None:
    name = new_name()
    found = read_project(write_project(tmp_path / "project", name))
    assert str(found) == f"{name}={name}:Counter"
    assert (found.package, found.attribute, found.folder) == (name, "Counter", tmp_path / "project" / "src")


A, B, C = (bytes((n,)) * 32 for n in (1, 2, 3))


def test_custodians_are_measured_and_their_absence_is_not() -> None:
    bare = LedgerConfig.of([], True)
    measured = [
        bare.encode(),
        LedgerConfig.of([], True, [A, B], 1).encode(),
        LedgerConfig.of([], True, [A, B], 2).encode(),
        LedgerConfig.of([], True, [A, C], 2).encode(),
    ]
    assert bare.encode() == MEASURED.encode((list(map(str, bare.sources())), True))
    assert len(set(measured)) == len(measured)
    assert LedgerConfig.of([], True, [B, A], 2) == LedgerConfig.of([], True, [A, B], 2)


@pytest.mark.parametrize(
    ("keys", "threshold"),
    [([A], 0), ([A], 2), ([], 1), ([A, A], 1), ([b"short"], 1), ([bytes((n, *A[1:])) for n in range(33)], 2)],
)
def test_custodians_that_cannot_be_meant(keys: list[bytes], threshold: int) -> None:
    with pytest.raises(CustodiansRefused):
        LedgerConfig.of([], False, keys, threshold)
