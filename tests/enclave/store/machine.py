"""The process that opens a store again and again, with everything random about it fixed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from integritee.enclave.store import Recovered, SealedStore
from integritee.enclave.store.files import Directory

SEAL_KEY = bytes(range(32))
KIND = 1


def counting_random() -> Callable[[int], bytes]:
    """Never the same bytes twice, always the same sequence."""
    drawn = 0

    def draw(length: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return hashlib.shake_128(drawn.to_bytes(8, "big")).digest(length)

    return draw


class Machine:
    """Opens the store of one directory again and again."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self._random = counting_random()

    def open(self, *, key: bytes = SEAL_KEY, kind: int = KIND, repair: bool = False) -> tuple[SealedStore, Recovered]:
        return SealedStore.open(self.directory, key, kind, repair=repair, random=self._random)

    def recovered(self, *, repair: bool = False) -> tuple[dict[bytes, bytes], list[tuple[int, int, bytes]]]:
        """Open, read everything, close: the snapshot's entries and the records after it."""
        store, recovered = self.open(repair=repair)
        with store:
            items = dict(recovered.snapshot.items()) if recovered.snapshot else {}
            return items, [tuple(record) for record in recovered.records]
