"""A community on a bench: the ledger with Encointer, and a parentchain that says what a test wants it to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from integritee.apps.encointer.app import Encointer
from integritee.apps.encointer.balances import EncointerBalances
from integritee.apps.encointer.ceremonies import EncointerCeremonies
from integritee.apps.encointer.claims import attest, prove_attendance
from integritee.apps.encointer.fixed_point import I32F32
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
from integritee.apps.encointer.types import Attestation, CeremonyPhase, ClaimOfAttendance, Location
from integritee.crypto import Ed25519Pair, KeyPair, blake2_256
from integritee.scale import encode, u32, u64
from integritee.stf.executor import Outcome
from integritee.stf.ledger import Ledger
from integritee.stf.mirror import tell, wanted_storage
from integritee.stf.native import NATIVE_APPS

from ...stf.kit import NOW, Bench

LEDGER = Ledger((*NATIVE_APPS, Encointer))
MASTER = Ed25519Pair.from_uri("//Master")
DAY = 86_400_000
ATTESTING_MS = 2 * DAY
START = NOW - NOW % DAY
"""When phases of attesting begin (Unix ms)."""

REGISTERING, ASSIGNING, ATTESTING = CeremonyPhase


def place(lat: str, lon: str) -> Location:
    return Location(I32F32.parse(lat), I32F32.parse(lon))


@cache
def account(number: int) -> Ed25519Pair:
    """Keys of people, by number; ed25519, which is faster to sign with."""
    return Ed25519Pair.from_seed(blake2_256(b"person %d" % number))


def founders(count: int) -> list[KeyPair]:
    return [account(number) for number in range(count)]


GRID = [place(f"{40 - row / 100:.2f}", "-30") for row in range(100)]
"""A hundred places, each a kilometre from the next."""


@dataclass
class Community:
    """Founded by `bootstrappers`, with `locations`; known to the ledger, in ceremony 1."""

    bootstrappers: list[KeyPair] = field(default_factory=lambda: founders(3))
    locations: Sequence[Location] = tuple(GRID[:3])
    number: int = 100
    """Of the parentchain's block."""

    def __post_init__(self) -> None:
        self.bench = Bench(ledger=LEDGER, vault=False)
        self.runtime = self.bench.runtime
        self.index, self.phase = 1, REGISTERING
        public = [pair.public for pair in self.bootstrappers]
        self.cid = community_identifier(self.locations, public)
        self.storage: dict[bytes, bytes | None] = {
            CURRENCY_IDENTIFIERS: encode(list[bytes], []),
            CEREMONY_MASTER: MASTER.public,
            NEXT_PHASE_TIMESTAMP: encode(u64, START + ATTESTING_MS),
            ATTESTING_DURATION: encode(u64, ATTESTING_MS),
        }
        self.found(self.locations, public)
        self.block()
        self.block()

    # -- the parentchain -----------------------------------------------------------------------------

    def found(self, locations: Sequence[Location], bootstrappers: Sequence[bytes]) -> bytes:
        """Register one more community on the parentchain; its cid."""
        cid = community_identifier(locations, bootstrappers)
        listed = self.storage[CURRENCY_IDENTIFIERS] or b""
        count = listed[0] // 4
        self.storage[CURRENCY_IDENTIFIERS] = bytes([4 * (count + 1)]) + listed[1:] + cid
        self.storage[locations_key(cid)] = encode(list[Location], list(locations))
        self.storage[bootstrappers_key(cid)] = bytes([4 * len(bootstrappers)]) + b"".join(bootstrappers)
        return cid

    def block(self) -> None:
        """One more block of the parentchain, which proves what was wanted before it and what always is."""
        self.number += 1
        self.storage[CURRENT_CEREMONY_INDEX] = encode(u32, self.index)
        self.storage[CURRENT_PHASE] = bytes([self.phase])
        asked = {*wanted_storage(self.runtime), CURRENCY_IDENTIFIERS, CURRENT_CEREMONY_INDEX, CURRENT_PHASE}
        asked |= {CEREMONY_MASTER, NEXT_PHASE_TIMESTAMP, ATTESTING_DURATION}
        tell(self.runtime, self.number, {key: self.storage.get(key) for key in asked})

    def enter(self, phase: CeremonyPhase, index: int | None = None) -> None:
        """The parentchain is in another phase; into that of registering with the next ceremony."""
        self.index = self.index + (phase is REGISTERING) if index is None else index
        self.phase = phase
        self.block()

    # -- participants --------------------------------------------------------------------------------

    def register(self, pair: KeyPair, proof: Any = None) -> Outcome:
        return self.bench.run(pair, "encointer.register_participant", self.cid, proof)

    def proof(self, pair: KeyPair, index: int | None = None) -> Any:
        return prove_attendance(pair, self.index - 1 if index is None else index, self.cid)

    def claim(self, pair: KeyPair, vote: int, **changes: Any) -> ClaimOfAttendance:
        meetup = self.ask("meetup", pair)
        facts = {
            "claimant": pair.public,
            "ceremony_index": self.index,
            "currency_identifier": self.cid,
            "meetup_index": meetup.index,
            "location": meetup.location,
            "timestamp": meetup.time,
            "number_of_participants_confirmed": vote,
        }
        return ClaimOfAttendance(**(facts | changes))

    def attested(self, pair: KeyPair, others: Sequence[KeyPair], vote: int, **changes: Any) -> list[Attestation]:
        claim = self.claim(pair, vote, **changes)
        return [attest(claim, other) for other in others if other is not pair]

    def submit(self, pair: KeyPair, attestations: list[Attestation]) -> Outcome:
        return self.bench.run(pair, "encointer.register_attestations", attestations)

    def ask(self, name: str, pair: KeyPair, *args: Any) -> Any:
        """A trusted getter's answer."""
        return self.bench.ask(pair, f"encointer.{name}", pair.public, self.cid, *args)

    def told(self, name: str, *args: Any) -> Any:
        """A public getter's answer."""
        return self.bench.read(f"encointer.{name}", *args)

    def meet(self, pairs: Sequence[KeyPair]) -> None:
        """From registering to the next registering: `pairs` are assigned, meet and attest each other."""
        self.enter(ASSIGNING)
        self.enter(ATTESTING)
        by_meetup: dict[int, list[KeyPair]] = {}
        for pair in pairs:
            by_meetup.setdefault(self.ask("meetup_index", pair), []).append(pair)
        for number, members in by_meetup.items():
            for pair in members if number else ():
                assert self.submit(pair, self.attested(pair, members, len(members))).error is None
        self.enter(REGISTERING)

    # -- what became of it ---------------------------------------------------------------------------

    @property
    def supply(self) -> int:
        """As bits."""
        return self.runtime.pallet(EncointerBalances).issuance(self.cid).principal.bits

    @property
    def ceremonies(self) -> EncointerCeremonies:
        return self.runtime.pallet(EncointerCeremonies)
