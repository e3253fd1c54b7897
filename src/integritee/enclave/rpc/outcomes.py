"""What methods answer: the hex of a SCALE `RpcReturnValue`, for success and for failure.

Source: integritee-worker `core-primitives/types/src/rpc.rs`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from integritee.errors import IntegriteeError
from integritee.primitives.rpc import DirectRequestStatus, RpcReturnValue, StatusOfOperation, Submitted
from integritee.scale import encode
from integritee.stf.errors import MissingPrivileges

from .error_text import getter_text, submit_text
from .jsonrpc import Connection, Outcome
from .watch import Watcher, WatchRegistry

_HASH_HEX_LENGTH: Final = len("0x") + 64

ErrorText: TypeAlias = Callable[[IntegriteeError], str]


def success(value: bytes, status: DirectRequestStatus | None = None) -> Outcome:
    """The value in an envelope."""
    envelope = RpcReturnValue.ok(value) if status is None else RpcReturnValue(value, False, status)
    return Outcome(envelope.to_hex())


def failure(error: IntegriteeError, text: ErrorText) -> Outcome:
    """The text of an error in an envelope, and the error as the reason."""
    envelope = RpcReturnValue.error(text(error)).to_hex()
    if len(envelope) == _HASH_HEX_LENGTH:  # clients tell a hash from an envelope by its length
        envelope = RpcReturnValue.error(text(error) + ".").to_hex()
    return Outcome(envelope, reason=error)


async def submitted(connection: Connection, submission: Awaitable[bytes]) -> Outcome:
    """The 32 bytes of the hash of an operation once it is admitted, with status Submitted."""
    try:
        top_hash = await submission
    except IntegriteeError as e:
        return failure(e, submit_text)
    connection.conduct.answer_for(top_hash)
    return success(top_hash, StatusOfOperation(Submitted()))


async def watched(
    watches: WatchRegistry, connection: Connection, submit: Callable[[Watcher], Awaitable[bytes]]
) -> Outcome:
    """The bare hash of an operation once it is admitted, not an RpcReturnValue; then updates follow."""
    try:
        watcher = watches.open(connection.id)
    except IntegriteeError as e:
        return failure(e, submit_text)
    try:
        top_hash = await submit(watcher)
    except IntegriteeError as e:
        watches.discard(watcher)
        return failure(e, submit_text)
    except BaseException:  # a defect, or the server stops
        watches.discard(watcher)
        raise
    watcher.bind(top_hash)
    connection.conduct.answer_for(top_hash)
    return Outcome("0x" + top_hash.hex(), watcher=watcher)


async def got(value: Awaitable[bytes | None]) -> Outcome:
    """SCALE Option<Vec<u8>> of a getter's own SCALE result."""
    try:
        return success(encode(bytes | None, await value))
    except MissingPrivileges as e:  # to the original's clients that is an answer without a value
        return Outcome(RpcReturnValue.ok(encode(bytes | None, None)).to_hex(), reason=e)
    except IntegriteeError as e:
        return failure(e, getter_text)
