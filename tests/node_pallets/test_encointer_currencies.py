from __future__ import annotations

from collections.abc import Sequence

import pytest

from integritee.apps.encointer import types
from integritee.apps.encointer.demurrage import DEFAULT_DEMURRAGE_PER_BLOCK
from integritee.apps.encointer.fixed_point import I32F32
from integritee.apps.encointer.parentchain import bootstrappers_key, community_identifier, locations_key
from integritee.apps.encointer.types import Location
from integritee.frame.runtime import use
from integritee.node.pallets import encointer_currencies
from integritee.node.pallets.encointer_currencies import EncointerCurrencies
from integritee.scale import decode, encode

from .small_runtime import ALICE, BOB, CHARLIE, Chain, SmallRuntime

CALL = "EncointerCurrencies.new_currency"
POLE, DATE_LINE, OTHER = (f"minimum_distance_violation_to_{what}" for what in ("pole", "date_line", "other_currency"))
BOOTSTRAPPERS = [ALICE, BOB, CHARLIE]


class FoundingRuntime(SmallRuntime):
    encointer_currencies = use(62, EncointerCurrencies)


@pytest.fixture
def chain() -> Chain:
    return Chain(FoundingRuntime())


def places(*degrees: tuple[float, float]) -> list[Location]:
    """By latitude and longitude."""
    return [Location(I32F32(int(lat * 2**32)), I32F32(int(lon * 2**32))) for lat, lon in degrees]


def test_a_community_is_found_under_its_cid(chain: Chain) -> None:
    where = places((40, -30), (40.009, -30))
    cid = community_identifier(where, BOOTSTRAPPERS)
    assert chain.submit(BOB, CALL, where, BOOTSTRAPPERS) == [("EncointerCurrencies.CurrencyRegistered", BOB, cid)]
    pallet = chain.runtime.pallet(EncointerCurrencies)
    assert pallet.currency_identifiers.get() == [cid]
    assert decode(list[Location], chain.runtime.state.get(locations_key(cid)) or b"") == where
    assert chain.runtime.state.get(bootstrappers_key(cid)) == encode(list[types.AccountId], BOOTSTRAPPERS)
    properties = pallet.currency_properties.get(cid)
    assert (properties.name_utf8, properties.demurrage_per_block) == ("encointer dummy", DEFAULT_DEMURRAGE_PER_BLOCK)


def test_a_community_may_begin_with_nobody_and_nowhere(chain: Chain) -> None:
    chain.submit(BOB, CALL, [], [])


def test_the_same_community_is_founded_once(chain: Chain) -> None:
    chain.submit(BOB, CALL, [], BOOTSTRAPPERS)
    assert chain.refusal(BOB, CALL, [], BOOTSTRAPPERS) == "encointer_currencies.currency_already_registered"


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ([(81, 0)], None),
        ([(-81, 0)], None),
        ([(81.02, 0)], POLE),
        ([(-81.02, 0)], POLE),
        ([(90, 0)], POLE),
        ([(0, 171)], None),
        ([(0, -171)], None),
        ([(0, 171.02)], DATE_LINE),
        ([(0, -171.02)], DATE_LINE),
        ([(60, 163)], DATE_LINE),
        ([(40, -30), (40, -30)], OTHER),
        ([(40, -30), (40.0006, -30)], OTHER),  # 66 m north: less than a second
        ([(40, -30), (40.0009, -30)], None),
        ([(40, -30), (40, -29.99)], None),  # a kilometre east: 10 s, of which the sun takes 2
        ([(80, 0), (80, 1)], OTHER),  # the sun is faster than anybody
        ([(91, 0)], "invalid_location"),
        ([(0, -181)], "invalid_location"),
    ],
)
def test_locations(chain: Chain, where: Sequence[tuple[float, float]], code: str | None) -> None:
    if code is None:
        chain.submit(ALICE, CALL, places(*where), [])
    else:
        assert chain.refusal(ALICE, CALL, places(*where), []) == f"encointer_currencies.{code}"


def test_other_communities_keep_their_distance(chain: Chain) -> None:
    chain.submit(ALICE, CALL, places((40, -30)), [])
    too_close = places((50, 0), (40.0005, -30))
    assert chain.refusal(BOB, CALL, too_close, BOOTSTRAPPERS) == f"encointer_currencies.{OTHER}"
    chain.submit(BOB, CALL, places((50, 0), (40.01, -30)), BOOTSTRAPPERS)


def test_the_grid_of_the_bots_is_accepted(chain: Chain) -> None:
    chain.submit(ALICE, CALL, places(*((41 - r / 111, -56 + c / 80) for c in range(10) for r in range(10))), [])


def test_a_chain_has_so_many_communities(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encointer_currencies, "MAX_COMMUNITIES", 1)
    chain.submit(ALICE, CALL, [], [])
    assert chain.refusal(ALICE, CALL, [], [BOB]) == "encointer_currencies.too_many_currencies"
