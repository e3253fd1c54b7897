"""JSON-RPC 2.0 dispatcher, without I/O.

Behaves as jsonrpc-core v18 in strict mode, which the original serves (`core/direct-rpc-server`):

- an object that is no call is an invalid request; anything else that is no call spoils the whole message;
- a call without `id` is a notification: it is neither run nor answered, and a batch of such is silent;
- replies have their members in the order jsonrpc, result or error, id.

Beyond that, a failing reply carries a last member `reason` {code, message, data}, and messages, batches and
nesting are bounded. Some methods take longer messages than others; such a message is one call with one text
for a parameter, so that reading it builds nothing from what a stranger sent. The longest are not even read as a
whole (`long_calls`).
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from integritee.errors import IntegriteeError
from integritee.primitives.nesting import nests_within

from .caller import CALLER
from .conduct import Conduct, unlimited
from .errors import (
    BatchTooLarge,
    InternalError,
    InvalidRequest,
    MessageTooLarge,
    MethodNotFound,
    ParseError,
    ProtocolFault,
    Reason,
    ServerBusy,
    UnsupportedVersion,
)
from .frames import Message
from .limits import (
    BLOCK_TOKENS,
    BLOCK_TOKENS_PER_SECOND,
    FAILURE_BYTES,
    MAX_BATCH,
    MAX_CALLS_IN_FLIGHT,
    MAX_MESSAGE_BYTES,
    MAX_NESTING,
    MAX_READ_AS_A_WHOLE,
    MAX_STRUCTURED_BYTES,
    OPERATION_TOKENS,
    OPERATION_TOKENS_PER_SECOND,
    ORDERED_AHEAD,
)
from .long_calls import cut_out
from .order import Order, Place, Turn, no_wait, nobody
from .rate import TokenBucket
from .session import Seat
from .watch import Watcher

log = logging.getLogger(__name__)

APPLICATION_FAULT: Final = -32000
"""Code of errors that a method raises and that are not faults of the protocol."""

_U64_MAX: Final = 2**64 - 1
_CALL_MEMBERS: Final = frozenset(("jsonrpc", "method", "params", "id"))

CallId: TypeAlias = int | str | None
Params: TypeAlias = list[Any] | dict[str, Any] | None


@dataclass(slots=True)
class Connection:
    """What a method may know of its caller, and what the caller has left of what it may send to a peer.

    Messages with an ordered method have a place in `order`, so that a client's submissions take effect in the order
    in which they were sent. Calls of a batch are worked on when it is its `turn` again. What fails is noted in
    `conduct`, which may have later messages wait. `seat` is there once the client said hello.
    """

    id: int
    turn: Callable[[], Awaitable[None]] = field(default=no_wait)
    order: Order = field(default_factory=Order)
    block_tokens: TokenBucket = field(default_factory=lambda: TokenBucket(BLOCK_TOKENS_PER_SECOND, BLOCK_TOKENS))
    operation_tokens: TokenBucket = field(
        default_factory=lambda: TokenBucket(OPERATION_TOKENS_PER_SECOND, OPERATION_TOKENS)
    )
    conduct: Conduct = field(default_factory=unlimited)
    seat: Seat | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What a method answers: a JSON value.

    With `reason` it tells of a failure although it is not a JSON-RPC error. `watcher` is to be released
    once the reply is on its way.
    """

    result: Any
    reason: IntegriteeError | None = None
    watcher: Watcher | None = None


@dataclass(frozen=True, slots=True)
class Method:
    """A callable method. `max_message_bytes` is for those that take longer messages than the dispatcher does.

    One that `takes_bytes` is given the text of a long call as the bytes between its quotes, a memoryview.
    """

    run: Callable[[Params, Connection], Awaitable[Outcome]]
    max_message_bytes: int = 0
    takes_bytes: bool = False


@dataclass(frozen=True, slots=True)
class OrderedMethod:
    """One that takes effect in the order in which a connection's calls were sent: it awaits its turn before.

    It is run once no more than `ORDERED_AHEAD` messages are before it.
    """

    run: Callable[[Params, Connection, Turn], Awaitable[Outcome]]
    max_message_bytes: int = 0


AnyMethod: TypeAlias = Method | OrderedMethod


class Reply(msgspec.Struct, frozen=True):
    """One message to send back, and the watches to release after it."""

    text: bytes
    watchers: tuple[Watcher, ...] = ()


