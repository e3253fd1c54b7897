"""How far something long is, for people: a bar on a terminal, a line now and then in a log.

What is long is catching up with a chain, in blocks, and receiving a shard's state, in bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .console import Console

WORTH_SHOWING: Final = 200
"""Blocks to catch up from which on progress is shown."""

WORTH_SHOWING_BYTES: Final = 1_000_000
"""Bytes to receive from which on progress is shown."""

BAR_WIDTH: Final = 20
BAR_PAUSE: Final = 0.1
"""Seconds between two states of the bar."""

LINE_PAUSE: Final = 10.0
"""Seconds between two lines where there is no terminal."""


@dataclass(frozen=True)
class Progress:
    """Blocks or bytes `first` to `target` are wanted; `number` is the latest there is, `seconds` after the first."""

    first: int
    number: int
    target: int
    seconds: float

    @property
    def share(self) -> float:
        """0 to 1."""
        wanted = self.target - self.first
        return 1.0 if wanted <= 0 else min(max((self.number - self.first) / wanted, 0.0), 1.0)

    @property
    def rate(self) -> float:
        """A second."""
        return (self.number - self.first) / self.seconds if self.seconds > 0 else 0.0

    @property
    def left(self) -> float | None:
        """Seconds to the end at this rate; None as long as there is none."""
        return max(self.target - self.number, 0) / self.rate if self.rate > 0 else None


def duration(seconds: float) -> str:
    """``7 s``, ``4 min 05 s``, ``3 h 20 min``."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def line(progress: Progress) -> str:
    """``block 1,500 of 6,000 (25.0 %), 750 blocks/s, 6 s left``."""
    text = f"block {progress.number:,} of {progress.target:,} ({progress.share:.1%}), {progress.rate:,.0f} blocks/s"
    return text if progress.left is None else f"{text}, {duration(progress.left)} left"


def bytes_line(progress: Progress) -> str:
    """``12.5 of 40.0 MB (31.3%), 3.2 MB/s, 9 s left``."""
    done, target, rate = (amount / 1e6 for amount in (progress.number, progress.target, progress.rate))
    text = f"{done:,.1f} of {target:,.1f} MB ({progress.share:.1%}), {rate:,.1f} MB/s"
    return text if progress.left is None else f"{text}, {duration(progress.left)} left"


def bar(progress: Progress, width: int = BAR_WIDTH) -> str:
    """``[#####...............] 25.0%, 6 s left``: `width` characters and a few words."""
    full = int(progress.share * width)
    text = f"[{'#' * full}{'.' * (width - full)}] {progress.share:.1%}"
    return text if progress.left is None else f"{text}, {duration(progress.left)} left"


class Display:
    """Shows the progress of `name`, such as a chain, if at least `worth` is to come, in lines that `describe` makes.

    `now` is seconds of a monotonic clock."""

    def __init__(
        self,
        name: str,
        console: Console,
        describe: Callable[[Progress], str] = line,
        worth: int = WORTH_SHOWING,
    ) -> None:
        self._name, self._console, self._describe, self._worth = name, console, describe, worth
        self._pause = BAR_PAUSE if console.is_terminal else LINE_PAUSE
        self._first: int | None = None
        self._began = self._shown = 0.0

    def update(self, number: int, target: int, now: float) -> None:
        """`number` of `target` is done: blocks up to a finalized head, bytes of a state."""
        if self._first is None:
            if target - number < self._worth:
                return
            self._first, self._began, self._shown = number, now, float("-inf")
        is_done = number >= target
        if is_done or now - self._shown >= self._pause:
            self._shown = now
            self._show(Progress(self._first, number, target, now - self._began), is_done)
        if is_done:
            self._first = None

    def _show(self, progress: Progress, is_done: bool) -> None:
        self._console.show(self._name, None if is_done else bar(progress))
        if is_done or not self._console.is_terminal:
            self._console.say(f"[{self._name}] {self._describe(progress)}")
