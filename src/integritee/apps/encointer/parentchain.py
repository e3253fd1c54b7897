"""Encointer on the parentchain: storage of pallets EncointerScheduler and EncointerCurrencies, and what names a cid.

Source: encointer pallets 0.3 (storage layout of generation 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import base58

from integritee.crypto import blake2_256
from integritee.primitives.ids import AccountId
from integritee.primitives.storage import blake2_map_key, storage_prefix
from integritee.scale import codec

from .types import CeremonyPhase, Location

SCHEDULER: Final = "EncointerScheduler"
CURRENCIES: Final = "EncointerCurrencies"

CURRENT_PHASE: Final = storage_prefix(SCHEDULER, "CurrentPhase")
CURRENT_CEREMONY_INDEX: Final = storage_prefix(SCHEDULER, "CurrentCeremonyIndex")
NEXT_PHASE_TIMESTAMP: Final = storage_prefix(SCHEDULER, "NextPhaseTimestamp")
CEREMONY_MASTER: Final = storage_prefix(SCHEDULER, "CeremonyMaster")
ATTESTING_DURATION: Final = blake2_map_key(SCHEDULER, "PhaseDurations", bytes((CeremonyPhase.Attesting,)))
CURRENCY_IDENTIFIERS: Final = storage_prefix(CURRENCIES, "CurrencyIdentifiers")

FOUNDATION: Final = codec(tuple[list[Location], list[AccountId]])


def locations_key(cid: bytes) -> bytes:
    return blake2_map_key(CURRENCIES, "Locations", cid)


def bootstrappers_key(cid: bytes) -> bytes:
    return blake2_map_key(CURRENCIES, "Bootstrappers", cid)


def community_identifier(locations: Sequence[Location], bootstrappers: Sequence[bytes]) -> bytes:
    """The cid (32 bytes) of a community with these, in this order."""
    return blake2_256(FOUNDATION.encode((list(locations), list(bootstrappers))))


def cid_text(cid: bytes) -> str:
    """Base58, as people see it."""
    return base58.b58encode(cid).decode()


def parse_cid(text: str) -> bytes:
    """The cid of its base58 form. Raises ValueError."""
    cid = base58.b58decode(text)
    if len(cid) != 32:
        raise ValueError(f"{text!r} is no base58 of 32 bytes")
    return cid
