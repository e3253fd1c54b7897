"""What people see of catching up."""

from __future__ import annotations

from io import StringIO

import pytest

from integritee.worker.console import CLEAR, Console
from integritee.worker.progress import LINE_PAUSE, WORTH_SHOWING, Display, Progress, bar, bytes_line, duration, line


@pytest.mark.parametrize(
    "seconds, text",
    [(-1, "0 s"), (0, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (245, "4 min 05 s"), (12_000, "3 h 20 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    "progress, text",
    [
        (Progress(0, 0, 6000, 0), "block 0 of 6,000 (0.0%), 0 blocks/s"),
        (Progress(0, 1500, 6000, 2), "block 1,500 of 6,000 (25.0%), 750 blocks/s, 6 s left"),
        (Progress(1000, 2000, 3000, 10), "block 2,000 of 3,000 (50.0%), 100 blocks/s, 10 s left"),
        (Progress(0, 7000, 6000, 7), "block 7,000 of 6,000 (100.0%), 1,000 blocks/s, 0 s left"),
        (Progress(5, 5, 5, 1), "block 5 of 5 (100.0%), 0 blocks/s"),
    ],
)
def test_lines(progress: Progress, text: str) -> None:
    assert line(progress) == text


@pytest.mark.parametrize(
    "progress, text",
    [
        (Progress(0, 0, 40_000_000, 0), "0.0 of 40.0 MB (0.0%), 0.0 MB/s"),
        (Progress(0, 12_500_000, 40_000_000, 4), "12.5 of 40.0 MB (31.2%), 3.1 MB/s, 9 s left"),
        (Progress(0, 41_000_000, 40_000_000, 10), "41.0 of 40.0 MB (100.0%), 4.1 MB/s, 0 s left"),
    ],
)
def test_lines_of_bytes(progress: Progress, text: str) -> None:
    assert bytes_line(progress) == text


@pytest.mark.parametrize(
    "number, text",
    [
        (0, "[....] 0.0%"),
        (24, "[....] 24.0%, 3 s left"),
        (25, "[#...] 25.0%, 3 s left"),
        (99, "[###.] 99.0%, 0 s left"),
        (100, "[####] 100.0%, 0 s left"),
    ],
)
def test_bars(number: int, text: str) -> None:
    assert bar(Progress(0, number, 100, 1), width=4) == text


def shown(is_terminal: bool, steps: list[tuple[int, int, float]]) -> str:
    stream = StringIO()
    display = Display("TargetA", Console(stream, is_terminal))
    for number, target, now in steps:
        display.update(number, target, now)
    return stream.getvalue()


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_few_blocks_are_not_worth_a_line(is_terminal: bool) -> None:
    assert shown(is_terminal, [(0, WORTH_SHOWING - 1, 0), (WORTH_SHOWING - 1, WORTH_SHOWING - 1, 60)]) == ""


def test_logs_get_a_line_now_and_then() -> None:
    steps = [(0, 1000, 0.0), (100, 1000, LINE_PAUSE / 2), (200, 1000, LINE_PAUSE), (1000, 1000, LINE_PAUSE + 1)]
    text = shown(False, steps)
    assert [line.split(" (")[0] for line in text.splitlines()] == [
        "[TargetA] block 0 of 1,000",
        "[TargetA] block 200 of 1,000",
        "[TargetA] block 1,000 of 1,000",
    ]
    assert text.endswith("\n") and "\r" not in text


def test_terminals_get_one_line_that_changes() -> None:
    text = shown(True, [(0, 1000, 0.0), (500, 1000, 1.0), (1000, 1000, 2.0), (1001, 1001, 3.0)])
    assert text.split(CLEAR) == [
        "",
        "[TargetA] [....................] 0.0%",
        "[TargetA] [##########..........] 50.0%, 1 s left",
        "[TargetA] block 1,000 of 1,000 (100.0%), 500 blocks/s, 0 s left\n",
    ]


def test_the_second_time_begins_anew() -> None:
    text = shown(False, [(0, 1000, 0), (1000, 1000, 1), (1000, 3000, 100), (3000, 3000, 102)])
    assert text.splitlines()[-1] == "[TargetA] block 3,000 of 3,000 (100.0%), 1,000 blocks/s, 0 s left"
