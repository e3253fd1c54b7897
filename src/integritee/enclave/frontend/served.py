"""The ledger's end of the link: answers what the front end asks, and tells it what becomes of operations.

Requests take turns by the connections that they come from, as messages do in the front end: who sends many has others
wait for few of them.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Final

from integritee.errors import IntegriteeError

from ..pool import StatusChanged
from ..rpc.jsonrpc import log_defect
from ..rpc.turns import Turns
from .begin import Begin
from .errors import LinkFailed, Refused
from .ledger_api import Figures, Ledger
from .link import Frame, Kind, Link
from .payloads import Listens, decode, encode, encode_changes, encode_refusal
from .remote import BLOCKS, FIGURES, GETTER_ANSWER, HASHES, HEADER, NONCE, SHARDS

CHANGES_PER_FRAME: Final = 256
"""Operations of a block that are told of together."""

MAX_WAITING: Final = 8192
"""Requests that wait for their turn; beyond, the front end is not read from."""

BREATH_SECONDS: Final = 0.00005
"""The event loop sleeps so long after each full round, if more waits, lest it keep a core from those who decipher."""

log = logging.getLogger(__name__)


class RemoteFrontEnd:
    """A `FrontEnd` in another process, which is answered from here on. `ended` is called if it goes away unasked."""

    def __init__(self, ledger: Ledger, ended: Callable[[], None]) -> None:
        self._ledger, self._ended = ledger, ended
        self._link: Link
        self._turns: Turns[int] = Turns(breathe=_breathe)
        self._tasks: set[asyncio.Task[None]] = set()
        self._listens: asyncio.Future[Listens] | None = None
        self._counts: list[asyncio.Future[Figures]] = []
        self._gone = asyncio.Event()
        self._is_stopping = False
        self._answers: dict[int, Callable[[bytes], bytes]] = {
            Kind.QUERY: lambda getter: GETTER_ANSWER.encode(ledger.query(getter)),
            Kind.HEADER: lambda _: HEADER.encode(ledger.latest_header()),
            Kind.VAULT: lambda _: _vault(ledger),
            Kind.PENDING: lambda shards: HASHES.encode(ledger.pending(SHARDS.decode(shards))),
            Kind.NONCE: lambda account: NONCE.encode(ledger.next_nonce(account)),
            Kind.BLOCKS: self._import_blocks,
            Kind.OPERATIONS: self._import_operations,
        }

    @classmethod
    async def over(cls, end: socket.socket, ledger: Ledger, ended: Callable[[], None]) -> RemoteFrontEnd:
        """At the other end of a socket pair."""
        front_end = cls(ledger, ended)
        front_end._link = await Link.over(end, front_end._received, front_end._lost)
        return front_end

    async def begin(self, begin: Begin) -> int:
        """Have it serve; the port that it listens at. Raises Refused, with the code of ListenFailed."""
        self._listens = asyncio.get_running_loop().create_future()
        self._link.send(Kind.BEGIN, encode(begin))
        listens = await self._listens
        if listens.reason is not None:
            raise Refused(listens.reason)
        return listens.port

    # -- FrontEnd ------------------------------------------------------------------------------------

    def tell(self, changes: Sequence[StatusChanged], *, lingers: bool) -> None:
        if changes:
            self._link.send(Kind.TELL, encode_changes(changes, lingers), hurries=False)

    async def tell_all(self, changes: Sequence[StatusChanged], *, lingers: bool) -> None:
        for start in range(0, len(changes), CHANGES_PER_FRAME):
            self.tell(changes[start : start + CHANGES_PER_FRAME], lingers=lingers)
            await asyncio.sleep(0)

    def settle(self, top_hashes: Sequence[bytes]) -> None:
        if top_hashes:
            self._link.send(Kind.SETTLE, b"".join(top_hashes), hurries=False)

    async def figures(self) -> Figures:
        if self._gone.is_set():
            return Figures()
        counted: asyncio.Future[Figures] = asyncio.get_running_loop().create_future()
        self._counts.append(counted)
        self._link.send(Kind.COUNT)
        return await counted

    async def stop(self) -> None:
        self._is_stopping = True
        self._link.send(Kind.STOP)
        await self._gone.wait()

    # -- link ----------------------------------------------------------------------------------------

    def _received(self, frame: Frame) -> None:
        if frame.kind == Kind.LISTENS:
            if self._listens is not None and not self._listens.done():
                self._listens.set_result(decode(frame.payload, Listens))
        elif frame.kind == Kind.COUNTED:
            if self._counts:
                self._counts.pop(0).set_result(FIGURES.decode(frame.payload))
        else:
            self._turns.take(frame.connection, partial(self._serve, frame))
            self._link.have_other_side_wait(len(self._turns) > MAX_WAITING)

    def _lost(self) -> None:
        self._gone.set()
        for counted in self._counts:
            counted.set_result(Figures())
        self._counts.clear()
        if self._listens is not None and not self._listens.done():
            self._listens.set_exception(LinkFailed("the front end is gone"))
        for task in self._tasks:
            task.cancel()
        if not self._is_stopping:
            log.error("the front end has ended")
            self._ended()

    # -- requests ------------------------------------------------------------------------------------

    def _serve(self, frame: Frame) -> None:
        self._link.have_other_side_wait(len(self._turns) > MAX_WAITING)
        try:
            if frame.kind == Kind.ADMIT:  # answers itself, before anything is told of the operation
                admitted = partial(self._link.send, Kind.ANSWER, number=frame.number, hurries=False)
                self._ledger.admit(frame.payload, admitted)
            elif frame.kind == Kind.CONTENT:
                self._begin(self._read(frame))
            elif (answer := self._answers.get(frame.kind)) is not None:
                self._link.send(Kind.ANSWER, answer(frame.payload), frame.number)
            else:
                raise LinkFailed(f"a frame of kind {frame.kind}")
        except Exception as e:
            self._refuse(frame, e)

    def _import_blocks(self, blocks: bytes) -> bytes:
        self._ledger.import_blocks(BLOCKS.decode(blocks))
        return b""

    def _import_operations(self, sealed: bytes) -> bytes:
        self._ledger.import_operations(sealed)
        return b""

    async def _read(self, frame: Frame) -> None:
        try:
            content = await self._ledger.read_content(frame.payload.decode(errors="surrogatepass"))
            self._link.send(Kind.ANSWER, content, frame.number)
        except Exception as e:
            self._refuse(frame, e)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _refuse(self, frame: Frame, error: Exception) -> None:
        if isinstance(error, IntegriteeError):
            self._link.send(Kind.REFUSAL, encode_refusal(error), frame.number)
        else:
            log_defect(Kind(frame.kind).name, error)
            self._link.send(Kind.DEFECT, b"", frame.number)


def _breathe() -> None:
    time.sleep(BREATH_SECONDS)


def _vault(ledger: Ledger) -> bytes:
    vault = ledger.shard_vault()
    return b"" if vault is None else vault[0] + bytes([vault[1]])
