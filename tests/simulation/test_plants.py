"""The laws notice what is wrong: bugs planted into the product, one at a time, each found in a few runs."""

from __future__ import annotations

import pytest

from integritee.simulation.errors import LawBroken
from integritee.simulation.plants import PLANTS
from integritee.simulation.simulation import planted, simulate


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_bug_is_found(name: str) -> None:
    with pytest.raises(LawBroken):
        for plan in planted(name):
            simulate(plan)
