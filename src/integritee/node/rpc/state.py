"""`state_*`: storage, proofs, metadata, runtime calls (sc-rpc `state`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from integritee.crypto import blake2_256
from integritee.primitives.header import Header
from integritee.scale import decode

from ..chain import Chain
from ..errors import UnknownBlock
from ..node import Node, StorageChange
from ..runtime_api import RuntimeVersion
from .errors import BlockRangeError, CountTooLarge
from .limits import MAX_KEYS_PAGE, MAX_QUERY_BLOCKS
from .methods import method, subscription
from .params import BlockHash, Count, Hex, StorageKey, StorageKeys, Text
from .sessions import Sink, Topic

Json: TypeAlias = Any

CODE: Final = b":code"
"""Storage key of the runtime itself."""


class StateApi:
    """State after a block: the given one, or the best. Unknown blocks raise UnknownBlock."""

    def __init__(self, node: Node) -> None:
        self._chain = node.chain
        self._metadata: tuple[bytes, str] | None = None

    # --- runtime

    @method("state_getMetadata")
    def metadata(self, hash: BlockHash | None = None) -> str:
        """Remembered as long as the runtime stays the same: clients ask for it all the time."""
        code = self._state(hash).get(CODE) or b""
        if self._metadata is None or self._metadata[0] != code:
            opaque = self._chain.runtime_call("Metadata_metadata", b"", hash)
            self._metadata = code, "0x" + decode(bytes, opaque).hex()
        return self._metadata[1]

    @method("state_getRuntimeVersion", "chain_getRuntimeVersion")
    def runtime_version(self, hash: BlockHash | None = None) -> Json:
        return self._chain.runtime_version(hash).to_rpc()

    @method("state_call", "state_callAt")
    def call(self, name: Text, data: Hex, hash: BlockHash | None = None) -> str:
        return "0x" + self._chain.runtime_call(name, data, hash).hex()

    # --- storage

    @method("state_getStorage", "state_getStorageAt")
    def storage(self, key: StorageKey, hash: BlockHash | None = None) -> str | None:
        return _hex(self._state(hash).get(key))

    @method("state_getStorageHash", "state_getStorageHashAt")
    def storage_hash(self, key: StorageKey, hash: BlockHash | None = None) -> str | None:
        value = self._state(hash).get(key)
        return None if value is None else "0x" + blake2_256(value).hex()

    @method("state_getStorageSize", "state_getStorageSizeAt")
    def storage_size(self, key: StorageKey, hash: BlockHash | None = None) -> int | None:
        """Bytes of the value, or else of all values whose keys begin so; null if there is none."""
        state = self._state(hash)
        value = state.get(key)
        if value is not None:
            return len(value)
        return sum(len(value) for _, value in state.items(key)) or None

    @method("state_getKeys")
    def keys(self, prefix: StorageKey, hash: BlockHash | None = None) -> list[str]:
        return ["0x" + key.hex() for key in self._state(hash).keys(prefix)]

    @method("state_getPairs", unsafe=True)
    def pairs(self, prefix: StorageKey, hash: BlockHash | None = None) -> list[list[str]]:
        return [["0x" + key.hex(), "0x" + value.hex()] for key, value in self._state(hash).items(prefix)]

    @method("state_getKeysPaged", "state_getKeysPagedAt")
    def keys_paged(
        self,
        prefix: StorageKey | None = None,
        count: Count = MAX_KEYS_PAGE,
        start_key: StorageKey | None = None,
        hash: BlockHash | None = None,
    ) -> list[str]:
        """Up to `count` keys that begin with `prefix` and come after `start_key`, ascending."""
        if count > MAX_KEYS_PAGE:
            raise CountTooLarge(count, MAX_KEYS_PAGE)
        found: list[str] = []
        for key in self._state(hash).keys(prefix or b"", start_key):
            if len(found) == count:
                break
            if key != start_key:
                found.append("0x" + key.hex())
        return found

    @method("state_queryStorageAt")
    def query_storage_at(self, keys: StorageKeys, at: BlockHash | None = None) -> list[Json]:
        return [_change_set(self._chain, at or self._chain.best_hash, keys)]

    @method("state_queryStorage", unsafe=True)
    def query_storage(self, keys: StorageKeys, block: BlockHash, hash: BlockHash | None = None) -> list[Json]:
        """The values after `block`, then what changed in each block up to `hash` (or the best one)."""
        sets: list[Json] = []
        before: dict[bytes, str | None] = {}
        for at in self._range(block, hash or self._chain.best_hash):
            state = self._chain.state_at(at)
            now = {key: _hex(state.get(key)) for key in keys}
            changes = [["0x" + key.hex(), value] for key, value in now.items() if before.get(key, 0) != value]
            if changes:
                sets.append({"block": "0x" + at.hex(), "changes": changes})
            before = now
        return sets

    @method("state_getReadProof")
    def read_proof(self, keys: StorageKeys, hash: BlockHash | None = None) -> Json:
        hash = hash or self._chain.best_hash
        proof = self._chain.state_at(hash).prove(keys)
        return {"at": "0x" + hash.hex(), "proof": ["0x" + node.hex() for node in proof]}

    def _state(self, hash: bytes | None) -> Any:
        return self._chain.state_at(hash or self._chain.best_hash)

    def _range(self, first: bytes, last: bytes) -> Iterator[bytes]:
        """Hashes from `first` to `last`, both of the best chain. Raises BlockRangeError, UnknownBlock."""
        start, end = self._header(first).number, self._header(last).number
        if not (self._chain.is_canonical(first) and self._chain.is_canonical(last)):
            raise BlockRangeError(first, last, "both must be in the best chain")
        if not 0 <= end - start < MAX_QUERY_BLOCKS:
            raise BlockRangeError(first, last, f"it must have 1 to {MAX_QUERY_BLOCKS} blocks")
        for number in range(start, end + 1):
            hash = self._chain.hash_at(number)
            if hash is not None:
                yield hash

    def _header(self, hash: bytes) -> Header:
        header = self._chain.header(hash)
        if header is None:
            raise UnknownBlock(hash)
        return header


class StateSubscriptions:
    """Storage of the best chain as it is written, and the runtime's version as it changes."""

    def __init__(self, node: Node) -> None:
        self._chain = node.chain
        self._watched: dict[Sink, frozenset[bytes] | None] = {}
        self._versions = Topic()
        self._version: RuntimeVersion | None = None
        node.subscribe_storage(self._on_change)

    @subscription("state_subscribeStorage", notification="state_storage", unsubscribe=("state_unsubscribeStorage",))
    def subscribe_storage(self, sink: Sink, keys: StorageKeys | None = None) -> None:
        """The values of `keys` now, and each that a block writes; without keys, everything blocks write."""
        if keys is not None:
            sink.push(_change_set(self._chain, self._chain.best_hash, keys))
        self._watched[sink] = None if keys is None else frozenset(keys)
        sink.on_finish(lambda: self._watched.pop(sink, None))

    @subscription(
        "state_subscribeRuntimeVersion",
        "chain_subscribeRuntimeVersion",
        notification="state_runtimeVersion",
        unsubscribe=("state_unsubscribeRuntimeVersion", "chain_unsubscribeRuntimeVersion"),
    )
    def subscribe_runtime_version(self, sink: Sink) -> None:
        """The version now, and whenever it becomes another one."""
        self._version = self._chain.runtime_version()
        sink.push(self._version.to_rpc())
        self._versions.join(sink)

    def _on_change(self, change: StorageChange) -> None:
        for sink, keys in tuple(self._watched.items()):
            hit = change.written if keys is None else keys & change.written
            if hit:
                sink.push(_change_set(self._chain, change.block, sorted(hit)))
        if CODE in change.written and self._versions:
            version = self._chain.runtime_version(change.block)
            if version != self._version:
                self._version = version
                self._versions.publish(version.to_rpc)


def _change_set(chain: Chain, at: bytes, keys: list[bytes]) -> Json:
    """Values of the keys after block `at`, as change set."""
    state = chain.state_at(at)
    return {"block": "0x" + at.hex(), "changes": [["0x" + key.hex(), _hex(state.get(key))] for key in keys]}


def _hex(value: bytes | None) -> str | None:
    return None if value is None else "0x" + value.hex()
