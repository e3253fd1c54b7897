"""Cores that clients do not have to share with those they measure.

Clients are on machines of their own; here they run on the cores of the worker. One that measures how long an answer
takes would measure, too, how long it waits for a core itself. So it comes before others, if whoever runs the bench
may have it so: root, or `CAP_SYS_NICE`.
"""

from __future__ import annotations

import os
from contextlib import suppress

STEPS = 10
"""Of niceness."""


def come_first(process: int = 0) -> None:
    """Have a process, by default this one, come before those that have the same priority now."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, process, os.getpriority(os.PRIO_PROCESS, process) - STEPS)
