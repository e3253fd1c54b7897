"""Ceremonies one after the other, on a ledger that does as it should and on ones that do not."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from integritee.apps.encointer.types import CeremonyPhase
from integritee.bots.errors import ModelViolated
from integritee.bots.files import Files
from integritee.bots.model import expected
from integritee.bots.run import Report, Run

from .ledger import LedgerOfOne, community, fair


async def ceremonies(ledger: LedgerOfOne, run: Run, count: int, into: list[Report] | None = None) -> list[Report]:
    reports = [] if into is None else into
    async for report in run.ceremonies(count, ledger.advance):
        reports.append(report)
    return reports


async def test_a_community_grows_as_the_model_says(tmp_path: Path) -> None:
    ledger, run = community(tmp_path)
    reports = await ceremonies(ledger, run, 8)
    assert [report.number for report in reports] == [*range(1, 9)]
    assert [report.found.population for report in reports] == [expected(k).population for k in range(1, 9)]
    assert all(set(report.seconds) == set(CeremonyPhase) for report in reports)
    assert (tmp_path / "bot-stats.csv").read_text().splitlines()[-1] == "33, 137.0"


async def test_growth_ends_at_the_target(tmp_path: Path) -> None:
    ledger, run = community(tmp_path, target=14)
    reports = await ceremonies(ledger, run, 4)
    assert [report.found.population for report in reports] == [10, 12, 14, 14]


async def test_without_an_end_it_goes_on(tmp_path: Path) -> None:
    ledger, run = community(tmp_path, target=12)
    seen = 0
    async for _ in run.ceremonies(0, ledger.advance):
        seen += 1
        if seen == 5:
            break
    assert seen == 5


def unpaid(ceremony: int, number: int) -> Fraction:
    return Fraction((ceremony, number) != (3, 7))


def underpaid(ceremony: int, number: int) -> Fraction:
    return Fraction(1) - Fraction((ceremony, number) == (3, 7), 2**64)


@pytest.mark.parametrize(
    ("reward", "differences"),
    [
        (unpaid, ["rewards 15 14", "supply after 37 36.0"]),
        (underpaid, ["supply after 37 36.99999999999999999995"]),
    ],
)
async def test_wrong_rewards_end_the_run(
    reward: Callable[[int, int], Fraction], differences: list[str], tmp_path: Path
) -> None:
    ledger, run = community(tmp_path, reward)
    reports: list[Report] = []
    with pytest.raises(ModelViolated) as violated:
        await ceremonies(ledger, run, 8, reports)
    assert [report.number for report in reports] == [1, 2, 3], "the ceremony that went wrong is shown, too"
    assert [" ".join(line.split()) for line in violated.value.difference.splitlines()[1:]] == differences


async def test_an_issuance_that_nobody_holds_ends_the_run(tmp_path: Path) -> None:
    ledger, run = community(tmp_path)
    ledger.is_lying_about.add("supply")
    with pytest.raises(ModelViolated, match=r"supply after +10 +11\.0"):
        await ceremonies(ledger, run, 1)


async def test_phases_one_by_one(tmp_path: Path) -> None:
    """As `run` does it, each time with what is on disk alone."""
    ledger, _ = community(tmp_path)
    for step in range(6):
        report = await Run(ledger, Files(tmp_path)).one_phase()
        assert report.number == step // 3 + 1
        await ledger.advance()
    assert (tmp_path / "bot-stats.csv").read_text() == "10, 0.0\n10, 10.0\n"
    assert len(ledger.held) == 12


async def test_a_phase_that_is_run_twice_does_not_grow_twice(tmp_path: Path) -> None:
    ledger, run = community(tmp_path)
    await ceremonies(ledger, run, 1)
    assert (await run.one_phase()).found.newbies == 2
    assert (await run.one_phase()).found.newbies is None
    assert len(ledger.agents) == 12
    assert [line.split(",")[0] for line in (tmp_path / "bot-stats.csv").read_text().splitlines()] == ["10", "10"]


async def test_who_is_founded_behind_the_registering_begins_with_the_next_ceremony(tmp_path: Path) -> None:
    ledger, run = community(tmp_path, fair)
    ledger.step += 1
    ledger.sizes = (0,)
    reports = await ceremonies(ledger, run, 2)
    assert [report.number for report in reports] == [1, 2]
    assert ledger.ceremony == 4


async def test_a_ceremony_under_way_is_finished(tmp_path: Path) -> None:
    ledger, run = community(tmp_path)
    await run.one_phase()
    await ledger.advance()
    (report,) = await ceremonies(ledger, Run(ledger, Files(tmp_path)), 1)
    assert report.number == 1
    assert report.found.newbies is None
    assert report.found.rewards is None, "nobody looked before"
    assert report.found.supply_after == 10
