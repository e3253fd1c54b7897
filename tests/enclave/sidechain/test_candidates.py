"""Blocks that wait: what is kept, who has to give way, which branches there are, what is missing."""

from __future__ import annotations

import pytest

from integritee.enclave.sidechain import candidates as module
from integritee.enclave.sidechain.candidates import MAX_BLOCKS_PER_SLOT, Candidates
from integritee.enclave.sidechain.errors import CandidatesFull, TooManyBlocksOfSlot
from integritee.enclave.sidechain.slots import SLOT_MS

from .blocks import AUTHORS, child, line

CHAIN = {bytes(32): 0}


@pytest.fixture
def waiting() -> Candidates:
    return Candidates(SLOT_MS)


def test_branches_begin_behind_known_blocks(waiting: Candidates) -> None:
    trunk = line(None, range(1, 4))
    left, right = line(trunk[1], range(4, 7)), line(trunk[1], range(4, 6), author=1)
    for signed in (*right, *left, *trunk[:2]):
        waiting.add(signed)
    assert sorted(len(branch.blocks) for branch in waiting.branches(CHAIN)) == [4, 5]
    assert {branch.fork for branch in waiting.branches(CHAIN)} == {0}
    assert waiting.missing(CHAIN) is None
    behind = {trunk[1].hash(): 2}
    waiting.discard(trunk[0].hash())
    waiting.discard(trunk[1].hash())
    assert sorted(len(branch.blocks) for branch in waiting.branches(behind)) == [2, 3]
    assert waiting.branches(CHAIN) == []
    assert waiting.missing(CHAIN) == left[-1].hash()


def test_a_number_that_does_not_fit_its_parent_is_no_branch(waiting: Candidates) -> None:
    signed = child(None, 1)
    waiting.add(signed)
    assert waiting.branches({bytes(32): 5}) == []


def test_a_branch_goes_with_its_root_and_an_ancestry_with_its_end(waiting: Candidates) -> None:
    trunk = line(None, range(1, 4))
    twig = child(trunk[1], 9, author=1)
    for signed in (*trunk, twig):
        waiting.add(signed)
    waiting.discard_branch(trunk[1].hash())
    assert len(waiting) == 1
    for signed in (*trunk[1:], twig):
        waiting.add(signed)
    waiting.discard_ancestry(trunk[2].hash())
    assert len(waiting) == 1
    assert twig.hash() in waiting


def test_an_equivocator_cannot_hide_the_block_others_build_on(waiting: Candidates) -> None:
    """Of one slot few are kept, but those that have children stay, and the others give way."""
    pair = [child(None, 1, salt=bytes([n])) for n in range(MAX_BLOCKS_PER_SLOT)]
    third = child(None, 1, salt=b"third")
    waiting.add(pair[0])
    waiting.add(child(pair[0], 2, author=1))
    waiting.add(pair[1])
    waiting.add(third)
    assert pair[0].hash() in waiting
    assert third.hash() in waiting
    assert pair[1].hash() not in waiting
    waiting.add(child(third, 2, author=2))
    with pytest.raises(TooManyBlocksOfSlot):
        waiting.add(pair[1])


def test_who_has_the_most_gives_way(waiting: Candidates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CANDIDATES", 6)
    greedy = line(None, range(1, 7))
    for signed in greedy:
        waiting.add(signed)
    with pytest.raises(CandidatesFull):
        waiting.add(child(greedy[-1], 8))
    others = line(None, range(10, 13), author=1)
    for signed in others:
        waiting.add(signed)
    assert all(signed.hash() in waiting for signed in (*others, *greedy[:3]))
    with pytest.raises(CandidatesFull):
        waiting.add(child(others[-1], 14, author=1))
    assert len(waiting) == 6


def test_large_blocks_give_way_to_small_ones(waiting: Candidates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CANDIDATE_BYTES", 10_000)
    waiting.add(child(None, 1, size=6000))
    waiting.add(child(None, 2, size=3000))
    small = child(None, 3, author=1, size=2000)
    waiting.add(small)
    assert small.hash() in waiting
    with pytest.raises(CandidatesFull):
        waiting.add(child(None, 4, author=2, size=20_000))
    assert small.hash() in waiting


@pytest.mark.parametrize("seed", range(3))
def test_its_books_are_right_after_anything(waiting: Candidates, seed: int) -> None:
    blocks = [child(None, slot, author, size=slot) for slot in range(1, 20) for author in range(len(AUTHORS))]
    for signed in blocks:
        waiting.add(signed)
    for signed in blocks[seed:]:
        waiting.discard(signed.hash())
    waiting.discard_up_to(1)
    assert len(waiting) == 0
    assert waiting._bytes.total() == 0
    assert not waiting._of_slot and not +waiting._of_author and not +waiting._children
