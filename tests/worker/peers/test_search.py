"""What is asked of a peer next, and what of its answers is handed over. Chains are written as letters."""

from __future__ import annotations

import pytest

from integritee.primitives.sidechain import SignedBlock
from integritee.worker.peers import search
from integritee.worker.peers.errors import EndlessAnswer, ForeignBlock, PeerLied, UnlinkedBlock
from integritee.worker.peers.search import MAX_IDLE_PAGES, Search

from .chains import SHARD, Store, chain_of

ZERO = bytes(32)
MAIN = chain_of(12)
FORK = chain_of(6, "fork", behind=MAIN[3])
PAGE = 3


def number(block: SignedBlock) -> int:
    return block.block.header.block_number


def at(*blocks: SignedBlock) -> list[bytes]:
    return [block.hash() for block in blocks]


def fetch(search: Search, store: Store, until: bytes | None = None) -> tuple[list[int], int]:
    """Numbers of the blocks got from a peer with this store, and how often it was asked."""
    got, questions = [], 0
    while (behind := search.question) is not None:
        got += search.answer(store.blocks_after(behind, until, PAGE, 10**6))
        questions += 1
        assert questions < 100
    return [number(block) for block in got], questions


CASES: dict[str, tuple[list[SignedBlock], list[bytes], list[int]]] = {
    "nothing known yet": (MAIN, [ZERO], [*range(1, 13)]),
    "some known": (MAIN, at(MAIN[4], MAIN[3]), [*range(6, 13)]),
    "all known": (MAIN, at(MAIN[11], MAIN[10]), [12]),
    "on a fork": (MAIN, at(FORK[5], FORK[2], MAIN[3]), [*range(5, 13)]),
    "on a fork that the peer knows nothing of": (MAIN, at(FORK[5], FORK[2]), []),
    "the peer is behind": (MAIN[:6], at(MAIN[9], MAIN[7], MAIN[3]), [5, 6]),
    "the peer has nothing": ([], [*at(MAIN[9], MAIN[3]), ZERO], []),
    "no locator": (MAIN, [], []),
    "a locator with repetitions": (MAIN, at(FORK[0], FORK[0], MAIN[9], MAIN[9]), [11, 12]),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_got(case: str) -> None:
    blocks, locator, expected = CASES[case]
    assert fetch(Search(SHARD, locator, None, set()), Store(blocks))[0] == expected


def test_each_question_once_and_one_more_at_the_end() -> None:
    locator = at(FORK[5], FORK[2], MAIN[3])
    assert fetch(Search(SHARD, locator, None, set()), Store(MAIN))[1] == 2 + 3 + 1


def test_up_to_a_block_but_not_that_one() -> None:
    until = MAIN[8].hash()
    search = Search(SHARD, at(MAIN[1]), until, set())
    assert fetch(search, Store(MAIN), until)[0] == [*range(3, 9)]


def test_a_peer_that_goes_on_beyond_is_stopped() -> None:
    search = Search(SHARD, at(MAIN[1]), MAIN[8].hash(), set())
    assert fetch(search, Store(MAIN))[0] == [*range(3, 9)]


def test_an_end_that_the_peer_does_not_know_bounds_nothing() -> None:
    until = FORK[2].hash()
    assert fetch(Search(SHARD, at(MAIN[1]), until, set()), Store(MAIN), until)[0] == [*range(3, 13)]


def test_what_is_known_is_not_handed_over_again() -> None:
    known = set(at(*MAIN[:10]))
    assert fetch(Search(SHARD, at(MAIN[9], MAIN[8], MAIN[4]), None, known), Store(MAIN))[0] == [11, 12]
    assert fetch(Search(SHARD, at(FORK[0], MAIN[4]), None, known), Store(MAIN))[0] == [11, 12]


def test_a_pruned_peer_cannot_serve_from_the_start() -> None:
    assert fetch(Search(SHARD, [ZERO], None, set()), Store(MAIN, pruned=5))[0] == []


@pytest.mark.parametrize(
    "answer, lie",
    [
        (MAIN[3:5], UnlinkedBlock),
        ([MAIN[2], MAIN[4]], UnlinkedBlock),
        ([MAIN[2], MAIN[2]], UnlinkedBlock),
        (MAIN[1::-1], UnlinkedBlock),
        (chain_of(3, behind=MAIN[1], shard=b"\x05" * 32), ForeignBlock),
    ],
)
def test_lies(answer: list[SignedBlock], lie: type[PeerLied]) -> None:
    search = Search(SHARD, at(MAIN[1]), None, set())
    with pytest.raises(lie):
        search.answer(answer)


def test_endless_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MAX_FETCHED", 10)
    with pytest.raises(EndlessAnswer):
        fetch(Search(SHARD, [ZERO], None, set()), Store(MAIN))


def test_blocks_that_bring_nothing() -> None:
    search = Search(SHARD, [ZERO], None, set())
    for judged in range(MAX_IDLE_PAGES):
        assert search.question is not None, judged
        search.answer([MAIN[judged]])
        search.judged(is_progress=False)
    assert search.question is None


def test_progress_is_patience() -> None:
    search = Search(SHARD, [ZERO], None, set())
    for judged in range(12):
        search.answer([MAIN[judged]])
        search.judged(is_progress=judged % MAX_IDLE_PAGES == 0)
    assert search.question is not None
