"""``make campaign-sim``: 10,000 networks of validateers under a virtual clock, and every planted bug, on all cores.

Each seed is a run of `integritee.simulation`: networks of one to six, every other one with all faults, the others
with some, one in four with a validateer that behaves badly. Nine in ten live through one storm, the others through
several. Prints what was done. Exit code 1 if a law was broken, with the command that shows the run again and its
latest events, or if a planted bug was not found.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Final

from integritee.simulation.byzantine import ATTACKS
from integritee.simulation.errors import LawBroken
from integritee.simulation.faults import FAULTS
from integritee.simulation.plants import PLANTS
from integritee.simulation.simulation import Outcome, Plan, planted, simulate

SEEDS: Final = 10_000
HOURS: Final = (0.03,) * 9 + (0.1,)
"""How long networks live: most go through one storm, some through several."""

SIZES: Final = (1, 2, 2, 3, 3, 3, 4, 5, 6)
DRAWN: Final = 5
"""Faults of a run that has some only."""

PROGRESS_S: Final = 30.0
MAX_BROKEN: Final = 5
"""Runs that may go wrong before a campaign has seen enough."""


@dataclass
class Report:
    """What a campaign has found so far. `broken`: what went wrong, by seed; `unfound`: planted bugs."""

    runs: int = 0
    sums: Counter[str] = field(default_factory=Counter)
    strikes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    slots: list[int] = field(default_factory=list)
    broken: dict[int, str] = field(default_factory=dict)
    unfound: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.runs += 1
        for name, value in vars(outcome).items():
            if isinstance(value, int) and name != "seed":
                self.sums[name] += value
        self.strikes += outcome.strikes
        self.refusals += outcome.refusals
        self.slots += outcome.unities


def plan(seed: int) -> Plan:
    """The run of a seed."""
    dice = Plan(seed).dice("plan")
    size = dice.choice(SIZES)
    faults = FAULTS if dice.random() < 0.5 else dice.sample(sorted(FAULTS), DRAWN)
    byzantine = dice.choice(sorted(ATTACKS)) if size > 1 and dice.random() < 0.25 else None
    return Plan(seed, size, dice.choice(HOURS), frozenset(faults), byzantine)


def live(seed: int) -> Outcome | str:
    """The outcome of a run, or what went wrong."""
    logging.disable(logging.CRITICAL)
    try:
        return simulate(plan(seed))
    except Exception as broken:
        return "\n".join([f"{type(broken).__name__}: {broken}", *getattr(broken, "__notes__", ())])


def find(name: str) -> bool:
    """Whether the runs that must find a planted bug do."""
    logging.disable(logging.CRITICAL)
    for each in planted(name):
        try:
            simulate(each)
        except LawBroken:
            return True
    return False


def run(seeds: Iterable[int], workers: int) -> Report:
    report, ahead = Report(), iter(seeds)
    began = told = time.monotonic()
    with ProcessPoolExecutor(workers) as pool:
        for name, is_found in zip(PLANTS, pool.map(find, PLANTS), strict=True):
            if not is_found:
                report.unfound.append(name)
        under_way: dict[Future[Outcome | str], int] = {}
        while True:
            under_way |= {pool.submit(live, seed): seed for seed in _some(ahead, report, workers - len(under_way))}
            if not under_way:
                return report
            for ended in wait(under_way, return_when=FIRST_COMPLETED).done:
                seed, found = under_way.pop(ended), ended.result()
                if isinstance(found, str):
                    report.broken[seed] = found
                    print(f"seed {seed}: {found}", file=sys.stderr)
                else:
                    report.add(found)
            if time.monotonic() - told > PROGRESS_S:
                told = time.monotonic()
                print(f"{report.runs + len(report.broken)} runs in {told - began:,.0f} s", file=sys.stderr)


def _some(ahead: Iterator[int], report: Report, count: int) -> list[int]:
    """The next seeds, unless enough went wrong."""
    if len(report.broken) >= MAX_BROKEN:
        return []
    return [seed for _, seed in zip(range(count), ahead, strict=False)]


def show(report: Report, seconds: float, workers: int) -> None:
    print(f"runs               {report.runs + len(report.broken)}")
    print(f"violations         {len(report.broken)}")
    print(f"planted bugs       {len(PLANTS) - len(report.unfound)} of {len(PLANTS)} found")
    print(f"time               {seconds:,.0f} s in {workers} processes")
    for name, total in report.sums.items():
        print(f"{name.replace('_', ' '):18} {total:,}")
    if report.slots:
        slots = sorted(report.slots)
        print(f"one chain again    {slots[len(slots) // 2]} slots in the middle, {slots[-1]} at most")
    for title, counts in (("strikes", report.strikes), ("refusals", report.refusals)):
        print(f"\n{title}")
        for name, times in counts.most_common():
            print(f"  {name:40} {times:9,}")
    for name in report.unfound:
        print(f"\nnot found: {name}")
    for seed, trace in report.broken.items():
        print(f"\nseed {seed}\n{trace}")


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.sim", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    options = parser.parse_args()
    began = time.monotonic()
    report = run(range(options.seed, options.seed + options.seeds), options.workers)
    show(report, time.monotonic() - began, options.workers)
    return 1 if report.broken or report.unfound else 0


if __name__ == "__main__":
    sys.exit(main())
