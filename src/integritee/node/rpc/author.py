"""`author_*`: extrinsics on their way into blocks (sc-rpc `author`)."""

from __future__ import annotations

from ..block import extrinsic_hash
from ..node import Node
from ..pool import TransactionStatus
from .methods import method, subscription
from .params import Hex, Removals, Text
from .sessions import Sink


class AuthorApi:
    """Submission raises a PoolError, which has its own JSON-RPC code."""

    def __init__(self, node: Node) -> None:
        self._pool, self._keys, self._clock = node.pool, node.keys, node.clock

    @method("author_submitExtrinsic", changes=True)
    def submit(self, extrinsic: Hex) -> str:
        """The extrinsic's hash."""
        return "0x" + self._pool.submit(extrinsic, self._clock()).hex()

    @subscription(
        "author_submitAndWatchExtrinsic",
        notification="author_extrinsicUpdate",
        unsubscribe=("author_unwatchExtrinsic",),
        changes=True,
    )
    def submit_and_watch(self, sink: Sink, extrinsic: Hex) -> None:
        """Its statuses until one is final; the subscription ends with that."""

        def tell(status: TransactionStatus) -> None:
            sink.push(status.to_rpc())
            if status.is_final:
                sink.finish()

        hash = self._pool.submit(extrinsic, self._clock(), watcher=tell)
        sink.on_finish(lambda: self._pool.unwatch(hash))

    @method("author_pendingExtrinsics")
    def pending(self) -> list[str]:
        """Ready extrinsics in the order for a block."""
        return ["0x" + extrinsic.hex() for extrinsic in self._pool.pending()]

    @method("author_removeExtrinsic", unsafe=True, changes=True)
    def remove(self, bytes_or_hash: Removals) -> list[str]:
        """Remove and ban extrinsics, and what depends on them; hashes of all that left."""
        hashes = [data if kind == "hash" else extrinsic_hash(data) for kind, data in bytes_or_hash]
        return ["0x" + hash.hex() for hash in self._pool.remove_invalid(hashes, self._clock())]

    @method("author_hasKey", unsafe=True)
    def has_key(self, public_key: Hex, key_type: Text) -> bool:
        """Key types are `aura` and `gran`."""
        match key_type:
            case "aura":
                return public_key in self._keys.aura
            case "gran":
                return public_key in self._keys.grandpa
        return False

    @method("author_hasSessionKeys", unsafe=True)
    def has_session_keys(self, session_keys: Hex) -> bool:
        """`session_keys` are the Aura and the GRANDPA public key, one after the other."""
        aura, grandpa = session_keys[:32], session_keys[32:]
        return aura in self._keys.aura and grandpa in self._keys.grandpa
