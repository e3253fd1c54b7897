"""How much somebody may ask for: a token bucket. `now` is seconds of a monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """`burst` at once, `per_second` in the long run."""

    burst: float
    per_second: float


class Allowance:
    """What is left of a rate. May be overdrawn by one request, which delays the next ones."""

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate, self._left, self._seen = rate, rate.burst, now

    def wait(self, now: float) -> float:
        """Seconds until something may be taken again; 0 if now."""
        self._refill(now)
        return 0.0 if self._left > 0 else (-self._left + 1) / self._rate.per_second

    def take(self, amount: float, now: float) -> None:
        self._refill(now)
        self._left -= amount

    def _refill(self, now: float) -> None:
        self._left = min(self._left + (now - self._seen) * self._rate.per_second, self._rate.burst)
        self._seen = now
