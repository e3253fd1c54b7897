"""The client's half of the session envelope: requests to an enclave under a key that the two have agreed on.

Specification: `docs/trusted-rpc.md`. `Introduction` and `ClientSession` do no I/O; `SealedRequests` says hello when
it is needed: at first, when a session is spent, and when the enclave does not know it any more.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal, TypeAlias

import msgspec

from integritee.crypto import CryptoError, ShieldingPublicKey, envelope_public, verify_ed25519
from integritee.primitives.session import (
    FRAME_OVERHEAD,
    GETTER_METHOD,
    HELLO_METHOD,
    KEY_LENGTH,
    Acceptance,
    Binding,
    Hello,
    SessionKeys,
    frame_head,
    from_text,
    open_frame,
    seal_frame,
    signed_text,
    to_text,
    transcript,
)
from integritee.scale import ScaleError, codec

from .answers import Reason
from .errors import MalformedAnswer, RequestRefused, UntrustedSession
from .jsonrpc import Message, RpcConnection, result_of

Envelope: TypeAlias = Literal["auto", "session", "rsa"]
"""How requests are sealed: calls in a session where it is offered, else under RSA (`auto`); calls and getters in a
session, or not at all (`session`); calls under RSA (`rsa`). Getters that are not sealed travel plain inside TLS."""

OVER: Final = frozenset(("session.unknown", "session.expired", "session.broken_seal"))
"""Codes after which another hello helps."""

FOR_NOW: Final = frozenset(("rpc.busy", "rpc.rate_exceeded", "session.too_many_hellos"))
"""Codes of refused hellos that say nothing about later ones."""

PAUSE: Final = 1.0
"""Seconds without another hello after one that was refused for now."""

ATTEMPTS: Final = 2
"""Sessions in which one request is tried."""

_ACCEPTANCE: Final = codec(Acceptance)

Random = Callable[[int], bytes]


class Introduction:
    """A hello that waits for its acceptance. `text` is the parameter of `session_hello`."""

    def __init__(self, key: ShieldingPublicKey, mrenclave: bytes, shard: bytes, now: float, random: Random) -> None:
        """`now` in seconds; `random` makes unpredictable bytes."""
        self._binding = Binding(key.to_json(), mrenclave, shard)
        self._private, self._secret = random(KEY_LENGTH), random(KEY_LENGTH)
        self._public, self._now = envelope_public(self._private), now
        self._sealed = key.encrypt(Hello(self._secret, self._public, mrenclave, shard).encode())
        self.text = to_text(self._sealed)

    def accepted(self, text: Any) -> ClientSession:
        """The session that an acceptance opens. Raises UntrustedSession."""
        data = from_text(text) if isinstance(text, str) else None
        if data is None or len(data) < KEY_LENGTH + FRAME_OVERHEAD:
            raise UntrustedSession("the answer to the hello is no acceptance")
        public, frame = data[:KEY_LENGTH], data[KEY_LENGTH:]
        heard = transcript(self._binding, self._sealed, self._public, public)
        try:
            keys = SessionKeys.derive(self._private, public, self._secret, heard)
            terms: Acceptance = _ACCEPTANCE.decode(open_frame(keys.answers, frame, HELLO_METHOD))
        except (CryptoError, ScaleError):
            raise UntrustedSession("whoever answers has not read the hello") from None
        number, counter = frame_head(frame)
        if counter != 0:
            raise UntrustedSession("the answer to the hello is that to another request")
        if not verify_ed25519(terms.signature, signed_text(heard), terms.account):
            raise UntrustedSession("the enclave's signature is wrong")
        return ClientSession(number, keys, terms, self._now)


class ClientSession:
    """An open session. `account` (32 bytes) signed for it, which is to be compared with the registry's."""

    def __init__(self, number: int, keys: SessionKeys, terms: Acceptance, now: float) -> None:
        self.number, self.account = number, terms.account
        self._keys, self._terms, self._ends_at = keys, terms, now + terms.seconds
        self._calls = self._getters = self._bytes = 0

    def is_spent(self, now: float) -> bool:
        """Whether it has to be replaced before another request."""
        requests = self._calls + self._getters
        return requests >= self._terms.requests or self._bytes >= self._terms.bytes or now >= self._ends_at

    def seal_call(self, operation: bytes, method: str) -> str:
        """The parameter of `method` with an encoded TrustedOperation. To be sent in the order of sealing."""
        self._calls += 1
        return self._count(seal_frame(self._keys.calls, self.number, self._calls, operation, method))

    def seal_getter(self, getter: bytes) -> tuple[str, int]:
        """The parameter of `session_executeGetter` with an encoded Getter, and the counter that its answer has."""
        self._getters += 1
        frame = seal_frame(self._keys.getters, self.number, self._getters, getter, GETTER_METHOD)
        return self._count(frame), self._getters

    def open_answer(self, text: Any, counter: int) -> Message:
        """What a plain answer to the getter with this counter would be. Raises MalformedAnswer."""
        frame = from_text(text) if isinstance(text, str) else None
        if frame is None or len(frame) < FRAME_OVERHEAD or frame_head(frame) != (self.number, counter):
            raise MalformedAnswer(GETTER_METHOD, "no frame that answers the request")
        try:
            return msgspec.json.decode(open_frame(self._keys.answers, frame, GETTER_METHOD), type=dict[str, Any])
        except (CryptoError, msgspec.MsgspecError):
            raise MalformedAnswer(GETTER_METHOD, "the seal of the answer is broken") from None

    def _count(self, frame: bytes) -> str:
        self._bytes += len(frame)
        return to_text(frame)


