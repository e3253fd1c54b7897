"""The trie as a persistent map: commits, sharing, iteration, and nodes that come from and go to a database."""

from __future__ import annotations

import gc
from bisect import bisect_left, bisect_right

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.enclave.selftest.damage import flipped
from integritee.trie import (
    EMPTY_ROOT,
    MAX_KEY_BYTES,
    MAX_VALUE_BYTES,
    CorruptNode,
    KeyTooLong,
    Layout,
    MalformedNode,
    MissingNode,
    Trie,
    ValueTooLong,
    verify_proof,
)
from integritee.trie.node import Node, value_in

from .reference_trie import blake2_256, reference_trie
from .trie_strategies import apply, changes, hashed_keys, keys, layouts, maps, size


class Database(dict):
    """A node database that remembers which hashes were asked for."""

    def __init__(self, *args):
        super().__init__(*args)
        self.asked: list[bytes] = []

    def get(self, hash, /):
        self.asked.append(hash)
        return super().get(hash)


def stored(items, layout=Layout.V0) -> tuple[bytes, Database]:
    trie = Trie.from_items(items, layout)
    return trie.root(), Database(trie.new_nodes())


def account(i: int) -> bytes:
    who = blake2_256(i.to_bytes(4, "little"))
    return bytes.fromhex("26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9") + who[:16] + who


ACCOUNTS = {account(i): bytes([i % 251]) * 80 for i in range(1000)}


@settings(max_examples=150)
@given(maps, st.lists(st.tuples(changes, st.booleans()), max_size=6), layouts)
def test_commits_equal_a_trie_built_from_scratch(items, steps, layout):
    """After every commit: root, content and new nodes are those of the reference; earlier tries stay as
    they were; and a database that was given the new nodes of each step is enough to go on from."""
    trie = Trie.from_items(items, layout)
    database = Database()
    history = []
    for change, reopen in [({}, False), *steps]:
        items = apply(items, change)
        trie = trie.commit(change)
        root, nodes = reference_trie(items, hashed_keys(items, layout))
        assert trie.root() == root
        assert list(trie.items()) == sorted(items.items())

        new = trie.new_nodes()
        assert new.items() <= nodes.items()
        assert not items or nodes.keys() - database.keys() <= new.keys()
        database.update(new)
        trie.mark_persisted()
        assert trie.new_nodes() == {}

        history.append((trie, root, items))
        if reopen:
            trie = Trie.at(root, database, layout)
    for trie, root, items in history:
        assert trie.root() == root
        assert dict(trie.items()) == items == dict(Trie.at(root, database).items())


small_keys = st.tuples(st.sampled_from([0x11, 0x12, 0x15, 0x51]), st.sampled_from([0x0F, 0x1F, 0xF0])).map(bytes)
small_values = st.sampled_from([b"a" * 40, b"b" * 40, b"c" * 40, b"short"])
"""Nearly all too long for an inline node."""


@settings(max_examples=300)
@given(
    st.dictionaries(small_keys, small_values, min_size=4),
    st.lists(
        st.tuples(st.dictionaries(small_keys, st.none() | small_values, min_size=1, max_size=4), st.booleans()),
        min_size=1,
        max_size=5,
    ),
)
def test_children_come_and_go(items, steps):
    """Children of few branches change, appear, vanish and become inline, with the root asked between or not."""
    trie = Trie.from_items(items)
    trie.root()
    for change, is_asked in steps:
        before, items_before = trie, items
        items = apply(items, change)
        trie = trie.commit(change)
        if is_asked:
            assert trie.root() == reference_trie(items)[0]
        assert dict(before.items()) == items_before
    assert trie.root() == reference_trie(items)[0]


@given(maps, changes, layouts, layouts, st.booleans())
def test_growth_is_that_of_keys_and_values(items, change, before, after, is_loaded):
    trie = Trie.from_items(items, before) if is_loaded else Trie.at(*stored(items, before))
    grown, growth = trie.in_layout(after).grow(change)
    assert grown.root() == trie.in_layout(after).commit(change).root()
    assert growth == size(apply(items, change)) - size(items)


@given(maps, changes, layouts)
def test_reading(items, change, layout):
    trie = Trie.from_items(items, layout).commit(change)
    items = apply(items, change)
    for key in [*items, *change, b"", b"\x01\x02\x03"]:
        assert trie.get(key) == items.get(key)
        assert (key in trie) == (key in items)


