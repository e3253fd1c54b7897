"""`integritee simulate`: a network of validateers in one thread under a virtual clock, with faults.

Prints what happened in each run. A run is in one thread; several share as many processes as there are cores, and a
last line says how much faster than life all of them were. Exit codes: 0 no law was broken, 1 one was (told with the
command that shows it again and the latest events), 2 wrong command line.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Final

from .byzantine import ATTACKS
from .errors import UnknownName
from .faults import FAULTS
from .plants import PLANTS
from .simulation import HOUR_MS, Outcome, Plan, simulate
from .start import start

BROKEN: Final = 1
WRONG_COMMAND_LINE: Final = 2
MAX_VALIDATEERS: Final = 10
"""As many as a shard has at most (pallet EnclaveBridge)."""

MAX_HOURS: Final = 1000.0


@dataclass(frozen=True)
class Broken:
    """What broke a run, and how to see it again."""

    reason: str
    notes: list[str]


@dataclass(frozen=True)
class Run:
    """What came of a plan, and the seconds that took."""

    plan: Plan
    result: Outcome | Broken
    seconds: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line, by default that of the process; the exit code."""
    options = _parser().parse_args(argv)
    if options.list:
        _list()
        return 0
    try:
        plans = _plans(options)
    except UnknownName as wrong:
        print(f"integritee simulate: {wrong.code}: {wrong}", file=sys.stderr)
        return WRONG_COMMAND_LINE
    return _run_all(plans, options.processes or min(len(plans), os.cpu_count() or 1), as_json=options.json)


def _plans(options: argparse.Namespace) -> list[Plan]:
    names = {"all": frozenset(FAULTS), "none": frozenset[str]()}
    faults = names.get(options.faults, frozenset(filter(None, options.faults.split(","))))
    return [
        Plan(seed, options.validateers, options.hours, faults, options.byzantine, options.plant)
        for seed in range(options.seed, options.seed + options.seeds)
    ]


def _run_all(plans: Sequence[Plan], processes: int, *, as_json: bool) -> int:
    """Run plans, each in one process, and tell of them in their order; the exit code."""
    start(plans[0].validateers)  # what all runs share is no one's time; processes are forks that have it
    began = time.perf_counter()
    runs = []
    with ProcessPoolExecutor(processes, get_context("fork")) if processes > 1 else nullcontext() as pool:
        for run in pool.map(_run, plans) if pool else map(_run, plans):
            _tell(run, as_json=as_json)
            runs.append(run)
    if len(runs) > 1:
        _tell_all(runs, time.perf_counter() - began, processes, as_json=as_json)
    return BROKEN if any(isinstance(run.result, Broken) for run in runs) else 0


def _run(plan: Plan) -> Run:
    began = time.perf_counter()
    logging.disable(logging.CRITICAL)  # enclaves log faults as they should; here these are expected
    try:
        result: Outcome | Broken = simulate(plan)
    except Exception as broken:  # told as text: an exception need not survive the way between processes
        notes = getattr(broken, "__notes__", [plan.command])
        result = Broken(f"{type(broken).__name__}: {broken}", notes)
    finally:
        logging.disable(logging.NOTSET)
    return Run(plan, result, time.perf_counter() - began)


def _tell(run: Run, *, as_json: bool) -> None:
    if isinstance(run.result, Broken):
        _tell_broken(run.plan, run.result, as_json)
    else:
        _tell_outcome(run.result, run.seconds, as_json)


def _tell_all(runs: Sequence[Run], seconds: float, processes: int, *, as_json: bool) -> None:
    outcomes = [run.result for run in runs if isinstance(run.result, Outcome)]
    simulated = sum(outcome.simulated_ms for outcome in outcomes) / 1000
    if as_json:
        facts = {"runs": len(runs), "broken": len(runs) - len(outcomes), "processes": processes}
        print(json.dumps(facts | {"simulated_s": simulated, "wall_seconds": seconds, "speed": simulated / seconds}))
        return
    print(
        f"{len(runs)} runs, {len(runs) - len(outcomes)} of them broke a law; {simulated:,.0f} s in {seconds:.1f} s "
        f"in {processes} processes, {simulated / seconds:,.0f} x"
    )


def _tell_outcome(outcome: Outcome, seconds: float, as_json: bool) -> None:
    simulated = outcome.simulated_ms / 1000
    if as_json:
        facts = vars(outcome) | {"wall_seconds": seconds, "speed": simulated / seconds}
        print(json.dumps(facts))
        return
    print(
        f"seed {outcome.seed}: no law is broken; {simulated:,.0f} s in {seconds:.2f} s, {simulated / seconds:,.0f} x"
    )
    print(
        f"  sidechain     {outcome.height} blocks, {outcome.authored} were made, "
        f"chains left for better ones {outcome.reverted} times"
    )
    print(f"  parentchain   {outcome.parentchain_blocks} blocks, {outcome.reorgs} re-organisations")
    print(f"  clients       {outcome.calls} calls, {outcome.payments} payments")
    print(f"  network       {outcome.messages} messages, {outcome.lost} lost")
    print(f"  enclaves      started {outcome.starts} times")
    for title, counts in (("faults", outcome.strikes), ("refusals", outcome.refusals)):
        if counts:
            print(f"  {title:13} {', '.join(f'{name} {times}' for name, times in sorted(counts.items()))}")
    print(f"  digest        {outcome.digest}")


def _tell_broken(plan: Plan, broken: Broken, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"seed": plan.seed, "broken": broken.reason, "command": plan.command}))
        return
    print(f"seed {plan.seed}: {broken.reason}")
    print("\n".join(broken.notes))


def _list() -> None:
    tables = (
        ("faults", {name: fault.meaning for name, fault in FAULTS.items()}),
        ("byzantine validateers", {name: attack.meaning for name, attack in ATTACKS.items()}),
        ("planted bugs", {name: plant.meaning for name, plant in PLANTS.items()}),
    )
    for title, meanings in tables:
        print(f"{title}:")
        for name, meaning in meanings.items():
            print(f"  {name:32} {meaning}")


def _validateers(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MAX_VALIDATEERS:
        raise argparse.ArgumentTypeError(f"1 to {MAX_VALIDATEERS}")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("1 or more")
    return number


def _hours(text: str) -> float:
    hours = float(text)
    if not 0 < hours <= MAX_HOURS:
        raise argparse.ArgumentTypeError(f"more than 0, at most {MAX_HOURS:g}")
    return hours


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="integritee simulate", description="A network of validateers under a virtual clock.", allow_abbrev=False
    )
    parser.add_argument("--seed", type=int, default=1, help="of the first run; default: 1")
    parser.add_argument("--seeds", type=_count, default=1, metavar="COUNT", help="runs, each with the next seed")
    parser.add_argument(
        "--processes", type=_count, metavar="COUNT", help="in which runs are; default: one for each core"
    )
    parser.add_argument("--validateers", type=_validateers, default=3, metavar="N", help="default: 3")
    parser.add_argument("--hours", type=_hours, default=0.1, help=f"simulated, of {HOUR_MS // 1000} s; default: 0.1")
    parser.add_argument("--faults", default="all", metavar="NAMES", help="with commas between; or all, or none")
    parser.add_argument("--byzantine", metavar="NAME", help="how the last validateer behaves badly")
    parser.add_argument("--plant", metavar="NAME", help="a bug to plant into the product")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each run")
    parser.add_argument("--list", action="store_true", help="show the names there are, and end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
