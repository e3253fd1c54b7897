"""The figures of the latest run, `bench/latest.json`; a part that is measured alone leaves the others as they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

LATEST = Path(__file__).parent / "latest.json"


def record(figures: dict[str, Any]) -> None:
    """Of a part: in the place of those of the same names."""
    replace((json.loads(LATEST.read_text()) if LATEST.exists() else {}) | figures)


def replace(figures: dict[str, Any]) -> None:
    """Those of a whole run."""
    LATEST.write_text(json.dumps(figures, indent=2) + "\n")


def main(measure: Callable[[], dict[str, Any]]) -> None:
    """What a part of the bench does when it runs alone."""
    figures = measure()
    record(figures)
    for name, value in figures.items():
        print(f"{name:40}{value}")