@given(maps, keys, st.one_of(st.none(), keys), layouts)
def test_iteration(items, prefix, start, layout):
    root, database = stored(items, layout)
    ordered = sorted(items)
    expected = [key for key in ordered if key.startswith(prefix) and (start is None or key >= start)]
    for trie in (Trie.from_items(items, layout), Trie.at(root, database)):
        assert list(trie.keys(prefix, start)) == expected
        assert list(trie.items(prefix, start)) == [(key, items[key]) for key in expected]
        assert list(trie.keys()) == ordered
        after = ordered[bisect_right(ordered, prefix) :]
        assert trie.next_key(prefix) == (after[0] if after else None)
        assert next(trie.keys(start=prefix), None) == next(iter(ordered[bisect_left(ordered, prefix) :]), None)


def test_an_empty_value_is_a_value():
    trie = Trie.from_items({b"k": b""})
    assert trie.get(b"k") == b"" and b"k" in trie and list(trie.items()) == [(b"k", b"")]
    assert trie.commit({b"k": None}).root() == EMPTY_ROOT


def test_last_value_of_a_key_counts():
    assert Trie.from_items([(b"k", b"1"), (b"k", b"2")]).get(b"k") == b"2"


# --- commits


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize(
    ("before", "removed", "left"),
    [
        ("12", "12", ""),  # the only leaf
        ("12 1234 1245", "12", "1234 1245"),  # value of a branch with two children
        ("12 1234", "12", "1234"),  # value of a branch with one child: they become one leaf
        ("12 1234", "1234", "12"),  # child of a branch with a value: it becomes a leaf
        ("1234 1245", "1245", "1234"),  # one of two leaves: branch and leaf become one leaf
        ("1234 1245 1245ff 1245ee", "1234", "1245 1245ff 1245ee"),  # branch and branch become one branch
        ("1234 1245 20", "20", "1234 1245"),  # the root itself goes
        ("1234 1235 1236", "1235", "1234 1236"),  # nothing collapses
    ],
)
def test_deletion_collapses_branches(before, removed, left, layout):
    def items(names):
        return {bytes.fromhex(name): name.encode() * 10 for name in names.split()}

    root, database = stored(items(before), layout)
    for trie in (Trie.from_items(items(before), layout), Trie.at(root, database, layout)):
        after = trie.commit({bytes.fromhex(removed): None})
        assert after.root() == Trie.from_items(items(left), layout).root()
        assert after.root() == reference_trie(items(left), hashed_keys(items(left), layout))[0]
        assert trie.root() == root


@given(maps, layouts)
def test_changes_that_change_nothing_keep_the_handle(items, layout):
    root, database = stored(items, layout)
    absent = {key + b"\xee": None for key in items if key + b"\xee" not in items}
    for trie in (Trie.from_items(items, layout), Trie.at(root, database, layout)):
        assert trie.commit({**items, **absent}) is trie
        assert trie.commit({}) is trie


def test_commit_leaves_unchanged_subtrees_shared():
    before = Trie.from_items(ACCOUNTS)
    before.root()
    key = account(7)
    after = before.commit({key: b"new"})

    def nodes(trie):
        found, waiting = {}, [trie._root]
        while waiting:
            node = waiting.pop()
            found[id(node)] = node
            waiting += [child for child in node.children or [] if isinstance(child, Node)]
        return found

    fresh = [node for id, node in nodes(after).items() if id not in nodes(before)]
    assert not any(node.reference for node in fresh)
    assert all(node.reference for node in nodes(before).values())
    assert len(fresh) == len(after.prove([key]))


def test_new_nodes_are_those_of_the_changed_paths():
    trie = Trie.from_items(ACCOUNTS)
    trie.mark_persisted()
    changed = [account(3), account(500)]
    after = trie.commit({key: b"new" for key in changed})
    assert sorted(after.new_nodes().values()) == sorted(after.prove(changed))
    later = after.commit({account(3): b"newer"})
    assert len(later.new_nodes()) > len(later.prove([account(3)])), "`after` was not persisted yet"
    after.mark_persisted()
    assert sorted(later.new_nodes().values()) == sorted(later.prove([account(3)]))


