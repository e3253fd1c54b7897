"""Blocks of the real Integritee runtime: extrinsics roots and read proofs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integritee.trie import EMPTY_ROOT, Layout, MissingNode, ProofIncomplete, Trie, ordered_root, verify_proof

from .reference_trie import blake2_256, compact, reference_trie

VECTORS = Path(__file__).parent.parent / "vectors" / "chains" / "integritee-paseo-50.json"
BLOCKS = json.loads(VECTORS.read_text())["blocks"]


def raw(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text.removeprefix("0x"))


@pytest.fixture(params=BLOCKS, ids=lambda block: str(block["number"]))
def block(request):
    return request.param


def state(block) -> tuple[bytes, list[bytes], dict[bytes, bytes | None]]:
    values = {raw(key): raw(value) for key, value in block["values"].items()}
    return raw(block["header"]["stateRoot"]), [raw(node) for node in block["proof"]], values


def test_extrinsics_root(block):
    assert ordered_root([raw(xt["hex"]) for xt in block["extrinsics"]]) == raw(block["header"]["extrinsicsRoot"])


def test_read_proof(block):
    root, proof, values = state(block)
    assert verify_proof(root, proof, values) == values
    assert None in values.values()


def test_we_would_give_the_same_proof(block):
    root, proof, values = state(block)
    trie = Trie.at(root, {blake2_256(node): node for node in proof})
    assert sorted(trie.prove(values)) == sorted(proof)
    assert {key: trie.get(key) for key in values} == values


def test_real_nodes_are_written_back_as_they_were(block):
    root, proof, values = state(block)
    trie = Trie.at(root, {blake2_256(node): node for node in proof})
    present = {key: value for key, value in values.items() if value is not None}
    there = trie.commit({key: value + b"!" for key, value in present.items()})
    assert there.root() != root
    assert there.commit(present).root() == root
    with pytest.raises(MissingNode):
        list(trie.items())


def test_proof_for_fewer_keys_than_asked(block):
    root, proof, values = state(block)
    genesis_hash = raw("26aa394eea5630e07c48ae0c9558cef7a44704b568d21667356a5a050c118746b4def25cfda6ef3a00000000")
    with pytest.raises(ProofIncomplete) as caught:
        verify_proof(root, proof, [*values, genesis_hash])
    assert caught.value.key == genesis_hash


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 65, 300])
def test_ordered_root(count, layout):
    values = [b"extrinsic %d" % i * (i % 5) for i in range(count)]
    items = {compact(i): value for i, value in enumerate(values)}
    hashed = {key for key, value in items.items() if layout is Layout.V1 and len(value) >= 33}
    assert ordered_root(values, layout) == reference_trie(items, hashed)[0]
    assert count or ordered_root(values, layout) == EMPTY_ROOT
