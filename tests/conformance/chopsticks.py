"""Blocks executed once more by `@acala-network/chopsticks-core`, which has an executor and a storage of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from integritee.node.block import Block
from integritee.node.chain_spec import ChainSpec
from integritee.primitives.header import Digest, Header, PreRuntime
from integritee.scale import decode

from .reports import run_client

ZERO: Final = bytes(32)


@dataclass(frozen=True)
class Replayed:
    """A block under chopsticks.

    `header` is what the runtime closed it with; `outcomes` are the ApplyExtrinsicResults, `milliseconds` those of
    each runtime call: beginning, extrinsics, end; `state` is the whole storage, `state_root` its root in a trie
    that is not ours.
    """

    header: Header
    outcomes: tuple[bytes, ...]
    milliseconds: tuple[float, ...]
    state: dict[bytes, bytes]
    state_root: bytes


def replay(home: Path, spec: ChainSpec, blocks: Iterable[Block], scratch: Path) -> list[Replayed]:
    """The blocks of a chain from number 1 on, in JavaScript directory `home`; files go to directory `scratch`."""
    orders = [_order(block) for block in blocks]
    file = scratch / "replay.json"
    file.write_text(json.dumps({"spec": json.loads(spec.to_json()), "blocks": orders}))
    report = run_client("chopsticks", ["node", "replay.mjs", str(file)], home)
    return [_replayed(report[f"block {number}"]) for number, _ in enumerate(orders, 1)]


def _order(block: Block) -> dict[str, Any]:
    """How the block is begun: without roots, with what its author knew beforehand of its digest."""
    header = block.header
    digest = Digest([item for item in header.digest.logs if isinstance(item, PreRuntime)])
    opening = Header(header.parent_hash, header.number, ZERO, ZERO, digest)
    return {"header": _hex(opening.encoded()), "extrinsics": [_hex(extrinsic) for extrinsic in block.extrinsics]}


def _replayed(facts: dict[str, Any]) -> Replayed:
    return Replayed(
        decode(Header, _bytes(facts["header"])),
        tuple(_bytes(outcome) for outcome in facts["outcomes"]),
        tuple(facts["milliseconds"]),
        {_bytes(key): _bytes(value) for key, value in facts["state"]},
        _bytes(facts["state_root"]),
    )


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])
