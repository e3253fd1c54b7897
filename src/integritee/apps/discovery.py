"""Where apps are: those that come with the project, installed ones, and project folders.

An app is installed when a distribution beside `integritee` states an entry point for it::

    [project.entry-points."integritee.apps"]
    greeter = "greeter:Greeter"

Development ledgers also take a folder that holds such a ``pyproject.toml``, with the package in it or in its
``src``; it need not be installed. Nothing is imported here.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .errors import (
    FolderNotAllowed,
    ForbiddenPackage,
    InvalidAppName,
    NameTaken,
    NotAnApp,
    NotAProject,
    UnknownApp,
)

GROUP: Final = "integritee.apps"
PROJECT_FILE: Final = "pyproject.toml"
MAX_PROJECT_FILE: Final = 1 << 20
"""Bytes of a project file."""

SNAKE_CASE: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
TARGET: Final = re.compile(r"(?P<module>(?P<package>[^\W\d]\w*)(\.[^\W\d]\w*)*):(?P<attribute>[^\W\d]\w*)")

OWN_PACKAGE: Final = __name__.partition(".")[0]


@dataclass(frozen=True)
class AppSource:
    """Where an app is: `target` is ``package.module:Class``; `folder` holds the package unless it is installed."""

    name: str
    target: str
    folder: Path | None = None

    @property
    def module(self) -> str:
        return self.target.partition(":")[0]

    @property
    def attribute(self) -> str:
        return self.target.partition(":")[2]

    @property
    def package(self) -> str:
        """The package at the top, which holds all of the app's code."""
        return self.module.partition(".")[0]

    @property
    def comes_with_the_project(self) -> bool:
        return self.package == OWN_PACKAGE

    def __str__(self) -> str:
        """As it enters measurements: the same on every machine."""
        return f"{self.name}={self.target}"


def find(reference: str, built_in: Mapping[str, str], *, folders: bool) -> AppSource:
    """The app of a name; with `folders`, also of a path, which is told by its separator or leading dot.

    Raises UnknownApp, NameTaken, InvalidAppName, ForbiddenPackage, NotAnApp, FolderNotAllowed, NotAProject.
    """
    if is_folder(reference):
        if not folders:
            raise FolderNotAllowed(reference)
        return read_project(Path(reference))
    targets = installed_apps().get(reference, set()) | ({built_in[reference]} if reference in built_in else set())
    if not targets:
        raise UnknownApp(reference, {*built_in, *installed_apps()})
    if len(targets) > 1:
        raise NameTaken(reference, targets)
    (target,) = targets
    return _checked(AppSource(reference, target), may_be_own=reference in built_in)


def is_folder(reference: str) -> bool:
    """Whether an app is named by its folder: ``./greeter``, ``/home/me/greeter``, ``.``."""
    return os.sep in reference or reference.startswith(".")


def installed_apps() -> dict[str, set[str]]:
    """Targets of installed apps by name; a name with several belongs to nobody."""
    from importlib.metadata import entry_points  # takes a while to load

    found: dict[str, set[str]] = {}
    for entry in entry_points(group=GROUP):
        found.setdefault(entry.name, set()).add(entry.value)
    return found


def read_project(folder: Path) -> AppSource:
    """The one app that a project folder offers. Raises NotAProject, InvalidAppName, ForbiddenPackage, NotAnApp."""
    offered = _offered(folder)
    if len(offered) != 1:
        raise NotAProject(str(folder), f'{PROJECT_FILE} states {len(offered)} entry points of "{GROUP}", not one')
    ((name, target),) = offered.items()
    source = _checked(AppSource(name, str(target)))
    for place in (folder / "src", folder):
        if (place / source.package / "__init__.py").is_file():
            return AppSource(name, source.target, place.resolve())
    raise NotAProject(str(folder), f"no package {source.package} in it or in its src")


def _offered(folder: Path) -> Mapping[str, str]:
    import tomllib  # only development reads project files

    file = folder / PROJECT_FILE
    try:
        if file.stat().st_size > MAX_PROJECT_FILE:
            raise NotAProject(str(folder), f"{PROJECT_FILE} has more than {MAX_PROJECT_FILE} bytes")
        stated = tomllib.loads(file.read_text())
    except OSError as missing:
        raise NotAProject(str(folder), f"{PROJECT_FILE}: {missing.strerror}") from None
    except ValueError as malformed:  # neither TOML nor text
        raise NotAProject(str(folder), f"{PROJECT_FILE}: {malformed}") from None
    groups = _table(_table(stated, "project"), "entry-points")
    return _table(groups, GROUP)


def _table(stated: Mapping[str, object], key: str) -> Mapping[str, str]:
    found = stated.get(key)
    return found if isinstance(found, dict) else {}


def _checked(source: AppSource, *, may_be_own: bool = False) -> AppSource:
    """Raises InvalidAppName, NotAnApp, ForbiddenPackage."""
    if not SNAKE_CASE.fullmatch(source.name):
        raise InvalidAppName(source.name)
    found = TARGET.fullmatch(source.target)
    if found is None:
        raise NotAnApp(source.name, source.target, "an entry point is package.module:Class")
    if not may_be_own:
        check_package(source.name, found["package"])
    return source


def check_package(app: str, package: str) -> None:
    """Raises ForbiddenPackage for names of the project and of Python itself."""
    if package == OWN_PACKAGE or package in sys.stdlib_module_names:
        raise ForbiddenPackage(app, package)
