"""Block contents against real blocks of a real runtime, and a host who tampers with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.crypto import blake2_256
from integritee.enclave.parentchain import errors as e
from integritee.enclave.parentchain.blocks import (
    MAX_BODY_BYTES,
    MAX_EXTRINSICS,
    MAX_WATCHED_KEYS,
    verify_block,
)
from integritee.enclave.parentchain.header_chain import BlockId, HeaderChain, HeaderChainState
from integritee.enclave.selftest.damage import flipped
from integritee.primitives.header import Digest, Header
from integritee.scale import decode
from integritee.trie import EMPTY_ROOT, Layout, Trie, ordered_root

PATH = Path(__file__).parents[2] / "vectors" / "chains" / "integritee-paseo-50.json"
VECTORS = json.loads(PATH.read_text())
KEYS = [bytes.fromhex(key[2:]) for key in VECTORS["keys"]]


def unhex(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text[2:])


@dataclass(frozen=True)
class Supply:
    """What a host says about one block."""

    header: Header
    extrinsics: list[bytes]
    proof: list[bytes]
    keys: list[bytes]

    def verify(self) -> dict[bytes, bytes | None]:
        return verify_block(self.header, self.extrinsics, self.proof, self.keys)


def supply(block: dict[str, Any]) -> Supply:
    return Supply(
        decode(Header, bytes.fromhex(block["header_scale"][2:])),
        [bytes.fromhex(extrinsic["hex"][2:]) for extrinsic in block["extrinsics"]],
        [bytes.fromhex(node[2:]) for node in block["proof"]],
        KEYS,
    )


BLOCKS = [supply(block) for block in VECTORS["blocks"]]
HEADERS = [block.header for block in BLOCKS]
BUSY = max(BLOCKS, key=lambda block: len(block.extrinsics))


@pytest.mark.parametrize("i", range(len(BLOCKS)))
def test_real_block(i: int) -> None:
    recorded, block = VECTORS["blocks"][i], BLOCKS[i]
    assert block.header.hash() == unhex(recorded["hash"])
    assert block.header.to_rpc() == recorded["header"]
    assert block.verify() == {unhex(key): unhex(value) for key, value in recorded["values"].items()}
    assert block.verify()[KEYS[-1]] is None


def at_first() -> HeaderChain:
    """A chain whose head is the first block of the vectors, since their genesis header is not recorded."""
    first = HEADERS[0]
    return HeaderChain(HeaderChainState(first.parent_hash, BlockId.of(first), first))


def test_real_header_chain() -> None:
    chain = at_first()
    assert chain.import_chain(HEADERS[1:]) == HEADERS[1:]
    assert chain.head.hash() == unhex(VECTORS["blocks"][-1]["hash"])
    with pytest.raises(e.AlreadyFinalized):
        chain.import_chain(HEADERS[1:])
    with pytest.raises(e.NotConsecutive):
        at_first().import_chain(HEADERS[2:])


def swap(items: list[bytes], i: int, j: int) -> list[bytes]:
    items = list(items)
    items[i], items[j] = items[j], items[i]
    return items


def flip(items: list[bytes], i: int, at: int) -> list[bytes]:
    i %= len(items)
    return [*items[:i], flipped(items[i], at), *items[i + 1 :]]


EXTRINSIC_TRICKS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "swapped": lambda x: swap(x, 0, 1),
    "first missing": lambda x: x[1:],
    "last missing": lambda x: x[:-1],
    "all missing": lambda x: [],
    "repeated": lambda x: [*x, x[-1]],
    "added": lambda x: [*x, b"\x04\x00"],
    "altered": lambda x: flip(x, 1, -1),
    "without length prefix": lambda x: [x[0], x[1][2:], *x[2:]],
}


@pytest.mark.parametrize("trick", EXTRINSIC_TRICKS)
def test_tampered_extrinsics(trick: str) -> None:
    tampered = replace(BUSY, extrinsics=EXTRINSIC_TRICKS[trick](BUSY.extrinsics))
    with pytest.raises(e.ExtrinsicsRootMismatch) as caught:
        tampered.verify()
    assert caught.value.expected == BUSY.header.extrinsics_root
    assert caught.value.found == ordered_root(tampered.extrinsics)


OTHER = next(block for block in BLOCKS if block.header.state_root != BUSY.header.state_root)
PROOF_TRICKS: dict[str, tuple[Callable[[Supply], Supply], str]] = {
    "proof of another block": (lambda s: replace(s, proof=OTHER.proof), "trie.proof_root_missing"),
    "no proof": (lambda s: replace(s, proof=[]), "trie.proof_root_missing"),
    "root node altered": (lambda s: replace(s, proof=flip(s.proof, 0, 5)), "trie.proof_root_missing"),
    "node missing": (lambda s: replace(s, proof=s.proof[:-1]), "trie.proof_incomplete"),
    "node altered": (lambda s: replace(s, proof=flip(s.proof, -1, 40)), "trie.proof_incomplete"),
    "node twice": (lambda s: replace(s, proof=[*s.proof, s.proof[0]]), "trie.proof_duplicate_node"),
    "foreign node": (lambda s: replace(s, proof=[*s.proof, b"\x40" + bytes(40)]), "trie.proof_unused_node"),
    "nodes of two blocks": (
        lambda s: replace(s, proof=list({*s.proof, *OTHER.proof})),
        "trie.proof_unused_node",
    ),
    "key not proven": (lambda s: replace(s, keys=[*s.keys, bytes(32)]), "trie.proof_incomplete"),
    "fewer keys watched than proven": (lambda s: replace(s, keys=s.keys[1:]), "trie.proof_unused_node"),
}


@pytest.mark.parametrize("trick", PROOF_TRICKS)
def test_tampered_proof(trick: str) -> None:
    tamper, cause = PROOF_TRICKS[trick]
    tampered = tamper(BUSY)
    with pytest.raises(e.StateNotProven) as caught:
        tampered.verify()
    assert caught.value.cause == cause
    assert caught.value.state_root == BUSY.header.state_root


@given(i=st.integers(0, len(BUSY.proof) - 1), at=st.integers(0, 1 << 12), mask=st.integers(1, 255))
@settings(deadline=None, max_examples=60)
def test_no_altered_proof_is_accepted(i: int, at: int, mask: int) -> None:
    node = flipped(BUSY.proof[i], at % len(BUSY.proof[i]), mask)
    with pytest.raises(e.StateNotProven):
        replace(BUSY, proof=[*BUSY.proof[:i], node, *BUSY.proof[i + 1 :]]).verify()


def test_order_of_proof_nodes_does_not_matter() -> None:
    assert replace(BUSY, proof=BUSY.proof[::-1]).verify() == BUSY.verify()


@pytest.mark.parametrize("layout", list(Layout))
def test_both_trie_layouts(layout: Layout) -> None:
    extrinsics = [bytes([i]) * 100 for i in range(5)]
    trie = Trie.from_items({blake2_256(bytes([i])): bytes([i]) * 60 for i in range(20)}, layout)
    keys = [*list(trie.keys())[:3], b"absent"]
    header = Header(bytes(32), 1, trie.root(), ordered_root(extrinsics, layout), Digest([]))
    values = verify_block(header, extrinsics, trie.prove(keys), keys, extrinsics_layout=layout)
    assert values == {key: trie.get(key) for key in keys}
    other = next(other for other in Layout if other is not layout)
    with pytest.raises(e.ExtrinsicsRootMismatch):
        verify_block(header, extrinsics, trie.prove(keys), keys, extrinsics_layout=other)


EMPTY = Header(bytes(32), 1, EMPTY_ROOT, EMPTY_ROOT, Digest([]))


@pytest.mark.parametrize(
    ("extrinsics", "keys", "unit", "limit"),
    [
        ([b""] * (MAX_EXTRINSICS + 1), [], "extrinsics", MAX_EXTRINSICS),
        ([bytes(MAX_BODY_BYTES), b"\0"], [], "bytes", MAX_BODY_BYTES),
        ([], [i.to_bytes(4, "big") for i in range(MAX_WATCHED_KEYS + 1)], "keys", MAX_WATCHED_KEYS),
    ],
)
def test_limits(extrinsics: list[bytes], keys: list[bytes], unit: str, limit: int) -> None:
    with pytest.raises(e.BlockTooLarge) as caught:
        verify_block(EMPTY, extrinsics, [], keys)
    assert (caught.value.unit, caught.value.limit) == (unit, limit)


def test_empty_block_without_watched_keys() -> None:
    assert verify_block(EMPTY, [], [], []) == {}
