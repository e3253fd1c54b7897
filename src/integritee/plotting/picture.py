"""Plots as pictures. matplotlib is loaded when the first one is wanted."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .errors import MatplotlibMissing, PictureRefused
from .plot import Panel, Plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS: Final = frozenset({".png", ".svg", ".pdf"})
"""By the end of a file's name."""

WIDTH: Final = 8.0
PANEL_HEIGHT: Final = 2.8
"""Inches."""

RESOLUTION: Final = 120
"""Dots per inch."""


def check(path: Path) -> None:
    """Find out before long work whether its picture can be written.

    Raises MatplotlibMissing, PictureRefused if the name does not tell the format or its directory is not there.
    """
    if find_spec("matplotlib") is None:
        raise MatplotlibMissing
    if path.suffix.lower() not in FORMATS:
        raise PictureRefused(path, f"its name has to end with one of {', '.join(sorted(FORMATS))}")
    if not path.parent.is_dir():
        raise PictureRefused(path, "there is no such directory")


def save(plot: Plot, path: Path) -> None:
    """Write a plot to a file, in the format that its name tells. Raises as `check`; PictureRefused if it is not
    writable."""
    check(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, PANEL_HEIGHT * len(plot.panels)), dpi=RESOLUTION, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(plot.title)
    for axes, panel in zip(figure.subplots(len(plot.panels), 1, squeeze=False)[:, 0], plot.panels, strict=True):
        _draw(axes, panel)
    try:
        figure.savefig(path)
    except OSError as refused:
        raise PictureRefused(path, refused.strerror or str(refused)) from None


def _draw(axes: Axes, panel: Panel) -> None:
    for curve in panel.curves:
        axes.plot([x for x, _ in curve.points], [y for _, y in curve.points], marker=".", label=curve.name)
    axes.set_title(panel.title, fontsize="medium")
    axes.set_xlabel(panel.x)
    axes.grid(alpha=0.3)
    if panel.is_logarithmic:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    if len(panel.curves) > 1:
        axes.legend()
