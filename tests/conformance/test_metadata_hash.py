"""The hash by which runtimes know their metadata, as polkadot-api computes it for wallets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integritee.metadata.merkleized import metadata_hash

from .real_runtimes import RUNTIMES, RealRuntimes
from .reports import Report, run_client

pytestmark = pytest.mark.timeout(900)  # the first test of all may install the client

VECTORS = Path(__file__).parents[1] / "vectors"
GOLDEN: dict[str, dict[str, Any]] = json.loads((VECTORS / "metadata-hashes.json").read_text())
SHIPPED = [name for name, (version, _, _) in RUNTIMES.items() if version == 15]
TOKENS = [("DOT", 10), ("", 0), ("🪙", 255)]


def case(name: str, metadata: bytes, symbol: str, decimals: int) -> dict[str, Any]:
    return {
        "name": f"{name} {symbol}",
        "metadata": "0x" + metadata.hex(),
        "tokenSymbol": symbol,
        "decimals": decimals,
    }


@pytest.fixture(scope="module")
def computed(javascript: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    metadata = {name: RealRuntimes(javascript).bare(name) for name in SHIPPED}
    wanted = [case(name, metadata[name], symbol, decimals) for name in SHIPPED for symbol, decimals in TOKENS]
    for name, golden in GOLDEN.items():
        raw = (VECTORS / "metadata" / golden["file"]).read_bytes() if "file" in golden else metadata[name]
        wanted.append(case(f"golden {name}", raw, golden["tokenSymbol"], golden["decimals"]))
    file = tmp_path_factory.mktemp("metadata") / "metadata.json"
    file.write_text(json.dumps(wanted))
    return run_client("polkadot-api", ["node", "metadata-hash.mjs", str(file)], javascript)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize(("symbol", "decimals"), TOKENS, ids=["ordinary", "least", "most"])
def test_real_runtimes(computed: Report, javascript: Path, name: str, symbol: str, decimals: int) -> None:
    metadata = RealRuntimes(javascript).parsed(name)
    assert "0x" + metadata_hash(metadata, decimals, symbol).hex() == computed[f"{name} {symbol}"]["hash"]


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_hashes_are_those_of_the_client(computed: Report, name: str) -> None:
    assert computed[f"golden {name} {GOLDEN[name]['tokenSymbol']}"]["hash"] == GOLDEN[name]["hash"]
