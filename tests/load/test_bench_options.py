"""The command line of `integritee bench`, and what is shown in the end."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from integritee.load import report
from integritee.load.fleet import Load, Outcome
from integritee.load.generator import Prepared, Report
from integritee.load.histogram import Histogram
from integritee.load.main import main
from integritee.load.mix import Mix
from integritee.load.options import check, parser
from integritee.load.tally import Counts
from integritee.plotting import draw

PAGE = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text()
COMMANDS = re.findall(r"^integritee bench ?(.*)$", PAGE, re.MULTILINE)

MILLISECONDS = [n / 1000 for n in range(1, 101)]


@pytest.mark.parametrize(
    "options",
    [
        ["--rate", "0"],
        ["--rate", "many"],
        ["--rate", "10", "--ramp", "10"],
        ["--mix", "theft=1"],
        ["--schedule", "never"],
        ["--envelope", "wax"],
        ["--accounts", "0"],
        ["--accounts", "2", "--processes", "3"],
        ["--connections", "2", "--processes", "3"],
        ["--in-flight", "2", "--processes", "3"],
        ["--rate", "100000", "--seconds", "3600"],
    ],
    ids=" ".join,
)
def test_wrong_command_lines(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2
    assert "integritee bench: error: " in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_page_are_commands(command: str) -> None:
    known = parser()
    check(known, known.parse_args(shlex.split(command, comments=True)))


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) >= 4


def test_a_picture_that_cannot_be_written_is_found_out_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--plot", "/no/such/directory/load.png"]) == 1
    assert capsys.readouterr().err.startswith("error: plotting.")


def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--worker", "wss://127.0.0.1:1"]) == 1
    assert capsys.readouterr().err.startswith("error: client.connection_failed: ")


def outcome(cpu: float = 0.1) -> Outcome:
    calls = Counts(100, 97, 1, {"pool.limit_reached": 2}, Histogram.of([0.002]), Histogram.of(MILLISECONDS), {25: 50})
    getters = Counts(10, 10, latency=Histogram.of([0.001]), ended={20: 4, 21: 6, 5: 1})
    found = Report({"transfer": calls, "getter": getters}, Histogram.of([0.0003]), 3, 0, cpu, 0)
    mix = Mix({"transfer": 10, "getter": 1})
    return Outcome.of(Load(["wss://w"], ["//A"], mix, 11, 10), [Prepared(110, 0.5)], [found])


def test_the_table() -> None:
    """Latencies are 1 to 100 ms; their quantiles are off by less than four parts in a thousand."""
    assert list(report.lines(outcome())) == [
        "                   done /s      sent      done      lost   refused       p50       p90       p99     p99.9      most",
        "transfer, taken                                                          2.0       2.0       2.0       2.0       2.0",
        "  in a block           5.0       100        97         1         2      50.0      89.9      99.1     100.0     100.0",
        "getter                 1.0        10        10         0         0       1.0       1.0       1.0       1.0       1.0",
        "",
        "latencies in ms, from when a request was meant to leave",
        "generator: 0.3 ms late (p99), 10% of a core, 3 waited for room; made in 0.5 s before the clock started",
        "refused: 2 times pool.limit_reached",
    ]


def test_a_bottleneck_is_told() -> None:
    *_, last = report.lines(outcome(cpu=0.95))
    assert last == "THE GENERATOR WAS THE BOTTLENECK: a process of the generator took 95% of a core"
    assert report.facts(outcome(cpu=0.95))["generator"]["bottleneck"] in last


def test_figures_are_json() -> None:
    found = json.loads(json.dumps(report.facts(outcome())))
    assert found["kinds"]["transfer"]["refused"] == {"pool.limit_reached": 2}
    assert found["kinds"]["getter"]["per_s"] == 1.0
    assert found["kinds"]["getter"]["latency_ms"]["max"] == 1.0


def test_curves() -> None:
    assert "done per second" in draw(report.plot(outcome()))
    both = report.plot_of_search([outcome(), outcome()])
    assert [len(curve.points) for panel in both.panels for curve in panel.curves] == [2, 2, 2]
