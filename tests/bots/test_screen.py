"""What is shown of a run."""

from __future__ import annotations

import io
import json
from fractions import Fraction

import pytest

from integritee.apps.encointer.types import CeremonyPhase
from integritee.bots.check import Found
from integritee.bots.community import Progress
from integritee.bots.run import Report
from integritee.bots.screen import Bars, facts, plot, summary
from integritee.plotting import draw

ATTESTING = CeremonyPhase.Attesting
SECONDS = {CeremonyPhase.Registering: 1.25, CeremonyPhase.Assigning: 0.5, ATTESTING: 2.0}
REPORTS = [
    Report(1, Found(10, 0, (10,), 10, Fraction(0), Fraction(10)), SECONDS),
    Report(2, Found(12, 2, (6, 6), 12, Fraction(10), Fraction(22)), SECONDS),
    Report(3, Found(newbies=3, supply=Fraction(22)), {CeremonyPhase.Registering: 1.0}),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("out", "shown"),
    [
        (io.StringIO(), "ceremony   4  attesting    attestations   [##############################] 2/2\n"),
        (
            Terminal(),
            "\rceremony   4  attesting    attestations   [..............................] 0/2"
            "\rceremony   4  attesting    attestations   [###############...............] 1/2"
            "\rceremony   4  attesting    attestations   [##############################] 2/2\n",
        ),
    ],
    ids=["file", "terminal"],
)
def test_bars_grow_on_a_terminal_only(out: io.StringIO, shown: str) -> None:
    show = Bars(out)
    for done in range(3):
        show(Progress(4, ATTESTING, "attestations", done, 2))
    assert out.getvalue() == shown


def test_the_table() -> None:
    title, *lines = (line.split() for line in summary(REPORTS).splitlines())
    assert title[:4] == ["ceremony", "newbies", "population", "meetups"]
    assert lines == [
        ["1", "0", "10", "1", "10", "10", "10.0", "1.25", "s", "0.50", "s", "2.00", "s"],
        ["2", "2", "12", "2", "6", "12", "22.0", "1.25", "s", "0.50", "s", "2.00", "s"],
        ["3", "3", "-", "-", "-", "-", "-", "1.00", "s", "-", "-"],
    ]


def test_the_facts_are_json() -> None:
    first, _, last = json.loads(json.dumps(facts(REPORTS)))
    assert first == {
        "ceremony": 1,
        "population": 10,
        "newbies": 0,
        "meetups": 1,
        "sizes": [10],
        "rewards": 10,
        "supply": "0.0",
        "supply_after": "10.0",
        "seconds": {"registering": 1.25, "assigning": 0.5, "attesting": 2.0},
    }
    assert last["population"] is None


def test_the_plot_has_population_supply_and_seconds() -> None:
    shown = plot(REPORTS)
    assert [panel.title for panel in shown.panels] == ["population", "supply after rewards", "seconds per phase"]
    assert [curve.name for curve in shown.panels[2].curves] == ["registering", "assigning", "attesting"]
    assert shown.panels[0].curves[0].points == [(1, 10), (2, 12)]
    assert shown.panels[2].curves[0].points == [(1, 1.25), (2, 1.25), (3, 1.0)]
    assert "population" in draw(shown)
