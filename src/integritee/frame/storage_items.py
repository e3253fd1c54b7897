"""Storage items of pallets: values, maps and double maps, typed views of raw state.

Keys follow frame_support::storage: twox128(pallet) ‖ twox128(item) ‖ hashed keys. An Option value type means
"absent unless put"; any other type reads as its default when absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

from integritee.crypto import blake2_128_concat, identity, twox_64_concat
from integritee.scale import Codec
from integritee.scale.shape import Hint

from .overlay import Overlay

K = TypeVar("K")
K2 = TypeVar("K2")
V = TypeVar("V")
R = TypeVar("R")

REMEMBERED_KEYS: Final = 8192
REMEMBERED_KEY_BYTES: Final = 64
"""A call hashes the keys of its accounts again and again; so many hashes of keys up to this size are kept."""

_remembered_blake2 = lru_cache(REMEMBERED_KEYS)(blake2_128_concat)


class Hasher(Generic[K]):
    """How a map key enters the storage key. `tag` is its index in metadata; the last `tail` is reversible."""

    tag: ClassVar[int]
    digest: ClassVar[int]
    """Bytes of hash before the plain key."""

    @staticmethod
    def apply(data: bytes, /) -> bytes:
        raise TypeError("use a concrete hasher")


class Blake2_128Concat(Hasher[K]):  # the name in FRAME
    tag, digest = 2, 16

    @staticmethod
    def apply(data: bytes, /) -> bytes:
        return _remembered_blake2(data) if len(data) <= REMEMBERED_KEY_BYTES else blake2_128_concat(data)


class Twox64Concat(Hasher[K]):
    tag, digest = 5, 8

    @staticmethod
    def apply(data: bytes, /) -> bytes:
        return twox_64_concat(data)


class Identity(Hasher[K]):
    tag, digest = 6, 0

    @staticmethod
    def apply(data: bytes, /) -> bytes:
        return identity(data)


H = TypeVar("H", bound=Hasher[Any], covariant=True)
H2 = TypeVar("H2", bound=Hasher[Any], covariant=True)


class HasState(Protocol):
    state: Overlay


@dataclass(frozen=True)
class StorageEntry:
    """Declaration of a storage item: what its keys and metadata derive from."""

    attribute: str
    name: str
    hashers: tuple[type[Hasher[Any]], ...]
    keys: tuple[Hint, ...]
    value: Hint
    optional: bool
    default: Any
    docs: str = ""


class StorageValue(Generic[V]):
    """One value."""

    __slots__ = ("_codec", "_default", "_ext", "key")

    def __init__(self, ext: HasState, key: bytes, codec: Codec, default: V) -> None:
        self._ext, self.key, self._codec, self._default = ext, key, codec, default

    def get(self) -> V:
        raw = self._ext.state.get(self.key)
        if raw is None:
            return self._default
        value: V = self._codec.decode(raw)
        return value

    def exists(self) -> bool:
        return self._ext.state.get(self.key) is not None

    def put(self, value: V) -> None:
        self._ext.state.put(self.key, self._codec.encode(value))

    def kill(self) -> None:
        self._ext.state.remove(self.key)

    def take(self) -> V:
        value = self.get()
        self.kill()
        return value

    def mutate(self, change: Callable[[V], V]) -> V:
        """Put `change` of the current value; the new value."""
        value = change(self.get())
        self.put(value)
        return value


class _Map(Generic[V]):
    __slots__ = ("_codec", "_default", "_ext", "_hashers", "_keys", "prefix")

    def __init__(
        self,
        ext: HasState,
        prefix: bytes,
        keys: tuple[Codec, ...],
        hashers: tuple[type[Hasher[Any]], ...],
        codec: Codec,
        default: V,
    ) -> None:
        self._ext, self.prefix, self._codec, self._default = ext, prefix, codec, default
        self._keys, self._hashers = keys, hashers

    def _raw_key(self, *keys: Any) -> bytes:
        out = self.prefix
        for codec, hasher, key in zip(self._keys, self._hashers, keys, strict=False):
            out += hasher.apply(codec.encode(key))
        return out

    def _get(self, raw_key: bytes) -> V:
        raw = self._ext.state.get(raw_key)
        if raw is None:
            return self._default
        value: V = self._codec.decode(raw)
        return value

    def _entries(self, prefix: bytes, start: bytes | None = None) -> Iterator[tuple[tuple[Any, ...], V]]:
        for raw_key, raw in self._ext.state.items(prefix, start):
            at, keys = len(self.prefix), []
            for codec, hasher in zip(self._keys, self._hashers, strict=True):
                key, at = codec.decode_prefix(raw_key, at + hasher.digest)
                keys.append(key)
            yield tuple(keys), self._codec.decode(raw)


class StorageMap(_Map[V], Generic[H, V]):
    """Values by one hashed key."""

    __slots__ = ()

    def _raw_key(self, *keys: Any) -> bytes:
        (key,) = keys
        return self.prefix + self._hashers[0].apply(self._keys[0].encode(key))

    def key_of(self: StorageMap[Hasher[K], V], key: K) -> bytes:
        """Raw storage key of an entry."""
        return self._raw_key(key)

    def get(self: StorageMap[Hasher[K], V], key: K) -> V:
        return self._get(self._raw_key(key))

    def contains(self: StorageMap[Hasher[K], V], key: K) -> bool:
        return self._ext.state.get(self._raw_key(key)) is not None

    def put(self: StorageMap[Hasher[K], V], key: K, value: V) -> None:
        self._ext.state.put(self._raw_key(key), self._codec.encode(value))

    def remove(self: StorageMap[Hasher[K], V], key: K) -> None:
        self._ext.state.remove(self._raw_key(key))

    def take(self: StorageMap[Hasher[K], V], key: K) -> V:
        value = self.get(key)
        self.remove(key)
        return value

    def items(self: StorageMap[Hasher[K], V]) -> Iterator[tuple[K, V]]:
        """Entries in storage-key order."""
        for (key,), value in self._entries(self.prefix):
            yield key, value

    def items_behind(self: StorageMap[Hasher[K], V], key: K) -> Iterator[tuple[K, V]]:
        """Entries behind that of `key`, which need not exist any more, in storage-key order."""
        for (found,), value in self._entries(self.prefix, self._raw_key(key) + b"\0"):
            yield found, value

    def clear(self) -> int:
        """Remove every entry; how many there were."""
        return self._ext.state.clear_prefix(self.prefix)


class StorageDoubleMap(_Map[V], Generic[H, H2, V]):
    """Values by two hashed keys."""

    __slots__ = ()

    def key_of(self: StorageDoubleMap[Hasher[K], Hasher[K2], V], key: K, key2: K2) -> bytes:
        """Raw storage key of an entry."""
        return self._raw_key(key, key2)

    def get(self: StorageDoubleMap[Hasher[K], Hasher[K2], V], key: K, key2: K2) -> V:
        return self._get(self._raw_key(key, key2))

    def contains(self: StorageDoubleMap[Hasher[K], Hasher[K2], V], key: K, key2: K2) -> bool:
        return self._ext.state.get(self._raw_key(key, key2)) is not None

    def put(self: StorageDoubleMap[Hasher[K], Hasher[K2], V], key: K, key2: K2, value: V) -> None:
        self._ext.state.put(self._raw_key(key, key2), self._codec.encode(value))

    def remove(self: StorageDoubleMap[Hasher[K], Hasher[K2], V], key: K, key2: K2) -> None:
        self._ext.state.remove(self._raw_key(key, key2))

    def items(self: StorageDoubleMap[Hasher[K], Hasher[K2], V]) -> Iterator[tuple[tuple[K, K2], V]]:
        """Entries in storage-key order."""
        for keys, value in self._entries(self.prefix):
            yield (keys[0], keys[1]), value

    def items_under(self: StorageDoubleMap[Hasher[K], Hasher[K2], V], key: K) -> Iterator[tuple[K2, V]]:
        """Entries of the first key, in storage-key order."""
        for (_, key2), value in self._entries(self._raw_key(key)):
            yield key2, value

    def clear_under(self: StorageDoubleMap[Hasher[K], Hasher[K2], V], key: K) -> int:
        """Remove every entry of the first key; how many there were."""
        return self._ext.state.clear_prefix(self._raw_key(key))
