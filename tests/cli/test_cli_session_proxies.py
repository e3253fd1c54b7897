"""Session proxies: adding, using, listing and removing them."""

from __future__ import annotations

import argparse
import re

import pytest

from integritee.cli.proxies import expiry, role
from integritee.crypto import Sr25519Pair, ss58_encode
from integritee.stf.types import AnyRole, NonTransfer, ReadAny, ReadBalance, SessionProxyRole, TransferAllowance

from ..client.ledger_enclave import ALICE, BOB, UNIT, LedgerEnclave
from .conftest import Cli, Result

A = ss58_encode(ALICE.public)
SEED = "0x" + "2a" * 32
SEED_BYTES = ", ".join(["42"] * 32)
PROXY = ss58_encode(Sr25519Pair.from_seed(b"\x2a" * 32).public)
FEE = UNIT // 100


@pytest.fixture
def with_proxy(direct: Cli) -> Cli:
    """//Alice has a session proxy of a role."""

    def add(role: str, *options: str) -> Result:
        return direct("add-session-proxy", "//Alice", SEED, role, *options)

    return add


# -- adding, listing, removing


@pytest.mark.parametrize("text", ["Any", "NonTransfer", "ReadAny", "ReadBalance"])
def test_adding(with_proxy: Cli, with_enclave: Cli, text: str) -> None:
    assert with_proxy(text).sent == [f"send trusted call add-session-proxy for {PROXY}"]
    listed = with_enclave("trusted", "get-session-proxies", "//Alice").out
    assert re.fullmatch(
        rf"SessionProxyCredentials {{ role: {text}, expiry: Some\(\d{{13}}\), seed: \[{SEED_BYTES}\] }}\n", listed
    )


def test_adding_an_allowance(with_proxy: Cli, with_enclave: Cli) -> None:
    assert with_proxy("TransferAllowance=1000", "--expiry", "never").code == 0
    assert with_enclave("trusted", "get-session-proxies", "//Alice").out == (
        f"SessionProxyCredentials {{ role: TransferAllowance(1000), expiry: None, seed: [{SEED_BYTES}] }}\n"
    )
    assert with_enclave("--json", "trusted", "get-session-proxies", "//Alice").json == {
        "session_proxies": [{"role": {"TransferAllowance": {"allowance": "1000"}}, "expiry": None, "seed": SEED}]
    }


def test_there_are_none(with_enclave: Cli) -> None:
    result = with_enclave("trusted", "get-session-proxies", "//Alice")
    assert (result.code, result.out) == (0, "")


@pytest.mark.parametrize("named", [SEED, PROXY])
def test_removing(with_proxy: Cli, direct: Cli, named: str) -> None:
    with_proxy("Any")
    assert direct("remove-session-proxy", "//Alice", named).sent == [
        f"send trusted call remove-session-proxy for {PROXY}"
    ]
    assert direct("get-session-proxies", "//Alice").out == ""


def test_as_json(with_enclave: Cli) -> None:
    found = with_enclave("--json", "trusted", "-d", "add-session-proxy", "//Alice", SEED, "Any").json
    assert (found["call"], found["proxy"]) == ("add_session_proxy", PROXY)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Any", AnyRole()),
        ("any", AnyRole()),
        ("NonTransfer", NonTransfer()),
        ("non-transfer", NonTransfer()),
        ("ReadAny", ReadAny()),
        ("ReadBalance", ReadBalance()),
        ("TransferAllowance=0", TransferAllowance(0)),
        (f"transfer-allowance={2**128 - 1}", TransferAllowance(2**128 - 1)),
    ],
)
def test_roles(text: str, found: SessionProxyRole) -> None:
    assert role(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "All",
        "TransferAllowance",
        "TransferAllowance=",
        "TransferAllowance=x",
        f"TransferAllowance={2**128}",
        "Any=5",
    ],
)
def test_wrong_roles(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        role(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("10d", 1_000 + 10 * 86_400_000),
        ("12h", 1_000 + 12 * 3_600_000),
        ("30m", 1_000 + 30 * 60_000),
        ("0s", 1_000),
        ("1900000000000", 1_900_000_000_000),
        ("never", None),
    ],
)
def test_times_of_expiry(text: str, moment: int | None) -> None:
    assert expiry(text)(1_000) == moment


