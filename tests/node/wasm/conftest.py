"""A real runtime: Asset Hub Rococo as the npm package of known chains ships it, raw genesis with its blob."""

from __future__ import annotations

from pathlib import Path

import pytest

from integritee.frame.overlay import Overlay
from integritee.node.chain import genesis_state
from integritee.node.chain_spec import ChainSpec
from integritee.node.wasm.engine import WasmEngine
from integritee.trie import Trie

from ...conformance.environments import missing_node, node_packages
from ...conformance.known_chains import asset_hub as asset_hub_specification
from ...conformance.known_chains import compiled


@pytest.fixture(scope="session")
def asset_hub() -> ChainSpec:
    """The raw specification. Without npm there is none, and the tests of it are skipped."""
    missing = missing_node()
    if missing is not None:
        pytest.skip(missing)
    return ChainSpec.from_json(asset_hub_specification(node_packages()))


@pytest.fixture(scope="session")
def asset_hub_engine(asset_hub: ChainSpec, wasm_cache: Path) -> WasmEngine:
    """One engine for all tests that run the real runtime; it keeps nothing but compiled code."""
    return WasmEngine(compiled(asset_hub.to_json(), wasm_cache))


@pytest.fixture(scope="session")
def genesis(asset_hub: ChainSpec, asset_hub_engine: WasmEngine) -> Trie:
    return genesis_state(asset_hub_engine, asset_hub.genesis)


@pytest.fixture
def state(genesis: Trie) -> Overlay:
    """A fresh overlay over block 0."""
    return Overlay(genesis)
