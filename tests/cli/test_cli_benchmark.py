"""`trusted benchmark`: its report, and that the ledger adds up meanwhile."""

from __future__ import annotations

import re

import pytest

from ..client.ledger_enclave import ALICE, UNIT, LedgerEnclave
from .conftest import Cli

FEE = UNIT // 100
TRANSFERRED = 1000


def test_report(direct: Cli, enclave: LedgerEnclave) -> None:
    result = direct("benchmark", "3", "4", "-w")
    assert (result.code, result.err) == (0, "")
    endowment = 5 * (FEE + TRANSFERRED)
    assert result.lines[:4] == [
        "Nonce for account //Alice: 0",
        *(f"Initializing account {i} with initial amount {endowment}" for i in range(3)),
    ]
    end = result.lines.index(next(line for line in result.lines if line.startswith("Finished")))
    assert re.fullmatch(r"Finished benchmark with 3 clients and 4 transactions in \d+ ms", result.lines[end])
    rows = [re.fullmatch(r"(\d+) percent are done within (\d+) ms", line) for line in result.lines[end + 1 :]]
    found = [(int(row[1]), int(row[2])) for row in rows if row is not None]
    assert [percent for percent, _ in found] == [*range(5, 101, 5)]
    assert [within for _, within in found] == sorted(within for _, within in found)

    rounds = result.lines[4:end]
    assert sum(line.startswith("Iteration: ") for line in rounds) == 12
    assert rounds.count("  Transfer amount: 1000") == 12
    balances = [line for line in rounds if line.startswith("Balance: ")]
    expected = [f"Balance: {left * (FEE + TRANSFERRED)}" for left in (4, 3, 2, 1) for _ in range(3)]
    assert sorted(balances) == sorted(expected)
    assert enclave.free(ALICE.public) == 1000 * UNIT - 3 * (endowment + FEE)


def test_as_json(direct: Cli, with_enclave: Cli) -> None:
    found = with_enclave("--json", "trusted", "--direct", "benchmark", "2", "1").json
    assert (found["clients"], found["transactions"]) == (2, 1)
    assert found.keys() == {"clients", "transactions", "milliseconds", "percentiles"}
    assert found["percentiles"].keys() == {str(percent) for percent in range(5, 101, 5)}


def test_random_waits(direct: Cli) -> None:
    lines = direct("benchmark", "1", "2", "1", "3").lines
    waits = [int(line.removeprefix("Sleep for: ").removesuffix("ms")) for line in lines if line.startswith("Sleep")]
    assert len(waits) == 2
    assert all(1 <= wait <= 3 for wait in waits)


@pytest.mark.parametrize("option", [[], ["-w"]], ids=["taken", "in a block"])
def test_somebody_else_spends(
    direct: Cli, enclave: LedgerEnclave, monkeypatch: pytest.MonkeyPatch, option: list[str]
) -> None:
    """A ledger that charges more than it should."""
    seal = enclave.seal

    def greedy() -> None:
        sender = enclave.held[0][1].call.sender
        seal()
        if sender != ALICE.public:
            enclave.runtime.balances.set_free(sender, enclave.free(sender) - 1)

    monkeypatch.setattr(enclave, "seal", greedy)
    result = direct("benchmark", "1", "1", *option)
    assert result.code == 101
    assert result.err.startswith("error: cli.unexpected_balance: ")


@pytest.mark.parametrize(
    ("options", "code", "error"),
    [
        (["--direct", "benchmark", "0"], 2, "cli.usage"),
        (["--direct", "benchmark", "1001"], 2, "cli.usage"),
        (["--direct", "benchmark", "1", "0"], 2, "cli.usage"),
        (["--direct", "benchmark", "1", "1", "5", "4"], 2, "cli.usage"),
        (["benchmark", "1", "1"], 2, "cli.usage"),
        (["--direct", "benchmark", "1", "1", "0", "0", "nobody"], 101, "client.unknown_account"),
        (["--direct", "benchmark", "1", "1", "0", "0", "//Pauper"], 101, "stf.missing_funds"),
    ],
)
def test_what_cannot_be_run(with_enclave: Cli, options: list[str], code: int, error: str) -> None:
    result = with_enclave("--json", "trusted", *options)
    assert (result.code, result.error["code"]) == (code, error)
