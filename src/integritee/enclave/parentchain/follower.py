"""Following one parentchain: verify finalized blocks, keep what is proven, hand inputs to the sidechain.

Nothing the host says is used unless the light client accepted the header and the values are proven against
it. Verified blocks wait in `inbox` until a sidechain block has processed them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import dropwhile
from typing import Final

from integritee.boundary.messages import ParentchainBlock, ParentchainParams, RuntimeFacts
from integritee.crypto import blake2_256
from integritee.frame.pallets.system import LastRuntimeUpgradeInfo
from integritee.metadata import RuntimeMetadata
from integritee.primitives.header import Header
from integritee.scale import codec

from ..errors import ForeignGenesis, InboxFull, MetadataChanged, SpecVersionUnproven
from .blocks import verify_block
from .contract import RUNTIME_UPGRADE_KEY, ParentchainContract
from .inbound import InboundBlock, read_block
from .light_client import LightClient
from .outbox import ChainFacts

MAX_INBOX: Final = 10_000
"""Verified parentchain blocks that may wait for the sidechain: more than half a day of 6 s blocks."""

UPGRADE: Final = codec(LastRuntimeUpgradeInfo)


class Follower:
    """One parentchain from `params` on. `pins` are metadata hashes by spec version from earlier contacts.

    Raises ForeignGenesis if `resume` is the light client of another chain, and as `adopt_runtime`.
    """

    def __init__(
        self,
        params: ParentchainParams,
        resume: bytes | None,
        pins: dict[int, bytes],
        shard: bytes,
        account: bytes,
        vault: bytes,
    ) -> None:
        self.genesis = params.genesis
        self.genesis_hash = params.genesis.hash()
        self._shard, self._account, self._vault = shard, account, vault
        self.pins = pins
        self.light_client = (
            LightClient.resume(resume)
            if resume is not None
            else LightClient.start(params.genesis, params.authorities_proof)
        )
        if self.light_client.state.genesis_hash != self.genesis_hash:
            raise ForeignGenesis(self.genesis_hash, self.light_client.state.genesis_hash)
        self.inbox: deque[InboundBlock] = deque()
        self.values: dict[bytes, bytes | None] = {}
        """Watched storage as proven at the latest verified block; empty before the first."""
        self.adopt_runtime(params.runtime)

    @property
    def head(self) -> Header:
        """Latest verified header."""
        return self.light_client.head

    def adopt_runtime(self, facts: RuntimeFacts) -> None:
        """Use the metadata of a runtime version.

        The first metadata seen for a spec version is pinned; the spec version must be the one proven on chain.
        Raises MetadataChanged, SpecVersionUnproven, MetadataError, MissingCall.
        """
        proven = self._proven_spec_version()
        if proven is not None and proven != facts.spec_version:
            raise SpecVersionUnproven(facts.spec_version, proven)
        digest = blake2_256(facts.metadata)
        if self.pins.get(facts.spec_version, digest) != digest:
            raise MetadataChanged(facts.spec_version)
        metadata = RuntimeMetadata.parse(facts.metadata)
        self.contract = ParentchainContract(metadata, self._shard, self._account, self._vault)
        self.facts = ChainFacts(metadata, self.genesis_hash, facts.spec_version, facts.transaction_version)
        self.pins = {**self.pins, facts.spec_version: digest}

    def _proven_spec_version(self) -> int | None:
        raw = self.values.get(RUNTIME_UPGRADE_KEY)
        return UPGRADE.decode(raw).spec_version if raw else None

    def import_blocks(
        self, blocks: list[ParentchainBlock], keep: Callable[[InboundBlock], bool]
    ) -> list[InboundBlock]:
        """Verify consecutive blocks, the last one justified; from the first to `keep` on they wait in the inbox.

        All or nothing. Raises InboxFull and the errors of light client, proofs and decoding; the follower is
        then unchanged.
        """
        if not blocks:
            return []
        client = self.light_client.copy()
        client.import_chain([b.header for b in blocks], blocks[-1].justification)
        after = client.encode_state()
        read = [self._read(block, after if block is blocks[-1] else b"") for block in blocks]
        kept = list(dropwhile(lambda block: not keep(block), read))
        if len(self.inbox) + len(kept) > MAX_INBOX:
            raise InboxFull(MAX_INBOX)
        self.light_client = client
        self.values = read[-1].values
        self.inbox.extend(kept)
        return read

    def _read(self, block: ParentchainBlock, light_client: bytes) -> InboundBlock:
        proven = verify_block(block.header, block.extrinsics, block.proof, self.contract.watched.all())
        return read_block(self.contract, block.header, block.extrinsics, proven, light_client)
