"""Whatever testers do to heads: the best chain is one chain, and its events tell how it became so."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from integritee.node.chain import ChainEvent, Finalized, Imported, NewBest
from integritee.node.errors import ConflictsWithFinalized

from .conftest import Node
from .toy_runtime import ALICE, transfer

positions = st.integers(0, 1 << 16)
"""Stands for one of what there is."""


class Heads(RuleBasedStateMachine):
    """A chain that grows, forks, is cut back and becomes final in any order.

    `told` is the best chain by its events alone, from block 1 on; `known` are all blocks there ever were.
    """

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.node = Node(self.directory / "chain", options={"finality_lag": None})
        self.known = [self.node.chain.genesis_hash]
        self.told: list[bytes] = []
        self.final = 0
        self.nonce = 0

    def teardown(self) -> None:
        self.node.database.close()
        shutil.rmtree(self.directory)

    @rule()
    def grow(self) -> None:
        self._add(self.node.produce().block.hash)

    @rule(at=positions)
    def fork(self, at: int) -> None:
        parent = self.known[at % len(self.known)]
        try:
            self._add(self.node.produce(parent=parent, with_transactions=False).block.hash)
        except ConflictsWithFinalized:
            assert not self._above_final(parent)

    @rule(at=positions)
    def set_head(self, at: int) -> None:
        target = self.known[at % len(self.known)]
        try:
            self.node.producer.set_head(target, self.node.now_ms)
        except ConflictsWithFinalized:
            assert not self._above_final(target)
        else:
            assert self.node.chain.best_hash == target
        self._listen()

    @rule(at=positions)
    def finalize(self, at: int) -> None:
        chain = self.node.chain
        number = chain.finalized.number + at % (chain.best.number - chain.finalized.number + 1)
        self.node.producer.finalize(chain.hash_at(number) or b"", self.node.now_ms)
        self._listen()

    @rule()
    def transact(self) -> None:
        nonce = self.node.pool.next_index(ALICE)
        self.node.submit(transfer(ALICE, nonce))
        self.nonce = max(self.nonce, nonce + 1)

    @rule()
    def reopen(self) -> None:
        """The pool is lost, the chain is not."""
        before = self.node.chain.best_hash, self.node.chain.finalized_hash
        self.node.reopen()
        assert (self.node.chain.best_hash, self.node.chain.finalized_hash) == before
        self.nonce = self.node.account(ALICE).nonce

    @invariant()
    def it_is_one_chain(self) -> None:
        chain = self.node.chain
        above = None
        for number in range(chain.best.number, -1, -1):
            hash = chain.hash_at(number) or b""
            header = chain.header(hash)
            assert header is not None and header.number == number
            assert above is None or above.parent_hash == hash
            above = header
        assert chain.hash_at(chain.best.number) == chain.best_hash
        assert chain.hash_at(chain.best.number + 1) is None
        assert chain.is_canonical(chain.finalized_hash)

    @invariant()
    def events_tell_it(self) -> None:
        chain = self.node.chain
        assert self.told == [chain.hash_at(number) for number in range(1, chain.best.number + 1)]
        assert self.final == chain.finalized.number

    @invariant()
    def no_transaction_is_lost(self) -> None:
        """What ever was submitted is in the best chain or waits in order. What a lost pool forgot may come back with a
        branch that has it."""
        nonce = self.node.account(ALICE).nonce
        self.nonce = max(self.nonce, nonce)
        assert nonce + len(self.node.pool.pending()) == self.nonce

    def _add(self, hash: bytes) -> None:
        self.known.append(hash)
        self._listen()

    def _above_final(self, hash: bytes) -> bool:
        """Whether the block has the finalized one among its ancestors, or is it."""
        chain = self.node.chain
        header = chain.header(hash)
        while header is not None and header.number > chain.finalized.number:
            hash = header.parent_hash
            header = chain.header(hash)
        return hash == chain.finalized_hash

    def _listen(self) -> None:
        for event in self.node.events:
            self._hear(event)
        self.node.events.clear()

    def _hear(self, event: ChainEvent) -> None:
        match event:
            case NewBest():
                for hash in event.retracted:
                    assert self.told.pop() == hash
                self.told += event.enacted
                assert (self.told or [self.node.chain.genesis_hash])[-1] == event.hash
            case Finalized(hash=hash):
                self.final += 1
                assert self.told[self.final - 1] == hash
            case Imported(header=header):
                assert header.number >= 1


TestHeads = Heads.TestCase
TestHeads.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
