"""What is left of sp-io: allocator, log, panics, and what has no effect here.

Source: `Allocator`, `Logging`, `Misc`, `PanicHandler`, `OffchainIndex`, `TransactionIndex`, `WasmTracing` of sp-io.
"""

from __future__ import annotations

import logging as python_logging
from typing import Final

from ..errors import RuntimeAborted
from ..externalities import Externalities, log
from ..interface import U32, U64, Fixed32, Flag, Interface, Span
from .storage import optional

allocator = Interface("allocator")
logging = Interface("logging")
misc = Interface("misc")
panic_handler = Interface("panic_handler")
offchain_index = Interface("offchain_index")
transaction_index = Interface("transaction_index")
wasm_tracing = Interface("wasm_tracing")


# --- heap


@allocator.function("malloc")
def malloc(host: Externalities, size: U32) -> U32:
    return host.heap.allocate(size)


@allocator.function("free")
def free(host: Externalities, address: U32) -> None:
    host.heap.free(address)


# --- log

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


# --- code


@misc.function("runtime_version")
def runtime_version(host: Externalities, code: Span) -> Span:
    """`Core_version` of the blob, which a runtime asks before it upgrades to it."""
    return optional(host.version_of(code))


@panic_handler.function("abort_on_panic")
def abort_on_panic(host: Externalities, message: Span) -> None:
    raise RuntimeAborted(_text(message))


# --- without effect: no offchain database, no transactions by index, no tracing


@offchain_index.function("set")
def index_set(host: Externalities, key: Span, value: Span) -> None:
    return None


@offchain_index.function("clear")
def index_clear(host: Externalities, key: Span) -> None:
    return None


@transaction_index.function("index")
def index_transaction(host: Externalities, extrinsic: U32, size: U32, content_hash: Fixed32) -> None:
    return None


@transaction_index.function("renew")
def renew_transaction(host: Externalities, extrinsic: U32, content_hash: Fixed32) -> None:
    return None


@wasm_tracing.function("enabled")
def tracing_enabled(host: Externalities, metadata: Span) -> Flag:
    return False


@wasm_tracing.function("enter_span")
def enter_span(host: Externalities, attributes: Span) -> U64:
    return 0


@wasm_tracing.function("event")
def event(host: Externalities, attributes: Span) -> None:
    return None


@wasm_tracing.function("exit")
def exit_span(host: Externalities, span: U64) -> None:
    return None
