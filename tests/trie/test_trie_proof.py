"""Proof verification: complete for honest provers, sound against any bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.enclave.selftest.damage import flipped
from integritee.errors import IntegriteeError
from integritee.trie import (
    EMPTY_ROOT,
    MAX_KEY_BYTES,
    MAX_PROOF_BYTES,
    MAX_PROOF_NODES,
    KeyTooLong,
    Layout,
    MalformedNode,
    ProofDuplicateNode,
    ProofError,
    ProofIncomplete,
    ProofRootMissing,
    ProofTooLarge,
    ProofUnusedNode,
    Trie,
    TrieError,
    verify_proof,
)

from .reference_trie import blake2_256
from .trie_strategies import keys, layouts, maps

STATE = {bytes([i, j]) * 4: bytes([i]) * (10 * j) for i in range(0, 250, 50) for j in range(8)}
ASKED = [*list(STATE)[::7], b"", b"\x00", b"\xff\xff", b"\x32\x01" * 4 + b"beyond"]
EXPECTED = {key: STATE.get(key) for key in ASKED}


def proven(layout: Layout) -> tuple[bytes, list[bytes]]:
    trie = Trie.from_items(STATE, layout)
    return trie.root(), trie.prove(ASKED)


@given(maps, st.lists(keys, max_size=8), layouts)
def test_proofs_verify(items, asked, layout):
    trie = Trie.from_items(items, layout)
    asked += list(items)[:5]
    proof = trie.prove(asked)
    assert verify_proof(trie.root(), proof, asked) == {key: items.get(key) for key in asked}
    assert verify_proof(trie.root(), proof[::-1], asked[::-1]) == {key: items.get(key) for key in asked}
    assert len(set(proof)) == len(proof)
    reopened = Trie.at(trie.root(), trie.new_nodes())
    assert reopened.prove(asked) == proof


@given(maps.filter(bool), st.lists(keys, min_size=1, max_size=4), layouts)
def test_proofs_are_minimal(items, asked, layout):
    trie = Trie.from_items(items, layout)
    proof = trie.prove(asked)
    for i in range(len(proof)):
        with pytest.raises((ProofIncomplete, ProofRootMissing)):
            verify_proof(trie.root(), proof[:i] + proof[i + 1 :], asked)


def test_proof_of_a_changed_trie_that_was_never_hashed():
    trie = Trie.from_items(STATE).commit({b"new": b"value"})
    proof = trie.prove([b"new"])
    assert verify_proof(trie.root(), proof, [b"new"]) == {b"new": b"value"}


@pytest.mark.parametrize("layout", Layout)
def test_equal_subtrees_are_proven_once(layout):
    items = {bytes([i, j]): b"same value, long enough to be hashed" for i in range(4) for j in (1, 2)}
    trie = Trie.from_items(items, layout)
    proof = trie.prove(items)
    assert len(proof) == len(set(proof)) == len(trie.new_nodes())
    assert verify_proof(trie.root(), proof, items) == items


def test_empty_trie():
    assert Trie.empty().prove([]) == []
    assert Trie.empty().prove([b"k"]) == [b"\0"]
    for proof in ([], [b"\0"]):
        assert verify_proof(EMPTY_ROOT, proof, [b"k", b""]) == {b"k": None, b"": None}
    with pytest.raises(ProofUnusedNode):
        verify_proof(EMPTY_ROOT, [b"\0", b"\x42\xaa\x04\xbb"], [b"k"])


def test_nothing_asked():
    root, proof = proven(Layout.V0)
    assert verify_proof(root, [], []) == {}
    assert verify_proof(root, proof, [], allow_unused=True) == {}
    with pytest.raises(ProofUnusedNode):
        verify_proof(root, proof, [])


# --- hostile proofs


@pytest.mark.parametrize("layout", Layout)
def test_removed_nodes(layout):
    root, proof = proven(layout)
    for i, node in enumerate(proof):
        with pytest.raises(ProofError) as caught:
            verify_proof(root, proof[:i] + proof[i + 1 :], ASKED, allow_unused=True)
        missing = caught.value.root if isinstance(caught.value, ProofRootMissing) else caught.value.hash
        assert missing == blake2_256(node)


@pytest.mark.parametrize("layout", Layout)
def test_duplicated_nodes(layout):
    root, proof = proven(layout)
    for node in proof:
        with pytest.raises(ProofDuplicateNode) as caught:
            verify_proof(root, [*proof, node], ASKED, allow_unused=True)
        assert caught.value.hash == blake2_256(node)


@pytest.mark.parametrize("layout", Layout)
def test_unused_nodes(layout):
    root, proof = proven(layout)
    for extra in (b"", b"\0", b"rubbish", Trie.from_items({b"k": b"v"}).prove([b"k"])[0]):
        with pytest.raises(ProofUnusedNode) as caught:
            verify_proof(root, [*proof, extra], ASKED)
        assert caught.value.hash == blake2_256(extra)
        assert verify_proof(root, [*proof, extra], ASKED, allow_unused=True) == EXPECTED


@pytest.mark.parametrize("layout", Layout)
@settings(max_examples=300)
@given(st.data())
def test_a_changed_byte_never_gives_a_wrong_value(layout, data):
    root, proof = proven(layout)
    node = data.draw(st.integers(0, len(proof) - 1))
    at = data.draw(st.integers(0, len(proof[node]) - 1))
    proof[node] = flipped(proof[node], at, data.draw(st.integers(1, 255)))
    with pytest.raises((ProofIncomplete, ProofRootMissing)):
        verify_proof(root, proof, ASKED)
    with pytest.raises((ProofIncomplete, ProofRootMissing)):
        verify_proof(root, proof, ASKED, allow_unused=True)


@pytest.mark.parametrize("layout", Layout)
@settings(max_examples=300)
@given(st.data())
def test_nodes_of_a_hostile_root_raise_nothing_but_trie_errors(layout, data):
    """Even who chooses the root as well gets a verdict of the trie, and the same twice."""
    _, proof = proven(layout)
    changed = bytearray(proof[0])
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    proof[0] = (
        bytes(changed[: data.draw(st.integers(0, len(changed)))]) if data.draw(st.booleans()) else bytes(changed)
    )
    verdicts = []
    for _ in range(2):
        try:
            verdicts.append(verify_proof(blake2_256(proof[0]), proof, ASKED, allow_unused=True))
        except TrieError as error:
            verdicts.append((error.code, error.data()))
    assert verdicts[0] == verdicts[1]


@given(st.lists(st.binary(max_size=70), max_size=5), st.lists(keys, max_size=3))
def test_arbitrary_bytes_prove_nothing_about_a_known_root(proof, asked):
    root, _ = proven(Layout.V0)
    if not asked:
        return
    with pytest.raises(ProofError):
        verify_proof(root, proof, asked)


def test_a_proof_for_another_root_is_told_apart():
    _, proof = proven(Layout.V0)
    other = Trie.from_items({b"k": b"v"}).root()
    with pytest.raises(ProofRootMissing) as caught:
        verify_proof(other, proof, ASKED)
    assert caught.value.root == other
    with pytest.raises(ProofRootMissing):
        verify_proof(b"not a hash", proof, ASKED)


def test_incomplete_proofs_name_key_and_node():
    trie = Trie.from_items(STATE)
    first, other = list(STATE)[::20][:2]
    with pytest.raises(ProofIncomplete) as caught:
        verify_proof(trie.root(), trie.prove([first]), [first, other])
    assert caught.value.key == other
    assert caught.value.hash in map(blake2_256, trie.prove([other]))


def test_a_hashed_value_must_be_in_the_proof_and_long():
    long = b"v" * 40
    trie = Trie.from_items({b"k": long}, Layout.V1)
    node, value = trie.prove([b"k"])
    assert value == long
    with pytest.raises(ProofIncomplete):
        verify_proof(trie.root(), [node], [b"k"])
    short = node[:-32] + blake2_256(b"short")
    with pytest.raises(MalformedNode, match="short value"):
        verify_proof(blake2_256(short), [short, b"short"], [b"k"])


def test_nodes_that_should_be_inline_are_refused():
    leaf = bytes.fromhex("410204bb")
    root = bytes.fromhex("80 0300") + (b"\x80" + blake2_256(leaf)) * 2
    with pytest.raises(MalformedNode, match="inline"):
        verify_proof(blake2_256(root), [root, leaf], [b"\x02"])


@pytest.mark.parametrize(
    ("proof", "unit", "limit"),
    [
        ([b""] * (MAX_PROOF_NODES + 1), "nodes", MAX_PROOF_NODES),
        ([bytes(MAX_PROOF_BYTES), b"1"], "bytes", MAX_PROOF_BYTES),
    ],
)
def test_size_limits(proof, unit, limit):
    with pytest.raises(ProofTooLarge) as caught:
        verify_proof(EMPTY_ROOT, proof, [b"k"])
    assert caught.value.data() == {"unit": unit, "found": limit + 1, "limit": limit}


def test_keys_too_long():
    root, proof = proven(Layout.V0)
    with pytest.raises(KeyTooLong):
        verify_proof(root, proof, [b"k" * (MAX_KEY_BYTES + 1)])


def test_error_codes_are_distinct_and_stable():
    def leaves(cls):
        return [cls, *(leaf for sub in cls.__subclasses__() for leaf in leaves(sub))]

    codes = [cls.code for cls in leaves(TrieError)]
    assert issubclass(TrieError, IntegriteeError)
    assert sorted(codes) == sorted(
        ["trie", "trie.proof"]
        + [
            "trie.key_too_long",
            "trie.value_too_long",
            "trie.missing_node",
            "trie.corrupt_node",
            "trie.malformed_node",
        ]
        + ["trie.transfer", "trie.transfer_path", "trie.transfer_incomplete"]
        + ["trie.chunk_" + end for end in ("too_large", "truncated", "surplus")]
        + [
            "trie.proof_" + end
            for end in ("too_large", "duplicate_node", "unused_node", "root_missing", "incomplete")
        ]
    )
