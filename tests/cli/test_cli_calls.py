"""Verbs of trusted calls: what they print, and what becomes of the ledger."""

from __future__ import annotations

import pytest

from integritee.cli.verbs import OWN_COMMANDS, VARIANTS, call_verb
from integritee.crypto import ss58_encode
from integritee.stf import authorisation
from integritee.stf.asset_map import AssetId
from integritee.stf.declare import Authority
from integritee.stf.pallets.notes import Notes
from integritee.stf.types import NoteString

from ..client.ledger_enclave import ALICE, BOB, LEDGER, UNIT, LedgerEnclave
from .conftest import Cli
from .parentchain_side import MRENCLAVE_TEXT

A, B = ss58_encode(ALICE.public), ss58_encode(BOB.public)
SENT = f"nonce: 0, signing using mrenclave: {MRENCLAVE_TEXT} and shard: {MRENCLAVE_TEXT}"
KEY = "33" * 32
FEE = UNIT // 100


@pytest.fixture
def maintainer(monkeypatch: pytest.MonkeyPatch) -> None:
    """//Alice looks after the network: nobody here has the key of the one who does."""
    monkeypatch.setattr(authorisation, "MAINTAINER", ALICE.public)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("noop //Alice", "send trusted call noop"),
        ("transfer //Alice //Bob 5000", f"send trusted call transfer from {A} to {B}: 5000, {SENT}"),
        ("transfer //Alice //Bob 5000 lunch", f"send trusted call transfer from {A} to {B}: 5000, {SENT}"),
        ("unshield-funds //Alice //Bob 7000", f"send trusted call unshield_funds from {A} to {B}: 7000 "),
        (
            "assets transfer //Alice //Bob 5000 USDT",
            f"send trusted call transfer asset from {A} to {B}: 5000 USDT, {SENT}",
        ),
        (
            "assets transfer //Alice //Bob 5000 USDC.e lunch",
            f"send trusted call transfer asset from {A} to {B}: 5000 USDC.e, {SENT}",
        ),
        (
            "assets unshield-funds //Alice //Bob 5000 ETH",
            f"send trusted call unshield_funds from {A} to {B}: 5000 ETH",
        ),
        ("send-note //Alice //Bob grüezi", f"send trusted call send-note to {B}: grüezi"),
        ("send-relayed-note //Alice //Bob 7 here hello", "send trusted call send-relayed-note"),
        (
            f"send-relayed-note //Alice //Bob 7 ipfs hello --allow-onchain-fallback --maybe-encryption-key 0x{KEY}",
            "send trusted call send-relayed-note",
        ),
        (
            f'send-relayed-note-stripped //Alice //Bob 7 {{"Undeclared":{{"encryption_key":"0x{KEY}"}}}}',
            "send trusted call send-relayed-note-stripped",
        ),
        ("set-balance //Bob 500", f"send trusted call set-balance({B}, 500)"),
        ("waste-time //Alice 5", "send trusted call waste-time(5ms)"),
        ("note-bloat //Alice 5", "send trusted call note-bloat(5kB)"),
        ("spam-extrinsics //Alice 5 target-a", "send trusted call spam-extrinsics (5 xt to TargetA)"),
        ("spam-extrinsics //Alice 5 INTEGRITEE", "send trusted call spam-extrinsics (5 xt to Integritee)"),
        (
            "guess-the-number guess //Alice 5",
            f"send trusted call guess-the-number. sender {A}, signer {A}, guess 5)",
        ),
        (
            "guess-the-number set-winnings //Alice 5",
            f"send trusted call guess-the-number set winnings. sender {A}, signer {A}, winnings 5)",
        ),
        ("guess-the-number push-by-one-day //Alice", "send trusted call guess-the-number push by one day"),
        ("credits create-class //Alice 7", "send trusted call credits create-class"),
    ],
)
def test_lines(direct: Cli, maintainer: None, command: str, line: str) -> None:
    assert direct(*command.split()).sent == [line]


