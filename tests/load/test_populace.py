"""The app that makes large ledgers for benchmarks: shortcuts on the way, and every law of the ledger in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from integritee.apps.discovery import read_project
from integritee.apps.loading import load
from integritee.crypto import blake2_256
from integritee.testing import ALICE, Bench

APP = load(read_project(Path(__file__).parents[2] / "bench" / "populace_app"))
HELD = 10**12


@pytest.mark.parametrize("portions", [[1], [100], [30, 1, 69]], ids=str)
def test_inhabitants_come_to_life(portions: list[int]) -> None:
    bench = Bench(APP)
    issued, first = bench.runtime.balances.total_issuance.get(), 0
    for count in portions:
        assert bench.call(ALICE, "populace.settle", first, count) is None
        first += count
    accounts = [blake2_256(b"populace" + number.to_bytes(4, "little")) for number in range(first + 1)]
    held = [bench.runtime.balances.free(account) for account in accounts]
    assert held == [HELD] * first + [0]
    assert bench.runtime.balances.total_issuance.get() == issued + first * HELD
