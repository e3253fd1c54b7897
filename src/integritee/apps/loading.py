"""From the place of an app to its class: import, and all that an app has to be.

Code out of a project folder is compiled anew each time: Python would otherwise run the byte code of an earlier
version if a file was changed twice within a second and kept its length.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

from integritee.frame.pallet import PalletUse
from integritee.stf.declare import APP_INDEXES, App
from integritee.stf.runtime import LedgerRuntime

from .discovery import SNAKE_CASE, AppSource
from .errors import (
    AppNotImportable,
    IndexReserved,
    InvalidAppName,
    NameMismatch,
    NotAnApp,
    PalletIndexReserved,
)

FIRST: Final = APP_INDEXES.start
LAST: Final = APP_INDEXES.stop - 1


def load(source: AppSource) -> type[App]:
    """The app's class. Raises AppNotImportable, NotAnApp, NameMismatch, InvalidAppName, IndexReserved,
    PalletIndexReserved."""
    if source.folder is not None:
        _add_project(source.package, source.folder)
    try:
        module = import_module(source.module)
    except Exception as broken:
        raise AppNotImportable(source.name, source.target, reason_of(broken)) from broken
    if source.folder is not None and not Path(module.__file__ or "").is_relative_to(source.folder):
        raise AppNotImportable(source.name, source.target, f"a package of that name is loaded from {module.__file__}")
    found = getattr(module, source.attribute, None)
    if found is None:
        raise NotAnApp(source.name, source.target, f"the module has no {source.attribute}")
    app = _expect_app(source, found)
    if not source.comes_with_the_project:
        _check_indexes(app)
    return app


def reason_of(broken: BaseException) -> str:
    """What is wrong and where, in one line: ``NameError: name 'x' is not defined (pallet.py, line 12)``."""
    said = f"{type(broken).__name__}: {broken}" if str(broken) else type(broken).__name__
    frames = traceback.extract_tb(broken.__traceback__)
    if isinstance(broken, SyntaxError) or not frames:
        return said  # a syntax error says itself where it is
    return f"{said} ({Path(frames[-1].filename).name}, line {frames[-1].lineno})"


# -- what an app has to be -----------------------------------------------------------------------------


def _expect_app(source: AppSource, found: object) -> type[App]:
    if not inspect.isclass(found) or not issubclass(found, App) or found is App:
        raise NotAnApp(source.name, source.target, "not a class derived from integritee.stf.declare.App")
    if not isinstance(getattr(found, "name", None), str):
        raise NotAnApp(source.name, source.target, "it has no name")
    if found.name != source.name:
        raise NameMismatch(found.name, source.name)
    return found


def _check_indexes(app: type[App]) -> None:
    """What does not come with the project keeps to the indexes and names for apps."""
    if app.index not in APP_INDEXES:
        raise IndexReserved(app.name, app.index, FIRST, LAST)
    for attribute, pallet in app.pallets.items():
        if not SNAKE_CASE.fullmatch(attribute):
            raise InvalidAppName(attribute)
        if not isinstance(pallet, PalletUse) or hasattr(LedgerRuntime, attribute):
            raise NotAnApp(
                app.name, attribute, "pallets are listed by names of their own: {name: use(index, Pallet)}"
            )
        if pallet.index not in APP_INDEXES:
            raise PalletIndexReserved(app.name, attribute, pallet.index, FIRST, LAST)


# -- project folders -----------------------------------------------------------------------------------


class _FreshSource(SourceFileLoader):
    """Neither reads nor writes byte code."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _ProjectFinder:
    """Finds one package, and what is in it, in a folder that is not on the path of modules."""

    def __init__(self, package: str, folder: Path) -> None:
        self._package, self._folder = package, folder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != self._package:
            return None
        places = [str(self._folder)] if path is None else list(path)
        found = (FileFinder(place, (_FreshSource, SOURCE_SUFFIXES)).find_spec(fullname) for place in places)
        return next(filter(None, found), None)


@cache
def _add_project(package: str, folder: Path) -> None:
    sys.meta_path.insert(0, _ProjectFinder(package, folder))
