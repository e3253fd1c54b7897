"""Why a call failed: FRAME's DispatchError as SCALE value and as Python exception.

    FrameError
    ├── DispatchFailure          a call refused or failed; carries the DispatchError
    ├── Refused                  a transaction that may not be in a block (`validity`)
    ├── BlockPanic               a block that cannot be: its execution stops
    └── DeclarationError         a pallet or runtime declared wrongly (a programmer's mistake)

Source: sp_runtime::DispatchError, frame_support::error.
"""

from __future__ import annotations

import enum
from typing import ClassVar, Final

from integritee.errors import IntegriteeError
from integritee.scale import Bytes4, Enum, Err, Ok, Struct, u8


class TokenError(enum.IntEnum):
    scale_path = enum.nonmember("sp_runtime::TokenError")
    FundsUnavailable = 0
    OnlyProvider = 1
    BelowMinimum = 2
    CannotCreate = 3
    UnknownAsset = 4
    Frozen = 5
    Unsupported = 6
    CannotCreateHold = 7
    NotExpendable = 8
    Blocked = 9


class ArithmeticError_(enum.IntEnum):
    scale_path = enum.nonmember("sp_arithmetic::ArithmeticError")
    Underflow = 0
    Overflow = 1
    DivisionByZero = 2


class TransactionalError(enum.IntEnum):
    scale_path = enum.nonmember("sp_runtime::TransactionalError")
    LimitReached = 0
    NoLayer = 1


class TrieError_(enum.IntEnum):
    scale_path = enum.nonmember("sp_runtime::proving_trie::TrieError")
    InvalidStateRoot = 0
    IncompleteDatabase = 1
    ValueAtIncompleteKey = 2
    DecoderError = 3
    InvalidHash = 4
    DuplicateKey = 5
    ExtraneousNode = 6
    ExtraneousValue = 7
    ExtraneousHashReference = 8
    InvalidChildReference = 9
    ValueMismatch = 10
    IncompleteProof = 11
    RootMismatch = 12
    DecodeError = 13


class ModuleError(Struct, frozen=True):
    scale_path: ClassVar[str] = "sp_runtime::ModuleError"
    index: u8
    error: Bytes4


class DispatchError(Enum, frozen=True):
    scale_path: ClassVar[str] = "sp_runtime::DispatchError"


class Other(DispatchError, frozen=True):
    index: ClassVar[int] = 0


class CannotLookup(DispatchError, frozen=True):
    index: ClassVar[int] = 1


class BadOrigin(DispatchError, frozen=True):
    index: ClassVar[int] = 2


class Module(DispatchError, frozen=True):
    index: ClassVar[int] = 3
    module: ModuleError


class ConsumerRemaining(DispatchError, frozen=True):
    index: ClassVar[int] = 4


class NoProviders(DispatchError, frozen=True):
    index: ClassVar[int] = 5


class TooManyConsumers(DispatchError, frozen=True):
    index: ClassVar[int] = 6


class Token(DispatchError, frozen=True):
    index: ClassVar[int] = 7
    error: TokenError


class Arithmetic(DispatchError, frozen=True):
    index: ClassVar[int] = 8
    error: ArithmeticError_


class Transactional(DispatchError, frozen=True):
    index: ClassVar[int] = 9
    error: TransactionalError


class Exhausted(DispatchError, frozen=True):
    index: ClassVar[int] = 10


class Corruption(DispatchError, frozen=True):
    index: ClassVar[int] = 11


class Unavailable(DispatchError, frozen=True):
    index: ClassVar[int] = 12


class RootNotAllowed(DispatchError, frozen=True):
    index: ClassVar[int] = 13


class Trie(DispatchError, frozen=True):
    index: ClassVar[int] = 14
    error: TrieError_


DispatchResult = Ok[None] | Err[DispatchError]
"""How the dispatch of a call ended, as events and `apply_extrinsic` report it."""


class FrameError(IntegriteeError):
    code = "frame"


class BlockPanic(FrameError):
    """What FRAME asserts: no block can contain this. All that was done is to be dropped."""

    code = "frame.block_panic"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class DeclarationError(FrameError):
    code = "frame.declaration"


class DispatchFailure(FrameError):
    """A call failed with `error`; `code` names it, e.g. ``token.funds_unavailable``, ``proxy.not_proxy``."""

    code = "dispatch"

    def __init__(self, error: DispatchError, code: str, message: str, owner: str = "") -> None:
        self.error = error
        self.owner = owner  # class of the pallet whose error it is, until its runtime fills in the index
        self.code = code  # type: ignore[misc]  # the code is a fact of the instance here
        super().__init__(message)

    def data(self) -> dict[str, str | int | bool | None]:
        return {"message": str(self)}


def bad_origin() -> DispatchFailure:
    return DispatchFailure(BadOrigin(), "dispatch.bad_origin", "the origin may not make this call")


def cannot_lookup() -> DispatchFailure:
    return DispatchFailure(CannotLookup(), "dispatch.cannot_lookup", "the address names no account")


def token_failure(error: TokenError) -> DispatchFailure:
    return DispatchFailure(Token(error), f"token.{snake(error.name)}", TOKEN_TEXT[error])


def underflow() -> DispatchFailure:
    return DispatchFailure(Arithmetic(ArithmeticError_.Underflow), "arithmetic.underflow", "an underflow")


def overflow() -> DispatchFailure:
    return DispatchFailure(Arithmetic(ArithmeticError_.Overflow), "arithmetic.overflow", "an overflow")


def limit_reached() -> DispatchFailure:
    return DispatchFailure(
        Transactional(TransactionalError.LimitReached), "transactional.limit_reached", "calls are nested too deeply"
    )


def consumer_remaining() -> DispatchFailure:
    return DispatchFailure(
        ConsumerRemaining(), "dispatch.consumer_remaining", "the account is still referenced and cannot die"
    )


TOKEN_TEXT: Final = {
    TokenError.FundsUnavailable: "funds are unavailable",
    TokenError.OnlyProvider: "the account is still referenced and cannot die",
    TokenError.BelowMinimum: "the account would hold less than the existential deposit",
    TokenError.CannotCreate: "the account cannot be created",
    TokenError.UnknownAsset: "the asset is unknown",
    TokenError.Frozen: "the funds are frozen",
    TokenError.Unsupported: "the operation is not supported by the asset",
    TokenError.CannotCreateHold: "the account cannot be created for funds on hold",
    TokenError.NotExpendable: "the withdrawal would kill an account that must stay alive",
    TokenError.Blocked: "the account cannot receive the asset",
}


def snake(name: str) -> str:
    """CamelCase to snake_case: ``NotProxy`` → ``not_proxy``."""
    out = "".join("_" + c.lower() if c.isupper() else c for c in name)
    return out.removeprefix("_")


def camel(name: str) -> str:
    """snake_case to CamelCase: ``total_issuance`` → ``TotalIssuance``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
