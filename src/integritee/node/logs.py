"""Log lines of the node's process, and Substrate's filter directives (`-l target=level,…`).

A target is a logger below `integritee.node`; a directive without one sets the level of all. Lines go to stderr.
"""

from __future__ import annotations

import logging
from typing import Final

ROOT: Final = "integritee"
_TARGETS: Final = "integritee.node"

MAX_DIRECTIVES: Final = 64

LEVELS: Final = {
    "off": logging.CRITICAL + 10,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "trace": logging.DEBUG,
}

_start: dict[str, int] = {}
_changed: set[str] = set()


def configure(directives: str = "") -> None:
    """Log to stderr from level info on, as the directives say otherwise. Raises ValueError."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    _start.clear()
    _start.update({ROOT: logging.INFO} | parse_directives(directives))
    reset_log_filter()


def parse_directives(text: str) -> dict[str, int]:
    """Level by logger name. Raises ValueError."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > MAX_DIRECTIVES:
        raise ValueError(f"more than {MAX_DIRECTIVES} log directives")
    found = {}
    for part in parts:
        target, equals, level = part.rpartition("=")
        if level.lower() not in LEVELS:
            if equals:
                raise ValueError(f"unknown log level {level!r}")
            target, level = part, "trace"
        name = f"{_TARGETS}.{target.replace('::', '.')}" if target else ROOT
        found[name] = LEVELS[level.lower()]
    return found


def add_log_filter(directives: str) -> None:
    """Change levels until `reset_log_filter`. Raises ValueError."""
    _apply(parse_directives(directives))


def reset_log_filter() -> None:
    """Back to the levels of the start."""
    _apply(dict.fromkeys(_changed, logging.NOTSET) | _start)


def _apply(levels: dict[str, int]) -> None:
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    _changed.update(levels)
