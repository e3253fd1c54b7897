"""Ceremonies in arbitrary histories: a community that is known from the beginning, and phases that pass."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any, Final

from integritee.apps.encointer.balances import EncointerBalances
from integritee.apps.encointer.ceremonies import EncointerCeremonies
from integritee.apps.encointer.claims import attest, prove_attendance
from integritee.apps.encointer.communities import EncointerCommunities
from integritee.apps.encointer.fixed_point import I32F32, ONE
from integritee.apps.encointer.parentchain import (
    ATTESTING_DURATION,
    CEREMONY_MASTER,
    CURRENCY_IDENTIFIERS,
    CURRENT_CEREMONY_INDEX,
    CURRENT_PHASE,
    NEXT_PHASE_TIMESTAMP,
    bootstrappers_key,
    community_identifier,
    locations_key,
)
from integritee.apps.encointer.scheduler import EncointerScheduler
from integritee.apps.encointer.types import ClaimOfAttendance, Location
from integritee.primitives.ids import H256, AccountId
from integritee.scale import encode, u32, u64
from integritee.stf.development import ROOT
from integritee.stf.mirror import tell
from integritee.stf.runtime import LedgerRuntime

from .cast import KEYS, PEOPLE, USERS
from .kit import NOW

if TYPE_CHECKING:
    from .arbitrary import Arbitrary

PLACES: Final = [Location(I32F32(40 << 32), I32F32(-30 << 32)), Location(I32F32(41 << 32), I32F32(-30 << 32))]
BOOTSTRAPPERS: Final = [pair.public for pair in PEOPLE[:4]]
CID: Final = community_identifier(PLACES, BOOTSTRAPPERS)
DAY_MS: Final = 86_400_000


class Ceremonies:
    """What the parentchain says of ceremonies, block by block."""

    def __init__(self) -> None:
        self.index, self.phase = 1, 0

    def go_on(self, random: Random) -> None:
        """Perhaps to the next phase, or to one behind it."""
        for _ in range(random.choice((0, 0, 0, 0, 1, 1, 2))):
            self.phase = (self.phase + 1) % 3
            self.index += self.phase == 0

    def values(self) -> dict[bytes, bytes | None]:
        return {
            CURRENT_CEREMONY_INDEX: encode(u32, self.index),
            CURRENT_PHASE: bytes([self.phase]),
            NEXT_PHASE_TIMESTAMP: encode(u64, NOW + 2 * DAY_MS),
            ATTESTING_DURATION: encode(u64, 2 * DAY_MS),
            CEREMONY_MASTER: ROOT,
            CURRENCY_IDENTIFIERS: encode(list[H256], [CID]),
            locations_key(CID): encode(list[Location], PLACES),
            bootstrappers_key(CID): encode(list[AccountId], BOOTSTRAPPERS),
        }


def found(runtime: LedgerRuntime) -> None:
    """The community as it is after some ceremonies: people have money, and register for the next one."""
    for number in (0, 1):
        tell(runtime, number, Ceremonies().values())
    ceremonies = runtime.pallet(EncointerCeremonies)
    for who in BOOTSTRAPPERS:
        runtime.pallet(EncointerBalances).issue(CID, who, 10 * ONE, 0)
        ceremonies.register(who, CID, 1, None)


def draws(runtime: LedgerRuntime) -> dict[str, Callable[[Arbitrary], Any]]:
    """Arguments that make sense in the present state, by their names."""
    return {
        "cid": lambda draw: CID,
        "proof": lambda draw: _proof(draw, runtime),
        "attestations": lambda draw: _attestations(draw, runtime),
        "master": lambda draw: ROOT,
    }


def _index(runtime: LedgerRuntime) -> int:
    schedule = runtime.pallet(EncointerScheduler).schedule.get()
    return schedule.index if schedule else 0


def _proof(draw: Arbitrary, runtime: LedgerRuntime) -> Any:
    if draw.chance(50):
        return None
    attendee = draw.facts.sender if draw.chance(60) and draw.facts.sender in KEYS else draw.choice(USERS)
    return prove_attendance(KEYS[attendee], max(_index(runtime) - 1, 0), CID, draw.facts.sender)


def _attestations(draw: Arbitrary, runtime: LedgerRuntime) -> Any:
    """Those of all others in the meetup, mostly; of claims that are wrong, now and then."""
    who, index = draw.facts.sender, _index(runtime)
    schedule = runtime.pallet(EncointerScheduler).schedule.get()
    known = runtime.pallet(EncointerCommunities).communities.contains(CID)
    start = schedule.attesting_start if schedule else None
    meetup = runtime.pallet(EncointerCeremonies).meetup_of(who, CID, index, start) if known else None
    place = (meetup and meetup.location) or PLACES[0]
    time = (meetup and meetup.time) or NOW
    others = [other for other in (meetup.participants if meetup else USERS) if other != who and other in KEYS]
    if draw.chance(10):
        time += DAY_MS
    claim = ClaimOfAttendance(who, index, CID, meetup.index if meetup else 1, place, time, len(others) + 1)
    return [attest(claim, KEYS[other]) for other in others[: None if draw.chance(90) else 1]]
