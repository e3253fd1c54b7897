"""JSON-RPC 2.0 over the methods table, without I/O.

A message is read first (`Dispatcher.read`), which tells whether it changes anything, and answered later
(`Dispatcher.answer`). Behaves as jsonrpsee: a call without `id` is a notification, neither run nor answered; an
id is a number, a string or null and comes back as it was. Upstream is stricter in one point: it takes no
fractions as ids.
"""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from integritee.errors import IntegriteeError
from integritee.primitives.nesting import nests_within

from ..pool.errors import PoolError
from .errors import (
    BatchTooLarge,
    InternalError,
    InvalidParams,
    InvalidRequest,
    MethodNotFound,
    ParseError,
    RequestTooBig,
    ResponseTooBig,
    RpcError,
    UnsafeMethod,
    reported,
)
from .limits import MAX_BATCH, MAX_NESTING, MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES
from .methods import Method, MethodTable, Params, Unsubscribe
from .sessions import Session

log = logging.getLogger(__name__)

CallId: TypeAlias = int | float | str | None


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a message. With a `flaw` it is none, and the other members but `id` mean nothing."""

    id: CallId
    is_notification: bool = False
    method: str = ""
    params: Params = None
    flaw: RpcError | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What came in one piece. `is_change` tells that some call of it alters pool or chain."""

    calls: tuple[Call, ...]
    is_batch: bool = False
    is_change: bool = False


class Dispatcher:
    """Answers messages of any number of sessions."""

    def __init__(
        self,
        table: MethodTable,
        *,
        max_request_bytes: int = MAX_REQUEST_BYTES,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        max_batch: int = MAX_BATCH,
    ) -> None:
        self._table = table
        self._max_request_bytes = max_request_bytes
        self._max_response_bytes = max_response_bytes
        self._max_batch = max_batch

    def read(self, text: str | bytes) -> Message:
        """The calls of a message; what is wrong with it becomes a flaw of its calls. Never raises."""
        try:
            content = self._parse(text)
        except RpcError as flaw:
            return Message((Call(None, flaw=flaw),))
        is_batch = isinstance(content, list)
        calls = tuple(map(_read_call, content if is_batch else [content]))
        return Message(calls, is_batch, any(self._is_change(call) for call in calls))

    def answer(self, message: Message, session: Session) -> None:
        """Run the calls of a message and send what there is to say. Never raises for what a caller sent."""
        with session.holding():
            replies = [
                _encode(self._reply(call, session))
                for call in message.calls
                if call.flaw is not None or not call.is_notification
            ]
            if replies:
                session.reply(self._joined(replies, message.is_batch))

    def serve(self, text: str | bytes, session: Session) -> None:
        """`read` and `answer` in one."""
        self.answer(self.read(text), session)

    def _parse(self, text: str | bytes) -> Any:
        if len(text) > self._max_request_bytes:
            raise RequestTooBig(self._max_request_bytes)
        try:
            content = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise ParseError from None
        if not nests_within(content, MAX_NESTING):
            raise ParseError(f"nested deeper than {MAX_NESTING} levels")
        if isinstance(content, list):
            if not content:
                raise InvalidRequest
            if len(content) > self._max_batch:
                raise BatchTooLarge(self._max_batch)
        return content

    def _is_change(self, call: Call) -> bool:
        entry = self._table.get(call.method)
        return entry is not None and entry.is_change

    def _reply(self, call: Call, session: Session) -> _Result | _Failure:
        try:
            if call.flaw is not None:
                raise call.flaw
            return _Result(self._run(call, session), call.id)
        except IntegriteeError as error:
            told = reported(error)
            if isinstance(told, InternalError):
                log.error("%s: %s", call.method, told.detail)
            return _failure(told, call.id)
        except Exception as error:
            _log_defect(call.method, error)
            return _failure(InternalError(), call.id)

    def _run(self, call: Call, session: Session) -> Any:
        entry = self._table.get(call.method)
        match entry:
            case None:
                raise MethodNotFound
            case Unsubscribe(notification=notification):
                return session.unsubscribe(_subscription_id(call.params), notification)
            case Method() if entry.is_unsafe and not session.allow_unsafe:
                raise UnsafeMethod
            case Method(notification=None):
                return entry.function(*entry.arguments(call.params))
            case Method(notification=str(notification)):
                return _subscribe(entry, notification, call.params, session)

    def _joined(self, replies: list[bytes], is_batch: bool) -> bytes:
        if sum(map(len, replies)) > self._max_response_bytes:
            id = None if is_batch else msgspec.json.decode(replies[0], type=_Identified).id
            return _encode(_failure(ResponseTooBig(self._max_response_bytes), id))
        return b"[" + b",".join(replies) + b"]" if is_batch else replies[0]


def _subscribe(entry: Method, notification: str, params: Params, session: Session) -> str:
    arguments = entry.arguments(params)
    sink = session.subscribe(notification)
    try:
        entry.function(sink, *arguments)
    except BaseException:
        sink.finish()
        raise
    return sink.id


def _subscription_id(params: Params) -> str:
    """The one parameter of an unsubscribe method: the id, as a string or as a number."""
    given = list(params.values()) if isinstance(params, dict) else params or []
    if not given or isinstance(given[0], bool) or not isinstance(given[0], str | int):
        raise InvalidParams("expected a subscription id")
    return str(given[0])


def _read_call(item: Any) -> Call:
    if not isinstance(item, dict):
        return Call(None, flaw=InvalidRequest())
    id, method, params = item.get("id"), item.get("method"), item.get("params")
    if isinstance(id, bool) or not isinstance(id, int | float | str | None):
        return Call(None, flaw=InvalidRequest("the id must be a number, a string or null"))
    if item.get("jsonrpc") != "2.0":
        return Call(id, flaw=InvalidRequest("this is not JSON-RPC 2.0"))
    if not isinstance(method, str):
        return Call(id, flaw=InvalidRequest("the method must be a string"))
    if not isinstance(params, list | dict | None):
        return Call(id, flaw=InvalidRequest("the params must be an array or an object"))
    return Call(id, "id" not in item, method, params)


class _Identified(msgspec.Struct):
    id: CallId


class _ErrorObject(msgspec.Struct, frozen=True):
    code: int
    message: str
    data: str | UnsetType = UNSET


class _Result(msgspec.Struct, frozen=True, tag_field="jsonrpc", tag="2.0"):
    result: Any
    id: CallId


class _Failure(msgspec.Struct, frozen=True, tag_field="jsonrpc", tag="2.0"):
    error: _ErrorObject
    id: CallId


def _failure(error: RpcError | PoolError, id: CallId) -> _Failure:
    data = UNSET if error.rpc_data is None else error.rpc_data
    return _Failure(_ErrorObject(error.rpc_code, error.rpc_message, data), id)


_encode: Final = msgspec.json.Encoder().encode


def _log_defect(method: str, error: Exception) -> None:
    """Name kind and place of a defect."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
    log.error("%s failed with %s (%s) at %s", method, type(error).__name__, error, place)
