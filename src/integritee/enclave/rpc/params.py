"""Reading parameters of RPC methods.

Texts of type errors: serde (`de::Unexpected`), as jsonrpc-core's `Params::parse` passes them on. Hex: a
leading 0x may be missing, digits may be of either case, bytes behind the decoded value are ignored, as
`itp-utils` (`hex.rs`) does.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeAlias

import base58

from integritee.crypto import CryptoError, ss58_decode
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.ids import AccountId, ShardIdentifier
from integritee.primitives.sidechain import SignedBlock
from integritee.scale import Bounded, ScaleError, codec

from .error_text import rust_debug_list
from .errors import InvalidHex, InvalidParams, InvalidShardText, UndecodableBlocks, UndecodableRequest
from .jsonrpc import Params
from .limits import MAX_BLOCKS_PER_MESSAGE, MAX_ECHOED_CHARACTERS

SHARD_LENGTH: Final = 32
MAX_SHARD_TEXT: Final = 44
"""base58 digits of 32 bytes, at most."""

DIGITS_PER_TURN: Final = 64 * 1024
"""Of hex; to read so many takes about a tenth of a millisecond."""

Text: TypeAlias = str | memoryview
"""A parameter; of a long call as the bytes that came (`Method.takes_bytes`)."""

_NO_HEX_DIGIT: Final = re.compile(r"[^0-9a-fA-F]")
_BASE58: Final = re.compile(r"[1-9A-HJ-NP-Za-km-z]*")

_REQUEST: Final = codec(Request)
_SIGNED_BLOCKS: Final = codec(Annotated[list[SignedBlock], Bounded(MAX_BLOCKS_PER_MESSAGE)])


def texts(params: Params) -> list[str]:
    """All parameters, which have to be strings. Raises InvalidParams."""
    if not isinstance(params, list):
        raise InvalidParams(f"invalid type: {_serde_name(params)}, expected a sequence")
    for param in params:
        if not isinstance(param, str):
            raise InvalidParams(f"invalid type: {_serde_name(param)}, expected a string")
    return params


def first_text(params: Params) -> str:
    """The first parameter, a string; more are ignored. Raises InvalidParams."""
    given = texts(params)
    if not given:
        raise InvalidParams("invalid length 0, expected at least 1 element")
    return given[0]


def first(params: Params) -> Text:
    """As `first_text`, of a method that takes bytes."""
    if isinstance(params, list) and params and isinstance(params[0], memoryview):
        return params[0]
    return first_text(params)


def hex_bytes(text: str) -> bytes:
    """Bytes of a hex text. Raises InvalidHex."""
    return _unhex(_digits(text))


async def long_hex_bytes(text: Text, turn: Callable[[], Awaitable[None]]) -> bytes:
    """As `hex_bytes`, in many turns."""
    digits, pieces = _digits(text), []
    for start in range(0, len(digits), DIGITS_PER_TURN):
        if start:
            await turn()
        pieces.append(_unhex(digits[start : start + DIGITS_PER_TURN], start))
    return b"".join(pieces)


def _digits(text: Text) -> Text:
    """An even number, without the prefix. Raises InvalidHex."""
    if isinstance(text, str):
        digits: Text = text.removeprefix("0x")
    else:
        digits = text[2:] if bytes(text[:2]) == b"0x" else text
    if len(digits) % 2:
        raise InvalidHex
    return digits


def _unhex(digits: Text, start: int = 0) -> bytes:
    """Of an even number of digits, the first of which has this place."""
    try:
        return binascii.unhexlify(digits)
    except ValueError:
        wrong = _NO_HEX_DIGIT.search(digits if isinstance(digits, str) else str(digits, "latin-1"))
        raise InvalidHex(*((wrong[0], start + wrong.start()) if wrong else ())) from None


def request(params: Params) -> Request:
    """The shielded request in the first parameter. Raises InvalidParams, InvalidHex, UndecodableRequest."""
    data = hex_bytes(first_text(params))
    try:
        value, _ = _REQUEST.decode_prefix(data)
    except ScaleError as e:
        raise UndecodableRequest(str(e)) from None
    assert isinstance(value, Request)
    return value


async def signed_blocks(params: Params, turn: Callable[[], Awaitable[None]]) -> list[SignedBlock]:
    """The blocks in the first parameter. Raises InvalidParams, UndecodableBlocks."""
    text = first(params)
    try:
        value, _ = _SIGNED_BLOCKS.decode_prefix(await long_hex_bytes(text, turn))
    except (ScaleError, InvalidHex) as e:
        said = texts(params) if isinstance(text, str) else [str(text[:MAX_ECHOED_CHARACTERS], "utf-8", "replace")]
        echo = rust_debug_list([each[:MAX_ECHOED_CHARACTERS] for each in said])[:MAX_ECHOED_CHARACTERS]
        raise UndecodableBlocks(str(e), echo) from None
    blocks: list[SignedBlock] = value
    return blocks


def sealed_operations(params: Params) -> bytes:
    """The bytes whose hex is the first parameter. Raises InvalidParams."""
    text = first_text(params)
    try:
        return hex_bytes(text)
    except InvalidHex as e:
        raise InvalidParams(str(e)) from None


def shard(text: str) -> ShardIdentifier:
    """The shard a base58 text names. Raises InvalidShardText."""
    if len(text) > MAX_SHARD_TEXT or not _BASE58.fullmatch(text):
        raise InvalidShardText
    data: bytes = base58.b58decode(text)
    if len(data) != SHARD_LENGTH:
        raise InvalidShardText
    return data


def account(params: Params) -> AccountId:
    """The account in the first parameter: hex of 32 bytes, or an SS58 address. Raises InvalidParams."""
    text = first_text(params)
    if not text.startswith("0x"):
        try:
            return ss58_decode(text)[0]
        except CryptoError as e:
            raise InvalidParams(str(e)) from None
    try:
        data = hex_bytes(text)
    except InvalidHex as e:
        raise InvalidParams(str(e)) from None
    if len(data) != 32:
        raise InvalidParams(f"an account has 32 bytes, found {len(data)}")
    return data


def _serde_name(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"boolean `{str(value).lower()}`"
        case int():
            return f"integer `{value}`"
        case float():
            return f"floating point `{value}`"
        case str():
            return "string"
        case list():
            return "sequence"
    return "map"
