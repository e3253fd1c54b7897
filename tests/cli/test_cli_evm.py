"""Contracts on the command line: the steps of the original's smart-contract demo, and what goes wrong."""

from __future__ import annotations

import pytest

from integritee.apps.evm.addresses import create2_address, evm_address, mapped_account
from integritee.crypto import ss58_encode

from ..apps.evm.contracts import COUNTER
from ..client.ledger_enclave import ALICE, LedgerEnclave
from .conftest import Cli

A = ss58_encode(ALICE.public)
CREATOR = ss58_encode(mapped_account(evm_address(ALICE.public)))
ADDRESS = "0x8a50db1e0f9452cfd91be8dc004ceb11cb08832f"
SECOND = "0xb49a2a41bbd68b6f49f03810f299d752875bcf89"
SALT = b"\x44" * 32
SEED = "0x" + "2a" * 32
INC, ADD = "371303c0", "1003e2d2"


def word(number: int) -> str:
    return "0x" + number.to_bytes(32, "big").hex() + "\n"


def test_the_demo(direct: Cli, with_enclave: Cli) -> None:
    created = direct("evm-create", "//Alice", COUNTER.hex())
    assert (created.code, created.err) == (0, "")
    first, second, ready, in_block, last = created.lines
    assert first == f"from ss58 is {A}"
    assert second == f'Trying to get nonce of evm account "{CREATOR}"'
    assert (ready[-9:], "InSidechainBlock" in in_block) == (" is Ready", True)
    assert last == f"Created the smart contract with address {ADDRESS}"
    assert with_enclave("trusted", "evm-read", "//Alice", ADDRESS).out == word(0x22)
    assert direct("evm-call", "//Alice", ADDRESS, INC).sent == ["calling smart contract function"]
    assert with_enclave("trusted", "evm-read", "//Alice", ADDRESS).out == word(0x23)
    assert direct("evm-call", "//Alice", ADDRESS[2:], f"0x{ADD}{3:064x}").code == 0
    assert with_enclave("trusted", "evm-read", "//Alice", ADDRESS).out == word(0x26)


def test_the_second_contract_has_another_address(direct: Cli, with_enclave: Cli) -> None:
    assert direct("evm-create", "//Alice", COUNTER.hex()).lines[-1].endswith(ADDRESS)
    found = with_enclave("--json", "trusted", "-d", "evm-create", "//Alice", COUNTER.hex()).json
    assert (found["call"], found["address"]) == ("evm_create", SECOND)
    assert with_enclave("--json", "trusted", "evm-read", "//Alice", SECOND).json == {"slot": word(0x22).strip()}


def test_an_address_that_is_known_before(direct: Cli, with_enclave: Cli) -> None:
    address = "0x" + create2_address(evm_address(ALICE.public), SALT, COUNTER).hex()
    created = direct("evm-create2", "//Alice", "0x" + COUNTER.hex(), SALT.hex())
    assert created.lines[-1] == f"Created the smart contract with address {address}"
    assert with_enclave("trusted", "evm-read", "//Alice", address).out == word(0x22)
    code = with_enclave("trusted", "get-evm-account-codes", "//Alice", address).out
    assert COUNTER.hex().endswith(code.strip().removeprefix("0x"))
    slot = with_enclave("trusted", "get-evm-account-storages", "//Alice", address, "00" * 32).out
    assert slot == word(0x22)


def test_a_session_proxy_acts_as_the_accounts_address(direct: Cli, with_enclave: Cli) -> None:
    direct("add-session-proxy", "//Alice", SEED, "Any")
    created = direct("evm-create", A, COUNTER.hex(), "--session-proxy", SEED)
    assert (created.lines[0], created.lines[-1][-42:]) == (f"from ss58 is {A}", ADDRESS)
    assert direct("evm-call", A, ADDRESS, INC, "--session-proxy", SEED).err == ""
    assert with_enclave("trusted", "evm-read", A, ADDRESS, "--session-proxy", SEED).out == word(0x23)


def test_funds_come_back(direct: Cli, enclave: LedgerEnclave) -> None:
    before = enclave.free(ALICE.public)
    sent = direct("evm-withdraw", "//Alice", str(10**12)).sent
    assert sent == [f"send trusted call evm-withdraw to {A}: {10**12}"]
    assert enclave.free(ALICE.public) == before + 10**12 - 10**10


def test_a_contract_that_is_not_created_has_no_address(direct: Cli, with_enclave: Cli) -> None:
    result = direct("evm-create", "//Alice", "fe")
    assert (result.code, result.lines[-1][-11:]) == (0, " is Invalid")
    assert result.err.startswith("error: evm.")
    strict = with_enclave("--strict", "trusted", "-d", "evm-create", "//Alice", "fe")
    assert strict.code == 101
    assert "Created" not in strict.out


def test_nothing_in_state(with_enclave: Cli) -> None:
    result = with_enclave("trusted", "evm-read", "//Alice", ADDRESS)
    assert (result.code, result.out) == (101, "")
    assert result.err.startswith("error: client.value_not_present: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["evm-create", "//Alice"],
        ["evm-create", "//Alice", "0xabc"],
        ["evm-create2", "//Alice", "00", "44"],
        ["evm-call", "//Alice", ADDRESS],
        ["evm-call", "//Alice", ADDRESS[:-2], INC],
        ["evm-read", "//Alice", "//Bob"],
        ["evm-withdraw", "//Alice", "-1"],
    ],
)
def test_wrong_command_lines(cli: Cli, arguments: list[str]) -> None:
    result = cli("trusted", "-d", *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: cli.usage: ")
