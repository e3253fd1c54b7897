"""Networks of one: no law is broken whatever breaks. ``make campaign-sim`` has more."""

from __future__ import annotations

import pytest

from .seeds import BLOCKS, live


@pytest.mark.parametrize("seed", range(1, 161))
def test_no_law_is_broken(seed: int) -> None:
    assert live(seed, validateers=1).authored >= BLOCKS
