"""The dependency graph: who is ready, in which order, who displaces whom."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from integritee.node.pool.errors import TooLowPriority
from integritee.node.pool.graph import Change, Graph, Transaction


def tx(name: str, provides: str = "", requires: str = "", priority: int = 1, valid_till: int = 10) -> Transaction:
    """Tags are single characters."""
    return Transaction(
        name.encode(),
        name.encode() * 4,
        priority,
        tuple(tag.encode() for tag in requires),
        tuple(tag.encode() for tag in provides),
        valid_till,
    )


def names(graph: Graph) -> str:
    return "".join(transaction.hash.decode() for transaction in graph.ready())


def filled(*transactions: Transaction) -> Graph:
    graph = Graph()
    for transaction in transactions:
        graph.insert(transaction)
    return graph


@pytest.mark.parametrize(
    "transactions, order",
    [
        ([tx("A", "a"), tx("B", "b"), tx("C", "c")], "ABC"),
        ([tx("A", "a", priority=1), tx("B", "b", priority=3), tx("C", "c", priority=2)], "BCA"),
        ([tx("B", "b", "a", priority=9), tx("A", "a", priority=1)], "AB"),
        ([tx("A", "a"), tx("B", "b", "a", priority=9), tx("C", "c", priority=5)], "CAB"),
        ([tx("C", "c", "b"), tx("B", "b", "a"), tx("A", "a")], "ABC"),
        ([tx("A", "a"), tx("B", "b"), tx("C", "c", "ab"), tx("D", "d", "c")], "ABCD"),
        ([tx("C", "c", "ab"), tx("A", "a")], "A"),
        ([tx("A", "a", "a")], ""),
        ([tx("A", "a", "b"), tx("B", "b", "a")], ""),
    ],
    ids=[
        "age",
        "priority",
        "dependency before priority",
        "priority of the free ones first",
        "chain backwards",
        "two parents",
        "one parent missing",
        "on itself",
        "cycle",
    ],
)
def test_order(transactions: list[Transaction], order: str) -> None:
    graph = filled(*transactions)
    assert names(graph) == order
    assert graph.ready_count == len(order)
    assert graph.future_count == len(transactions) - len(order)
    assert graph.ready_bytes + graph.future_bytes == 4 * len(transactions)


def test_promotion() -> None:
    graph = filled(tx("C", "c", "b"), tx("B", "b", "a"), tx("D", "d", "a"), tx("E", "e", "z"))
    assert graph.insert(tx("A", "a")) == Change((b"B", b"D", b"C"))
    assert names(graph) == "ABDC"
    assert [t.hash for t in graph.future()] == [b"E"]


def test_equal_priority_does_not_replace() -> None:
    graph = filled(tx("A", "a", priority=5))
    with pytest.raises(TooLowPriority) as caught:
        graph.insert(tx("B", "a", priority=5))
    assert (caught.value.old, caught.value.new) == (5, 5)
    assert names(graph) == "A" and b"B" not in graph


def test_replacement_keeps_dependents() -> None:
    old = tx("A", "a", priority=1)
    graph = filled(old, tx("B", "b", "a"))
    assert graph.insert(tx("R", "a", priority=2)) == Change((), ((old, b"R"),))
    assert names(graph) == "RB"


def test_replacement_removes_dependents_it_does_not_serve() -> None:
    graph = filled(tx("A", "ax"), tx("B", "b", "x"), tx("C", "c", "b"), tx("D", "d", "a"))
    change = graph.insert(tx("R", "a", priority=2))
    assert {t.hash for t, _ in change.displaced} == {b"A", b"B", b"C"}
    assert {by for _, by in change.displaced} == {b"R"}
    assert names(graph) == "RD"


def test_replacing_two_takes_more_than_both() -> None:
    graph = filled(tx("A", "a", priority=3), tx("B", "b", priority=4))
    with pytest.raises(TooLowPriority) as caught:
        graph.insert(tx("R", "ab", priority=7))
    assert caught.value.old == 7
    assert len(graph.insert(tx("S", "ab", priority=8)).displaced) == 2
    assert names(graph) == "S"


def test_promoted_transaction_that_loses_its_place() -> None:
    graph = filled(tx("B", "b", priority=5), tx("C", "b", "a", priority=5))
    change = graph.insert(tx("A", "a"))
    assert change.promoted == ()
    assert [(t.hash, by) for t, by in change.displaced] == [(b"C", b"B")]
    assert names(graph) == "BA"


def test_promoted_transaction_that_wins() -> None:
    graph = filled(tx("B", "b", priority=5), tx("C", "b", "a", priority=6))
    change = graph.insert(tx("A", "a"))
    assert change.promoted == (b"C",)
    assert [(t.hash, by) for t, by in change.displaced] == [(b"B", b"C")]


def test_cycle_by_promotion_leaves_nobody() -> None:
    graph = filled(tx("B", "a", "b", priority=9))
    change = graph.insert(tx("A", "ab"))
    assert b"A" not in graph and b"B" not in graph
    assert {t.hash for t, _ in change.displaced} == {b"A", b"B"}
    assert change.promoted == ()
    assert (graph.ready_bytes, graph.future_bytes) == (0, 0)


def test_pruning_keeps_dependents_and_promotes() -> None:
    graph = filled(tx("A", "a"), tx("B", "b", "a"), tx("F", "f", "z"))
    pruned, change = graph.prune([b"a", b"z"])
    assert [t.hash for t in pruned] == [b"A"]
    assert change == Change((b"F",))
    assert names(graph) == "BF"
    assert not graph.provides(b"a")


def test_pruning_promotes_only_winners() -> None:
    graph = filled(tx("B", "b", priority=5), tx("C", "b", "a", priority=5))
    _, change = graph.prune([b"a"])
    assert [(t.hash, by) for t, by in change.displaced] == [(b"C", b"B")]


def test_removal_takes_dependents_along() -> None:
    graph = filled(tx("A", "a"), tx("B", "b", "a"), tx("C", "c", "b"), tx("D", "d"), tx("F", "f", "q"))
    assert {t.hash for t in graph.remove([b"A", b"F", b"nobody"])} == {b"A", b"B", b"C", b"F"}
    assert names(graph) == "D"
    assert graph.future_count == 0


def test_worst() -> None:
    graph = filled(tx("A", "a", priority=2), tx("B", "b", priority=1), tx("C", "c", priority=1), tx("F", "f", "q"))
    assert graph.worst_ready().hash == b"C"
    graph.insert(tx("G", "g", "q"))
    assert graph.worst_future().hash == b"G"


def test_renewal_keeps_the_place() -> None:
    graph = filled(tx("A", "a"), tx("B", "b"), tx("F", "f", "q"))
    graph.renew(tx("A", "a", valid_till=99))
    graph.renew(tx("F", "f", "q", valid_till=98))
    assert names(graph) == "AB"
    found = graph.get(b"A"), graph.get(b"F")
    assert [t.valid_till for t in found if t] == [99, 98]
    assert graph.get(b"nobody") is None


TAGS = st.sets(st.sampled_from("abcdefgh"), max_size=3).map("".join)


class GraphMachine(RuleBasedStateMachine):
    """Whatever happens, indexes agree, nobody is lost, and every ready transaction gets its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.graph = Graph()
        self.serial = 0
        self.here: set[bytes] = set()
        self.on_chain: set[bytes] = set()

    @rule(requires=TAGS, provides=TAGS.filter(bool), priority=st.integers(0, 5))
    def insert(self, requires: str, provides: str, priority: int) -> None:
        self.serial += 1
        transaction = tx(str(self.serial), provides, "".join(set(requires) - set(provides)), priority)
        try:
            change = self.graph.insert(transaction)
        except TooLowPriority:
            return
        self.here.add(transaction.hash)
        self.settle(change)

    @rule(tags=TAGS)
    def prune(self, tags: str) -> None:
        pruned, change = self.graph.prune([tag.encode() for tag in tags])
        self.here -= {t.hash for t in pruned}
        self.on_chain |= {tag.encode() for tag in tags}
        self.settle(change)

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        if self.here:
            victim = data.draw(st.sampled_from(sorted(self.here)))
            self.here -= {t.hash for t in self.graph.remove([victim])}
            assert victim not in self.here

    def settle(self, change: Change) -> None:
        self.here -= {t.hash for t, _ in change.displaced}
        assert set(change.promoted) <= self.here
        assert all(self.graph.is_ready(hash) for hash in change.promoted)

    @invariant()
    def nobody_is_lost(self) -> None:
        everybody = list(self.graph.transactions())
        assert {t.hash for t in everybody} == self.here
        assert len(everybody) == self.graph.ready_count + self.graph.future_count
        assert sum(len(t.extrinsic) for t in everybody) == self.graph.ready_bytes + self.graph.future_bytes

    @invariant()
    def providers_are_unique(self) -> None:
        tags = [tag for t in self.graph.transactions() if self.graph.is_ready(t.hash) for tag in t.provides]
        assert len(tags) == len(set(tags))
        assert all(self.graph.provides(tag) for tag in tags)

    @invariant()
    def futures_wait_for_something(self) -> None:
        for t in self.graph.future():
            missing = self.graph._missing[t.hash]
            assert missing and missing <= set(t.requires)
            assert not any(self.graph.provides(tag) for tag in missing)

    @invariant()
    def order_respects_dependencies(self) -> None:
        order = list(self.graph.ready())
        assert len({t.hash for t in order}) == len(order)
        provided: set[bytes] = set()
        for t in order:
            assert all(tag in provided or not self.graph.provides(tag) for tag in t.requires)
            provided.update(t.provides)

    @invariant()
    def indexes_hold_no_strangers(self) -> None:
        graph = self.graph
        assert set(graph._providers.values()) <= graph._ready.keys()
        assert {h for hashes in graph._dependents.values() for h in hashes} <= graph._ready.keys()
        assert {h for hashes in graph._waiting.values() for h in hashes} <= graph._future.keys()
        assert graph._missing.keys() == graph._future.keys()


GraphMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestGraphMachine = GraphMachine.TestCase
