"""The runtime's heap: Substrate's freeing-bump allocator (`FreeingBumpHeapAllocator` of sc-allocator).

Sizes are rounded up to a power of two, their order. Freed chunks wait in one list per order, last in first out;
where there is none, the end of the used part moves up. Each chunk has 8 bytes in front of it.

Addresses are those of the original. What it writes into the 8 bytes (order or next free chunk) is kept on this side
of the boundary, where a runtime cannot spoil it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .errors import BadFree, LimitReached

ALIGNMENT: Final = 8
HEADER_BYTES: Final = 8
MIN_ALLOCATION: Final = 8
MAX_ALLOCATION: Final = 32 * 1024 * 1024
"""Largest single allocation in bytes (sp-core `MAX_POSSIBLE_ALLOCATION`)."""


class FreeingBumpAllocator:
    """Heap from `heap_base` on. `reserve` makes the memory at least so many bytes long, or raises LimitReached."""

    __slots__ = ("_allocated", "_bumper", "_free", "_reserve")

    def __init__(self, heap_base: int, reserve: Callable[[int], None]) -> None:
        self._bumper = -(-heap_base // ALIGNMENT) * ALIGNMENT
        self._reserve = reserve
        self._free: dict[int, list[int]] = {}
        self._allocated: dict[int, int] = {}

    def allocate(self, size: int) -> int:
        """Address of `size` bytes. Raises LimitReached."""
        if size > MAX_ALLOCATION:
            raise LimitReached(f"{MAX_ALLOCATION} bytes at once")
        rounded = 1 << (size - 1).bit_length() if size > MIN_ALLOCATION else MIN_ALLOCATION
        waiting = self._free.get(rounded)
        address = waiting.pop() if waiting else self._bump(rounded)
        self._allocated[address] = rounded
        return address

    def _bump(self, rounded: int) -> int:
        address = self._bumper + HEADER_BYTES
        self._reserve(address + rounded)
        self._bumper = address + rounded
        return address

    def free(self, address: int) -> None:
        """Give the allocation back. Raises BadFree."""
        rounded = self._allocated.pop(address, None)
        if rounded is None:
            raise BadFree(address)
        self._free.setdefault(rounded, []).append(address)
