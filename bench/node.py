"""What blocks cost the node: its own runtime in Python, and a real one in Wasm, beside chopsticks on the same blocks.

The Wasm runtime is Asset Hub Rococo out of an npm package. The node's milliseconds are those of the whole: block
made, state root, stored, final. Those of chopsticks are the runtime calls alone of blocks that the node had made;
what it does around them is left out.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.conformance.chopsticks import Replayed, replay
from tests.conformance.environments import InstallationFailed, missing_node, node_packages
from tests.conformance.known_chains import asset_hub

from integritee.crypto import Sr25519Pair
from integritee.metadata import RuntimeMetadata, Variant, sign_extrinsic
from integritee.node.block import Block
from integritee.node.chain_spec import ChainSpec
from integritee.node.chains import load_spec
from integritee.node.database import Database
from integritee.node.dev_genesis import with_dev_accounts
from integritee.node.engine import RuntimeEngine
from integritee.node.engines import engine_for
from integritee.node.keystore import Keystore
from integritee.node.node import Node
from integritee.primitives.era import Era
from integritee.scale import decode

EMPTY_BLOCKS = 30
TRANSFERS = 100
"""In the block that tells what one costs."""

FULL_BLOCKS = 3

REPLAYED_EMPTY, REPLAYED_TRANSFERS = 4, 20
"""What chopsticks is given: the first of the empty blocks, which is not counted, and one block of transfers."""

MS = 1000
START_MS = 1_700_000_000_000
SLOT_MS = 12_000
ALICE, BOB = (Sr25519Pair.from_uri(f"//{name}") for name in ("Alice", "Bob"))

Figures = Mapping[str, float | None]
"""None is what could not be measured."""


class Author:
    """A chain whose blocks are made as fast as it goes; each is of the next slot, and final at once."""

    def __init__(self, spec: ChainSpec, engine: RuntimeEngine, path: Path) -> None:
        self._now_ms, self._nonce = START_MS, 0
        database = Database(path, durable=False)
        self.node = Node(spec, engine, database, Keystore.dev("alice"), lambda: self._now_ms)
        self._metadata = RuntimeMetadata.parse(decode(bytes, self.node.chain.runtime_call("Metadata_metadata")))

    def block(self, transfers: int = 0) -> tuple[Block, float]:
        """A block, and the milliseconds it took; its transfers have been in the pool before."""
        self._now_ms += SLOT_MS
        for _ in range(transfers):
            self.node.pool.submit(self._transfer(), self._now_ms)
        start = time.perf_counter()
        block = self.node.seal().block
        took = (time.perf_counter() - start) * MS
        assert len(block.extrinsics) > transfers
        return block, took

    def _transfer(self) -> bytes:
        chain = self.node.chain
        version = chain.runtime_version()
        self._nonce += 1
        return sign_extrinsic(
            self._metadata,
            self._metadata.call("Balances", "transfer_keep_alive", [Variant("Id", BOB.public), 10**9]),
            ALICE,
            nonce=self._nonce - 1,
            era=Era(),
            birth_hash=chain.genesis_hash,
            genesis_hash=chain.genesis_hash,
            spec_version=version.spec_version,
            transaction_version=version.transaction_version,
        )


@dataclass(frozen=True)
class Cost:
    """Milliseconds: the median empty block, and what a transfer in a block adds on average."""

    block: float
    transfer: float


def node_blocks() -> Figures:
    """Figures of both runtimes and of chopsticks, and how many times as long as the node it takes."""
    with tempfile.TemporaryDirectory() as scratch:
        spec = load_spec("dev")
        python, _ = _node(spec, engine_for(spec.genesis), Path(scratch, "python"))
        wasm, theirs = _beside_chopsticks(Path(scratch)) or (None, None)
    return {
        "node_python_block_ms": python.block,
        "node_python_transfer_ms": python.transfer,
        "node_wasm_block_ms": wasm and wasm.block,
        "node_transfer_ms": wasm and wasm.transfer,
        "chopsticks_block_ms": theirs and theirs.block,
        "chopsticks_transfer_ms": theirs and theirs.transfer,
        "chopsticks_block_ratio": wasm and theirs and theirs.block / wasm.block,
        "chopsticks_transfer_ratio": wasm and theirs and theirs.transfer / wasm.transfer,
    }


def _beside_chopsticks(scratch: Path) -> tuple[Cost, Cost] | None:
    """The node and chopsticks on the real runtime; None, and said why, if npm is out of reach."""
    try:
        if (missing := missing_node()) is not None:
            raise InstallationFailed(missing)
        home = node_packages()
    except InstallationFailed as unreachable:
        print(f"not measured, the Wasm runtime and chopsticks: {unreachable}", file=sys.stderr)
        return None
    spec = ChainSpec.from_json(asset_hub(home))
    engine = engine_for(spec.genesis)
    spec = replace(spec, genesis=with_dev_accounts(spec.genesis, engine))
    cost, blocks = _node(spec, engine, scratch / "wasm")
    return cost, _chopsticks(replay(home, spec, blocks, scratch))


def _node(spec: ChainSpec, engine: RuntimeEngine, path: Path) -> tuple[Cost, list[Block]]:
    """Costs, and the blocks from number 1 on that others shall execute: empty ones, then one with transfers."""
    author = Author(spec, engine, path)
    blocks = [author.block()[0] for _ in range(REPLAYED_EMPTY)]
    blocks.append(author.block(REPLAYED_TRANSFERS)[0])
    empty = statistics.median(author.block()[1] for _ in range(EMPTY_BLOCKS))
    full = statistics.median(author.block(TRANSFERS)[1] for _ in range(FULL_BLOCKS))
    author.node.close()
    return Cost(empty, (full - empty) / TRANSFERS), blocks


def _chopsticks(replayed: list[Replayed]) -> Cost:
    """The first block is left out: the executor is still being loaded."""
    _, *empty, full = (block.milliseconds for block in replayed)
    return Cost(statistics.median(map(sum, empty)), statistics.mean(full[-1 - REPLAYED_TRANSFERS : -1]))
