"""Processes of the enclave beside its first one: forked before that has threads or secrets, with one end of a socket
pair each, and nothing else of what it had open."""

from __future__ import annotations

import gc
import logging
import os
import resource
import socket
from collections.abc import Callable

log = logging.getLogger(__name__)


def fork_child(run: Callable[[socket.socket], None]) -> socket.socket:
    """Have a child `run` with one end of a socket pair, and end behind it; the other end.

    The child should return, or raise OSError or EOFError, when that end is closed.
    """
    gc.collect()
    gc.freeze()  # what both have stays shared: the collector does not write to it
    ours, theirs = socket.socketpair()
    if os.fork():
        theirs.close()
        return ours
    try:
        _close_all_but(theirs.fileno())
        run(theirs)
    except (OSError, EOFError):
        pass  # the parent has ended
    except Exception as e:
        log.critical("a process of the enclave failed with %s", type(e).__name__)
    finally:
        os._exit(0)  # nothing of the parent's own must run here: no handlers, no buffers


def _close_all_but(descriptor: int) -> None:
    """Of what the parent had open: its stream to the host would not end with it otherwise."""
    limit = min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1 << 16)
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, limit)
