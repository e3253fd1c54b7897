"""Metadata of real runtimes as npm package `@polkadot/types-support` ships it, version 9 to 16."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from integritee.metadata import RuntimeMetadata

DIRECTORY: Final = Path("node_modules/@polkadot/types-support/metadata")

OLDER: Final = {
    "v9/substrate": 9,
    "v10/substrate": 10,
    "v11/substrate": 11,
    "v12/substrate": 12,
    "v13/kusama": 13,
    "v13/polkadot": 13,
    "v13/substrate": 13,
}
"""Version by name, of those from before the portable type registry."""

RUNTIMES: Final = {
    "v14/kusama": (14, 64, 930),
    "v14/polkadot": (14, 57, 871),
    "v14/substrate": (14, 80, 945),
    "v14/substrate-contracts-node": (14, 10, 159),
    "v15/asset-hub-kusama": (15, 58, 1253),
    "v15/asset-hub-polkadot": (15, 53, 1080),
    "v15/kusama": (15, 65, 1160),
    "v15/polkadot": (15, 61, 1081),
    "v15/substrate": (15, 85, 1128),
    "v16/substrate": (16, 85, 1137),
}
"""(version, pallets, types) by name."""


class RealRuntimes:
    """The package in the JavaScript directory `home`; metadata is parsed once."""

    def __init__(self, home: Path) -> None:
        self._files = home / DIRECTORY
        self._parsed: dict[str, RuntimeMetadata] = {}

    def names(self) -> set[str]:
        found = self._files.glob("v*/*-hex.js")
        return {f"{file.parent.name}/{file.name.removesuffix('-hex.js')}" for file in found}

    def raw(self, name: str) -> bytes:
        """As the chain returned it: bare before version 15, later as the answer of the runtime API."""
        found = re.search(r"'0x([0-9a-f]+)'", (self._files / f"{name}-hex.js").read_text())
        assert found is not None
        return bytes.fromhex(found[1])

    def bare(self, name: str) -> bytes:
        """From "meta" on."""
        raw = self.raw(name)
        return raw if raw.startswith(b"meta") else raw[raw.index(b"meta") :]

    def parsed(self, name: str) -> RuntimeMetadata:
        if name not in self._parsed:
            raw = self.raw(name)
            found = RuntimeMetadata.parse(raw) if raw.startswith(b"meta") else RuntimeMetadata.parse_answer(raw)
            assert found is not None
            self._parsed[name] = found
        return self._parsed[name]

    def as_js_shows_it(self, name: str) -> dict[str, Any] | None:
        """`Metadata.toJSON()` of polkadot-js, which the package keeps in two files; None where it does not."""
        rest, types = self._files / f"{name}-json.json", self._files / f"{name}-types.json"
        if not rest.exists():
            return None
        shown: dict[str, Any] = json.loads(rest.read_text())
        if types.exists():
            (content,) = shown["metadata"].values()
            content["lookup"] = {"types": json.loads(types.read_text())}
        return shown
