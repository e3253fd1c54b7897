"""Which ports the processes of a set-up listen on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import Final

from .errors import PortTaken

HOST: Final = "127.0.0.1"
ANY_FREE: Final = 0


@dataclass(frozen=True)
class Ports:
    """`node` is the parentchain's RPC, `worker` the trusted RPC, `http` serves `/is_initialized`.

    `target_a` and `target_b` are the RPC of further chains; None: there is no such chain.
    """

    node: int
    worker: int
    http: int
    target_a: int | None = None
    target_b: int | None = None


STANDARD_PORTS: Final = Ports(node=9944, worker=2000, http=4545)
STANDARD_TARGET_PORTS: Final = (9954, 9988)
"""Of target A and target B."""


def choose(wanted: Ports, auto: bool) -> Ports:
    """The wanted ports; with `auto`, free ones instead of those in use. Raises PortTaken."""
    with ExitStack() as held:  # all at once, so that no port is chosen twice
        return Ports(
            **{
                name: held.enter_context(_hold(f"--{name.replace('_', '-')}-port", port, auto))
                for name, port in asdict(wanted).items()
                if port is not None
            }
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
