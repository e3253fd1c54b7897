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
from contextlib import closing
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

EMPTY_BLOCKS = 20
TRANSFERS = 100
"""In the block that tells what one costs."""

FULL_BLOCKS = 3

REPLAYED = (0, 0, 0, 0, 20)
"""Transfers in the blocks that chopsticks is given."""

MS = 1000
START_MS = 1_700_000_000_000
SLOT_MS = 12_000
ALICE, BOB = (Sr25519Pair.from_uri(f"//{name}") for name in ("Alice", "Bob"))

Figures = dict[str, float | None]
"""None is what could not be measured."""


@dataclass(frozen=True)
class Cost:
    """Milliseconds: the median empty block, and what a transfer in a block adds on average."""

    block: float
    transfer: float


class Author:
    """A chain whose blocks are made as fast as it goes; each is of the next slot, and final at once."""

    def __init__(self, spec: ChainSpec, engine: RuntimeEngine, path: Path) -> None:
        self._now_ms, self._nonce = START_MS, 0
        database = Database(path, durable=False)
        self._node = Node(spec, engine, database, Keystore.dev("alice"), lambda: self._now_ms)
        self._metadata = RuntimeMetadata.parse(decode(bytes, self._node.chain.runtime_call("Metadata_metadata")))

    def close(self) -> None:
        self._node.close()

    def block(self, transfers: int = 0) -> tuple[Block, float]:
        """A block, and the milliseconds it took; its transfers have been in the pool before."""
        self._now_ms += SLOT_MS
        for _ in range(transfers):
            self._node.pool.submit(self._transfer(), self._now_ms)
        start = time.perf_counter()
        block = self._node.seal().block
        took = (time.perf_counter() - start) * MS
        assert len(block.extrinsics) > transfers
        return block, took

    def cost(self) -> Cost:
        """Of the next blocks."""
        empty = statistics.median(self.block()[1] for _ in range(EMPTY_BLOCKS))
        full = statistics.median(self.block(TRANSFERS)[1] for _ in range(FULL_BLOCKS))
        return Cost(empty, (full - empty) / TRANSFERS)

    def _transfer(self) -> bytes:
        chain = self._node.chain
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


BESIDE_CHOPSTICKS = (
    "node_wasm_block_ms",
    "node_transfer_ms",
    "chopsticks_block_ms",
    "chopsticks_transfer_ms",
    "chopsticks_block_ratio",
    "chopsticks_transfer_ratio",
)
"""What takes an npm package to measure; ratios are how many times as long as the node chopsticks takes."""


def node_blocks() -> Figures:
    """Figures of both runtimes, and of chopsticks."""
    with tempfile.TemporaryDirectory() as scratch:
        spec = load_spec("dev")
        with closing(Author(spec, engine_for(spec.genesis), Path(scratch, "python"))) as author:
            python = author.cost()
        own: Figures = {"node_python_block_ms": python.block, "node_python_transfer_ms": python.transfer}
        try:
            return own | _beside_chopsticks(_packages(), Path(scratch))
        except InstallationFailed as unreachable:
            print(f"not measured, the Wasm runtime and chopsticks: {unreachable}", file=sys.stderr)
            return own | dict.fromkeys(BESIDE_CHOPSTICKS)


def _packages() -> Path:
    """The directory of the JavaScript clients. Raises InstallationFailed."""
    missing = missing_node()
    if missing is not None:
        raise InstallationFailed(missing)
    return node_packages()


def _beside_chopsticks(home: Path, scratch: Path) -> dict[str, float]:
    """The node, before and after, and chopsticks on the real runtime."""
    spec = ChainSpec.from_json(asset_hub(home))
    engine = engine_for(spec.genesis)
    spec = replace(spec, genesis=with_dev_accounts(spec.genesis, engine))
    with closing(Author(spec, engine, scratch / "wasm")) as author:
        blocks = [author.block(transfers)[0] for transfers in REPLAYED]
        before = author.cost()
        theirs = _chopsticks(replay(home, spec, blocks, scratch))
        after = author.cost()
    block, transfer = (before.block + after.block) / 2, (before.transfer + after.transfer) / 2
    figures = (block, transfer, theirs.block, theirs.transfer, theirs.block / block, theirs.transfer / transfer)
    return dict(zip(BESIDE_CHOPSTICKS, figures, strict=True))


def _chopsticks(replayed: list[Replayed]) -> Cost:
    """The first block is left out: the executor is still being loaded."""
    _, *empty, full = (block.milliseconds for block in replayed)
    return Cost(statistics.median(map(sum, empty)), statistics.mean(full[-1 - REPLAYED[-1] : -1]))
