"""Which engine runs a chain."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .engine import RuntimeEngine
from .wasm.blob import is_wasm_code

CODE: Final = b":code"
"""Where a chain's runtime is in its storage."""


def engine_for(genesis: Mapping[bytes, bytes], cache: Path | None = None) -> RuntimeEngine:
    """The engine of the chain that begins with the raw storage `genesis`: Wasm under wasmtime, names in Python.

    `cache` is where compiled Wasm is kept, if anywhere.
    """
    if is_wasm_code(genesis.get(CODE, b"")):
        from .wasm.engine import WasmEngine  # loads a compiler, which other chains do without

        return WasmEngine(cache)
    from .runtime.runtime import engine

    return engine()
