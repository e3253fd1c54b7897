"""Who has submissions deciphered next: RSA takes a core for about a millisecond each, so it is what floods aim at.

Submissions wait in fair order for the threads, however many a caller has sent. A caller whose submissions turn out
undecipherable is refused before any work is done, once it has had enough of these.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Final

from integritee.crypto import CryptoError

from .errors import Undecipherable
from .fair_queue import FairQueue
from .rpc.caller import NOBODY
from .rpc.errors import RateExceeded, ServerBusy
from .rpc.limits import MAX_OFFENDERS, MAX_WAITING_TO_BE_DECIPHERED, UNDECIPHERABLE, UNDECIPHERABLE_PER_SECOND
from .rpc.rate import TokenBucket

WHAT: Final = "undecipherable submissions"


class Deciphering:
    """`decrypt` in the threads of an executor, so many at a time. Callers are plain numbers; `clock` in seconds."""

    def __init__(
        self, decrypt: Callable[[bytes], bytes], executor: Executor, at_a_time: int, clock: Callable[[], float]
    ) -> None:
        self._decrypt, self._executor, self._clock = decrypt, executor, clock
        self._free = self._at_a_time = at_a_time
        self._waiting: FairQueue[int, asyncio.Future[None]] = FairQueue()
        self._offenders: OrderedDict[int, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        """Submissions that wait for a thread."""
        return len(self._waiting)

    @property
    def is_at_work(self) -> bool:
        """Whether threads have anything to decipher."""
        return self._free < self._at_a_time

    async def decipher(self, caller: int, cyphertext: bytes) -> bytes:
        """What a caller has submitted. Raises Undecipherable, RateExceeded, ServerBusy."""
        bucket = self._offenders.get(caller)
        if bucket is not None and (wait := bucket.wait(1, self._clock())):
            raise RateExceeded(WHAT, math.ceil(wait * 1000))
        await self._turn(caller)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, self._decrypt, cyphertext)
        except CryptoError:
            if caller != NOBODY:
                self._note_offence(caller)
            raise Undecipherable from None
        finally:
            self._leave()

    async def _turn(self, caller: int) -> None:
        if len(self._waiting) >= MAX_WAITING_TO_BE_DECIPHERED:
            raise ServerBusy(MAX_WAITING_TO_BE_DECIPHERED)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.push(caller, turn)
        self._give_turns()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it had its turn already
                self._leave()
            raise

    def _give_turns(self) -> None:
        while self._free and self._waiting:
            turn = self._waiting.pop()
            if not turn.done():
                self._free -= 1
                turn.set_result(None)

    def _leave(self) -> None:
        self._free += 1
        self._give_turns()

    def _note_offence(self, caller: int) -> None:
        bucket = self._offenders.pop(caller, None) or TokenBucket(UNDECIPHERABLE_PER_SECOND, UNDECIPHERABLE)
        self._offenders[caller] = bucket
        bucket.take(1, self._clock())
        if len(self._offenders) > MAX_OFFENDERS:
            self._offenders.popitem(last=False)
