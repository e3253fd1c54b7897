"""Runtime versions of the followed chain: which metadata reads which block, and how a call changes between them.

A block is read with the metadata of the version that is proven to have run it, never with another. The host may
offer the metadata of a version before it is in force; what it offers first is pinned when a block first needs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from integritee.boundary.messages import MetadataToken, RuntimeFacts
from integritee.crypto import blake2_256
from integritee.frame.pallets.system import LastRuntimeUpgradeInfo
from integritee.metadata import RuntimeMetadata
from integritee.metadata.extensions import METADATA_HASH
from integritee.metadata.merkleized import metadata_hash
from integritee.scale import codec
from integritee.stf.asset_map import AssetId

from ..errors import MetadataChanged, SpecVersionUnproven
from .contract import RUNTIME_UPGRADE_KEY, ParentchainContract, Place
from .outbox import ChainFacts

MAX_RUNTIMES: Final = 4
"""Versions kept at hand: the one in force, and those just before and after."""

UPGRADE: Final = codec(LastRuntimeUpgradeInfo)


def proven_version(values: dict[bytes, bytes | None]) -> int | None:
    """Spec version of the runtime that ran a block, by its proven storage; None if the chain never noted any."""
    raw = values.get(RUNTIME_UPGRADE_KEY)
    return int(UPGRADE.decode(raw).spec_version) if raw else None


@dataclass(frozen=True)
class KnownRuntime:
    """A version and what its metadata says. `stated` is what the host handed over."""

    contract: ParentchainContract
    facts: ChainFacts
    stated: RuntimeFacts

    @property
    def version(self) -> int:
        return self.facts.spec_version

    @property
    def digest(self) -> bytes:
        return blake2_256(self.stated.metadata)


class Runtimes:
    """Known versions of one chain. `current` is that of the latest verified block, `pins` are metadata hashes."""

    def __init__(
        self,
        genesis_hash: bytes,
        place: Place,
        assets: tuple[AssetId, ...],
        pins: dict[int, bytes],
        first: RuntimeFacts,
        token: MetadataToken | None = None,
    ) -> None:
        """`assets` can be shielded from the chain; with `token` what is signed is bound to its metadata.

        Raises as `offer`.
        """
        self._genesis_hash = genesis_hash
        self._place, self._assets, self._token = place, assets, token
        self._known: dict[int, KnownRuntime] = {}
        self.pins = pins
        self.offer(first)
        self.current = self._known[first.spec_version]
        self._pin(self.current)

    def offer(self, stated: RuntimeFacts) -> None:
        """Know one more version. Raises MetadataChanged, MetadataError, DecodeError, MissingCall."""
        version, digest = stated.spec_version, blake2_256(stated.metadata)
        if self.pins.get(version, digest) != digest:
            raise MetadataChanged(version)
        if version in self._known and self._known[version].stated == stated:
            return
        metadata = RuntimeMetadata.parse(stated.metadata)
        contract = ParentchainContract(metadata, self._place, self._assets)
        facts = ChainFacts(metadata, self._genesis_hash, version, stated.transaction_version, self._hash_of(metadata))
        self._known[version] = KnownRuntime(contract, facts, stated)
        if len(self._known) > MAX_RUNTIMES:
            self._forget_one(version)

    def _hash_of(self, metadata: RuntimeMetadata) -> bytes | None:
        """What extrinsics are to be bound to; None if nobody asked for it or the chain does not check it."""
        checks = any(extension.identifier == METADATA_HASH for extension in metadata.signed_extensions)
        if self._token is None or not checks:
            return None
        return metadata_hash(metadata, self._token.decimals, self._token.symbol)

    def _forget_one(self, offered: int) -> None:
        """Of versions not in force yet only the latest offer is kept, else the oldest one goes."""
        current = self.current.version
        others = sorted(v for v in self._known if v not in (current, offered))
        del self._known[next((v for v in others if v > current), others[0])]

    def of(self, values: dict[bytes, bytes | None]) -> KnownRuntime:
        """The version that ran a block. Raises SpecVersionUnproven if the host has not offered it."""
        version = proven_version(values)
        if version is None:
            return self.current
        if version not in self._known:
            raise SpecVersionUnproven(self.current.version, version)
        return self._known[version]

    def stated(self, version: int | None) -> RuntimeFacts | None:
        """What the host handed over for a version, if it is at hand."""
        known = self._known.get(version) if version is not None else None
        return known.stated if known else None

    def enter(self, runtime: KnownRuntime) -> None:
        """Go on with the version of the latest verified block."""
        self.current = runtime
        self._pin(runtime)

    def _pin(self, runtime: KnownRuntime) -> None:
        if runtime.version not in self.pins:
            self.pins = {**self.pins, runtime.version: runtime.digest}

    def translated(self, call: bytes, version: int, transaction_version: int) -> bytes:
        """A call composed for an earlier version as the current one writes it.

        Raises SpecVersionUnproven if calls have changed since and the earlier version is not known any more,
        UnknownName, WrongArguments or EncodeError if the current one has no such call.
        """
        if transaction_version == self.current.facts.transaction_version:
            return call
        if version not in self._known:
            raise SpecVersionUnproven(self.current.version, version)
        decoded = self._known[version].facts.metadata.decode_call(call)
        return self.current.facts.metadata.call(decoded.pallet, decoded.call, decoded.args)
