"""What a runtime says: log lines, prints and panics; and what it asks of a blob before it upgrades to it.

Source: `Logging`, `Misc`, `PanicHandler` of sp-io.
"""

from __future__ import annotations

import logging as python_logging
from typing import Final

from ..errors import RuntimeAborted
from ..externalities import Externalities, log
from ..interface import U32, U64, Interface, Span
from .storage import optional

logging = Interface("logging")
misc = Interface("misc")
panic_handler = Interface("panic_handler")

LEVELS: Final = (
    python_logging.ERROR,
    python_logging.WARNING,
    python_logging.INFO,
    python_logging.DEBUG,
    python_logging.DEBUG - 5,
)
"""Levels by the number a runtime gives a line: its place among those of sp-core `LogLevel`. The first is an error."""

MAX_LOG_BYTES: Final = 4096
"""Longest text of one log line."""


def _text(data: bytes) -> str:
    return data[:MAX_LOG_BYTES].decode(errors="replace")


@logging.function("log")
def log_line(host: Externalities, level: U32, target: Span, message: Span) -> None:
    text = _text(message)
    if level == 0:
        host.panic = text
    log.log(LEVELS[min(level, len(LEVELS) - 1)], "%s: %s", _text(target), text)


@logging.function("max_level")
def max_level(host: Externalities) -> U32:
    """How many of the levels are logged. Errors always: panics are announced by them."""
    return max(1, sum(map(log.isEnabledFor, LEVELS)))


@misc.function("print_num")
def print_num(host: Externalities, number: U64) -> None:
    log.debug("%d", number)


@misc.function("print_utf8")
def print_utf8(host: Externalities, text: Span) -> None:
    log.debug("%s", _text(text))


@misc.function("print_hex")
def print_hex(host: Externalities, data: Span) -> None:
    log.debug("%s", data[: MAX_LOG_BYTES // 2].hex())


@misc.function("runtime_version")
def runtime_version(host: Externalities, code: Span) -> Span:
    """`Core_version` of the blob, which a runtime asks before it upgrades to it."""
    return optional(host.version_of(code))


@panic_handler.function("abort_on_panic")
def abort_on_panic(host: Externalities, message: Span) -> None:
    raise RuntimeAborted(_text(message))
