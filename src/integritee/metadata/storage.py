"""Storage entries: their keys and values (frame-support `storage`).

Key of an entry: twox128(pallet prefix) ‖ twox128(entry name) ‖ each map key through its hasher.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from integritee.crypto import (
    blake2_128,
    blake2_128_concat,
    blake2_256,
    identity,
    twox_64_concat,
    twox_128,
    twox_256,
)
from integritee.primitives.storage import storage_prefix
from integritee.scale.errors import TrailingBytes, UnexpectedEnd

from .errors import KeyNotRecoverable, UnusableType, WrongKeyCount, WrongStorageKey
from .layout import Map, Plain, StorageHasher, StorageModifier
from .pallets import PalletMetadata
from .registry import TypeRegistry
from .type_layout import TupleOf

HASHERS: Final[dict[StorageHasher, Callable[[bytes], bytes]]] = {
    StorageHasher.Blake2_128: blake2_128,
    StorageHasher.Blake2_256: blake2_256,
    StorageHasher.Blake2_128Concat: blake2_128_concat,
    StorageHasher.Twox128: twox_128,
    StorageHasher.Twox256: twox_256,
    StorageHasher.Twox64Concat: twox_64_concat,
    StorageHasher.Identity: identity,
}

DIGEST_SIZES: Final = {
    StorageHasher.Blake2_128Concat: 16,
    StorageHasher.Twox64Concat: 8,
    StorageHasher.Identity: 0,
}
"""Bytes before the map key itself, for the hashers that keep it."""


@dataclass(frozen=True, slots=True)
class StorageEntry:
    """One entry of a pallet, ready for use. `keys` pairs the hasher and type of each map key."""

    path: str
    prefix: bytes
    keys: tuple[tuple[StorageHasher, int], ...]
    value: int
    fallback: bytes | None
    """Encoded value of an absent entry; None if it has none."""

    @classmethod
    def of(cls, pallet: PalletMetadata, item: str, types: TypeRegistry) -> StorageEntry:
        """Raises UnknownName, UnusableType."""
        entry = pallet.storage_entry(item)
        path = f"{pallet.name}.{item}"
        prefix = storage_prefix(pallet.prefix, item)
        fallback = entry.fallback if entry.modifier is StorageModifier.Default else None
        match entry.type:
            case Map(hashers, key, value):
                keys = tuple(zip(hashers, _key_types(types, key, len(hashers)), strict=True))
                return cls(path, prefix, keys, value, fallback)
            case Plain(value):
                return cls(path, prefix, (), value, fallback)
        raise UnusableType(0, f"{path} is neither a value nor a map")

    def key(self, types: TypeRegistry, keys: Sequence[Any], *, partial: bool = False) -> bytes:
        """Storage key of the entry at `keys`; `partial`: prefix of all entries that begin with `keys`.

        Raises WrongKeyCount, EncodeError.
        """
        if len(keys) > len(self.keys) or (len(keys) < len(self.keys) and not partial):
            raise WrongKeyCount(self.path, len(self.keys), len(keys))
        hashed = [HASHERS[hasher](types.encode(kind, k)) for (hasher, kind), k in zip(self.keys, keys, strict=False)]
        return self.prefix + b"".join(hashed)

    def map_keys(self, types: TypeRegistry, key: bytes) -> tuple[Any, ...]:
        """The map keys in a storage key. Raises WrongStorageKey, KeyNotRecoverable, DecodeError."""
        if not key.startswith(self.prefix):
            raise WrongStorageKey(self.path, key)
        at, found = len(self.prefix), []
        for hasher, kind in self.keys:
            if hasher not in DIGEST_SIZES:
                raise KeyNotRecoverable(self.path, hasher.name)
            start = at + DIGEST_SIZES[hasher]
            if start > len(key):
                raise UnexpectedEnd(at, start - at, len(key) - at)
            value, end = types.codec(kind).decode_prefix(key, start)
            if HASHERS[hasher](key[start:end]) != key[at:end]:
                raise WrongStorageKey(self.path, key)
            found.append(value)
            at = end
        if at != len(key):
            raise TrailingBytes(at, len(key))
        return tuple(found)


def _key_types(types: TypeRegistry, key: int, count: int) -> list[int]:
    if count == 1:
        return [key]
    definition = types.type(key).definition
    if isinstance(definition, TupleOf) and len(definition.types) == count:
        return definition.types
    raise UnusableType(key, f"is no tuple of {count} storage keys")
