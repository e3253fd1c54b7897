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

FLEETING_KEY_BYTES: Final = 8
"""Keys up to this size are numbers more often than not, and those of entries count up instead of coming again."""

REMEMBERED_VALUES: Final = 1024
"""Of one map; it is the same few accounts that one call reads and writes several times."""

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
        comes_again = FLEETING_KEY_BYTES < len(data) <= REMEMBERED_KEY_BYTES
        return _remembered_blake2(data) if comes_again else blake2_128_concat(data)


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


class Form(Generic[V]):
    """How values are encoded in storage, and what they are if absent. Those that nobody can change are `shared`: read
    again without a write in between, the same object is given out."""

    __slots__ = ("decode", "default", "encode", "shared")

    def __init__(self, codec: Codec, default: V, shared: bool) -> None:
        self.encode: Callable[[V], bytes] = codec.encode
        self.decode: Callable[[bytes], V] = codec.decode
        self.default, self.shared = default, shared


class StorageValue(Generic[V]):
    """One value."""

    __slots__ = ("_ext", "_form", "_raw", "_value", "key")

    def __init__(self, ext: HasState, key: bytes, form: Form[V]) -> None:
        self._ext, self.key, self._form = ext, key, form
        self._raw: bytes | None = None
        self._value = form.default
        """Of these very bytes, if values are shared."""

    def get(self) -> V:
        raw = self._ext.state.get(self.key)
        if raw is None:
            return self._form.default
        if raw is self._raw:
            return self._value
        return self._see(raw, self._form.decode(raw))

    def _see(self, raw: bytes, value: V) -> V:
        if self._form.shared:
            self._raw, self._value = raw, value
        return value

    def exists(self) -> bool:
        return self._ext.state.get(self.key) is not None

    def put(self, value: V) -> None:
        raw = self._form.encode(value)
        self._ext.state.put(self.key, raw)
        self._see(raw, value)

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


class Keys:
    """How the keys of a map, one or two, become raw storage keys. Of two, it is the first that comes again and again,
    like the bucket that notes are put into; the raw keys that begin with it may never do so."""

    __slots__ = ("codecs", "hashers", "prefix", "raw", "under")

    def __init__(self, prefix: bytes, codecs: tuple[Codec, ...], hashers: tuple[type[Hasher[Any]], ...]) -> None:
        self.prefix, self.codecs, self.hashers = prefix, codecs, hashers
        is_small = codecs[0].fixed and codecs[0].min_size <= REMEMBERED_KEY_BYTES
        begun = lru_cache(REMEMBERED_KEYS, typed=True)(self._of) if is_small else self._of
        self.under: Callable[[Any], bytes] = begun
        """What all raw keys with a first key begin with."""
        self.raw: Callable[..., bytes] = self.under if len(codecs) == 1 else self._of_two

    def _of(self, key: Any) -> bytes:
        return self.prefix + self.hashers[0].apply(self.codecs[0].encode(key))

    def _of_two(self, key: Any, key2: Any) -> bytes:
        return self.under(key) + self.hashers[1].apply(self.codecs[1].encode(key2))

    def read(self, raw_key: bytes) -> tuple[Any, ...]:
        """The keys behind the hashes in a raw one."""
        at, keys = len(self.prefix), []
        for codec, hasher in zip(self.codecs, self.hashers, strict=True):
            key, at = codec.decode_prefix(raw_key, at + hasher.digest)
            keys.append(key)
        return tuple(keys)


class _Map(Generic[V]):
    __slots__ = ("_ext", "_form", "_keys", "_raw_key", "_seen", "prefix")

    def __init__(self, ext: HasState, keys: Keys, form: Form[V]) -> None:
        self._ext, self._keys, self._form, self.prefix = ext, keys, form, keys.prefix
        self._raw_key = keys.raw
        self._seen: dict[bytes, tuple[bytes, V]] = {}
        """By raw key, encoded and decoded, what was read or written lately; if values are shared."""

    def _get(self, raw_key: bytes) -> V:
        raw = self._ext.state.get(raw_key)
        if raw is None:
            return self._form.default
        seen = self._seen.get(raw_key)
        if seen is not None and seen[0] is raw:
            return seen[1]
        value = self._form.decode(raw)
        self._see(raw_key, raw, value)
        return value

    def _put(self, raw_key: bytes, value: V) -> None:
        raw = self._form.encode(value)
        self._ext.state.put(raw_key, raw)
        self._see(raw_key, raw, value)

    def _see(self, raw_key: bytes, raw: bytes, value: V) -> None:
        if self._form.shared:
            if len(self._seen) >= REMEMBERED_VALUES:
                self._seen.clear()
            self._seen[raw_key] = raw, value

    def _entries(self, prefix: bytes, start: bytes | None = None) -> Iterator[tuple[tuple[Any, ...], V]]:
        for raw_key, raw in self._ext.state.items(prefix, start):
            yield self._keys.read(raw_key), self._form.decode(raw)


class StorageMap(_Map[V], Generic[H, V]):
    """Values by one hashed key."""

    __slots__ = ()

    def key_of(self: StorageMap[Hasher[K], V], key: K) -> bytes:
        """Raw storage key of an entry."""
        return self._raw_key(key)

    def get(self: StorageMap[Hasher[K], V], key: K) -> V:
        return self._get(self._raw_key(key))

    def contains(self: StorageMap[Hasher[K], V], key: K) -> bool:
        return self._ext.state.get(self._raw_key(key)) is not None

    def put(self: StorageMap[Hasher[K], V], key: K, value: V) -> None:
        self._put(self._raw_key(key), value)

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
        self._put(self._raw_key(key, key2), value)

    def remove(self: StorageDoubleMap[Hasher[K], Hasher[K2], V], key: K, key2: K2) -> None:
        self._ext.state.remove(self._raw_key(key, key2))

    def items(self: StorageDoubleMap[Hasher[K], Hasher[K2], V]) -> Iterator[tuple[tuple[K, K2], V]]:
        """Entries in storage-key order."""
        for keys, value in self._entries(self.prefix):
            yield (keys[0], keys[1]), value

    def items_under(self: StorageDoubleMap[Hasher[K], Hasher[K2], V], key: K) -> Iterator[tuple[K2, V]]:
        """Entries of the first key, in storage-key order."""
        for (_, key2), value in self._entries(self._keys.under(key)):
            yield key2, value

    def clear_under(self: StorageDoubleMap[Hasher[K], Hasher[K2], V], key: K) -> int:
        """Remove every entry of the first key; how many there were."""
        return self._ext.state.clear_prefix(self._keys.under(key))
