"""`listen`: the parentchain's events as they happen (worker `cli/src/base_cli/commands/listen.rs`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .arguments import Commands, Options, command, unsigned
from .errors import UsageError
from .output import Output

if TYPE_CHECKING:
    from integritee.client.parentchain import BlockEvents
    from integritee.metadata import EventRecord

SILENT_PALLETS: Final = ("System", "TransactionPayment", "Treasury")
SILENT_EVENTS: Final = (("Balances", "Deposit"), ("Balances", "Withdraw"))


def add_command(commands: Commands) -> None:
    listen_ = command(commands, "listen", listen, "listen to parentchain events")
    listen_.add_argument("-e", "--exit-after", type=unsigned(32), metavar="N", help="exit after N events")
    listen_.add_argument("-b", "--await-blocks", type=unsigned(32), metavar="N", help="exit after N blocks")


async def listen(options: Options, output: Output) -> None:
    """The limits are looked at between blocks, so the last block is always complete."""
    from .connections import node

    if options.json and options.exit_after is None and options.await_blocks is None:
        raise UsageError("listen --json prints one object when it ends: it needs --exit-after or --await-blocks")
    output.line(f"{_option(options.exit_after)} {_option(options.await_blocks)}")
    output.fact("blocks", [])
    events = blocks = 0
    async with await node(options) as chain, chain.event_stream() as batches:
        while not (_reached(options.exit_after, events) or _reached(options.await_blocks, blocks)):
            batch = await anext(batches)
            events += len(batch.events)
            blocks += 1
            report_block(output, batch)


def _option(value: int | None) -> str:
    return "None" if value is None else f"Some({value})"


def _reached(limit: int | None, count: int) -> bool:
    return limit is not None and count >= limit


def report_block(output: Output, batch: BlockEvents) -> None:
    """Show a block: its events that are worth showing, then what could not be decoded."""
    shown = [e for e in batch.events if e.pallet not in SILENT_PALLETS and (e.pallet, e.name) not in SILENT_EVENTS]
    output.line(f"block number (HEAD): {batch.number}")
    for event in shown:
        output.line(event_line(event))
    for strange in batch.undecodable:
        output.line(f"Undecodable event {strange}: 0x{strange.raw.hex()}")
    members = [_member(event) for event in shown]
    undecodable = [{"name": event.name, "raw": "0x" + event.raw.hex()} for event in batch.undecodable]
    output.append("blocks", {"number": batch.number, "events": members, "undecodable": undecodable})


def event_line(event: EventRecord) -> str:
    """How an event is shown: a few by their fields, all others by name."""
    from .views import account_debug

    fields = event.fields
    match event.pallet, event.name:
        case "Balances", "Transfer":
            ends = f"from: {account_debug(fields['from'])}, to: {account_debug(fields['to'])}"
            return f"BalanceTransfer {{ {ends}, amount: {fields['amount']} }}"
        case "Teerex", "AddedSgxEnclave":
            shown = [
                f"registered_by: {account_debug(fields['registered_by'])}",
                f"worker_url: {_url(fields['worker_url'])}",
                f"tcb_status: {_some(fields['tcb_status'])}",
                f"attestation_method: {_variant(fields['attestation_method'])}",
            ]
            return f"Teerex::AddedSgxEnclave {{ {', '.join(shown)} }}"
    return f"{event.pallet}::{event.name}"


def _url(url: bytes | None) -> str:
    return "None" if url is None else f'Some("{url.decode(errors="replace")}")'


def _some(value: Any) -> str:
    return "None" if value is None else f"Some({_variant(value)})"


def _variant(value: Any) -> str:
    """A variant without fields, or one with a single flag, named or not."""
    name, held = value
    if isinstance(held, dict):
        fields = ", ".join(f"{field}: {str(flag).lower()}" for field, flag in held.items())
        return f"{name} {{ {fields} }}"
    return str(name) if held == () else f"{name}({str(held).lower()})"


def _member(event: EventRecord) -> dict[str, Any]:
    from .json_values import chain_json

    fields = {name: chain_json(value) for name, value in event.fields.items()}
    return {"pallet": event.pallet, "name": event.name, "fields": fields}
