"""``make campaign-chaos``: 200 seeds of chaos under a virtual clock, on all cores.

Each seed is a run of `tests/chaos/simulation.py`: nodes, worker and enclave die, chains fork, extrinsics and blocks go
astray while users move money, and after each storm every unit must be where it belongs. Prints what was done. Exit
code 1 if a law was broken, with the fewest faults that still break it and the trace of that run. ``--seed`` goes on
from a seed, or shows one again.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field, fields
from typing import Final

from tests.chaos.faults import FAULTS
from tests.chaos.simulation import ROUNDS, STORM_BLOCKS, Outcome, Plan, shrunk, simulate

SEEDS: Final = 200
PROGRESS_S: Final = 30.0
MAX_BROKEN: Final = 5
"""Runs that may go wrong before a campaign has seen enough."""


@dataclass
class Report:
    """What a campaign has found so far, by seed. `broken` has the traces."""

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    broken: dict[int, str] = field(default_factory=dict)


def live(plan: Plan) -> Outcome | str:
    """The outcome of a run, or what it breaks, told by the shortest run that can be found."""
    logging.disable(logging.CRITICAL)
    try:
        return simulate(plan)
    except Exception as broken:
        found, reason = shrunk(plan) or (plan, broken)
        notes = "\n".join(getattr(reason, "__notes__", ()))
        return f"{type(reason).__name__}: {reason}\nfaults: {', '.join(sorted(found.faults))}\n{notes}"


def run(plans: Iterator[Plan], workers: int) -> Report:
    report = Report()
    began = told = time.monotonic()
    with ProcessPoolExecutor(workers) as pool:
        under_way: dict[Future[Outcome | str], int] = {}
        while True:
            while len(under_way) < workers and len(report.broken) < MAX_BROKEN:
                plan = next(plans, None)
                if plan is None:
                    break
                under_way[pool.submit(live, plan)] = plan.seed
            if not under_way:
                return report
            for ended in wait(under_way, return_when=FIRST_COMPLETED).done:
                seed, found = under_way.pop(ended), ended.result()
                if isinstance(found, str):
                    report.broken[seed] = found
                    print(f"seed {seed}: {found}", file=sys.stderr)
                else:
                    report.outcomes[seed] = found
            if time.monotonic() - told > PROGRESS_S:
                told = time.monotonic()
                done = len(report.outcomes) + len(report.broken)
                print(f"{done} seeds in {told - began:,.0f} s, the latest {seed}", file=sys.stderr)


def show(report: Report, seconds: float, workers: int) -> None:
    outcomes = list(report.outcomes.values())
    print(f"seeds              {len(outcomes) + len(report.broken)}")
    print(f"violations         {len(report.broken)}")
    print(f"time               {seconds:,.0f} s in {workers} processes")
    for member in fields(Outcome):
        values = [getattr(outcome, member.name) for outcome in outcomes]
        if outcomes and isinstance(values[0], int):
            value = max(values) if member.name == "deepest" else sum(values)
            print(f"{member.name.replace('_', ' '):18} {value:,}")
    recoveries = sorted(blocks for outcome in outcomes for blocks in outcome.recovery)
    if recoveries:
        middle = recoveries[len(recoveries) // 2]
        print(f"recovery           {middle} parentchain blocks in the middle, {recoveries[-1]} at most")
    for title, counts in (
        ("strikes", sum((outcome.strikes for outcome in outcomes), Counter[str]())),
        ("refusals", sum((outcome.refusals for outcome in outcomes), Counter[str]())),
    ):
        print(f"\n{title}")
        for name, times in counts.most_common():
            print(f"  {name:60.60} {times:9,}")
    for seed, trace in report.broken.items():
        print(f"\nseed {seed}\n{trace}")


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="storms of a run, each with a calm behind it")
    parser.add_argument("--storm", type=int, default=STORM_BLOCKS, help="parentchain blocks that a storm lasts")
    parser.add_argument("--without", action="append", default=[], choices=sorted(FAULTS), help="leave a fault out")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    options = parser.parse_args()
    faults = frozenset(FAULTS) - set(options.without)
    seeds = range(options.seed, options.seed + options.seeds)
    plans = (Plan(seed, faults, options.rounds, options.storm) for seed in seeds)
    began = time.monotonic()
    report = run(plans, options.workers)
    show(report, time.monotonic() - began, options.workers)
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
