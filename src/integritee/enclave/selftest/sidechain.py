"""The sidechain between two enclaves' cores: a block is made, verified and imported; what is wrong with one is found.

Also what becomes of it on the disk: the state is there after a restart, and an older one is not taken for it once the
parentchain has confirmed a later block.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from typing import Final

from msgspec.structs import replace

from integritee.crypto import Ed25519Pair
from integritee.primitives.sidechain import FINALIZATION_STRIDE, SidechainBlock, SignedBlock

from ..adoption import adopt, share
from ..parentchain.finality import FinalizedChain
from ..parentchain.onboarding import Phase
from ..sidechain.slots import SLOT_MS
from ..sidechain.verification import Authorship, Tip, verify_place, verify_seal
from .check import Check, NotReached, Setup, expect, expect_refusal
from .damage import flipped
from .small_chain import BLOCK_MS, SmallChain
from .small_shard import ALICE, BOB, SHARD, SmallShard

AMOUNT: Final = 7 * 10**12


def checks(setup: Setup) -> Iterator[Check]:
    play = Play(setup)
    yield Check("a light client follows the parentchain", play.light_client)
    yield Check("a vote of somebody else is refused", play.foreign_vote)
    yield Check("a shard begins", play.begins)
    yield Check("a block is made of a call", play.produces)
    yield Check("the block is verified", play.verifies)
    yield Check("blocks that are wrong are refused", play.refuses)
    yield Check("another enclave begins with the state", play.is_adopted)
    yield Check("the other enclave imports a block", play.imports)
    yield Check("a block that was changed on its way is not imported", play.does_not_import)
    yield Check("the state is there after a restart", play.restarts)
    yield Check("a state that was put back is found", play.rolled_back)


class Play:
    """Two enclaves, ann and ben, of one shard; each check is a step on from those before."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._now = setup.clock()
        self._chain = SmallChain(self._now - 10 * BLOCK_MS)
        self._old = setup.directory / "ann as it was"
        self._ann: SmallShard | None = None
        self._ben: SmallShard | None = None
        self._blocks: list[SignedBlock] = []

    def _next_slot(self) -> int:
        self._now += SLOT_MS - self._now % SLOT_MS
        return self._now

    @property
    def ann(self) -> SmallShard:
        if self._ann is None:
            raise NotReached("the beginning of a shard")
        return self._ann

    @property
    def ben(self) -> SmallShard:
        if self._ben is None:
            raise NotReached("another enclave's beginning")
        return self._ben

    def _last(self) -> SignedBlock:
        if not self._blocks:
            raise NotReached("the making of a block")
        return self._blocks[-1]

    # -- the parentchain -----------------------------------------------------------------------------

    def light_client(self) -> None:
        chain = self._chain
        chain.grow(2)
        client = FinalizedChain.start(chain.params())
        blocks = [chain.block(number, []) for number in (1, 2)]
        client.import_batch([block.header for block in blocks], {2: blocks[1].justification or b""}, None)
        expect(client.head.number, 2, "the head")
        expect(client.trust, "grandpa", "what finality rests on")

    def foreign_vote(self) -> None:
        chain = self._chain
        client, header = FinalizedChain.start(chain.params()), chain.block(1, []).header
        foreign = chain.justified_by(Ed25519Pair.from_seed(bytes(32)), header)
        attempt = partial(client.import_batch, [header], {1: foreign}, None)
        expect_refusal("parentchain.unknown_voter", "a vote of nobody", attempt)

    # -- making and verifying blocks -----------------------------------------------------------------

    def begins(self) -> None:
        ann = SmallShard(self._setup.directory / "ann", self._chain, self._setup.random)
        self._setup.stack.callback(ann.close)
        ann.connect()
        ann.settle_on_chain()
        self._chain.grow()
        ann.follow(self._now)
        expect(ann.core.phase, Phase.RUNNING, "phase")
        self._ann = ann

    def produces(self) -> None:
        ann, now = self.ann, self._next_slot()
        before = ann.core.runtime.balances.free(BOB.public)
        hash = ann.submit(ALICE, "balance_transfer", BOB.public, AMOUNT, now=now)
        block = ann.produce(now)
        expect(hash in block.block.block_data.signed_top_hashes, True, "the call is in the block")
        expect(ann.core.runtime.balances.free(BOB.public) - before, AMOUNT, "what was received")
        self._blocks.append(block)

    def _authorship(self, block: SidechainBlock) -> Authorship:
        return Authorship(block.block_data.layer_one_head, (self.ann.account,))

    def verifies(self) -> None:
        signed = self._last()
        verify_seal(signed, SHARD)
        verify_place(signed.block, None, self._authorship(signed.block), self._now)

    def refuses(self) -> None:
        signed = self._last()
        block, authorship = signed.block, self._authorship(signed.block)
        header, data = block.header, block.block_data
        stranger = Ed25519Pair.from_seed(bytes(32))
        renumbered = SidechainBlock(replace(header, block_number=2), data)
        changed = SidechainBlock(header, replace(data, timestamp=data.timestamp + 1)).signed_by(self._own_key)
        foreign = Authorship(data.layer_one_head, (stranger.public,))
        now, seal = self._now, partial(verify_seal, shard=SHARD)
        for code, what, attempt in (
            ("sidechain.bad_signature", "a changed header", partial(seal, SignedBlock(renumbered, signed.signature))),
            ("sidechain.block_data_hash", "other contents", partial(seal, changed)),
            ("sidechain.wrong_shard", "another shard", partial(verify_seal, signed, bytes(32))),
            ("sidechain.invalid_authority", "a foreign author", partial(verify_place, block, None, foreign, now)),
            (
                "sidechain.already_imported",
                "the same once more",
                partial(verify_place, block, Tip.of(block), authorship, now),
            ),
            ("sidechain.timestamp_in_future", "the future", partial(verify_place, block, None, authorship, 0)),
        ):
            expect_refusal(code, what, attempt)

    @property
    def _own_key(self) -> Ed25519Pair:
        return self.ann.core.keys.signing

    # -- another enclave -----------------------------------------------------------------------------

    def is_adopted(self) -> None:
        ann = self.ann
        self._last()
        ben = SmallShard(self._setup.directory / "ben", self._chain, self._setup.random)
        self._setup.stack.callback(ben.close)
        ben.connect()
        state, meta = share(ann.core)
        keys = ann.core.keys
        adopt(ben.core, keys.shielding.private_json(), keys.state, meta, state)
        ben.restart()
        self._chain.grow()
        for shard in (ann, ben):
            shard.follow(self._now)
        expect(ben.core.state.root(), ann.core.state.root(), "state root")
        self._ben = ben

    def imports(self) -> None:
        ann, ben, now = self.ann, self.ben, self._next_slot()
        ann.submit(ALICE, "balance_transfer", BOB.public, AMOUNT, now=now)
        block = ann.produce(now)
        self._blocks.append(block)
        refused = ben.receive([block], now).refused
        expect(refused and refused.code, None, "why the block is refused")
        expect(ben.core.head and ben.core.head.hash(), block.block.header.hash(), "the latest block")
        expect(ben.core.state.root(), ann.core.state.root(), "state root")

    def does_not_import(self) -> None:
        """Also if its author signs it: what leads elsewhere than it says is not adopted."""
        ann, ben, now = self.ann, self.ben, self._next_slot()
        block = ann.produce(now)
        ben.receive([_forged(block.block, self._own_key)], now)
        expect(ben.core.head and ben.core.head.block_number, 2, "the latest block")
        ben.receive([block], now)
        self._blocks.append(block)
        expect(ben.core.head and ben.core.head.block_number, 3, "the latest block once the right one is here")

    # -- the disk ------------------------------------------------------------------------------------

    def restarts(self) -> None:
        ann, last = self.ann, self._last()
        root = ann.core.state.root()
        ann.close()
        shutil.copytree(ann.path, self._old)
        ann.restart()
        self._chain.grow()
        ann.follow(self._now)
        expect(ann.core.state.root(), root, "state root")
        expect(ann.core.head and ann.core.head.hash(), last.block.header.hash(), "the latest block")

    def rolled_back(self) -> None:
        """The directory is put back as it was; a block after that is confirmed."""
        ann = self.ann
        if not self._old.exists():
            raise NotReached("the restart")
        later = ann.produce(self._next_slot()).block.header
        ann.close()
        shutil.rmtree(ann.path)
        shutil.copytree(self._old, ann.path)
        self._chain.confirm(SHARD, later.block_number + FINALIZATION_STRIDE, later.hash())
        self._chain.grow()
        ann.restart()
        ann.follow(self._now)
        now = self._next_slot()
        expect_refusal("enclave.state_rolled_back", "an older state", lambda: ann.produce(now))


def _forged(block: SidechainBlock, author: Ed25519Pair) -> SignedBlock:
    """The same with another state diff, signed by its author."""
    data = replace(block.block_data, encrypted_state_diff=flipped(block.block_data.encrypted_state_diff, -1))
    return SidechainBlock(replace(block.header, block_data_hash=data.hash()), data).signed_by(author)
