"""What a person sees of a run: bars while it goes on, a table and a plot behind it; and what a program reads."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final, TextIO

from integritee.apps.encointer.types import CeremonyPhase
from integritee.plotting import Curve, Panel, Plot

from .check import amount_text
from .community import Progress
from .run import Report

BAR: Final = 30
"""Columns of a bar."""

COLUMNS: Final = (
    *(("ceremony", 8), ("newbies", 8), ("population", 11), ("meetups", 8), ("sizes", 7), ("rewards", 8)),
    *(("supply", 10), ("registering", 12), ("assigning", 10), ("attesting", 10)),
)
"""Titles and widths; seconds of phases come last."""

UNKNOWN: Final = "-"


class Bars:
    """One bar for each thing that all agents do in a phase; on a terminal it grows."""

    def __init__(self, out: TextIO = sys.stderr) -> None:
        self._out, self._is_terminal = out, out.isatty()

    def __call__(self, progress: Progress) -> None:
        is_done = progress.done == progress.total
        if not self._is_terminal and not is_done:
            return
        end = "\n" if is_done else ""
        self._out.write(f"{chr(13) if self._is_terminal else ''}{bar(progress)}{end}")
        self._out.flush()


def bar(progress: Progress) -> str:
    filled = BAR * progress.done // progress.total if progress.total else BAR
    where = f"ceremony {progress.ceremony:3}  {progress.phase.name.lower():12} {progress.what:14}"
    return f"{where} [{'#' * filled}{'.' * (BAR - filled)}] {progress.done}/{progress.total}"


# -- behind a run --------------------------------------------------------------------------------------


def summary(reports: Sequence[Report]) -> str:
    """A line for each ceremony."""
    title = "".join(f"{name:>{width}}" for name, width in COLUMNS)
    return "\n".join([title, *(_line(report) for report in reports)])


def _line(report: Report) -> str:
    found, sizes = report.found, report.found.sizes
    seconds = [report.seconds.get(phase) for phase in CeremonyPhase]
    cells = (
        str(report.number),
        *map(_text, (found.newbies, found.population)),
        *((str(len(sizes)), _span(sizes)) if sizes else (UNKNOWN, UNKNOWN)),
        *map(_text, (found.rewards, found.supply_after)),
        *(UNKNOWN if taken is None else f"{taken:.2f} s" for taken in seconds),
    )
    return "".join(f"{cell:>{width}}" for cell, (_, width) in zip(cells, COLUMNS, strict=True))


def _span(sizes: Sequence[int]) -> str:
    return str(min(sizes)) if min(sizes) == max(sizes) else f"{min(sizes)}-{max(sizes)}"


def _text(value: int | Fraction | None) -> str:
    if value is None:
        return UNKNOWN
    return amount_text(value) if isinstance(value, Fraction) else str(value)


def plot(reports: Sequence[Report]) -> Plot:
    """Population, supply, and seconds of each phase over the ceremonies."""
    population = [(r.number, r.found.population) for r in reports if r.found.population is not None]
    supply = [(r.number, float(r.found.supply_after)) for r in reports if r.found.supply_after is not None]
    seconds = [
        Curve(phase.name.lower(), [(r.number, r.seconds[phase]) for r in reports if phase in r.seconds])
        for phase in CeremonyPhase
    ]
    panels = (
        Panel("population", "ceremony", [Curve("population", population)]),
        Panel("supply after rewards", "ceremony", [Curve("supply", supply)]),
        Panel("seconds per phase", "ceremony", seconds),
    )
    return Plot("Encointer bot community", panels)


def facts(reports: Sequence[Report]) -> list[dict[str, Any]]:
    """For JSON; amounts as text, as they may have decimals."""
    return [
        {
            "ceremony": report.number,
            **{name: amount_text(v) if isinstance(v, Fraction) else v for name, v in vars(report.found).items()},
            "meetups": None if report.found.sizes is None else len(report.found.sizes),
            "seconds": {phase.name.lower(): round(taken, 3) for phase, taken in report.seconds.items()},
        }
        for report in reports
    ]
