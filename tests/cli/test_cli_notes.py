"""Notes of an account, and the buckets they are in."""

from __future__ import annotations

import pytest

from integritee.cli.notes import call_line, local_time
from integritee.stf.types import NoteString, SuccessfulTrustedCall

from ..client.ledger_enclave import ALICE, BOB, LEDGER, SHARD, LedgerEnclave
from .conftest import Cli

A = f"{ALICE.public.hex()} (5GrwvaEF...)"
B = f"{BOB.public.hex()} (5FHneW46...)"
TIME = "2023-11-14 22:13:20"
HELLO = "[104, 105]"

pytestmark = pytest.mark.usefixtures("utc")


@pytest.mark.parametrize(
    ("name", "arguments", "line"),
    [
        (
            "balance_transfer_with_note",
            (ALICE.public, BOB.public, 5, "zäme".encode()),
            f"TrustedCall::balance_transfer_with_note from: {A}, to: {B}, amount: 5  msg: zäme",
        ),
        (
            "balance_transfer_with_note",
            (ALICE.public, BOB.public, 5, b"\xff"),
            f"TrustedCall::balance_transfer_with_note from: {A}, to: {B}, amount: 5  msg: \ufffd",
        ),
        (
            "balance_transfer",
            (ALICE.public, BOB.public, 5),
            f"TrustedCall::balance_transfer from: {A}, to: {B}, amount: 5",
        ),
        (
            "balance_unshield",
            (ALICE.public, BOB.public, 5, SHARD),
            f"TrustedCall::balance_unshield from: {A}, to: {B}, amount: 5, shard: 0xa7a7…a7a7",
        ),
        (
            "balance_shield",
            (ALICE.public, BOB.public, 5, 1),
            f"TrustedCall::balance_shield from: TargetA, to: {B}, amount: 5",
        ),
        (
            "guess_the_number.guess",
            (ALICE.public, 7),
            f"TrustedCall::trusted_guess_the_number::guess sender: {A}, guess: 7",
        ),
        ("guess_the_number.set_winnings", (ALICE.public, 7), f"guess_the_number(set_winnings({A}, 7))"),
        ("send_note", (ALICE.public, BOB.public, b"hi"), f"send_note({A}, {B}, {HELLO})"),
        ("noop", (ALICE.public,), f"noop({A})"),
        (
            "assets_transfer",
            (ALICE.public, BOB.public, 11, 5),
            f"assets_transfer({A}, {B}, USDT_E, 5)",
        ),
        (
            "balance_unshield_through_enclave_bridge_pallet",
            (ALICE.public, BOB.public, 5, SHARD),
            f"balance_unshield_through_enclave_bridge_pallet({A}, {B}, 5, 0x{SHARD.hex()})",
        ),
    ],
)
def test_lines_of_calls(name: str, arguments: tuple[object, ...], line: str) -> None:
    assert call_line(LEDGER, LEDGER.call(name, *arguments)) == line


def test_notes_of_an_account(with_enclave: Cli, direct: Cli, enclave: LedgerEnclave) -> None:
    assert direct("transfer", "//Alice", "//Bob", "5000", "lunch").code == 0
    assert direct("send-note", "//Alice", "//Bob", "hi").code == 0
    assert direct("noop", "//Alice").code == 0
    enclave.runtime.notes.store((BOB.public,), NoteString(b"hi"))
    assert with_enclave("trusted", "get-notes", "//Bob", "0").lines == [
        f"[{TIME}] TrustedCall::balance_transfer_with_note from: {A}, to: {B}, amount: 5000  msg: lunch",
        f"[{TIME}] send_note({A}, {B}, {HELLO})",
        f"String({HELLO})",
    ]
    assert len(with_enclave("trusted", "get-notes", "//Alice", "0").lines) == 2


def test_notes_as_json(with_enclave: Cli, direct: Cli, enclave: LedgerEnclave) -> None:
    assert direct("send-note", "//Alice", "//Bob", "hi").code == 0
    enclave.runtime.notes.store((BOB.public,), NoteString(b"hi"))
    sent, text = with_enclave("--json", "trusted", "get-notes", "//Bob", "0").json["notes"]
    assert (sent["call"], sent["arguments"]["note"], sent["timestamp"]) == ("send_note", "hi", 1_700_000_000_000)
    assert text == {"timestamp": 1_700_000_000_000, "version": 1, "note": {"String": {"text": "hi"}}}


def test_no_notes(with_enclave: Cli) -> None:
    assert with_enclave("trusted", "get-notes", "//Alice", "0").out == ""
    assert with_enclave("--json", "trusted", "get-notes", "//Alice", "7").json == {"notes": []}


def test_notes_of_calls_that_are_not_known(with_enclave: Cli, enclave: LedgerEnclave) -> None:
    enclave.runtime.notes.store((ALICE.public,), SuccessfulTrustedCall(b"\xc8\x00"))
    result = with_enclave("trusted", "get-notes", "//Alice", "0")
    assert (result.code, result.out) == (0, "")
    assert result.err == f"notice: a note of {TIME} is of a call that this ledger does not know\n"


# -- buckets


def test_no_buckets(with_enclave: Cli) -> None:
    result = with_enclave("trusted", "get-note-buckets-info")
    assert (result.code, result.out) == (0, "")
    assert with_enclave("--json", "trusted", "get-note-buckets-info").json == {
        "note_buckets_info": {"maybe_first": None, "maybe_last": None}
    }


def test_buckets(with_enclave: Cli, enclave: LedgerEnclave) -> None:
    for _ in range(101):
        enclave.runtime.notes.store((), NoteString(b"o" * 499))
    assert with_enclave("trusted", "get-note-buckets-info").lines == [
        f"first bucket : index 0, bytes: 51200, begins at {TIME}",
        f"last bucket  : index 1, bytes: 512, ends at {TIME}",
    ]


@pytest.mark.parametrize(
    ("moment", "text"),
    [(0, "1970-01-01 00:00:00"), (1_700_000_000_999, TIME), (2**64 - 1, "18446744073709551615 ms")],
)
def test_times(moment: int, text: str) -> None:
    assert local_time(moment) == text


@pytest.mark.parametrize(
    "arguments", [["get-notes", "//Alice"], ["get-notes", "//Alice", "x"], ["get-notes", "//Alice", "-1"]]
)
def test_wrong_command_lines(cli: Cli, arguments: list[str]) -> None:
    assert cli("trusted", *arguments).code == 2
