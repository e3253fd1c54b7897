"""Fork choice as a law: whoever knows the same blocks follows the same chain, in whatever order they came."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.enclave.sidechain.candidates import MAX_BLOCKS_PER_SLOT, Candidates
from integritee.enclave.sidechain.fork_choice import Anchor, Branch, Standing, prefers
from integritee.enclave.sidechain.slots import SLOT_MS
from integritee.primitives.sidechain import SignedBlock

from .blocks import AUTHORS, child, line


@st.composite
def trees(draw: st.DrawFn) -> list[SignedBlock]:
    """Blocks, each behind one before it; slots grow along every chain, and few blocks are of one slot."""
    blocks: list[SignedBlock] = []
    slots = Counter[int]()
    for number in range(draw(st.integers(2, 12))):
        parent = draw(st.sampled_from([None, *blocks]))
        slot = (parent.block.block_data.timestamp // SLOT_MS if parent else 0) + draw(st.integers(1, 3))
        while slots[slot] == MAX_BLOCKS_PER_SLOT:
            slot += 1
        slots[slot] += 1
        blocks.append(child(parent, slot, slot % len(AUTHORS), salt=bytes([number])))
    return blocks


@dataclass
class Node:
    """Follows what it hears of as the consensus does, without states."""

    anchors: list[Anchor]
    chain: list[SignedBlock] = field(default_factory=list)
    waiting: Candidates = field(default_factory=lambda: Candidates(SLOT_MS))

    def hear(self, signed: SignedBlock) -> None:
        self.waiting.add(signed)
        while self._move():
            pass

    def _move(self) -> bool:
        positions = {bytes(32): 0} | {b.hash(): n for n, b in enumerate(self.chain, 1)}
        for branch in self.waiting.branches(positions):
            own = Branch(branch.fork, self.chain[branch.fork :])
            if prefers(branch, own, self.anchors):
                for signed in branch.blocks:
                    self.waiting.discard(signed.hash())
                for signed in own.blocks:
                    self.waiting.add(signed)
                self.chain[branch.fork :] = branch.blocks
                return True
        return False


@settings(max_examples=150, deadline=None)
@given(tree=trees(), data=st.data())
def test_all_orders_of_delivery_lead_to_the_same_chain(tree: list[SignedBlock], data: st.DataObject) -> None:
    chosen = data.draw(st.sampled_from([None, *tree]))
    anchors = [Anchor(chosen.block.header.block_number, chosen.hash())] if chosen else []
    heads = set()
    for _ in range(3):
        node = Node(anchors)
        for signed in data.draw(st.permutations(tree)):
            node.hear(signed)
        heads.add(node.chain[-1].hash())
        assert chosen is None or chosen in node.chain
        if chosen is None:
            assert len(node.chain) == max(b.block.header.block_number for b in tree)
    assert len(heads) == 1


TRUNK = line(None, range(1, 4))
LONG, SHORT = line(TRUNK[-1], range(4, 8)), line(TRUNK[-1], range(4, 6), author=1)
LATE = line(TRUNK[-1], range(5, 9), author=2)

CASES = {
    "the longer one": (LONG, SHORT, []),
    "the earlier one of two as long": (LONG, LATE, []),
    "a confirmed one over a longer": (SHORT, LONG, [Anchor(5, SHORT[1].hash())]),
    "one that may get there over one that cannot": (SHORT, LONG, [Anchor(6, b"?" * 32)]),
    "the longer of two that cannot": (LONG, SHORT, [Anchor(4, b"?" * 32)]),
    "a confirmation below the fork is of no matter": (LONG, SHORT, [Anchor(3, TRUNK[2].hash())]),
    "the confirmed one over what was asked for": (
        SHORT,
        LONG,
        [Anchor(5, SHORT[1].hash()), Anchor(7, LONG[3].hash())],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_better_chain(case: str) -> None:
    better, worse, anchors = CASES[case]
    assert prefers(Branch(3, better), Branch(3, worse), anchors)
    assert not prefers(Branch(3, worse), Branch(3, better), anchors)
    assert not prefers(Branch(3, better), Branch(3, better), anchors)


@pytest.mark.parametrize(
    ("number", "hash", "standing"),
    [
        (3, b"", Standing.HOLDS),
        (4, LONG[0].hash(), Standing.HOLDS),
        (5, SHORT[1].hash(), Standing.CONTRADICTS),
        (8, b"", Standing.OPEN),
    ],
)
def test_standing(number: int, hash: bytes, standing: Standing) -> None:
    assert Branch(3, LONG).standing(Anchor(number, hash)) is standing
