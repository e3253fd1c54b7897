"""The overlay against a model: nested transactions, iteration, growing lists, the settled state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from integritee.frame.overlay import MAX_TRANSACTIONS, EmptyBackend, Overlay, apply_changes
from integritee.scale import Bytes4, decode, encode
from integritee.trie import Layout, Trie

COMMITTED = {b"a": b"1", b"ab": b"2", b"abc": b"3", b"b": b"4", b"ba": b"5", b"list": encode(list[Bytes4], [b"zero"])}

keys = st.sampled_from([b"a", b"aa", b"ab", b"abc", b"abd", b"b", b"ba", b"c"])
values = st.binary(max_size=4)
prefixes = st.sampled_from([b"", b"a", b"ab", b"b", b"x"])


class OverlayMachine(RuleBasedStateMachine):
    """Compares with a stack of dicts, and one of the keys that were written."""

    def __init__(self) -> None:
        super().__init__()
        self.overlay = Overlay(Trie.from_items(COMMITTED))
        self.stack: list[dict[bytes, bytes]] = [dict(COMMITTED)]
        self.written: list[set[bytes]] = [set()]

    @property
    def model(self) -> dict[bytes, bytes]:
        return self.stack[-1]

    @rule(key=keys, value=values)
    def put(self, key: bytes, value: bytes) -> None:
        self.overlay.put(key, value)
        self.model[key] = value
        self.written[-1].add(key)

    @rule(items=st.lists(st.binary(min_size=4, max_size=4), max_size=3))
    def put_list(self, items: list[bytes]) -> None:
        self.put(b"list", encode(list[Bytes4], items))

    @rule(key=keys | st.just(b"list"))
    def remove(self, key: bytes) -> None:
        self.overlay.remove(key)
        self.model.pop(key, None)
        self.written[-1].add(key)

    @rule(items=st.lists(st.binary(min_size=4, max_size=4), max_size=3))
    def append(self, items: list[bytes]) -> None:
        self.overlay.append(b"list", items)
        before = decode(list[Bytes4], self.model.get(b"list", b"\0"))
        self.model[b"list"] = encode(list[Bytes4], before + items)
        self.written[-1].add(b"list")

    @rule(prefix=prefixes, limit=st.none() | st.integers(0, 2))
    def clear_prefix(self, prefix: bytes, limit: int | None) -> None:
        doomed = sorted(k for k in self.model if k.startswith(prefix))[:limit]
        assert self.overlay.clear_prefix(prefix, limit) == len(doomed)
        for key in doomed:
            del self.model[key]
        self.written[-1].update(doomed)

    @precondition(lambda self: len(self.stack) < 6)
    @rule()
    def begin(self) -> None:
        self.overlay.begin()
        self.stack.append(dict(self.model))
        self.written.append(set(self.written[-1]))

    @precondition(lambda self: len(self.stack) > 1)
    @rule()
    def commit(self) -> None:
        self.overlay.commit()
        del self.stack[-2], self.written[-2]

    @precondition(lambda self: len(self.stack) > 1)
    @rule()
    def rollback(self) -> None:
        self.overlay.rollback()
        self.stack.pop()
        self.written.pop()

    @rule(prefix=prefixes, start=st.none() | keys)
    def iterate(self, prefix: bytes, start: bytes | None) -> None:
        expected = sorted(
            (k, v) for k, v in self.model.items() if k.startswith(prefix) and (start is None or k >= start)
        )
        assert list(self.overlay.items(prefix, start)) == expected

    @rule(key=keys)
    def next_key(self, key: bytes) -> None:
        assert self.overlay.next_key(key) == min((k for k in self.model if k > key), default=None)

    @invariant()
    def same_contents(self) -> None:
        assert self.overlay.depth == len(self.stack) - 1
        for key in (*COMMITTED, b"aa", b"abd", b"c"):
            assert self.overlay.get(key) == self.model.get(key)

    @invariant()
    def same_writes(self) -> None:
        """What a transaction wrote that was rolled back has never been written."""
        assert self.overlay.touched() == self.overlay.changes().keys() == self.written[-1]

    @invariant()
    def same_outcome(self) -> None:
        state = dict(COMMITTED)
        apply_changes(state, self.overlay.changes())
        assert state == self.model
        assert self.overlay.settled().root() == Trie.from_items(self.model).root()


OverlayMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestOverlayMachine = OverlayMachine.TestCase


def test_the_backend_never_changes() -> None:
    trie = Trie.from_items(COMMITTED)
    overlay = Overlay(trie)
    overlay.put(b"a", b"new")
    overlay.remove(b"b")
    overlay.append(b"list", [b"more"])
    assert trie.root() == Trie.from_items(COMMITTED).root()


def test_transactions_are_bounded() -> None:
    overlay = Overlay(EmptyBackend())
    for _ in range(MAX_TRANSACTIONS):
        overlay.begin()
    with pytest.raises(RecursionError):
        overlay.begin()
    assert overlay.depth == MAX_TRANSACTIONS


def test_the_settled_state_is_made_once() -> None:
    commits = 0

    class Counting(Trie):
        def commit(self, changes: object) -> Trie:
            nonlocal commits
            commits += 1
            return Trie.from_items(COMMITTED).commit(changes)  # type: ignore[arg-type]

    overlay = Overlay(Counting.empty())
    overlay.put(b"k", b"v")
    assert overlay.settled() is overlay.settled()
    overlay.begin()
    overlay.put(b"k", b"w")
    assert overlay.settled().root() != Trie.from_items(COMMITTED | {b"k": b"v"}).root()
    overlay.rollback()
    assert overlay.settled().root() == Trie.from_items(COMMITTED | {b"k": b"v"}).root()
    assert commits == 3


def test_a_state_without_root_cannot_settle() -> None:
    overlay = Overlay(EmptyBackend())
    with pytest.raises(TypeError):
        overlay.settled()


def test_writes_while_iterating_do_not_show() -> None:
    overlay = Overlay(Trie.from_items(COMMITTED))
    overlay.put(b"aa", b"x")

    def removing() -> Iterator[bytes]:
        for key, _ in overlay.items(b"a"):
            overlay.remove(key)
            overlay.put(b"az", b"")
            yield key

    assert list(removing()) == [b"a", b"aa", b"ab", b"abc"]


def test_appending_costs_the_same_at_any_length() -> None:
    """Items already there are not touched, so a list of many grows as fast as a short one."""
    overlay = Overlay(EmptyBackend())
    for i in range(2000):
        overlay.begin()
        overlay.append(b"list", [encode(Bytes4, i.to_bytes(4, "little"))])
        overlay.commit()
    found = decode(list[Bytes4], overlay.get(b"list") or b"")
    assert found == [i.to_bytes(4, "little") for i in range(2000)]


def test_undoing_costs_what_was_done_since() -> None:
    """A list of many items is cut back to them, not copied."""
    overlay = Overlay(EmptyBackend())
    overlay.append(b"list", [b"%05d" % i for i in range(20_000)])
    before = overlay.get(b"list")
    for _ in range(20_000):
        overlay.begin()
        overlay.append(b"list", [b"undone"])
        overlay.rollback()
    assert overlay.get(b"list") == before


def test_undone_is_what_came_after_an_inner_commit_too() -> None:
    overlay = Overlay(EmptyBackend())
    overlay.append(b"list", [b"a"])
    overlay.begin()
    overlay.begin()
    overlay.append(b"list", [b"b"])
    overlay.commit()
    overlay.append(b"list", [b"c"])
    overlay.remove(b"list")
    overlay.append(b"list", [b"d"])
    assert overlay.get(b"list") == b"\x04d"
    overlay.rollback()
    assert overlay.get(b"list") == b"\x04a"


@pytest.mark.parametrize("prefix, touched", [(b"", {b"aa", b"ab", b"b"}), (b"a", {b"aa", b"ab"}), (b"x", set())])
def test_touched_keys(prefix: bytes, touched: set[bytes]) -> None:
    """Written or deleted, in whichever transaction."""
    overlay = Overlay(Trie.from_items(COMMITTED))
    overlay.put(b"aa", b"x")
    overlay.begin()
    overlay.remove(b"ab")
    overlay.append(b"b", [b"y"])
    assert overlay.touched(prefix) == touched


def test_rebase_settles_anew() -> None:
    """On another handle of the same state, here one with another layout."""
    backend = Trie.from_items(COMMITTED)
    overlay = Overlay(backend)
    overlay.put(b"long", bytes(40))
    before = overlay.settled().root()
    overlay.rebase(backend.in_layout(Layout.V1))
    assert overlay.get(b"a") == COMMITTED[b"a"]
    assert overlay.settled().root() == backend.in_layout(Layout.V1).commit({b"long": bytes(40)}).root() != before


@pytest.mark.parametrize("before", [b"\x03", b"\x01\x00", b"\x02"])
def test_appending_to_what_is_no_list_begins_one(before: bytes) -> None:
    overlay = Overlay(Trie.from_items({b"list": before}))
    overlay.append(b"list", [b"x"])
    assert overlay.get(b"list") == b"\x04x"
