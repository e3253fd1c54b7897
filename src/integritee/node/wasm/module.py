"""A runtime, compiled: made once per code, instantiated for every call.

A fresh instance per call is what Substrate does, too: nothing a call leaves in memory reaches the next.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Final

import wasmtime

from integritee.trie import KeyTooLong, ValueTooLong

from ..errors import RuntimeApiMissing, RuntimePanic
from .binary import MEMORY, with_own_memory
from .blob import decode_blob
from .errors import (
    HostFunctionMissing,
    HostTrap,
    InvalidRuntimeCode,
    LimitReached,
    RuntimeAborted,
    RuntimeLimitExceeded,
)
from .externalities import Externalities
from .host import HOST_FUNCTIONS
from .interface import I32, I64, LOW, lift_span
from .linker import HostLink, MissingFunction, wasm_type
from .memory import MAX_MEMORY_BYTES, LinearMemory

log = logging.getLogger(__name__)

MAX_FUEL: Final = 20_000_000_000
"""Wasm instructions one call may take, roughly: some seconds. Whole blocks of public chains are made for two."""

MAX_STACK_BYTES: Final = 1024 * 1024
"""Native stack of a call."""

HEAP_BASE: Final = "__heap_base"


def wasm_engine() -> wasmtime.Engine:
    """Compiler and limits, the same for all runtimes."""
    config = wasmtime.Config()
    config.consume_fuel = True
    config.max_wasm_stack = MAX_STACK_BYTES
    config.memory_may_move = False
    return wasmtime.Engine(config)


class RuntimeModule:
    """The runtime of a value of ``:code``. One call at a time, calls within calls excepted."""

    def __init__(self, engine: wasmtime.Engine, code: bytes, cache: Path | None = None) -> None:
        """Compile, or load from the directory `cache`. Raises InvalidRuntimeCode."""
        self._engine = engine
        self._module = _compiled(engine, code, cache)
        exports = {export.name: export.type for export in self._module.exports}
        if not isinstance(exports.get(MEMORY), wasmtime.MemoryType):
            raise InvalidRuntimeCode("it has no memory")
        if not isinstance(exports.get(HEAP_BASE), wasmtime.GlobalType):
            raise InvalidRuntimeCode(f"it does not export {HEAP_BASE}")
        self._functions = {name for name, type in exports.items() if _is_api_function(type)}
        self._link = HostLink(engine, HOST_FUNCTIONS)
        self._instance = self._link.offer(self._module)

    def call(self, name: str, host: Externalities, args: bytes) -> bytes:
        """Result of an exported function. Raises RuntimeApiMissing, RuntimePanic, and what storage raises."""
        if name not in self._functions:
            raise RuntimeApiMissing(name)
        link, outer = self._link, self._link.current
        link.current = host
        try:
            return self._run(name, host, args)
        except (wasmtime.Trap, wasmtime.WasmtimeError, HostTrap, MissingFunction) as error:
            cause, link.error = link.error or error, None
            raise _failure(name, cause, host.panic) from None
        finally:
            link.current = outer

    def _run(self, name: str, host: Externalities, args: bytes) -> bytes:
        """In an instance of its own, whose memory goes at once: it takes four GiB of addresses."""
        with closing(wasmtime.Store(self._engine)) as store:
            store.set_limits(memory_size=MAX_MEMORY_BYTES)
            store.set_fuel(MAX_FUEL)
            exports = self._instance.instantiate(store).exports(store)
            memory, heap_base, function = exports[MEMORY], exports[HEAP_BASE], exports[name]
            assert isinstance(memory, wasmtime.Memory)
            assert isinstance(heap_base, wasmtime.Global)
            assert isinstance(function, wasmtime.Func)
            host.attach(LinearMemory(store, memory), heap_base.value(store) & LOW)
            return lift_span(host, function(store, host.allocated(args), len(args)))


def _is_api_function(type: object) -> bool:
    """Address and length of the arguments in, a fat pointer to the result out."""
    return isinstance(type, wasmtime.FuncType) and wasm_type(type) == ([I32, I32], [I64])


def _failure(name: str, cause: BaseException, panic: str | None) -> BaseException:
    """What the caller is told of a call that ended early; causes that are not the runtime's stay what they are."""
    match cause:
        case MissingFunction(function=function):
            return HostFunctionMissing(name, function)
        case LimitReached(limit=limit):
            return RuntimeLimitExceeded(name, limit)
        case wasmtime.Trap() if cause.trap_code is wasmtime.TrapCode.OUT_OF_FUEL:
            return RuntimeLimitExceeded(name, f"{MAX_FUEL} units of fuel")
        case wasmtime.Trap() if cause.trap_code is wasmtime.TrapCode.STACK_OVERFLOW:
            return RuntimeLimitExceeded(name, f"{MAX_STACK_BYTES} bytes of stack")
        case RuntimeAborted(message=message):
            return RuntimePanic(name, message)
        case HostTrap() | KeyTooLong() | ValueTooLong():
            return RuntimePanic(name, str(cause))
        case wasmtime.Trap() | wasmtime.WasmtimeError():
            return RuntimePanic(name, panic or _innermost(cause))
    return cause


def _innermost(error: Exception) -> str:
    """wasmtime puts what was being done first, and the reason last."""
    return " ".join(str(error).strip().rpartition("\n")[2].split())


# --- compiled code on disk


def _compiled(engine: wasmtime.Engine, code: bytes, cache: Path | None) -> wasmtime.Module:
    """Compiling takes a second or more, loading some milliseconds. Raises InvalidRuntimeCode."""
    path = None if cache is None else cache / _file_name(code)
    if path is not None and path.is_file():
        try:
            return wasmtime.Module.deserialize_file(engine, str(path))
        except wasmtime.WasmtimeError as error:
            log.warning("Compiled runtime %s is not usable, compiling anew: %s", path, _innermost(error))
    wasm = with_own_memory(decode_blob(code))
    log.info("Compiling the runtime, %d bytes of Wasm", len(wasm))
    try:
        module = wasmtime.Module(engine, wasm)
    except wasmtime.WasmtimeError as error:
        raise InvalidRuntimeCode(_innermost(error)) from None
    if path is not None:
        _store(path, bytes(module.serialize()))
    return module


def _file_name(code: bytes) -> str:
    """Compiled code fits one version of the compiler."""
    return f"{hashlib.blake2b(code, digest_size=16).hexdigest()}-wasmtime-{version('wasmtime')}.cwasm"


def _store(path: Path, compiled: bytes) -> None:
    """Whole or not at all: another node of the same chain may be loading it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(compiled)
    Path(temporary).replace(path)
