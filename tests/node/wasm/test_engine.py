"""The engine on tiny runtimes: answers, ways to fail, limits, upgrades."""

from __future__ import annotations

import gc
import logging
import os
from pathlib import Path

import pytest

from integritee.frame.overlay import EmptyBackend, Overlay
from integritee.node.errors import RuntimeApiMissing, RuntimePanic
from integritee.node.wasm import externalities, memory, module
from integritee.node.wasm.engine import CODE, WasmEngine
from integritee.node.wasm.errors import HostFunctionMissing, InvalidRuntimeCode, RuntimeLimitExceeded
from integritee.trie import Layout, MissingNode, Trie

from .wat import RESULT_AT, call, function, import_of, packed, runtime, version, with_code

ECHO = function(
    "(i64.or (i64.extend_i32_u (local.get $at)) (i64.shl (i64.extend_i32_u (local.get $size)) (i64.const 32)))"
)
LOG = import_of("ext_logging_log_version_1", "$log")
ABORT = import_of("ext_panic_handler_abort_on_panic_version_1", "$abort")
SET = import_of("ext_storage_set_version_1", "$set")
MALLOC = import_of("ext_allocator_malloc_version_1", "$malloc")
BEGIN = import_of("ext_storage_start_transaction_version_1", "$begin")
STATM = Path("/proc/self/statm")
TEXT = '(data (i32.const 0) "runtimewhat went wrongkeyvalue")'
TARGET, MESSAGE, KEY, VALUE = packed(0, 7), packed(7, 15), packed(22, 3), packed(25, 5)


@pytest.mark.parametrize("size", [0, 1, 1000, 200_000])
def test_arguments_and_result(size: int) -> None:
    """More than the memory had at first makes it grow."""
    args = bytes(i % 251 for i in range(size))
    assert call(runtime(ECHO), args) == args


def test_memory_is_fresh_for_every_call() -> None:
    count = f"""(i32.store8 (i32.const {RESULT_AT}) (i32.add (i32.load8_u (i32.const {RESULT_AT})) (i32.const 1)))
        (i64.const {packed(RESULT_AT, 1)})"""
    engine, overlay = WasmEngine(), with_code(runtime(function(count)))
    assert [engine.call("test", overlay, b"") for _ in range(3)] == [b"\1"] * 3


# --- failures


def test_a_function_that_is_not_there() -> None:
    with pytest.raises(RuntimeApiMissing, match="BlockBuilder_apply_extrinsic"):
        call(runtime(ECHO), name="BlockBuilder_apply_extrinsic")


@pytest.mark.parametrize(
    "type", ["", "(param i32 i32)", "(param i32 i32 i32) (result i64)", "(param i64 i32) (result i64)"]
)
def test_exports_of_another_type_are_no_api(type: str) -> None:
    body = "(i64.const 0)" if "result" in type else ""
    with pytest.raises(RuntimeApiMissing):
        call(runtime(f'(func (export "test") {type} {body})'))


