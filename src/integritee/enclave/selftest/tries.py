"""Roots and proofs of the state trie, against blocks of the real Integritee runtime (spec 50)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from integritee import trie
from integritee.primitives.header import Header
from integritee.scale import decode

from .check import Check, Setup, expect, expect_refusal
from .known_answers import known_answers, raw

EMPTY_ROOT: Final = "03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314"
"""BLAKE2b-256 of a zero byte."""


@dataclass(frozen=True)
class Recorded:
    """A recorded block: its number, roots, extrinsics, a proof in its state and what that shows."""

    number: int
    state_root: bytes
    extrinsics_root: bytes
    extrinsics: list[bytes]
    proof: list[bytes]
    values: dict[bytes, bytes | None]

    @classmethod
    def of(cls, block: dict[str, Any]) -> Recorded:
        header: Header = decode(Header, raw(block["header_scale"]))
        values = {raw(key): None if value is None else raw(value) for key, value in block["values"].items()}
        extrinsics, proof = ([raw(each) for each in block[name]] for name in ("extrinsics", "proof"))
        return cls(header.number, header.state_root, header.extrinsics_root, extrinsics, proof, values)


def checks(setup: Setup) -> Iterator[Check]:
    yield Check("the empty root", lambda: expect(trie.Trie.empty().root(), raw(EMPTY_ROOT)))
    for block in map(Recorded.of, known_answers()["blocks"]):
        yield Check(f"extrinsics root of block {block.number}", partial(_extrinsics, block))
        yield Check(f"read proof of block {block.number}", partial(_proof, block))
        yield Check(f"tampered proofs of block {block.number} are refused", partial(_tampered, block))
    yield Check("proofs of a state of our own", partial(_own_state, setup))
    yield Check("what is put back leaves no trace", _put_back)


def _extrinsics(block: Recorded) -> None:
    expect(trie.ordered_root(block.extrinsics), block.extrinsics_root)


def _proof(block: Recorded) -> None:
    expect(trie.verify_proof(block.state_root, block.proof, block.values), block.values)


def _tampered(block: Recorded) -> None:
    root, proof, keys = block.state_root, block.proof, list(block.values)
    expect_refusal("trie.proof_root_missing", "another root", lambda: trie.verify_proof(bytes(32), proof, keys))
    expect_refusal(
        "trie.proof_unused_node", "a surplus node", lambda: trie.verify_proof(root, [*proof, b"\x00"], keys)
    )
    for index in range(len(proof)):
        lacking = [node for position, node in enumerate(proof) if position != index]
        try:
            trie.verify_proof(root, lacking, keys)
        except trie.ProofError:
            continue
        expect(f"accepted without node {index}", "a refusal")


def _own_state(setup: Setup) -> None:
    state = trie.Trie.from_items({setup.random(32): setup.random(40) for _ in range(300)})
    asked = {key: value for key, value in list(state.items())[::50]} | {bytes(32): None}
    expect(trie.verify_proof(state.root(), state.prove(asked), asked), asked)


def _put_back() -> None:
    before = trie.Trie.from_items({b"key %d" % number: b"value" * number for number in range(100)})
    changed = before.commit({b"key 7": None, b"key 8": b"other", b"new": b"value"})
    expect(changed.root() == before.root(), False, "a change shows in the root")
    expect(changed.commit({b"key 7": b"value" * 7, b"key 8": b"value" * 8, b"new": None}).root(), before.root())
