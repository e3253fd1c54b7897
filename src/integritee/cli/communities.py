"""Encointer on the parentchain: ceremonies and communities (encointer worker 0.7, `client`).

A community is described in GeoJSON: a FeatureCollection of points, with the addresses of its bootstrappers in
``currency_meta``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .arguments import Commands, Options, command
from .output import Output

if TYPE_CHECKING:
    from integritee.apps.encointer.types import Community
    from integritee.client.parentchain import ParentchainClient

MASTER: Final = "//Alice"
"""Ceremony master of development chains."""

MAX_SPEC_BYTES: Final = 1 << 20
WHO_SIGNS: Final = "//Path, seed, phrase, or SS58 address in ./my_keystore"


def add_commands(commands: Commands) -> None:
    command(commands, "get-phase", get_phase, "phase of the ceremony that is under way")
    next_ = command(commands, "next-phase", next_phase, "begin the next phase of the ceremony")
    next_.add_argument("-s", "--signer", default=MASTER, help=f"the ceremony master: {WHO_SIGNS} (%(default)s)")
    for name in ("new-community", "new-currency"):
        new = command(commands, name, new_community, "found a community; prints its cid in base58")
        new.add_argument("spec", type=Path, help="GeoJSON of its locations, with currency_meta.bootstrappers")
        new.add_argument("signer", help=WHO_SIGNS)
    for name in ("list-communities", "list-currencies"):
        command(commands, name, list_communities, "list the communities by their cids in base58")


async def get_phase(options: Options, output: Output) -> None:
    from .connections import node

    async with await node(options) as chain:
        await _report_phase(output, chain)


async def next_phase(options: Options, output: Output) -> None:
    from .connections import node

    async with await node(options) as chain:
        await _include(options, chain, options.signer, "EncointerScheduler", "next_phase", {})
        await _report_phase(output, chain)


async def _report_phase(output: Output, chain: ParentchainClient) -> None:
    _expect_encointer(chain)
    phase = await chain.storage("EncointerScheduler", "CurrentPhase")
    index = await chain.storage("EncointerScheduler", "CurrentCeremonyIndex")
    output.fact("ceremony_index", index)
    output.answer("phase", str(getattr(phase, "name", phase)).upper())


async def new_community(options: Options, output: Output) -> None:
    from integritee.apps.encointer.parentchain import cid_text, community_identifier

    from .connections import node

    community = read_specification(options.spec)
    arguments = {
        "loc": [{"lat": {"bits": place.lat.bits}, "lon": {"bits": place.lon.bits}} for place in community.locations],
        "bootstrappers": community.bootstrappers,
    }
    async with await node(options) as chain:
        await _include(options, chain, options.signer, "EncointerCurrencies", "new_currency", arguments)
    output.answer("cid", cid_text(community_identifier(community.locations, community.bootstrappers)))


async def list_communities(options: Options, output: Output) -> None:
    from integritee.apps.encointer.parentchain import cid_text

    from .connections import node

    async with await node(options) as chain:
        _expect_encointer(chain)
        cids = await chain.storage("EncointerCurrencies", "CurrencyIdentifiers")
    output.fact("communities", [])
    for cid in cids:
        output.line(cid_text(cid))
        output.append("communities", cid_text(cid))


async def _include(
    options: Options, chain: ParentchainClient, who: str, pallet: str, call: str, arguments: dict[str, Any]
) -> None:
    from integritee.client.accounts import signer
    from integritee.client.keystore import KeyStore

    from .connections import include

    _expect_encointer(chain)
    extrinsic = await chain.sign(chain.call(pallet, call, arguments), signer(who, KeyStore.base()))
    await include(options, chain, extrinsic)


def _expect_encointer(chain: ParentchainClient) -> None:
    """Raises NoCeremonies."""
    from .errors import NoCeremonies

    if not chain.runtime.metadata.has_pallet("EncointerScheduler"):
        raise NoCeremonies


def read_specification(path: Path) -> Community:
    """The community that a file describes. Raises BadSpecification, OSError."""
    from integritee.apps.encointer.fixed_point import I32F32
    from integritee.apps.encointer.types import Community, Location
    from integritee.client.accounts import recipient
    from integritee.errors import IntegriteeError

    from .errors import BadSpecification

    try:
        with path.open() as file:
            text = file.read(MAX_SPEC_BYTES + 1)
        if len(text) > MAX_SPEC_BYTES:
            raise BadSpecification(str(path), f"it has more than {MAX_SPEC_BYTES} characters")
        document = json.loads(text, parse_float=str, parse_int=str)
        points = [feature["geometry"]["coordinates"] for feature in document["features"]]
        meta = document.get("currency_meta") or document["community"]
        places = [Location(I32F32.parse(str(point[1])), I32F32.parse(str(point[0]))) for point in points]
        return Community(places, [recipient(who) for who in meta["bootstrappers"]])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as broken:
        raise BadSpecification(str(path), f"{type(broken).__name__}: {broken}") from None
    except IntegriteeError as refused:
        if isinstance(refused, BadSpecification):
            raise
        raise BadSpecification(str(path), str(refused)) from None
