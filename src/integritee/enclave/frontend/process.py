"""The front end's process. It is forked before the enclave has any secret, and ends when the link does."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Final

import uvloop

from integritee.errors import IntegriteeError

from ..decipherers import Forked, fork
from ..forking import fork_child
from ..pool import StatusChanged
from ..rpc.errors import Reason
from ..rpc.server import STATUSES_PER_SLICE, TrustedRpcServer
from .assembly import Assembled, assemble
from .begin import Begin
from .ledger_api import Figures
from .link import Frame, Kind, Link
from .payloads import Listens, decode, decode_changes, encode
from .remote import FIGURES, RemoteLedger

HASH_LENGTH: Final = 32


def fork_front_end() -> socket.socket:
    """Start the process, with those that decipher for it; the ledger's end of the link. Before there are threads or
    secrets."""
    return fork_child(_run)


def _run(end: socket.socket) -> None:
    decipherers = fork(os.cpu_count() or 1)
    uvloop.run(FrontEndProcess(decipherers).run(end))


class FrontEndProcess:
    """What runs in the process; `decipherers` are its ends of their sockets."""

    def __init__(self, decipherers: Forked) -> None:
        self._decipherers = decipherers
        self._link: Link
        self._ledger: RemoteLedger
        self._parts: Assembled | None = None
        self._news: deque[Callable[[TrustedRpcServer], Awaitable[None]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()

    async def run(self, end: socket.socket) -> None:
        """Serve the ledger at the other end until it goes away."""
        self._link = await Link.over(end, self._received, self._lost)
        self._ledger = RemoteLedger(self._link)
        await self._ended.wait()

    def _received(self, frame: Frame) -> None:
        if frame.kind in (Kind.ANSWER, Kind.REFUSAL, Kind.DEFECT):
            self._ledger.answered(frame)
        elif frame.kind == Kind.TELL:
            self._tell(*decode_changes(frame.payload))
        elif frame.kind == Kind.SETTLE:
            self._later(partial(_settle, frame.payload))
        elif frame.kind == Kind.BEGIN:
            self._start(self._serve(decode(frame.payload, Begin)))
        elif frame.kind == Kind.COUNT:
            figures = Figures() if self._parts is None else self._parts.figures()
            self._link.send(Kind.COUNTED, FIGURES.encode(figures))
        elif frame.kind == Kind.STOP:
            self._start(self._stop())

    def _lost(self) -> None:
        self._ledger.lost()
        self._ended.set()

    async def _serve(self, begin: Begin) -> None:
        parts = assemble(begin, self._ledger)
        await parts.gateway.use_decipherers(self._decipherers)
        try:
            await parts.server.start(begin.host, begin.port)
        except IntegriteeError as e:
            self._link.send(Kind.LISTENS, encode(Listens(0, Reason.of(e))))
            return
        self._parts = parts
        self._link.send(Kind.LISTENS, encode(Listens(parts.server.port)))

    async def _stop(self) -> None:
        if self._parts is not None:
            await self._parts.stop()
        self._link.close()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- news of operations, in the order in which they come -----------------------------------------

    def _tell(self, changes: list[StatusChanged], lingers: bool) -> None:
        if self._parts is not None and not self._news and len(changes) <= STATUSES_PER_SLICE:
            self._parts.server.tell(changes, lingers=lingers)  # it may leave with the reply to who asked
        else:
            self._later(lambda server: server.tell_all(changes, lingers=lingers))

    def _later(self, news: Callable[[TrustedRpcServer], Awaitable[None]]) -> None:
        self._news.append(news)
        if len(self._news) == 1:
            self._start(self._spread())

    async def _spread(self) -> None:
        while self._news:
            if self._parts is not None:
                await self._news[0](self._parts.server)
            self._news.popleft()


async def _settle(hashes: bytes, server: TrustedRpcServer) -> None:
    server.settle(hashes[at : at + HASH_LENGTH] for at in range(0, len(hashes), HASH_LENGTH))
