"""Errors of the trusted RPC.

    IntegriteeError
    └── RpcError                      rpc
        ├── ListenFailed              rpc.listen_failed        the server cannot have its address
        ├── Closing                   rpc.closing              why the server ends a connection, or begins none
        │   ├── TooManyClients        rpc.too_many_clients     HTTP 503; 1013 for whose place another one gets
        │   ├── TooMuchHeld           rpc.too_much_held        1013
        │   ├── SlowReader            rpc.slow_reader          1008
        │   └── TooManyFrames         rpc.too_many_frames      1008
        ├── ProtocolFault             rpc.protocol             answered with a JSON-RPC error object
        │   ├── ParseError            rpc.parse_error          -32700
        │   ├── InvalidRequest        rpc.invalid_request      -32600
        │   ├── UnsupportedVersion    rpc.unsupported_version  -32600
        │   ├── MessageTooLarge       rpc.message_too_large    -32600
        │   ├── BatchTooLarge         rpc.batch_too_large      -32600
        │   ├── MethodNotFound        rpc.method_not_found     -32601
        │   ├── InvalidParams         rpc.invalid_params       -32602
        │   ├── UndecodableBlocks     rpc.undecodable_blocks   -32602
        │   ├── InternalError         rpc.internal             -32603
        │   ├── ServerBusy            rpc.busy                 -32000
        │   └── RateExceeded          rpc.rate_exceeded        -32005
        └── RequestError              rpc.request              answered inside an RpcReturnValue
            ├── InvalidHex            rpc.invalid_hex
            ├── UndecodableRequest    rpc.undecodable_request
            ├── InvalidShardText      rpc.invalid_shard_text
            ├── TooManyShards         rpc.too_many_shards
            ├── UnknownShard          rpc.unknown_shard
            ├── UnsupportedOperation  rpc.unsupported_operation
            ├── ShardVaultUnknown     rpc.shard_vault_unknown
            └── TooManyWatches        rpc.too_many_watches

Codes and messages of protocol faults: jsonrpc-core v18 (`types/error.rs`), where they exist there; -32005 is the
limit of EIP-1474.
"""

from __future__ import annotations

from typing import ClassVar, Final, Self

import msgspec

from integritee.errors import IntegriteeError

from .limits import MAX_ECHOED_CHARACTERS

MAX_SAFE_INTEGER: Final = 2**53 - 1
"""Largest integer every JSON reader keeps exact."""


class Reason(msgspec.Struct, frozen=True):
    """Why something failed, for machines and people; sits beside what the original reports."""

    code: str
    message: str
    data: dict[str, str | int | bool | None]

    @classmethod
    def of(cls, error: IntegriteeError) -> Self:
        """The reason an error gives. Integers beyond 2^53 become decimal strings."""
        return cls(error.code, str(error), {name: _portable(fact) for name, fact in error.data().items()})


def _portable(fact: str | int | bool | None) -> str | int | bool | None:
    if isinstance(fact, int) and abs(fact) > MAX_SAFE_INTEGER:
        return str(fact)
    return fact


class RpcError(IntegriteeError):
    """Any failure of this package."""

    code = "rpc"


class ListenFailed(RpcError):
    """The address to listen on is taken, forbidden, or not ours; `reason` is the system's."""

    code = "rpc.listen_failed"

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"cannot listen on {host} port {port}: {reason}")
        self.host = host
        self.port = port
        self.reason = reason


class Closing(RpcError):
    """Why the server ends a connection with WebSocket close code `close_code` (RFC 6455, 7.4), or begins none.

    The close frame's reason is code and text of the error.
    """

    code = "rpc.closing"
    close_code: ClassVar[int] = 1008

    @property
    def words(self) -> str:
        """Reason of the close frame."""
        return f"{self.code}: {self}"


class TooManyClients(Closing):
    """All places are taken. The HTTP answer is 503 with code, message and facts as JSON."""

    code = "rpc.too_many_clients"
    close_code = 1013

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} clients are served already; try again later")
        self.limit = limit


class TooMuchHeld(Closing):
    """All clients together make the server hold too many bytes, and this one more than most."""

    code = "rpc.too_much_held"
    close_code = 1013

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} bytes of messages are held already; try again later")
        self.limit = limit


class SlowReader(Closing):
    """The client does not read its replies and updates."""

    code = "rpc.slow_reader"

    def __init__(self) -> None:
        super().__init__("replies and updates are not read")


class TooManyFrames(Closing):
    """The client sends frames that bring no message: pings, fragments, binary ones."""

    code = "rpc.too_many_frames"

    def __init__(self) -> None:
        super().__init__("too many frames that bring no message")


class ProtocolFault(RpcError):
    """A call that cannot be carried out.

    `fault_code` and `fault` are code and message of the JSON-RPC error object; an empty `fault` stands for
    the text of the error.
    """

    code = "rpc.protocol"
    fault_code: ClassVar[int] = -32603
    fault: ClassVar[str] = ""

    @property
    def fault_data(self) -> str | None:
        """The member `data` of the JSON-RPC error object, if it has one."""
        return None


