"""Commands of notes that are kept on IPFS: sending the text of a file there, and reading what others sent."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from integritee.client.accounts import recipient
from integritee.client.errors import WorkerRefusal
from integritee.client.relayed_notes import read_note
from integritee.client.worker import WorkerClient
from integritee.crypto import ss58_encode
from integritee.primitives.ipfs import MAX_NOTE_BYTES, ContentTooLong, IpfsError
from integritee.scale import ScaleError
from integritee.stf.ledger import Ledger
from integritee.stf.native.notes import PrivateNotes
from integritee.stf.operation import TrustedCall
from integritee.stf.relayed_notes import NoteRelayType, OnIpfs, RelayedNoteRequest
from integritee.stf.types import SuccessfulTrustedCall, TimestampedTrustedNote

from .arguments import Options, command, unsigned
from .errors import UsageError
from .groups import Groups
from .notes import local_time
from .output import Output
from .sending import signed_call, submit
from .session import session
from .signing import add_account, parties

STRIPPED: Final = PrivateNotes.send_relayed_note_stripped.trusted_call  # type: ignore[attr-defined]
KEY_LENGTH: Final = 32


def add_commands(groups: Groups) -> None:
    verbs = groups.of(None)
    relay = command(verbs, "relay-note", relay_note, "send the text of a file as a note that is kept on IPFS")
    add_account(relay, "from")
    relay.add_argument("to", type=recipient, help="who reads it")
    relay.add_argument("conversation_id", type=unsigned(32), help="any number that the two agree on")
    relay.add_argument("file", help="UTF-8, at most 1 MiB; - for standard input")
    relay.add_argument("--allow-onchain-fallback", action="store_true", help="keep it in the ledger if IPFS fails")
    relay.add_argument("--key", type=_key, metavar="HEX", help="32 bytes that encrypt it; the enclave makes one")
    read = command(verbs, "get-relayed-notes", get_relayed_notes, "texts of an account's relayed notes in one bucket")
    add_account(read, "account")
    read.add_argument("bucket_index", type=unsigned(32), help="see get-note-buckets-info")
    read.add_argument("--conversation", type=unsigned(32), metavar="ID", help="only those of one conversation")


def _key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        key = b""
    if len(key) != KEY_LENGTH:
        raise argparse.ArgumentTypeError(f"{KEY_LENGTH} bytes in hex are needed")
    return key


async def relay_note(options: Options, output: Output) -> None:
    """Always straight to the enclave: the parentchain has no room for it."""
    text = await asyncio.to_thread(_read, options.file)
    request = RelayedNoteRequest(options.allow_onchain_fallback, NoteRelayType.Ipfs, text, options.key)
    async with session(options) as asked:
        by = parties(options, asked.identity.store)
        signed = await signed_call(asked, by, "send_relayed_note", options.to, options.conversation_id, request)
        output.line(f"relaying {len(text.encode())} bytes to {ss58_encode(options.to)}")
        output.fact("nonce", signed.nonce)
        await submit(options, output, asked, signed)


def _read(file: str) -> str:
    """Raises ContentTooLong, UsageError, OSError."""
    if file == "-":
        data = sys.stdin.buffer.read(MAX_NOTE_BYTES + 1)
    else:
        with Path(file).open("rb") as opened:
            data = opened.read(MAX_NOTE_BYTES + 1)
    if len(data) > MAX_NOTE_BYTES:
        raise ContentTooLong(len(data), MAX_NOTE_BYTES)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{file}: no UTF-8 text") from None


async def get_relayed_notes(options: Options, output: Output) -> None:
    """A note that cannot be had is told, and does not keep the others back."""
    async with session(options) as asked:
        by = parties(options, asked.identity.store)
        notes = await asked.client.get("notes_for", by.account, options.bucket_index, signer=by.pair)
        output.fact("notes", [])
        for timestamp, call in relayed(asked.client.ledger, notes):
            if options.conversation in (None, call.args[2]):
                await _report(output, asked.client, timestamp, call)


def relayed(ledger: Ledger, notes: Iterable[TimestampedTrustedNote]) -> Iterator[tuple[int, TrustedCall]]:
    """When, and how to retrieve it: of those among an account's notes that are relayed ones."""
    for stamped in notes:
        if isinstance(stamped.note, SuccessfulTrustedCall):
            with suppress(ScaleError):  # a call that this ledger does not know: `get-notes` tells of it
                call: TrustedCall = ledger.codec(TrustedCall).decode(stamped.note.call)
                if call.definition is STRIPPED:
                    yield stamped.timestamp, call


async def _report(output: Output, client: WorkerClient, timestamp: int, call: TrustedCall) -> None:
    sender, to, conversation_id, retrieval = call.args
    fact = {
        "timestamp": timestamp,
        "from": ss58_encode(sender),
        "to": ss58_encode(to),
        "conversation_id": conversation_id,
        "cid": retrieval.ipfs_hash.decode(errors="replace") if isinstance(retrieval, OnIpfs) else None,
    }
    head = f"[{local_time(timestamp)}] {conversation_id} from {ss58_encode(sender)}"
    try:
        text = await read_note(client, retrieval)
    except (IpfsError, WorkerRefusal) as failed:
        output.notice(f"{head}: {failed} ({failed.code})")
        output.append("notes", {**fact, "error": failed.code})
        return
    output.line(f"{head}: {'kept elsewhere' if text is None else text}")
    output.append("notes", {**fact, "text": text})
