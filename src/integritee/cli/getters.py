"""Verbs of the ledger's getters.

`balance`, `nonce` and `assets balance` are the original's: they print 0 if the worker refuses to answer. Every
declared getter has a verb of its own, ``get-`` and its name, that prints the value in Rust's debug form.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from integritee.client.errors import RequestRefused, ValueNotPresent
from integritee.stf.declare import GetterDef, Raw
from integritee.stf.ledger import Ledger

from .arguments import Command, Options, command
from .declared import add_arguments, values
from .errors import Tolerated
from .groups import Groups
from .json_values import json_value
from .output import Output
from .session import session
from .signing import add_account, parties
from .verbs import OWN_QUERIES, GetterVerb, getter_verb
from .views import debug


def add_commands(groups: Groups, ledger: Ledger) -> None:
    info, holding = ledger.trusted_getters["account_info"], ledger.trusted_getters["asset_balance"]
    _add(groups, GetterVerb("balance"), info, partial(_balance, info), "free balance of an account of the ledger")
    _add(groups, GetterVerb("nonce"), info, partial(_nonce, info), "nonce of an account of the ledger")
    _add(groups, GetterVerb("balance", "assets"), holding, partial(_asset_balance, holding), holding.docs)
    for trusted, definitions in ((False, ledger.public_getters), (True, ledger.trusted_getters)):
        for name, definition in definitions.items():
            if name in OWN_QUERIES or (trusted and name in ledger.public_getters):  # which needs no signature
                continue
            verb = getter_verb(ledger, definition)
            run = partial(_get, definition, verb, trusted)
            _add(groups, verb, definition, run, definition.docs.partition("\n")[0], trusted=trusted)


def _add(
    groups: Groups, verb: GetterVerb, definition: GetterDef, run: Command, about: str, *, trusted: bool = True
) -> None:
    parser = command(groups.of(verb.group), verb.name, run, about)
    if trusted:
        add_account(parser, definition.arguments[0].name, by_proxy=bool(definition.roles))
    add_arguments(parser, definition.arguments[trusted:], verb.aliases)


async def _balance(definition: GetterDef, options: Options, output: Output) -> None:
    info = await _value_or_zero(definition, options, output)
    output.answer("balance", str(info.data.free))


async def _nonce(definition: GetterDef, options: Options, output: Output) -> None:
    info = await _value_or_zero(definition, options, output)
    output.answer("nonce", info.nonce)


async def _asset_balance(definition: GetterDef, options: Options, output: Output) -> None:
    balance = await _value_or_zero(definition, options, output)
    output.answer("balance", str(balance))


async def _value_or_zero(definition: GetterDef, options: Options, output: Output) -> Any:
    """As the original, prints 0 if the worker refuses to answer."""
    try:
        return await _value(definition, options, trusted=True)
    except (RequestRefused, ValueNotPresent) as refused:
        output.line("0")
        raise Tolerated(refused) from None


async def _get(definition: GetterDef, verb: GetterVerb, trusted: bool, options: Options, output: Output) -> None:
    value = await _value(definition, options, trusted=trusted)
    if definition.returns is Raw:
        output.answer(definition.name, "0x" + value.hex())
        return
    output.line(debug(definition.returns, value))
    output.fact(definition.name, json_value(definition.returns, value))
    if verb.addition is not None:
        output.line(verb.addition(value))


async def _value(definition: GetterDef, options: Options, *, trusted: bool) -> Any:
    async with session(options) as asked:
        name = asked.client.ledger.names[definition]
        arguments = values(definition.arguments[trusted:], options, asked.identity.shard)
        if not trusted:
            return await asked.client.get(name, *arguments)
        by = parties(options, asked.identity.store)
        return await asked.client.get(name, by.account, *arguments, signer=by.pair)
