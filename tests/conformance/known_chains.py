"""Raw chain specifications that npm package `@substrate/connect-known-chains` ships."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from integritee.node.chain import genesis_state
from integritee.node.chain_spec import ChainSpec
from integritee.node.wasm.engine import WasmEngine

from .environments import one_at_a_time

SPECS: Final = Path("node_modules/@substrate/connect-known-chains/dist/esm/specs")


def asset_hub(home: Path) -> str:
    """Asset Hub Rococo as JSON: the one raw genesis with its runtime in the package, in JavaScript directory `home`."""
    module = (home / SPECS / "rococo_v2_2_asset_hub.js").read_text()
    return module[module.index("`") + 1 : module.rindex("`")]


def compiled(specification: str, cache: Path) -> Path:
    """`cache`, with the runtime of a chain in it. If several processes want it at once, one compiles for all."""
    with one_at_a_time(cache):
        genesis_state(WasmEngine(cache), ChainSpec.from_json(specification).genesis)
    return cache


def lend_compiled(specification: str, cache: Path, base_path: Path) -> None:
    """Put what is `compiled` where a node with that base path looks for it: patience with starting nodes is limited."""
    place = base_path / "chains" / ChainSpec.from_json(specification).id / "wasm"
    place.parent.mkdir(parents=True)
    place.symlink_to(compiled(specification, cache))
