"""Moving tries chunk by chunk: complete for honest senders, nothing wrong is ever kept from others."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.enclave.selftest.damage import flipped
from integritee.trie import EMPTY_ROOT, CorruptNode, Layout, MalformedNode, Trie, TrieError
from integritee.trie import transfer as module
from integritee.trie.codec import encode, seal
from integritee.trie.errors import (
    ChunkSurplus,
    ChunkTooLarge,
    ChunkTruncated,
    TransferIncomplete,
    TransferPathUnknown,
)
from integritee.trie.node import Node
from integritee.trie.transfer import MAX_CHUNK_BYTES, MAX_CHUNK_NODES, MAX_NODE_BYTES, Assembly, cut

from .reference_trie import blake2_256
from .trie_strategies import layouts, maps

STATE = {bytes([i, j, k]) * 11: bytes([i]) * (10 * j) for i in range(0, 250, 25) for j in range(8) for k in range(4)}
OTHER = {key: value + b"!" for key, value in STATE.items()}


def chunks_of(trie: Trie) -> list[list[bytes]]:
    found = []
    path: bytes | None = b""
    while path is not None:
        blobs, path = cut(trie, path)
        found.append(blobs)
    return found


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CHUNK_BYTES", 2048)


@given(maps, layouts, st.integers(1, 2000), st.integers(2, 50))
def test_what_arrives_is_what_was_sent(items, layout, limit, nodes):
    """In chunks of any size, the receiver telling the sender where it stands, from nodes in memory or a source."""
    trie = Trie.from_items(items, layout)
    sources = [trie, Trie.at(trie.root(), trie.new_nodes())]
    assembly = Assembly(trie.root(), layout)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_CHUNK_BYTES", limit)
        patch.setattr(module, "MAX_CHUNK_NODES", nodes)
        expected: bytes | None = b"" if items else None
        turn = 0
        while assembly.path is not None:
            assert assembly.path == expected
            blobs, expected = cut(sources[turn % 2], assembly.path)
            assembly.add(blobs)
            turn += 1
    arrived = assembly.trie()
    assert dict(arrived.items()) == items
    assert arrived.root() == Trie.from_items(dict(arrived.items()), layout).root() == trie.root()
    assert arrived.new_nodes() == trie.new_nodes()
    assert assembly.entries == len(items)
    assert arrived.commit({b"later": b"x"}).root() == trie.commit({b"later": b"x"}).root()


def test_limits_of_honest_chunks(small_chunks):
    chunks = chunks_of(Trie.from_items(STATE))
    assert len(chunks) > 10
    for blobs in chunks:
        assert sum(map(len, blobs)) <= 2048


def test_nodes_of_a_chunk_are_bounded():
    items = {i.to_bytes(32, "big"): i.to_bytes(32, "big") for i in range(3 * MAX_CHUNK_NODES)}
    assert {len(blobs) for blobs in chunks_of(Trie.from_items(items))[:-1]} == {MAX_CHUNK_NODES}


@pytest.mark.parametrize("layout", Layout)
def test_a_large_value_is_a_chunk_of_its_own(layout):
    large = b"v" * (2 * MAX_CHUNK_BYTES)
    trie = Trie.from_items({b"a" * 40: b"1", b"b" * 40: large, b"c" * 40: b"2"}, layout)
    chunks = chunks_of(trie)
    assembly = Assembly(trie.root(), layout)
    for blobs in chunks:
        assembly.add(blobs)
    assert assembly.trie().get(b"b" * 40) == large
    assert [sum(map(len, blobs)) > MAX_CHUNK_BYTES for blobs in chunks].count(True) == 1


def test_a_node_that_no_chunk_holds_is_not_sent():
    with pytest.raises(ChunkTooLarge) as caught:
        cut(Trie.from_items({b"k": bytes(MAX_NODE_BYTES)}))
    assert caught.value.data() == {"unit": "bytes", "found": MAX_NODE_BYTES + 6, "limit": MAX_NODE_BYTES}


def test_the_empty_trie_needs_no_chunk():
    assert cut(Trie.empty()) == ([], None)
    assembly = Assembly(EMPTY_ROOT)
    assert assembly.path is None
    assert assembly.trie().root() == EMPTY_ROOT
    with pytest.raises(ChunkSurplus):
        assembly.add([b"\0"])


@pytest.mark.parametrize("path", [b"\x0f", b"\0" * 7, b"\0" * 66, b"\x01\x09\x00", b"rubbish"])
def test_there_is_no_chunk_where_no_node_is(path):
    for trie in (Trie.from_items(STATE), Trie.empty()):
        with pytest.raises(TransferPathUnknown) as caught:
            cut(trie, path)
        assert caught.value.path == path


def test_a_trie_is_not_handed_out_before_it_is_complete(small_chunks):
    trie = Trie.from_items(STATE)
    assembly = Assembly(trie.root())
    for blobs in chunks_of(trie)[:-1]:
        with pytest.raises(TransferIncomplete) as caught:
            assembly.trie()
        assert caught.value.path == assembly.path
        assembly.add(blobs)
    with pytest.raises(TransferIncomplete):
        assembly.trie()


# --- hostile senders


def branch(children: list[Node | None]) -> bytes:
    node = Node(b"", None, [*children])
    seal(node)
    return encode(node)


ATTACKS = {
    "altered value": (lambda chunk, _: [*chunk[:3], flipped(chunk[3], -1), *chunk[4:]], CorruptNode),
    "dropped entry": (lambda chunk, _: chunk[:3] + chunk[4:], CorruptNode),
    "added entry": (lambda chunk, _: [*chunk[:3], encode(Node(b"\1" * 50, b"mine" * 9)), *chunk[3:]], CorruptNode),
    "entry twice": (lambda chunk, _: [*chunk[:3], chunk[3], *chunk[3:]], CorruptNode),
    "entries swapped": (lambda chunk, _: [*chunk[:3], chunk[4], chunk[3], *chunk[5:]], CorruptNode),
    "rubbish": (lambda chunk, _: [b"rubbish", *chunk], CorruptNode),
    "empty node": (lambda chunk, _: [b"", *chunk], CorruptNode),
    "chunks swapped": (lambda _, chunks: chunks[2], CorruptNode),
    "chunk again": (lambda _, chunks: chunks[0], CorruptNode),
    "chunk of another root": (lambda _, chunks: chunks_of(Trie.from_items(OTHER))[1], CorruptNode),
    "empty chunk": (lambda _, __: [], ChunkTruncated),
    "too many nodes": (lambda chunk, _: chunk * MAX_CHUNK_NODES, ChunkTooLarge),
    "too many bytes": (lambda chunk, _: [*chunk, bytes(MAX_NODE_BYTES)], ChunkTooLarge),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks(attack, small_chunks):
    """Each is refused at the blob that is wrong; the transfer then goes on as if nothing had been."""
    make, error = ATTACKS[attack]
    trie = Trie.from_items(STATE)
    chunks = chunks_of(trie)
    assembly = Assembly(trie.root())
    assembly.add(chunks[0])
    with pytest.raises(error):
        assembly.add(make(chunks[1], chunks))
    while assembly.path is not None:
        assembly.add(cut(trie, assembly.path)[0])
    assert assembly.trie().root() == trie.root()
    assert dict(assembly.trie().items()) == STATE
    assert assembly.entries == len(STATE)


def test_entries_added_behind_the_end():
    trie = Trie.from_items(STATE)
    blobs, end = cut(trie)
    assert end is None
    with pytest.raises(ChunkSurplus):
        Assembly(trie.root()).add([*blobs, blobs[-1]])


def test_a_chunk_without_the_value_of_its_last_node():
    trie = Trie.from_items({b"k": b"v" * 40}, Layout.V1)
    node, value = cut(trie)[0]
    assembly = Assembly(trie.root(), Layout.V1)
    with pytest.raises(ChunkTruncated):
        assembly.add([node])
    with pytest.raises(CorruptNode):
        assembly.add([node, value + b"!"])
    assembly.add([node, value])
    assert assembly.trie().get(b"k") == value


@pytest.mark.parametrize(
    ("reason", "root", "more"),
    [
        ("value at the end of no key", encode(Node(b"\1", b"v" * 40)), []),
        ("value at the end of no key", branch([None] * 14 + [Node(b"", b"v")] * 2), []),
        ("short value kept outside", b"\x22k" + blake2_256(b"short"), [b"short"]),
        ("bytes after the node", encode(Node(b"\1\2", b"v" * 40)) + b"\0", []),
    ],
    ids=["odd key", "odd key inline", "short value", "trailing bytes"],
)
def test_who_chooses_the_root_gets_no_impossible_trie_in(reason, root, more):
    with pytest.raises(MalformedNode, match=reason):
        Assembly(blake2_256(root)).add([root, *more])


@settings(max_examples=200)
@given(st.data())
def test_one_changed_bit_is_never_taken(data):
    trie = Trie.from_items(STATE, Layout.V1)
    blobs, _ = cut(trie)
    at = data.draw(st.integers(0, len(blobs) - 1))
    bit = data.draw(st.integers(0, 8 * len(blobs[at]) - 1)) if blobs[at] else 0
    changed = flipped(blobs[at], bit // 8, 1 << bit % 8)
    assembly = Assembly(trie.root(), Layout.V1)
    with pytest.raises(CorruptNode) as caught:
        assembly.add([*blobs[:at], changed, *blobs[at + 1 :]])
    assert caught.value.expected == blake2_256(blobs[at])
    assert caught.value.found == blake2_256(changed)


@given(st.lists(st.binary(max_size=70), max_size=5))
def test_arbitrary_bytes_are_never_taken(blobs):
    assembly = Assembly(Trie.from_items(STATE).root())
    with pytest.raises(TrieError):
        assembly.add(blobs)
    assert (assembly.nodes, assembly.path) == (0, b"")
