"""A runtime's linear memory as its host sees it.

Memory grows but never moves: the engine reserves all the address space a 32-bit memory can have.
"""

from __future__ import annotations

import ctypes
from typing import Final

import wasmtime

from .errors import BadPointer, LimitReached

PAGE_BYTES: Final = 65536

MAX_MEMORY_BYTES: Final = 256 * 1024 * 1024
"""What one call may have, its code's data included. Substrate gives a runtime 128 MiB of heap."""


class LinearMemory:
    """Reads and writes check their bounds and raise BadPointer."""

    __slots__ = ("_memory", "_store", "_view", "size")

    def __init__(self, store: wasmtime.Store, memory: wasmtime.Memory) -> None:
        self._store, self._memory = store, memory
        self.size = 0
        self._look()

    def _look(self) -> None:
        """See all of the memory there is now."""
        self.size = self._memory.data_len(self._store)
        address = ctypes.addressof(self._memory.data_ptr(self._store).contents)
        self._view = memoryview((ctypes.c_ubyte * self.size).from_address(address)).cast("B")

    def read(self, address: int, length: int) -> bytes:
        end = address + length
        if end > self.size:
            self._check(address, length)
        return bytes(self._view[address:end])

    def write(self, address: int, data: bytes) -> None:
        end = address + len(data)
        if end > self.size:
            self._check(address, len(data))
        self._view[address:end] = data

    def _check(self, address: int, length: int) -> None:
        """The runtime may have grown the memory itself. Raises BadPointer."""
        self._look()
        if address + length > self.size:
            raise BadPointer(address, length)

    def reserve(self, size: int) -> None:
        """Make the memory at least `size` bytes long. Raises LimitReached."""
        if size <= self.size:
            return
        if size > MAX_MEMORY_BYTES:
            raise LimitReached(f"{MAX_MEMORY_BYTES} bytes of memory")
        grown = min(max(2 * self.size, size), MAX_MEMORY_BYTES)
        try:
            self._memory.grow(self._store, -(-(grown - self.size) // PAGE_BYTES))
        except wasmtime.WasmtimeError:
            raise LimitReached("the memory that the module allows itself") from None
        self._look()
