"""Commands of the parentchain against a development node."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from integritee.crypto import Sr25519Pair, ss58_encode

from ..client.ledger_enclave import ALICE
from .conftest import Cli
from .parentchain_side import MRENCLAVE_TEXT, register_worker

HASH = "0x[0-9a-f]{64}"
CHARLIE = Sr25519Pair.from_uri("//Charlie")


def test_balance_is_one_integer(with_node: Cli) -> None:
    result = with_node("balance", "//Alice")
    assert (result.code, result.err) == (0, "")
    assert re.fullmatch(r"\d+\n", result.out)
    assert int(result.out) > 10**12


def test_balance_of_nobody_is_0(with_node: Cli) -> None:
    assert with_node("balance", "//Nobody").out == "0\n"


def test_balance_as_json_is_a_decimal_string(with_node: Cli) -> None:
    assert with_node("--json", "balance", "//Nobody").json == {"balance": "0"}


def test_transfer(with_node: Cli) -> None:
    before = int(with_node("balance", "//TransferTarget").out)
    result = with_node("transfer", "//Bob", "//TransferTarget", "5000000000000")
    first, second = result.lines
    assert re.fullmatch(rf"\[\+\] L1 extrinsic success\. extrinsic hash: {HASH} / status: InBlock\({HASH}\)", first)
    assert re.fullmatch(rf"balance for 5\w{{47}} is now {before + 5 * 10**12}", second)
    assert result.code == 0


def test_transfer_as_json(with_node: Cli) -> None:
    result = with_node("--json", "transfer", "//Bob", "//JsonTarget", "5000000000000")
    assert set(result.json) == {"extrinsic_hash", "block_hash", "to", "balance"}
    assert result.json["balance"] == "5000000000000"


@pytest.mark.parametrize(("amount", "reason"), [(10**30, "Arithmetic.Underflow"), (1, "Token.BelowMinimum")])
def test_transfer_that_fails(with_node: Cli, amount: int, reason: str) -> None:
    result = with_node("transfer", "//Bob", "//NobodyYet", str(amount))
    assert (result.code, result.out) == (101, "")
    assert result.err == (
        f"error: client.extrinsic_failed: the extrinsic ended as inBlock: {reason} "
        f"[status=inBlock, reason={reason}]\n"
    )


def test_transfer_from_nobody(with_node: Cli) -> None:
    result = with_node("--json", "transfer", "//NobodyYet", "//Bob", "1000000000")
    assert (result.code, result.error["code"]) == (101, "client.rpc_error")
    assert result.error["data"]["rpc_code"] == 1010


def test_faucet(with_node: Cli) -> None:
    result = with_node("faucet", "//DripA", "//DripB")
    nonces = [int(n) for n in re.findall(r"Faucet drips to 5\w{47} \(Alice's nonce=(\d+)\)", result.out)]
    assert len(nonces) == len(result.lines) == 2
    assert nonces[1] == nonces[0] + 1
    with_node("listen", "-b", "2")
    assert with_node("balance", "//DripB").out == "1000000000\n"


def test_listen_to_one_block(with_node: Cli) -> None:
    result = with_node("listen", "-b", "1")
    assert result.lines[0] == "None Some(1)"
    assert re.fullmatch(r"block number \(HEAD\): \d+", result.lines[1])
    assert result.code == 0


def test_listen_to_events(with_node: Cli) -> None:
    result = with_node("listen", "--exit-after", "3", "--await-blocks", "100")
    assert result.lines[0] == "Some(3) Some(100)"


def test_listen_as_json(with_node: Cli) -> None:
    blocks = with_node("--json", "listen", "-b", "2").json["blocks"]
    assert blocks[1]["number"] > blocks[0]["number"]


def test_listen_as_json_needs_an_end(cli: Cli) -> None:
    result = cli("--json", "listen")
    assert (result.code, result.error["code"]) == (2, "cli.usage")


def test_listen_to_nothing(with_node: Cli) -> None:
    assert with_node("listen", "-b", "0").out == "None Some(0)\n"


def test_print_metadata(with_node: Cli) -> None:
    result = with_node("print-metadata")
    assert result.out.startswith("Metadata:\n {\n")
    assert "metadata" in json.loads(result.out.removeprefix("Metadata:\n "))


def test_list_workers(with_node: Cli, node_port: str) -> None:
    asyncio.run(register_worker(node_port, CHARLIE, b"wss://localhost:2000"))
    asyncio.run(register_worker(node_port, ALICE, None))
    count, *lines = with_node("list-workers").lines
    blocks = [lines[at : at + 5] for at in range(0, len(lines), 5)]
    assert count == f"number of enclaves registered: {len(blocks)}"
    for public, url in ((CHARLIE.public, "wss://localhost:2000"), (ALICE.public, "\x10none")):
        signer = f"   signer: Known(Ed25519({public.hex()} ({ss58_encode(public)[:8]}...)))"
        (block,) = [block for block in blocks if block[1] == signer]
        assert block[0] == "Enclave"
        assert block[2] == f"   MRENCLAVE: {MRENCLAVE_TEXT}"
        assert re.fullmatch(r"   RA timestamp: \d{13}", block[3])
        assert block[4] == f"   URL: {url}"


def test_list_workers_as_json(with_node: Cli, node_port: str) -> None:
    asyncio.run(register_worker(node_port, ALICE, None))
    workers = {worker["signer"]: worker for worker in with_node("--json", "list-workers").json["workers"]}
    found = workers[ss58_encode(ALICE.public)]
    assert (found["mrenclave"], found["url"]) == (MRENCLAVE_TEXT, None)


@pytest.mark.parametrize("account", ["0x" + "11" * 32, "bottom drive obey lake", "x", ""])
def test_recipients_are_not_named_by_secrets(with_node: Cli, account: str) -> None:
    result = with_node("balance", account)
    assert (result.code, result.out) == (101, "")
    assert result.err.startswith("error: client.unknown_account: ")
    assert len(account) < 2 or account not in result.err
