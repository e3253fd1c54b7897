"""Runs in which no law may be broken: networks of one to four, each with faults that its seed draws."""

from __future__ import annotations

import logging
from typing import Final

from integritee.simulation.faults import FAULTS
from integritee.simulation.simulation import Outcome, Plan, simulate

BLOCKS: Final = 300
"""That each run makes, at least."""

HOURS: Final = {1: 0.112, 2: 0.1, 3: 0.102, 4: 0.102}
"""What that takes, by the size of the network."""

DRAWN: Final = 5
"""Faults of a run."""


def plan(seed: int, validateers: int) -> Plan:
    """The run of a seed."""
    drawn = Plan(seed).dice("faults").sample(sorted(FAULTS), DRAWN)
    return Plan(seed, validateers, HOURS[validateers], frozenset(drawn))


def live(seed: int, validateers: int) -> Outcome:
    """Live through it. Raises LawBroken."""
    logging.disable(logging.CRITICAL)
    try:
        return simulate(plan(seed, validateers))
    finally:
        logging.disable(logging.NOTSET)
