"""From the ledger's declarations to the verbs and arguments of a command line."""

from __future__ import annotations

import argparse
import enum
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from integritee.client.accounts import owner, recipient
from integritee.frame.declare import Argument
from integritee.scale import Integer, shape
from integritee.scale.shape import Array, Primitive

from .arguments import Parser, unsigned
from .session import Identity
from .views import ACCOUNT_ID

SHARD: Final = "shard"
"""An argument of this name is the shard of the options."""

Reader: TypeAlias = Callable[[str], Any]


def verb_of(name: str) -> str:
    """``balance_transfer`` is ``balance-transfer`` on the command line."""
    return name.replace("_", "-")


def readable(arguments: Sequence[Argument]) -> bool:
    """Whether all arguments can be given on a command line."""
    return all(argument.name == SHARD or _reader(argument.hint) is not None for argument in arguments)


def add_arguments(parser: Parser, arguments: Sequence[Argument]) -> None:
    """Positional arguments as declared, the shard left out."""
    for position, argument in enumerate(arguments):
        if argument.name != SHARD:
            about = _account_help(position) if is_account(argument) else None
            read = _reader(argument.hint) or str
            parser.add_argument(f"argument_{position}", metavar=argument.name, type=read, help=about)


def values(arguments: Sequence[Argument], options: argparse.Namespace, identity: Identity) -> list[Any]:
    """What a call or getter is made of. The first account may be named by its secret. Raises UnknownAccount."""
    found: list[Any] = []
    for position, argument in enumerate(arguments):
        if argument.name == SHARD:
            found.append(identity.shard)
            continue
        given = getattr(options, f"argument_{position}")
        if is_account(argument):
            given = recipient(given) if position else owner(given)
        found.append(given)
    return found


def subject_text(options: argparse.Namespace) -> str:
    """The first argument as it was written: who signs."""
    text: str = options.argument_0
    return text


def is_account(argument: Argument) -> bool:
    """Whether an argument is an account id."""
    form = shape(argument.hint)
    return isinstance(form, Array) and form.path == ACCOUNT_ID


def _account_help(position: int) -> str:
    if position:
        return "SS58 address or //Path"
    return "//Path, seed, phrase, or SS58 address in the shard's key store"


def _reader(hint: Any) -> Reader | None:
    """How a text becomes a value; None for types that no text is agreed for."""
    if isinstance(hint, type) and issubclass(hint, enum.IntEnum):
        return _member_reader(hint)
    match shape(hint):
        case Primitive(name="str"):
            return str
        case Primitive(integer=Integer(size=size, signed=False)):
            return unsigned(size * 8)
        case Array(item=None, path=path, size=size):
            return str if path == ACCOUNT_ID else _hex_reader(size)
    return None


def _member_reader(members: type[enum.IntEnum]) -> Reader:
    by_name = {member.name.lower(): member for member in members}

    def read(text: str) -> enum.IntEnum:
        member = by_name.get(text.lower().replace("-", ""))
        if member is None:
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(m.name for m in members)}")
        return member

    return read


def _hex_reader(size: int) -> Reader:
    def read(text: str) -> bytes:
        try:
            data = bytes.fromhex(text.removeprefix("0x"))
        except ValueError:
            data = b""
        if len(data) != size:
            raise argparse.ArgumentTypeError(f"{text!r} is not the hex of {size} bytes")
        return data

    return read
