"""Verbs of the ledger's trusted calls.

Every declared call that anybody may send has a verb; its arguments are the declared ones. `VERBS` holds the
names and lines of the original (worker `cli/src/trusted_base_cli/commands`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from integritee.apps.catalog import client_ledger
from integritee.client.accounts import signer
from integritee.client.answers import StatusUpdate
from integritee.client.errors import OperationCancelled
from integritee.crypto import ss58_encode
from integritee.primitives.rpc import TrustedOperationStatus
from integritee.stf.declare import Authority, TrustedCallDef
from integritee.stf.operation import TrustedCallSigned

from .arguments import Commands, Options, command
from .connections import deadline
from .declared import add_arguments, is_account, readable, subject_text, values, verb_of
from .errors import NotAvailable, Tolerated
from .invocation import invoke
from .output import Output
from .session import Session, base58_text, session
from .views import debug, json_value

LATER: Final = "not available in this release"


@dataclass(frozen=True)
class Verb:
    """How the original calls a call.

    `line` is printed before the call is sent; names in it are those of arguments, or say how it is sent. The
    last two tell which features of later releases are refused by name.
    """

    name: str
    line: str
    takes_note: bool = False
    takes_bridge: bool = False


VERBS: Final = {
    "balance_transfer": Verb(
        "transfer",
        "send trusted call transfer from {from} to {to}: {value}, nonce: {nonce}, "
        "signing using mrenclave: {mrenclave} and shard: {shard}",
        takes_note=True,
    ),
    "balance_unshield": Verb(
        "unshield-funds",
        "send trusted call unshield_funds from {from} to {beneficiary}: {value} ",
        takes_bridge=True,
    ),
}


def add_commands(verbs: Commands) -> None:
    for definition in client_ledger().calls.values():
        if definition.authority is not Authority.ANYONE or not readable(definition.arguments):
            continue
        verb = _verb(definition)
        parser = command(verbs, verb.name, partial(_call, definition), definition.docs.partition("\n")[0])
        add_arguments(parser, definition.arguments)
        parser.add_argument("--session-proxy", metavar="ACCOUNT", help=LATER)
        if verb.takes_note:
            parser.add_argument("note", nargs="?", help=LATER)
        if verb.takes_bridge:
            parser.add_argument("-e", "--enclave-bridge", action="store_true", help=LATER)


def _verb(definition: TrustedCallDef) -> Verb:
    name = verb_of(definition.name)
    return VERBS.get(definition.name) or Verb(name, f"send trusted call {name}")


async def _call(definition: TrustedCallDef, options: Options, output: Output) -> None:
    _refuse_later_features(options)
    async with session(options) as asked:
        arguments = values(definition.arguments, options, asked.identity)
        pair = signer(subject_text(options), asked.identity.store)
        nonce = await asked.client.next_nonce(arguments[0], pair)
        signed = await asked.client.sign(definition.name, *arguments, signer=pair, nonce=nonce)
        output.line(_line(definition, arguments, nonce, asked))
        output.fact("call", definition.name)
        output.fact("nonce", nonce)
        if options.direct:
            await _submit(options, output, asked, signed)
        else:
            await invoke(options, output, asked, signed)


def _refuse_later_features(options: Options) -> None:
    for feature in ("session_proxy", "enclave_bridge", "note"):
        if getattr(options, feature, None) not in (None, False):
            raise NotAvailable("transfer with note" if feature == "note" else f"--{verb_of(feature)}")


def _line(definition: TrustedCallDef, arguments: list[Any], nonce: int, asked: Session) -> str:
    named = {
        argument.name: ss58_encode(value) if is_account(argument) else str(value)
        for argument, value in zip(definition.arguments, arguments, strict=True)
    }
    named |= {
        "nonce": str(nonce),
        "mrenclave": base58_text(asked.identity.mrenclave),
        "shard": base58_text(asked.identity.shard),
    }
    return _verb(definition).line.format_map(named)


async def _submit(options: Options, output: Output, asked: Session, signed: TrustedCallSigned) -> None:
    """Straight to the enclave: a line per status, until the last one.

    A call that ends without success ends the command as the original does: with exit code 0.
    """
    async with deadline(options, "the trusted call"), asked.client.watch(signed) as watch:
        top_hash = "0x" + watch.top_hash.hex()
        output.fact("top_hash", top_hash)
        async for update in watch:
            output.line(f"Trusted call {top_hash} is {debug(TrustedOperationStatus, update.status)}")
            output.append("updates", json_value(TrustedOperationStatus, update.status))
            _tolerate(update, watch.top_hash)


def _tolerate(update: StatusUpdate, top_hash: bytes) -> None:
    try:
        update.check(top_hash)
    except OperationCancelled as cancelled:
        raise Tolerated(cancelled) from None
