"""Standard output: lines for people and scripts and, on a terminal, one below them that shows what is under way."""

from __future__ import annotations

import shutil
from typing import Final, TextIO

CLEAR: Final = "\r\x1b[K"
"""To the start of the line, and nothing on it."""

GAP: Final = "  "


class Console:
    """Writes to `stream`. Without a terminal only lines are written."""

    def __init__(self, stream: TextIO, is_terminal: bool | None = None) -> None:
        self._stream = stream
        self.is_terminal = stream.isatty() if is_terminal is None else is_terminal
        self._under_way: dict[str, str] = {}

    def say(self, text: str) -> None:
        """A line that stays."""
        self._write(f"{CLEAR}{text}\n{self._status()}" if self._under_way else f"{text}\n")

    def show(self, name: str, text: str | None) -> None:
        """What is under way with `name`, in place of what was; None when it is over. On a terminal only."""
        if not self.is_terminal:
            return
        if text is None:
            self._under_way.pop(name, None)
        else:
            self._under_way[name] = text
        self._write(CLEAR + self._status())

    def _status(self) -> str:
        """On one line: a longer one could not be taken back."""
        text = GAP.join(f"[{name}] {text}" for name, text in self._under_way.items())
        return text[: shutil.get_terminal_size().columns - 1]

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
