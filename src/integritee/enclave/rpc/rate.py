"""How much a caller may ask for per second, without a clock."""

from __future__ import annotations


class TokenBucket:
    """Up to `burst` tokens at once and `rate` per second in the long run; full at first.

    `now` is in seconds on any clock; if it goes back, no tokens are gained.
    """

    __slots__ = ("_burst", "_filled_at", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst, self._tokens = rate, burst, burst
        self._filled_at: float | None = None

    def take(self, tokens: float, now: float) -> float:
        """Take tokens, and 0; or, if there are too few, take none, and how many seconds it takes to have them.

        More than `burst` cost as much as `burst`.
        """
        wait = self.wait(tokens, now)
        if not wait:
            self._tokens -= min(tokens, self._burst)
        return wait

    def spend(self, tokens: float, now: float, most_owed: float) -> None:
        """Take tokens although there may be too few: then up to `most_owed` are owed, and made before any others.
        Fewer than none are given back."""
        self.wait(0, now)
        self._tokens = min(max(self._tokens - tokens, -most_owed), self._burst)

    def wait(self, tokens: float, now: float) -> float:
        """As `take`, but nothing is taken."""
        passed = 0.0 if self._filled_at is None else max(now - self._filled_at, 0.0)
        self._tokens = min(self._tokens + passed * self._rate, self._burst)
        self._filled_at = now
        return max(min(tokens, self._burst) - self._tokens, 0.0) / self._rate
