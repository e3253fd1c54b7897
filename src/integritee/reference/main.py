"""`integritee reference`: write what is generated from the declarations, or check that it is up to date.

Exit codes: 0 done or up to date, 1 failure or drift, 2 wrong command line.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import integritee
from integritee.apps.catalog import BUILT_IN, LedgerConfig, ledger_of
from integritee.errors import IntegriteeError

from .catalogue import PROJECT, catalogue
from .error_page import error_codes_json, errors_page
from .errors import NoSourceTree
from .js_types import js_types
from .pages import calls_page, getters_page
from .sdk import typed_client

SOURCE_TREE: Final = Path(integritee.__file__).parents[2]

PLACES: Final = {
    "calls.md": "docs/reference",
    "getters.md": "docs/reference",
    "errors.md": "docs/reference",
    "types.json": "docs/reference",
    "typed.py": "src/integritee/client",
    "error_codes.json": "src/integritee/cli",
}
"""Where the files of the project are in its source tree."""

FAILURE: Final = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, by default that of the process; the exit code."""
    options = _parser().parse_args(sys.argv[1:] if arguments is None else list(arguments))
    try:
        files = _files(options.apps, options.out)
    except IntegriteeError as failed:
        print(f"error: {failed.code}: {failed}", file=sys.stderr)
        return FAILURE
    return _check(files) if options.check else _write(files)


def generated(apps: Sequence[str] = ()) -> dict[str, str]:
    """All files by name, for the ledger with every app of the project and the `apps` named beside.

    Raises AppError, IndexClash, NameClash, UnreadableAnnotation.
    """
    config = LedgerConfig([*BUILT_IN, *apps], True)
    ledger = ledger_of(config)
    entries = catalogue((*PROJECT, *config.packages()))
    return {
        "calls.md": calls_page(ledger),
        "getters.md": getters_page(ledger),
        "errors.md": errors_page(entries),
        "types.json": json.dumps(js_types(ledger), indent=1) + "\n",
        "typed.py": typed_client(ledger),
        "error_codes.json": error_codes_json(entries),
    }


def _files(apps: Sequence[str], out: Path | None) -> dict[Path, str]:
    """Contents by path: in one directory, or in the source tree. Raises NoSourceTree, and what `generated` raises."""
    if out is None and not (SOURCE_TREE / "pyproject.toml").is_file():
        raise NoSourceTree(str(SOURCE_TREE))
    return {(out or SOURCE_TREE / PLACES[name]) / name: text for name, text in generated(apps).items()}


def _write(files: dict[Path, str]) -> int:
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(path)
    return 0


def _check(files: dict[Path, str]) -> int:
    drifted = [path for path, text in files.items() if not path.is_file() or path.read_text() != text]
    for path in drifted:
        print(f"{path} is not what the declarations say: run `integritee reference`", file=sys.stderr)
    return FAILURE if drifted else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="integritee reference",
        description="Generate reference pages, error codes, JSON types and typed methods from the declarations.",
        allow_abbrev=False,
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file differs")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="all files here; default: their places in the project"
    )
    parser.add_argument(
        "--app", action="append", default=[], dest="apps", metavar="NAME", help="a further app, by name or folder"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