def test_every_call_can_be_made(cli: Cli) -> None:
    own = {"add_session_proxy", "remove_session_proxy", "balance_set_balance"}
    own |= {"evm_call", "evm_create", "evm_create2", "evm_withdraw"}
    own |= {f"encointer.{name}" for name in ("balance_transfer", "register_participant", "register_attestations")}
    variants = {"balance_transfer_with_note", "assets_transfer_with_note"}
    variants |= {"balance_unshield_through_enclave_bridge_pallet"}
    assert (own, variants) == (OWN_COMMANDS, VARIANTS)
    for name, definition in LEDGER.calls.items():
        if definition.authority is not Authority.ENCLAVE and name not in own | variants:
            verb = call_verb(LEDGER, definition)
            path = [verb.group, verb.name] if verb.group else [verb.name]
            assert cli("trusted", *path, "--help").out.split()[2 : 3 + len(path)] == ["trusted", *path]


def test_calls_of_the_enclave_cannot_be_made(cli: Cli) -> None:
    assert cli("trusted", "force-unshield-all", "//Alice", "//Bob").code == 2


# -- what becomes of the ledger


def test_a_note_stands_beside_the_receipt(direct: Cli, enclave: LedgerEnclave) -> None:
    assert direct("transfer", "//Alice", "//Bob", str(UNIT), "").code == 0
    note_fee = FEE
    assert enclave.free(ALICE.public) == 999 * UNIT - note_fee
    assert direct("transfer", "//Alice", "//Bob", str(UNIT), "x" * 100).code == 0
    assert enclave.free(ALICE.public) == 998 * UNIT - 2 * note_fee - 100 * UNIT // 10_000


def test_assets_move(direct: Cli, enclave: LedgerEnclave) -> None:
    assert direct("assets", "transfer", "//Alice", "//Bob", "5000", "WBTC.e").code == 0
    assert enclave.runtime.assets.balance(AssetId.WBTC_E, BOB.public) == 5000


def test_funds_are_set(direct: Cli, enclave: LedgerEnclave) -> None:
    assert direct("set-balance", B, "500").code == 0
    assert enclave.free(BOB.public) == 500


def test_note_buckets_fill(direct: Cli, enclave: LedgerEnclave, maintainer: None) -> None:
    assert direct("note-bloat", "//Alice", "3").code == 0
    notes: Notes = enclave.runtime.notes
    assert [type(note.note) for _, note in notes.notes.items() if note] == [NoteString] * 6


def test_bridge_calls_are_their_own(direct: Cli, enclave: LedgerEnclave) -> None:
    result = direct("unshield-funds", "//Alice", "//Bob", "7000", "--enclave-bridge")
    assert result.lines[0] == f"send trusted call unshield_funds from {A} to {B}: 7000 through enclave-bridge"
    assert (result.code, result.lines[-1][-11:]) == (0, " is Invalid")
    assert result.err.startswith("error: stf.bridge_disabled: ")


@pytest.mark.parametrize(
    "command", ["waste-time //Alice 5", "note-bloat //Alice 5", "spam-extrinsics //Alice 5 target-b"]
)
def test_load_tests_are_the_maintainers(direct: Cli, command: str) -> None:
    result = direct(*command.split())
    assert (result.code, result.lines[-1][-11:]) == (0, " is Invalid")
    assert result.err.startswith("error: stf.require_maintainer: ")


def test_call_of_an_app_as_json(with_enclave: Cli) -> None:
    found = with_enclave("--json", "trusted", "-d", "credits", "create-class", "//Alice", "7").json
    assert (found["call"], found["nonce"], found["updates"][0]) == ("credits.create_class", 0, "Ready")


@pytest.mark.parametrize(
    "command",
    [
        "transfer //Alice //Bob",
        "transfer //Alice //Bob 1 note more",
        "assets transfer //Alice //Bob 5000",
        "assets transfer //Alice //Bob 5000 usdt",
        "assets transfer //Alice //Bob 5000 BTC",
        "assets unshield-funds //Alice //Bob x USDT",
        "assets",
        "credits",
        "credits mint //Alice x //Bob 1",
        "credits claim //Alice 7 0x11",
        "send-relayed-note //Alice //Bob 7 pigeon hello",
        "send-relayed-note-stripped //Alice //Bob 7 Here",
        "spam-extrinsics //Alice 5 target-c",
        "waste-time //Alice -5",
        f"note-bloat //Alice {2**32}",
        "set-balance //Bob",
        "noop //Alice --session-proxy",
    ],
)
def test_wrong_command_lines(cli: Cli, command: str) -> None:
    result = cli("trusted", "-d", *command.split())
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: cli.usage: ")
