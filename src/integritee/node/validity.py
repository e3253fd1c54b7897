"""Whether an extrinsic may enter a block, as the runtime answers (sp_runtime::transaction_validity)."""

from __future__ import annotations

import enum
from typing import ClassVar, Final

from integritee.scale import Enum, Err, Ok, Struct, u8, u64


class TransactionSource(enum.IntEnum):
    """Where an extrinsic to be validated comes from."""

    InBlock = 0
    Local = 1
    External = 2


class ValidTransaction(Struct, frozen=True):
    """What the pool must know of a valid extrinsic.

    `requires` and `provides` are opaque tags; FRAME uses SCALE(account, nonce). `longevity` is the number of
    blocks, counted from the best one, for which the verdict holds.
    """

    priority: u64
    requires: list[bytes]
    provides: list[bytes]
    longevity: u64
    propagate: bool


class InvalidTransaction(Enum, frozen=True):
    """The extrinsic cannot be included now."""

    scale_path: ClassVar[str] = "sp_runtime::transaction_validity::InvalidTransaction"


class Call(InvalidTransaction, frozen=True):
    index: ClassVar[int] = 0


class Payment(InvalidTransaction, frozen=True):
    index: ClassVar[int] = 1


class Future(InvalidTransaction, frozen=True):
    index: ClassVar[int] = 2


class Stale(InvalidTransaction, frozen=True):
    index: ClassVar[int] = 3


class BadProof(InvalidTransaction, frozen=True):
    index: ClassVar[int] = 4


class AncientBirthBlock(InvalidTransaction, frozen=True):
    index: ClassVar[int] = 5


class ExhaustsResources(InvalidTransaction, frozen=True):
    index: ClassVar[int] = 6


class CustomInvalid(InvalidTransaction, frozen=True):
    index: ClassVar[int] = 7
    variant_name: ClassVar[str] = "Custom"
    reason: u8


class BadMandatory(InvalidTransaction, frozen=True):
    index: ClassVar[int] = 8


class MandatoryValidation(InvalidTransaction, frozen=True):
    index: ClassVar[int] = 9


class BadSigner(InvalidTransaction, frozen=True):
    index: ClassVar[int] = 10


class IndeterminateImplicit(InvalidTransaction, frozen=True):
    index: ClassVar[int] = 11


class UnknownOrigin(InvalidTransaction, frozen=True):
    index: ClassVar[int] = 12


class UnknownTransaction(Enum, frozen=True):
    """The runtime cannot tell."""

    scale_path: ClassVar[str] = "sp_runtime::transaction_validity::UnknownTransaction"


class CannotLookup(UnknownTransaction, frozen=True):
    index: ClassVar[int] = 0


class NoUnsignedValidator(UnknownTransaction, frozen=True):
    index: ClassVar[int] = 1


class CustomUnknown(UnknownTransaction, frozen=True):
    index: ClassVar[int] = 2
    variant_name: ClassVar[str] = "Custom"
    reason: u8


class TransactionValidityError(Enum, frozen=True):
    """Why an extrinsic may not enter a block."""

    scale_path: ClassVar[str] = "sp_runtime::transaction_validity::TransactionValidityError"


class Invalid(TransactionValidityError, frozen=True):
    index: ClassVar[int] = 0
    reason: InvalidTransaction


class Unknown(TransactionValidityError, frozen=True):
    index: ClassVar[int] = 1
    reason: UnknownTransaction


TransactionValidity = Ok[ValidTransaction] | Err[TransactionValidityError]
"""Result of `TaggedTransactionQueue_validate_transaction`."""

INVALID_TEXT: Final[dict[type[InvalidTransaction], str]] = {
    Call: "Transaction call is not expected",
    Payment: "Inability to pay some fees (e.g. account balance too low)",
    Future: "Transaction will be valid in the future",
    Stale: "Transaction is outdated",
    BadProof: "Transaction has a bad signature",
    AncientBirthBlock: "Transaction has an ancient birth block",
    ExhaustsResources: "Transaction would exhaust the block limits",
    BadMandatory: "A call was labelled as mandatory, but resulted in an Error.",
    MandatoryValidation: "Transaction dispatch is mandatory; transactions must not be validated.",
    BadSigner: "Invalid signing address",
    IndeterminateImplicit: "The implicit data was unable to be calculated",
    UnknownOrigin: "The transaction extension did not authorize any origin",
}
"""The texts that JSON-RPC clients see; tools match on them."""


def validity_text(error: TransactionValidityError) -> str:
    """What a client is told: the `data` member of the JSON-RPC error."""
    match error:
        case Invalid(reason=CustomInvalid(reason=number)):
            return f"Custom error: {number}"
        case Invalid(reason=reason):
            return INVALID_TEXT[type(reason)]
        case Unknown(reason=CustomUnknown(reason=number)):
            return f"Custom({number})"
        case Unknown(reason=unknown):
            return type(unknown).__name__
    raise TypeError(f"not a validity error: {error!r}")
