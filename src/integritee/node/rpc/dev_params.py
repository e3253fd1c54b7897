"""Parameters of `dev_*` methods; see `params`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeAlias

from ..dev_control import MAX_TIME_MS
from ..named_storage import NamedStorage
from .limits import MAX_STORAGE_CHANGES
from .params import read_block_number, read_hash, read_hex, read_u32

_BLOCK_MEMBERS: Final = frozenset({"count", "to", "parent", "transactions"})


@dataclass(frozen=True, slots=True)
class BlockOrder:
    """What `dev_newBlock` is asked for. `to` is a block number and stands for `count`."""

    count: int = 1
    to: int | None = None
    parent: bytes | None = None
    transactions: tuple[bytes, ...] = ()


def read_block_order(value: Any) -> BlockOrder:
    """Messages of relay chain and parachains (`ump`, `dmp`, `hrmp`) are not among what can be asked for."""
    if not isinstance(value, dict) or not value.keys() <= _BLOCK_MEMBERS:
        raise ValueError("expected an object with count, to, parent and transactions, all optional")
    given = {name: member for name, member in value.items() if member is not None}
    if "count" in given and "to" in given:
        raise ValueError("expected count or to, not both")
    transactions = given.get("transactions", [])
    if not isinstance(transactions, list):
        raise ValueError("expected an array of transactions")
    return BlockOrder(
        count=read_u32(given.get("count", 1)),
        to=read_block_number(given["to"]) if "to" in given else None,
        parent=read_hash(given["parent"]) if "parent" in given else None,
        transactions=tuple(read_hex(each) for each in transactions),
    )


def read_storage_changes(value: Any) -> dict[bytes, bytes | None] | NamedStorage:
    """Pairs of key and value (null: none), or values by the names of pallet and item."""
    if isinstance(value, dict):
        if not all(isinstance(items, dict) for items in value.values()):
            raise ValueError("expected an object of pallets, each an object of items")
        return NamedStorage(value)
    if not isinstance(value, list):
        raise ValueError("expected an array of pairs, or an object of pallets")
    if len(value) > MAX_STORAGE_CHANGES:
        raise ValueError(f"expected at most {MAX_STORAGE_CHANGES} entries, got {len(value)}")
    return dict(_read_pair(pair) for pair in value)


def _read_pair(pair: Any) -> tuple[bytes, bytes | None]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise ValueError("expected pairs of key and value")
    key, value = read_hex(pair[0]), pair[1]
    if not key:
        raise ValueError("expected keys of at least one byte")
    return key, None if value is None else read_hex(value)


def read_time(value: Any) -> int:
    """Unix milliseconds from a number or from ISO 8601 text, which is UTC unless it says otherwise."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("expected milliseconds since 1970, or a date as in 2026-01-31T12:00:00Z") from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        value = int(moment.timestamp() * 1000)
    if type(value) is not int or not 0 <= value <= MAX_TIME_MS:
        raise ValueError(f"expected milliseconds from 0 to {MAX_TIME_MS}")
    return value


def read_hash_or_number(value: Any) -> bytes | int:
    """A block's hash, or its number, which may be in 0x-hexadecimal, too."""
    if isinstance(value, str) and len(value.removeprefix("0x")) == 64:
        return read_hash(value)
    return read_block_number(value)


BlockHashOrNumber: TypeAlias = Annotated[bytes | int, read_hash_or_number]
NewBlocks: TypeAlias = Annotated[BlockOrder, read_block_order]
StorageChanges: TypeAlias = Annotated[dict[bytes, bytes | None] | NamedStorage, read_storage_changes]
Time: TypeAlias = Annotated[int, read_time]