def test_a_hashed_value_is_new_only_once():
    trie = Trie.from_items({b"code": b"c" * 100, b"cold": b"1"}, Layout.V1)
    assert blake2_256(b"c" * 100) in trie.new_nodes()
    trie.mark_persisted()
    after = trie.commit({b"code2": b"2"})  # the node of `code` becomes another one, its value stays
    assert set(after.new_nodes().values()) == set(after.prove([b"code2"]))
    assert after.get(b"code") == b"c" * 100


def test_forks_persist_independently():
    trie = Trie.from_items(ACCOUNTS)
    database = Database(trie.new_nodes())
    trie.mark_persisted()
    left, right = trie.commit({b"l": b"1"}), trie.commit({b"r": b"1", account(1): None})
    database.update(left.new_nodes())
    left.mark_persisted()
    assert right.new_nodes()
    database.update(right.new_nodes())
    assert dict(Trie.at(left.root(), database).items()) == {**ACCOUNTS, b"l": b"1"}
    assert Trie.at(right.root(), database).get(account(1)) is None


@given(maps, st.sets(keys, max_size=8))
def test_a_new_layout_applies_to_values_written_from_then_on(items, rewritten):
    root, database = stored(items, Layout.V0)
    rewritten &= items.keys()
    trie = Trie.at(root, database, Layout.V1).commit({key: items[key] for key in rewritten})
    expected, nodes = reference_trie(items, hashed_keys(items, Layout.V1) & rewritten)
    assert trie.root() == expected
    assert trie.layout is Layout.V1
    database.update(trie.new_nodes())
    assert nodes.items() <= {**database, EMPTY_ROOT: b"\0"}.items()
    assert dict(Trie.at(expected, database).items()) == items


# --- nodes from a source


def test_nodes_are_loaded_on_demand_and_once():
    root, database = stored(ACCOUNTS)
    trie = Trie.at(root, database)
    assert trie.root() == root
    assert database.asked == []
    assert trie.get(account(5)) == ACCOUNTS[account(5)]
    proof = trie.prove([account(5)])
    assert trie.get(account(5)) is not None
    assert database.asked == [blake2_256(node) for node in proof]


def test_next_key_and_keys_load_only_their_way():
    root, database = stored({key: b"v" * 200 for key in ACCOUNTS}, Layout.V1)
    first, second = sorted(ACCOUNTS)[500:502]
    trie = Trie.at(root, database)
    assert trie.next_key(first) == second
    assert len(database.asked) <= 2 * len(trie.prove([first]))
    asked = len(database.asked)
    assert list(trie.keys(first)) == [first]
    assert not {blake2_256(b"v" * 200)} & set(database.asked[asked:]), "keys do not need values"


@given(maps.filter(bool), layouts)
def test_every_missing_node_is_named(items, layout):
    root, database = stored(items, layout)
    for hash in list(database):
        lacking = Database({other: node for other, node in database.items() if other != hash})
        with pytest.raises(MissingNode) as caught:
            list(Trie.at(root, lacking).items())
        assert caught.value.hash == hash
        assert caught.value.data() == {"hash": "0x" + hash.hex()}


def test_a_source_is_not_trusted():
    root, database = stored(ACCOUNTS)
    for hash, node in list(database.items()):
        database[hash] = flipped(node, -1)
    with pytest.raises(CorruptNode) as caught:
        Trie.at(root, database).get(account(1))
    assert caught.value.expected == root
    assert caught.value.found == blake2_256(database[root])


@pytest.mark.parametrize(
    ("root_node", "others"),
    [
        ("42 aa 04bb 00", []),
        ("80 0300 80" + blake2_256(b"\0").hex() + "80" + blake2_256(b"\0").hex(), [b"\0"]),
        ("22 12" + blake2_256(b"short").hex(), [b"short"]),
    ],
)
def test_malformed_nodes_of_a_source(root_node, others):
    nodes = [bytes.fromhex(root_node), *others]
    database = {blake2_256(node): node for node in nodes}
    with pytest.raises(MalformedNode):
        list(Trie.at(blake2_256(nodes[0]), database).items())


def test_a_trie_over_proof_nodes_computes_the_next_root():
    """Who knows the nodes on the way to some keys can change those keys and know the new root."""
    whole = Trie.from_items(ACCOUNTS)
    touched = [account(1), account(2), b"absent"]
    partial = Trie.at(whole.root(), {blake2_256(node): node for node in whole.prove(touched)})
    change = {account(1): b"1", account(2): b"2", b"absent": b"3"}
    assert partial.commit(change).root() == whole.commit(change).root()
    with pytest.raises(MissingNode):
        partial.get(account(600))


