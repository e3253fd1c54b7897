"""Which ports the processes of a set-up listen on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Final

from .errors import NoSuchPort, PortTaken

HOST: Final = "127.0.0.1"
ANY_FREE: Final = 0
LAST_PORT: Final = 65_535

MAX_WORKERS: Final = 10
STEP: Final = 1000
"""From the ports of a worker to those of the next; their HTTP ports are neighbours."""


@dataclass(frozen=True)
class WorkerPorts:
    """`worker` is the trusted RPC, `http` serves `/is_initialized`, `untrusted` is the RPC for peers, and at `mu_ra`
    enclaves get keys and state."""

    worker: int
    http: int
    untrusted: int
    mu_ra: int

    def of(self, number: int) -> WorkerPorts:
        """Ports of worker `number` (from 1), if these are those of the first. Raises NoSuchPort."""
        steps = {"worker": STEP, "http": 1, "untrusted": STEP, "mu_ra": STEP}
        ports = {name: port + steps[name] * (number - 1) for name, port in asdict(self).items()}
        for name, port in ports.items():
            if port > LAST_PORT:
                raise NoSuchPort(option(name), port, number)
        return WorkerPorts(**ports)


@dataclass(frozen=True)
class Ports:
    """`node` is the parentchain's RPC; `workers` has one entry a worker.

    `target_a` and `target_b` are the RPC of further chains; None: there is no such chain.
    """

    node: int
    workers: tuple[WorkerPorts, ...]
    target_a: int | None = None
    target_b: int | None = None

    def chains(self) -> dict[str, int]:
        """RPC ports by name: ``node``, and ``target_a``, ``target_b`` if there are such."""
        all = {"node": self.node, "target_a": self.target_a, "target_b": self.target_b}
        return {name: port for name, port in all.items() if port is not None}


STANDARD_WORKER_PORTS: Final = WorkerPorts(worker=2000, http=4545, untrusted=2001, mu_ra=3443)
"""Of the first worker."""
STANDARD_PORTS: Final = Ports(node=9944, workers=(STANDARD_WORKER_PORTS,))
STANDARD_TARGET_PORTS: Final = (9954, 9988)
"""Of target A and target B."""


def option(name: str) -> str:
    """With which the port of that name is chosen; for workers that of the first, from which the others follow."""
    return f"--{name.replace('_', '-')}-port"


@contextmanager
def reserve(wanted: Ports, auto: bool) -> Iterator[Ports]:
    """The wanted ports; with `auto`, free ones instead of those in use. Raises PortTaken.

    They are held for the length of the block, also those of processes that start late: who binds with SO_REUSEADDR,
    as servers do, gets them all the same, and who looks for free ones passes by.
    """
    with ExitStack() as held:
        taken: set[int] = set()

        def one(name: str, port: int) -> int:
            found = held.enter_context(_hold(option(name), port, auto, taken))
            taken.add(found)
            return found

        chains = {name: one(name, port) for name, port in wanted.chains().items()}
        workers = [
            WorkerPorts(**{name: one(name, port) for name, port in asdict(worker).items()})
            for worker in wanted.workers
        ]
        yield replace(wanted, workers=tuple(workers), **chains)


@contextmanager
def _hold(option: str, port: int, auto: bool, taken: set[int]) -> Iterator[int]:
    with socket.socket() as holder:
        if not auto:
            _share(holder)  # as servers do; connections of the past are no hindrance
        try:
            holder.bind((HOST, ANY_FREE if auto and port in taken else port))
        except OSError:
            if not auto:
                raise PortTaken(option, port) from None
            holder.bind((HOST, ANY_FREE))
        found = int(holder.getsockname()[1])
        if found in taken:
            raise PortTaken(option, port)
        _share(holder)
        yield found


def _share(holder: socket.socket) -> None:
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
