"""Verbs of the ledger's getters.

`balance` and `nonce` are the original's views of `account_info`. Every declared getter has a verb of its own,
``get-`` and its name, that prints the value in Rust's debug form.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from integritee.apps.catalog import client_ledger
from integritee.client.accounts import signer
from integritee.client.errors import RequestRefused, ValueNotPresent
from integritee.frame.pallets.system import AccountInfo
from integritee.stf.declare import GetterDef

from .arguments import Commands, Options, command
from .calls import LATER
from .declared import add_arguments, readable, subject_text, values, verb_of
from .errors import NotAvailable, Tolerated
from .output import Output
from .session import session
from .views import debug, json_value

ACCOUNT_INFO = client_ledger().trusted_getter("account_info", b"").definition


def add_commands(verbs: Commands) -> None:
    for name, run, about in (
        ("balance", balance, "free balance of an account of the ledger"),
        ("nonce", nonce, "nonce of an account of the ledger"),
    ):
        verb = command(verbs, name, run, about)
        add_arguments(verb, ACCOUNT_INFO.arguments)
        verb.add_argument("--session-proxy", metavar="ACCOUNT", help=LATER)
    for trusted, definitions in ((False, client_ledger().public_getters), (True, client_ledger().trusted_getters)):
        for definition in definitions.values():
            if readable(definition.arguments):
                run = partial(_get, definition, trusted)
                verb = command(verbs, f"get-{verb_of(definition.name)}", run, definition.docs.partition("\n")[0])
                add_arguments(verb, definition.arguments)


async def balance(options: Options, output: Output) -> None:
    info = await _account_info(options, output)
    output.answer("balance", str(info.data.free))


async def nonce(options: Options, output: Output) -> None:
    info = await _account_info(options, output)
    output.answer("nonce", info.nonce)


async def _account_info(options: Options, output: Output) -> AccountInfo:
    """As the original, prints 0 if the worker refuses to answer."""
    if options.session_proxy is not None:
        raise NotAvailable("--session-proxy")
    try:
        info: AccountInfo = await _value(ACCOUNT_INFO, True, options)
    except (RequestRefused, ValueNotPresent) as refused:
        output.line("0")
        raise Tolerated(refused) from None
    return info


async def _get(definition: GetterDef, trusted: bool, options: Options, output: Output) -> None:
    value = await _value(definition, trusted, options)
    output.line(debug(definition.returns, value))
    output.fact(definition.name, json_value(definition.returns, value))


async def _value(definition: GetterDef, trusted: bool, options: Options) -> Any:
    async with session(options) as asked:
        arguments = values(definition.arguments, options, asked.identity)
        pair = signer(subject_text(options), asked.identity.store) if trusted else None
        return await asked.client.get(definition.name, *arguments, signer=pair)