class Dispatcher:
    """Runs the calls of a message. `observe` hears the name of every known method that is called."""

    def __init__(
        self,
        methods: Mapping[str, AnyMethod],
        *,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        max_calls_in_flight: int = MAX_CALLS_IN_FLIGHT,
        observe: Callable[[str], None] | None = None,
    ) -> None:
        self._methods = methods
        self._max_message_bytes = max_message_bytes
        self._max_calls_in_flight = max_calls_in_flight
        self._in_flight = 0
        self._observe = observe

    async def handle(self, text: Message, connection: Connection) -> Reply | None:
        """Answer one message; None if there is nothing to say. Never raises for what a caller sent."""
        CALLER.set(connection.id)
        conduct = connection.conduct
        paid_ahead = await conduct.turn()
        try:
            message = self._parse(text)
        except ProtocolFault as fault:
            conduct.note(1 + len(text) // FAILURE_BYTES, paid_ahead)
            return Reply(_encode(_fault(fault, None)))
        calls = message if isinstance(message, list) else [message]
        place = connection.order.enter() if self._is_ordered(calls) else None
        try:
            if place is not None:
                await place.near(ORDERED_AHEAD)
            if not paid_ahead:  # others of its messages failed meanwhile
                paid_ahead = await conduct.turn()
            turn = None if place is None else _turn(place, len(calls))
            answers = await self._answer_all(calls, connection, turn)
        finally:
            if place is not None:
                place.leave()
        replies = [reply for reply, _ in answers]
        failures = sum(map(_is_failure, replies))
        conduct.note(failures and failures + len(text) // FAILURE_BYTES, paid_ahead)
        if not answers:
            return None
        watchers = tuple(watcher for _, watcher in answers if watcher is not None)
        return Reply(_encode(replies if isinstance(message, list) else replies[0]), watchers)

    def _parse(self, text: Message) -> _Call | list[_Call]:
        size = len(text if not isinstance(text, str) or text.isascii() else text.encode(errors="surrogatepass"))
        if size > min(self._max_message_bytes, MAX_STRUCTURED_BYTES):
            return self._parse_long(text, size)
        try:
            return _plain(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            pass  # some other form, or none
        try:
            message = msgspec.json.decode(text)
        except RecursionError:
            raise ParseError(f"nested deeper than {MAX_NESTING} levels") from None
        except (msgspec.DecodeError, UnicodeError) as e:
            raise ParseError(str(e)) from None
        if not nests_within(message, MAX_NESTING):
            raise ParseError(f"nested deeper than {MAX_NESTING} levels")
        if not isinstance(message, list):
            return _read_call(message)
        if len(message) > MAX_BATCH:
            raise BatchTooLarge(limit=MAX_BATCH, found=len(message))
        return [_read_call(item) for item in message]

    def _parse_long(self, text: Message, size: int) -> _Call:
        """A message that may be one call with one text only. Raises MessageTooLarge unless its method takes it."""
        limit, data = self._max_message_bytes, text.encode(errors="surrogatepass") if isinstance(text, str) else text
        other_form = MessageTooLarge(limit=min(limit, MAX_STRUCTURED_BYTES), found=size)
        cut = _cut(data)
        if cut is None and size > MAX_READ_AS_A_WHOLE:
            raise other_form
        try:
            call = cut or _plain(data)
            method = self._methods.get(call.method)
            if method is not None:
                limit = max(limit, method.max_message_bytes)
            if size > limit:
                raise MessageTooLarge(limit=limit, found=size)
            is_read = call is not cut or (isinstance(method, Method) and method.takes_bytes)
            return call if is_read else _plain(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise other_form from None

    def _is_ordered(self, calls: list[_Call]) -> bool:
        named = (self._methods.get(call.method) for call in calls if call.flaw is None)
        return any(isinstance(method, OrderedMethod) for method in named)

    async def _answer_all(self, calls: list[_Call], connection: Connection, turn: Turn | None) -> list[_Answer]:
        answers = []
        for number, call in enumerate(calls):
            if number:
                await connection.turn()
            answer = await self._answer(call, connection, turn)
            if answer is not None:
                answers.append(answer)
        return answers

    async def _answer(self, call: _Call, connection: Connection, turn: Turn | None) -> _Answer | None:
        try:
            if call.flaw is not None:
                raise call.flaw
            if call.is_notification:
                return None
            outcome = await self._run(call, connection, turn)
        except ProtocolFault as fault:
            return _fault(fault, call.id), None
        except IntegriteeError as e:
            return _Fault(_ErrorObject(APPLICATION_FAULT, str(e)), call.id, Reason.of(e)), None
        except Exception as e:
            log_defect(call.method, e)
            return _fault(InternalError(), call.id), None
        reason = UNSET if outcome.reason is None else Reason.of(outcome.reason)
        return _Result(outcome.result, call.id, reason), outcome.watcher

    async def _run(self, call: _Call, connection: Connection, turn: Turn | None) -> Outcome:
        if not call.has_version:
            raise UnsupportedVersion
        method = self._methods.get(call.method)
        if method is None:
            raise MethodNotFound(call.method)
        if self._in_flight >= self._max_calls_in_flight:
            raise ServerBusy(self._max_calls_in_flight)
        if self._observe is not None:
            self._observe(call.method)
        self._in_flight += 1
        try:
            if isinstance(method, Method):
                return await method.run(call.params, connection)
            assert turn is not None  # `handle` takes a place for these
            return await method.run(call.params, connection, turn)
        finally:
            self._in_flight -= 1


def _turn(place: Place, calls: int) -> Turn:
    """Of the calls of a message: what comes behind a batch waits for the last of them."""
    return Turn(place.turn, place.leave if calls == 1 else nobody)


class _Call(msgspec.Struct, frozen=True):
    """One object of a message; with a `flaw` the other members but `id` mean nothing."""

    id: CallId
    is_notification: bool = False
    has_version: bool = False
    method: str = ""
    params: Params = None
    flaw: InvalidRequest | None = None


class _PlainCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The form of nearly all messages, and the only one of those above the common size."""

    jsonrpc: Literal["2.0"]
    method: str
    params: tuple[str]
    id: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | str | None


_decode_plain = msgspec.json.Decoder(_PlainCall).decode


def _plain(text: Message) -> _Call:
    """Raises msgspec.DecodeError, UnicodeError, RecursionError if it has not that form."""
    call = _decode_plain(text)
    return _Call(call.id, has_version=True, method=call.method, params=list(call.params))


def _cut(data: bytes | bytearray) -> _Call | None:
    """As `_plain`, with the text as it came; None if it is not where it should be."""
    if (parts := cut_out(data)) is None:
        return None
    try:
        call = _plain(parts[0])
    except (msgspec.DecodeError, UnicodeError):
        return None
    return msgspec.structs.replace(call, params=[parts[1]]) if call.params == [""] else None


def _read_call(item: Any) -> _Call:
    """Raises ParseError for what spoils the whole message."""
    if not isinstance(item, dict):
        raise ParseError("neither an object nor an array of objects")
    call_id = item.get("id")
    is_u64 = type(call_id) is int and 0 <= call_id <= _U64_MAX  # a bool is an int, but no id
    if not (is_u64 or isinstance(call_id, str) or call_id is None):
        raise ParseError("the id is no unsigned 64-bit integer, string or null")
    version, method, params = item.get("jsonrpc"), item.get("method"), item.get("params")
    flaw = None
    if not item.keys() <= _CALL_MEMBERS:
        flaw = "unknown member"
    elif not isinstance(method, str):
        flaw = "the method is no string"
    elif not (params is None or isinstance(params, list | dict)):
        flaw = "the params are neither array nor object"
    elif not (version is None or version == "2.0"):
        flaw = "this is not JSON-RPC 2.0"
    if flaw is not None:
        return _Call(call_id, flaw=InvalidRequest(flaw))
    return _Call(call_id, "id" not in item, version is not None, str(method), params)


class _ErrorObject(msgspec.Struct, frozen=True):
    code: int
    message: str
    data: str | UnsetType = UNSET


class _Result(msgspec.Struct, frozen=True, tag_field="jsonrpc", tag="2.0"):
    result: Any
    id: CallId
    reason: Reason | UnsetType = UNSET


class _Fault(msgspec.Struct, frozen=True, tag_field="jsonrpc", tag="2.0"):
    error: _ErrorObject
    id: CallId
    reason: Reason


_Answer: TypeAlias = tuple[_Result | _Fault, Watcher | None]
"""And the watch to release after it."""


def _fault(fault: ProtocolFault, call_id: CallId) -> _Fault:
    data = UNSET if fault.fault_data is None else fault.fault_data
    return _Fault(_ErrorObject(fault.fault_code, fault.fault or str(fault), data), call_id, Reason.of(fault))


_NOBODYS_FAILURES: Final = (ServerBusy.code, InternalError.code)
"""Those are the server's own."""


def _is_failure(reply: _Result | _Fault) -> bool:
    """Whether the caller could have known better."""
    return not isinstance(reply.reason, UnsetType) and reply.reason.code not in _NOBODYS_FAILURES


_encode = msgspec.json.Encoder().encode


def log_defect(method: str, error: Exception) -> None:
    """Name kind and place of a defect; its text might quote what the caller sent."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
    log.error("%s failed with %s at %s", method, type(error).__name__, place)