class ParseError(ProtocolFault):
    """Not JSON, JSON that cannot be a request, or JSON nested too deep."""

    code = "rpc.parse_error"
    fault_code = -32700
    fault = "Parse error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidRequest(ProtocolFault):
    """An object that is not a JSON-RPC call."""

    code = "rpc.invalid_request"
    fault_code = -32600
    fault = "Invalid request"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class UnsupportedVersion(ProtocolFault):
    """A call that does not say it is JSON-RPC 2.0."""

    code = "rpc.unsupported_version"
    fault_code = -32600
    fault = "Unsupported JSON-RPC protocol version"

    def __init__(self) -> None:
        super().__init__('the member "jsonrpc":"2.0" is missing')


class MessageTooLarge(ProtocolFault):
    """A message above the size that is looked at."""

    code = "rpc.message_too_large"
    fault_code = -32600
    fault = "Invalid request"

    def __init__(self, *, limit: int, found: int) -> None:
        super().__init__(f"message of {found} bytes exceeds the limit of {limit}")
        self.limit = limit
        self.found = found


class BatchTooLarge(ProtocolFault):
    """A batch of too many calls."""

    code = "rpc.batch_too_large"
    fault_code = -32600
    fault = "Invalid request"

    def __init__(self, *, limit: int, found: int) -> None:
        super().__init__(f"batch of {found} calls exceeds the limit of {limit}")
        self.limit = limit
        self.found = found


class MethodNotFound(ProtocolFault):
    """No method has this name."""

    code = "rpc.method_not_found"
    fault_code = -32601
    fault = "Method not found"

    def __init__(self, method: str) -> None:
        self.method = method[:MAX_ECHOED_CHARACTERS]
        super().__init__(f"there is no method {self.method!r}")


class InvalidParams(ProtocolFault):
    """Parameters of the wrong number or type."""

    code = "rpc.invalid_params"
    fault_code = -32602

    def __init__(self, detail: str) -> None:
        super().__init__(f"Invalid params: {detail}.")
        self.detail = detail


class UndecodableBlocks(ProtocolFault):
    """The parameter of `sidechain_importBlock` is not the hex of signed blocks."""

    code = "rpc.undecodable_blocks"
    fault_code = -32602
    fault = "Invalid parameters: Could not decode Vec<SignedBlock>"

    def __init__(self, detail: str, echo: str) -> None:
        super().__init__(f"the blocks cannot be decoded: {detail}")
        self.detail = detail
        self._echo = echo

    @property
    def fault_data(self) -> str:
        return self._echo


class InternalError(ProtocolFault):
    """A defect on this side; what it was stays in the log."""

    code = "rpc.internal"
    fault_code = -32603
    fault = "Internal error"

    def __init__(self) -> None:
        super().__init__("internal error")


class ServerBusy(ProtocolFault):
    """Too many calls are being worked on or wait to be deciphered; the caller may try again."""

    code = "rpc.busy"
    fault_code = -32000
    fault = "Server busy"

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} calls are in flight; try again")
        self.limit = limit


class RateExceeded(ProtocolFault):
    """This connection has sent more with a method than is taken; `retry_ms` says when the same may be sent again."""

    code = "rpc.rate_exceeded"
    fault_code = -32005
    fault = "Limit exceeded"

    def __init__(self, method: str, retry_ms: int) -> None:
        super().__init__(f"too much for {method} on one connection; try again in {retry_ms} ms")
        self.method = method
        self.retry_ms = retry_ms


class RequestError(RpcError):
    """A well-formed call whose content is unusable."""

    code = "rpc.request"


class InvalidHex(RequestError):
    """A parameter is not hexadecimal: character `found` at `at`, or (both None) an odd number of digits."""

    code = "rpc.invalid_hex"

    def __init__(self, found: str | None = None, at: int | None = None) -> None:
        super().__init__("odd number of hex digits" if at is None else f"{found!r} at {at} is no hex digit")
        self.found = found
        self.at = at


class UndecodableRequest(RequestError):
    """The parameter is not the SCALE encoding of a Request."""

    code = "rpc.undecodable_request"

    def __init__(self, detail: str) -> None:
        super().__init__(f"not a SCALE Request: {detail}")
        self.detail = detail


class InvalidShardText(RequestError):
    """A shard is not the base58 text of 32 bytes."""

    code = "rpc.invalid_shard_text"

    def __init__(self) -> None:
        super().__init__("a shard is the base58 text of 32 bytes")


class TooManyShards(RequestError):
    """One query asks about too many shards."""

    code = "rpc.too_many_shards"

    def __init__(self, *, limit: int, found: int) -> None:
        super().__init__(f"{found} shards exceed the limit of {limit}")
        self.limit = limit
        self.found = found


class UnknownShard(RequestError):
    """A request for a shard (32 bytes) that this enclave does not serve; for backends to raise."""

    code = "rpc.unknown_shard"

    def __init__(self, *, found: bytes, expected: bytes) -> None:
        super().__init__(f"shard 0x{found.hex()} is not served here")
        self.found = found
        self.expected = expected


class UnsupportedOperation(RequestError):
    """An operation that the worker's mode does not accept, such as a getter; for backends to raise."""

    code = "rpc.unsupported_operation"

    def __init__(self, found: str) -> None:
        super().__init__(f"{found} is not accepted in this mode")
        self.found = found


class ShardVaultUnknown(RequestError):
    """The shard has no vault yet, or it is not proven yet."""

    code = "rpc.shard_vault_unknown"

    def __init__(self) -> None:
        super().__init__("the vault of the shard is not known yet")


class TooManyWatches(RequestError):
    """The caller, or all callers together, watch too many operations."""

    code = "rpc.too_many_watches"

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} operations are watched already")
        self.limit = limit
