"""The server's edge: sockets, TLS and clocks around `ServerSession`, inside the enclave.

One event loop serves everything the enclave does; a client occupies it for at most a chunk (about 3 ms) or the
verification of its evidence (about as long) at a time.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Sequence
from typing import Final

from integritee.errors import IntegriteeError

from ..listening import Listener
from .admission import LOOPBACK, Admission, Network, ServerLimits, address_of
from .errors import ConnectionFailed, ListenFailed, ProvisioningError, Refused
from .link import CLOSE_SECONDS, Link
from .messages import Role
from .provider import Provider
from .server_session import AdmissionWanted, ChunksWanted, EvidenceWanted, GrantWanted, ServerSession
from .snapshots import SnapshotShelf
from .terms import SKIP_RA_BANNER
from .tls import server_tls

log = logging.getLogger(__name__)

CHALLENGE_LENGTH: Final = 32
LOST_BEFORE_HELLO: Final = "before TLS was there"


class ProvisioningServer:
    """Provisions other enclaves from a `Provider`."""

    def __init__(
        self,
        provider: Provider,
        limits: ServerLimits | None = None,
        randomness: Callable[[int], bytes] = os.urandom,
        successors: Sequence[Network] = LOOPBACK,
    ) -> None:
        """Makes the TLS key of this process.

        `successors`: where enclaves may be that take over from this one. Anybody can run the code in force, and the
        first to ask takes the identity with it; this host has every reason to tell the enclave true addresses.
        """
        self._provider = provider
        self._limits = limits or ServerLimits()
        self._randomness = randomness
        self._successors = tuple(successors)
        self._tls = server_tls(provider.trust().now)
        self._shelf = SnapshotShelf()
        self._handing_over = asyncio.Lock()
        self._listener: Listener | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._admission = Admission(self._limits)
        if provider.party.skip_ra:
            log.warning("\n%s", SKIP_RA_BANNER)

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 picks a free one. Raises ListenFailed."""
        try:
            self._listener = Listener(host, port, self._limits.backlog, self._admit)
        except OSError as error:
            raise ListenFailed(host, port, error.strerror or str(error)) from None
        log.info("provisioning listens on %s port %d", host, self.port)

    @property
    def port(self) -> int:
        """The port listened on."""
        if self._listener is None:
            raise RuntimeError("the server was not started")
        return self._listener.port

    @property
    def client_count(self) -> int:
        """Clients being served, without those that are only told why they are not."""
        return self._admission.count

    @property
    def tls_public_key(self) -> bytes:
        """DER, SubjectPublicKeyInfo."""
        return self._tls.public_key

    async def stop(self) -> None:
        """Stop listening and drop all clients; they may resume with another process."""
        if self._listener is not None:
            await self._listener.stop()
        tasks = self._clients.copy()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # Admission

    def _admit(self, accepted: socket.socket, address: str) -> None:
        if len(self._clients) >= self._limits.clients + self._limits.refusals:
            accepted.close()
            return
        client = asyncio.create_task(self._serve(accepted, address))
        self._clients.add(client)
        client.add_done_callback(self._clients.discard)

    async def _serve(self, accepted: socket.socket, address: str) -> None:
        overload = self._admission.enter(address, asyncio.get_running_loop().time())
        try:
            link = await self._secure(accepted)
            try:
                async with asyncio.timeout(self._limits.session_seconds):
                    await self._converse(link, address, overload)
            finally:
                await link.close()
        except IntegriteeError as error:
            log.info("client %s: %s (%s)", address, error, error.code)
        except TimeoutError:
            log.info("client %s: its time is over", address)
        except Exception:
            log.exception("client %s", address)
        finally:
            if overload is None:
                self._admission.leave(address)

    async def _secure(self, accepted: socket.socket) -> Link:
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        loop = asyncio.get_running_loop()
        try:
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol,
                accepted,
                ssl=self._tls.context,
                ssl_handshake_timeout=self._limits.handshake_seconds,
                ssl_shutdown_timeout=CLOSE_SECONDS,
            )
        except OSError as error:
            raise ConnectionFailed(f"{LOST_BEFORE_HELLO}: {error}") from None
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        return Link(reader, writer, self._limits.message_seconds)

    # Service

    async def _converse(self, link: Link, address: str, overload: ProvisioningError | None) -> None:
        session = ServerSession(
            self._provider.party,
            self._tls.public_key,
            self._randomness(CHALLENGE_LENGTH),
            any(address_of(address) in network for network in self._successors),
        )
        try:
            while not await self._step(link, session, overload):
                pass
        except (ConnectionFailed, Refused):
            raise  # nobody there who would want to know why
        except IntegriteeError as error:
            await link.say_last(session.refuse(error))
            raise
        log.info("client %s has all", address)

    async def _step(self, link: Link, session: ServerSession, overload: ProvisioningError | None) -> bool:
        """Answer one message; whether it was the last."""
        provider, state = self._provider, session.state.name
        message = await link.receive(session.limit, state)
        if overload is not None:
            raise overload
        match session.receive(message, provider.trust(), provider.terms()):
            case EvidenceWanted(report_data):
                evidence = None if report_data is None else await provider.evidence(report_data)
                await link.send(session.introduce(evidence), state)
            case GrantWanted() as wanted:
                await link.send(await self._grant(session, wanted), state)
            case ChunksWanted(path, count):
                await self._send_chunks(link, session, path, count)
            case AdmissionWanted(role, account):
                await provider.admit(account, role)
                await link.send(session.admit(), state)
                return True
        return False

    async def _grant(self, session: ServerSession, wanted: GrantWanted) -> bytes:
        provider = self._provider
        if wanted.evidence is not None:
            provider.remember(wanted.evidence)
        _record(wanted)
        if wanted.role is Role.SUCCEED:
            async with self._handing_over:  # two successors at once: the second finds what the first has changed
                provider.terms().check(wanted.account, wanted.role)
                provider.snapshot()  # an enclave that has no state to give does not retire
                estate = await provider.hand_over(wanted.account)
            return session.grant(provider.secrets(), provider.snapshot(), estate)
        now = asyncio.get_running_loop().time()
        snapshot = self._shelf.get(wanted.held, now) if wanted.held is not None else None
        if snapshot is None:
            snapshot = provider.snapshot()
            self._shelf.put(snapshot, now)
        return session.grant(provider.secrets(), snapshot, b"")

    async def _send_chunks(self, link: Link, session: ServerSession, path: bytes, count: int) -> None:
        for _ in range(count):
            data, following = session.chunk(path)
            await link.send(data, session.state.name)
            await asyncio.sleep(0)  # nor does a client that reads fast keep others waiting
            if following is None:
                return
            path = following


def _record(wanted: GrantWanted) -> None:
    """Who gets the secrets, and by which evidence."""
    found = wanted.evidence
    log.info(
        "keys go to the account 0x%s (%s): enclave %s, machine %s, TCB %s",
        wanted.account.hex(),
        wanted.role.name,
        found.identity if found else "unknown",
        found.hardware_id.hex() if found else "unknown",
        found.tcb_status if found else "unknown",
    )
