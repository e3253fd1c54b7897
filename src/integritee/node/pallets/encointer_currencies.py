"""pallet EncointerCurrencies: communities, where they meet and who is trusted from the beginning.

Source: encointer pallets 0.3, `currencies`. Two things differ: numbers of communities, locations and bootstrappers
have limits, and the same community cannot be registered twice.
"""

from __future__ import annotations

from typing import Annotated, Final

from integritee.apps.encointer.demurrage import DEFAULT_DEMURRAGE_PER_BLOCK
from integritee.apps.encointer.fixed_point import I64F64
from integritee.apps.encointer.geography import (
    distance_to_date_line,
    distance_to_pole,
    is_on_earth,
    solar_trip_time,
)
from integritee.apps.encointer.parentchain import community_identifier
from integritee.apps.encointer.types import (
    MAX_BOOTSTRAPPERS,
    MAX_COMMUNITIES,
    MAX_LOCATIONS,
    Cid,
    Location,
)
from integritee.frame.declare import Errors, Events, call, error, event, storage
from integritee.frame.origin import Origin, ensure_signed
from integritee.frame.pallet import Pallet
from integritee.frame.storage_items import Blake2_128Concat, StorageMap, StorageValue
from integritee.frame.weights import Weight, weight
from integritee.primitives.ids import AccountId
from integritee.scale import Bounded, Struct

LEAST_DISTANCE: Final = 1_000_000
"""Metres to the poles and to the date line."""

LEAST_SOLAR_TRIP_TIME: Final = 1
"""Seconds between any two locations of all communities."""

DUMMY_NAME: Final = "encointer dummy"

Locations = Annotated[list[Location], Bounded(MAX_LOCATIONS)]
Bootstrappers = Annotated[list[AccountId], Bounded(MAX_BOOTSTRAPPERS)]


class CurrencyProperties(Struct, frozen=True):
    """Name of a community's currency, and how fast it melts."""

    name_utf8: str = DUMMY_NAME
    demurrage_per_block: I64F64 = DEFAULT_DEMURRAGE_PER_BLOCK


def _weight(pallet: EncointerCurrencies, locations: list[Location], bootstrappers: list[bytes]) -> Weight:
    """Every location is compared with all the others."""
    return weight(10_000_000 + 10_000 * len(locations) ** 2, 2 + len(locations), 4)


class EncointerCurrencies(Pallet):
    """Communities by cid."""

    path = "pallet_encointer_currencies"

    currency_identifiers: StorageValue[list[Cid]]
    locations: StorageMap[Blake2_128Concat[Cid], list[Location]]
    bootstrappers: StorageMap[Blake2_128Concat[Cid], list[AccountId]]
    currency_properties: StorageMap[Blake2_128Concat[Cid], CurrencyProperties] = storage(default=CurrencyProperties())

    class Event(Events):
        CurrencyRegistered = event(0, AccountId, Cid)

    class Error(Errors):
        MinimumDistanceViolationToPole = error("a location is too close to a pole")
        MinimumDistanceViolationToDateLine = error("a location is too close to the date line")
        MinimumDistanceViolationToOtherCurrency = error("a location is too close to another one")
        InvalidLocation = error("a location is not on Earth")
        CurrencyAlreadyRegistered = error("the community is registered already")
        TooManyCurrencies = error("the chain has as many communities as it may")

    @call(0, weight=_weight)
    def new_currency(self, origin: Origin, loc: Locations, bootstrappers: Bootstrappers) -> None:
        """Found a community with its locations and bootstrappers; anybody may."""
        sender = ensure_signed(origin)
        cid, known = community_identifier(loc, bootstrappers), self.currency_identifiers.get()
        if cid in known:
            raise self.Error.CurrencyAlreadyRegistered()
        if len(known) >= MAX_COMMUNITIES:
            raise self.Error.TooManyCurrencies()
        self._check_locations(loc, [place for other in known for place in self.locations.get(other)])
        self.currency_identifiers.put([*known, cid])
        self.locations.put(cid, loc)
        self.bootstrappers.put(cid, bootstrappers)
        self.currency_properties.put(cid, CurrencyProperties())
        self.deposit(self.Event.CurrencyRegistered(sender, cid))

    def _check_locations(self, places: list[Location], others: list[Location]) -> None:
        for position, place in enumerate(places):
            if not is_on_earth(place):
                raise self.Error.InvalidLocation()
            if distance_to_pole(place) < LEAST_DISTANCE:
                raise self.Error.MinimumDistanceViolationToPole()
            if distance_to_date_line(place) < LEAST_DISTANCE:
                raise self.Error.MinimumDistanceViolationToDateLine()
            for other in (*places[:position], *others):
                if solar_trip_time(place, other) < LEAST_SOLAR_TRIP_TIME:
                    raise self.Error.MinimumDistanceViolationToOtherCurrency()
