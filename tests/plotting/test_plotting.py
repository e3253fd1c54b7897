"""Plots in the terminal and as pictures."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from integritee.plotting import Curve, MatplotlibMissing, Panel, PictureRefused, Plot, check, draw, save
from integritee.plotting.terminal import draw_panel, number_text

RISING = Curve("rising", [(1, 0), (2, 10), (3, 20)])
FALLING = Curve("falling", [(1, 20), (3, 0)])
DOUBLING = Curve("doubling", [(0, 0), (1, 1), (2, 10), (3, 100)])

ONE_CURVE = """\
height (m)
      20 │         ●●
         │       ●●
      10 │    ●●●
         │  ●●
       0 │●●
         └───────────
          1  time   3"""

TWO_CURVES = """\
two: ● rising, ○ falling
      20 │○○      ●●
         │  ○○  ●●
      10 │   ●●●
         │  ●   ○○
       0 │●●      ○○
         └──────────
          1  time  3"""

LOGARITHMIC = """\
load
     100 │      ●●●
      10 │   ●●●
       1 │●●●
         └─────────
          1   s   3"""


@pytest.mark.parametrize(
    ("panel", "size", "text"),
    [
        (Panel("height (m)", "time", [RISING]), (11, 5), ONE_CURVE),
        (Panel("two", "time", [RISING, FALLING]), (10, 5), TWO_CURVES),
        (Panel("load", "s", [DOUBLING], is_logarithmic=True), (9, 3), LOGARITHMIC),
        (Panel("empty", "s", [Curve("none", [])]), (7, 3), "empty: nothing to show"),
    ],
    ids=["one curve", "two curves", "logarithmic", "empty"],
)
def test_a_panel_in_the_terminal(panel: Panel, size: tuple[int, int], text: str) -> None:
    assert draw_panel(panel, *size) == text


def test_a_plot_has_its_panels_below_its_title() -> None:
    panels = [Panel("one", "x", [RISING]), Panel("two", "x", [FALLING])]
    title, *drawn = draw(Plot("all", panels)).split("\n\n")
    assert title == "all"
    assert drawn == [draw_panel(panel) for panel in panels]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.25, "0.25"), (10.0, "10"), (99.5, "99.5"), (5566, "5,566"), (0.000012, "1.2e-05"), (-3, "-3")],
)
def test_numbers(value: float, text: str) -> None:
    assert number_text(value) == text


def test_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "plot.png"
    save(
        Plot("all", [Panel("one", "x", [RISING, FALLING]), Panel("two", "x", [DOUBLING], is_logarithmic=True)]), path
    )
    header = path.read_bytes()[:24]
    assert header.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", header[16:]) == (960, 672)


@pytest.mark.parametrize("name", ["plot", "plot.txt", "nowhere/plot.png"])
def test_files_that_are_no_pictures(name: str, tmp_path: Path) -> None:
    with pytest.raises(PictureRefused) as refused:
        check(tmp_path / name)
    assert refused.value.code == "plotting.picture_refused"


def test_without_matplotlib_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    sys.path_importer_cache.clear()
    with pytest.raises(MatplotlibMissing, match=r"pip install 'integritee\[plot\]'"):
        save(Plot("all", []), tmp_path / "plot.png")
