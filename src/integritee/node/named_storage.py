"""Storage by the names of pallet and item, with values in JSON, as `dev_setStorage` of Chopsticks takes it.

{"Sudo": {"Key": "5Grwva…"}, "System": {"Account": [[["5Grwva…"], {"providers": 1, "data": {"free": "1000"}}]]}}

An item of a map is a list of [map keys, value]. Bytes are 0x-hex or, of an account, its address; integers may be in
decimal text; null is no value; a member that is left out of a struct stays as it is, or as it is by default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from integritee.crypto import ss58_decode
from integritee.crypto.errors import CryptoError
from integritee.metadata import RuntimeMetadata
from integritee.metadata.layout import Map

from .inherents import Readable


@dataclass(frozen=True, slots=True)
class NamedStorage:
    """Items by pallet and name."""

    pallets: Mapping[str, Mapping[str, Any]]

    def resolved(self, metadata: RuntimeMetadata, state: Readable) -> dict[bytes, bytes | None]:
        """The changes by storage key. Raises MetadataError, EncodeError, DecodeError, ValueError."""
        return {
            key: value
            for pallet, items in self.pallets.items()
            for item, entry in items.items()
            for key, value in _changes(metadata, state, pallet, item, entry)
        }


def _changes(
    metadata: RuntimeMetadata, state: Readable, pallet: str, item: str, entry: Any
) -> Iterator[tuple[bytes, bytes | None]]:
    if not isinstance(metadata.pallet(pallet).storage_entry(item).type, Map):
        entry = [[[], entry]]
    if not isinstance(entry, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in entry):
        raise ValueError(f"{pallet}.{item} takes a list of [map keys, value]")
    for keys, value in entry:
        keys = keys if isinstance(keys, list) else [keys]
        key = metadata.storage_key(pallet, item, *(_plain(each) for each in keys))
        if value is None:
            yield key, None
        else:
            before = metadata.decode_storage(pallet, item, state.get(key))
            yield key, metadata.encode_storage(pallet, item, _merged(before, _plain(value)))


def _plain(value: Any) -> Any:
    """What a JSON value says, in the values of `integritee.metadata`."""
    match value:
        case str() if value.startswith("0x"):
            return bytes.fromhex(value[2:])
        case str() if value.isascii() and value.isdigit():
            return int(value)
        case str():
            try:
                return ss58_decode(value)[0]
            except CryptoError:
                return value
        case list():
            return [_plain(each) for each in value]
        case dict():
            return {name: _plain(each) for name, each in value.items()}
    return value


def _merged(before: Any, given: Any) -> Any:
    """Members of structs that are not given, from before."""
    if isinstance(before, dict) and isinstance(given, dict):
        return before | {name: _merged(before.get(name), each) for name, each in given.items()}
    return given
