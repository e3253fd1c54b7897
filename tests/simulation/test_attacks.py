"""No byzantine validateer breaks a law; what it sends is refused for what is wrong with it."""

from __future__ import annotations

from typing import Final

import pytest

from integritee.simulation.byzantine import ATTACKS
from integritee.simulation.simulation import Outcome, Plan, simulate

HOURS: Final = 0.03
REFUSED: Final = {
    "future-slot": "sidechain.timestamp_in_future",
    "slot-thief": "sidechain.invalid_authority",
    "impersonator": "sidechain.bad_signature",
    "stranger": "sidechain.invalid_authority",
    "wrong-shard": "sidechain.wrong_shard",
    "other-data": "sidechain.block_data_hash",
    "forged-quote": "attestation.quote_signature",
    "replayed-evidence": "attestation.report_data",
    "garbage": "gossip.malformed",
}
"""Codes of the errors with which some attacks end; others show only in that nothing happens."""


def attacked(name: str, faults: frozenset[str]) -> Outcome:
    return simulate(Plan(1, 3, HOURS, faults, name))


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_breaks_a_law(name: str) -> None:
    attacked(name, frozenset({"partition", "crash", "lost"}))


@pytest.mark.parametrize(("name", "code"), REFUSED.items())
def test_attacks_are_refused_for_what_they_are(name: str, code: str) -> None:
    assert attacked(name, frozenset()).refusals[code]
