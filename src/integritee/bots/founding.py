"""A community and its ceremonies on the parentchain: founding it, and going on to the next phase.

Both are signed by //Alice, who is ceremony master of development chains.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from integritee.apps.encointer.fixed_point import I32F32
from integritee.apps.encointer.parentchain import CURRENCIES, SCHEDULER, cid_text, community_identifier
from integritee.apps.encointer.types import CeremonyPhase, Location
from integritee.client.errors import ExtrinsicFailed, RpcError
from integritee.client.parentchain import ParentchainClient
from integritee.crypto import Sr25519Pair

from .errors import FoundingRefused
from .geometry import Point

CEREMONY_MASTER: Final = Sr25519Pair.from_uri("//Alice")


async def found(chain: ParentchainClient, points: Sequence[Point], bootstrappers: Sequence[bytes]) -> bytes:
    """Register a community; its cid (32 bytes). Raises FoundingRefused, ClientError."""
    locations = [location(point) for point in points]
    cid = community_identifier(locations, bootstrappers)
    call = chain.call(CURRENCIES, "new_currency", {"loc": locations, "bootstrappers": list(bootstrappers)})
    try:
        await chain.submit_and_watch(await chain.sign(call, CEREMONY_MASTER))
    except (ExtrinsicFailed, RpcError) as refused:
        raise FoundingRefused(cid_text(cid), str(refused)) from None
    return cid


def location(point: Point) -> Location:
    """Coordinates as `new-community` reads them in a specification."""
    return Location(*(I32F32.parse(repr(degrees)) for degrees in point))


async def next_phase(chain: ParentchainClient) -> None:
    """Go on to the next phase. Raises ClientError."""
    await chain.submit_and_watch(await chain.sign(chain.call(SCHEDULER, "next_phase", {}), CEREMONY_MASTER))


async def schedule(chain: ParentchainClient) -> tuple[int, CeremonyPhase]:
    """Ceremony and phase in the best block, which workers may still have to hear of. Raises ClientError."""
    phase = await chain.storage(SCHEDULER, "CurrentPhase")
    return await chain.storage(SCHEDULER, "CurrentCeremonyIndex"), CeremonyPhase[phase.name]
