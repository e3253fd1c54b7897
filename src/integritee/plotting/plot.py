"""What is to be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Curve:
    """Points (x, y) in order of x."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """Curves over the same axis, `x`; the `title` says what is on the other one, with its unit.

    The other axis begins at 0, or is logarithmic; then only what is above 0 is shown.
    """

    title: str
    x: str
    curves: Sequence[Curve]
    is_logarithmic: bool = False


@dataclass(frozen=True)
class Plot:
    """Panels, one below the other."""

    title: str
    panels: Sequence[Panel]
