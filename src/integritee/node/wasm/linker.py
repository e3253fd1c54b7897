"""Offering host functions to a module.

Host functions are called by the hundred in every block, so they are linked below wasmtime's Python layer, which boxes
each argument: the callback of its C API gets the raw values, sixteen bytes each, and puts the result in place of the
first one.

Source: `wasmtime_linker_define_func_unchecked` and `wasmtime_val_raw_t` of wasmtime's C API.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from typing import Any, Final

import wasmtime
from wasmtime import _ffi as ffi

from .errors import InvalidRuntimeCode, LimitReached
from .externalities import MAX_HOST_CALLS, Externalities
from .interface import HostFunction

HOST_MODULE: Final = "env"
"""Module that runtimes import host functions from."""

_Callback: Final = ctypes.CFUNCTYPE(
    ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int64), ctypes.c_size_t
)
_NO_FINALIZER: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p)()

_HALVES: Final = 2
"""64-bit halves of a raw value; numbers are in the first."""


class MissingFunction(Exception):
    """The runtime called a function that is not offered."""

    def __init__(self, function: str) -> None:
        self.function = function
        super().__init__(function)


class HostLink:
    """A linker that offers a module what it imports.

    `current` is what the functions act on; set it before a call. `error` is what a function raised, if a call ended
    by it.
    """

    def __init__(self, engine: wasmtime.Engine, functions: Mapping[str, HostFunction]) -> None:
        self.linker = wasmtime.Linker(engine)
        self.current: Externalities | None = None
        self.error: BaseException | None = None
        self._functions = functions
        self._callbacks: list[Any] = []

    def offer(self, module: wasmtime.Module) -> wasmtime.InstancePre:
        """Link all that the module imports. What is not offered raises when it is called.

        Raises InvalidRuntimeCode if it imports anything but functions.
        """
        for imported in module.imports:
            if not isinstance(imported.type, wasmtime.FuncType) or imported.name is None:
                raise InvalidRuntimeCode(f"it imports {imported.module}.{imported.name}, which is no function")
            offered = self._functions.get(imported.name) if imported.module == HOST_MODULE else None
            if offered is None or offered.wasm_type != wasm_type(imported.type):
                callback = self._missing(f"{imported.module}.{imported.name}")
            else:
                callback = self._callback(offered)
            self._define(imported.module, imported.name, imported.type, callback)
        return self.linker.instantiate_pre(module)

    def _define(self, module: str, name: str, type: wasmtime.FuncType, call: Callable[..., int]) -> None:
        callback = _Callback(call)
        self._callbacks.append(callback)  # C keeps no reference
        error = ffi.wasmtime_linker_define_func_unchecked(
            self.linker.ptr(),
            ctypes.create_string_buffer(module.encode()),
            len(module.encode()),
            ctypes.create_string_buffer(name.encode()),
            len(name.encode()),
            type.ptr(),
            ctypes.cast(callback, ffi.wasmtime_func_unchecked_callback_t),
            None,
            _NO_FINALIZER,
        )
        if error:
            raise wasmtime.WasmtimeError._from_ptr(error)

    def _callback(self, function: HostFunction) -> Callable[..., int]:
        run, lower = function.run, function.result.lower if function.result else None
        lifts = [(parameter.lift, _HALVES * i) for i, parameter in enumerate(function.parameters)]

        def call(_data: object, _caller: object, values: Any, _count: int) -> int:
            try:
                host = self.current
                assert host is not None
                if not host.calls_left:
                    raise LimitReached(f"{MAX_HOST_CALLS} calls of host functions")
                host.calls_left -= 1
                result = run(host, *[lift(host, values[at]) for lift, at in lifts])
                if lower is not None:
                    values[0] = lower(host, result)
            except BaseException as error:
                return self._end(error)
            return 0

        return call

    def _missing(self, function: str) -> Callable[..., int]:
        def call(_data: object, _caller: object, _values: Any, _count: int) -> int:
            return self._end(MissingFunction(function))

        return call

    def _end(self, error: BaseException) -> int:
        """Remember the error; a trap for the engine, which ends the call."""
        self.error = error
        trap = wasmtime.Trap("the host ended the call")._consume()
        return ctypes.cast(trap, ctypes.c_void_p).value or 0


def wasm_type(type: wasmtime.FuncType) -> tuple[list[str], list[str]]:
    """Names of the types of parameters and results."""
    return [str(p) for p in type.params], [str(r) for r in type.results]
