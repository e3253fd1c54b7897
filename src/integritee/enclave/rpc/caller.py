"""Whose request is being worked on."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

NOBODY: Final = 0
"""In place of a connection's number: the enclave itself."""

CALLER: Final[ContextVar[int]] = ContextVar("CALLER", default=NOBODY)
"""Number of the connection that a request came on. Each message is a task, so it is as good
as an argument, and passes through layers that have no use for it."""
