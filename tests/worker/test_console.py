"""Lines and the one below them."""

from __future__ import annotations

from io import StringIO

import pytest

from integritee.worker.console import CLEAR, Console


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    monkeypatch.setenv("COLUMNS", "40")
    return StringIO()


@pytest.mark.parametrize("is_terminal", [False, True])
def test_lines(is_terminal: bool, stream: StringIO) -> None:
    console = Console(stream, is_terminal)
    console.say("READY")
    console.say("steady")
    assert stream.getvalue() == "READY\nsteady\n"


def test_nothing_but_lines_without_a_terminal(stream: StringIO) -> None:
    console = Console(stream)
    console.show("A", "half")
    console.say("line")
    console.show("A", None)
    assert stream.getvalue() == "line\n"


def test_lines_go_above_what_is_under_way(stream: StringIO) -> None:
    console = Console(stream, is_terminal=True)
    console.show("A", "half")
    console.say("line")
    console.show("B", "begun")
    console.show("A", None)
    console.show("B", None)
    console.say("end")
    assert stream.getvalue().split(CLEAR) == [
        "",
        "[A] half",
        "line\n[A] half",
        "[A] half  [B] begun",
        "[B] begun",
        "end\n",
    ]


def test_it_fits_on_the_line(stream: StringIO) -> None:
    console = Console(stream, is_terminal=True)
    for name in "ABC":
        console.show(name, "#" * 20)
    assert max(len(text) for text in stream.getvalue().split(CLEAR)) == 39
