"""What the original calls its errors.

Clients read only the status of an RpcReturnValue, people and old scripts read its text. For causes that the
original knows we keep its texts, which are debug prints of Rust values (`jsonrpc_core::Error`,
`its_rpc_handler`, `ita_stf`); all others read ``code: message``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from integritee.enclave.pool.errors import PoolError
from integritee.errors import IntegriteeError

from .errors import InvalidHex, InvalidParams, UndecodableRequest

_UNDECIPHERABLE: Final = (
    'Error { code: ServerError(1001), message: "Trusted operation could not be deciphered", data: None }'
)
_INVALID_FORMAT: Final = (
    'Error { code: ServerError(1001), message: "Trusted operation has invalid format", data: None }'
)
_INVALID_SHARD: Final = (
    'Error { code: ServerError(1002), message: "Shard does not exist", data: Some(String("InvalidShard")) }'
)
_UNSUPPORTED: Final = (
    'Error { code: InternalError, message: "Unknown error occurred", data: Some(String("UnsupportedOperation")) }'
)

SUBMIT_TEXTS: Final[Mapping[str, str]] = {
    "rpc.unknown_shard": _INVALID_SHARD,
    "pool.invalid_shard": _INVALID_SHARD,
    "rpc.unsupported_operation": _UNSUPPORTED,
    "stf.not_a_call": _UNSUPPORTED,
    "crypto.shielding_decryption_failed": _UNDECIPHERABLE,
    "crypto.shielding_ciphertext_length": _UNDECIPHERABLE,
    "shielding.undecipherable": _UNDECIPHERABLE,
    "top.invalid_format": _INVALID_FORMAT,
    "scale": _INVALID_FORMAT,
}
"""Texts of failed submissions by error code, or by its first word. The pool's refusals know their own."""

GETTER_TEXTS: Final[Mapping[str, str]] = {
    "rpc.unknown_shard": "StateObserver(CurrentShardStateEmpty)",
    "pool.invalid_shard": "StateObserver(CurrentShardStateEmpty)",
    "stf.invalid_signature": "GetterIsNotAuthorized",
}
"""Texts of failed getters by error code."""


def plain_text(error: IntegriteeError) -> str:
    """The text of an error the original does not know."""
    return f"{error.code}: {error}"


def submit_text(error: IntegriteeError) -> str:
    """The text of a failed submission."""
    known = SUBMIT_TEXTS.get(error.code) or SUBMIT_TEXTS.get(error.code.partition(".")[0])
    if known is not None:
        return known
    if isinstance(error, PoolError):
        return _rust_error("ServerError(4004)", error.legacy_text)
    return _parameter_text(error) or plain_text(error)


def getter_text(error: IntegriteeError) -> str:
    """The text of a failed getter."""
    return GETTER_TEXTS.get(error.code) or _parameter_text(error) or plain_text(error)


def parameter_text(error: IntegriteeError) -> str:
    """The text of a query that fails for its parameters or for a cause of ours."""
    return _parameter_text(error) or plain_text(error)


def rust_debug_list(texts: list[str]) -> str:
    """Rust's debug print of a `Vec<String>`."""
    return "[" + ", ".join(map(_rust_string, texts)) + "]"


def _parameter_text(error: IntegriteeError) -> str | None:
    match error:
        case InvalidHex(at=None):
            return "Hex(OddLength)"
        case InvalidHex(found=found, at=at):
            return f"Hex(InvalidHexCharacter {{ c: '{found}', index: {at} }})"
        case UndecodableRequest(detail=detail):
            return f"Codec(Error {{ cause: None, desc: {_rust_string(detail)} }})"
        case InvalidParams():
            return _rust_error("InvalidParams", str(error))
    return None


def _rust_error(code: str, message: str) -> str:
    return f"Error {{ code: {code}, message: {_rust_string(message)}, data: None }}"


def _rust_string(text: str) -> str:
    """Rust's debug print of a string, which escapes as JSON does."""
    return msgspec.json.encode(text).decode()
