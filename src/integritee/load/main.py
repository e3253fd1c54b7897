"""`integritee bench`: load on a worker, and what comes of it.

Exit codes: 0 it was measured, also if requests were lost or refused; 1 failure, or no rate that is served; 2 wrong
command line.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from integritee.cli.watchdog import shielding_target_decimals
from integritee.client.worker import WorkerClient
from integritee.crypto import Sr25519Pair
from integritee.devnet import foreground
from integritee.devnet.config import NetworkConfig
from integritee.devnet.ledgers import connect
from integritee.devnet.network import Network, run_network
from integritee.errors import IntegriteeError
from integritee.plotting import Plot, draw, save
from integritee.plotting import check as check_picture

from . import report
from .fleet import Load, Outcome, measure
from .funding import endow, endowment, price
from .options import check, parser
from .saturation import Search, saturate

FAILURE: Final = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line, by default that of the process; the exit code."""
    known = parser()
    options = known.parse_args(argv)
    check(known, options)
    try:
        if options.plot is not None:
            check_picture(options.plot)
        work = bench(options, options.worker) if options.worker else _on_fresh_network(options)
        return 0 if foreground.run(work) else FAILURE
    except (IntegriteeError, OSError) as failed:
        code = f"{failed.code}: " if isinstance(failed, IntegriteeError) else ""
        print(f"error: {code}{failed}", file=sys.stderr)
        return FAILURE


async def _on_fresh_network(options: argparse.Namespace) -> None:
    async with run_network(NetworkConfig(auto_ports=True, slot_ms=options.slot_ms)) as network:
        await network.while_alive(_shielded(options, network))


async def _shielded(options: argparse.Namespace, network: Network) -> None:
    facts = await network.ready()
    async with connect(facts) as ledgers:
        payer = Sr25519Pair.from_uri(options.payer)

        async def have(needed: int) -> None:
            missing = needed - await ledgers.private_balance(payer)
            if missing > 0:
                await ledgers.shield(payer, missing + missing // 100)  # the fee of shielding included

        await bench(options, [facts.worker_url], have)


async def bench(options: argparse.Namespace, urls: Sequence[str], have: Callable[[int], Any] | None = None) -> None:
    """Measure what the options say. `have` sees to it that the payer has so many base units in the private ledger.

    Raises LoadError, ClientError, PlottingError, OSError.
    """
    async with await WorkerClient.connect(urls[0]) as client:
        one = 10 ** shielding_target_decimals(await client.parentchains_info())

        async def run(rate: float) -> Outcome:
            print(f"{rate:,.1f} requests per second for {options.seconds:g} s …", flush=True)
            return await _run(options, urls, client, rate, one, have)

        if options.ramp is None:
            outcome = await run(options.rate)
            _tell(options, outcome, report.facts(outcome), report.plot(outcome))
            return
        best, tried = await saturate(Search(options.ramp), run, options.bound_ms / 1000)
        steps = [report.facts(outcome) for outcome in tried]
        found = {"highest_rate": best.load.rate, "bound_ms": options.bound_ms, **report.facts(best), "tried": steps}
        print(f"\nhighest rate within {options.bound_ms:g} ms: {best.load.rate:,.1f} requests per second")
        _tell(options, best, found, report.plot_of_search(tried))


async def _run(
    options: argparse.Namespace,
    urls: Sequence[str],
    client: WorkerClient,
    rate: float,
    one: int,
    have: Callable[[int], Any] | None,
) -> Outcome:
    payer, accounts = Sr25519Pair.from_uri(options.payer), options.accounts
    requests = rate * (options.warm_up + options.seconds)
    each = endowment(options.mix, requests, accounts, one)
    if have is not None:
        await have(price(accounts, each, one))
    load = Load(
        urls,
        await endow(client, payer, accounts, each, one),
        options.mix,
        rate,
        options.seconds,
        warm_up=options.warm_up,
        schedule=options.schedule,
        seed=options.seed,
        connections=options.connections,
        processes=options.processes,
        in_flight=options.in_flight,
        envelope=options.envelope,
    )
    outcome = await measure(load)
    _tell_briefly(outcome)
    return outcome


def _tell_briefly(outcome: Outcome) -> None:
    total = outcome.together(*outcome.counts)
    late = total.latency.quantile(0.99)
    within = "nothing was done" if late is None else f"p99 {late * 1000:,.1f} ms"
    what = "all done" if outcome.is_complete else f"{total.lost + sum(total.refused.values())} lost or refused"
    limit = "" if outcome.bottleneck is None else f"; the generator was the bottleneck: {outcome.bottleneck}"
    print(f"  {outcome.rate(total):,.1f} done per second, {within}, {what}{limit}", flush=True)


def _tell(options: argparse.Namespace, outcome: Outcome, found: dict[str, Any], curves: Plot) -> None:
    print()
    print("\n".join(report.lines(outcome)))
    if sys.stdout.isatty():
        print("\n" + draw(curves))
    if options.json is not None:
        Path(options.json).write_text(json.dumps(found, indent=2) + "\n")
    if options.plot is not None:
        save(curves, options.plot)


if __name__ == "__main__":
    sys.exit(main())
