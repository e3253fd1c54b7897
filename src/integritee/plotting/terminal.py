"""Plots as text.

Each curve has a mark of its own and is drawn through all columns between its points; where curves meet, the first
one is seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from .plot import Curve, Panel, Plot

WIDTH: Final = 72
HEIGHT: Final = 10
"""Columns and rows of the field in which curves are drawn."""

MARKS: Final = "●○◆◇▲△"
"""Of the curves of a panel, and once more from the beginning if there are more."""

SMALLEST_NOTATION: Final = 0.01
"""Numbers below are written with an exponent."""

Point = tuple[float, float]


def draw(plot: Plot, width: int = WIDTH, height: int = HEIGHT) -> str:
    """A plot in lines of `width` + 10 columns, `height` + 3 or 4 of them for each panel."""
    return "\n\n".join([plot.title, *(draw_panel(panel, width, height) for panel in plot.panels)])


def draw_panel(panel: Panel, width: int = WIDTH, height: int = HEIGHT) -> str:
    curves = [_points(curve, panel.is_logarithmic) for curve in panel.curves]
    points = [point for curve in curves for point in curve]
    if not points:
        return f"{panel.title}: nothing to show"
    first, last = min(x for x, _ in points), max(x for x, _ in points)
    low = min(y for _, y in points) if panel.is_logarithmic else min(0.0, *(y for _, y in points))
    high = max(y for _, y in points)
    field = [[" "] * width for _ in range(height)]
    for number, curve in reversed(list(enumerate(curves))):
        for column, y in _columns(curve, first, last, width):
            row = height - 1 - _step(y, low, high, height)
            field[row][column] = MARKS[number % len(MARKS)]
    ends = {0: high, height // 2: low + (high - low) * (height - 1 - height // 2) / (height - 1), height - 1: low}
    labels = [_label(ends[row], panel.is_logarithmic) if row in ends else "" for row in range(height)]
    rows = [f"{label:>8} │{''.join(cells)}".rstrip() for label, cells in zip(labels, field, strict=True)]
    axis = f"{number_text(first)}{panel.x:^{width - len(number_text(first)) - len(number_text(last))}}"
    return "\n".join([_title(panel), *rows, f"{'':8} └{'─' * width}", f"{'':10}{axis}{number_text(last)}"])


def _title(panel: Panel) -> str:
    """With the curves' marks, if there are several."""
    if len(panel.curves) < 2:
        return panel.title
    marks = (f"{MARKS[number % len(MARKS)]} {curve.name}" for number, curve in enumerate(panel.curves))
    return f"{panel.title}: {', '.join(marks)}"


def _points(curve: Curve, is_logarithmic: bool) -> list[Point]:
    """As they are drawn."""
    if is_logarithmic:
        return [(x, math.log10(y)) for x, y in curve.points if y > 0]
    return list(curve.points)


def _columns(curve: Sequence[Point], first: float, last: float, width: int) -> list[tuple[int, float]]:
    """Each column between the ends of a curve, and the value there; the curve is straight between its points."""
    placed = [(_step(x, first, last, width), y) for x, y in curve]
    found = dict(placed)
    for (left, y), (right, next_y) in pairwise(placed):
        for column in range(left + 1, right):
            found[column] = y + (next_y - y) * (column - left) / (right - left)
    return sorted(found.items())


def _step(value: float, low: float, high: float, steps: int) -> int:
    """Which of the `steps` from `low` to `high` a value is on."""
    return 0 if high == low else round((value - low) / (high - low) * (steps - 1))


def _label(value: float, is_logarithmic: bool) -> str:
    return number_text(10**value if is_logarithmic else value)


def number_text(value: float) -> str:
    """Three digits or more, and no noughts behind the point: ``5,566``, ``0.25``, ``1.2e-05``."""
    if value == 0 or SMALLEST_NOTATION <= abs(value) < 100:
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1e}"
