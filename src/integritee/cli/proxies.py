"""Commands of session proxies: keys that act for an account.

Worker `cli/src/trusted_base_cli/commands`, add_session_proxy.rs and get_session_proxies.rs. Roles with an allowance,
other times of expiry, and removal are not the original's.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable
from typing import Final

from integritee.client.accounts import owner
from integritee.crypto import Sr25519Pair, ss58_encode
from integritee.scale import Bytes32
from integritee.stf.types import (
    AccountEssentials,
    AnyRole,
    NonTransfer,
    ReadAny,
    ReadBalance,
    SessionProxyCredentials,
    SessionProxyRole,
    TransferAllowance,
)

from .arguments import Options, amount, command, unsigned
from .groups import Groups
from .json_values import json_value
from .output import Output
from .readers import reader
from .sending import send, signed_call
from .session import session
from .signing import add_account, parties
from .views import debug

ROLES: Final[dict[str, SessionProxyRole]] = {
    "any": AnyRole(),
    "nontransfer": NonTransfer(),
    "readany": ReadAny(),
    "readbalance": ReadBalance(),
}
ALLOWANCE: Final = "transferallowance"

DEFAULT_EXPIRY: Final = "10d"
NEVER: Final = "never"
MS: Final = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
"""Length of a unit of time."""


def add_commands(groups: Groups) -> None:
    verbs = groups.of(None)
    adding = command(verbs, "add-session-proxy", add_session_proxy, "let another key act for an account")
    add_account(adding, "account", by_proxy=False)
    adding.add_argument("seed", type=reader(Bytes32), help="the other key's secret seed: hex of 32 bytes")
    adding.add_argument(
        "role", type=role, help="Any, NonTransfer, ReadAny, ReadBalance, or TransferAllowance=N (base units)"
    )
    adding.add_argument(
        "--expiry",
        type=expiry,
        default=DEFAULT_EXPIRY,
        metavar="WHEN",
        help="Unix ms, a time from now such as 90s, 30m, 12h or 10d, or never (%(default)s)",
    )
    removing = command(verbs, "remove-session-proxy", remove_session_proxy, "take a session proxy's rights away")
    add_account(removing, "account", by_proxy=False)
    removing.add_argument("proxy", help="the session proxy: SS58 address, //Path or seed")
    listing = command(verbs, "get-session-proxies", get_session_proxies, "session proxies of an account")
    add_account(listing, "account")


def role(text: str) -> SessionProxyRole:
    """A role by its name, case and dashes ignored; an allowance with its limit."""
    name, _, limit = text.lower().replace("-", "").partition("=")
    if name == ALLOWANCE:
        return TransferAllowance(amount(limit))
    if name not in ROLES or limit:
        known = "Any, NonTransfer, ReadAny, ReadBalance, TransferAllowance=N"
        raise argparse.ArgumentTypeError(f"{text!r} is none of {known}")
    return ROLES[name]


def expiry(text: str) -> Callable[[int], int | None]:
    """From the time now (Unix ms) to the time when a proxy expires; None for never."""
    if text == NEVER:
        return lambda now: None
    relative = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    if relative is not None:
        return lambda now: now + int(relative[1]) * MS[relative[2]]
    moment = unsigned(64)(text)
    return lambda now: moment


async def add_session_proxy(options: Options, output: Output) -> None:
    async with session(options) as asked:
        by = parties(options, asked.identity.store)
        delegate = Sr25519Pair.from_seed(options.seed).public
        output.line(f"send trusted call add-session-proxy for {ss58_encode(delegate)}")
        output.fact("proxy", ss58_encode(delegate))
        credentials = SessionProxyCredentials(options.role, options.expiry(time.time_ns() // 1_000_000), options.seed)
        signed = await signed_call(asked, by, "add_session_proxy", delegate, credentials)
        await send(options, output, asked, signed)


async def remove_session_proxy(options: Options, output: Output) -> None:
    async with session(options) as asked:
        by = parties(options, asked.identity.store)
        delegate = owner(options.proxy)
        output.line(f"send trusted call remove-session-proxy for {ss58_encode(delegate)}")
        output.fact("proxy", ss58_encode(delegate))
        await send(options, output, asked, await signed_call(asked, by, "remove_session_proxy", delegate))


async def get_session_proxies(options: Options, output: Output) -> None:
    async with session(options) as asked:
        by = parties(options, asked.identity.store)
        found: AccountEssentials = await asked.client.get("account_essentials", by.account, signer=by.pair)
    output.fact("session_proxies", json_value(list[SessionProxyCredentials], found.session_proxies))
    for proxy in found.session_proxies:
        output.line(debug(SessionProxyCredentials, proxy))
