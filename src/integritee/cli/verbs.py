"""Names and lines that the original has for calls and getters (worker `cli/src`).

What is not listed here is called after its declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from integritee.crypto import ss58_encode
from integritee.stf.declare import GetterDef, TrustedCallDef
from integritee.stf.ledger import Ledger

from .declared import verb_of

SENT: Final = "nonce: {nonce}, signing using mrenclave: {mrenclave} and shard: {shard}"


@dataclass(frozen=True)
class CallVerb:
    """How a call is made on the command line.

    `line` is printed before the call is sent; names in it are those of arguments, ``signer``, ``nonce``,
    ``mrenclave``, ``shard`` and ``way``. `order` names the arguments in another order than declared. `with_note` and
    `through_bridge` are the calls made in its place if a note or ``--enclave-bridge`` is given.
    """

    name: str
    line: str
    group: str | None = None
    order: tuple[str, ...] = ()
    with_note: str | None = None
    through_bridge: str | None = None


CALLS: Final = {
    "balance_transfer": CallVerb(
        "transfer",
        "send trusted call transfer from {from} to {to}: {value}, " + SENT,
        with_note="balance_transfer_with_note",
    ),
    "balance_unshield": CallVerb(
        "unshield-funds",
        "send trusted call unshield_funds from {from} to {beneficiary}: {value} {way}",
        through_bridge="balance_unshield_through_enclave_bridge_pallet",
    ),
    "assets_transfer": CallVerb(
        "transfer",
        "send trusted call transfer asset from {from} to {to}: {amount} {asset_id}, " + SENT,
        group="assets",
        order=("to", "amount", "asset_id"),
        with_note="assets_transfer_with_note",
    ),
    "assets_unshield": CallVerb(
        "unshield-funds",
        "send trusted call unshield_funds from {from} to {beneficiary}: {amount} {asset_id}",
        group="assets",
        order=("beneficiary", "amount", "asset_id"),
    ),
    "send_note": CallVerb("send-note", "send trusted call send-note to {to}: {note}"),
    "waste_time": CallVerb("waste-time", "send trusted call waste-time({milliseconds}ms)"),
    "note_bloat": CallVerb("note-bloat", "send trusted call note-bloat({kilobytes}kB)"),
    "spam_extrinsics": CallVerb(
        "spam-extrinsics", "send trusted call spam-extrinsics ({number} xt to {parentchain})"
    ),
    "guess_the_number.set_winnings": CallVerb(
        "set-winnings",
        "send trusted call guess-the-number set winnings. sender {sender}, signer {signer}, winnings {winnings})",
        group="guess-the-number",
    ),
    "guess_the_number.push_by_one_day": CallVerb(
        "push-by-one-day", "send trusted call guess-the-number push by one day", group="guess-the-number"
    ),
    "guess_the_number.guess": CallVerb(
        "guess",
        "send trusted call guess-the-number. sender {sender}, signer {signer}, guess {guess})",
        group="guess-the-number",
    ),
}

VARIANTS: Final = frozenset(
    name for verb in CALLS.values() for name in (verb.with_note, verb.through_bridge) if name is not None
)
"""Calls that are made by the verb of another one."""

OWN_COMMANDS: Final = frozenset(
    {
        "add_session_proxy",
        "remove_session_proxy",
        "balance_set_balance",
        "evm_call",
        "evm_create",
        "evm_create2",
        "evm_withdraw",
        "encointer.balance_transfer",
        "encointer.register_participant",
        "encointer.register_attestations",
    }
)
"""Calls that are made by commands with a module of their own."""


def call_verb(ledger: Ledger, definition: TrustedCallDef) -> CallVerb:
    """How a call is made."""
    full = ledger.names[definition]
    name = verb_of(definition.name)
    group = group_of(ledger, definition)
    sent = name if group is None else f"{group} {name}"
    return CALLS.get(full) or CallVerb(name, f"send trusted call {sent}", group)


@dataclass(frozen=True)
class GetterVerb:
    """How a getter is asked on the command line; `aliases` are short forms of its options, `addition` a further line
    that is printed of its answer."""

    name: str
    group: str | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    addition: Callable[[Any], str] | None = None


GETTERS: Final = {
    "undistributed_fees": GetterVerb("get-undistributed-fees", aliases={"asset": "-a"}),
    "guess_the_number.guess_the_number_info": GetterVerb(
        "get-info",
        group="guess-the-number",
        addition=lambda info: f"pot account: {ss58_encode(info.account)}",
    ),
}

OWN_QUERIES: Final = frozenset(
    {
        *("notes_for", "note_buckets_info"),
        *("encointer.balance", "encointer.participant_index", "encointer.meetup", "encointer.attestations"),
    }
)
"""Getters that are asked by commands with a module of their own."""


def getter_verb(ledger: Ledger, definition: GetterDef) -> GetterVerb:
    """How a getter is asked."""
    group = group_of(ledger, definition)
    return GETTERS.get(ledger.names[definition]) or GetterVerb(f"get-{verb_of(definition.name)}", group)


def group_of(ledger: Ledger, definition: TrustedCallDef | GetterDef) -> str | None:
    """The group of an app's verbs; None for what the ledger declares itself."""
    app = ledger.owners[definition]
    return None if app.index is None else verb_of(app.name)
