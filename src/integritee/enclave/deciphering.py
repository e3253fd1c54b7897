"""Whose submissions are deciphered next: RSA takes a core for about a millisecond each, so it is what floods aim at.

Submissions wait in fair order for the decipherers, however many a caller has sent. A caller whose submissions turn
out undecipherable is refused before any work is done, once it has had enough of these.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

from .decipherers import Decipherers, Plain, Result
from .errors import Undecipherable
from .fair_queue import FairQueue
from .rpc.caller import NOBODY
from .rpc.errors import RateExceeded, ServerBusy
from .rpc.limits import MAX_OFFENDERS, MAX_WAITING_TO_BE_DECIPHERED, UNDECIPHERABLE, UNDECIPHERABLE_PER_SECOND
from .rpc.rate import TokenBucket

WHAT: Final = "undecipherable submissions"

MAX_TOGETHER: Final = 4
"""Decryptions for which a decipherer is woken once."""

WAITING_EACH: Final = 3
"""Submissions that wait, for each that goes into a batch, by decipherer."""

Batch: TypeAlias = "list[tuple[bytes, asyncio.Future[Plain]]]"


class Deciphering:
    """Turns of those who decipher. Callers are plain numbers; `clock` in seconds.

    Waking a decipherer and being woken by it takes a tenth of a decryption, so several go together under load: the
    more wait, the more, for newcomers wait for those that have begun.
    """

    def __init__(self, decipherers: Decipherers, clock: Callable[[], float]) -> None:
        self._decipherers, self._clock = decipherers, clock
        self._under_way = 0
        self._waiting: FairQueue[int, tuple[bytes, asyncio.Future[Plain]]] = FairQueue()
        self._offenders: OrderedDict[int, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        """Submissions that wait for a decipherer."""
        return len(self._waiting)

    async def decipher(self, caller: int, cyphertext: bytes) -> bytes:
        """What a caller has submitted. Raises Undecipherable, RateExceeded, ServerBusy,
        DecipheringInterrupted."""
        bucket = self._offenders.get(caller)
        if bucket is not None and (wait := bucket.wait(1, self._clock())):
            raise RateExceeded(WHAT, math.ceil(wait * 1000))
        if len(self._waiting) >= MAX_WAITING_TO_BE_DECIPHERED:
            raise ServerBusy(MAX_WAITING_TO_BE_DECIPHERED)
        answer: asyncio.Future[Plain] = asyncio.get_running_loop().create_future()
        self._waiting.push(caller, (cyphertext, answer))
        self._give_turns()
        plain = await answer
        if plain is None:
            if caller != NOBODY:
                self._note_offence(caller)
            raise Undecipherable
        return plain

    def _give_turns(self) -> None:
        while self._under_way < self._decipherers.at_a_time and (batch := self._next_batch()):
            self._under_way += 1
            cyphertexts = [cyphertext for cyphertext, _ in batch]
            self._decipherers.start(cyphertexts, partial(self._done, batch), is_calm=not self._waiting)

    def _next_batch(self) -> Batch:
        """Those whose turn it is: their share of what waits, so that none idles while another has several.

        They are one caller's as far as it has as many: it is answered in one piece then.
        """
        size = min(max(len(self._waiting) // (WAITING_EACH * self._decipherers.at_a_time), 1), MAX_TOGETHER)
        batch: Batch = []
        while self._waiting and len(batch) < size:
            item = self._waiting.pop_again() if batch else self._waiting.pop()
            if not item[1].done():  # who was cancelled waits no more
                batch.append(item)
        return batch

    def _done(self, batch: Batch, result: Result) -> None:
        self._under_way -= 1
        self._give_turns()
        plain = result if isinstance(result, list) else [None] * len(batch)
        for (_, answer), found in zip(batch, plain, strict=True):
            if answer.done():
                continue
            if isinstance(result, list):
                answer.set_result(found)
            elif isinstance(result, asyncio.CancelledError):
                answer.cancel()
            else:
                answer.set_exception(result)

    def _note_offence(self, caller: int) -> None:
        bucket = self._offenders.pop(caller, None) or TokenBucket(UNDECIPHERABLE_PER_SECOND, UNDECIPHERABLE)
        self._offenders[caller] = bucket
        bucket.take(1, self._clock())
        if len(self._offenders) > MAX_OFFENDERS:
            self._offenders.popitem(last=False)