def test_a_failed_commit_changes_nothing():
    whole = Trie.from_items(ACCOUNTS)
    partial = Trie.at(whole.root(), {blake2_256(node): node for node in whole.prove([account(1)])})
    with pytest.raises(MissingNode):
        partial.commit({account(1): b"1", **{key: None for key in ACCOUNTS}})
    assert partial.root() == whole.root()
    assert partial.get(account(1)) == ACCOUNTS[account(1)]


# --- limits


def test_long_keys_and_values():
    longest = b"\x07" * MAX_KEY_BYTES
    trie = Trie.from_items({longest: b"1", longest[:-1]: b"2", b"v": b"x" * 70_000})
    again = Trie.at(trie.root(), trie.new_nodes())
    assert again.get(longest) == b"1" and again.get(longest[:-1]) == b"2" and again.get(b"v") == b"x" * 70_000
    assert again.next_key(longest) == b"v"
    for attempt in (trie.get, trie.__contains__, trie.next_key, lambda key: trie.commit({key: b""})):
        with pytest.raises(KeyTooLong) as caught:
            attempt(longest + b"\0")
        assert caught.value.data() == {"found": MAX_KEY_BYTES + 1, "limit": MAX_KEY_BYTES}


def test_values_too_long_for_their_prefix():
    class Huge(bytes):
        def __len__(self):
            return MAX_VALUE_BYTES + 1

    with pytest.raises(ValueTooLong):
        value_in(Layout.V0, Huge())


def test_depth_is_not_limited_by_the_interpreter():
    """One branch per byte, far beyond the recursion limit, in every operation."""
    items = {b"\x11" * n: b"v%d" % n for n in range(1200)}
    trie = Trie.from_items(items)
    database = trie.new_nodes()
    again = Trie.at(trie.root(), database)
    assert dict(again.items()) == items
    deepest = b"\x11" * 1199
    assert verify_proof(trie.root(), again.prove([deepest]), [deepest]) == {deepest: b"v1199"}
    trie.mark_persisted()
    assert (
        trie.commit({deepest: None, b"\x11": b"x"}).commit({deepest: b"v1199", b"\x11": b"v1"}).root() == trie.root()
    )
    assert again.commit(dict.fromkeys(items)).root() == EMPTY_ROOT


def test_tries_leave_no_cyclic_garbage():
    gc.collect()
    gc.disable()
    try:
        trie = Trie.from_items(ACCOUNTS, Layout.V1)
        trie = Trie.at(trie.root(), trie.new_nodes()).commit({account(1): None})
        list(trie.items())
        trie.prove([account(2)])
        del trie
        assert gc.collect() == 0
    finally:
        gc.enable()


# --- subtries


@given(maps, maps, layouts)
def test_what_a_trie_carries_is_stored_with_it(items, others, layout):
    """The nodes of a subtrie are new as long as it is carried and not persisted."""
    subtrie = Trie.from_items(others, layout)
    alone = Trie.from_items(items, layout)
    carrying = alone.carrying({subtrie.root(): subtrie})
    assert carrying.root() == alone.root()
    assert carrying.subtrie(subtrie.root()) is subtrie
    assert carrying.new_nodes() == {**subtrie.new_nodes(), **alone.new_nodes()}
    later = carrying.commit({b"later": b"x"})
    assert later.subtrie(subtrie.root()) is subtrie
    database = later.new_nodes()
    later.mark_persisted()
    assert not later.new_nodes() and not later.subtries
    reopened = Trie.at(later.root(), database, layout)
    assert dict(reopened.subtrie(subtrie.root()).items()) == dict(subtrie.items())
    assert dict(reopened.items()) == dict(later.items())


@given(maps, changes, layouts, layouts)
def test_another_layout_leaves_what_is_there(items, changed, before, after):
    trie = Trie.from_items(items, before)
    other = trie.in_layout(after)
    assert (other.layout, other.root(), dict(other.items())) == (after, trie.root(), dict(trie.items()))
    assert dict(other.commit(changed).items()) == dict(trie.commit(changed).items())
    fresh = Trie.empty(before).in_layout(after).commit(items)
    assert fresh.root() == Trie.from_items(items, after).root()