@pytest.mark.parametrize(
    "imports, body, reason",
    [
        ("", "unreachable", "unreachable"),
        ("", "(drop (i32.load (i32.const -1))) (i64.const 0)", "out of bounds memory access"),
        ("", f"(i64.const {packed(1 << 30, 4)})", "not all in the memory"),
        ("", "(drop (i32.div_u (i32.const 1) (i32.const 0))) (i64.const 0)", "divide by zero"),
        (LOG, f"(call $log (i32.const 0) (i64.const {TARGET}) (i64.const {MESSAGE})) unreachable", "what went wrong"),
        (ABORT, f"(call $abort (i64.const {MESSAGE})) (i64.const 0)", "what went wrong"),
    ],
    ids=["unreachable", "load", "result", "division", "panic-in-log", "panic-handler"],
)
def test_panics(imports: str, body: str, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    """In the runtime's own words if it had any."""
    caplog.set_level(logging.CRITICAL, "integritee.node.runtime")
    with pytest.raises(RuntimePanic, match=reason) as caught:
        call(runtime(f"{TEXT} {function(body)}", imports=imports))
    assert caught.value.name == "test"


@pytest.mark.skipif(not STATM.exists(), reason="only Linux tells how many addresses a process takes")
def test_a_panic_gives_its_memory_back_at_once() -> None:
    """Not when the garbage collector comes to it: an instance takes four GiB of addresses."""
    engine, overlay = WasmEngine(), with_code(runtime(function("unreachable")))
    gc.disable()
    try:
        taken = []
        for _ in range(5):
            with pytest.raises(RuntimePanic):
                engine.call("test", overlay, b"")
            taken.append(int(STATM.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE"))
    finally:
        gc.enable()
    assert max(taken) - min(taken) < 1 << 32


def test_an_error_in_the_log_is_no_panic() -> None:
    body = f"(call $log (i32.const 0) (i64.const {TARGET}) (i64.const {MESSAGE})) (i64.const {packed(0, 7)})"
    assert call(runtime(f"{TEXT} {function(body)}", imports=LOG)) == b"runtime"


@pytest.mark.parametrize(
    "missing",
    [
        '(import "env" "ext_offchain_timestamp_version_1" (func $host))',
        '(import "env" "ext_storage_get_version_9" (func $host))',
        '(import "env" "ext_storage_get_version_1" (func $host))',
        '(import "other" "ext_storage_start_transaction_version_1" (func $host))',
    ],
    ids=["unknown", "version", "another-type", "another-module"],
)
def test_host_functions_that_are_not_offered_fail_when_called(missing: str) -> None:
    code = runtime(function("(call $host) (i64.const 0)") + function("(i64.const 0)", "harmless"), imports=missing)
    assert call(code, name="harmless") == b""
    with pytest.raises(HostFunctionMissing) as caught:
        call(code)
    assert caught.value.function in missing.replace('" "', ".")


@pytest.mark.parametrize(
    "code, reason",
    [
        (b"\0asm\1\0\0\0", "no memory"),
        (b"\0asm\1\0\0\0\xff", "do not parse"),
        (b"\0asm\1\0\0\0\7\2\0\0", "section size mismatch"),
        (b"\0asm\2\0\0\0", "unknown binary version"),
    ],
)
def test_code_that_is_no_runtime(code: bytes, reason: str) -> None:
    with pytest.raises(InvalidRuntimeCode, match=reason):
        call(code)


def test_a_state_without_code() -> None:
    with pytest.raises(InvalidRuntimeCode, match="has none"):
        WasmEngine().call("test", Overlay(EmptyBackend()), b"")


def test_a_broken_state_is_not_the_runtimes_fault() -> None:
    read = import_of("ext_storage_get_version_1", "$get")
    code = runtime(f"{TEXT} {function(f'(call $get (i64.const {KEY}))')}", imports=read)
    whole = Trie.from_items({CODE: code, b"key": bytes(100), b"l": bytes(100)}, Layout.V1)
    nodes = whole.new_nodes()
    engine, complete = WasmEngine(), Overlay(Trie.at(whole.root(), nodes))
    assert engine.call("test", complete, b"")[0] == 1
    del nodes[next(hash for hash, node in nodes.items() if node == bytes(100))]
    with pytest.raises(MissingNode):
        engine.call("test", Overlay(Trie.at(whole.root(), nodes)), b"")


# --- limits

FOREVER = "(loop $again (br $again)) (i64.const 0)"
HOST_FOREVER = f"(loop $again (call $set (i64.const {KEY}) (i64.const {VALUE})) (br $again)) (i64.const 0)"
GROW = "(drop (memory.grow (i32.const 1000))) (i32.store (i32.const 65540000) (i32.const 1)) (i64.const 0)"
HEAP = "(loop $again (drop (call $malloc (i32.const 1000000))) (br $again)) (i64.const 0)"
DEEP = "(call $deeper) (i64.const 0)"
DEEPER = "(func $deeper (call $deeper))"


@pytest.mark.parametrize(
    "body, imports, limit",
    [
        (FOREVER, "", "1000000 units of fuel"),
        (HOST_FOREVER, SET, "500 calls of host functions"),
        (HEAP, MALLOC, "8388608 bytes of memory"),
        (DEEP, "", "bytes of stack"),
    ],
    ids=["fuel", "host-calls", "heap", "stack"],
)
def test_a_runaway_runtime_is_stopped(body: str, imports: str, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FUEL", 1_000_000)
    monkeypatch.setattr(externalities, "MAX_HOST_CALLS", 500)
    for place in (module, memory):
        monkeypatch.setattr(place, "MAX_MEMORY_BYTES", 8 * 1024 * 1024)
    monkeypatch.setattr("integritee.node.wasm.linker.MAX_HOST_CALLS", 500)
    with pytest.raises(RuntimeLimitExceeded, match=limit) as caught:
        call(runtime(f"{TEXT} {DEEPER} {function(body)}", imports=imports))
    assert limit in caught.value.limit


def test_memory_that_the_runtime_grows_itself_has_the_same_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    code = runtime(function(GROW))
    assert call(code) == b""
    monkeypatch.setattr(module, "MAX_MEMORY_BYTES", 8 * 1024 * 1024)
    with pytest.raises(RuntimePanic, match="out of bounds memory access"):
        call(code)


def test_storage_transactions_have_a_limit() -> None:
    body = "(loop $again (call $begin) (br $again)) (i64.const 0)"
    overlay = with_code(runtime(function(body), imports=BEGIN))
    with pytest.raises(RuntimeLimitExceeded, match="nested storage transactions"):
        WasmEngine().call("test", overlay, b"")
    assert overlay.depth == 0


# --- code and state


def test_a_block_is_made_by_the_code_of_its_parent() -> None:
    old, new = (runtime("", spec_version=number) for number in (1, 2))
    engine, overlay = WasmEngine(), with_code(old)
    overlay.put(CODE, new)
    assert engine.call("Core_version", overlay, b"") == version(spec_version=1)
    assert engine.call("Core_version", Overlay(overlay.settled()), b"") == version(spec_version=2)


def test_a_genesis_that_is_not_committed_yet() -> None:
    overlay = Overlay(EmptyBackend())
    overlay.put(CODE, runtime("", spec_version=3))
    assert WasmEngine().call("Core_version", overlay, b"") == version(spec_version=3)


@pytest.mark.parametrize("system_version, layout", [(0, Layout.V0), (1, Layout.V1), (2, Layout.V1)])
def test_the_layout_of_a_state_is_that_of_its_runtime(system_version: int, layout: Layout) -> None:
    """Even where the chain began with another one."""
    write = runtime(
        f"{TEXT} {function(f'(call $set (i64.const {KEY}) (i64.const {packed(0, 40)})) (i64.const 0)')}",
        imports=SET,
        system_version=system_version,
    )
    overlay = with_code(write)
    WasmEngine().call("test", overlay, b"")
    before = overlay.backend
    assert isinstance(before, Trie)
    value = overlay.get(b"key") or b""
    assert len(value) == 40
    assert overlay.settled().root() == with_code(write).settled().in_layout(layout).commit({b"key": value}).root()


def test_a_call_within_a_call_of_the_same_runtime() -> None:
    """A runtime asks for the version of its own code, and goes on."""
    ask = import_of("ext_misc_runtime_version_version_1", "$version")
    get = import_of("ext_storage_set_version_1", "$set")
    body = f"""(drop (call $version (i64.or (i64.extend_i32_u (local.get $at))
            (i64.shl (i64.extend_i32_u (local.get $size)) (i64.const 32)))))
        (call $set (i64.const {KEY}) (i64.const {VALUE})) (i64.const 0)"""
    code = runtime(f"{TEXT} {function(body)}", imports=ask + get)
    overlay = with_code(code)
    WasmEngine().call("test", overlay, code)
    assert overlay.get(b"key") == b"value"


# --- compiled code on disk


def compilations(caplog: pytest.LogCaptureFixture) -> int:
    return sum("Compiling" in record.getMessage() for record in caplog.records)


def test_compiled_code_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "integritee.node.wasm.module")
    code = runtime(ECHO)
    for _ in range(3):
        assert WasmEngine(tmp_path / "wasm").call("test", with_code(code), b"abc") == b"abc"
    assert compilations(caplog) == 1
    assert len(list((tmp_path / "wasm").iterdir())) == 1
    WasmEngine(tmp_path / "wasm").call("test", with_code(runtime(ECHO, spec_version=9)), b"")
    assert compilations(caplog) == 2


@pytest.mark.parametrize("spoiled", [b"", b"nonsense"])
def test_spoiled_compiled_code_is_made_anew(tmp_path: Path, spoiled: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "integritee.node.wasm.module")
    code = runtime(ECHO)
    WasmEngine(tmp_path).call("test", with_code(code), b"")
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(spoiled)
    assert WasmEngine(tmp_path).call("test", with_code(code), b"abc") == b"abc"
    assert compilations(caplog) == 2
    assert kept.read_bytes() != spoiled
