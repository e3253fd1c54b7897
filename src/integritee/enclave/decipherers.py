"""Who deciphers: processes of the enclave that do nothing else, or threads where there are none.

An RSA decryption needs the interpreter for moments only, but in a thread it waits for each of them until the event
loop lets go of the interpreter lock, and the loop waits for it. A process of its own has its own lock.

The processes are forked before the enclave has any secret; each is sent the shielding key over the socket pair that
only the two have, later batches of cyphertexts, and answers with what was in them. It ends when the socket does. In
a confidential virtual machine all processes of the enclave are inside; a library OS runs each in an enclave that the
first has attested.

Under load they step back behind the event loops, with which they share the cores. But who steps back gets next to
nothing beside loops that others keep busy; so as long as nobody waits for a decipherer, *prompt* ones have the work,
which do not.

All numbers are big-endian:

    key      length u32, JSON of the shielding key
    batch    count u16, for each cyphertext its length u32 and itself
    answers  for each cyphertext of a batch the length u32 of the plaintext and itself, or the length 0xffffffff alone
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from io import BufferedReader
from typing import Final, NamedTuple, Protocol, TypeAlias, cast

from integritee.crypto import CryptoError, ShieldingKey

from .errors import DecipheringInterrupted
from .forking import fork_child

AHEAD: Final = 1
"""Batches given to a process or thread ahead, so that it need not wait for the event loop."""

NICENESS: Final = 10
"""How far decipherers step back behind event loops where they compete for a core: getters wait half as long."""

MAX_PROMPT: Final = 2
"""Processes that do not, at most one for each core."""

UNDECIPHERABLE_LENGTH: Final = 0xFFFF_FFFF

Plain: TypeAlias = bytes | None
"""What was in a cyphertext; None if it could not be told."""

Result: TypeAlias = list[Plain] | BaseException
"""Of a batch; what went wrong otherwise, `asyncio.CancelledError` if deciphering was stopped."""

Done: TypeAlias = Callable[[Result], None]

log = logging.getLogger(__name__)


class Decipherers(Protocol):
    """Those who decipher."""

    @property
    def at_a_time(self) -> int:
        """Batches that may be under way."""

    def start(self, batch: list[bytes], done: Done, is_calm: bool = False) -> None:
        """Decipher a batch, beside which few or none are under way if it `is_calm`; `done` is called in the event
        loop."""


class Threads:
    """`decrypt` in the threads of an executor."""

    def __init__(self, decrypt: Callable[[bytes], bytes], executor: Executor, at_a_time: int) -> None:
        self._decrypt, self._executor, self._at_a_time = decrypt, executor, at_a_time
        self._under_way = 0

    @property
    def at_a_time(self) -> int:
        return self._at_a_time

    @property
    def are_at_work(self) -> bool:
        return self._under_way > 0

    def start(self, batch: list[bytes], done: Done, is_calm: bool = False) -> None:
        loop = asyncio.get_running_loop()

        def report(work: Future[list[Plain]]) -> None:
            loop.call_soon_threadsafe(self._done, work, done)

        self._under_way += 1
        self._executor.submit(self._all, batch).add_done_callback(report)

    def _all(self, batch: list[bytes]) -> list[Plain]:
        """In a thread."""
        return [_plain(self._decrypt, cyphertext) for cyphertext in batch]

    def _done(self, work: Future[list[Plain]], done: Done) -> None:
        self._under_way -= 1
        done(asyncio.CancelledError() if work.cancelled() else work.exception() or work.result())


class Forked(NamedTuple):
    """The enclave's ends of the sockets of processes that decipher."""

    patient: list[socket.socket]
    prompt: list[socket.socket]


class Processes:
    """Processes that were forked. `others` decipher before there are any, and if all have ended, as none should."""

    def __init__(self, others: Decipherers) -> None:
        self._others = others
        self._patient: list[_Connection] = []
        self._prompt: list[_Connection] = []

    async def begin(self, forked: Forked, key: ShieldingKey) -> None:
        """Give the processes that `fork` has started the key."""
        for sockets, connections in (forked.patient, self._patient), (forked.prompt, self._prompt):
            connections += [await self._connect(own, key) for own in sockets]

    async def _connect(self, own: socket.socket, key: ShieldingKey) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_unix_connection(lambda: _Connection(self._lost), sock=own)
        connection.send_key(key)
        return connection

    @property
    def at_a_time(self) -> int:
        return len(self._patient or self._prompt) * (1 + AHEAD) or self._others.at_a_time

    @property
    def are_at_work(self) -> bool:
        """Whether processes have something to decipher."""
        return any(each.waiting for each in (*self._patient, *self._prompt))

    def start(self, batch: list[bytes], done: Done, is_calm: bool = False) -> None:
        first, second = (self._prompt, self._patient) if is_calm else (self._patient, self._prompt)
        if connections := first or second:
            min(connections, key=lambda each: each.waiting).send(batch, done)
        else:
            self._others.start(batch, done, is_calm)

    def close(self) -> None:
        """Have them end."""
        for connection in (*self._patient, *self._prompt):
            connection.close()

    def _lost(self, lost: _Connection) -> None:
        if not lost.is_closed:
            log.error("a deciphering process has ended")
        for connections in self._patient, self._prompt:
            if lost in connections:
                connections.remove(lost)


