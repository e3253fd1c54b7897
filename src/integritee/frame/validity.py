"""Whether an extrinsic may enter a block, in values and as exception (sp_runtime::transaction_validity)."""

from __future__ import annotations

import enum
from typing import ClassVar, Final

from integritee.scale import Enum, Err, Ok, Struct, u8, u64

from .errors import DispatchResult, FrameError, snake
from .weights import MAX_U64


class TransactionSource(enum.IntEnum):
    """Where an extrinsic to be validated comes from."""

    scale_path = enum.nonmember("sp_runtime::transaction_validity::TransactionSource")
    InBlock = 0
    Local = 1
    External = 2


class ValidTransaction(Struct, frozen=True):
    """What the pool must know of a valid extrinsic.

    `requires` and `provides` are opaque tags; FRAME uses SCALE(account, nonce). `longevity` is the number of
    blocks, counted from the best one, for which the verdict holds.
    """

    scale_path: ClassVar[str] = "sp_runtime::transaction_validity::ValidTransaction"
    priority: u64 = 0
    requires: list[bytes] = []
    provides: list[bytes] = []
    longevity: u64 = MAX_U64
    propagate: bool = True


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


ApplyExtrinsicResult = Ok[DispatchResult] | Err[TransactionValidityError]
"""Result of `BlockBuilder_apply_extrinsic`: in the block and how its call ended, or why it must stay out."""

TEXT: Final[dict[type[Struct], str]] = {
    Call: "the call is not expected",
    Payment: "the account is missing or cannot pay the fee",
    Future: "the nonce is ahead of the account's",
    Stale: "the nonce was used already",
    BadProof: "the signature does not fit",
    AncientBirthBlock: "the era began in a block that is not known any more, or not yet",
    ExhaustsResources: "the block has no room for it",
    CustomInvalid: "refused for a reason of the pallet",
    BadMandatory: "a mandatory call failed",
    MandatoryValidation: "mandatory calls come from block authors only",
    BadSigner: "the zero account cannot sign",
    IndeterminateImplicit: "implied data could not be determined",
    UnknownOrigin: "no extension vouches for the origin",
    CannotLookup: "the address or the metadata hash cannot be resolved",
    NoUnsignedValidator: "nobody vouches for unsigned calls",
    CustomUnknown: "unknown for a reason of the pallet",
}


def refusal_code(reason: type[Struct]) -> str:
    """Stable code of a reason in `TEXT`, e.g. ``transaction.stale``."""
    return f"transaction.{snake(reason.__name__)}"


class Refused(FrameError):
    """The transaction may not be in the block; nothing of it stays. `code` is like ``transaction.stale``."""

    code = "transaction"

    def __init__(self, reason: InvalidTransaction | UnknownTransaction) -> None:
        self.error: TransactionValidityError = (
            Invalid(reason) if isinstance(reason, InvalidTransaction) else Unknown(reason)
        )
        self.code = refusal_code(type(reason))  # type: ignore[misc]  # a fact of the instance
        super().__init__(TEXT[type(reason)])

    def data(self) -> dict[str, str | int | bool | None]:
        return {"message": str(self)}
