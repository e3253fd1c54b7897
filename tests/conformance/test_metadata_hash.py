"""The hash by which runtimes know their metadata, as polkadot-api computes it for wallets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integritee.frame.metadata import metadata_v15
from integritee.metadata import RuntimeMetadata
from integritee.metadata.merkleized import metadata_hash
from integritee.node.runtime.api import NODE_APIS
from integritee.node.runtime.runtime import IntegriteeNodeRuntime
from integritee.node.runtime.target_b import TargetBRuntime

from .real_runtimes import RUNTIMES, RealRuntimes
from .reports import Report, run_client

pytestmark = pytest.mark.timeout(900)  # the first test of all may install the client

VECTORS = Path(__file__).parents[1] / "vectors"
GOLDEN: dict[str, dict[str, Any]] = json.loads((VECTORS / "metadata-hashes.json").read_text())
SHIPPED = [name for name, (version, _, _) in RUNTIMES.items() if version == 15]
OURS = {runtime.name: metadata_v15(runtime, NODE_APIS) for runtime in (IntegriteeNodeRuntime, TargetBRuntime)}
DECIMALS, SYMBOL = 255, "🪙"


def case(name: str, metadata: bytes, symbol: str, decimals: int) -> dict[str, Any]:
    return {
        "name": name,
        "metadata": "0x" + metadata.hex(),
        "tokenSymbol": symbol,
        "decimals": decimals,
    }


@pytest.fixture(scope="module")
def computed(javascript: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    metadata = {name: RealRuntimes(javascript).bare(name) for name in SHIPPED}
    wanted = [case(name, raw, SYMBOL, DECIMALS) for name, raw in (metadata | OURS).items()]
    for name, golden in GOLDEN.items():
        raw = (VECTORS / "metadata" / golden["file"]).read_bytes() if "file" in golden else metadata[name]
        wanted.append(case(f"golden {name}", raw, golden["tokenSymbol"], golden["decimals"]))
    file = tmp_path_factory.mktemp("metadata") / "metadata.json"
    file.write_text(json.dumps(wanted))
    return run_client("polkadot-api", ["node", "metadata-hash.mjs", str(file)], javascript)


@pytest.mark.parametrize("name", SHIPPED)
def test_real_runtimes(computed: Report, javascript: Path, name: str) -> None:
    metadata = RealRuntimes(javascript).parsed(name)
    assert "0x" + metadata_hash(metadata, DECIMALS, SYMBOL).hex() == computed[name]["hash"]


@pytest.mark.parametrize("name", OURS)
def test_runtimes_of_the_node(computed: Report, name: str) -> None:
    metadata = RuntimeMetadata.parse(OURS[name])
    assert "0x" + metadata_hash(metadata, DECIMALS, SYMBOL).hex() == computed[name]["hash"]


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_hashes_are_those_of_the_client(computed: Report, name: str) -> None:
    assert computed[f"golden {name}"]["hash"] == GOLDEN[name]["hash"]
