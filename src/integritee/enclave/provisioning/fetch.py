"""The client's edge: connections, TLS and attempts around `ClientSession`, inside the enclave."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from integritee.errors import IntegriteeError

from .client_session import MAX_STATE_BYTES, ClientSession, Finished, ProvisionedState, Received
from .errors import (
    ConnectionFailed,
    GaveUp,
    MessageTruncated,
    PeerStalled,
    Refused,
    TooManyClients,
    TooOften,
    TryAgain,
)
from .link import CLOSE_SECONDS, Link
from .messages import Role
from .provider import Applicant
from .server_session import EvidenceWanted
from .terms import SKIP_RA_BANNER
from .tls import client_tls

log = logging.getLogger(__name__)

PASSING: Final = frozenset(error.code for error in (TooManyClients, TooOften, PeerStalled))
"""Codes of refusals that may be over the next time."""
CHALLENGE_LENGTH: Final = 32

Progress = Callable[[int, int], None]
"""Told the bytes of state that are here, and about how many there are in all."""


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bounds of fetching. Times in seconds."""

    attempts: int = 8
    """In a row that bring nothing new."""
    connect_seconds: float = 10.0
    """Time for TCP, and again for TLS."""
    message_seconds: float = 30.0
    """Time for one message in either direction."""
    first_pause: float = 0.5
    """Before the second attempt; doubled before each further one."""
    longest_pause: float = 30.0
    seconds: float = 24 * 3600.0
    """Time for everything."""
    state_bytes: int = MAX_STATE_BYTES
    """Bytes of the largest state that is taken."""


async def fetch(
    host: str,
    port: int,
    applicant: Applicant,
    role: Role,
    progress: Progress | None = None,
    limits: FetchLimits | None = None,
    randomness: Callable[[int], bytes] = os.urandom,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> ProvisionedState:
    """Be provisioned by the enclave behind an address, which need not be trusted.

    Goes on where a broken connection left off as long as the server still has the state. Raises GaveUp, Refused
    or what `ClientSession.receive` raises: no other attempt would help against these.
    """
    limits = limits or FetchLimits()
    if applicant.party.skip_ra:
        log.warning("\n%s", SKIP_RA_BANNER)
    held, fruitless = None, 0
    error: IntegriteeError = ConnectionFailed("no attempt was made")
    try:
        async with asyncio.timeout(limits.seconds):
            while fruitless < limits.attempts:
                before = 0 if held is None else held.nodes
                session = ClientSession(applicant.party, role, randomness(CHALLENGE_LENGTH), held, limits.state_bytes)
                try:
                    return await _attempt(host, port, applicant, session, progress, limits)
                except (TryAgain, MessageTruncated, Refused) as failed:
                    if isinstance(failed, Refused) and failed.reason not in PASSING:
                        raise
                    error = failed
                held = session.assembly
                fruitless = 0 if held is not None and held.nodes > before else fruitless + 1
                log.warning("provisioning from %s port %d: %s (%s)", host, port, error, error.code)
                await pause(min(limits.first_pause * 2 ** max(fruitless - 1, 0), limits.longest_pause))
    except TimeoutError:
        raise GaveUp(fruitless + 1, PeerStalled.code, f"not done within {limits.seconds:g} s") from None
    raise GaveUp(fruitless, error.code, str(error))


async def _attempt(
    host: str,
    port: int,
    applicant: Applicant,
    session: ClientSession,
    progress: Progress | None,
    limits: FetchLimits,
) -> ProvisionedState:
    link = await _connect(host, port, limits)
    try:
        await link.send(session.hello(link.peer_public_key()), session.state.name)
        while not await _step(link, applicant, session, progress):
            pass
        return session.result()
    except (TryAgain, Refused):
        raise  # nobody there who would want to know why
    except IntegriteeError as error:
        await link.say_last(session.refuse(error))
        raise
    finally:
        await link.close()


async def _step(link: Link, applicant: Applicant, session: ClientSession, progress: Progress | None) -> bool:
    """Act on one message; whether it was the last."""
    state = session.state.name
    message = await link.receive(session.limit, state)
    match session.receive(message, applicant.trust()):
        case EvidenceWanted(report_data, peer):
            if peer is not None:
                applicant.remember(peer)
            evidence = None if report_data is None else await applicant.evidence(report_data)
            await link.send(session.prove(evidence), state)
        case Received(size, expected):
            if progress is not None:
                progress(size, expected)
            if request := session.ask():
                await link.send(request, state)
        case Finished():
            return True
    return False


async def _connect(host: str, port: int, limits: FetchLimits) -> Link:
    try:
        async with asyncio.timeout(limits.connect_seconds):
            reader, writer = await asyncio.open_connection(
                host,
                port,
                ssl=client_tls(),
                server_hostname="",
                ssl_handshake_timeout=limits.connect_seconds,
                ssl_shutdown_timeout=CLOSE_SECONDS,
            )
    except TimeoutError:
        raise ConnectionFailed("nobody answers") from None
    except OSError as error:
        raise ConnectionFailed(str(error)) from None
    return Link(reader, writer, limits.message_seconds)
