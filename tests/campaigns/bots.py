"""``make campaign-bots``: the bot community on one validateer, and on two of which one is killed in the middle.

Sixteen ceremonies each, every one held against the model of growth (`docs/bots.md`). The killed validateer dies with
its enclave while it is told attestations; those it knew alone are lost, and handed in once more. Prints both tables,
which have to be the same. Exit code 1 if they are not, or if a ceremony is not as the model says.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from integritee.apps.encointer.types import CeremonyPhase
from integritee.bots.community import Progress
from integritee.bots.files import Files
from integritee.bots.founding import next_phase
from integritee.bots.run import Report, Run
from integritee.bots.screen import Bars, summary
from integritee.bots.session import open_session, own_network
from integritee.devnet.network import Network, run_network
from integritee.errors import IntegriteeError

CEREMONIES: Final = 16
VICTIM: Final = "worker-2"


@dataclass(frozen=True)
class Plan:
    """With `fatal`, the second validateer is killed when half of the attestations of that ceremony are in."""

    name: str
    validateers: int
    ceremonies: int
    seed: int
    fatal: int | None = None


async def live(plan: Plan) -> list[Report]:
    """Raises what running a community raises."""
    with tempfile.TemporaryDirectory(prefix="integritee-bots-") as directory:
        async with run_network(own_network(plan.validateers)) as network:
            return await network.while_alive(_live(plan, network, Path(directory)))


async def _live(plan: Plan, network: Network, directory: Path) -> list[Report]:
    facts = await network.ready()
    urls = [worker.worker_url for worker in facts.workers]
    tell = killer(plan.fatal, facts.pids[VICTIM]) if plan.fatal is not None else Bars()
    async with open_session(facts.node_url, urls, Files(directory), plan.seed) as session:
        run = Run(await session.found(tell), session.files)
        reports = [r async for r in run.ceremonies(plan.ceremonies, lambda: next_phase(session.chain))]
        losses = session.workers.losses
    assert losses == (plan.fatal is not None), f"{losses} workers have gone"
    return reports


def killer(ceremony: int, pid: int) -> Callable[[Progress], None]:
    """Shows progress, and kills the process group of `pid` half way through the attestations of a ceremony."""
    show, victims = Bars(), [pid]

    def tell(progress: Progress) -> None:
        show(progress)
        is_time = (progress.ceremony, progress.phase) == (ceremony, CeremonyPhase.Attesting)
        if victims and is_time and progress.what == "attestations" and 2 * progress.done >= progress.total > 0:
            os.killpg(victims.pop(), signal.SIGKILL)
            print(f"{VICTIM} is killed after {progress.done} of {progress.total} attestations", file=sys.stderr)

    return tell


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.bots", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="decides keys and locations")
    parser.add_argument("--ceremonies", type=int, default=CEREMONIES, help="of each run")
    options = parser.parse_args()
    count = options.ceremonies
    plans = (
        Plan("one validateer", 1, count, options.seed),
        Plan("two validateers, one of which is killed", 2, count, options.seed, (count + 1) // 2),
    )
    tables = []
    for plan in plans:
        began = time.monotonic()
        try:
            reports = asyncio.run(live(plan))
        except (IntegriteeError, OSError) as failed:
            print(f"{plan.name}: {failed}", file=sys.stderr)
            return 1
        print(f"\n{plan.name}, {time.monotonic() - began:.1f} s\n\n{summary(reports)}\n", flush=True)
        tables.append([(report.number, report.found) for report in reports])
    if tables[0] != tables[1]:
        print("the tables differ", file=sys.stderr)
        return 1
    print("The tables are the same, and as the model says.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
