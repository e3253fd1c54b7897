"""Verbs of getters: a value in Rust's debug form, and as JSON."""

from __future__ import annotations

import pytest

from integritee.cli.verbs import OWN_QUERIES, getter_verb

from ..client.ledger_enclave import ALICE, LEDGER, NOW, UNIT, LedgerEnclave
from .conftest import Cli

ALICE_DEBUG = f"{ALICE.public.hex()} (5GrwvaEF...)"
POT = "5d38b13719a9f34591ef9ced18ce03dbc45d0b9ffcba69ebcbae06464952ae41 (5EAw9k5U...)"
ROUND_ENDS = (NOW // 86_400_000 + 7) * 86_400_000


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        (["assets", "balance", "//Alice", "USDT"], ["1000000000000"]),
        (["assets", "balance", "//Nobody", "USDT"], ["0"]),
        (["get-asset-balance", "//Alice", "USDT"], ["1000000000000"]),
        (["get-asset-total-issuance", "PEPE.e"], [str(10**24)]),
        (["get-undistributed-fees", "-a", "USDT"], ["0"]),
        (["get-undistributed-fees", "--asset", "USDT"], ["0"]),
        (["get-undistributed-fees"], ["0"]),
        (
            ["guess-the-number", "get-info"],
            [
                f"GuessTheNumberInfo {{ account: {POT}, balance: 0, winnings: 0, next_round_timestamp: {ROUND_ENDS}, "
                "last_winners: [], maybe_last_lucky_number: None, maybe_last_winning_distance: None }",
                "pot account: 5EAw9k5U5ERbUkNEmAmMWb1JigzYNrTKXfukfrWDy92gq62w",
            ],
        ),
        (["guess-the-number", "get-attempts", "//Alice"], ["0"]),
        (["get-evm-nonce", "//Alice"], ["0"]),
        (["get-account-info-and-session-proxies", "//Nobody"], None),
        (["get-account-essentials", "//Nobody"], None),
        (["get-account-info", "//Alice"], None),
    ],
)
def test_getters(with_enclave: Cli, command: list[str], lines: list[str] | None) -> None:
    result = with_enclave("trusted", *command)
    assert (result.code, result.err) == (0, "")
    assert lines is None or result.lines == lines


@pytest.mark.parametrize(
    ("command", "members"),
    [
        (["assets", "balance", "//Alice", "ETH"], {"balance": str(10**24)}),
        (["get-asset-total-issuance", "ETH"], {"asset_total_issuance": str(10**24)}),
        (["guess-the-number", "get-attempts", "//Alice"], {"attempts": 0}),
        (["get-evm-nonce", "//Alice"], {"evm_nonce": 0}),
    ],
)
def test_getters_as_json(with_enclave: Cli, command: list[str], members: object) -> None:
    assert with_enclave("--json", "trusted", *command).json == members


def test_account_essentials(with_enclave: Cli, enclave: LedgerEnclave) -> None:
    found = with_enclave("--json", "trusted", "get-account-essentials", "//Alice").json["account_essentials"]
    assert found["account_info"]["data"]["free"] == str(1000 * UNIT)
    assert found["asset_balances"][0] == {"asset_id": "USDT", "balance": "1000000000000"}
    assert found["session_proxies"] == []


def test_every_getter_can_be_asked(cli: Cli) -> None:
    encointer = {f"encointer.{name}" for name in ("balance", "participant_index", "meetup", "attestations")}
    assert {"notes_for", "note_buckets_info"} | encointer == OWN_QUERIES
    for name, definition in (LEDGER.public_getters | LEDGER.trusted_getters).items():
        if name not in OWN_QUERIES:
            verb = getter_verb(LEDGER, definition)
            path = [verb.group, verb.name] if verb.group else [verb.name]
            assert cli("trusted", *path, "--help").out.split()[2 : 3 + len(path)] == ["trusted", *path]


def test_what_is_public_needs_no_signature(with_enclave: Cli, direct: Cli) -> None:
    assert direct("credits", "create-class", "//Alice", "7").code == 0
    owner = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
    result = with_enclave("trusted", "credits", "get-credit-class-info", owner, "7")
    assert result.out == (
        f"CreditClassInfo {{ owner: {ALICE_DEBUG}, outstanding: 0, minted: 0, redeemed: 0, deposit: {UNIT // 10} }}\n"
    )


def test_answers_that_there_are_not(with_enclave: Cli) -> None:
    result = with_enclave("trusted", "credits", "get-credits", "//Alice", "7")
    assert (result.code, result.out) == (101, "")
    assert result.err == (
        "error: client.value_not_present: credits.credits: value not present [getter=credits.credits]\n"
    )


def test_refusals_of_the_worker(with_enclave: Cli) -> None:
    result = with_enclave("trusted", "credits", "get-credits-of", "//Bob", "7")
    assert (result.code, result.out) == (101, "")
    assert result.err.startswith("error: stf.not_public: ")
