"""Code as chains store it."""

from __future__ import annotations

import pytest
import wasmtime
import zstandard

from integritee.node.engines import engine_for
from integritee.node.runtime.engine import RuntimesByCode
from integritee.node.wasm import blob
from integritee.node.wasm.binary import with_own_memory
from integritee.node.wasm.blob import COMPRESSED, decode_blob, is_wasm_code
from integritee.node.wasm.engine import WasmEngine
from integritee.node.wasm.errors import InvalidRuntimeCode
from integritee.node.wasm.module import RuntimeModule, wasm_engine

EMPTY = b"\0asm\x01\0\0\0"


def compressed(data: bytes) -> bytes:
    return COMPRESSED + zstandard.compress(data)


@pytest.mark.parametrize("code", [EMPTY, compressed(EMPTY)], ids=["bare", "compressed"])
def test_decoding(code: bytes) -> None:
    assert is_wasm_code(code)
    assert decode_blob(code) == EMPTY


@pytest.mark.parametrize(
    "code, reason",
    [
        (b"", "not Wasm"),
        (b"integritee-solo, in Python", "not Wasm"),
        (compressed(b"something else"), "not Wasm"),
        (COMPRESSED + b"no frame", "does not unpack"),
        (EMPTY + bytes(100), "longer than 100 bytes"),
        (compressed(EMPTY + bytes(10_000_000)), "longer than 100 bytes"),
    ],
    ids=["empty", "python", "compressed-text", "no-frame", "long", "bomb"],
)
def test_what_is_no_code(code: bytes, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blob, "MAX_WASM_BYTES", 100)
    with pytest.raises(InvalidRuntimeCode, match=reason):
        decode_blob(code)


@pytest.mark.parametrize(
    "code, kind",
    [(EMPTY, WasmEngine), (compressed(EMPTY), WasmEngine), (b"integritee-solo, in Python", RuntimesByCode)],
)
def test_the_engine_follows_from_the_genesis(code: bytes, kind: type) -> None:
    assert isinstance(engine_for({b":code": code}), kind)


def test_a_genesis_without_code_is_run_in_python() -> None:
    assert isinstance(engine_for({}), RuntimesByCode)


# --- memory


def imports(module: bytes) -> list[tuple[str | None, type]]:
    compiled = wasmtime.Module(wasmtime.Engine(), module)
    return [(i.name, type(i.type)) for i in compiled.imports]


@pytest.mark.parametrize("limits, bounds", [("1", (1, None)), ("3 500", (3, 500))])
@pytest.mark.parametrize(
    "others", ['(export "f" (func $f))', '(export "f" (func $f)) (global i32 (i32.const 7)) (table 1 funcref)']
)
def test_an_imported_memory_becomes_the_modules_own(limits: str, bounds: tuple[int, int | None], others: str) -> None:
    text = f"""(module
        (import "env" "f" (func $f (param i32)))
        (import "env" "memory" (memory {limits}))
        (import "env" "g" (global i64))
        (import "env" "t" (table 2 9 funcref))
        {others}
        (func (call $f (i32.load8_u (i32.const 5))))
        (data (i32.const 5) "x"))"""
    module = with_own_memory(bytes(wasmtime.wat2wasm(text)))
    assert imports(module) == [("f", wasmtime.FuncType), ("g", wasmtime.GlobalType), ("t", wasmtime.TableType)]
    memory = next(e for e in wasmtime.Module(wasmtime.Engine(), module).exports if e.name == "memory")
    assert isinstance(memory.type, wasmtime.MemoryType)
    assert (memory.type.limits.min, memory.type.limits.max) == bounds


def test_a_module_without_imported_memory_stays_as_it_is() -> None:
    module = bytes(wasmtime.wat2wasm('(module (memory (export "memory") 1) (func))'))
    assert with_own_memory(module) is module


WHOLE = bytes(wasmtime.wat2wasm('(module (import "env" "memory" (memory 1)) (func (export "f")))'))


@pytest.mark.parametrize("cut", range(len(EMPTY), len(WHOLE)))
def test_code_cut_short(cut: int) -> None:
    with pytest.raises(InvalidRuntimeCode):
        RuntimeModule(wasm_engine(), WHOLE[:cut])
