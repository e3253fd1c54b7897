"""From the ledger's declarations to the arguments of a command line.

An argument stands where it is declared. What may be missing is an option, what is true or false a flag, and the
fields of a struct stand for the struct; so ``request: Request`` with fields ``urgent: bool``, ``text: str`` and
``key: H256 | None`` is ``<text> [--urgent] [--key HEX]``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, Final

from integritee.client.accounts import recipient
from integritee.frame.declare import Argument
from integritee.scale import shape
from integritee.scale.shape import Array, Composite, Hint, OptionOf, Primitive

from .arguments import Parser
from .readers import reading
from .views import ACCOUNT_ID

SHARD: Final = "shard"
"""An argument of this name is the shard of the options."""

RESERVED: Final = ("help", "session-proxy")
"""Options that every verb has."""

NO_ALIASES: Final[Mapping[str, str]] = {}


def verb_of(name: str) -> str:
    """``balance_transfer`` is ``balance-transfer`` on the command line."""
    return name.replace("_", "-")


def add_arguments(parser: Parser, arguments: Sequence[Argument], aliases: Mapping[str, str] = NO_ALIASES) -> None:
    """Arguments as declared, the shard left out; `aliases` are short forms of options by the argument's name."""
    form = _Form(parser, aliases)
    for argument in arguments:
        if argument.name != SHARD:
            form.add(argument.name, argument.hint, _dest(argument))


class _Form:
    """Adds arguments to a parser; no two options have the same name."""

    def __init__(self, parser: Parser, aliases: Mapping[str, str]) -> None:
        self._parser, self._aliases = parser, aliases
        self._taken = set(RESERVED)

    def add(self, name: str, hint: Hint, dest: str) -> None:
        match shape(hint):
            case OptionOf(item=item):
                flags = [self._aliases[name]] if name in self._aliases else []
                read, about = reading(item)
                self._parser.add_argument(
                    *flags, self._option(name), dest=dest, metavar="VALUE", type=read, help=about
                )
            case Composite(fields=fields):
                for field in fields:
                    self.add(field.name, field.hint, f"{dest}.{field.name}")
            case Primitive(name="bool"):
                self._parser.add_argument(self._option(name), dest=dest, action="store_true")
            case form if _is_account(form):
                self._parser.add_argument(dest, metavar=name, help=reading(hint).about)
            case _:
                read, about = reading(hint)
                self._parser.add_argument(dest, metavar=name, type=read, help=about)

    def _option(self, name: str) -> str:
        wanted = verb_of(name)
        while wanted in self._taken:
            wanted += "-"
        self._taken.add(wanted)
        return f"--{wanted}"


def values(arguments: Sequence[Argument], options: argparse.Namespace, shard: bytes) -> list[Any]:
    """What a call or getter is made of, in the order of declaration. Raises UnknownAccount."""
    return [shard if a.name == SHARD else _value(a.hint, options, _dest(a)) for a in arguments]


def _value(hint: Hint, options: argparse.Namespace, dest: str) -> Any:
    match shape(hint):
        case Composite(fields=fields, build=build):
            return build(**{f.attribute: _value(f.hint, options, f"{dest}.{f.name}") for f in fields})
        case form if _is_account(form):
            return recipient(getattr(options, dest))
    return getattr(options, dest)


def _is_account(form: object) -> bool:
    return isinstance(form, Array) and form.path == ACCOUNT_ID


def _dest(argument: Argument) -> str:
    return f"argument.{argument.name}"
