"""Accounts that send: new ones each time, for a run that was cut short leaves gaps in the nonces of its own."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from math import ceil
from typing import Final

from integritee.client.worker import WorkerClient
from integritee.crypto import Sr25519Pair
from integritee.stf.fees import note_fee, transaction_fee

from .compose import NOTE_TEXT, TRANSFERRED
from .errors import TooLittleFunds
from .mix import CALLS, NOTE, Mix

EXISTENTIAL_DEPOSIT: Final = 10**9
"""Base units that an account keeps; more than any ledger of ours asks for."""


def dearest_call(mix: Mix, one: int) -> int:
    """Base units that the dearest call of a mix costs, for a token of `one`; 0 without calls."""
    fees = {NOTE: note_fee(one, (NOTE_TEXT,))}
    return max((fees.get(k, transaction_fee(one, ())) + TRANSFERRED for k in mix.weights if k in CALLS), default=0)


def endowment(mix: Mix, requests: float, accounts: int, one: int) -> int:
    """What each account needs for its share of so many requests."""
    calls = ceil(requests * mix.share(*CALLS) / accounts * 1.1) + accounts  # bursts of a random schedule included
    return EXISTENTIAL_DEPOSIT + calls * dearest_call(mix, one)


def price(accounts: int, each: int, one: int) -> int:
    """What endowing so many accounts takes of who pays for them."""
    return accounts * (each + transaction_fee(one, ())) + EXISTENTIAL_DEPOSIT


async def endow(client: WorkerClient, payer: Sr25519Pair, accounts: int, each: int, one: int) -> Sequence[str]:
    """New accounts that hold `each`; their secret URIs. Raises TooLittleFunds, ClientError."""
    run = secrets.token_hex(8)
    uris = [f"//Load//{run}//{number}" for number in range(accounts)]
    needed = price(accounts, each, one)
    held = (await client.account_info(payer)).data.free
    if held < needed:
        raise TooLittleFunds(needed, held)
    receivers = [Sr25519Pair.from_uri(uri).public for uri in uris]
    await asyncio.gather(*(client.call("balance_transfer", payer.public, to, each, signer=payer) for to in receivers))
    return uris
