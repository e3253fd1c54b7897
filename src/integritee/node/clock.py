"""The node's only look at the clock."""

from __future__ import annotations

import time


def unix_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
