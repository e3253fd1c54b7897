"""Python's cyclic garbage collector, out of the way while a state comes into memory."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

FULL: Final = 2
"""The generation of a full collection."""


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


def keep_survivors(phase: str, info: Mapping[str, int]) -> None:
    """For `gc.callbacks`: what survives a full collection is not looked at again.

    Nearly all of it is state, whose nodes are in no cycles. A full collection of a million accounts stops everything
    for seconds; this way each node is in one of them. What else lives as long, as connections do, must not need the
    collector when it ends.
    """
    if phase == "stop" and info["generation"] == FULL:
        gc.freeze()
