"""The heap: addresses are those of Substrate's allocator."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.node.wasm.allocator import HEADER_BYTES, MAX_ALLOCATION, FreeingBumpAllocator
from integritee.node.wasm.errors import BadFree, LimitReached


class Reserved:
    """How much memory was asked for, up to a limit."""

    def __init__(self, limit: int = 1 << 32) -> None:
        self.limit, self.size = limit, 0

    def __call__(self, size: int) -> None:
        if size > self.limit:
            raise LimitReached("the limit")
        self.size = max(self.size, size)


@pytest.mark.parametrize(
    "heap_base, sizes, addresses",
    [
        (0, [1], [8]),
        (13, [1], [24]),
        (0, [1, 9, 1], [8, 24, 48]),
        (16, [0, 8, 16, 17, 32], [24, 40, 56, 80, 120]),
        (8, [1000, 1024, 1025], [16, 1048, 2080]),
    ],
)
def test_addresses(heap_base: int, sizes: list[int], addresses: list[int]) -> None:
    heap = FreeingBumpAllocator(heap_base, Reserved())
    assert [heap.allocate(size) for size in sizes] == addresses


def test_freed_chunks_are_reused_last_first_and_by_size() -> None:
    heap = FreeingBumpAllocator(0, Reserved())
    first, second, large = (heap.allocate(size) for size in (8, 5, 100))
    for address in (first, large, second):
        heap.free(address)
    assert [heap.allocate(7), heap.allocate(65), heap.allocate(1)] == [second, large, first]
    assert heap.allocate(8) > large


@pytest.mark.parametrize("size", [MAX_ALLOCATION + 1, (1 << 32) - 1])
def test_one_allocation_has_a_limit(size: int) -> None:
    with pytest.raises(LimitReached, match=str(MAX_ALLOCATION)):
        FreeingBumpAllocator(0, Reserved()).allocate(size)


def test_the_largest_allocation() -> None:
    reserved = Reserved()
    assert FreeingBumpAllocator(0, reserved).allocate(MAX_ALLOCATION) == HEADER_BYTES
    assert reserved.size == HEADER_BYTES + MAX_ALLOCATION


def test_memory_that_cannot_be_had_is_not_taken() -> None:
    heap = FreeingBumpAllocator(0, Reserved(limit=64))
    heap.allocate(32)
    with pytest.raises(LimitReached):
        heap.allocate(32)
    assert heap.allocate(16) == 48


@pytest.mark.parametrize("address", [0, 7, 9, 1 << 31])
def test_freeing_what_is_not_allocated(address: int) -> None:
    heap = FreeingBumpAllocator(0, Reserved())
    heap.allocate(8)
    with pytest.raises(BadFree):
        heap.free(address)


def test_freeing_twice() -> None:
    heap = FreeingBumpAllocator(0, Reserved())
    address = heap.allocate(8)
    heap.free(address)
    with pytest.raises(BadFree):
        heap.free(address)


@given(st.integers(0, 100), st.lists(st.one_of(st.integers(0, 300), st.none()), max_size=60))
def test_live_allocations_are_aligned_and_do_not_overlap(heap_base: int, steps: list[int | None]) -> None:
    """None frees the oldest."""
    reserved = Reserved()
    heap = FreeingBumpAllocator(heap_base, reserved)
    live: list[tuple[int, int]] = []
    for size in steps:
        if size is not None:
            live.append((heap.allocate(size), size))
        elif live:
            heap.free(live.pop(0)[0])
        spans = sorted((address - HEADER_BYTES, address + size) for address, size in live)
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))
        assert all(heap_base <= start and start % 8 == 0 and end <= reserved.size for start, end in spans)
