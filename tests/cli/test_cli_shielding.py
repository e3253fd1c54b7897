"""`shield-funds`: what reaches the parentchain, and what is refused before anything does."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from unittest.mock import AsyncMock

import pytest

from integritee.cli.session import base58_text
from integritee.client.errors import RequestRefused
from integritee.client.parentchain import ParentchainClient
from integritee.client.worker import WorkerClient
from integritee.crypto import ss58_encode

from ..client.ledger_enclave import BOB, MRENCLAVE, SHARD, VAULT, shielding_key
from .conftest import Cli
from .parentchain_side import MRENCLAVE_TEXT

AMOUNT = 6_000_000_000_000
HASH = "0x[0-9a-f]{64}"


@pytest.fixture
def without_vault(monkeypatch: pytest.MonkeyPatch) -> None:
    """As workers of the original answer that are built without a sidechain: a failure without code."""

    async def refuse(client: WorkerClient) -> Any:
        raise RequestRefused("failed to get shard vault", None, None)

    monkeypatch.setattr(WorkerClient, "shard_vault", refuse)


async def events_of(node_port: str, block: str) -> list[Any]:
    async with await ParentchainClient.connect(f"ws://127.0.0.1:{node_port}") as chain:
        finalized = (await chain.header(await chain.finalized_head())).number
        block_hash = bytes.fromhex(block[2:])
        assert (await chain.header(block_hash)).number <= finalized
        return await chain.events(block_hash)


def test_shield_funds(with_both: Cli, node_port: str, without_vault: None) -> None:
    locked = int(with_both("balance", ss58_encode(MRENCLAVE)).out)
    result = with_both("shield-funds", "//Alice", "//Bob", str(AMOUNT), MRENCLAVE_TEXT)
    said = re.fullmatch(
        rf"\[\+\] shield funds success\. extrinsic hash: {HASH} / "
        rf"status: Finalized\(({HASH})\) / block hash: ({HASH})\n",
        result.out,
    )
    assert said is not None
    assert (result.code, result.err, said[1]) == (0, "", said[2])
    assert int(with_both("balance", ss58_encode(MRENCLAVE)).out) == locked + AMOUNT
    (event,) = [e for e in asyncio.run(events_of(node_port, said[1])) if str(e) == "EnclaveBridge.ShieldFunds"]
    assert (event.fields["shard"], event.fields["amount"]) == (MRENCLAVE, AMOUNT)
    assert shielding_key().decrypt(event.fields["encrypted_beneficiary"]) == BOB.public


def test_as_json(with_both: Cli, without_vault: None) -> None:
    found = with_both("--json", "shield-funds", "//Alice", "//Bob", str(AMOUNT), MRENCLAVE_TEXT).json
    assert found.keys() == {"extrinsic_hash", "block_hash"}


def test_a_shard_with_a_vault_is_not_paid_around_it(with_both: Cli) -> None:
    result = with_both("shield-funds", "//Alice", "//Bob", str(AMOUNT), MRENCLAVE_TEXT)
    vault = ss58_encode(VAULT)
    assert (result.code, result.out) == (101, "")
    assert result.err == (
        "error: cli.shard_has_vault: the shard has a vault on Integritee, what comes another way is lost: "
        f"transfer the funds to {vault} [vault={vault}, parentchain=Integritee]\n"
    )


def test_whether_there_is_a_vault_must_be_known(
    with_both: Cli, enclave: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enclave, "shard_vault", AsyncMock(return_value=None))
    result = with_both("--json", "shield-funds", "//Alice", "//Bob", str(AMOUNT), MRENCLAVE_TEXT)
    assert (result.code, result.error["code"]) == (101, "rpc.shard_vault_unknown")


def test_another_shard(with_both: Cli, without_vault: None) -> None:
    result = with_both("--json", "shield-funds", "//Alice", "//Bob", str(AMOUNT), base58_text(SHARD))
    assert (result.code, result.error["code"]) == (101, "cli.another_shard")
    assert result.error["data"] == {"served": MRENCLAVE_TEXT, "expected": base58_text(SHARD)}


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["//Alice", "//Bob", "1"], 2, "cli.usage"),
        (["//Alice", "//Bob", "-1", MRENCLAVE_TEXT], 2, "cli.usage"),
        (["//Alice", "//Bob", "1e12", MRENCLAVE_TEXT], 2, "cli.usage"),
        (["//Alice", "//Bob", "1", "0x" + "1b" * 32], 101, "cli.invalid_identifier"),
        (["//Alice", "//Bob", "1", MRENCLAVE_TEXT[:-1]], 101, "cli.invalid_identifier"),
        (["//Alice", "0x" + "11" * 32, "1", MRENCLAVE_TEXT], 101, "client.unknown_account"),
        ([ss58_encode(SHARD), "//Bob", "1", MRENCLAVE_TEXT], 101, "client.unknown_account"),
        (["//Alice", "//Bob", "1", MRENCLAVE_TEXT], 101, "client.connection_failed"),
    ],
)
def test_wrong_command_lines(cli: Cli, arguments: list[str], code: int, error: str) -> None:
    """The worker is asked last: nobody listens."""
    result = cli("--json", "shield-funds", *arguments)
    assert (result.code, result.out, result.error["code"]) == (code, "", error)


def test_nobody_pays_who_has_nothing(with_both: Cli, without_vault: None) -> None:
    result = with_both("--json", "shield-funds", "//NobodyYet", "//Bob", "1", MRENCLAVE_TEXT)
    assert (result.code, result.error["code"]) == (101, "client.rpc_error")
