"""What every validateer checks for itself is checked once here: the answers depend on the arguments only.

A signature that was made here need not be verified at all: it is known to be valid.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Final

from integritee.crypto import Ed25519Pair, ShieldingKey, verify_ed25519
from integritee.enclave.parentchain import bridge, follower, justification, onboarding
from integritee.enclave.parentchain.blocks import verify_block
from integritee.metadata import RuntimeMetadata
from integritee.primitives import signature
from integritee.primitives.header import Header
from integritee.primitives.sidechain import BlockData, SidechainHeader, SignedBlock
from integritee.scale import Codec

from .patches import Patches

MAX_REMEMBERED: Final = 4096

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
    for place, name in ((bridge, "CONFIRMATION"), (onboarding, "STATUS"), (onboarding, "ACCOUNT")):
        patches.set(place, name, Decoded(vars(place)[name]))
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
        self._remember((made, message, pair.public), True)
        return made

    def verify(self, found: bytes, message: bytes, public: bytes) -> bool:
        key = found, message, public
        known = self._known.get(key)
        return self._remember(key, self._verify(*key)) if known is None else known

    def _remember(self, key: tuple[bytes, bytes, bytes], is_valid: bool) -> bool:
        self._known[key] = is_valid
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
        return is_valid


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
            known = self._known[key] = (header, extrinsics, proof), values
            if len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
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
            known = answers[id(self)] = self, method(self)
            if len(answers) > MAX_REMEMBERED:
                answers.popitem(last=False)
        return known[1]

    patches.set(owner, name, answer)
