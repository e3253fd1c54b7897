"""What clients are told of an extrinsic that the runtime refuses (sp_runtime::transaction_validity).

The texts travel as `data` of JSON-RPC errors, and tools match on them.
"""

from __future__ import annotations

from typing import Final

from integritee.frame.validity import (
    AncientBirthBlock,
    BadMandatory,
    BadProof,
    BadSigner,
    Call,
    CustomInvalid,
    CustomUnknown,
    ExhaustsResources,
    Future,
    IndeterminateImplicit,
    Invalid,
    InvalidTransaction,
    MandatoryValidation,
    Payment,
    Stale,
    TransactionValidityError,
    Unknown,
    UnknownOrigin,
)

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


def validity_text(error: TransactionValidityError) -> str:
    """The `data` member of the JSON-RPC error."""
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
