"""What host functions act on during one call of the runtime (sp-externalities)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from integritee.frame.overlay import Overlay

from .allocator import FreeingBumpAllocator
from .errors import LimitReached, NoOpenTransaction
from .memory import LinearMemory

log = logging.getLogger("integritee.node.runtime")

MAX_HOST_CALLS: Final = 10_000_000
"""Host functions one call may use; Wasm between them is counted in fuel."""

Version = Callable[[bytes], bytes | None]


class Externalities:
    """Storage, memory and heap of one call.

    `version_of` answers `Core_version` for a blob. `panic` is the last error the runtime has logged: what it says
    before it aborts. `batch` is whether all signatures of the open batch are good, None without one.
    """

    __slots__ = ("_depth", "batch", "calls_left", "heap", "memory", "overlay", "panic", "version_of")

    def __init__(self, overlay: Overlay, version_of: Version) -> None:
        self.overlay, self.version_of = overlay, version_of
        self.memory: LinearMemory
        self.heap: FreeingBumpAllocator
        self.calls_left = MAX_HOST_CALLS
        self.panic: str | None = None
        self.batch: bool | None = None
        self._depth = overlay.depth

    def attach(self, memory: LinearMemory, heap_base: int) -> None:
        """Use the memory of an instance."""
        self.memory = memory
        self.heap = FreeingBumpAllocator(heap_base, memory.reserve)

    def allocated(self, data: bytes) -> int:
        """Address of a copy of `data` on the runtime's heap. Raises LimitReached."""
        address = self.heap.allocate(len(data))
        self.memory.write(address, data)
        return address

    # --- storage transactions of the runtime

    def begin(self) -> None:
        try:
            self.overlay.begin()
        except RecursionError as error:
            raise LimitReached(str(error)) from None

    def commit(self) -> None:
        """Raises NoOpenTransaction."""
        self._check_open()
        self.overlay.commit()

    def rollback(self) -> None:
        """Raises NoOpenTransaction."""
        self._check_open()
        self.overlay.rollback()

    def close(self) -> None:
        """Undo the transactions that the runtime left open."""
        while self.overlay.depth > self._depth:
            self.overlay.rollback()

    def _check_open(self) -> None:
        """Those of the caller are not the runtime's to close."""
        if self.overlay.depth <= self._depth:
            raise NoOpenTransaction
