"""Where foreign clients live: npm packages in `tests/js`, one virtual environment per Python library.

Installed from lock files with hashes on first use, then kept until the lock changes. Several test runs may want
the same environment at once; one installs, the others wait.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1]
JAVASCRIPT: Final = TESTS / "js"
EXTERNAL: Final = TESTS / "external"
PYTHON_ENVIRONMENTS: Final = TESTS.parent / ".venv-clients"

MIN_NODE: Final = 18
INSTALL_SECONDS: Final = 600.0


class InstallationFailed(AssertionError):
    """An installer failed; carries what it said."""


def missing_node() -> str | None:
    """Why no JavaScript client can run here, if so."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return f"the JavaScript clients need Node.js {MIN_NODE} or newer with npm: there is none"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    found = re.match(r"v(\d+)", version)
    if found is None or int(found[1]) < MIN_NODE:
        return f"the JavaScript clients need Node.js {MIN_NODE} or newer: this is {version}"
    return None


def node_packages() -> Path:
    """The directory of the scripts, with their packages installed."""
    modules = JAVASCRIPT / "node_modules"
    wanted = _digest(JAVASCRIPT / "package.json", JAVASCRIPT / "package-lock.json")
    with one_at_a_time(JAVASCRIPT / "build"):
        if not _is_installed(modules, wanted):
            _run(["npm", "ci"], JAVASCRIPT)
            _mark(modules, wanted)
    return JAVASCRIPT


def python_environment(name: str) -> Path:
    """The interpreter of the environment that `tests/external/<name>.txt` describes."""
    home, lock = PYTHON_ENVIRONMENTS / name, EXTERNAL / f"{name}.txt"
    python = home / "bin" / "python"
    wanted = f"{_digest(lock)} {sys.version}"
    with one_at_a_time(PYTHON_ENVIRONMENTS / f"{name}.lock"):
        if not _is_installed(home, wanted):
            shutil.rmtree(home, ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(home)], EXTERNAL)
            install = "-m pip --disable-pip-version-check --quiet install --require-hashes --only-binary :all: -r"
            _run([str(python), *install.split(), str(lock)], EXTERNAL)
            _mark(home, wanted)
    return python


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _is_installed(home: Path, wanted: str) -> bool:
    mark = home / ".installed-from"
    return mark.is_file() and mark.read_text() == wanted


def _mark(home: Path, wanted: str) -> None:
    """Written last: what an interrupted installation leaves behind is no environment."""
    (home / ".installed-from").write_text(wanted)


@contextmanager
def one_at_a_time(directory: Path) -> Iterator[None]:
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "installing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: Sequence[str], directory: Path) -> None:
    done = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    if done.returncode != 0:
        raise InstallationFailed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
