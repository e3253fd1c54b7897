"""The node's runtime engine for chains whose ``:code`` is Wasm."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from integritee.frame.overlay import EmptyBackend, Overlay
from integritee.scale import DecodeError
from integritee.trie import Layout, Trie

from ..chain import state_layout
from ..errors import RuntimeFailure
from ..runtime_api import decode_version
from .errors import InvalidRuntimeCode
from .externalities import Externalities
from .module import RuntimeModule, wasm_engine

log = logging.getLogger(__name__)

CODE: Final = b":code"
"""Where the runtime of a state is."""

VERSION: Final = "Core_version"

MAX_MODULES: Final = 4
"""Compiled runtimes kept: the present one, and those of a chain that upgrades or is asked about its past."""


class WasmEngine:
    """A `RuntimeEngine`. One call at a time; not for several threads.

    `cache` is a directory to keep compiled runtimes in.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self._engine = wasm_engine()
        self._cache = cache
        self._modules: list[_Known] = []

    def call(self, name: str, overlay: Overlay, args: bytes) -> bytes:
        """Result of a runtime API function; its storage changes are in `overlay`.

        A block is made by the code of its parent's state, even if it replaces that. Raises InvalidRuntimeCode,
        RuntimeApiMissing, RuntimePanic, and TrieError if the state itself is broken.
        """
        code = overlay.backend.get(CODE) or overlay.get(CODE)
        if code is None:
            raise InvalidRuntimeCode("the state has none")
        runtime = self._runtime(code)
        if isinstance(overlay.backend, Trie) and overlay.backend.layout is not runtime.layout:
            overlay.rebase(overlay.backend.in_layout(runtime.layout))
        if name == VERSION:
            return runtime.version
        return self._run(runtime.module, name, overlay, args)

    def _run(self, module: RuntimeModule, name: str, overlay: Overlay, args: bytes) -> bytes:
        host = Externalities(overlay, self._version_of)
        try:
            return module.call(name, host, args)
        finally:
            host.close()

    def _runtime(self, code: bytes) -> _Known:
        """The runtime of a code, compiled at its first use. Raises InvalidRuntimeCode, RuntimeFailure."""
        for known in self._modules:
            if known.code == code:
                return known
        module = RuntimeModule(self._engine, code, self._cache)
        version = self._run(module, VERSION, Overlay(EmptyBackend()), b"")
        known = _Known(code, module, version, _layout(version))
        self._modules = [known, *self._modules[: MAX_MODULES - 1]]
        return known

    def _version_of(self, code: bytes) -> bytes | None:
        """`Core_version` of a blob, None if it is no runtime or does not answer."""
        try:
            return self._runtime(code).version
        except RuntimeFailure as error:
            log.warning("A runtime to upgrade to is refused: %s", error)
            return None


@dataclass(frozen=True, slots=True)
class _Known:
    """A runtime and what only depends on its code."""

    code: bytes
    module: RuntimeModule
    version: bytes
    layout: Layout


def _layout(version: bytes) -> Layout:
    """Trie layout of the state of a runtime. Raises InvalidRuntimeCode."""
    try:
        return state_layout(decode_version(version))
    except DecodeError as error:
        raise InvalidRuntimeCode(f"its version does not decode: {error}") from None
