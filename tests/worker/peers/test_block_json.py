"""Blocks in JSON: the original's form to the letter, and nothing else is taken for one."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from integritee.primitives.sidechain import SignedBlock
from integritee.primitives.signature import Ecdsa, Ed25519, Sr25519
from integritee.scale import decode
from integritee.worker.peers.block_json import block_from_json, block_to_json
from integritee.worker.peers.errors import MalformedBlock

from .chains import next_block

GOLDEN = Path(__file__).parents[2] / "vectors/sidechain/block.json"
VECTOR: dict[str, Any] = json.loads(GOLDEN.read_text())
BLOCK = decode(SignedBlock, bytes.fromhex(VECTOR["scale"]))


def test_golden() -> None:
    assert msgspec.json.encode(block_to_json(BLOCK)).decode() == VECTOR["json"]
    assert block_from_json(json.loads(VECTOR["json"])) == BLOCK
    assert BLOCK.has_valid_signature()


@pytest.mark.parametrize("signature", [Ed25519(b"\xee" * 64), Sr25519(b"\x55" * 64), Ecdsa(b"\xec" * 65)])
def test_every_scheme_comes_back(signature: Any) -> None:
    block = SignedBlock(next_block(None).block, signature)
    assert block_from_json(json.loads(json.dumps(block_to_json(block)))) == block


def broken(path: str, value: Any) -> Any:
    """The golden block with another value at a place, or without it (Ellipsis)."""
    found = copy.deepcopy(json.loads(VECTOR["json"]))
    holder, *names = [found, *path.split(".")]
    for name in names[:-1]:
        holder = holder[name]
    if value is ...:
        del holder[names[-1]]
    else:
        holder[names[-1]] = value
    return found


HEADER, DATA = "block.header", "block.block_data"


@pytest.mark.parametrize(
    "path, value",
    [
        ("block", ...),
        ("block", []),
        (f"{HEADER}.parent_hash", "0x" + "a" * 62),
        (f"{HEADER}.parent_hash", "ab" * 32),
        (f"{HEADER}.parent_hash", None),
        (f"{HEADER}.block_number", -1),
        (f"{HEADER}.block_number", 1.5),
        (f"{HEADER}.block_number", True),
        (f"{HEADER}.block_number", 2**64),
        (f"{HEADER}.block_number", "1"),
        (f"{HEADER}.next_finalization_block_number", ...),
        (f"{DATA}.timestamp", None),
        (f"{DATA}.block_author", "5GrwvaEF"),
        (f"{DATA}.block_author", 7),
        (f"{DATA}.signed_top_hashes", {}),
        (f"{DATA}.signed_top_hashes", [1]),
        (f"{DATA}.encrypted_state_diff", "0x00"),
        (f"{DATA}.encrypted_state_diff", 100_000_000),
        (f"{DATA}.encrypted_state_diff", [256]),
        (f"{DATA}.encrypted_state_diff", [-1]),
        ("signature", "00"),
        ("signature", {}),
        ("signature", {"Ed25519": "0x" + "00" * 64}),
        ("signature", {"Ed25519": "00" * 63}),
        ("signature", {"Bls": "00" * 64}),
        ("signature", {"Ed25519": "00" * 64, "Sr25519": "00" * 64}),
    ],
)
def test_anything_else_is_no_block(path: str, value: Any) -> None:
    with pytest.raises(MalformedBlock):
        block_from_json(broken(path, value))


@pytest.mark.parametrize("found", [None, 1, "x", [], [1], {}])
def test_no_object_is_no_block(found: Any) -> None:
    with pytest.raises(MalformedBlock):
        block_from_json(found)
