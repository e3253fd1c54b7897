"""Child storage: tries of their own, in the state root, in transactions and in the database."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.frame.overlay import EmptyBackend, Overlay
from integritee.node.errors import RuntimePanic
from integritee.node.wasm.child_state import CHILD_STORAGE_DEFAULT, ChildState, keep_reachable
from integritee.node.wasm.errors import ChildStateUnavailable
from integritee.scale import encode, u32
from integritee.trie import EMPTY_ROOT, Layout, MissingNode, Trie

from .wat import Host

CHILD = b"crowd"
ROOT_KEY = CHILD_STORAGE_DEFAULT + CHILD
ITEMS = {b"a": b"1", b"ab": bytes(50), b"b": b"3"}


@pytest.fixture
def overlay() -> Overlay:
    """A state with a child trie, both committed."""
    overlay = Overlay(Trie.from_items({b"key": b"value"}))
    ChildState(overlay, CHILD).commit(ITEMS)
    return Overlay(overlay.settled())


@pytest.fixture
def host(overlay: Overlay) -> Host:
    return Host(overlay)


def child(host: Host, name: bytes = CHILD) -> ChildState:
    return ChildState(host.overlay, name)


def limit(count: int | None) -> bytes:
    return b"\0" if count is None else b"\1" + encode(u32, count)


def keys(host: Host) -> list[bytes]:
    return list(child(host).trie.keys())


@pytest.mark.parametrize("key, value", [(b"a", b"\1\4" + b"1"), (b"zz", b"\0")])
def test_get_and_exists(host: Host, key: bytes, value: bytes) -> None:
    assert host.call("default_child_storage_get_version_1", CHILD, key) == value
    assert host.call("default_child_storage_exists_version_1", CHILD, key)[0] == value[0]


def test_read(host: Host) -> None:
    answer, buffer = host.read("default_child_storage_read_version_1", CHILD, b"ab", 45, room=9)
    assert (answer, buffer) == (b"\1\5\0\0\0", bytes(9))


@pytest.mark.parametrize("key, following", [(b"", b"\1\4a"), (b"a", b"\1\x08ab"), (b"b", b"\0")])
def test_next_key(host: Host, key: bytes, following: bytes) -> None:
    assert host.call("default_child_storage_next_key_version_1", CHILD, key) == following


def test_what_is_written_is_under_the_root_in_the_main_trie(host: Host) -> None:
    host.call("default_child_storage_set_version_1", CHILD, b"c", b"4")
    host.call("default_child_storage_clear_version_1", CHILD, b"a")
    expected = Trie.from_items({b"ab": bytes(50), b"b": b"3", b"c": b"4"}).root()
    assert host.overlay.get(ROOT_KEY) == expected
    assert host.call("default_child_storage_root_version_1", CHILD) == expected
    assert host.call("default_child_storage_root_version_2", CHILD, 1) == expected
    main = {key: value for key, value in host.overlay.items() if key != ROOT_KEY}
    assert (
        host.call("storage_root_version_1")
        == Trie.from_items({**main, b":code": code(host), ROOT_KEY: expected}).root()
    )


def code(host: Host) -> bytes:
    """Of the runtime that made the last call."""
    return host.overlay.get(b":code") or b""


def test_an_empty_child_trie_leaves_nothing(host: Host) -> None:
    host.call("default_child_storage_storage_kill_version_1", CHILD)
    assert host.overlay.get(ROOT_KEY) is None
    assert host.call("default_child_storage_root_version_1", CHILD) == EMPTY_ROOT
    assert host.call("default_child_storage_get_version_1", CHILD, b"a") == b"\0"


def test_tries_do_not_know_each_other(host: Host) -> None:
    host.call("default_child_storage_set_version_1", b"other", b"a", b"x")
    assert child(host).get(b"a") == b"1"
    assert child(host, b"other").get(b"a") == b"x"
    assert host.overlay.get(b"a") is None


@pytest.mark.parametrize(
    "name, args, answer, left",
    [
        ("clear_prefix_version_1", (b"a",), b"", [b"b"]),
        ("clear_prefix_version_2", (b"a", limit(None)), b"\0\2\0\0\0", [b"b"]),
        ("clear_prefix_version_2", (b"a", limit(1)), b"\1\1\0\0\0", [b"ab", b"b"]),
        ("storage_kill_version_1", (), b"", []),
        ("storage_kill_version_2", (limit(2),), b"\0\0\0\0", [b"b"]),
        ("storage_kill_version_2", (limit(3),), b"\1\0\0\0", []),
        ("storage_kill_version_3", (limit(2),), b"\1\2\0\0\0", [b"b"]),
        ("storage_kill_version_3", (limit(None),), b"\0\3\0\0\0", []),
    ],
)
def test_removal(host: Host, name: str, args: tuple[bytes, ...], answer: bytes, left: list[bytes]) -> None:
    """What the block wrote goes first and is not counted."""
    child(host).put(b"ax", b"new")
    assert host.call(f"default_child_storage_{name}", CHILD, *args) == answer
    assert keys(host) == left


def test_rolled_back_with_the_transaction(overlay: Overlay) -> None:
    state = ChildState(overlay, CHILD)
    overlay.begin()
    state.put(b"a", b"changed")
    overlay.begin()
    state.remove(b"b")
    overlay.commit()
    assert (state.get(b"a"), state.get(b"b")) == (b"changed", None)
    overlay.rollback()
    assert (state.get(b"a"), state.get(b"b")) == (b"1", b"3")


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from([b"", b"a", b"ab", b"b"]), st.binary(max_size=40)),
        st.tuples(st.just("remove"), st.sampled_from([b"", b"a", b"ab", b"b"])),
        st.tuples(st.sampled_from(["begin", "commit", "rollback"])),
    ),
    max_size=30,
)


@given(STEPS, st.sampled_from(Layout))
def test_a_child_trie_is_a_map_with_transactions(steps: list[tuple[Any, ...]], layout: Layout) -> None:
    """Against a stack of dicts; its root is in the main trie whatever happened, or nothing is if it is empty."""
    overlay = Overlay(Trie.empty(layout))
    state, models = ChildState(overlay, CHILD), [dict[bytes, bytes]()]
    for name, *args in steps:
        match name:
            case "put":
                state.put(*args)
                models[-1][args[0]] = args[1]
            case "remove":
                state.remove(*args)
                models[-1].pop(args[0], None)
            case "begin":
                overlay.begin()
                models.append(dict(models[-1]))
            case "commit" if len(models) > 1:
                overlay.commit()
                models[-2:] = models[-1:]
            case "rollback" if len(models) > 1:
                overlay.rollback()
                models.pop()
        assert dict(state.trie.items()) == models[-1]
    root = Trie.from_items(models[-1], layout).root() if models[-1] else None
    assert overlay.get(ROOT_KEY) == root


def test_a_write_without_a_change_is_none(overlay: Overlay) -> None:
    ChildState(overlay, CHILD).put(b"a", b"1")
    assert not overlay.changes()


@pytest.mark.parametrize("layout", Layout)
def test_child_tries_have_the_layout_of_the_state(layout: Layout) -> None:
    overlay = Overlay(Trie.empty(layout))
    ChildState(overlay, CHILD).commit(ITEMS)
    assert overlay.get(ROOT_KEY) == Trie.from_items(ITEMS, layout).root()


@pytest.mark.parametrize("layout", Layout)
def test_the_database_gets_the_nodes_of_what_is_left(layout: Layout) -> None:
    """Tries that the block has replaced are not kept."""
    overlay = Overlay(Trie.from_items({b"key": b"value"}, layout))
    state, other = ChildState(overlay, CHILD), ChildState(overlay, b"other")
    for number in range(20):
        state.put(bytes((number,)), bytes((number,)) * 40)
        other.put(b"k", bytes((number,)) * 40)
    keep_reachable(overlay)
    settled = overlay.settled()
    assert isinstance(settled, Trie)
    nodes = settled.new_nodes()
    alone = Trie.from_items({key: value for key, value in settled.items()}, layout)
    assert set(nodes) == {*alone.new_nodes(), *state.trie.new_nodes(), *other.trie.new_nodes()}
    settled.mark_persisted()
    assert not settled.new_nodes()
    later = Overlay(Trie.at(settled.root(), nodes, layout))
    assert ChildState(later, CHILD).get(b"\x13") == b"\x13" * 40
    assert [ChildState(later, b"other").get(key) for key in (b"k", b"l")] == [b"\x13" * 40, None]
    ChildState(later, CHILD).remove(b"\x13")
    again = later.settled()
    assert isinstance(again, Trie)
    assert ChildState(Overlay(again), CHILD).get(b"\x12") == b"\x12" * 40


def test_a_child_trie_that_is_lost() -> None:
    overlay = Overlay(Trie.from_items({ROOT_KEY: bytes(32)}))
    with pytest.raises(MissingNode):
        ChildState(overlay, CHILD).get(b"a")


def test_without_a_trie_below_there_are_none() -> None:
    with pytest.raises(ChildStateUnavailable):
        ChildState(Overlay(EmptyBackend()), CHILD).put(b"a", b"1")


def test_there_are_two_state_versions(host: Host) -> None:
    with pytest.raises(RuntimePanic, match="no state version 2"):
        host.call("default_child_storage_root_version_2", CHILD, 2)
