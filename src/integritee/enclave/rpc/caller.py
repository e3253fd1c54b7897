"""Whose request is being worked on."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

CALLER: Final[ContextVar[int]] = ContextVar("CALLER", default=0)
"""Number of the connection that a request came on; 0 where it came on none. Each message is a task, so it is as good
as an argument, and passes through layers that have no use for it."""
