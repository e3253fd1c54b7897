"""Which ports the processes of a set-up listen on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from .errors import PortTaken

HOST: Final = "127.0.0.1"
ANY_FREE: Final = 0


@dataclass(frozen=True)
class Ports:
    """`node` is the parentchain's RPC, `worker` the trusted RPC, `http` serves `/is_initialized`."""

    node: int
    worker: int
    http: int


STANDARD_PORTS: Final = Ports(node=9944, worker=2000, http=4545)


def choose(wanted: Ports, auto: bool) -> Ports:
    """The wanted ports; with `auto`, free ones instead of those in use. Raises PortTaken."""
    with ExitStack() as held:  # all at once, so that no port is chosen twice
        return Ports(
            *(
                held.enter_context(_hold(option, port, auto))
                for option, port in (
                    ("--node-port", wanted.node),
                    ("--worker-port", wanted.worker),
                    ("--http-port", wanted.http),
                )
            )
        )


@contextmanager
def _hold(option: str, port: int, auto: bool) -> Iterator[int]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do; others' waiting is no use
        try:
            listener.bind((HOST, port))
        except OSError:
            if not auto:
                raise PortTaken(option, port) from None
            listener.bind((HOST, ANY_FREE))
        listener.listen()
        yield int(listener.getsockname()[1])
