"""Verbs of the ledger's trusted calls.

Every declared call that somebody else than the enclave may send has a verb; its arguments are the declared ones.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from integritee.crypto import ss58_encode
from integritee.frame.declare import Argument
from integritee.stf.declare import Authority, TrustedCallDef
from integritee.stf.ledger import Ledger
from integritee.stf.operation import TrustedCallSigned

from .arguments import Options, command
from .declared import add_arguments, values
from .groups import Groups
from .output import Output
from .sending import send, signed_call
from .session import Session, base58_text, session
from .signing import add_account, parties
from .verbs import OWN_COMMANDS, VARIANTS, CallVerb, call_verb
from .views import shown

BRIDGE: Final = "through enclave-bridge"


def add_commands(groups: Groups, ledger: Ledger) -> None:
    for name, definition in ledger.calls.items():
        if definition.authority is Authority.ENCLAVE or name in OWN_COMMANDS | VARIANTS:
            continue
        verb = call_verb(ledger, definition)
        about = definition.docs.partition("\n")[0]
        parser = command(groups.of(verb.group), verb.name, partial(_call, definition, verb), about)
        add_account(parser, definition.arguments[0].name, by_proxy=bool(definition.roles))
        add_arguments(parser, _in_order(definition, verb))
        if verb.with_note:
            parser.add_argument("note", nargs="?", help="text that both sides find beside the receipt")
        if verb.through_bridge:
            parser.add_argument("-e", "--enclave-bridge", action="store_true", help="for shards without a vault")


def _in_order(definition: TrustedCallDef, verb: CallVerb) -> list[Argument]:
    """Arguments as they stand on the command line, the account left out."""
    rest = list(definition.arguments[1:])
    return sorted(rest, key=lambda a: verb.order.index(a.name) if a.name in verb.order else len(verb.order))


async def _call(definition: TrustedCallDef, verb: CallVerb, options: Options, output: Output) -> None:
    async with session(options) as asked:
        by = parties(options, asked.identity.store)
        arguments = values(definition.arguments[1:], options, asked.identity.shard)
        name, extra = _variant(asked.client.ledger.names[definition], verb, options)
        signed = await signed_call(asked, by, name, *arguments, *extra)
        output.line(_line(verb, signed, asked, through_bridge=name == verb.through_bridge))
        await send(options, output, asked, signed)


def _variant(name: str, verb: CallVerb, options: Options) -> tuple[str, list[Any]]:
    """The call that the options ask for, and what it takes beside the arguments of the usual one."""
    if verb.with_note and options.note is not None:
        return verb.with_note, [options.note.encode()]
    if verb.through_bridge and options.enclave_bridge:
        return verb.through_bridge, []
    return name, []


def _line(verb: CallVerb, signed: TrustedCallSigned, asked: Session, *, through_bridge: bool) -> str:
    arguments = zip(signed.call.definition.arguments, signed.call.args, strict=True)
    named = {argument.name: shown(argument.hint, value) for argument, value in arguments}
    named |= {
        "signer": ss58_encode(signed.signer),
        "nonce": str(signed.nonce),
        "mrenclave": base58_text(asked.identity.mrenclave),
        "shard": base58_text(asked.identity.shard),
        "way": BRIDGE if through_bridge else "",
    }
    return verb.line.format_map(named)
