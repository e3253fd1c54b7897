"""`trusted encointer`: ceremonies of communities, and what they earn (encointer worker 0.7, `client`).

In the original a shard is one community; here commands take ``--cid``, and without it are about the only community
that the ledger knows. `new-claim` and `sign-claim` print hex, which `register-attestations` takes.
"""

from __future__ import annotations

import argparse
from typing import Any, Final

from integritee.apps.encointer.claims import ATTESTATION, CLAIM, attest, prove_attendance
from integritee.apps.encointer.demurrage import value_at
from integritee.apps.encointer.fixed_point import I64F64
from integritee.apps.encointer.parentchain import cid_text, parse_cid
from integritee.apps.encointer.types import (
    Attestation,
    BalanceEntry,
    ClaimOfAttendance,
    Meetup,
    SchedulerState,
)
from integritee.client.accounts import recipient, signer
from integritee.crypto import ss58_encode
from integritee.scale import Codec, DecodeError
from integritee.stf.ledger import Ledger

from .arguments import Command, Options, Parser, command, unsigned
from .connections import node
from .errors import NoMeetupToClaim, WhichCommunity
from .groups import Groups
from .output import Output
from .readers import reader
from .sending import send, signed_call
from .session import Session, key_store, session
from .signing import Parties, add_account, parties

GROUP: Final = "encointer"


def add_commands(groups: Groups, ledger: Ledger) -> None:
    if "encointer.register_participant" not in ledger.calls:
        return
    verbs = groups.of(GROUP)

    def add(name: str, run: Command, about: str) -> Parser:
        added = command(verbs, name, run, about)
        added.add_argument("-c", "--cid", type=_cid, help="the community in base58; default: the only one there is")
        return added

    add("info", info, "issuance, participants and meetups of a community, and the ceremony")
    for name, run, about in (
        ("balance", balance, "what an account has of the community's currency, as far as it has not melted"),
        ("get-registration", get_registration, "number of a participant; 0 if it is not registered"),
        ("get-meetup", get_meetup, "number of an account's meetup; fails if it is in none"),
        ("get-attestations", get_attestations, "who has attested an account, the last one first"),
    ):
        add_account(add(name, run, about), "account")
    transfer_ = add("transfer", transfer, "transfer units of the community's currency")
    add_account(transfer_, "from")
    transfer_.add_argument("to", help="SS58 address or //Path")
    transfer_.add_argument("amount", type=reader(I64F64), help="decimal number of units")
    register = add("register-participant", register_participant, "register for the next meetups")
    add_account(register, "account")
    register.add_argument("-r", "--reputation", action="store_true", help="with what was earned in the last ceremony")
    claim = add("new-claim", new_claim, "claim, in hex, that so many participants were at the account's meetup")
    add_account(claim, "account")
    claim.add_argument("participants", type=unsigned(32), help="how many there were, the account included")
    sign = add("sign-claim", sign_claim, "attest somebody's claim; prints the attestation in hex")
    add_account(sign, "signer", by_proxy=False)
    sign.add_argument("claim", type=_hex_of(CLAIM), help="what new-claim prints")
    register = add("register-attestations", register_attestations, "hand in attestations of an own claim")
    add_account(register, "account")
    register.add_argument("attestations", nargs="+", type=_hex_of(ATTESTATION), help="what sign-claim prints")


