"""What several validateers of one shard cost and bring, each figure with its reference of the same run.

``python -m bench.validateers`` measures these alone, and leaves the others in ``bench/latest.json`` as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from .calls import throughput_by_validateers
from .joining import joins
from .latest import record
from .peers import import_ms_by_calls
from .simulation import simulation_speedup


async def several_validateers() -> dict[str, Any]:
    """What a shard of several validateers adds, each with its reference of the same run."""
    calls = await throughput_by_validateers()
    alone = calls[1].calls_per_s
    return {
        "calls_per_s_by_validateers": by({n: found.calls_per_s for n, found in calls.items()}, 1),
        "calls_ratio_by_validateers": by({n: found.calls_per_s / alone for n, found in calls.items()}),
        "calls_cpu_ms_by_validateers": by({n: found.cpu_ms for n, found in calls.items()}),
        **_imports(),
        **_joins(),
        **{name: round(value, 3) for name, value in simulation_speedup().items()},
    }


def _imports() -> dict[str, dict[str, float | None]]:
    costs = import_ms_by_calls()
    return {
        "import_ms_by_calls": by({calls: cost.importing for calls, cost in costs.items()}),
        "make_ms_by_calls": by({calls: cost.making for calls, cost in costs.items()}),
        "import_ratio_by_calls": by({calls: cost.importing / cost.making for calls, cost in costs.items()}),
    }


def _joins() -> dict[str, dict[str, float | None]]:
    found = joins()
    return {
        "join_s_by_accounts": by({accounts: run.join for accounts, run in found.items()}),
        "join_start_s_by_accounts": by({accounts: run.start for accounts, run in found.items()}),
        "join_ratio_by_accounts": by({accounts: run.join / run.start for accounts, run in found.items()}),
        "join_cpu_s_by_accounts": by({accounts: run.cpu for accounts, run in found.items()}),
        "join_fetch_s_by_accounts": by({accounts: run.fetch for accounts, run in found.items()}),
        "join_provider_pause_ms_by_accounts": by({accounts: 1000 * run.pause for accounts, run in found.items()}),
    }


def by(figures: Mapping[int, float | None], digits: int = 3) -> dict[str, float | None]:
    """Figures by size, as JSON has them."""
    return {str(size): None if figure is None else round(figure, digits) for size, figure in figures.items()}


def validateer_rows(figures: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Rows of the table."""

    def sizes(key: str, unit: str, digits: int = 1) -> str:
        known = {size: figure for size, figure in figures[key].items() if figure is not None}
        return ", ".join(f"{figure:,.{digits}f} {unit} at {int(size):,}" for size, figure in known.items())

    yield "direct transfers, by validateers", sizes("calls_per_s_by_validateers", "/s", 0)
    yield "  all cores' time for each", sizes("calls_cpu_ms_by_validateers", "ms")
    yield "block of a peer imported, by transfers", sizes("import_ms_by_calls", "ms")
    yield "  making it", sizes("make_ms_by_calls", "ms")
    yield "join with state, by accounts", sizes("join_s_by_accounts", "s")
    yield "  the start that is in it", sizes("join_start_s_by_accounts", "s")
    yield "  computing in it", sizes("join_cpu_s_by_accounts", "s")
    yield "  provider's longest pause", sizes("join_provider_pause_ms_by_accounts", "ms", 0)
    speed = f"{figures['simulation_speedup']:,.0f} times as fast as life"
    yield "simulated networks of 3 validateers", f"{speed}, {figures['simulation_simulated_s']:,.0f} s"
    yield "  in one process", f"{figures['simulation_speedup_alone']:,.0f} times"


def main() -> None:
    figures = asyncio.run(several_validateers())
    record(figures)
    for name, value in validateer_rows(figures):
        print(f"{name:<44}{value}")


if __name__ == "__main__":
    main()
