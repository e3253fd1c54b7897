"""What becomes of a transaction, as its submitter watches it.

Source: sc-transaction-pool-api `TransactionStatus`; `to_rpc` is the `result` of an `author_extrinsicUpdate`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

RpcStatus: TypeAlias = str | dict[str, str]


@dataclass(frozen=True, slots=True)
class Future:
    """Valid, but another transaction must come first."""

    is_final: ClassVar[bool] = False

    def to_rpc(self) -> RpcStatus:
        return "future"


@dataclass(frozen=True, slots=True)
class Ready:
    """Valid and waiting for a block."""

    is_final: ClassVar[bool] = False

    def to_rpc(self) -> RpcStatus:
        return "ready"


@dataclass(frozen=True, slots=True)
class InBlock:
    """In block `block` (hash) of the best chain, as its extrinsic number `position`."""

    block: bytes
    position: int

    is_final: ClassVar[bool] = False

    def to_rpc(self) -> RpcStatus:
        return {"inBlock": "0x" + self.block.hex()}


@dataclass(frozen=True, slots=True)
class Retracted:
    """The block `block` that had it is no longer in the best chain."""

    block: bytes

    is_final: ClassVar[bool] = False

    def to_rpc(self) -> RpcStatus:
        return {"retracted": "0x" + self.block.hex()}


@dataclass(frozen=True, slots=True)
class FinalityTimeout:
    """Too many blocks came after `block` without it becoming final; nobody watches it any longer."""

    block: bytes

    is_final: ClassVar[bool] = True

    def to_rpc(self) -> RpcStatus:
        return {"finalityTimeout": "0x" + self.block.hex()}


@dataclass(frozen=True, slots=True)
class Finalized:
    """In a finalized block, as its extrinsic number `position`."""

    block: bytes
    position: int

    is_final: ClassVar[bool] = True

    def to_rpc(self) -> RpcStatus:
        return {"finalized": "0x" + self.block.hex()}


@dataclass(frozen=True, slots=True)
class Usurped:
    """Replaced by the transaction `by` (hash), which provides the same and has a higher priority."""

    by: bytes

    is_final: ClassVar[bool] = True

    def to_rpc(self) -> RpcStatus:
        return {"usurped": "0x" + self.by.hex()}


@dataclass(frozen=True, slots=True)
class Dropped:
    """Given up because the pool is full."""

    is_final: ClassVar[bool] = True

    def to_rpc(self) -> RpcStatus:
        return "dropped"


@dataclass(frozen=True, slots=True)
class Invalid:
    """No longer valid: expired, overtaken, unaffordable."""

    is_final: ClassVar[bool] = True

    def to_rpc(self) -> RpcStatus:
        return "invalid"


TransactionStatus: TypeAlias = (
    Future | Ready | InBlock | Retracted | FinalityTimeout | Finalized | Usurped | Dropped | Invalid
)

Watcher: TypeAlias = Callable[[TransactionStatus], None]
"""Called at once, in order, and never again after a final status. Must not raise."""