class SealedRequests:
    """Seals the requests of one connection, whose sessions it opens.

    `enclave` tells its shielding key, MRENCLAVE and shard; `account` is the one that has to sign, if it is known.
    """

    def __init__(
        self,
        rpc: RpcConnection,
        enclave: Callable[[], Awaitable[tuple[ShieldingPublicKey, bytes, bytes]]],
        envelope: Envelope = "auto",
        account: bytes | None = None,
        clock: Callable[[], float] = time.monotonic,
        random: Random = os.urandom,
    ) -> None:
        self._rpc, self._enclave, self.envelope = rpc, enclave, envelope
        self._account, self._clock, self._random = account, clock, random
        self._session: ClientSession | None = None
        self._not_before = math.inf if envelope == "rsa" else -math.inf
        self._opening = asyncio.Lock()

    async def call(self, method: str, operation: bytes) -> Message | None:
        """The answer to an operation; None if it has to go under RSA. Raises as `session`."""
        for _ in range(ATTEMPTS):
            if (session := await self.session()) is None:
                return None
            answer = await self._rpc.exchange(method, [session.seal_call(operation, method)])
            if not self._is_over(session, answer):
                return answer
        self._give_up(answer)
        return None

    async def getter(self, getter: bytes) -> Message | None:
        """The opened answer to a getter; None if it has to go plain. Raises as `session`, and MalformedAnswer."""
        if self.envelope != "session":
            return None
        for _ in range(ATTEMPTS):
            if (session := await self.session()) is None:
                return None
            text, counter = session.seal_getter(getter)
            answer = await self._rpc.exchange(GETTER_METHOD, [text])
            if not self._is_over(session, answer):
                return answer if "error" in answer else session.open_answer(answer.get("result"), counter)
        self._give_up(answer)
        return None

    async def session(self) -> ClientSession | None:
        """The open session, or another one; None if there is none to be had and none is insisted on.

        Raises RequestRefused and RpcError if it is, UntrustedSession, and what requests raise.
        """
        while self._clock() >= self._not_before:
            session = self._session
            if session is not None and not session.is_spent(self._clock()):
                return session
            async with self._opening:
                if self._session is session and self._clock() >= self._not_before:  # nobody has seen to it meanwhile
                    self._session = await self._open()
        return None

    async def _open(self) -> ClientSession | None:
        key, mrenclave, shard = await self._enclave()
        introduction = Introduction(key, mrenclave, shard, self._clock(), self._random)
        answer = await self._rpc.exchange(HELLO_METHOD, [introduction.text])
        if "error" in answer:
            self._give_up(answer)
            return None
        session = introduction.accepted(result_of(HELLO_METHOD, answer))
        if self._account is not None and session.account != self._account:
            raise UntrustedSession(f"it is signed by 0x{session.account.hex()}")
        return session

    def _is_over(self, session: ClientSession, answer: Message) -> bool:
        """Forget a session that the enclave has no longer."""
        reason = Reason.of(answer) if "error" in answer else None
        is_over = reason is not None and reason.code in OVER
        if is_over and self._session is session:
            self._session = None
        return is_over

    def _give_up(self, answer: Message) -> None:
        """Without a session for a while or from now on. Raises RequestRefused or RpcError if one is insisted on."""
        reason = Reason.of(answer)
        if self.envelope == "session":
            if reason is not None:
                raise RequestRefused(reason.message, reason.code, reason.data)
            result_of(HELLO_METHOD, answer)
        passes = reason is not None and reason.code in FOR_NOW
        self._not_before, self._session = self._clock() + PAUSE if passes else math.inf, None
