"""`integritee bots`: a community of agents on the ledger, with the commands of the original's `bot-community.py`.

Exit codes: 0 done or ended by a signal, 1 failure or a ceremony that is not as the model says, 2 wrong command line.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from integritee.apps.encointer.parentchain import cid_text
from integritee.devnet import foreground
from integritee.devnet.network import Network, run_network
from integritee.errors import IntegriteeError
from integritee.plotting import check, draw, save

from .community import Community
from .files import Files
from .founding import next_phase
from .options import Options, parse
from .run import Report, Run
from .screen import Bars, facts, plot, summary
from .session import Session, open_session, own_network

FAILURE: Final = 1


def main(argv: Sequence[str] | None = None, program: str = "integritee bots") -> int:
    """Run a command line, by default that of the process; the exit code."""
    options = parse(list(sys.argv[1:] if argv is None else argv), program)
    try:
        if options.plot is not None:
            check(options.plot)
        foreground.run(COMMANDS[options.command](options))
    except (IntegriteeError, OSError) as failed:
        code = f"{failed.code}: " if isinstance(failed, IntegriteeError) else ""
        print(f"error: {code}{failed}", file=sys.stderr)
        return FAILURE
    return 0


async def _init(options: Options) -> None:
    async with _session(options, options.node, options.workers) as session:
        cid = cid_text((await session.found(Bars())).cid)
    print(json.dumps({"cid": cid}) if options.as_json else cid, flush=True)


async def _run(options: Options) -> None:
    Files(options.directory).cid()  # there is one, or nobody needs a connection
    async with _session(options, options.node, options.workers) as session:
        run = Run(await session.community(Bars()), session.files, options.population)
        report = await run.one_phase()
    print(json.dumps(facts([report])[0]) if options.as_json else summary([report]), flush=True)


async def _benchmark(options: Options) -> None:
    if options.is_on_its_own:
        print("Starting a parentchain and workers (simulated TEE: development only) …", file=sys.stderr)
        async with run_network(own_network(options.validateers)) as network:
            await network.while_alive(_on_its_own(options, network))
        return
    Files(options.directory).cid()
    async with _session(options, options.node, options.workers) as session:
        await _ceremonies(options, session, await session.community(Bars()))


async def _on_its_own(options: Options, network: Network) -> None:
    ready = await network.ready()
    async with _session(options, ready.node_url, [worker.worker_url for worker in ready.workers]) as session:
        await _ceremonies(options, session, await session.found(Bars()))


async def _ceremonies(options: Options, session: Session, community: Community) -> None:
    """Shows what there is of them however they end."""
    reports: list[Report] = []
    run = Run(community, session.files, options.population)
    began = time.monotonic()
    try:
        async for report in run.ceremonies(options.ceremonies, lambda: next_phase(session.chain)):
            reports.append(report)
    finally:
        if reports:
            _show(options, community, reports, time.monotonic() - began)


def _show(options: Options, community: Community, reports: Sequence[Report], seconds: float) -> None:
    cid, picture = cid_text(community.cid), plot(reports)
    if options.as_json:
        known = {"cid": cid, "seed": options.seed, "seconds": round(seconds, 3), "ceremonies": facts(reports)}
        print(json.dumps(known), flush=True)
    else:
        print(f"{draw(picture)}\n\n{summary(reports)}\n\ncommunity {cid}, {seconds:.1f} s", flush=True)
    if options.plot is not None:
        save(picture, options.plot)


def _session(options: Options, node: str, workers: Sequence[str]) -> AbstractAsyncContextManager[Session]:
    return open_session(node, workers, Files(options.directory), options.seed, options.shard)


COMMANDS: Final[dict[str, Callable[[Options], Coroutine[Any, Any, None]]]] = {
    "init": _init,
    "run": _run,
    "benchmark": _benchmark,
}

if __name__ == "__main__":
    sys.exit(main())
