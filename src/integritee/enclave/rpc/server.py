"""The listener of the trusted RPC: TLS, admission of clients, delivery of updates.

Runs on the event loop that calls `start`; under uvloop a client costs about a tenth of the memory it costs
under asyncio's own TLS. Sockets are accepted here rather than by `loop.create_server`, so that a client
counts from its first byte: half-open TLS cannot use up the descriptors that the enclave's files need.

A socket gets no TLS before it says something, and then sites take turns, one handshake a round of the loop: so the
clients inside wait for few handshakes, and newcomers for few of other sites; for longer at a site of many failures
(`conduct`). Those that do not finish theirs are dropped, the oldest first, as others come.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import secrets
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Final

from integritee.errors import IntegriteeError
from integritee.primitives.rpc import TrustedOperationStatus

from ..listening import Listener
from ..pool import StatusChanged
from ..provisioning.admission import Network, site_of
from .budget import Budget
from .certificate import certificate_pem, encrypted_key_pem
from .conduct import Conduct, Conducts
from .errors import Closing, ListenFailed, TooManyClients
from .frames import Message
from .jsonrpc import Connection, Dispatcher
from .limits import ServerLimits
from .places import Places
from .strangers import Stranger, Strangers
from .turns import Turns
from .watch import Push, Watcher, WatchRegistry
from .websocket import WebSocket

log = logging.getLogger(__name__)

HANDSHAKE_SECONDS: Final = 0.001
"""What a TLS handshake costs, about."""

STATUSES_PER_SLICE: Final = 12
"""Status updates sent before the event loop gets a turn (about half a millisecond)."""

STOPPING: Final = "server stops"
GOING_AWAY: Final = 1001


def tls_context(seed: bytes, now: int) -> ssl.SSLContext:
    """Server side of TLS 1.2 and 1.3 with the certificate of an Ed25519 seed; `now` in unix ms.

    No client certificates, no session tickets (each would cost memory and outlive its session's secrets).
    """
    # Made by hand: `ssl.create_default_context` would write session keys to a file that the host names.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    # The ssl module reads keys from files only. This one is encrypted under a password nobody else has.
    password = secrets.token_hex(32).encode()
    with tempfile.TemporaryDirectory() as directory:
        certificate, key = Path(directory, "certificate.pem"), Path(directory, "key.pem")
        certificate.write_bytes(certificate_pem(seed, now))
        key.write_bytes(encrypted_key_pem(seed, password))
        context.load_cert_chain(certificate, key, password)
    return context


def raise_file_limit() -> int:
    """Allow this process as many file descriptors as it may have; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class TrustedRpcServer:
    """Serves a dispatcher to websocket clients and carries status updates to those that watch.

    `rounds_per_rest` says how often a busy event loop is to leave the core to others. `conducts` has what clients
    fail at.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        watches: WatchRegistry,
        tls: ssl.SSLContext,
        limits: ServerLimits | None = None,
        rounds_per_rest: Callable[[], int] = lambda: 0,
        conducts: Conducts[Network] | None = None,
    ) -> None:
        self._dispatcher = dispatcher
        self._watches = watches
        self._tls = tls
        self._limits = limits or ServerLimits()
        self._places: Places[Network] = Places(self._limits.connections)
        self._conducts: Conducts[Network] = conducts or Conducts()
        self._turns: Turns[int] = Turns(rounds_per_rest=rounds_per_rest)
        self._entrance: Turns[Network] = Turns(HANDSHAKE_SECONDS)
        self._budget = Budget(self._limits.held_bytes, self._limits.spared_bytes)
        self._listener: Listener | None = None
        self._half_open: dict[int, None] = {}
        """Those still shaking hands, in the order of arrival."""
        self._strangers = Strangers(self._spoke, self._left)
        self._handshakes: dict[int, asyncio.Task[None]] = {}
        self._sockets: dict[int, WebSocket] = {}
        self._clients: dict[int, WebSocket] = {}
        self._conduct_of: dict[int, Conduct] = {}
        self._next_number = 1
        self._all_gone = asyncio.Event()

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 picks a free one. Raises ListenFailed if the address cannot be had."""
        files = raise_file_limit()
        needed = self._limits.connections + self._limits.refusals + self._limits.reserved_files
        if files < needed:
            self._places.capacity = max(files - self._limits.refusals - self._limits.reserved_files, 1)
            log.warning(
                "the hard limit of %d open files (RLIMIT_NOFILE) allows only %d clients; %d would take %d",
                *(files, self._places.capacity, self._limits.connections, needed),
            )
        try:
            self._listener = Listener(host, port, self._limits.backlog, self._accept, self._pause_between)
        except OSError as e:
            raise ListenFailed(host, port, e.strerror or str(e)) from None
        self._strangers.start()
        log.info("trusted RPC listens on %s port %d", host, self.port)

    @property
    def port(self) -> int:
        """The port listened on."""
        if self._listener is None:
            raise RuntimeError("the server was not started")
        return self._listener.port

    @property
    def capacity(self) -> int:
        """Clients that can be served at the same time: as many as configured, or as the file limit allows."""
        return self._places.capacity

    @property
    def connection_count(self) -> int:
        """Clients whose websocket is open."""
        return len(self._clients)

    def notify(
        self,
        top_hash: bytes,
        status: TrustedOperationStatus,
        reason: IntegriteeError | None = None,
        *,
        lingers: bool = False,
    ) -> None:
        """Tell those who watch an operation (hash of 32 bytes) about its new status.

        With `lingers` the sidechain block that it is in can still be given up: they stay until `settle`.
        """
        self._conducts.heard(top_hash, status)
        self._deliver(self._watches.update(top_hash, status, reason, lingers=lingers))

    def tell(self, changes: Iterable[StatusChanged], *, lingers: bool) -> None:
        """Tell those who watch about the new statuses of a few operations."""
        for changed in changes:
            self.notify(changed.hash, changed.status, changed.reason, lingers=lingers)

    async def tell_all(self, changes: Iterable[StatusChanged], *, lingers: bool) -> None:
        """As `tell`, of all operations of a block, with breaks for other requests.

        One connection after the other, for what is told to one in a turn leaves in one piece. Of one call all is told
        in its order.
        """
        by_connection = sorted(changes, key=lambda changed: self._watches.connection_of(changed.hash))
        for start in range(0, len(by_connection), STATUSES_PER_SLICE):
            self.tell(by_connection[start : start + STATUSES_PER_SLICE], lingers=lingers)
            await asyncio.sleep(0)

    def settle(self, top_hashes: Iterable[bytes]) -> None:
        """The sidechain blocks that these operations are in are final: nothing more will be told of them."""
        self._watches.settle(top_hashes)

    async def stop(self) -> None:
        """Stop listening, say goodbye to all clients, and drop those that do not answer in time."""
        if self._listener is not None:
            await self._listener.stop()
        self._strangers.stop()
        tasks = set(self._handshakes.values())
        for handshake in tasks:
            handshake.cancel()
        for client in list(self._sockets.values()):
            tasks |= client.cancel()
            client.close(GOING_AWAY, STOPPING)
        if tasks:
            await asyncio.wait(tasks)
        if not await self._all_leave():
            for client in list(self._sockets.values()):
                client.abort()
            await self._all_leave()

    async def _all_leave(self) -> bool:
        if not self._sockets:
            return True
        self._all_gone.clear()
        try:
            await asyncio.wait_for(self._all_gone.wait(), self._limits.stop_seconds)
        except TimeoutError:
            return False
        return True

    # Admission

    def _pause_between(self) -> float:
        """Those who come where half-open ones have to go for them come no faster than handshakes are done; else to
        let them in would take a third of the loop's time."""
        return HANDSHAKE_SECONDS if len(self._half_open) >= self._limits.half_open else 0.0

    def _accept(self, accepted: socket.socket, address: str) -> None:
        number = self._next_number
        self._next_number += 1
        site = site_of(address)
        displaced = self._places.enter(number, site)
        refusal = TooManyClients(self.capacity) if displaced == number else None
        if displaced is not None and displaced != number:
            self._drop(displaced, TooManyClients(self.capacity))
        if refusal is None or len(self._half_open) + len(self._clients) < self.capacity + self._limits.refusals:
            self._admit(number, accepted, site, refusal)
        else:
            accepted.close()

    def _admit(self, number: int, accepted: socket.socket, site: Network, refusal: TooManyClients | None) -> None:
        until = asyncio.get_running_loop().time() + self._limits.handshake_seconds
        self._half_open[number] = None
        try:
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                accepted.setsockopt(socket.SOL_SOCKET, buffer, self._limits.kernel_bytes)
            self._strangers.add(Stranger(number, site, accepted, until, refusal))
        except OSError as e:
            log.debug("connection %d: %s", number, e)
            accepted.close()
            self._left(number)
        if len(self._half_open) > self._limits.half_open:
            self._drop(next(iter(self._half_open)), TooManyClients(self._limits.half_open))

    def _drop(self, number: int, why: Closing) -> None:
        """End a connection, however far it has come."""
        self._half_open.pop(number, None)
        if self._strangers.drop(number):
            self._left(number)
        if (handshake := self._handshakes.get(number)) is not None:
            handshake.cancel()
        if (client := self._sockets.get(number)) is not None:
            client.drop(why)

    def _spoke(self, stranger: Stranger) -> None:
        conduct = self._conduct_of[stranger.number] = self._conducts.newcomer(stranger.number, stranger.site)
        conduct.enter(partial(self._come_in, stranger, conduct))

    def _come_in(self, stranger: Stranger, conduct: Conduct) -> bool:
        """Begin the handshake of one who has spoken, if it is still there."""
        if not self._strangers.take(stranger.number):
            return False
        handshake = asyncio.create_task(self._shake_hands(stranger, conduct))
        self._handshakes[stranger.number] = handshake
        handshake.add_done_callback(lambda _: self._shook_hands(stranger))
        return True

    async def _shake_hands(self, stranger: Stranger, conduct: Conduct) -> None:
        try:
            async with asyncio.timeout_at(stranger.until):
                await self._entrance.wait(stranger.site, HANDSHAKE_SECONDS)
            client = self._sockets[stranger.number] = self._client(stranger, conduct)
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: client,
                stranger.socket,
                ssl=self._tls,
                ssl_handshake_timeout=self._limits.handshake_seconds,
                ssl_shutdown_timeout=self._limits.close_seconds,
            )
        except OSError as e:
            log.debug("connection %d: no TLS: %s", stranger.number, e)

    def _client(self, stranger: Stranger, conduct: Conduct) -> WebSocket:
        connection = Connection(stranger.number, partial(self._turns.wait, stranger.number), conduct=conduct)
        return WebSocket(
            stranger.number,
            self._limits,
            self._turns,
            self._budget,
            on_open=self._opened,
            on_message=partial(self._answer, connection),
            on_close=lambda client: self._left(client.number),
            refusal=stranger.refusal,
        )

    def _shook_hands(self, stranger: Stranger) -> None:
        """Or did not, or never began."""
        del self._handshakes[stranger.number]
        client = self._sockets.get(stranger.number)
        if client is None:
            stranger.socket.close()
            self._left(stranger.number)
        elif not client.was_connected:
            client.connection_lost(None)  # nobody else tells it

    # Service

    def _opened(self, client: WebSocket) -> None:
        self._half_open.pop(client.number, None)
        self._clients[client.number] = client
        self._watches.connect(client.number)

    def _left(self, number: int) -> None:
        self._half_open.pop(number, None)
        self._places.leave(number)
        self._sockets.pop(number, None)
        if (conduct := self._conduct_of.pop(number, None)) is not None:
            conduct.leave()
        self._clients.pop(number, None)
        self._watches.disconnect(number)
        if not self._sockets:
            self._all_gone.set()

    async def _answer(self, connection: Connection, client: WebSocket, message: Message) -> None:
        reply = await self._dispatcher.handle(message, connection)
        if reply is None:
            return
        await client.reply(reply.text, partial(self._release, reply.watchers) if reply.watchers else None)

    def _release(self, watchers: Iterable[Watcher]) -> None:
        for watcher in watchers:
            self._deliver(self._watches.release(watcher))

    def _deliver(self, pushes: list[Push]) -> None:
        for number, text in pushes:
            client = self._clients.get(number)
            if client is not None:
                client.push(text)
