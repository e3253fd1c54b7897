"""Commands of notes: what an account finds in a bucket, and which buckets there are.

Worker `cli/src/trusted_base_cli/commands`, get_notes.rs and get_note_buckets_info.rs. Times are local.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from integritee.primitives.ids import H256
from integritee.scale import ScaleError
from integritee.stf.ledger import Ledger
from integritee.stf.operation import TrustedCall
from integritee.stf.types import BucketInfo, BucketRange, SuccessfulTrustedCall, TimestampedTrustedNote, TrustedNote

from .arguments import Options, command, unsigned
from .groups import Groups
from .json_values import json_value
from .output import Output
from .session import session
from .signing import add_account, parties
from .views import debug, is_text, shown

LINES: Final = {
    "balance_transfer_with_note": "balance_transfer_with_note from: {from}, to: {to}, amount: {value}  msg: {note}",
    "balance_transfer": "balance_transfer from: {from}, to: {to}, amount: {value}",
    "balance_unshield": "balance_unshield from: {from}, to: {beneficiary}, amount: {value}, shard: {shard}",
    "balance_shield": "balance_shield from: {parentchain}, to: {who}, amount: {value}",
    "guess_the_number.guess": "trusted_guess_the_number::guess sender: {sender}, guess: {guess}",
}
"""How receipts of some calls are shown; those of all others in their debug form."""


def add_commands(groups: Groups) -> None:
    verbs = groups.of(None)
    notes = command(verbs, "get-notes", get_notes, "notes of an account in one bucket, oldest first")
    add_account(notes, "account")
    notes.add_argument("bucket_index", type=unsigned(32), help="see get-note-buckets-info")
    command(verbs, "get-note-buckets-info", get_note_buckets_info, "the oldest and the newest bucket of notes")


async def get_notes(options: Options, output: Output) -> None:
    async with session(options) as asked:
        by = parties(options, asked.identity.store)
        notes = await asked.client.get("notes_for", by.account, options.bucket_index, signer=by.pair)
        ledger = asked.client.ledger
    output.fact("notes", [])
    for note in notes:
        _report(output, ledger, note)


def _report(output: Output, ledger: Ledger, stamped: TimestampedTrustedNote) -> None:
    note = stamped.note
    member = {"timestamp": stamped.timestamp, "version": stamped.version, "note": json_value(TrustedNote, note)}
    if not isinstance(note, SuccessfulTrustedCall):
        output.line(debug(TrustedNote, note))
        output.append("notes", member)
        return
    try:
        call = ledger.codec(TrustedCall).decode(note.call)
    except ScaleError:
        output.notice(f"a note of {local_time(stamped.timestamp)} is of a call that this ledger does not know")
    else:
        output.line(f"[{local_time(stamped.timestamp)}] {call_line(ledger, call)}")
        member |= {"call": ledger.names[call.definition], "arguments": _arguments(call)}
    output.append("notes", member)


def call_line(ledger: Ledger, call: TrustedCall) -> str:
    """A call as the original shows it."""
    template = LINES.get(ledger.names[call.definition])
    if template is None:
        return call_debug(ledger, call)
    pairs = zip(call.definition.arguments, call.args, strict=True)
    return "TrustedCall::" + template.format_map({a.name: _part(a.hint, value) for a, value in pairs})


def _part(hint: Any, value: Any) -> str:
    if hint is H256:
        return f"0x{value[:2].hex()}…{value[-2:].hex()}"
    return shown(hint, value) if is_text(hint) else debug(hint, value)


def call_debug(ledger: Ledger, call: TrustedCall) -> str:
    """Rust's debug form of the enum that calls are."""
    definition = call.definition
    pairs = zip(definition.arguments, call.args, strict=True)
    form = f"{definition.name}({', '.join(debug(a.hint, value) for a, value in pairs)})"
    app = ledger.owners[definition]
    return form if app.index is None else f"{app.name}({form})"


def _arguments(call: TrustedCall) -> dict[str, Any]:
    pairs = zip(call.definition.arguments, call.args, strict=True)
    return {argument.name: json_value(argument.hint, value) for argument, value in pairs}


async def get_note_buckets_info(options: Options, output: Output) -> None:
    async with session(options) as asked:
        buckets: BucketRange = await asked.client.get("note_buckets_info")
    output.fact("note_buckets_info", json_value(BucketRange, buckets))
    if (first := buckets.maybe_first) is not None:
        output.line(f"first bucket : {_size(first)}, begins at {local_time(first.begins_at)}")
    if (last := buckets.maybe_last) is not None:
        output.line(f"last bucket  : {_size(last)}, ends at {local_time(last.ends_at)}")


def _size(bucket: BucketInfo) -> str:
    return f"index {bucket.index}, bytes: {bucket.bytes_}"


def local_time(moment: int) -> str:
    """Unix ms as local time; as they are if no calendar has them."""
    try:
        return datetime.fromtimestamp(moment / 1000).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return f"{moment} ms"
