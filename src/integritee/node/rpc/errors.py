"""What JSON-RPC callers are told when a call fails.

RpcError (JSON-RPC code)
├── ParseError          −32700   no JSON
├── InvalidRequest      −32600   JSON, but no call
├── MethodNotFound      −32601
│   ├── UnsafeMethod        for local callers only
│   └── NeedsWebSocket      a subscription was asked for over HTTP
├── InvalidParams       −32602
├── InternalError       −32603   a defect of the node
├── TooManySubscriptions −32006
├── RequestTooBig       −32007
├── ResponseTooBig      −32008
├── BatchTooLarge       −32010
├── BlockRangeError       4001   a range of blocks that is none
├── CountTooLarge         4002   more entries asked for than a page has
├── ClientError           4003   the block is unknown, or the runtime failed on it
├── RuntimeQueryFailed       1   fee or nonce: the runtime failed
├── UndecodableExtrinsic     2   fee: not an extrinsic of this runtime
├── ProveFinalityFailed      2
└── SealingError
    ├── EmptyPool        12000   nothing to seal, and no empty block wanted
    ├── BlockNotFound    13000
    ├── SealingFailed    14000
    └── HeadIsFinal      15000   final blocks would be left

Codes and messages: jsonrpsee-types, sc-rpc-api (`state/error.rs`, `policy.rs`), sc-consensus-grandpa-rpc,
sc-consensus-manual-seal, pallet-transaction-payment-rpc. Errors of the pool carry theirs themselves.
"""

from __future__ import annotations

from typing import ClassVar

from integritee.errors import IntegriteeError

from ..errors import NodeError, RuntimeFailure, UnknownBlock
from ..pool.errors import PoolError


class RpcError(NodeError):
    """The node cannot carry out a request.

    `rpc_message` is the message of the JSON-RPC error, `rpc_data` its data member, None for none.
    """

    code = "node.rpc"
    rpc_code: ClassVar[int]

    @property
    def rpc_message(self) -> str:
        return str(self)

    @property
    def rpc_data(self) -> str | None:
        return None


class DetailedError(RpcError):
    """An error with a fixed `message` whose detail is in the data member."""

    code = "node.rpc.detailed"
    message: ClassVar[str]

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail
        super().__init__(self.message if detail is None else f"{self.message}: {detail}")

    @property
    def rpc_message(self) -> str:
        return self.message

    @property
    def rpc_data(self) -> str | None:
        return self.detail


# --- the protocol


class ParseError(DetailedError):
    """The message is no JSON."""

    code = "node.rpc.parse"
    rpc_code = -32700
    message = "Parse error"


class InvalidRequest(DetailedError):
    """JSON that is no JSON-RPC call."""

    code = "node.rpc.invalid_request"
    rpc_code = -32600
    message = "Invalid request"


class MethodNotFound(DetailedError):
    """The node has no method of this name."""

    code = "node.rpc.method_not_found"
    rpc_code = -32601
    message = "Method not found"


class UnsafeMethod(MethodNotFound):
    """The method is for local callers only."""

    code = "node.rpc.unsafe_method"
    message = "RPC call is unsafe to be called externally"


class NeedsWebSocket(MethodNotFound):
    code = "node.rpc.needs_websocket"
    message = "Subscriptions need a WebSocket connection"


class InvalidParams(DetailedError):
    """Parameters of the wrong number or type."""

    code = "node.rpc.invalid_params"
    rpc_code = -32602
    message = "Invalid params"


class InternalError(DetailedError):
    """A defect of the node; what it was stays in its log."""

    code = "node.rpc.internal"
    rpc_code = -32603
    message = "Internal error"


# --- limits


class LimitError(RpcError):
    """Something exceeds a limit, which is named."""

    code = "node.rpc.limit"
    message: ClassVar[str]

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(self.message)

    @property
    def rpc_data(self) -> str:
        return f"Exceeded max limit of {self.limit}"


