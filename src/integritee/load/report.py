"""What is shown of an outcome: lines of text, JSON, and curves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from integritee.plotting import Curve, Panel, Plot

from .fleet import Outcome
from .histogram import Histogram
from .mix import CALLS
from .tally import TENTHS, Counts

QUANTILES: Final = (0.5, 0.9, 0.99, 0.999)
CURVE: Final = (0.0, *(n / 100 for n in range(5, 100, 5)), 0.99, 0.999, 1.0)
"""Shares of requests of which the plot shows within which time they were done."""


def name_of(quantile: float) -> str:
    """``p50``, ``p99.9``."""
    return f"p{quantile * 100:g}"


def lines(outcome: Outcome) -> Iterator[str]:
    """A table, and how the generator did."""
    head = ("done /s", "sent", "done", "lost", "refused", *map(name_of, QUANTILES), "most")
    yield f"{'':16}" + "".join(f"{title:>10}" for title in head)
    for kind, counts in outcome.counts.items():
        yield from _rows(kind, counts, outcome)
    yield ""
    yield "latencies in ms, from when a request was meant to leave"
    yield _generator(outcome)
    for code, count in sorted(outcome.together(*outcome.counts).refused.items()):
        yield f"refused: {count} times {code}"
    if outcome.lost_connections:
        yield f"connections lost: {outcome.lost_connections}"
    if outcome.bottleneck is not None:
        yield f"THE GENERATOR WAS THE BOTTLENECK: {outcome.bottleneck}"


def _rows(kind: str, counts: Counts, outcome: Outcome) -> Iterator[str]:
    rate, refused = f"{outcome.rate(counts):,.1f}", sum(counts.refused.values())
    numbers = (rate, *map(str, (counts.sent, counts.done, counts.lost, refused)))
    if kind not in CALLS:
        yield f"{kind:16}" + "".join(f"{cell:>10}" for cell in (*numbers, *_cells(counts.latency)))
        return
    yield f"{kind + ', taken':16}" + " " * 50 + "".join(f"{cell:>10}" for cell in _cells(counts.taken))
    yield f"{'  in a block':16}" + "".join(f"{cell:>10}" for cell in (*numbers, *_cells(counts.latency)))


def _cells(histogram: Histogram) -> Iterator[str]:
    for quantile in (*QUANTILES, 1.0):
        seconds = histogram.quantile(quantile)
        yield "" if seconds is None else f"{seconds * 1000:,.1f}"


def _generator(outcome: Outcome) -> str:
    late = outcome.lag.quantile(0.99) or 0.0
    held = f", {outcome.held} waited for room" if outcome.held else ""
    unsent = f", {outcome.unsent} never left" if outcome.unsent else ""
    made = f"made in {outcome.composing:.1f} s before the clock started"
    return f"generator: {late * 1000:.1f} ms late (p99), {outcome.cpu:.0%} of a core{held}{unsent}; {made}"


# -- JSON --------------------------------------------------------------------------------------------


def facts(outcome: Outcome) -> dict[str, Any]:
    """All figures of a run. Latencies in milliseconds."""
    load = outcome.load
    return {
        "mix": str(load.mix),
        "rate": load.rate,
        "seconds": load.seconds,
        "warm_up": load.warm_up,
        "schedule": load.schedule,
        "seed": load.seed,
        "accounts": len(load.accounts),
        "connections": load.connections,
        "processes": load.processes,
        "in_flight": load.in_flight,
        "envelope": load.envelope,
        "kinds": {kind: _counts(counts, outcome) for kind, counts in outcome.counts.items()},
        "generator": {
            "lag_ms": quantiles_ms(outcome.lag),
            "cpu": round(outcome.cpu, 3),
            "held": outcome.held,
            "unsent": outcome.unsent,
            "lost_connections": outcome.lost_connections,
            "composing_s": round(outcome.composing, 3),
            "bottleneck": outcome.bottleneck,
        },
    }


def _counts(counts: Counts, outcome: Outcome) -> dict[str, Any]:
    taken = {"taken_ms": quantiles_ms(counts.taken)} if counts.taken.count else {}
    numbers = {name: getattr(counts, name) for name in ("sent", "done", "lost", "refused")}
    return {"per_s": round(outcome.rate(counts), 1), **numbers, **taken, "latency_ms": quantiles_ms(counts.latency)}


def quantiles_ms(histogram: Histogram) -> dict[str, float | None]:
    """By name, with ``max``."""
    shares = {name_of(share): share for share in QUANTILES} | {"max": 1.0}
    found = {name: histogram.quantile(share) for name, share in shares.items()}
    return {name: None if seconds is None else round(seconds * 1000, 3) for name, seconds in found.items()}


# -- curves ------------------------------------------------------------------------------------------


def plot(outcome: Outcome) -> Plot:
    """Of one run: what was done over the time, and within which time which share was."""
    kinds = {kind: counts for kind, counts in outcome.counts.items() if counts.latency.count}
    rates = [Curve(kind, _by_second(counts.ended)) for kind, counts in kinds.items()]
    shares = [Curve(kind, _within(counts.latency)) for kind, counts in kinds.items()]
    title = f"{outcome.load.mix} at {outcome.load.rate:g} requests per second"
    panels = (
        Panel("done per second", "seconds", rates),
        Panel("milliseconds within which they were done", "percent of requests", shares, is_logarithmic=True),
    )
    return Plot(title, panels)


def plot_of_search(tried: Sequence[Outcome]) -> Plot:
    """Of several rates: what was done, and how long it took."""
    ordered = sorted(tried, key=lambda outcome: outcome.load.rate)
    totals = [(outcome, outcome.together(*outcome.counts)) for outcome in ordered]
    done = Curve("done per second", [(outcome.load.rate, outcome.rate(total)) for outcome, total in totals])
    latencies = [
        Curve(
            name_of(share),
            [
                (outcome.load.rate, seconds * 1000)
                for outcome, total in totals
                if (seconds := total.latency.quantile(share)) is not None
            ],
        )
        for share in (0.5, 0.99)
    ]
    panels = (
        Panel("done per second", "requests per second", (done,)),
        Panel("latency in milliseconds", "requests per second", latencies, is_logarithmic=True),
    )
    return Plot(f"{ordered[0].load.mix}, by rate", panels)


def _by_second(ended: dict[int, int]) -> list[tuple[float, float]]:
    counts: dict[int, int] = {}
    for tenth, count in ended.items():
        counts[tenth // TENTHS] = counts.get(tenth // TENTHS, 0) + count
    return [(second, counts.get(second, 0)) for second in range(max(counts, default=-1) + 1)]


def _within(histogram: Histogram) -> list[tuple[float, float]]:
    return [(100 * share, (histogram.quantile(share) or 0.0) * 1000) for share in CURVE]
