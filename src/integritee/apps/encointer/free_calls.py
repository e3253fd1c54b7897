"""pallet EncointerFreeCalls: how many calls an account may make without a fee.

An account may make `BURST` calls at once, and one more every `INTERVAL_MS`: the generic cell rate algorithm, with one
number per account. It is all forgotten when a phase begins, so that it does not pile up.
"""

from __future__ import annotations

from typing import Final

from integritee.frame.pallet import Pallet
from integritee.frame.storage_items import Blake2_128Concat, StorageMap
from integritee.primitives.ids import AccountId, Moment

from .errors import TooManyFreeCalls

BURST: Final = 64
INTERVAL_MS: Final = 10_000


class FreeCalls(Pallet):
    """When the calls of each account would be used up at the rate of one every `INTERVAL_MS` (Unix ms)."""

    path = "pallet_encointer_free_calls"

    used_until: StorageMap[Blake2_128Concat[AccountId], Moment]

    def use(self, who: bytes, now: int) -> None:
        """Count a call at Unix time `now` (ms). Raises TooManyFreeCalls."""
        until = max(self.used_until.get(who), now) + INTERVAL_MS
        earliest = until - BURST * INTERVAL_MS
        if now < earliest:
            raise TooManyFreeCalls(BURST, earliest)
        self.used_until.put(who, until)

    def forget(self) -> None:
        self.used_until.clear()
