"""The enclave's half of the session envelope, without I/O: what hellos and frames of one connection lead to.

    state    event                                         then     outcome
    any      hello above the rate                          as is    TooManyHellos
    any      hello of unknown form or version              as is    HelloMalformed
    any      hello for other code or another shard         as is    ForeignEnclave, ForeignShard
    closed   hello                                         open     acceptance
    open     hello                                         open     acceptance; the session before it is gone
    any      no frame                                      as is    FrameMalformed
    closed   frame                                         closed   UnknownSession
    open     frame of another session                      open     UnknownSession
    open     frame whose counter is not above the last     open     CounterReplayed
    open     frame beyond requests, bytes or seconds       closed   SessionExpired
    open     frame whose seal is broken                    closed   SealBroken
    open     frame                                         open     what it carries
    any      the connection ends                           gone

Messages and keys: `integritee.primitives.session`; specification: `docs/trusted-rpc.md`. A seat belongs to its
connection and is forgotten with it, so no session can be taken up again or elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from integritee.crypto import AeadKey, CryptoError, envelope_public
from integritee.primitives.session import (
    FRAME_OVERHEAD,
    HELLO_METHOD,
    VERSION,
    Acceptance,
    Binding,
    Hello,
    SessionKeys,
    frame_head,
    open_frame,
    seal_frame,
    signed_text,
    transcript,
)
from integritee.scale import codec

from .limits import HELLO_TOKENS, HELLO_TOKENS_PER_SECOND, SESSION_BYTES, SESSION_REQUESTS, SESSION_SECONDS
from .rate import TokenBucket
from .session_errors import (
    CounterReplayed,
    ForeignEnclave,
    ForeignShard,
    FrameMalformed,
    HelloMalformed,
    SealBroken,
    SessionExpired,
    TooManyHellos,
    UnknownSession,
)

_ACCEPTANCE: Final = codec(Acceptance)


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts: requests, bytes of the client's frames, and seconds, whichever comes first."""

    requests: int = SESSION_REQUESTS
    bytes: int = SESSION_BYTES
    seconds: int = SESSION_SECONDS


@dataclass(frozen=True, slots=True)
class Identity:
    """Who accepts: what its sessions are bound to, and its account on the parentchain, which signs for it."""

    binding: Binding
    account: bytes
    sign: Callable[[bytes], bytes]


class _Lane:
    """Frames of one kind, whose counters only rise."""

    __slots__ = ("key", "last")

    def __init__(self, key: AeadKey) -> None:
        self.key = key
        self.last = 0


class Session:
    """An open session. `answers` of getters are sealed with the counters of these."""

    __slots__ = ("_answers", "_bytes", "_ends_at", "_limits", "_requests", "calls", "getters", "number")

    def __init__(self, number: int, keys: SessionKeys, limits: SessionLimits, now: float) -> None:
        self.number = number
        self.calls, self.getters = _Lane(keys.calls), _Lane(keys.getters)
        self._answers, self._limits = keys.answers, limits
        self._ends_at = now + limits.seconds
        self._requests = self._bytes = 0

    def seal(self, counter: int, plaintext: bytes, method: str) -> bytes:
        """The answer to the request with this counter, to be made once."""
        return seal_frame(self._answers, self.number, counter, plaintext, method)

    def open(self, lane: _Lane, counter: int, frame: bytes, method: str, now: float) -> bytes:
        """Raises CounterReplayed, SessionExpired, SealBroken."""
        if counter <= lane.last:
            raise CounterReplayed(counter, lane.last)
        self._count(len(frame), now)
        try:
            plaintext = open_frame(lane.key, frame, method)
        except CryptoError:
            raise SealBroken from None
        lane.last = counter
        return plaintext

    def _count(self, size: int, now: float) -> None:
        self._requests += 1
        self._bytes += size
        limits = self._limits
        if self._requests > limits.requests:
            raise SessionExpired("requests", limits.requests)
        if self._bytes > limits.bytes:
            raise SessionExpired("bytes", limits.bytes)
        if now >= self._ends_at:
            raise SessionExpired("seconds", limits.seconds)


class Seat:
    """A connection's place for one session at a time."""

    __slots__ = ("_hellos", "_limits", "_numbers", "session")

    def __init__(self, limits: SessionLimits | None = None) -> None:
        self.session: Session | None = None
        self._limits = limits or SessionLimits()
        self._hellos = TokenBucket(HELLO_TOKENS_PER_SECOND, HELLO_TOKENS)
        self._numbers = 0

    def charge(self, now: float) -> None:
        """Before a hello is deciphered, which is what it costs. Raises TooManyHellos."""
        if wait := self._hellos.take(1, now):
            raise TooManyHellos(math.ceil(wait * 1000))

    def accept(
        self, sealed_hello: bytes, hello_bytes: bytes, identity: Identity, private: bytes, now: float
    ) -> bytes:
        """Open a session for a deciphered hello; the acceptance.

        `private` is the enclave's X25519 key for this session, 32 bytes of fresh randomness; `now` is in seconds.
        Raises HelloMalformed, ForeignEnclave, ForeignShard.
        """
        hello, binding = Hello.decode(hello_bytes), identity.binding
        if hello is None:
            raise HelloMalformed(f"{len(hello_bytes)} bytes inside")
        if hello.version != VERSION:
            raise HelloMalformed(f"version {hello.version}")
        if hello.mrenclave != binding.mrenclave:
            raise ForeignEnclave(hello.mrenclave, binding.mrenclave)
        if hello.shard != binding.shard:
            raise ForeignShard(hello.shard, binding.shard)
        public = envelope_public(private)
        heard = transcript(binding, sealed_hello, hello.client_key, public)
        try:
            keys = SessionKeys.derive(private, hello.client_key, hello.secret, heard)
        except CryptoError:
            raise HelloMalformed("not an X25519 key") from None
        self._numbers += 1
        self.session = session = Session(self._numbers, keys, self._limits, now)
        terms = self._limits
        accepted = Acceptance(
            identity.account, identity.sign(signed_text(heard)), terms.requests, terms.bytes, terms.seconds
        )
        return public + session.seal(0, _ACCEPTANCE.encode(accepted), HELLO_METHOD)

    def open_call(self, frame: bytes, method: str, now: float) -> bytes:
        """The operation in a frame. Raises SessionFault."""
        session, counter = self._session_of(frame)
        return self._open(session, session.calls, counter, frame, method, now)

    def open_getter(self, frame: bytes, method: str, now: float) -> tuple[bytes, Session, int]:
        """The getter in a frame; the session and the counter to seal its answer with. Raises SessionFault."""
        session, counter = self._session_of(frame)
        return self._open(session, session.getters, counter, frame, method, now), session, counter

    def _session_of(self, frame: bytes) -> tuple[Session, int]:
        if len(frame) < FRAME_OVERHEAD:
            raise FrameMalformed(f"{len(frame)} bytes")
        number, counter = frame_head(frame)
        session = self.session
        if session is None or number != session.number:
            raise UnknownSession(number, 0 if session is None else session.number)
        return session, counter

    def _open(self, session: Session, lane: _Lane, counter: int, frame: bytes, method: str, now: float) -> bytes:
        try:
            return session.open(lane, counter, frame, method, now)
        except (SessionExpired, SealBroken):
            self.session = None
            raise
