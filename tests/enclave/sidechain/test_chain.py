"""The adopted chain: its tail, and who makes which payment when."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.enclave.sidechain.chain import MAX_TAIL, Adopted, Chain, Held, restoration
from integritee.enclave.sidechain.payload import Planned
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import SignedBlock
from integritee.trie import Trie

from .blocks import AUTHORS, child

OWN, OTHER = 0, 1


def plan(name: int) -> Planned:
    return Planned(bytes([name]) * 32, ParentchainId.Integritee, bytes(32), 1, None, None, None, None)


class Story:
    """A chain of enclave `OWN`, told block by block."""

    def __init__(self) -> None:
        self.chain = Chain(Trie.empty(), AUTHORS[OWN].public)
        self.blocks: list[SignedBlock] = []

    def block(
        self,
        author: int,
        plans: list[int] | None = None,
        takes: list[int] | None = None,
        sends: list[int] | None = None,
    ) -> None:
        chain, key = self.chain, bytes([len(self.blocks)])
        self.blocks.append(child(self.blocks[-1] if self.blocks else None, len(self.blocks) + 1, author))
        released = tuple(plan(name).key for name in sends or [])
        block = Adopted(self.blocks[-1], (key,), chain.state, chain.state_bytes, chain.held, released=released)
        state = chain.state.commit({key: key})
        chain.adopt(
            block, state, chain.state_bytes + 2, map(plan, plans or []), [plan(name).key for name in takes or []]
        )

    def revert(self, number: int) -> None:
        self.chain.revert(number)
        del self.blocks[number:]

    def due(self) -> list[int]:
        return [held.planned.key[0] for held in self.chain.due(self.chain.final)]

    def open(self) -> list[int]:
        return [held.planned.key[0] for held in self.chain.open(self.chain.final)]


def test_what_is_taken_is_due_once_the_block_is_final() -> None:
    story = Story()
    story.block(OTHER, plans=[7])
    story.block(OWN, takes=[7])
    story.chain.finalize(1)
    assert (story.due(), story.open()) == ([], [7])
    story.chain.finalize(2)
    assert (story.due(), story.open()) == ([7], [])
    story.block(OWN, sends=[7])
    assert story.chain.held == ()


def test_what_another_took_is_its_for_good_once_that_is_final() -> None:
    story = Story()
    story.block(OWN, plans=[7])
    story.block(OTHER, takes=[7])
    story.block(OWN)
    assert story.open() == [7]
    story.chain.finalize(2)
    assert story.chain.held == ()


def test_the_last_one_to_take_it_has_it() -> None:
    story = Story()
    story.block(OTHER, plans=[7], takes=[7])
    story.block(OWN, takes=[7])
    story.chain.finalize(2)
    assert story.due() == [7]


def test_a_lost_block_took_nothing() -> None:
    story = Story()
    story.block(OTHER, plans=[7], takes=[7])
    story.block(OWN, plans=[8], takes=[7, 8])
    story.revert(1)
    assert story.chain.held == (Held(1, plan(7), AUTHORS[OTHER].public, 1),)
    story.chain.finalize(1)
    assert story.chain.held == ()


def test_what_a_lost_block_sent_stays_sent() -> None:
    story = Story()
    story.block(OWN, plans=[7, 8], takes=[7])
    story.chain.finalize(1)
    story.block(OWN, sends=[7])
    story.revert(1)
    assert (story.due(), story.open()) == ([], [8])


def test_what_a_lost_block_sent_stays_sent_when_older_blocks_are_lost_later() -> None:
    story = Story()
    story.block(OWN, plans=[7, 8], takes=[7])
    story.chain.finalize(1)
    story.block(OTHER)
    story.block(OWN, sends=[7])
    story.revert(2)
    story.block(OTHER)
    story.revert(1)
    assert (story.due(), story.open()) == ([], [8])


def test_what_became_anothers_for_good_meanwhile_does_not_come_back() -> None:
    story = Story()
    story.block(OWN, plans=[7])
    story.block(OTHER, takes=[7])
    story.block(OWN)
    story.chain.finalize(2)
    story.block(OWN)
    story.revert(3)
    assert story.chain.held == ()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.just("grow"), st.integers(0, 8)), max_size=25), st.data())
def test_a_revert_restores_all(steps: list[str | int], data: st.DataObject) -> None:
    """State, its size, head and positions behind any growing, finalizing and reverting are those of the blocks."""
    story = Story()
    for step in steps:
        chain = story.chain
        if step == "grow":
            story.block(OWN)
        elif data.draw(st.booleans()):
            chain.finalize(int(step))
        else:
            number = max(chain.base_number, min(int(step), chain.number))
            before, given_up = chain.state, chain.revert(number)
            del story.blocks[number:]
            assert before.commit(dict(restoration(given_up, chain.state))).root() == chain.state.root()
        expected = Trie.from_items({bytes([n]): bytes([n]) for n in range(len(story.blocks))})
        assert chain.state.root() == expected.root()
        assert chain.state_bytes == 2 * len(story.blocks)
        assert chain.head == (story.blocks[-1].block.header if story.blocks else None)
        assert {n: hash for hash, n in chain.positions.items()} == {
            n: story.blocks[n - 1].hash() if n else bytes(32) for n in range(chain.base_number, chain.number + 1)
        }
        for number in range(chain.base_number, chain.number + 1):
            assert chain.positions[chain.hash_at(number) or b""] == number
            assert chain.state_at(number).get(bytes([number])) is None


def test_the_tail_is_bounded() -> None:
    story = Story()
    first = child(None, 1)
    for _ in range(MAX_TAIL + 3):
        story.chain.adopt(Adopted(first, (), story.chain.state, 0), story.chain.state, 0)
        story.chain.positions[first.hash()] = 1
        story.chain.finalize(0)
    assert len(story.chain.tail) == MAX_TAIL
    assert story.chain.final == 0
