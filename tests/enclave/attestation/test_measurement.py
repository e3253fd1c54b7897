"""The simulated MRENCLAVE: same files, same value; anything else, another value or a refusal."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from integritee.enclave.attestation import MeasuredRoot, app_root, measurement, trusted_roots
from integritee.enclave.attestation.errors import MeasuredTreeRefused

FILES = {
    "a/__init__.py": b"",
    "a/core.py": b"VALUE = 1\n",
    "a/data/table.json": b"{}",
    "b/__init__.py": b"",
}
INTERPRETER = bytes(32)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "site"
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def roots(tree: Path) -> list[MeasuredRoot]:
    return [MeasuredRoot(name, tree / name) for name in ("a", "b")]


def value(tree: Path, config: bytes = b"", interpreter: bytes = INTERPRETER) -> bytes:
    return measurement.digest(measurement.read_files(roots(tree)), interpreter=interpreter, config=config)


def test_definition(tree: Path) -> None:
    def framed(data: bytes) -> bytes:
        return len(data).to_bytes(4, "little") + data

    files = b"".join(framed(name.encode()) + hashlib.sha256(FILES[name]).digest() for name in sorted(FILES))
    expected = hashlib.sha256(
        b"tee-sim/measurement/v1"
        + INTERPRETER
        + hashlib.sha256(b"config").digest()
        + (4).to_bytes(4, "little")
        + files
    ).digest()
    assert value(tree, b"config") == expected


def test_same_files_elsewhere_measure_the_same(tree: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "lib" / "python3.11"
    shutil.copytree(tree, copy)
    (copy / "a/core.py").touch()
    (copy / "a/core.py").chmod(0o700)
    assert value(copy) == value(tree)


def test_byte_code_caches_do_not_count(tree: Path) -> None:
    before = value(tree)
    (tree / "a/__pycache__").mkdir()
    (tree / "a/__pycache__/core.cpython-311.pyc").write_bytes(b"cache")
    assert value(tree) == before


def changed_byte(tree: Path) -> None:
    (tree / "a/core.py").write_bytes(b"VALUE = 2\n")


def changed_data(tree: Path) -> None:
    (tree / "a/data/table.json").write_bytes(b"[]")


def added_module(tree: Path) -> None:
    (tree / "a/more.py").write_bytes(b"")


def removed_module(tree: Path) -> None:
    (tree / "b/__init__.py").unlink()


def renamed_module(tree: Path) -> None:
    (tree / "a/core.py").rename(tree / "a/cora.py")


def moved_between_packages(tree: Path) -> None:
    (tree / "a/core.py").rename(tree / "b/core.py")


@pytest.mark.parametrize(
    "change",
    [changed_byte, changed_data, added_module, removed_module, renamed_module, moved_between_packages],
)
def test_every_change_counts(tree: Path, change: object) -> None:
    before = value(tree)
    assert callable(change)
    change(tree)
    assert value(tree) != before


def test_configuration_and_interpreter_count(tree: Path) -> None:
    values = {value(tree), value(tree, b"config"), value(tree, interpreter=b"\x01" * 32)}
    assert len(values) == 3


@pytest.mark.parametrize(
    "name", ["a/evil.pth", "a/evil.pyc", "a/evil.pyo", "a/sitecustomize.py", "b/usercustomize.py"]
)
def test_files_that_change_what_python_runs(tree: Path, name: str) -> None:
    (tree / name).write_bytes(b"")
    with pytest.raises(MeasuredTreeRefused) as refusal:
        value(tree)
    assert refusal.value.path.endswith(name)


@pytest.mark.parametrize("target", ["core.py", "data", "nowhere"])
def test_symbolic_links(tree: Path, target: str) -> None:
    (tree / "a/link").symlink_to(target)
    with pytest.raises(MeasuredTreeRefused):
        value(tree)


def test_linked_root(tree: Path) -> None:
    (tree / "c").symlink_to("a")
    with pytest.raises(MeasuredTreeRefused):
        measurement.read_files([MeasuredRoot("c", tree / "c")])


def test_special_files(tree: Path) -> None:
    os.mkfifo(tree / "a/fifo")
    with pytest.raises(MeasuredTreeRefused):
        value(tree)


def test_root_named_twice(tree: Path) -> None:
    with pytest.raises(MeasuredTreeRefused, match="twice"):
        measurement.read_files([*roots(tree), MeasuredRoot("a", tree / "a")])


def test_missing_root(tree: Path) -> None:
    with pytest.raises(FileNotFoundError):
        measurement.read_files([MeasuredRoot("c", tree / "c")])


@pytest.mark.parametrize(("limit", "small"), [("MAX_FILES", 3), ("MAX_FILE_LENGTH", 9), ("MAX_DEPTH", 1)])
def test_limits(tree: Path, monkeypatch: pytest.MonkeyPatch, limit: str, small: int) -> None:
    monkeypatch.setattr(measurement, limit, small)
    with pytest.raises(MeasuredTreeRefused):
        value(tree)


def test_trusted_roots_are_the_trusted_packages() -> None:
    names = {root.name for root in trusted_roots()}
    packages = [
        "apps",
        "attestation",
        "scale",
        "crypto",
        "trie",
        "frame",
        "metadata",
        "primitives",
        "boundary",
        "stf",
        "enclave",
    ]
    assert names == {f"integritee/{name}" for name in [*packages, "__init__.py", "errors.py"]}
    assert all(root.path.parent.name == "integritee" for root in trusted_roots())


def test_this_module_is_measured() -> None:
    enclave = next(root for root in trusted_roots() if root.name == "integritee/enclave")
    files = measurement.read_files([enclave])
    source = Path(measurement.__file__).read_bytes()
    assert files["integritee/enclave/attestation/measurement.py"] == hashlib.sha256(source).digest()
    assert not any("__pycache__" in name for name in files)


def test_measure_covers_apps_and_configuration() -> None:
    plain = measurement.measure()
    assert len(plain) == 32
    assert measurement.measure() == plain
    assert measurement.measure(config=b"config") != plain
    assert measurement.measure(["msgspec"]) != plain


def test_app_roots() -> None:
    root = app_root("integritee.enclave.attestation")
    assert root.name == "integritee/enclave/attestation"
    assert root.path == Path(measurement.__file__).parent


@pytest.mark.parametrize("package", ["json.decoder", "no_such_package", "no_such_package.app"])
def test_not_an_app(package: str) -> None:
    with pytest.raises(MeasuredTreeRefused):
        app_root(package)


def test_interpreter_digest_is_stable() -> None:
    assert measurement.interpreter_digest() == measurement.interpreter_digest()
    assert len(measurement.interpreter_digest()) == 32