class TooManySubscriptions(LimitError):
    """The connection has as many subscriptions as it may have."""

    code = "node.rpc.too_many_subscriptions"
    rpc_code = -32006
    message = "Too many subscriptions on the connection"


class RequestTooBig(LimitError):
    """A request has more bytes than one may have."""

    code = "node.rpc.request_too_big"
    rpc_code = -32007
    message = "Request is too big"


class ResponseTooBig(LimitError):
    """The answer would have more bytes than one may have."""

    code = "node.rpc.response_too_big"
    rpc_code = -32008
    message = "Response is too big"


class BatchTooLarge(LimitError):
    """A batch has more calls than one may have."""

    code = "node.rpc.batch_too_large"
    rpc_code = -32010
    message = "The batch request was too large"


# --- the methods


class BlockRangeError(RpcError):
    """The range of blocks is none."""

    code = "node.rpc.block_range"
    rpc_code = 4001

    def __init__(self, from_: bytes, to: bytes, details: str) -> None:
        self.details = details
        super().__init__(f"Cannot resolve a block range ['0x{from_.hex()}' ... '0x{to.hex()}'] {details}")


class CountTooLarge(RpcError):
    code = "node.rpc.count_too_large"
    rpc_code = 4002

    def __init__(self, value: int, max: int) -> None:
        self.value, self.max = value, max
        super().__init__(f"count exceeds maximum value. value: {value}, max: {max}")


class ClientError(RpcError):
    code = "node.rpc.client"
    rpc_code = 4003

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"Client error: {reason}")


class RuntimeQueryFailed(DetailedError):
    """The runtime failed to tell a fee or a nonce. `what` is the message, e.g. "Unable to query nonce."."""

    code = "node.rpc.runtime_query"
    rpc_code = 1

    def __init__(self, what: str, detail: str) -> None:
        self.what = what
        super().__init__(detail)

    message = "Runtime query failed"

    @property
    def rpc_message(self) -> str:
        return self.what


class UndecodableExtrinsic(RuntimeQueryFailed):
    """A fee was asked for something that is no extrinsic of this runtime."""

    code = "node.rpc.undecodable_extrinsic"
    rpc_code = 2


class ProveFinalityFailed(RpcError):
    """There is no proof of finality for the block."""

    code = "node.rpc.prove_finality"
    rpc_code = 2

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"GRANDPA prove finality rpc failed: {reason}")


class SealingError(RpcError):
    """A block could not be sealed on request."""

    code = "node.rpc.sealing"
    rpc_code = 20000


class EmptyPool(SealingError):
    """There is nothing to seal, and no empty block is wanted."""

    code = "node.rpc.sealing.empty_pool"
    rpc_code = 12000

    def __init__(self) -> None:
        super().__init__("Transaction pool is empty, set create_empty to true, if you want to create empty blocks")


class BlockNotFound(SealingError):
    """The block to build on or to finalize is not here."""

    code = "node.rpc.sealing.block_not_found"
    rpc_code = 13000

    def __init__(self, block: bytes) -> None:
        self.block = block
        super().__init__(f"block 0x{block.hex()} is not in the best chain")


class SealingFailed(SealingError):
    """The block could not be made or finalized."""

    code = "node.rpc.sealing.failed"
    rpc_code = 14000

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"consensus error: {reason}")


class HeadIsFinal(SealingError):
    """The chain cannot leave blocks that are final."""

    code = "node.rpc.sealing.head_is_final"
    rpc_code = 15000

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def reported(error: IntegriteeError) -> RpcError | PoolError:
    """The error a caller is told of instead of, or as, the one that came up."""
    match error:
        case RpcError() | PoolError():
            return error
        case UnknownBlock(block=block):
            return ClientError(f"UnknownBlock: Header was not found in the database: 0x{block.hex()}")
        case RuntimeFailure():
            return ClientError(f"Execution failed: {error}")
    return InternalError(f"{error.code}: {error}")
