"""What other validateers may ask without being known: sidechain blocks. JSON-RPC 2.0, without I/O.

Method, parameters, block JSON and error codes: worker `sidechain/peer-fetch`, `core/rpc-server` (jsonrpsee 0.2).
Unlike there, one answer holds a limited number of blocks and bytes: who misses more asks again behind the last one.
And whoever asks too often is told to wait.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import msgspec

from integritee.boundary.messages import MAX_SIDECHAIN_BLOCKS
from integritee.primitives.sidechain import SignedBlock
from integritee.scale import encode
from integritee.worker.errors import WorkerError

from .allowance import Allowance, Rate
from .block_json import block_to_json, hash_from_json
from .peer import LIMIT_EXCEEDED

FETCH_BLOCKS: Final = "sidechain_fetchBlocksFromPeer"
MAX_REQUEST: Final = 64 * 1024
"""Bytes of a request that is looked at; a genuine one has some 300."""

MAX_BATCH: Final = 16
"""Calls of one batch."""

MAX_BLOCKS: Final = MAX_SIDECHAIN_BLOCKS
"""Blocks of one answer."""

MAX_BLOCK_BYTES: Final = 256 * 1024
"""Bytes of SCALE in one answer, as in the original, of which JSON makes up to four times as many; a single block may
be longer."""

CONNECTION_RATE: Final = Rate(burst=100, per_second=20)
"""Calls of one connection."""

TOTAL_RATE: Final = Rate(burst=500, per_second=200)
"""Calls of all connections."""

BYTE_RATE: Final = Rate(burst=16 * 1024 * 1024, per_second=2 * 1024 * 1024)
"""Bytes of SCALE in all answers: to write them as JSON takes a third of the host's time."""

NO_HASH: Final = bytes(32)

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
TOO_BIG: Final = -32701
STORAGE_ERROR: Final = -32000


class Blocks(Protocol):
    """The block store."""

    def by_hash(self, block_hash: bytes) -> SignedBlock | None: ...

    def blocks_after(
        self, from_hash: bytes, until_hash: bytes | None, max_blocks: int, max_bytes: int
    ) -> list[SignedBlock]: ...


@dataclass(frozen=True)
class RpcFault(Exception):  # what JSON-RPC calls an error object
    """Becomes the `error` of an answer."""

    code: int
    message: str
    data: dict[str, int] | None = None


@dataclass
class Caller:
    """One connection."""

    allowance: Allowance


@dataclass
class UntrustedRpc:
    """Answers messages: nothing of blocks before `serve`. `version` is what `system_version` says."""

    version: str
    now: float
    blocks: Blocks | None = None
    shard: bytes | None = None
    served_blocks: int = 0
    refused: int = 0
    """Calls that came too often."""
    _total: Allowance = field(init=False)
    _bytes: Allowance = field(init=False)

    def __post_init__(self) -> None:
        self._total = Allowance(TOTAL_RATE, self.now)
        self._bytes = Allowance(BYTE_RATE, self.now)
        self._methods: dict[str, Callable[[Any, float], Any]] = {
            FETCH_BLOCKS: self._fetch_blocks,
            "rpc_methods": lambda _, __: {"methods": sorted(self._methods)},
            "system_version": lambda _, __: self.version,
        }

    def serve(self, blocks: Blocks, shard: bytes) -> None:
        """From now on, blocks of this shard."""
        self.blocks, self.shard = blocks, shard

    def caller(self, now: float) -> Caller:
        return Caller(Allowance(CONNECTION_RATE, now))

    def handle(self, message: str | bytes, caller: Caller, now: float) -> bytes | None:
        """The answer, JSON; None to notifications. Never raises for what a caller sent."""
        try:
            calls = _parse(message)
        except RpcFault as fault:
            return msgspec.json.encode(_failure(fault, None))
        if not isinstance(calls, list):
            answer = self._answer(calls, caller, now)
            return None if answer is None else msgspec.json.encode(answer)
        answers = [answer for call in calls if (answer := self._answer(call, caller, now)) is not None]
        return msgspec.json.encode(answers) if answers else None

    def _answer(self, call: Any, caller: Caller, now: float) -> dict[str, Any] | None:
        call_id = call.get("id") if isinstance(call, dict) else None
        if not (call_id is None or isinstance(call_id, str) or type(call_id) is int):
            call_id = None
        try:
            method = _method_of(call)
            if "id" not in call:
                return None
            self._admit(caller, now)
            if method not in self._methods:
                raise RpcFault(METHOD_NOT_FOUND, "Method not found")
            return {"jsonrpc": "2.0", "result": self._methods[method](call.get("params"), now), "id": call_id}
        except RpcFault as fault:
            return _failure(fault, call_id)

    def _admit(self, caller: Caller, now: float) -> None:
        wait = max(caller.allowance.wait(now), self._total.wait(now), self._bytes.wait(now))
        if wait > 0:
            self.refused += 1
            raise RpcFault(LIMIT_EXCEEDED, "Limit exceeded", {"retry_after_ms": int(wait * 1000) + 1})
        caller.allowance.take(1, now)
        self._total.take(1, now)

    # -- methods -------------------------------------------------------------------------------------

    def _fetch_blocks(self, params: Any, now: float) -> list[dict[str, Any]]:
        """Blocks behind the first hash, oldest first, up to but excluding the second. None behind a hash that is
        unknown; a zero one is before the first block; a second one that is unknown, or null, bounds nothing."""
        after, until, shard = _fetch_params(params)
        if self.blocks is None:
            raise RpcFault(STORAGE_ERROR, "no shard is served yet")
        try:
            if shard != self.shard:
                if after != NO_HASH and self.blocks.by_hash(after) is None:
                    return []
                raise RpcFault(STORAGE_ERROR, f"shard 0x{shard.hex()} is not served here")
            found = self.blocks.blocks_after(after, until, MAX_BLOCKS, MAX_BLOCK_BYTES)
        except WorkerError as failed:
            raise RpcFault(STORAGE_ERROR, str(failed)) from None
        self._bytes.take(sum(len(encode(SignedBlock, block)) for block in found), now)
        self.served_blocks += len(found)
        return [block_to_json(block) for block in found]


def _parse(message: str | bytes) -> Any:
    """A call, or a batch of them as a list. Raises RpcFault."""
    if len(message) > MAX_REQUEST:
        raise RpcFault(TOO_BIG, "Request is too big")
    try:
        found = msgspec.json.decode(message)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise RpcFault(PARSE_ERROR, "Parse error") from None
    if isinstance(found, list) and not 0 < len(found) <= MAX_BATCH:
        raise RpcFault(INVALID_REQUEST, "Invalid request")
    return found


def _method_of(call: Any) -> str:
    match call:
        case {"jsonrpc": "2.0", "method": str(method)}:
            return method
    raise RpcFault(INVALID_REQUEST, "Invalid request")


def _fetch_params(params: Any) -> tuple[bytes, bytes | None, bytes]:
    try:
        ((after, until, shard),) = params
        return hash_from_json(after), None if until is None else hash_from_json(until), hash_from_json(shard)
    except (TypeError, ValueError):
        raise RpcFault(INVALID_PARAMS, "Invalid params") from None


def _failure(fault: RpcFault, call_id: int | str | None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": fault.code, "message": fault.message}
    if fault.data is not None:
        error["data"] = fault.data
    return {"jsonrpc": "2.0", "error": error, "id": call_id}