class _Connection(asyncio.Protocol):
    """The enclave's end of a socket pair. Answers come in the order of the batches."""

    def __init__(self, lost: Callable[[_Connection], None]) -> None:
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._sent: deque[tuple[int, Done]] = deque()
        self._plain: list[Plain] = []
        self._buffer = bytearray()
        self.is_closed = False

    @property
    def waiting(self) -> int:
        """Batches that were sent and not answered."""
        return len(self._sent)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def send_key(self, key: ShieldingKey) -> None:
        self._write(_framed(key.private_json()))

    def send(self, batch: list[bytes], done: Done) -> None:
        self._sent.append((len(batch), done))
        self._write(len(batch).to_bytes(2, "big") + b"".join(map(_framed, batch)))

    def close(self) -> None:
        self.is_closed = True
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (plain := self._next()) is not None:
            self._plain.append(plain[0])
            count, done = self._sent[0]
            if len(self._plain) == count:
                self._sent.popleft()
                result, self._plain = self._plain, []
                done(result)

    def connection_lost(self, error: Exception | None) -> None:
        self._lost(self)
        while self._sent:
            _, done = self._sent.popleft()
            done(asyncio.CancelledError() if self.is_closed else DecipheringInterrupted())

    def _next(self) -> tuple[Plain] | None:
        """The next answer, if it is there."""
        buffer = self._buffer
        if len(buffer) < 4:
            return None
        length = int.from_bytes(buffer[:4], "big")
        end = 4 if length == UNDECIPHERABLE_LENGTH else 4 + length
        if len(buffer) < end:
            return None
        plain = None if length == UNDECIPHERABLE_LENGTH else bytes(buffer[4:end])
        del buffer[:end]
        return (plain,)

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)


def fork(cores: int) -> Forked:
    """Start processes that decipher, as many as there are cores and some prompt ones. Before there are threads or
    secrets."""
    patient = [fork_child(_step_back_and_run) for _ in range(cores)]
    return Forked(patient, [fork_child(_run) for _ in range(min(cores, MAX_PROMPT))])


def _step_back_and_run(end: socket.socket) -> None:
    step_back()
    _run(end)


def _run(end: socket.socket) -> None:
    with end.makefile("rb") as requests:
        _serve(requests, end)


def _serve(requests: BufferedReader, answers: socket.socket) -> None:
    """Decipher until the enclave ends. Raises EOFError, OSError."""
    key = ShieldingKey.from_private_json(_read(requests, _length(requests, 4)))

    def decrypt(cyphertext: bytes) -> bytes:
        os.sched_yield()  # else who wakes up waits for several decryptions, up to a tick of the kernel (4 ms)
        return key.decrypt(cyphertext)

    while True:
        batch = [_read(requests, _length(requests, 4)) for _ in range(_length(requests, 2))]
        answers.sendall(b"".join(_answer(_plain(decrypt, cyphertext)) for cyphertext in batch))


def _length(requests: BufferedReader, size: int) -> int:
    return int.from_bytes(_read(requests, size), "big")


def _read(requests: BufferedReader, length: int) -> bytes:
    found = requests.read(length)
    if len(found) < length:
        raise EOFError
    return found


def _answer(plain: Plain) -> bytes:
    return UNDECIPHERABLE_LENGTH.to_bytes(4, "big") if plain is None else _framed(plain)


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _plain(decrypt: Callable[[bytes], bytes], cyphertext: bytes) -> Plain:
    try:
        return decrypt(cyphertext)
    except CryptoError:
        return None


def step_back() -> None:
    """Let the event loop go first where it competes with this process or thread for a core."""
    if sys.platform == "linux":  # elsewhere the priority of a thread is its process's
        with suppress(OSError):  # a wish: not every system grants it
            niceness = os.getpriority(os.PRIO_PROCESS, os.getpid()) + NICENESS
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
