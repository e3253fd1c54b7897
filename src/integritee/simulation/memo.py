"""What every validateer checks for itself is checked once here: the answers depend on the arguments only.

A signature that was made here need not be verified at all: it is known to be valid.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from functools import cache, lru_cache
from typing import Final, TypeVar

from integritee.crypto import Ed25519Pair, ShieldingKey, verify_ed25519
from integritee.enclave import consensus, records
from integritee.enclave.parentchain import bridge, follower, justification, onboarding
from integritee.enclave.parentchain.blocks import verify_block
from integritee.enclave.sidechain import payload
from integritee.metadata import RuntimeMetadata
from integritee.primitives import signature
from integritee.primitives.header import Header
from integritee.primitives.sidechain import BlockData, SidechainHeader, SignedBlock
from integritee.scale import Codec
from integritee.trie import Trie

from .patches import Patches

MAX_REMEMBERED: Final = 4096

DECODED: Final = (
    (bridge, "CONFIRMATION"),
    (onboarding, "STATUS"),
    (onboarding, "ACCOUNT"),
    (records, "BLOCK"),
    (records, "META"),
)
"""Codecs of values that are read again and again, by all validateers or by one that starts again."""

_key = cache(ShieldingKey.from_private_json)
_metadata = cache(RuntimeMetadata.parse)
"""These two stay for the life of the process: there is one of each."""


def remember(patches: Patches) -> None:
    """Have keys, metadata, signatures and hashes looked at once while `patches` last."""
    patches.set(ShieldingKey, "from_private_json", staticmethod(_key))
    patches.set(RuntimeMetadata, "parse", staticmethod(_metadata))
    signatures = Signatures(Ed25519Pair.sign, verify_ed25519)
    patches.set(Ed25519Pair, "sign", lambda pair, message: signatures.sign(pair, message))
    for module in (signature, justification):
        patches.set(module, "verify_ed25519", signatures.verify)
    for place, name in DECODED:
        patches.set(place, name, Decoded(vars(place)[name]))
    states = States(Trie.grow)
    patches.set(Trie, "grow", lambda state, changes: states.grow(state, changes))
    patches.set(consensus, "decrypt", lru_cache(MAX_REMEMBERED)(payload.decrypt))
    patches.set(RuntimeMetadata, "read_events", lru_cache(MAX_REMEMBERED)(RuntimeMetadata.read_events))
    patches.set(follower, "verify_block", Verified())
    _once(patches, SignedBlock, "has_valid_signature")
    _once(patches, SidechainHeader, "hash")
    _once(patches, BlockData, "hash")


class Signatures:
    """Ed25519 with a memory: of the signatures that were made, and of what others turned out to be."""

    def __init__(
        self, sign: Callable[[Ed25519Pair, bytes], bytes], verify: Callable[[bytes, bytes, bytes], bool]
    ) -> None:
        self._sign, self._verify = sign, verify
        self._known: OrderedDict[tuple[bytes, bytes, bytes], bool] = OrderedDict()

    def sign(self, pair: Ed25519Pair, message: bytes) -> bytes:
        made = self._sign(pair, message)
        _remember(self._known, (made, message, pair.public), True)
        return made

    def verify(self, found: bytes, message: bytes, public: bytes) -> bool:
        key = found, message, public
        known = self._known.get(key)
        return _remember(self._known, key, self._verify(*key)) if known is None else known


class States:
    """States and by how much they grow: at a block all validateers, and those that start again, go from one to the
    next."""

    def __init__(self, grow: Callable[[Trie, Mapping[bytes, bytes | None]], tuple[Trie, int]]) -> None:
        self._grow = grow
        self._after: OrderedDict[tuple[object, ...], tuple[tuple[Trie, int], Trie]] = OrderedDict()

    def grow(self, state: Trie, changes: Mapping[bytes, bytes | None]) -> tuple[Trie, int]:
        if not changes:
            return state, 0
        key = id(state.source), state.root(), state.layout, frozenset(changes.items())
        known = self._after.get(key)
        if known is None:  # with the state, lest its source's id is another's
            known = _remember(self._after, key, (self._grow(state, changes), state))
        return known[0]


class Verified:
    """`verify_block`, once for a block with a proof: validateers that start again read both again."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[object, ...], tuple[object, dict[bytes, bytes | None]]] = OrderedDict()

    def __call__(
        self, header: Header, extrinsics: list[bytes], proof: list[bytes], keys: list[bytes]
    ) -> dict[bytes, bytes | None]:
        key = id(header), id(extrinsics), id(proof), *keys
        known = self._known.get(key)
        if known is None:
            values = verify_block(header, extrinsics, proof, keys)
            known = _remember(self._known, key, ((header, extrinsics, proof), values))
        return dict(known[1])


class Decoded:
    """A codec of immutable values that decodes the same bytes once."""

    def __init__(self, codec: Codec) -> None:
        self.encode = codec.encode
        self.decode = lru_cache(MAX_REMEMBERED)(codec.decode)


def _once(patches: Patches, owner: type, name: str) -> None:
    """Have a method of an immutable value give its first answer again."""
    method: Callable[[object], object] = getattr(owner, name)
    answers: OrderedDict[int, tuple[object, object]] = OrderedDict()  # with the value, lest its id is another's

    def answer(self: object) -> object:
        known = answers.get(id(self))
        if known is None:
            known = _remember(answers, id(self), (self, method(self)))
        return known[1]

    patches.set(owner, name, answer)


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def _remember(known: OrderedDict[K, V], key: K, value: V) -> V:
    known[key] = value
    if len(known) > MAX_REMEMBERED:
        known.popitem(last=False)
    return value