@pytest.mark.parametrize("text", ["", "soon", "10w", "-5d", "1.5d", "9" * 20 + "d", str(2**64)])
def test_wrong_times_of_expiry(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        expiry(text)


@pytest.mark.parametrize(
    "arguments",
    [
        ["add-session-proxy", "//Alice", SEED],
        ["add-session-proxy", "//Alice", "0x2a", "Any"],
        ["add-session-proxy", "//Alice", "//Proxy", "Any"],
        ["add-session-proxy", "//Alice", SEED, "Everything"],
        ["add-session-proxy", "//Alice", SEED, "Any", "--expiry", "soon"],
        ["add-session-proxy", "//Alice", SEED, "Any", "--session-proxy", SEED],
        ["remove-session-proxy", "//Alice"],
        ["remove-session-proxy", "//Alice", PROXY, "--session-proxy", SEED],
    ],
)
def test_wrong_command_lines(cli: Cli, arguments: list[str]) -> None:
    result = cli("trusted", "-d", *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: cli.usage: ")


# -- acting for the account


@pytest.mark.parametrize("account", ["//Alice", A])
def test_a_proxy_signs_for_the_account(with_proxy: Cli, direct: Cli, enclave: LedgerEnclave, account: str) -> None:
    with_proxy("Any")
    sent = direct("transfer", account, "//Bob", str(UNIT), "--session-proxy", SEED).sent
    assert sent[0].startswith(f"send trusted call transfer from {A} to ")
    assert ", nonce: 1, " in sent[0]
    assert enclave.free(BOB.public) == UNIT


def test_both_are_named_where_the_original_names_both(with_proxy: Cli, direct: Cli) -> None:
    with_proxy("NonTransfer")
    assert direct("guess-the-number", "guess", A, "5", "--session-proxy", SEED).sent == [
        f"send trusted call guess-the-number. sender {A}, signer {PROXY}, guess 5)"
    ]


@pytest.mark.parametrize(
    "command",
    [
        ["balance", A],
        ["nonce", A],
        ["assets", "balance", A, "USDT"],
        ["get-session-proxies", A],
        ["get-notes", A, "0"],
        ["get-account-info", A],
        ["get-evm-nonce", A],
        ["guess-the-number", "get-attempts", A],
    ],
)
def test_a_proxy_asks_for_the_account(with_proxy: Cli, with_enclave: Cli, command: list[str]) -> None:
    with_proxy("ReadAny")
    asked = with_enclave("trusted", *command, "--session-proxy", SEED)
    assert (asked.code, asked.err) == (0, "")
    assert asked.out == with_enclave("trusted", *command[:1], *(w.replace(A, "//Alice") for w in command[1:])).out


@pytest.mark.parametrize(
    "command",
    [
        ["transfer", A, "//Bob", "5000"],
        ["transfer", A, "//Bob", "5000", "lunch"],
        ["unshield-funds", A, "//Bob", "5000"],
        ["assets", "transfer", A, "//Bob", "5000", "USDT"],
        ["assets", "unshield-funds", A, "//Bob", "5000", "USDT"],
        ["send-note", A, "//Bob", "hello"],
        ["noop", A],
        ["credits", "create-class", A, "7"],
        ["evm-create", A, "00"],
        ["evm-call", A, "11" * 20, "00"],
    ],
)
def test_what_a_proxy_may_make(with_proxy: Cli, direct: Cli, command: list[str]) -> None:
    with_proxy("Any")
    assert direct(*command, "--session-proxy", SEED).err == ""


# -- what is refused


@pytest.mark.parametrize(
    ("role", "command", "code"),
    [
        ("NonTransfer", ["transfer", A, "//Bob", "1"], "stf.role_too_small"),
        ("ReadAny", ["noop", A], "stf.role_too_small"),
        ("TransferAllowance=1000", ["transfer", A, "//Bob", "1"], "stf.allowance_exceeded"),
        ("TransferAllowance=1000", ["noop", A], "stf.role_too_small"),
    ],
)
def test_calls_beyond_the_role(with_proxy: Cli, with_enclave: Cli, role: str, command: list[str], code: str) -> None:
    with_proxy(role)
    result = with_enclave("--json", "trusted", "-d", *command, "--session-proxy", SEED)
    assert (result.code, result.error["code"]) == (101, code)


@pytest.mark.parametrize(
    ("options", "command", "code"),
    [
        (["ReadBalance"], ["get-notes", A, "0"], "stf.role_too_small"),
        (["Any", "--expiry", "1699999999999"], ["balance", A], "stf.session_proxy_expired"),
        (["Any", "--expiry", "1699999999999"], ["get-account-info", A], "stf.session_proxy_expired"),
    ],
)
def test_getters_beyond_the_role(
    with_proxy: Cli, with_enclave: Cli, options: list[str], command: list[str], code: str
) -> None:
    with_proxy(*options)
    result = with_enclave("--json", "trusted", *command, "--session-proxy", SEED)
    assert (result.code, result.error["code"]) == (101, code)


@pytest.mark.parametrize("command", [["balance", A], ["nonce", A], ["assets", "balance", A, "USDT"]])
def test_a_stranger_reads_0(with_enclave: Cli, command: list[str]) -> None:
    result = with_enclave("trusted", *command, "--session-proxy", "//Bob")
    assert (result.code, result.out) == (0, "0\n")
    assert result.err.startswith("error: stf.missing_privileges: ")
    assert with_enclave("--strict", "trusted", *command, "--session-proxy", "//Bob").code == 101


@pytest.mark.parametrize("proxy", ["", "x", PROXY])
def test_proxies_whose_key_is_not_here(with_enclave: Cli, proxy: str) -> None:
    result = with_enclave("--json", "trusted", "balance", A, "--session-proxy", proxy)
    assert (result.code, result.error["code"]) == (101, "client.unknown_account")


def test_an_account_without_key_signs_nothing(with_enclave: Cli) -> None:
    result = with_enclave("--json", "trusted", "balance", A)
    assert (result.code, result.error["code"]) == (101, "client.unknown_account")
