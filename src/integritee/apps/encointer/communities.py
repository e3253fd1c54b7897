"""pallet EncointerCommunities: communities that are registered on the parentchain, with what their cid stands for.

The parentchain's list of cids is proven with every block. Locations and bootstrappers never change, for the cid is
their hash; so they are asked for once, for a few new communities at a time, and checked against it.
"""

from __future__ import annotations

import logging
from typing import ClassVar, Final

from integritee.frame.pallet import Pallet
from integritee.frame.storage_items import Blake2_128Concat, StorageDoubleMap, StorageMap, StorageValue
from integritee.primitives.ids import H256, AccountId
from integritee.scale import ScaleError, codec, u32
from integritee.stf.mirror import Values

from .errors import NotBootstrapper, UnknownCommunity
from .parentchain import CURRENCY_IDENTIFIERS, bootstrappers_key, community_identifier, locations_key
from .types import (
    MAX_BOOTSTRAPPERS,
    MAX_COMMUNITIES,
    MAX_LOCATIONS,
    Cid,
    Community,
    Location,
    MeetupIndex,
    MetadataCid,
)

ASKED_AT_ONCE: Final = 8
"""Communities whose content is in the proof of one block."""

CIDS: Final = codec(list[H256])
LOCATIONS: Final = codec(list[Location])
BOOTSTRAPPERS: Final = codec(list[AccountId])

log = logging.getLogger(__name__)


class EncointerCommunities(Pallet):
    """Communities by cid, and the cids whose content is not known yet."""

    path = "pallet_encointer_communities"
    mirrored_storage: ClassVar[tuple[bytes, ...]] = (CURRENCY_IDENTIFIERS,)

    identifiers: StorageValue[list[Cid]]
    """Of communities whose content is known, in the order in which it became so."""
    communities: StorageMap[Blake2_128Concat[Cid], Community | None]
    locations: StorageDoubleMap[Blake2_128Concat[Cid], Blake2_128Concat[MeetupIndex], Location | None]
    """Where meetups 1, 2, … are; part of the above, as is the next, for who needs one of many."""
    bootstrappers: StorageDoubleMap[Blake2_128Concat[Cid], Blake2_128Concat[AccountId], bool]
    announced: StorageValue[u32]
    """How many of the parentchain's cids were seen: it only ever appends."""
    awaited: StorageValue[list[Cid]]
    metadata: StorageMap[Blake2_128Concat[Cid], MetadataCid | None]

    # -- the parentchain -----------------------------------------------------------------------------

    def wanted_storage(self) -> list[bytes]:
        awaited = self.awaited.get()[:ASKED_AT_ONCE]
        return [key(cid) for cid in awaited for key in (locations_key, bootstrappers_key)]

    def on_parentchain_block(self, number: int, values: Values) -> None:
        """Learn of new cids, and what those stand for that were asked about."""
        self._learn_content(values)
        listed = values.get(CURRENCY_IDENTIFIERS)
        if listed is not None:
            self._learn_cids(listed)

    def _learn_cids(self, listed: bytes) -> None:
        try:
            cids: list[bytes] = CIDS.decode(listed)[:MAX_COMMUNITIES]
        except ScaleError as strange:
            log.warning("the parentchain's list of communities is not understood: %s", strange.code)
            return
        new = cids[self.announced.get() :]
        if new:
            self.announced.put(len(cids))
            self.awaited.mutate(lambda awaited: [*awaited, *new])

    def _learn_content(self, values: Values) -> None:
        awaited = self.awaited.get()
        answered = [cid for cid in awaited if locations_key(cid) in values and bootstrappers_key(cid) in values]
        for cid in answered:
            community = read_community(cid, values[locations_key(cid)], values[bootstrappers_key(cid)])
            if community is None:
                log.warning("the content of a community is not what its cid stands for; it is left out")
            else:
                self._keep(cid, community)
        if answered:
            self.awaited.put([cid for cid in awaited if cid not in answered])

    def _keep(self, cid: bytes, community: Community) -> None:
        self.communities.put(cid, community)
        for number, place in enumerate(community.locations, 1):
            self.locations.put(cid, number, place)
        for who in community.bootstrappers:
            self.bootstrappers.put(cid, who, True)
        self.identifiers.put([*self.identifiers.get(), cid])

    # -- looking up ----------------------------------------------------------------------------------

    def expect(self, cid: bytes) -> None:
        """Raises UnknownCommunity."""
        if not self.communities.contains(cid):
            raise UnknownCommunity(cid)

    def is_bootstrapper(self, cid: bytes, who: bytes) -> bool:
        return self.bootstrappers.get(cid, who)

    def expect_bootstrapper(self, cid: bytes, who: bytes) -> None:
        """Raises UnknownCommunity, NotBootstrapper."""
        self.expect(cid)
        if not self.is_bootstrapper(cid, who):
            raise NotBootstrapper(cid)


def read_community(cid: bytes, locations: bytes | None, bootstrappers: bytes | None) -> Community | None:
    """What a cid stands for, out of the parentchain's storage; None if it does not, or is too large."""
    if locations is None or bootstrappers is None:
        return None
    try:
        community = Community(LOCATIONS.decode(locations), BOOTSTRAPPERS.decode(bootstrappers))
    except ScaleError:
        return None
    if len(community.locations) > MAX_LOCATIONS or len(community.bootstrappers) > MAX_BOOTSTRAPPERS:
        return None
    return community if community_identifier(community.locations, community.bootstrappers) == cid else None
