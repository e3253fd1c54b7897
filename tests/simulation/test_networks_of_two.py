"""Networks of two: no law is broken whatever breaks. ``make campaign-sim`` has more."""

from __future__ import annotations

import pytest

from .seeds import BLOCKS, live


@pytest.mark.parametrize("seed", range(201, 233))
def test_no_law_is_broken(seed: int) -> None:
    assert live(seed, validateers=2).authored >= BLOCKS