def _cid(text: str) -> bytes:
    try:
        return parse_cid(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no base58 of 32 bytes") from None


def _hex_of(form: Codec) -> Any:
    """Reads a value in hex, with or without 0x."""

    def read(text: str) -> Any:
        try:
            return form.decode(bytes.fromhex(text.removeprefix("0x")))
        except (ValueError, DecodeError):
            raise argparse.ArgumentTypeError("not the hex that new-claim or sign-claim prints") from None

    return read


async def _community(options: Options, asked: Session) -> bytes:
    """The cid that the command is about. Raises WhichCommunity."""
    if options.cid is not None:
        return bytes(options.cid)
    known = await asked.client.get("encointer.communities")
    if len(known) != 1:
        raise WhichCommunity(len(known))
    return bytes(known[0])


async def _schedule(asked: Session) -> SchedulerState:
    schedule: SchedulerState = await asked.client.get("encointer.scheduler_state")
    return schedule


# -- what there is -------------------------------------------------------------------------------------


async def info(options: Options, output: Output) -> None:
    async with session(options) as asked:
        cid, schedule = await _community(options, asked), await _schedule(asked)
        get = asked.client.get
        issuance: BalanceEntry = await get("encointer.total_issuance", cid)
        is_secret = schedule.phase.name == "Registering"
        facts: dict[str, Any] = {
            "cid": cid_text(cid),
            "total_issuance": str(issuance.principal),
            "participant_count": None if is_secret else await get("encointer.participant_count", cid),
            "meetup_count": await get("encointer.meetup_count", cid),
            "ceremony_reward": str(await get("encointer.ceremony_reward", cid)),
            "location_tolerance": await get("encointer.location_tolerance", cid),
            "time_tolerance": await get("encointer.time_tolerance", cid),
            "ceremony_index": schedule.ceremony_index,
            "phase": schedule.phase.name.upper(),
            "block_number": schedule.block_number,
        }
    units = {"location_tolerance": " m", "time_tolerance": " ms"}
    for name, value in facts.items():
        shown = "secret while accounts register" if value is None else f"{value}{units.get(name, '')}"
        output.line(f"{name.replace('_', ' ')}: {shown}")
        output.fact(name, value)


async def balance(options: Options, output: Output) -> None:
    async with session(options) as asked, await node(options) as chain:
        by, cid = parties(options, asked.identity.store), await _community(options, asked)
        entry: BalanceEntry = await _ask(asked, "balance", by, cid)
        properties = await chain.storage("EncointerCurrencies", "CurrencyProperties", cid)
        number = (await chain.header(await chain.finalized_head())).number
    rate = I64F64(properties["demurrage_per_block"]["bits"])
    output.fact("principal", str(entry.principal))
    output.fact("last_update", entry.last_update)
    output.answer("balance", str(value_at(entry, number, rate)))


async def get_registration(options: Options, output: Output) -> None:
    async with session(options) as asked:
        by, cid = parties(options, asked.identity.store), await _community(options, asked)
        output.answer("participant_index", await _ask(asked, "participant_index", by, cid))


async def get_meetup(options: Options, output: Output) -> None:
    async with session(options) as asked:
        by, cid = parties(options, asked.identity.store), await _community(options, asked)
        meetup: Meetup = await _ask(asked, "meetup", by, cid)
    place = meetup.location
    output.fact("participants", [ss58_encode(who) for who in meetup.participants])
    output.fact("location", None if place is None else {"lat": str(place.lat), "lon": str(place.lon)})
    output.fact("time", meetup.time)
    output.answer("meetup_index", meetup.index)


async def get_attestations(options: Options, output: Output) -> None:
    async with session(options) as asked:
        by, cid = parties(options, asked.identity.store), await _community(options, asked)
        attesters = [ss58_encode(who) for who in await _ask(asked, "attestations", by, cid)]
    output.fact("attestations", attesters)
    for address in attesters:
        output.line(address)


async def _ask(asked: Session, name: str, by: Parties, cid: bytes) -> Any:
    return await asked.client.get(f"encointer.{name}", by.account, cid, signer=by.pair)


# -- what accounts do ----------------------------------------------------------------------------------


async def transfer(options: Options, output: Output) -> None:
    to = recipient(options.to)
    async with session(options) as asked:
        by, cid = parties(options, asked.identity.store), await _community(options, asked)
        output.line(f"send trusted call transfer from {ss58_encode(by.account)} to {options.to}: {options.amount}")
        await _send(options, output, asked, by, "balance_transfer", to, cid, options.amount)


async def register_participant(options: Options, output: Output) -> None:
    async with session(options) as asked:
        by, cid = parties(options, asked.identity.store), await _community(options, asked)
        proof = None
        if options.reputation:
            last = (await _schedule(asked)).ceremony_index - 1
            proof = prove_attendance(by.pair, last, cid, by.account)
        output.line(f"send trusted call register_participant for {ss58_encode(by.account)}")
        await _send(options, output, asked, by, "register_participant", cid, proof)


async def register_attestations(options: Options, output: Output) -> None:
    attestations: list[Attestation] = options.attestations
    async with session(options) as asked:
        by = parties(options, asked.identity.store)
        output.line(f"send trusted call register_attestations for {ss58_encode(by.account)}")
        await _send(options, output, asked, by, "register_attestations", attestations)


async def _send(options: Options, output: Output, asked: Session, by: Parties, name: str, *arguments: Any) -> None:
    await send(options, output, asked, await signed_call(asked, by, f"encointer.{name}", *arguments))


# -- what participants sign ----------------------------------------------------------------------------


async def new_claim(options: Options, output: Output) -> None:
    async with session(options) as asked:
        by, cid = parties(options, asked.identity.store), await _community(options, asked)
        meetup: Meetup = await _ask(asked, "meetup", by, cid)
        index = (await _schedule(asked)).ceremony_index
    if meetup.location is None or meetup.time is None:
        raise NoMeetupToClaim(meetup.index)
    claim = ClaimOfAttendance(
        by.account, index, cid, meetup.index, meetup.location, meetup.time, options.participants
    )
    output.answer("claim", CLAIM.encode(claim).hex())


async def sign_claim(options: Options, output: Output) -> None:
    pair = signer(options.account, await key_store(options))
    output.answer("attestation", ATTESTATION.encode(attest(options.claim, pair)).hex())
