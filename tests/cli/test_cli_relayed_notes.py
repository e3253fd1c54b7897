"""Notes on IPFS on the command line: what is sent, and what readers are shown of those that are there and are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integritee.cli.main import main
from integritee.primitives.cid import cid_v0
from integritee.primitives.ipfs import MAX_NOTE_BYTES
from integritee.stf.relayed_content import seal_note
from integritee.stf.relayed_notes import KeptHere, OnIpfs, RelayedElsewhere, RelayedNoteRetrievalInfo
from integritee.stf.types import NoteString, SuccessfulTrustedCall

from ..client.ledger_enclave import ALICE, BOB, LEDGER, LedgerEnclave
from .conftest import Cli

KEY = bytes(range(32))
TEXT = "Grüezi mitenand"
CONTENT = seal_note(KEY, TEXT, bytes(32))
CID = cid_v0(CONTENT)
HEAD = "[2023-11-14 22:13:20] 7 from 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"

pytestmark = pytest.mark.usefixtures("utc")


def leave(enclave: LedgerEnclave, *retrievals: RelayedNoteRetrievalInfo, conversation: int = 7) -> None:
    """Notes of Alice to Bob."""
    for retrieval in retrievals:
        call = LEDGER.call("send_relayed_note_stripped", ALICE.public, BOB.public, conversation, retrieval)
        enclave.runtime.notes.store((ALICE.public, BOB.public), SuccessfulTrustedCall(LEDGER.encode_call(call)))


def test_a_note_is_sent_from_a_file(with_enclave: Cli, directory: Path) -> None:
    """The enclave of this test has no IPFS: the ledger keeps it."""
    (directory / "note").write_text(TEXT)
    result = with_enclave(
        "trusted", "relay-note", "//Alice", "//Bob", "7", "note", "--allow-onchain-fallback", "--key", KEY.hex()
    )
    assert result.sent == [f"relaying {len(TEXT.encode())} bytes to 5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"]
    assert with_enclave("trusted", "get-relayed-notes", "//Bob", "0").lines == [f"{HEAD}: {TEXT}"]


def test_notes_are_shown_as_far_as_they_can_be_had(with_enclave: Cli, enclave: LedgerEnclave) -> None:
    enclave.content[CID] = CONTENT
    enclave.runtime.notes.store((BOB.public,), NoteString(b"another note"))
    enclave.runtime.notes.store((BOB.public,), SuccessfulTrustedCall(b"\xc8\x00"))
    nowhere = cid_v0(b"nowhere")
    leave(enclave, OnIpfs(CID.encode(), KEY), OnIpfs(nowhere.encode(), KEY), OnIpfs(CID.encode(), bytes(32)))
    leave(enclave, RelayedElsewhere(KEY), KeptHere("here"))
    leave(enclave, KeptHere("another conversation"), conversation=8)

    result = with_enclave("trusted", "get-relayed-notes", "//Bob", "0", "--conversation", "7")
    assert (result.code, result.lines) == (0, [f"{HEAD}: {TEXT}", f"{HEAD}: kept elsewhere", f"{HEAD}: here"])
    assert [line.rpartition("(")[2] for line in result.err.splitlines()] == ["ipfs.not_found)", "ipfs.unreadable)"]

    told = with_enclave("--json", "trusted", "get-relayed-notes", "//Bob", "0").json["notes"]
    assert [(note["cid"], note.get("text"), note.get("error")) for note in told] == [
        (CID, TEXT, None),
        (nowhere, None, "ipfs.not_found"),
        (CID, None, "ipfs.unreadable"),
        (None, None, None),
        (None, "here", None),
        (None, "another conversation", None),
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(None, "cli.system", id="no file"),
        pytest.param(b"\xff", "cli.usage", id="no text"),
        pytest.param(b"x" * (MAX_NOTE_BYTES + 1), "ipfs.too_long", id="too long"),
    ],
)
def test_files_that_are_no_notes(
    directory: Path, capsys: pytest.CaptureFixture[str], data: bytes | None, code: str
) -> None:
    if data is not None:
        (directory / "note").write_bytes(data)
    assert main(["-P", "1", "--json", "trusted", "relay-note", "//Alice", "//Bob", "7", "note"]) != 0
    assert json.loads(capsys.readouterr().err.splitlines()[-1])["error"]["code"] == code


@pytest.mark.parametrize(
    "arguments",
    [
        ["relay-note", "//Alice", "//Bob", "7"],
        ["relay-note", "//Alice", "//Bob", "x", "note"],
        ["relay-note", "//Alice", "//Bob", "7", "note", "--key", "ab"],
        ["get-relayed-notes", "//Alice"],
    ],
)
def test_wrong_command_lines(cli: Cli, arguments: list[str]) -> None:
    assert cli("trusted", *arguments).code == 2
