"""Commands of the private ledger against an enclave: every line that scripts of the original parse."""

from __future__ import annotations

import re
from unittest.mock import AsyncMock

import pytest

from integritee.primitives.ids import ParentchainId
from integritee.stf.errors import InvalidSignature

from ..client.ledger_enclave import ALICE, BLOCK, BOB, ISSUED, MRENCLAVE, UNIT, VAULT, LedgerEnclave
from .conftest import Cli
from .parentchain_side import MRENCLAVE_TEXT

ALICE_SS58 = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
BOB_SS58 = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
VAULT_SS58 = "5CHvMwuC8Zg5uTnHWPgVcHpzGrGLBKjHPRFBGXr4r6F8nYhv"
SENDING = (
    f"send trusted call transfer from {ALICE_SS58} to {BOB_SS58}: 1000000000000, nonce: 0, "
    f"signing using mrenclave: {MRENCLAVE_TEXT} and shard: {MRENCLAVE_TEXT}"
)
FEE = UNIT // 100
ONE = "01" * 32
NOTHING = "genesis_hash: None, block_number: None, now: None, creation_block_number: None, creation_timestamp: None"


# -- queries


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        (["get-fingerprint"], [MRENCLAVE_TEXT]),
        (["get-fingerprint", "-x"], [MRENCLAVE_TEXT, "0x" + "1b" * 32]),
        (["get-shard"], [MRENCLAVE_TEXT]),
        (["get-shard", "--hex", "--ascii"], [MRENCLAVE_TEXT, "0x" + "1b" * 32, "\x1b" * 32]),
        (["version"], ["enclave-runtime: 0.1.0"]),
        (
            ["get-sidechain-header"],
            [
                f"SidechainHeader {{ parent_hash: 0x{ONE}, block_number: 7, shard_id: 0x{'1b' * 32}, "
                f"block_data_hash: 0x{'02' * 32}, next_finalization_block_number: 51 }}"
            ],
        ),
        (["get-total-issuance"], [str(ISSUED)]),
        (
            ["get-parentchains-info"],
            [
                f"ParentchainsInfo {{ integritee: ParentchainInfo {{ id: Integritee, {NOTHING} }}, "
                f"target_a: ParentchainInfo {{ id: TargetA, {NOTHING} }}, "
                f"target_b: ParentchainInfo {{ id: TargetB, {NOTHING} }}, shielding_target: Integritee }}"
            ],
        ),
        (
            ["get-shard-info"],
            ["ShardInfo { config: None, config_updated_at: None, status: None, mode: Normal }"],
        ),
        (["get-some-value"], ["42"]),
        (["balance", "//Alice"], ["1000000000000000"]),
        (["balance", "//Nobody"], ["0"]),
        (["nonce", "//Alice"], ["0"]),
    ],
)
def test_queries(with_enclave: Cli, command: list[str], lines: list[str]) -> None:
    result = with_enclave("trusted", "-m", MRENCLAVE_TEXT, *command)
    assert (result.code, result.out, result.err) == (0, "\n".join(lines) + "\n", "")


def test_shard_vault(with_enclave: Cli) -> None:
    result = with_enclave("trusted", "get-shard-vault")
    assert re.fullmatch(r"5\w{47}\n", result.out)
    assert with_enclave("--json", "trusted", "get-shard-vault").json == {
        "vault": result.out.strip(),
        "parentchain": "Integritee",
    }
    assert ALICE.public != VAULT


