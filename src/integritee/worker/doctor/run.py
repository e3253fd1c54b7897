"""The examination in its order: the directory, what is sealed in it, the blocks, the surroundings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from integritee.boundary.messages import Examination

from ..config import Config
from . import blocks, layout, sealed, surroundings
from .finding import Finding, Severity
from .report import Report, to_json, to_text
from .surroundings import Observe, observe

HEALTHY: Final = 0
FINDINGS: Final = 1

Ask = Callable[[Config, bool], Awaitable[tuple[Examination | None, list[Finding]]]]


async def run(config: Config) -> int:
    """Print a report; the exit code."""
    report = await diagnose(config, time.time())
    print(to_json(report) if config.as_json else to_text(report))
    return HEALTHY if report.is_healthy else FINDINGS


async def diagnose(config: Config, now: float, ask: Ask = sealed.ask, look: Observe = observe) -> Report:
    """Look at everything; with `config.repair` mend what costs nothing. `now` in unix seconds.

    `ask` has an enclave look at what is sealed, `look` a node tell of itself.
    """
    data_dir = config.data_dir
    if not data_dir.is_dir():
        missing = Finding(Severity.INFO, "doctor.no_data_dir", f"{data_dir} does not exist: a worker makes it")
        return Report(data_dir, None, None, blocks.Census(), [missing, *await _around(config, now, look, False)])
    try:
        seen = layout.look(data_dir)
    except OSError as failed:
        unusable = Finding(Severity.ERROR, "doctor.data_dir_unusable", f"{data_dir}: {failed.strerror}")
        return Report(data_dir, None, None, blocks.Census(), [unusable])
    found = layout.findings(
        data_dir, seen, config.block_store_budget, seen.sizes.get(layout.BLOCKS_DIRECTORY, 0), now
    )
    examination, sealed_findings = await ask(config, config.repair)  # a running enclave's store is left alone
    in_use = seen.holder is not None or any(finding.code == sealed.LOCKED for finding in sealed_findings)
    repair = config.repair and not in_use
    head = None
    if examination is not None and examination.head_number:
        head = examination.head_number, examination.head_hash
    census, block_findings = await asyncio.to_thread(blocks.examine, data_dir / layout.BLOCKS_DIRECTORY, head, repair)
    found += [*sealed_findings, *block_findings, *await _around(config, now, look, in_use)]
    return Report(data_dir, seen, examination, census, found)


async def _around(config: Config, now: float, look: Observe, in_use: bool) -> list[Finding]:
    free = surroundings.port_findings(config.bind_host, surroundings.ports(config), in_use)
    return [*free, *await surroundings.node_findings(config.chains, now, look)]
