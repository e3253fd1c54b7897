"""The command line, option by option."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from integritee.boundary.messages import Checkpoint, MetadataToken
from integritee.primitives.header import Digest, Header
from integritee.primitives.ids import ParentchainId
from integritee.worker.chain_config import ChainConfig, RelayConfig
from integritee.worker.checkpoint import to_json
from integritee.worker.config import external, parse
from integritee.worker.errors import CheckpointUnusable, InvalidOption

INTEGRITEE, A, B = ParentchainId.Integritee, ParentchainId.TargetA, ParentchainId.TargetB
LOCAL = ChainConfig(INTEGRITEE, ("ws://127.0.0.1:9944",))
CHECKPOINT = Checkpoint(Header(bytes(32), 7, bytes(32), bytes(32), Digest([])), 3, [(bytes(32), 1)])


@pytest.mark.parametrize(
    "line, expected",
    [
        ("run", {"chains": (LOCAL,), "shielding_target": None, "max_parentchain_age": 600}),
        ("run -s integritee", {"shielding_target": INTEGRITEE}),
        (
            "run --metadata-token integritee=ERT/12",
            {"chains": (ChainConfig(INTEGRITEE, LOCAL.urls, token=MetadataToken("ERT", 12)),)},
        ),
        ("-u ws://n -p 7 run", {"chains": (ChainConfig(INTEGRITEE, ("ws://n:7",)),)}),
        (
            "-u ws://n:1,wss://m -p 7 run",
            {"chains": (ChainConfig(INTEGRITEE, ("ws://n:1", "wss://m:7")),)},
        ),
        (
            "--target-a-parentchain-rpc-url ws://a --target-a-parentchain-rpc-port 9955 run",
            {"chains": (LOCAL, ChainConfig(A, ("ws://a:9955",)))},
        ),
        (
            "--target-b-parentchain-rpc-url ws://b:1,ws://c:2 run --shielding-target target-b",
            {"chains": (LOCAL, ChainConfig(B, ("ws://b:1", "ws://c:2"))), "shielding_target": B},
        ),
        (
            "--target-b-parentchain-rpc-url ws://b:1 --target-a-parentchain-rpc-url ws://a:1 run -s Target-A",
            {
                "chains": (LOCAL, ChainConfig(A, ("ws://a:1",)), ChainConfig(B, ("ws://b:1",))),
                "shielding_target": A,
            },
        ),
        (
            "--integritee-relay-url ws://r:1,ws://s:2 run",
            {"chains": (ChainConfig(INTEGRITEE, LOCAL.urls, relay=RelayConfig(("ws://r:1", "ws://s:2"))),)},
        ),
        (
            "--integritee-relay-url ws://r:1 --integritee-para-id 2015 run",
            {"chains": (ChainConfig(INTEGRITEE, LOCAL.urls, relay=RelayConfig(("ws://r:1",), 2015)),)},
        ),
        ("run", {"ipfs_url": None, "on_ipfs": None}),
        ("--ipfs-url http://127.0.0.1:5001 run", {"ipfs_url": "http://127.0.0.1:5001"}),
        ("--ipfs-url https://ipfs.example/rpc run", {"ipfs_url": "https://ipfs.example/rpc"}),
        ("--ipfs-url http://n:5001 export-shard f --ipfs", {"ipfs_url": "http://n:5001", "on_ipfs": ""}),
        ("--ipfs-url http://n:5001 import-shard f --request r --shares s --ipfs Qm", {"on_ipfs": "Qm"}),
        ("run", {"takeover_from": None}),
        ("run --takeover-from enclave.example:3443", {"takeover_from": ("enclave.example", 3443)}),
        ("run --takeover-from [::1]:3443", {"takeover_from": ("::1", 3443)}),
        ("request-state --shard 4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi --skip-ra", {"shard": b"\x01" * 32}),
        ("request-state --slot-ms 250", {"slot_ms": 250}),
        ("run --max-parentchain-age 0", {"max_parentchain_age": 0}),
        ("run --max-parentchain-age 45", {"max_parentchain_age": 45}),
        ("run", {"max_connections": 10_000}),
        ("run --max-connections 1", {"max_connections": 1}),
        ("run", {"block_store_budget": 4 << 30}),
        ("--block-store-budget 512M run", {"block_store_budget": 512 << 20}),
        ("--block-store-budget 300000000 run", {"block_store_budget": 300_000_000}),
        ("mrenclave", {"command": "mrenclave", "chains": (LOCAL,)}),
        ("-p 1 export-checkpoint", {"command": "export-checkpoint"}),
        ("--ws-external run", {"bind_host": "0.0.0.0", "trusted_url": "wss://0.0.0.0:2000"}),
        ("run --dev --app a --app b --slot-ms 250", {"dev": True, "apps": ("a", "b"), "slot_ms": 250}),
    ],
)
def test_lines(line: str, expected: dict[str, Any]) -> None:
    config = parse(line.split())
    assert {name: getattr(config, name) for name in expected} == expected


@pytest.mark.parametrize(
    "line, option",
    [
        ("-u localhost run", "--integritee-rpc-url"),
        ("-u http://localhost run", "--integritee-rpc-url"),
        ("--target-a-parentchain-rpc-port 9955 run", "--target-a-parentchain-rpc-port"),
        ("--target-a-parentchain-rpc-url ws://a run", "--target-a-parentchain-rpc-url"),
        ("--target-b-relay-url ws://r:1 run", "--target-b-relay-url"),
        ("--integritee-para-id 7 run", "--integritee-para-id"),
        ("--integritee-relay-url ws://r run", "--integritee-relay-url"),
        ("run --shielding-target target-a", "--shielding-target"),
        ("run --max-parentchain-age -1", "--max-parentchain-age"),
        ("run --max-parentchain-age 1000000001", "--max-parentchain-age"),
        ("run --metadata-token ERT/12", "--metadata-token"),
        ("run --metadata-token integritee=ERT", "--metadata-token"),
        ("run --metadata-token integritee=ERT/256", "--metadata-token"),
        ("run --metadata-token kusama=KSM/12", "--metadata-token"),
        ("run --metadata-token target-a=ERT/12", "--metadata-token"),
        ("run --slot-ms 1", "--slot-ms"),
        *((f"run --takeover-from {text}", "--takeover-from") for text in ("host", "host:", ":1", "host:0", "host:x")),
        ("run notbase58!", "shard"),
        *(
            (f"--ipfs-url {url} run", "--ipfs-url")
            for url in ("n:5001", "ftp://n", "http://", "http://n:x", "http://n:0")
        ),
        ("export-shard f --ipfs", "--ipfs-url"),
        ("import-shard f --request r --shares s --ipfs Qm", "--ipfs-url"),
    ],
)
def test_unusable_values(line: str, option: str) -> None:
    with pytest.raises(InvalidOption, match=option):
        parse(line.split())


@pytest.mark.parametrize(
    "line",
    [
        "run --shielding-target kusama",
        "run --max-parentchain-age x",
        "run --max-connections 0",
        "run --max-connections 1000001",
        "run --max-connections many",
        "-p x run",
        "--block-store-budget 255M run",
        "--block-store-budget G run",
        "--block-store-budget -1 run",
        "",
    ],
)
def test_usage_errors(line: str) -> None:
    with pytest.raises(SystemExit):
        parse(line.split())


def test_checkpoints_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.json"
    path.write_text(to_json({"integritee": CHECKPOINT, "target-a-relay": CHECKPOINT}))
    target = "--target-a-parentchain-rpc-url ws://a:1 --target-a-relay-url ws://r:1"
    chains = parse([*target.split(), "run", "--checkpoint", str(path)]).chains
    assert chains[0].checkpoint == CHECKPOINT
    assert chains[1].checkpoint is None
    assert chains[1].relay == RelayConfig(("ws://r:1",), None, CHECKPOINT)
    with pytest.raises(InvalidOption, match="target-a-relay"):
        parse(["run", "--checkpoint", str(path)])
    with pytest.raises(CheckpointUnusable):
        parse(["run", "--checkpoint", str(tmp_path / "none")])


@pytest.mark.parametrize(
    "address, advertised",
    [
        (None, "wss://0.0.0.0:2000"),
        ("wss://host:1", "wss://host:1"),
        ("wss://host", "wss://host:2000"),
        ("host:1", "host:1"),
        ("host", "host:2000"),
    ],
)
def test_advertised_addresses(address: str | None, advertised: str) -> None:
    assert external(address, "wss://0.0.0.0", 2000) == advertised
