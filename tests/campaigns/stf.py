"""``make campaign-stf``: arbitrary histories of the whole ledger, a million steps of them, on all cores.

Each seed is a life of one shard (`tests/stf/shard_life.py`). Prints what was done and how it ended. Exit code 1 if a
law was broken, with the command that shows the life again; 2 if some call or getter was left out.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Final

from tests.stf.shard_life import live, whole_ledger
from tests.stf.tally import Tally

STEPS: Final = 1_000_000
STEPS_PER_LIFE: Final = 2_500
PROGRESS_S: Final = 30.0
MAX_BROKEN: Final = 20
"""Lives that may go wrong before a campaign has seen enough."""


@dataclass
class Report:
    """What a campaign has found so far. `broken`: what went wrong, by seed."""

    tally: Tally = field(default_factory=Tally)
    broken: dict[int, str] = field(default_factory=dict)


def run(seed: int, steps: int, lives: int | None, steps_per_life: int, workers: int) -> Report:
    """Lives from `seed` on, until there were so many `steps`, or `lives` if given."""
    report = Report()
    seeds = count(seed) if lives is None else iter(range(seed, seed + lives))
    with ProcessPoolExecutor(workers) as pool:
        under_way: dict[Future[Tally], int] = {}
        began = told = time.monotonic()
        while True:
            enough = report.tally.steps >= steps or len(report.broken) >= MAX_BROKEN
            for fresh in islice(seeds, 0 if enough else 2 * workers - len(under_way)):
                under_way[pool.submit(live, fresh, steps_per_life)] = fresh
            if not under_way:
                return report
            for ended in wait(under_way, return_when=FIRST_COMPLETED).done:
                _enter(report, ended, under_way.pop(ended))
            if time.monotonic() - told > PROGRESS_S:
                told = time.monotonic()
                print(f"{report.tally.steps:,} steps, {report.tally.steps / (told - began):,.0f}/s", file=sys.stderr)


def _enter(report: Report, ended: Future[Tally], seed: int) -> None:
    reason = ended.exception()
    if reason is None:
        report.tally.add(ended.result())
    else:
        report.broken[seed] = "".join(traceback.format_exception(reason))


def show(report: Report, seed: int, seconds: float, workers: int) -> None:
    tally = report.tally
    print(f"steps      {tally.steps:,} in {tally.lives:,} lives, {tally.retired:,} of them to retirement")
    print(f"blocks     {tally.blocks:,}")
    print(f"time       {seconds:,.0f} s, {tally.steps / seconds:,.0f} steps/s in {workers} processes")
    print(f"seeds      from {seed}")
    print(f"violations {len(report.broken)}")
    print("\ncalls                                              done     failed")
    for name, (done, failed) in tally.by_name(tally.calls).items():
        print(f"{name:46} {done:9,} {failed:10,}")
    print("\ngetters                                        answered    refused")
    for name, (answered, refused) in tally.by_name(tally.getters).items():
        print(f"{name:46} {answered:9,} {refused:10,}")
    print("\nfailures by code")
    for code, times in tally.failures().most_common():
        print(f"{code:46} {times:9,}")
    for broken in report.broken.values():
        print(f"\n{broken}")


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.stf", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first life")
    parser.add_argument("--steps", type=int, default=STEPS, help="to take in all")
    parser.add_argument("--lives", type=int, help="most lives to lead")
    parser.add_argument("--steps-per-life", type=int, default=STEPS_PER_LIFE)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    options = parser.parse_args()
    began = time.monotonic()
    report = run(options.seed, options.steps, options.lives, options.steps_per_life, options.workers)
    show(report, options.seed, time.monotonic() - began, options.workers)
    if report.broken:
        return 1
    gaps = list(report.tally.gaps(whole_ledger())) if options.lives is None else []
    print("".join(f"\nleft out: {gap}" for gap in gaps))
    return 2 if gaps else 0


if __name__ == "__main__":
    sys.exit(main())
