"""A few seeds of the chaos campaign, and that its laws notice what is wrong. ``make campaign-chaos`` has more."""

from __future__ import annotations

from typing import Final

import pytest

from integritee.primitives.ids import ParentchainId

from .defects import DEFECTS, Plant
from .laws import LawBroken
from .simulation import Plan, simulate

SEEDS: Final = (1, 4)
TRIED: Final = (1, 2, 3)
"""Seeds by which a planted defect must be noticed."""


@pytest.mark.parametrize("seed", SEEDS)
def test_no_law_is_broken(seed: int) -> None:
    home = (ParentchainId.Integritee, ParentchainId.TargetA)[seed % 2]
    outcome = simulate(Plan(seed, rounds=2, storm=40, home=home))
    assert outcome.shieldings and outcome.unshieldings and outcome.starts > 1
    assert len(outcome.recovery) == 2


def test_a_seed_says_all() -> None:
    plan = Plan(3, rounds=1, storm=25)
    assert simulate(plan) == simulate(plan)


def test_without_faults_nothing_is_repeated() -> None:
    outcome = simulate(Plan(1, frozenset(), rounds=1, storm=30))
    assert (outcome.starts, outcome.reorgs, outcome.strikes.total()) == (1, 0, 0)
    assert outcome.unshieldings > outcome.refunds > 0


@pytest.mark.parametrize("plant", DEFECTS, ids=lambda plant: plant.__name__)
def test_defects_are_noticed(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    with pytest.raises(LawBroken):
        for seed in TRIED:
            simulate(Plan(seed, DEFECTS[plant], 1, storm=40, patience=40, haste=3, home=ParentchainId.Integritee))
