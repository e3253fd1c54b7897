"""The methods of the session envelope: submissions and getters that a client seals for the session it opened.

An operation in a frame has the same way and the same answers as one under RSA, byte for byte. A getter's answer is
sealed as well: the frame holds the members `result` and `reason` that a plain answer has, as JSON. What is wrong with
the frame itself is a JSON-RPC error (`SessionFault`).

Calls are ordered as all submissions of a connection are. Getters are not, as ever: they have counters of their own
and are opened as they come, before anything is waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from integritee.crypto.shielding import BLOCK_LENGTH
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.session import (
    GETTER_METHOD,
    HELLO_METHOD,
    KEY_LENGTH,
    SUBMIT_METHOD,
    WATCH_METHOD,
    Binding,
    from_text,
    to_text,
)

from ..errors import Undecipherable
from . import params as read
from .backend import Backend
from .errors import Reason
from .jsonrpc import AnyMethod, Connection, Method, OrderedMethod, Outcome, Params
from .limits import MAX_SESSION_MESSAGE_BYTES
from .order import Turn
from .outcomes import got, submitted, watched
from .session import Identity, Seat, SessionLimits
from .session_errors import FrameMalformed, HelloMalformed, HelloUnreadable, UnknownSession
from .watch import WatchRegistry

Clock = Callable[[], float]
Random = Callable[[int], bytes]


def session_methods(
    backend: Backend, watches: WatchRegistry, clock: Clock, random: Random, limits: SessionLimits | None = None
) -> dict[str, AnyMethod]:
    """The methods by name. `clock` in seconds; `random` makes unpredictable bytes."""
    api = _SessionApi(backend, watches, clock, random, limits or SessionLimits())
    return {
        HELLO_METHOD: OrderedMethod(api.hello),
        WATCH_METHOD: OrderedMethod(api.submit_and_watch, max_message_bytes=MAX_SESSION_MESSAGE_BYTES),
        SUBMIT_METHOD: OrderedMethod(api.submit, max_message_bytes=MAX_SESSION_MESSAGE_BYTES),
        GETTER_METHOD: Method(api.execute_getter),
    }


class _SealedAnswer(msgspec.Struct, frozen=True):
    result: str
    reason: Reason | UnsetType = UNSET


_json: Final = msgspec.json.Encoder().encode


class _SessionApi:
    def __init__(
        self, backend: Backend, watches: WatchRegistry, clock: Clock, random: Random, limits: SessionLimits
    ) -> None:
        self._backend, self._watches = backend, watches
        self._clock, self._random, self._limits = clock, random, limits

    async def hello(self, params: Params, connection: Connection, turn: Turn) -> Outcome:
        """[base64 hello] → base64 of the acceptance."""
        await turn()
        seat = connection.seat
        if seat is None:
            seat = connection.seat = Seat(self._limits)
        sealed = from_text(read.first_text(params))
        if sealed is None or len(sealed) != BLOCK_LENGTH:
            raise HelloMalformed(f"not the base64 of {BLOCK_LENGTH} bytes")
        seat.charge(self._clock())
        try:
            plain = await self._backend.decipher(sealed)
        except Undecipherable:
            raise HelloUnreadable from None
        return Outcome(to_text(seat.accept(sealed, plain, self._identity(), self._random(KEY_LENGTH), self._clock())))

    async def submit_and_watch(self, params: Params, connection: Connection, turn: Turn) -> Outcome:
        """[base64 frame of a TrustedOperation] → as `author_submitAndWatchExtrinsic`."""
        await turn()
        seat, frame = _frame(params, connection)
        plain = seat.open_call(frame, WATCH_METHOD, self._clock())
        return await watched(self._watches, connection, partial(self._backend.submit_plain, plain, turn=turn))

    async def submit(self, params: Params, connection: Connection, turn: Turn) -> Outcome:
        """[base64 frame of a TrustedOperation] → as `author_submitExtrinsic`."""
        await turn()
        seat, frame = _frame(params, connection)
        plain = seat.open_call(frame, SUBMIT_METHOD, self._clock())
        return await submitted(connection, self._backend.submit_plain(plain, None, turn))

    async def execute_getter(self, params: Params, connection: Connection) -> Outcome:
        """[base64 frame of a Getter] → base64 of a frame of JSON: what `state_executeGetter` answers."""
        seat, frame = _frame(params, connection)
        plain, session, counter = seat.open_getter(frame, GETTER_METHOD, self._clock())
        outcome = await got(self._backend.execute_getter(Request(self._backend.shard(), plain)))
        reason = UNSET if outcome.reason is None else Reason.of(outcome.reason)
        answer = _json(_SealedAnswer(outcome.result, reason))
        return Outcome(to_text(session.seal(counter, answer, GETTER_METHOD)))

    def _identity(self) -> Identity:
        backend = self._backend
        binding = Binding(backend.shielding_key_json(), backend.fingerprint(), backend.shard())
        return Identity(binding, backend.account(), backend.sign)


def _frame(params: Params, connection: Connection) -> tuple[Seat, bytes]:
    """Raises InvalidParams, FrameMalformed, UnknownSession."""
    frame = from_text(read.first_text(params))
    if frame is None:
        raise FrameMalformed("not base64")
    if connection.seat is None:
        raise UnknownSession(0, 0)
    return connection.seat, frame
