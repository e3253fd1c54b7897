"""The heap of an instance, which the host keeps. Source: `Allocator` of sp-io."""

from __future__ import annotations

from ..externalities import Externalities
from ..interface import U32, Interface

allocator = Interface("allocator")


@allocator.function("malloc")
def malloc(host: Externalities, size: U32) -> U32:
    return host.heap.allocate(size)


@allocator.function("free")
def free(host: Externalities, address: U32) -> None:
    host.heap.free(address)
