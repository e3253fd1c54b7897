"""JSON values of parameters to Python values: readers, and the annotations that name them.

A method declares ``hash: BlockHash``; the annotation carries the reader. Readers raise ValueError with what they
expected, which the caller is told together with the parameter's name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias

from integritee.crypto import ss58_decode
from integritee.crypto.errors import CryptoError

from .limits import MAX_BLOCK_NUMBERS, MAX_REMOVED_EXTRINSICS, MAX_STORAGE_KEYS

U32_MAX: Final = (1 << 32) - 1

Reader: TypeAlias = Callable[[Any], Any]


def read_hex(value: Any) -> bytes:
    """Bytes of a hexadecimal string, with or without 0x."""
    if not isinstance(value, str):
        raise ValueError("expected a 0x-prefixed hex string")
    try:
        return bytes.fromhex(value.removeprefix("0x"))
    except ValueError:
        raise ValueError("expected a 0x-prefixed hex string") from None


def read_hash(value: Any) -> bytes:
    data = read_hex(value)
    if len(data) != 32:
        raise ValueError(f"expected 32 bytes of hex, got {len(data)}")
    return data


def read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("expected a string")
    return value


def read_bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def read_u32(value: Any) -> int:
    """A number, not in a string."""
    if type(value) is not int or not 0 <= value <= U32_MAX:
        raise ValueError("expected an unsigned 32-bit number")
    return value


def read_block_number(value: Any) -> int:
    """A number, or one in 0x-hexadecimal."""
    if isinstance(value, str):
        try:
            value = int(value, 16) if value.startswith("0x") else int(value)
        except ValueError:
            raise ValueError("expected a block number") from None
    return read_u32(value)


def read_block_numbers(value: Any) -> int | list[int]:
    """One block number, or several."""
    if isinstance(value, list):
        return [read_block_number(item) for item in _bounded(value, MAX_BLOCK_NUMBERS)]
    return read_block_number(value)


def read_keys(value: Any) -> list[bytes]:
    return [read_hex(item) for item in _bounded(value, MAX_STORAGE_KEYS)]


def read_account(value: Any) -> bytes:
    """An account by address of any network, or by its 32 bytes in hex."""
    text = read_text(value)
    if text.startswith("0x"):
        return read_hash(text)
    try:
        account, _ = ss58_decode(text)
    except CryptoError as error:
        raise ValueError(f"expected an SS58 address: {error}") from None
    return account


def read_removals(value: Any) -> list[tuple[str, bytes]]:
    """Of each entry its kind, `hash` or `extrinsic`, and the bytes (sc-rpc-api `ExtrinsicOrHash`)."""
    found = []
    for item in _bounded(value, MAX_REMOVED_EXTRINSICS):
        if not isinstance(item, dict) or len(item) != 1 or not item.keys() <= {"hash", "extrinsic"}:
            raise ValueError('expected entries {"hash": …} or {"extrinsic": …}')
        ((kind, data),) = item.items()
        found.append((kind, read_hash(data) if kind == "hash" else read_hex(data)))
    return found


def _bounded(value: Any, limit: int) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("expected an array")
    if len(value) > limit:
        raise ValueError(f"expected at most {limit} entries, got {len(value)}")
    return value


BlockHash: TypeAlias = Annotated[bytes, read_hash]
BlockNumber: TypeAlias = Annotated[int, read_block_number]
BlockNumbers: TypeAlias = Annotated[int | list[int], read_block_numbers]
Hex: TypeAlias = Annotated[bytes, read_hex]
StorageKey: TypeAlias = Annotated[bytes, read_hex]
StorageKeys: TypeAlias = Annotated[list[bytes], read_keys]
Account: TypeAlias = Annotated[bytes, read_account]
Count: TypeAlias = Annotated[int, read_u32]
Text: TypeAlias = Annotated[str, read_text]
Flag: TypeAlias = Annotated[bool, read_bool]
Removals: TypeAlias = Annotated[list[tuple[str, bytes]], read_removals]
