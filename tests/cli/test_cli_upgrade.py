"""`upgrade`: announcing other code for a shard, on a development node."""

from __future__ import annotations

import asyncio
import re

import base58
import pytest

from integritee.client.parentchain import ParentchainClient
from integritee.crypto import Ed25519Pair, Sr25519Pair, ss58_encode
from integritee.primitives.enclave_bridge import ShardConfig

from .conftest import Cli
from .parentchain_side import MRENCLAVE_TEXT, register_worker

ENCLAVE = Ed25519Pair.from_seed(b"upgrade".ljust(32))
NEW = base58.b58encode(b"\x21" * 32).decode()
MALFORMED = "error: cli.invalid_identifier"


@pytest.fixture(scope="module")
def shard(node_port: str) -> str:
    """Served by a registered enclave that runs MRENCLAVE, with room for two."""

    async def claim() -> bytes:
        name = b"\x51" * 32
        async with await ParentchainClient.connect(f"ws://127.0.0.1:{node_port}") as chain:
            funds = chain.transfer(ENCLAVE.public, 10**14)
            await chain.submit_and_watch(await chain.sign(funds, Sr25519Pair.from_uri("//Alice")))
            await register_worker(node_port, ENCLAVE, b"wss://upgraded:2000")
            config = ShardConfig(base58.b58decode(MRENCLAVE_TEXT), max_instances=2)
            arguments = {"shard": name, "shard_config": config, "enactment_delay": 0}
            call = chain.call("EnclaveBridge", "update_shard_config", arguments)
            await chain.submit_and_watch(await chain.sign(call, ENCLAVE))
        return name

    return base58.b58encode(asyncio.run(claim())).decode()


def test_what_is_announced_can_be_cancelled(with_node: Cli, shard: str) -> None:
    result = with_node("upgrade", "announce", "//Alice", shard, NEW, "--delay", "1000")
    assert (result.code, result.err) == (0, "")
    block, in_force, announced = result.lines
    number = int(block.split()[1])
    assert in_force == f"in force     {MRENCLAVE_TEXT}"
    found = re.fullmatch(rf"announced    {NEW}, in force at block (\d+) \(in (\d+)\)", announced)
    assert found
    assert int(found[1]) - number == int(found[2]) <= 1000

    view = with_node("--json", "upgrade", "status", shard).json
    assert (view["active"], view["pending"], view["upgrade_at"]) == (MRENCLAVE_TEXT, NEW, int(found[1]))
    (validateer,) = view["validateers"]
    assert validateer.pop("last_activity") > 0
    assert validateer == {"signer": ss58_encode(ENCLAVE.public), "fingerprint": MRENCLAVE_TEXT}

    assert len(with_node("upgrade", "cancel", "//Alice", shard).lines) == 2
    view = with_node("--json", "upgrade", "status", shard).json
    assert (view["active"], view["pending"], view["upgrade_at"]) == (MRENCLAVE_TEXT, None, None)


def test_at_once_and_back(with_node: Cli, node_port: str, shard: str) -> None:
    """All else in the configuration stays."""
    for code in (NEW, MRENCLAVE_TEXT):
        assert (
            with_node("--json", "upgrade", "announce", "//Alice", shard, code, "--delay", "0").json["active"] == code
        )

    async def config() -> object:
        async with await ParentchainClient.connect(f"ws://127.0.0.1:{node_port}") as chain:
            return await chain.storage("EnclaveBridge", "ShardConfigRegistry", base58.b58decode(shard))

    found = asyncio.run(config())
    assert found["pending_upgrade"]["max_instances"] == 2  # type: ignore[index]


def test_only_root_may(with_node: Cli, shard: str) -> None:
    result = with_node("upgrade", "announce", "//Bob", shard, NEW)
    assert result.code == 101
    assert result.err.startswith("error: client.extrinsic_failed")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("status", "SHARD"), "cli.invalid_identifier"),
        (("announce", "//Alice", NEW, "0x12"), "cli.invalid_identifier"),
        (("announce", "//Alice", NEW, NEW), "cli.shard_not_configured"),
        (("cancel", "//Alice", NEW), "cli.shard_not_configured"),
        (("status", NEW), "cli.shard_not_configured"),
        (("announce", "//Alice", NEW, NEW, "--delay", "soon"), "cli.usage"),
    ],
)
def test_what_makes_no_sense(with_node: Cli, words: tuple[str, ...], code: str) -> None:
    result = with_node("upgrade", *words)
    assert (result.code, result.out) == (2 if code == "cli.usage" else 101, "")
    assert result.err.startswith(f"error: {code}: ")
