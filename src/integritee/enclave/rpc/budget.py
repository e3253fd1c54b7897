"""What all clients together make the server hold, and who has to go when that is too much."""

from __future__ import annotations


class Budget:
    """Counts bytes: of messages on their way in, being worked on, and on their way out.

    While more than `total` are held, whoever makes it more and holds more than `spared` itself is to be dropped.
    Those with an ordinary request stay: together they fit.
    """

    __slots__ = ("_spared", "held", "total")

    def __init__(self, total: int, spared: int) -> None:
        self.total, self._spared = total, spared
        self.held = 0
        """Bytes, all clients together."""

    def change(self, before: int, after: int) -> bool:
        """A client holds `after` bytes where it held `before`; whether it may."""
        self.held += after - before
        return after <= before or after <= self._spared or self.held <= self.total
