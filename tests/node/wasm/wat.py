"""Tiny runtimes in WebAssembly text, to try host functions and limits on.

A runtime gets its arguments at an address that is known: the first allocation on its heap.
"""

from __future__ import annotations

from typing import Final

import wasmtime

from integritee.frame.overlay import Overlay
from integritee.node.runtime_api import RuntimeVersion
from integritee.node.wasm.engine import WasmEngine
from integritee.node.wasm.host import HOST_FUNCTIONS
from integritee.scale import encode
from integritee.trie import Layout, Trie

HEAP_BASE: Final = 4096
ARGUMENTS: Final = HEAP_BASE + 8
"""Where the arguments of a call are, behind the header of their allocation."""

VERSION_AT: Final = 2048
RESULT_AT: Final = 1024


def version(system_version: int = 0, spec_version: int = 1) -> bytes:
    return encode(RuntimeVersion, RuntimeVersion("tiny", "tiny", 1, spec_version, 1, [], 1, system_version))


def packed(address: int, length: int) -> int:
    return length << 32 | address


def runtime(body: str, *, imports: str = "", system_version: int = 0, spec_version: int = 1) -> bytes:
    """Code of a runtime that imports its memory and answers Core_version; `body` are further functions."""
    data = version(system_version, spec_version)
    escaped = "".join(map("\\{:02x}".format, data))
    text = f"""(module
        (import "env" "memory" (memory 1))
        {imports}
        (global (export "__heap_base") i32 (i32.const {HEAP_BASE}))
        (data (i32.const {VERSION_AT}) "{escaped}")
        (func (export "Core_version") (param i32 i32) (result i64) (i64.const {packed(VERSION_AT, len(data))}))
        {body})"""
    return bytes(wasmtime.wat2wasm(text))


def function(body: str, name: str = "test", locals: str = "") -> str:
    """An exported runtime API function."""
    return f'(func (export "{name}") (param $at i32) (param $size i32) (result i64) {locals} {body})'


def import_of(name: str, label: str) -> str:
    """The import of a host function under a label."""
    parameters, results = HOST_FUNCTIONS[name].wasm_type
    return f'(import "env" "{name}" (func {label} (param {" ".join(parameters)}) (result {" ".join(results)})))'


def with_code(code: bytes, items: dict[bytes, bytes] | None = None, layout: Layout = Layout.V0) -> Overlay:
    return Overlay(Trie.from_items({b":code": code, **(items or {})}, layout))


def call(code: bytes, args: bytes = b"", name: str = "test") -> bytes:
    """Result of a function of a runtime on a state that is only its code."""
    return WasmEngine().call(name, with_code(code), args)


class Host:
    """Calls host functions from within a runtime, on one overlay."""

    def __init__(self, overlay: Overlay | None = None) -> None:
        self.overlay = overlay or Overlay(Trie.empty())
        self._engine = WasmEngine()

    def call(self, name: str, *args: bytes | int, returns: int | None = None) -> bytes:
        """What host function `name` returns: bytes by fat pointer, `returns` bytes by pointer, or a number (LE).

        Bytes are passed as the function takes them, by fat pointer or by pointer.
        """
        full = f"ext_{name}"
        parameters, results = HOST_FUNCTIONS[full].wasm_type
        pushed, data = self._arguments(parameters, args)
        body = _returning(f"(call $host {' '.join(pushed)})", results, returns)
        code = runtime(function(body), imports=import_of(full, "$host"))
        return self._run(code, data)

    def read(self, name: str, *args: bytes | int, room: int) -> tuple[bytes, bytes]:
        """(answer, buffer) of a host function that writes to a buffer of `room` bytes, its last argument but one."""
        full = f"ext_{name}"
        parameters, _ = HOST_FUNCTIONS[full].wasm_type
        *before, offset = args
        pushed, data = self._arguments([*parameters[:-2], parameters[-1]], [*before, offset])
        pushed.insert(-1, f"(i64.const {packed(RESULT_AT + 16, room)})")
        answer = f"""
            (local.set $answer (call $host {" ".join(pushed)}))
            (memory.copy (i32.const {RESULT_AT}) (i32.wrap_i64 (local.get $answer)) (i32.const 16))
            (i64.const {packed(RESULT_AT, 16 + room)})"""
        code = runtime(function(answer, locals="(local $answer i64)"), imports=import_of(full, "$host"))
        result = self._run(code, data)
        return result[:5], result[16:]

    def _run(self, code: bytes, data: bytes) -> bytes:
        backend = self.overlay.backend
        assert isinstance(backend, Trie)
        self.overlay.rebase(backend.commit({b":code": code}))
        return self._engine.call("test", self.overlay, data)

    @staticmethod
    def _arguments(
        parameters: list[str], args: tuple[bytes | int, ...] | list[bytes | int]
    ) -> tuple[list[str], bytes]:
        """Constants to push, and the data they point to."""
        pushed, data = [], b""
        for type, arg in zip(parameters, args, strict=True):
            if isinstance(arg, bytes):
                at = ARGUMENTS + len(data)
                data += arg
                arg = at if type == "i32" else packed(at, len(arg))
            pushed.append(f"({type}.const {arg})")
        return pushed, data


def _returning(call: str, results: list[str], size: int | None) -> str:
    """The result as what the runtime returns."""
    if not results:
        return f"{call} (i64.const 0)"
    if size is not None:
        return f"(i64.or (i64.extend_i32_u {call}) (i64.const {packed(0, size)}))"
    if results == ["i64"]:
        return call
    return f"(i32.store (i32.const {RESULT_AT}) {call}) (i64.const {packed(RESULT_AT, 4)})"
