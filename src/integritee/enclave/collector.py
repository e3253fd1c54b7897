"""Python's cyclic garbage collector, out of the way while a state comes into memory."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """No search for reference cycles in this process meanwhile.

    For as long as very many objects are made that are in no cycles and stay, as the nodes of a state are: the
    collector would look at all of them again and again, which takes longer than to make them.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
