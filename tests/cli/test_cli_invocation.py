"""Calls that travel through the parentchain: the rule of confirmation, and the whole way."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from integritee.cli.errors import ConfirmationMismatch, ConfirmationSkipped, ConfirmationTimeout
from integritee.cli.invocation import TIMEOUT_BLOCKS, Confirmation
from integritee.cli.output import TextOutput
from integritee.client.parentchain import BlockEvents, Inclusion
from integritee.metadata import EventRecord, Variant

from ..client.ledger_enclave import BOB, LedgerEnclave
from .conftest import Cli
from .parentchain_side import MRENCLAVE_TEXT, NO_CALLS, confirm_invocations, register_worker

SHARD, OTHER_SHARD = b"\x01" * 32, b"\x02" * 32
BLOCK, OTHER_BLOCK = b"\x0a" * 32, b"\x0b" * 32
NUMBER = 100
PHASE = Variant("ApplyExtrinsic", 1)


def processed(number: int, block_hash: bytes = BLOCK, shard: bytes = SHARD) -> EventRecord:
    fields = {
        "shard": shard,
        "block_hash": block_hash,
        "trusted_calls_merkle_root": NO_CALLS,
        "block_number": number,
    }
    return EventRecord(PHASE, "EnclaveBridge", "ProcessedParentchainBlock", fields)


def batch(number: int, *events: EventRecord) -> BlockEvents:
    return BlockEvents(b"\x0c" * 32, number, list(events))


@pytest.fixture
def confirmation() -> Confirmation:
    return Confirmation(SHARD, Inclusion(b"", BLOCK, []), NUMBER)


@pytest.mark.parametrize(
    ("found", "is_confirmed"),
    [
        (batch(NUMBER), False),
        (batch(NUMBER + 1, processed(NUMBER - 1, OTHER_BLOCK)), False),
        (batch(NUMBER + 1, processed(NUMBER - 1, OTHER_BLOCK), processed(NUMBER)), True),
        (batch(NUMBER + 1, processed(NUMBER + 7, OTHER_BLOCK, OTHER_SHARD)), False),
        (batch(NUMBER + 1, EventRecord(PHASE, "EnclaveBridge", "ShieldFunds", {})), False),
        (batch(NUMBER + TIMEOUT_BLOCKS, processed(NUMBER)), True),
    ],
)
def test_confirmation(confirmation: Confirmation, found: BlockEvents, is_confirmed: bool) -> None:
    assert confirmation.seen_in(found, TextOutput()) is is_confirmed


@pytest.mark.parametrize(
    ("found", "error"),
    [
        (batch(NUMBER + 2, processed(NUMBER + 1, OTHER_BLOCK)), ConfirmationSkipped),
        (batch(NUMBER + 1, processed(NUMBER, OTHER_BLOCK)), ConfirmationMismatch),
        (batch(NUMBER + TIMEOUT_BLOCKS), ConfirmationTimeout),
    ],
)
def test_confirmation_that_fails(confirmation: Confirmation, found: BlockEvents, error: type[Exception]) -> None:
    with pytest.raises(error):
        confirmation.seen_in(found, TextOutput())


def test_all_confirmations_are_shown(confirmation: Confirmation, capsys: pytest.CaptureFixture[str]) -> None:
    confirmation.seen_in(batch(NUMBER, processed(5, OTHER_BLOCK, OTHER_SHARD)), TextOutput())
    assert capsys.readouterr().out == (
        f"EnclaveBridge::ProcessedParentchainBlock {{ shard: 0x{'02' * 32}, block_hash: 0x{'0b' * 32}, "
        f"trusted_calls_merkle_root: 0x{'0c' * 32}, block_number: 5 }}\n"
    )


# -- the whole way


@pytest.fixture
def confirming(node_port: str) -> Iterator[None]:
    """A registered enclave that confirms blocks with invocations."""
    ready = threading.Event()
    over: list[Any] = []

    async def confirm() -> None:
        seen = asyncio.Event()
        await register_worker(node_port, BOB, b"wss://localhost:2000")
        task = asyncio.create_task(confirm_invocations(node_port, BOB, seen))
        over.append((asyncio.get_running_loop(), task))
        await seen.wait()
        ready.set()
        await task

    thread = threading.Thread(target=lambda: asyncio.run(confirm()))
    thread.start()
    assert ready.wait(20)
    yield
    loop, task = over[0]
    loop.call_soon_threadsafe(task.cancel)
    thread.join(10)


def test_indirect_transfer(with_both: Cli, enclave: LedgerEnclave, confirming: None) -> None:
    result = with_both("trusted", "-m", MRENCLAVE_TEXT, "transfer", "//Alice", "//Bob", "5000")
    hash32 = "0x[0-9a-f]{64}"
    sent, invoked, *confirmed = result.lines
    assert sent.startswith("send trusted call transfer from 5Grwva")
    included = re.fullmatch(
        rf"\[\+\] invoke TrustedOperation extrinsic success\. extrinsic hash: {hash32} / "
        rf"status: InBlock\(({hash32})\) / block hash: ({hash32})",
        invoked,
    )
    assert included is not None
    assert included[1] == included[2]
    assert re.fullmatch(
        rf"EnclaveBridge::ProcessedParentchainBlock {{ shard: 0x{'1b' * 32}, block_hash: {included[1]}, "
        rf"trusted_calls_merkle_root: 0x{'0c' * 32}, block_number: \d+ }}",
        confirmed[-1],
    )
    assert result.code == 0
    assert result.err == ""
    assert enclave.free(BOB.public) == 0


def test_unconfirmed_invocation(with_both: Cli) -> None:
    result = with_both("--json", "trusted", "-m", MRENCLAVE_TEXT, "noop", "//Alice")
    assert (result.code, result.error["code"]) == (101, "cli.confirmation_timeout")


def test_payer_without_funds(with_both: Cli) -> None:
    result = with_both("--json", "trusted", "-m", MRENCLAVE_TEXT, "-a", "//Nobody", "noop", "//Alice")
    assert (result.code, result.error["code"]) == (101, "client.rpc_error")
