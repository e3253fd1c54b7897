"""Node encodings: written out by hand, at the borders of every field, and rejected when not canonical."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.trie import EMPTY_ROOT, Layout, MalformedNode, Trie
from integritee.trie.codec import compact, decode, decode_child, encode, reference_to
from integritee.trie.nibbles import pack, shared, unpack
from integritee.trie.node import HashedValue, Node

from .reference_trie import blake2_256, header, reference_trie
from .trie_strategies import hashed_keys, layouts, maps

HASH = bytes(range(32))
REF = b"\x80" + HASH


def test_empty_root():
    assert EMPTY_ROOT.hex() == "03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314"
    assert Trie.empty().root() == EMPTY_ROOT == Trie.from_items({}).root() == reference_trie({})[0]


@pytest.mark.parametrize(
    ("items", "root_node"),
    [
        ({"aa": "bb"}, "42 aa 04bb"),
        ({"": ""}, "40 00"),
        ({"": "05"}, "40 0405"),
        # nibbles 1 314 and 4 819 leave the root; both leaves are inline
        ({"4819": "fe", "1314": "ff"}, "80 1200 14 43 0314 04ff 14 43 0819 04fe"),
        # 12 has a value and two children in slots 3 and 4, each with one nibble left
        ({"12": "01", "1234": "02", "1245": "03"}, "c2 12 1800 0401 10 41 04 0402 10 41 05 0403"),
        # an odd shared prefix: nibbles 123 over slots 4 and 5, leaves without a partial key
        ({"1234": "02", "1235": "03"}, "83 0123 3000 0c 40 0402 0c 40 0403"),
    ],
)
def test_small_tries_by_hand(items, root_node):
    trie = Trie.from_items({bytes.fromhex(k): bytes.fromhex(v) for k, v in items.items()})
    node = bytes.fromhex(root_node)
    assert trie.prove([b""]) == [node]
    assert trie.root() == blake2_256(node)


def test_layout_v1_moves_values_of_33_bytes_and_more():
    short, long = b"s" * 32, b"l" * 33
    assert Trie.from_items({b"\x12": short}, Layout.V1).new_nodes() == Trie.from_items({b"\x12": short}).new_nodes()
    trie = Trie.from_items({b"\x12": long}, Layout.V1)
    node = bytes.fromhex("2212") + blake2_256(long)
    assert trie.new_nodes() == {trie.root(): node, blake2_256(long): long}
    trie = Trie.from_items({b"": long, b"\x12": b"", b"\x22": b""}, Layout.V1)
    assert trie.prove([b""]) == [bytes.fromhex("10 0600") + blake2_256(long) + bytes.fromhex("0c 410200" * 2), long]


@pytest.mark.parametrize(
    ("kind", "mask"), [("leaf", 63), ("branch", 63), ("branch+value", 63), ("leaf+hash", 31), ("branch+hash", 15)]
)
@pytest.mark.parametrize("beyond", [-1, 0, 1, 254, 255, 256, 509, 510, 511, 5000])
def test_nibble_count_borders(kind, mask, beyond):
    nibbles = mask + beyond
    value = None if kind == "branch" else HashedValue(HASH) if "hash" in kind else b"v"
    children = [REF, REF] + [None] * 14 if "branch" in kind else None
    encoded = encode(Node(b"\x07" * nibbles, value, children))
    head = header(kind, nibbles)
    assert encoded.startswith(head)
    if beyond in (-1, 0, 255):
        assert len(head) == {-1: 1, 0: 2, 255: 3}[beyond]
    again = decode(encoded)
    assert again.partial == b"\x07" * nibbles
    assert encode(again) == encoded


@pytest.mark.parametrize(
    ("number", "encoded"), [(0, "00"), (63, "fc"), (64, "0101"), (16383, "fdff"), (16384, "02000100")]
)
def test_compact_borders(number, encoded):
    assert compact(number).hex() == encoded


def test_reference_switches_at_32_bytes():
    assert reference_to(b"n" * 31) == b"\x7c" + b"n" * 31
    assert reference_to(b"n" * 32) == b"\x80" + blake2_256(b"n" * 32)


@given(st.binary(max_size=40))
def test_nibbles(key):
    nibbles = unpack(key)
    assert nibbles == bytes(int(digit, 16) for digit in key.hex())
    assert pack(nibbles) == key
    assert pack(nibbles[1:]) == (bytes([key[0] & 15]) + key[1:] if key else b"")
    assert shared(nibbles, nibbles[:5] + b"\x10") == min(5, len(nibbles))


@given(maps, layouts)
def test_root_and_nodes_equal_the_reference(items, layout):
    root, nodes = reference_trie(items, hashed_keys(items, layout))
    trie = Trie.from_items(items, layout)
    assert trie.root() == root
    assert trie.new_nodes() == (nodes if items else {})


@given(maps.filter(bool), layouts, st.randoms(use_true_random=False))
def test_insertion_order_does_not_matter(items, layout, random):
    shuffled = list(items.items())
    random.shuffle(shuffled)
    trie = Trie.empty(layout)
    for key, value in shuffled:
        trie = trie.commit({key: value})
    assert trie.root() == Trie.from_items(items, layout).root()
    assert trie.new_nodes() == Trie.from_items(items, layout).new_nodes()


LEAF = "42 aa 04bb"
TWO = "0300 " + REF.hex() * 2


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        ("", "ends early"),
        ("00", "unknown kind"),
        ("0000", "unknown kind"),
        ("01", "unknown kind"),
        ("0f aa", "unknown kind"),
        ("42", "ends early"),
        ("42 aa", "ends early"),
        ("42 aa 08bb", "ends early"),
        (LEAF + "00", "bytes after"),
        ("41 1a 04bb", "padding"),
        ("42 aa 0500bb", "shortest form"),
        ("42 aa 02000000", "shortest form"),
        ("42 aa 05", "ends early"),
        ("42 aa 0200", "ends early"),
        ("42 aa 03ffffffff", "too large"),
        ("42 aa feffffff", "ends early"),
        ("22 aa " + "00" * 31, "ends early"),
        ("22 aa " + "00" * 33, "bytes after"),
        ("7f", "ends early"),
        ("7f ff", "ends early"),
        ("7f" + "ff" * 300 + "00", "too long"),
        ("80 00", "ends early"),
        ("80 0000", "without a child"),
        ("c0 0000 0401", "without a child"),
        ("10 0000" + HASH.hex(), "without a child"),
        ("80 0100" + REF.hex(), "single child"),
        ("80 0300" + REF.hex(), "ends early"),
        ("80 " + TWO[:-2], "ends early"),
        ("80 " + TWO + "00", "bytes after"),
        ("80 0300 00" + REF.hex(), "ends early"),
        ("80 0300 0400" + REF.hex(), "unknown kind"),
        ("80 0300 84" + "00" * 33 + REF.hex(), "too long"),
        ("80 0300 8100" + HASH.hex() + REF.hex(), "shortest form"),
        ("80 0300 1442aa04bb00" + REF.hex(), "bytes after"),
    ],
)
def test_only_canonical_nodes_are_decoded(encoded, reason):
    with pytest.raises(MalformedNode, match=reason):
        decode(bytes.fromhex(encoded))


def test_nodes_below_the_root_are_not_named_by_hash_when_short():
    assert decode_child(b"\x42\xaa\x74" + b"v" * 29).value == b"v" * 29
    with pytest.raises(MalformedNode, match="inline"):
        decode_child(b"\x42\xaa\x70" + b"v" * 28)


@given(st.one_of(st.binary(max_size=80), st.binary(max_size=60).map(lambda tail: b"\xc0\x03\x00\x04\x01" + tail)))
def test_whatever_is_decoded_has_no_other_encoding(data):
    try:
        node = decode(data)
    except MalformedNode:
        return
    assert encode(node) == data
