"""The watchdog: lines, metrics, what failing looks like, and when it gives up."""

from __future__ import annotations

import re
import socket
from math import inf

import pytest
from prometheus_client import generate_latest

from integritee.cli.main import parse
from integritee.cli.output import TextOutput
from integritee.cli.session import Identity
from integritee.cli.signing import Parties
from integritee.cli.watchdog import Gauges, Rounds, shielding_target_decimals
from integritee.crypto import Sr25519Pair
from integritee.primitives.ids import ParentchainId
from integritee.stf.chain_specs import CHAIN_SPECS
from integritee.stf.errors import InvalidSignature
from integritee.stf.types import ParentchainInfo, ParentchainsInfo

from ..client.ledger_enclave import ALICE, BLOCK, MRENCLAVE, UNIT, LedgerEnclave
from .conftest import NOBODY, Cli, EnclaveThread

FEE = UNIT // 100
POOR = Sr25519Pair.from_uri("//Poor")
HASH = "0x[0-9a-f]{64}"
ROUND = [
    r"Getting AccountInfo took \d+ms",
    r"Getting SidechainHeader took \d+ms\. block number: 7",
    rf"Trusted call {HASH} is Ready",
    rf"Trusted call {HASH} is InSidechainBlock\(0x{BLOCK.hex()}\)",
    r"Send note took \d+ms",
    r"Sleeping for 0 seconds",
]
LAST = [*ROUND[:2], r"Account has insufficient funds\. Exiting\."]


def matches(lines: list[str], patterns: list[str]) -> bool:
    return len(lines) == len(patterns) and all(map(re.fullmatch, patterns, lines))


def test_rounds_until_the_funds_are_gone(with_enclave: Cli, enclave: LedgerEnclave) -> None:
    enclave.runtime.balances.set_free(POOR.public, 3 * FEE)
    result = with_enclave("trusted", "-d", "watchdog", "//Poor", "--interval", "0", "--prometheus-port", "0")
    assert (result.code, result.err) == (0, "")
    assert result.lines[0] == "Shielding target decimals: 12"
    assert matches(result.lines[1:], ROUND + ROUND + LAST)
    assert enclave.free(POOR.public) == FEE


def test_a_session_proxy_watches(with_enclave: Cli, direct: Cli, enclave: LedgerEnclave) -> None:
    enclave.runtime.balances.set_free(POOR.public, UNIT // 10 + 3 * FEE)
    direct("add-session-proxy", "//Poor", "0x" + "2a" * 32, "NonTransfer")
    options = ["--interval", "0", "--prometheus-port", "0", "--session-proxy", "0x" + "2a" * 32]
    assert matches(with_enclave("trusted", "watchdog", "//Poor", *options).lines[1:], ROUND + LAST)


def rounds(port: str) -> Rounds:
    options = parse(["-P", port, "trusted", "watchdog", "//Alice"])
    return Rounds(options, TextOutput(), Identity(MRENCLAVE, MRENCLAVE), Parties(ALICE.public, ALICE), 12, Gauges())


def metrics(gauges: Gauges) -> dict[str, float]:
    lines = generate_latest(gauges.registry).decode().splitlines()
    return {name: float(value) for name, value in (line.split() for line in lines if not line.startswith("#"))}


async def test_metrics(served: EnclaveThread) -> None:
    watching = rounds(served.port)
    assert await watching.next()
    found = metrics(watching.gauges)
    assert set(found) == {
        "trusted_getter_account_info_request_seconds",
        "sidechain_block_header_request_seconds",
        "sidechain_block_number",
        "trusted_call_send_note_request_seconds",
        "watchdog_account_trusted_balance_free",
    }
    assert found.pop("sidechain_block_number") == 7
    assert found.pop("watchdog_account_trusted_balance_free") == 1000
    assert all(0 < seconds < 60 for seconds in found.values())


async def test_a_worker_that_is_away_may_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    watching = rounds(NOBODY)
    assert await watching.next()
    assert capsys.readouterr().out.splitlines() == [
        "Failed to get AccountInfo",
        "Failed to get sidechain header",
        "Failed to send note",
    ]
    assert set(metrics(watching.gauges).values()) == {inf}


async def test_a_refused_note(served: EnclaveThread, capsys: pytest.CaptureFixture[str]) -> None:
    watching = rounds(served.port)
    served.enclave.failure = InvalidSignature(ALICE.public)
    assert await watching.next()
    served.enclave.failure = None
    assert capsys.readouterr().out.splitlines()[-1] == "Failed to send note"
    assert metrics(watching.gauges)["trusted_call_send_note_request_seconds"] == inf
    assert await watching.next()
    assert metrics(watching.gauges)["trusted_call_send_note_request_seconds"] < 60


def chains(target: ParentchainId, genesis: bytes | None) -> ParentchainsInfo:
    infos = [ParentchainInfo(i, genesis if i is target else None, None, None, None, None) for i in ParentchainId]
    return ParentchainsInfo(*infos, target)


@pytest.mark.parametrize(("name", "decimals"), [("paseo", 10), ("asset-hub-polkadot", 10), ("integritee-kusama", 12)])
@pytest.mark.parametrize("target", ParentchainId)
def test_decimals_are_those_of_the_shielding_target(target: ParentchainId, name: str, decimals: int) -> None:
    genesis = next(genesis for genesis, spec in CHAIN_SPECS.items() if spec.name == name)
    assert shielding_target_decimals(chains(target, genesis)) == decimals


@pytest.mark.parametrize("genesis", [None, b"\x01" * 32])
def test_decimals_of_unknown_chains(genesis: bytes | None) -> None:
    assert shielding_target_decimals(chains(ParentchainId.TargetA, genesis)) == 12


def test_a_port_that_is_taken(with_enclave: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = with_enclave("trusted", "watchdog", "//Alice", "--prometheus-port", port)
    assert (result.code, result.lines) == (101, ["Shielding target decimals: 12"])
    assert result.err.startswith("error: cli.system: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json", "trusted", "watchdog", "//Alice"],
        ["trusted", "watchdog"],
        ["trusted", "watchdog", "//Alice", "--interval", "-1"],
        ["trusted", "watchdog", "//Alice", "--prometheus-port", "65536"],
    ],
)
def test_wrong_command_lines(cli: Cli, arguments: list[str]) -> None:
    assert cli(*arguments).code == 2
