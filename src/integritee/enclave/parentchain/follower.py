"""Following one parentchain: verify finalized blocks, keep what is proven, hand inputs to the sidechain.

Nothing the host says is used unless its header is final, by the chain's level of trust, and the values are proven
against it. Verified blocks wait in `inbox` until a sidechain block has processed them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import dropwhile
from typing import Final

from integritee.boundary.messages import ParentchainBlock, ParentchainParams, RelayFinality, RuntimeFacts
from integritee.primitives.header import Header
from integritee.stf.chain_specs import spec_of

from ..errors import InboxFull, SpecVersionUnproven
from .blocks import verify_block
from .bridge import BridgeContract
from .contract import ParentchainContract, Place
from .errors import CheckpointTooLate, WarpedTooFar
from .finality import FinalizedChain
from .inbound import InboundBlock, read_block
from .onboarding import account_info
from .outbox import ChainFacts
from .runtimes import Runtimes, proven_version

MAX_INBOX: Final = 10_000
"""Verified parentchain blocks that may wait for the sidechain: more than half a day of 6 s blocks."""


class Follower:
    """One parentchain from `params` on. `pins` are metadata hashes by spec version from earlier contacts.

    `resume` is where the light client stopped, `remembered` the runtime that was in force there. Without `resume`
    it starts from genesis, the checkpoint of `params`, or where their leaps end. `development` says whether the
    ledger is for that. Raises as starting, resuming and warping a FinalizedChain do, and as `adopt_runtime`.
    """

    def __init__(
        self,
        params: ParentchainParams,
        resume: bytes | None,
        remembered: RuntimeFacts | None,
        pins: dict[int, bytes],
        place: Place,
        development: bool = False,
    ) -> None:
        self.id, self.genesis_hash = params.id, params.genesis.hash()
        self.chain = FinalizedChain.start(params) if resume is None else FinalizedChain.resume(resume, params)
        self._is_unread = resume is None and self.chain.checkpoint is not None
        """Whether the next block is the first one after others that nobody has shown the enclave."""
        self._is_resumed = resume is not None
        self._before_leaps: FinalizedChain | None = None
        self.leap(params)
        self.inbox: deque[InboundBlock] = deque()
        self.values: dict[bytes, bytes | None] = {}
        """Watched storage as proven at the latest verified block; empty before the first."""
        self.wanted: tuple[bytes, ...] = ()
        """Further storage that the host was last asked to prove (`stf.mirror`)."""
        self.time: int | None = None
        """Unix ms of the latest verified block that tells it; None before the first."""
        self.origin = b""
        """The chain as it was before the first verified block, encoded; empty before that."""
        assets = spec_of(self.genesis_hash, development).assets
        self.runtimes = Runtimes(self.genesis_hash, place, assets, pins, remembered or params.runtime, params.token)
        self.runtimes.offer(params.runtime)

    def leap(self, params: ParentchainParams) -> None:
        """Pass the leaps of `params` at first contact, from genesis. Raises as `FinalizedChain.warp`."""
        if not params.leaps or self._is_resumed or self.chain.head.number:
            return
        warped = self.chain.copy()
        warped.warp(params.leaps)
        self._before_leaps, self.chain, self._is_unread = self.chain, warped, True

    @property
    def head(self) -> Header:
        """Latest verified header."""
        return self.chain.head

    @property
    def contract(self) -> ParentchainContract:
        return self.runtimes.current.contract

    @property
    def bridge(self) -> BridgeContract:
        """The registry of enclaves and shards; on Integritee only."""
        bridge = self.contract.bridge
        assert bridge is not None, self.id
        return bridge

    @property
    def facts(self) -> ChainFacts:
        return self.runtimes.current.facts

    @property
    def pins(self) -> dict[int, bytes]:
        return self.runtimes.pins

    def watched(self) -> list[bytes]:
        """Storage that the host has to prove with every block, and nothing else."""
        return list(dict.fromkeys((*self.contract.watched(), *self.wanted)))

    def adopt_runtime(self, facts: RuntimeFacts) -> None:
        """Learn the metadata of a runtime version, to be used from the block on that is proven to run it.

        Raises MetadataChanged if other metadata is pinned for it, SpecVersionUnproven if a later version is
        proven, MetadataError, MissingCall.
        """
        proven = proven_version(self.values)
        if proven is not None and facts.spec_version < proven:
            raise SpecVersionUnproven(facts.spec_version, proven)
        self.runtimes.offer(facts)

    def import_blocks(
        self,
        blocks: list[ParentchainBlock],
        keep: Callable[[InboundBlock], bool],
        relay: RelayFinality | None = None,
    ) -> list[InboundBlock]:
        """Verify consecutive blocks, justified where authorities change and at the end, or proven final by `relay`;
        from the first to `keep` on they wait in the inbox.

        All or nothing. Raises InboxFull, SpecVersionUnproven if the metadata of a block's runtime is missing, and
        the errors of finality, proofs and decoding; the follower is then unchanged. Raises WarpedTooFar if the
        blocks do not do behind leaps; it is then back at genesis. Raises CheckpointTooLate if they do not do behind
        a checkpoint.
        """
        if not blocks:
            return []
        chain = self.chain.copy()
        justified = {b.header.number: b.justification for b in blocks if b.justification is not None}
        chain.import_batch([b.header for b in blocks], justified, relay)
        after = chain.encode_state()
        read = [self._read(block, after if block is blocks[-1] else b"") for block in blocks]
        if self._is_unread:
            self._expect_untouched(read[0])
        runtime = self.runtimes.of(read[-1].values)
        kept = list(dropwhile(lambda block: not keep(block), read))
        if len(self.inbox) + len(kept) > MAX_INBOX:
            raise InboxFull(MAX_INBOX)
        self.origin = self.origin or self.chain.encode_state()
        self.chain, self._before_leaps, self._is_unread = chain, None, False
        self.values = read[-1].values
        self.time = next((block.now for block in reversed(read) if block.now is not None), self.time)
        self.runtimes.enter(runtime)
        self.inbox.extend(kept)
        return read

    def _read(self, block: ParentchainBlock, light_client: bytes) -> InboundBlock:
        proven = verify_block(block.header, block.extrinsics, block.proof, self.watched())
        contract = self.runtimes.of(proven).contract
        return read_block(contract, block.header, block.extrinsics, proven, light_client)

    def _expect_untouched(self, first: InboundBlock) -> None:
        """The enclave must not have acted in blocks that nobody has shown it: a deposit could be among them."""
        nonce = account_info(first.values.get(self.contract.enclave_account)).nonce
        if nonce and self._before_leaps is None:
            raise CheckpointTooLate(first.header.number, nonce)
        if nonce and self._before_leaps is not None:
            self.chain, self._before_leaps, self._is_unread = self._before_leaps, None, False
            raise WarpedTooFar(first.header.number, nonce)
