"""`integritee new-app`: the beginning of an app of one's own, with passing tests.

The files of ``app_template`` are written out; ``$name`` and its like are filled in, ``NAME`` in their paths as well.
"""

from __future__ import annotations

import keyword
import sys
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Final

from integritee.apps.catalog import BUILT_IN, client_ledger
from integritee.apps.discovery import SNAKE_CASE, installed_apps
from integritee.apps.errors import InvalidAppName
from integritee.cli.trusted import command_names
from integritee.crypto import blake2_256
from integritee.frame.errors import camel
from integritee.stf.declare import APP_INDEXES

from .errors import AppNameUnusable, DirectoryExists

TEMPLATE: Final = Path(__file__).parent / "app_template"
SUFFIX: Final = ".template"
MAX_NAME: Final = 40


def new_app(name: str, into: Path) -> Path:
    """Write the project ``into/name``; its folder.

    Raises InvalidAppName, AppNameUnusable, DirectoryExists, OSError.
    """
    check_name(name)
    folder = into / name
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise DirectoryExists(folder) from None
    known = {
        "name": name,
        "Name": camel(name),
        "cli_name": name.replace("_", "-"),
        "index": str(index_of(name)),
        "first": str(APP_INDEXES.start),
        "last": str(APP_INDEXES.stop - 1),
    }
    for template in sorted(TEMPLATE.rglob(f"*{SUFFIX}")):
        path = folder / str(template.relative_to(TEMPLATE)).removesuffix(SUFFIX).replace("NAME", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(template.read_text()).substitute(known))
    return folder


def check_name(name: str) -> None:
    """Raises InvalidAppName, AppNameUnusable."""
    if not SNAKE_CASE.fullmatch(name) or len(name) > MAX_NAME:
        raise InvalidAppName(name)
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise AppNameUnusable(name, "a word of Python itself")
    if name in BUILT_IN or name in installed_apps():
        raise AppNameUnusable(name, "an app that is there already")
    if name in sys.stdlib_module_names or find_spec(name) is not None:
        raise AppNameUnusable(name, "a module that is there already")
    if name in client_ledger().names.values() or name.replace("_", "-") in command_names():
        raise AppNameUnusable(name, "a call or command that is there already")


def index_of(name: str) -> int:
    """Discriminant and pallet index: different for most names, always the same for one."""
    return APP_INDEXES[int.from_bytes(blake2_256(name.encode())[:8], "little") % len(APP_INDEXES)]
