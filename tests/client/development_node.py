"""A development node as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def development_node() -> Iterator[str]:
    """A node with a block every 0.1 s; yields its port."""
    command = [sys.executable, "-m", "integritee.node.main", "--dev", "--tmp", "--seal", "interval:0.1"]
    with subprocess.Popen(
        [*command, "--rpc-port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as node:
        try:
            assert node.stdout is not None
            ready = next(line for line in node.stdout if line.startswith("READY"))
            yield ready.strip().rpartition(":")[2]
        finally:
            node.terminate()