def test_a_vault_on_a_target_is_pointed_out(
    with_enclave: Cli, enclave: LedgerEnclave, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On stderr: scripts take all of stdout for the account."""
    monkeypatch.setattr(enclave, "shard_vault", AsyncMock(return_value=(VAULT, ParentchainId.TargetB)))
    result = with_enclave("trusted", "get-shard-vault")
    assert re.fullmatch(r"5\w{47}\n", result.out)
    assert result.err.startswith("notice: the vault is on TargetB;")


def test_mrenclave_is_asked_of_the_worker(with_enclave: Cli) -> None:
    assert with_enclave("trusted", "balance", "//Alice").out == "1000000000000000\n"


def test_sgx_metadata(with_enclave: Cli) -> None:
    result = with_enclave("print-sgx-metadata")
    assert result.out.startswith("[+] Got metadata of enclave runtime\nMetadata:\n {\n")


@pytest.mark.parametrize(
    ("command", "members"),
    [
        (["balance", "//Alice"], {"balance": "1000000000000000"}),
        (["nonce", "//Alice"], {"nonce": 0}),
        (["get-total-issuance"], {"total_issuance": str(ISSUED)}),
        (["get-fingerprint"], {"fingerprint": MRENCLAVE_TEXT}),
        (
            ["get-shard-info"],
            {
                "shard_info": {
                    "config": None,
                    "config_updated_at": None,
                    "status": None,
                    "mode": "Normal",
                }
            },
        ),
    ],
)
def test_queries_as_json(with_enclave: Cli, command: list[str], members: object) -> None:
    assert with_enclave("--json", "trusted", *command).json == members


# -- direct calls


def test_direct_transfer(with_enclave: Cli, enclave: LedgerEnclave) -> None:
    result = with_enclave("trusted", "-m", MRENCLAVE_TEXT, "-d", "transfer", "//Alice", "//Bob", str(UNIT))
    first, *updates = result.lines
    assert first == SENDING
    top_hash = updates[0].split()[2]
    assert re.fullmatch("0x[0-9a-f]{64}", top_hash)
    assert updates == [
        f"Trusted call {top_hash} is Ready",
        f"Trusted call {top_hash} is InSidechainBlock(0x{BLOCK.hex()})",
    ]
    assert (result.code, result.err) == (0, "")
    assert enclave.free(BOB.public) == UNIT


def test_direct_transfer_as_json(with_enclave: Cli) -> None:
    result = with_enclave("--json", "trusted", "-d", "transfer", "//Alice", "//Bob", "5000")
    assert result.json.pop("top_hash").startswith("0x")
    assert {k: v for k, v in result.json.items() if k != "top_hash"} == {
        "call": "balance_transfer",
        "nonce": 0,
        "updates": ["Ready", {"InSidechainBlock": {"block_hash": "0x" + BLOCK.hex()}}],
    }


def test_unshield_line_ends_with_a_blank(with_enclave: Cli, enclave: LedgerEnclave) -> None:
    result = with_enclave("trusted", "-d", "unshield-funds", "//Alice", "//Bob", "7000")
    assert result.lines[0] == f"send trusted call unshield_funds from {ALICE_SS58} to {BOB_SS58}: 7000 "
    assert (result.code, len(result.lines)) == (0, 3)
    assert enclave.free(ALICE.public) == 1000 * UNIT - 7000 - 3 * FEE


def test_calls_without_a_line_of_the_original(with_enclave: Cli) -> None:
    assert with_enclave("trusted", "-d", "noop", "//Alice").lines[0] == "send trusted call noop"


def test_sender_named_by_a_stored_key(with_enclave: Cli, enclave: LedgerEnclave) -> None:
    address = with_enclave("trusted", "new-account").out.strip()
    with_enclave("trusted", "-d", "transfer", "//Alice", address, str(UNIT))
    assert with_enclave("trusted", "balance", address).out == f"{UNIT}\n"
    assert with_enclave("trusted", "-d", "transfer", address, "//Bob", str(UNIT // 2)).code == 0
    assert enclave.free(BOB.public) == UNIT // 2
    assert with_enclave("trusted", "nonce", address).out == "1\n"


@pytest.mark.parametrize(
    ("options", "call", "getter"),
    [
        ([], "session_submitAndWatch", "state_executeGetter"),
        (["--envelope", "session"], "session_submitAndWatch", "session_executeGetter"),
        (["--envelope", "rsa"], "author_submitAndWatchExtrinsic", "state_executeGetter"),
    ],
    ids=["default", "session", "rsa"],
)
def test_envelopes(with_enclave: Cli, enclave: LedgerEnclave, options: list[str], call: str, getter: str) -> None:
    assert with_enclave(*options, "trusted", "-d", "transfer", "//Alice", "//Bob", str(UNIT)).code == 0
    assert with_enclave(*options, "trusted", "balance", "//Bob").out == f"{UNIT}\n"
    ways = ("author_submit", "state_execute", "session_submit", "session_execute")
    assert [method for method in enclave.asked if method.startswith(ways)] == [call, getter]


# -- what fails


def test_cancelled_call_ends_with_0_and_says_why(with_enclave: Cli, enclave: LedgerEnclave) -> None:
    result = with_enclave("trusted", "-d", "unshield-funds", "//Alice", "//Bob", str(1000 * UNIT))
    assert result.code == 0
    assert result.lines[-1].endswith(" is Invalid")
    assert result.err.startswith("error: stf.missing_funds: ")
    assert "status=Invalid" in result.err
    assert enclave.runtime.system.nonce(ALICE.public) == 1


def test_cancelled_call_under_strict(with_enclave: Cli) -> None:
    result = with_enclave("--strict", "trusted", "-d", "unshield-funds", "//Alice", "//Bob", str(1000 * UNIT))
    assert (result.code, result.lines[-1][-11:]) == (101, " is Invalid")


def test_cancelled_call_as_json(with_enclave: Cli) -> None:
    result = with_enclave("--json", "trusted", "-d", "unshield-funds", "//Alice", "//Bob", str(1000 * UNIT))
    assert (result.code, result.out) == (101, "")
    assert result.error["code"] == "stf.missing_funds"
    assert result.error["data"]["status"] == "Invalid"


def test_refused_submission(with_enclave: Cli, enclave: LedgerEnclave) -> None:
    enclave.failure = InvalidSignature(ALICE.public)
    result = with_enclave("trusted", "-d", "transfer", "//Alice", "//Bob", "5000")
    assert (result.code, len(result.lines)) == (101, 1)
    assert result.err == (
        "error: stf.invalid_signature: the signature is not the signer's for this call, nonce, MRENCLAVE and shard "
        f"[signer=0x{ALICE.public.hex()}]\n"
    )


@pytest.mark.parametrize("verb", ["balance", "nonce"])
def test_refused_getter_prints_0(with_enclave: Cli, enclave: LedgerEnclave, verb: str) -> None:
    enclave.failure = InvalidSignature(ALICE.public)
    result = with_enclave("trusted", verb, "//Alice")
    assert (result.code, result.out) == (0, "0\n")
    assert result.err.startswith("error: stf.invalid_signature: ")
    assert with_enclave("--strict", "trusted", verb, "//Alice").code == 101
    as_json = with_enclave("--json", "trusted", verb, "//Alice")
    assert (as_json.code, as_json.out, as_json.error["code"]) == (101, "", "stf.invalid_signature")


def test_other_getters_fail_when_refused(with_enclave: Cli, enclave: LedgerEnclave) -> None:
    enclave.failure = InvalidSignature(ALICE.public)
    result = with_enclave("trusted", "get-total-issuance")
    assert (result.code, result.out) == (101, "")


def test_waiting_is_bounded(with_enclave: Cli, enclave: LedgerEnclave) -> None:
    enclave.holds = True
    result = with_enclave("--timeout", "0.2", "trusted", "-d", "transfer", "//Alice", "//Bob", "5000")
    assert result.code == 101
    assert result.err.startswith("error: client.timeout: ")


@pytest.mark.parametrize("option", ["-m", "-s"])
@pytest.mark.parametrize("text", ["0OIl", "abc", "", "é"])
def test_malformed_identifiers(cli: Cli, option: str, text: str) -> None:
    result = cli("--json", "trusted", option, text, "balance", "//Alice")
    assert (result.code, result.error["code"]) == (101, "cli.invalid_identifier")


def test_shard_given_apart_from_the_mrenclave(with_enclave: Cli) -> None:
    result = with_enclave("trusted", "-s", "7" * 43, "get-total-issuance")
    assert result.code == 101
    assert "expected=0x" + MRENCLAVE.hex() in result.err
