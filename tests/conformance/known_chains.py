"""Raw chain specifications that npm package `@substrate/connect-known-chains` ships."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SPECS: Final = Path("node_modules/@substrate/connect-known-chains/dist/esm/specs")


def asset_hub(home: Path) -> str:
    """Asset Hub Rococo as JSON: the one raw genesis with its runtime in the package, in JavaScript directory `home`."""
    module = (home / SPECS / "rococo_v2_2_asset_hub.js").read_text()
    return module[module.index("`") + 1 : module.rindex("`")]
