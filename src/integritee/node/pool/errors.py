"""Why the pool refuses a transaction, with what JSON-RPC reports of it.

PoolError (1000 + …, as in the JSON-RPC error)
├── BadFormat          1001   not an extrinsic of this runtime
├── VerificationFailed 1002   the runtime failed while validating it
├── InvalidTransaction 1010   the runtime refuses it
├── UnknownValidity    1011   the runtime cannot tell
├── TemporarilyBanned  1012   was invalid or included not long ago
├── AlreadyImported    1013   is in the pool
├── TooLowPriority     1014   competes with one that pays as much
├── CycleDetected      1015   depends on itself
├── ImmediatelyDropped 1016   the pool is full of better ones
├── NoTagsProvided     1019   could not be told from others
└── FutureRejected     1021   depends on one that is not here, and the pool takes no such

Codes, messages and data: sc-rpc-api `author/error.rs`. 1018 (not propagable, and the node is no author) and 1020
(invalid block id) cannot occur here.
"""

from __future__ import annotations

from typing import ClassVar

from integritee.frame.validity import Invalid, TransactionValidityError, Unknown

from ..errors import NodeError
from ..validity import validity_text


class PoolError(NodeError):
    """The pool refuses a transaction.

    `rpc_code` and `rpc_message` make the JSON-RPC error; `rpc_data` its data member, None for none.
    """

    code = "node.pool"
    rpc_code: ClassVar[int] = 1040

    @property
    def rpc_message(self) -> str:
        return str(self)

    @property
    def rpc_data(self) -> str | None:
        return None


class BadFormat(PoolError):
    """The bytes are no extrinsic of this runtime."""

    code = "node.pool.bad_format"
    rpc_code = 1001

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"Extrinsic has invalid format: {reason}")


class VerificationFailed(PoolError):
    """The runtime did not answer whether the transaction is valid."""

    code = "node.pool.verification_failed"
    rpc_code = 1002

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"Verification Error: {reason}")

    @property
    def rpc_data(self) -> str:
        return self.reason


class InvalidTransaction(PoolError):
    """The runtime refuses the transaction; `reason` says why."""

    code = "node.pool.invalid_transaction"
    rpc_code = 1010

    def __init__(self, error: Invalid) -> None:
        self._error = error
        self.reason = validity_text(error)
        super().__init__("Invalid Transaction")

    @property
    def error(self) -> Invalid:
        return self._error

    @property
    def rpc_data(self) -> str:
        return self.reason


class UnknownValidity(PoolError):
    """The runtime cannot tell whether the transaction is valid."""

    code = "node.pool.unknown_validity"
    rpc_code = 1011

    def __init__(self, error: Unknown) -> None:
        self._error = error
        self.reason = validity_text(error)
        super().__init__("Unknown Transaction Validity")

    @property
    def error(self) -> Unknown:
        return self._error

    @property
    def rpc_data(self) -> str:
        return self.reason


class TemporarilyBanned(PoolError):
    """The transaction was invalid or included not long ago."""

    code = "node.pool.temporarily_banned"
    rpc_code = 1012

    def __init__(self) -> None:
        super().__init__("Transaction is temporarily banned")


class AlreadyImported(PoolError):
    """The transaction is in the pool."""

    code = "node.pool.already_imported"
    rpc_code = 1013

    def __init__(self, transaction: bytes) -> None:
        self.transaction = transaction
        super().__init__("Transaction Already Imported")

    @property
    def rpc_data(self) -> str:
        return "0x" + self.transaction.hex()


class TooLowPriority(PoolError):
    """The transaction competes with one that pays as much."""

    code = "node.pool.too_low_priority"
    rpc_code = 1014

    def __init__(self, old: int, new: int) -> None:
        self.old, self.new = old, new
        super().__init__(f"Priority is too low: ({old} vs {new})")

    @property
    def rpc_data(self) -> str:
        return "The transaction has too low priority to replace another transaction already in the pool."


class CycleDetected(PoolError):
    """The transaction depends on itself."""

    code = "node.pool.cycle_detected"
    rpc_code = 1015

    def __init__(self) -> None:
        super().__init__("Cycle Detected")


class ImmediatelyDropped(PoolError):
    """The pool is full of transactions that pay more."""

    code = "node.pool.immediately_dropped"
    rpc_code = 1016

    def __init__(self) -> None:
        super().__init__("Immediately Dropped")

    @property
    def rpc_data(self) -> str:
        return "The transaction couldn't enter the pool because of the limit"


class NoTagsProvided(PoolError):
    """The transaction could not be told from others."""

    code = "node.pool.no_tags_provided"
    rpc_code = 1019

    def __init__(self) -> None:
        super().__init__("No tags provided")

    @property
    def rpc_data(self) -> str:
        return "Transaction does not provide any tags, so the pool can't identify it"


class FutureRejected(PoolError):
    """The transaction depends on one that is not here, and the pool takes no such."""

    code = "node.pool.future_rejected"
    rpc_code = 1021

    def __init__(self) -> None:
        super().__init__("The pool is not accepting future transactions")


def refusal(error: TransactionValidityError) -> PoolError:
    """The pool error that reports what the runtime answered."""
    match error:
        case Invalid():
            return InvalidTransaction(error)
        case Unknown():
            return UnknownValidity(error)
    raise TypeError(f"not a validity error: {error!r}")
