"""A ledger of nothing but accounts and the pallets that hold notes, session proxies and assets."""

from __future__ import annotations

from typing import Any

from integritee.frame.outer import EventRecord
from integritee.frame.overlay import Overlay
from integritee.frame.pallets.balances import Balances
from integritee.frame.pallets.system import RuntimeVersion, System
from integritee.frame.runtime import Runtime, use
from integritee.stf.pallets.assets import Assets
from integritee.stf.pallets.notes import Notes
from integritee.stf.pallets.session_proxy import SessionProxy
from integritee.stf.pallets.timestamp import Timestamp
from integritee.trie import Trie

ED = 500
NOW = 1_700_000_000_000
ALICE, BOB, CHARLIE, OWNER = (bytes([i]) * 32 for i in (0xA1, 0xB0, 0xC4, 0x0E))


class SmallLedger(Runtime):
    name = "small_ledger"

    system = use(0, System, version=RuntimeVersion("small", "small", 1, 1, 1, [], 1, 0), retain_nonce=True)
    timestamp = use(1, Timestamp)
    balances = use(2, Balances, existential_deposit=ED)
    notes = use(40, Notes)
    session_proxy = use(41, SessionProxy)
    assets = use(50, Assets)


def fresh() -> SmallLedger:
    """An empty ledger over a trie, at time `NOW`."""
    ledger = SmallLedger(Overlay(Trie.empty()))
    ledger.timestamp.now.put(NOW)
    return ledger


def events(ledger: SmallLedger) -> list[tuple[str, tuple[Any, ...]]]:
    """(name, values) of what happened since the last time."""
    codec = ledger.codec(EventRecord)
    found = [codec.decode(raw).event for raw in ledger.events]
    ledger.events.clear()
    return [(event.name, event.values) for event in found]


def names(ledger: SmallLedger) -> tuple[str, ...]:
    """Names of what happened since the last time."""
    return tuple(name for name, _ in events(ledger))
