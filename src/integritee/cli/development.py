"""What only workers with a development ledger do (worker `set_balance.rs`)."""

from __future__ import annotations

from typing import Final

from integritee.client.accounts import owner
from integritee.crypto import Sr25519Pair, ss58_encode

from .arguments import Options, amount, command
from .groups import Groups
from .output import Output
from .sending import send, signed_call
from .session import session
from .signing import Parties

ROOT: Final = "//Alice"
"""Whose key is the sudo key of development ledgers."""


def add_commands(groups: Groups) -> None:
    setting = command(groups.of(None), "set-balance", set_balance, "set an account's funds, in development ledgers")
    setting.add_argument("account", help="SS58 address, //Path, seed or phrase")
    setting.add_argument("amount", type=amount, help="base units")


async def set_balance(options: Options, output: Output) -> None:
    root = Sr25519Pair.from_uri(ROOT)
    async with session(options) as asked:
        who = owner(options.account)
        output.line(f"send trusted call set-balance({ss58_encode(who)}, {options.amount})")
        arguments = (who, options.amount, options.amount)
        signed = await signed_call(asked, Parties(root.public, root), "balance_set_balance", *arguments)
        await send(options, output, asked, signed)
