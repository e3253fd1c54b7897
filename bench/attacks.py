"""What 200 honest clients feel of attacks on their worker: ``python -m bench.attacks [NAME …]``.

The clients ask signed getters, one a second each, and submit transfers beside, 67 a second together. Windows without
and with an attack (`attackers`, there and ready all the time) take turns on one worker, and after the last attack the
first one has its turn again, for a machine has bad moments. The ratio of an attack is the 99th percentile of all its
windows by that of the windows before and after them, of getters or of submissions, whichever suffered more.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from integritee.devnet.ledgers import connect
from integritee.devnet.network import Facts, run_network

from .attackers import ATTACKS
from .calls import ALICE, SHIELDED, START_TIMEOUT, endow
from .clients import enclave_of, resident_kib
from .crowd import CrowdProcess, Orders, Report, Window
from .latest import main
from .networks import config

HONEST = 200
WINDOW = Window(6.0, 6, 3)
PASSES = 2
"""Windows of each attack."""

SETTLING = 2.0
"""Seconds of an attack before the window, and of peace behind it."""

WARMING_UP = Window(3.0, 3, 3)


async def measure(names: list[str] | None = None) -> dict[str, Any]:
    """`attack_p99_ratio`, the worst; and `attacks`, a row for each: ratio, quantiles in ms, what was attempted."""
    async with run_network(config()) as network:
        rows = await network.while_alive(_on_network(network.ready(START_TIMEOUT), names or list(ATTACKS)))
    return {"attack_p99_ratio": max(row["p99_ratio"] for row in rows.values()), "attacks": rows}


async def _on_network(ready: Any, names: list[str]) -> dict[str, Any]:
    facts: Facts = await ready
    async with connect(facts) as ledgers:
        await ledgers.shield(ALICE, SHIELDED)
        uris = await endow(ledgers)
    crowd = await CrowdProcess.start(Orders(facts.worker_url, HONEST, uris, 0))
    await crowd.ready()
    enclave, attackers = enclave_of(facts), await Attackers.start(facts.worker_url, names)
    await crowd.run(WARMING_UP)
    before, found = await crowd.run(WINDOW), {name: Findings() for name in names}
    for name in names * PASSES:
        attackers.begin(name)
        await asyncio.sleep(SETTLING)
        found[name].attacked.append(await crowd.run(WINDOW))
        found[name].resident_mib = resident_kib(enclave) // 1024
        found[name].tally.update(await attackers.end())
        await asyncio.sleep(SETTLING)
        after = await crowd.run(WINDOW)
        found[name].quiet += before, after
        print(name, json.dumps(found[name].row()), file=sys.stderr, flush=True)
        before = after
    await attackers.leave()
    await crowd.end()
    return {name: findings.row() for name, findings in found.items()}


@dataclass
class Findings:
    """Of an attack so far: what the clients report of windows with it and of those around them, the enclave's memory
    in the latest one, and what was attempted in all of them."""

    attacked: list[Report] = field(default_factory=list)
    quiet: list[Report] = field(default_factory=list)
    resident_mib: int = 0
    tally: Counter[str] = field(default_factory=Counter)

    def row(self) -> dict[str, Any]:
        getters = _p99s(lambda report: report.getters, self.attacked, self.quiet)
        calls = _p99s(lambda report: report.calls, self.attacked, self.quiet)
        failures = sum((Counter(report.failures) for report in self.attacked), Counter[str]())
        return {
            "p99_ratio": round(max(getters[0] / getters[1], calls[0] / calls[1]), 2),
            "getter_p99_ms": [round(ms, 2) for ms in getters],
            "submission_p99_ms": [round(ms, 2) for ms in calls],
            "failures": dict(failures),
            "enclave_mib": self.resident_mib,
            "attempts": dict(self.tally),
        }


def _p99s(latencies: Callable[[Report], list[float]], *windows: list[Report]) -> list[float]:
    """Of all windows of a list together."""
    return [p99([ms for report in reports for ms in latencies(report)]) for reports in windows]


def p99(samples: list[float]) -> float:
    return sorted(samples)[int(len(samples) * 0.99)] if samples else float("inf")


class Attackers:
    """The process of the attackers. Make it with `start`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, url: str, names: list[str]) -> Attackers:
        """Returns when they are ready."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.attackers", url, *names),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parent.parent,
        )
        attackers = cls(process)
        await attackers._line()
        return attackers

    def begin(self, name: str) -> None:
        """From now on they do this."""
        self._tell(name)

    async def end(self) -> dict[str, int]:
        """They stop; what they attempted."""
        self._tell("")
        tally: dict[str, int] = json.loads(await self._line())
        return tally

    async def leave(self) -> None:
        """End the process."""
        self._tell("")
        await self._process.wait()

    def _tell(self, order: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(order.encode() + b"\n")

    async def _line(self) -> bytes:
        assert self._process.stdout is not None
        if not (line := await self._process.stdout.readline()):
            raise SystemExit("the attackers failed: see their error above")
        return line


def rows(figures: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """For the table of the bench."""
    yield "worst attack on 200 clients, p99", f"{figures['attack_p99_ratio']} of the quiet p99"
    for name, row in figures["attacks"].items():
        getters, calls = row["getter_p99_ms"], row["submission_p99_ms"]
        yield (
            f"  {name}",
            f"{row['p99_ratio']}: getters {getters[0]} / {getters[1]}, submissions {calls[0]} / {calls[1]} ms",
        )


if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - ATTACKS.keys():
        raise SystemExit(f"no attack is called {', '.join(sorted(unknown))}; there are {', '.join(ATTACKS)}")
    if chosen := sys.argv[1:]:  # a part of the matrix is no figure of the bench
        print(json.dumps(asyncio.run(measure(chosen)), indent=2))
    else:
        main(lambda: asyncio.run(measure()))
