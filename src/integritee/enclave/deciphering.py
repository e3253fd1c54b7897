"""Who has submissions deciphered next: RSA takes a core for about a millisecond each, so it is what floods aim at.

Submissions wait in fair order for the threads, however many a caller has sent. A caller whose submissions turn out
undecipherable is refused before any work is done, once it has had enough of these.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Final, TypeAlias

from integritee.crypto import CryptoError

from .errors import Undecipherable
from .fair_queue import FairQueue
from .rpc.caller import NOBODY
from .rpc.errors import RateExceeded, ServerBusy
from .rpc.limits import MAX_OFFENDERS, MAX_WAITING_TO_BE_DECIPHERED, UNDECIPHERABLE, UNDECIPHERABLE_PER_SECOND
from .rpc.rate import TokenBucket

WHAT: Final = "undecipherable submissions"

MAX_TOGETHER: Final = 2
"""Decryptions for which a thread is woken once."""

Answer: TypeAlias = "asyncio.Future[bytes | None]"
"""What was in a cyphertext; None if it could not be told."""

Batch: TypeAlias = list[tuple[bytes, Answer]]


class Deciphering:
    """`decrypt` in the threads of an executor, so many batches at a time. Callers are plain numbers; `clock` in
    seconds.

    Waking a thread and being woken by it takes a tenth of a decryption, so two go together under load, no more,
    for newcomers wait for those that have begun.
    """

    def __init__(
        self, decrypt: Callable[[bytes], bytes], executor: Executor, at_a_time: int, clock: Callable[[], float]
    ) -> None:
        self._decrypt, self._executor, self._clock = decrypt, executor, clock
        self._at_a_time = self._free = at_a_time
        self._waiting: FairQueue[int, tuple[bytes, Answer]] = FairQueue()
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
        if len(self._waiting) >= MAX_WAITING_TO_BE_DECIPHERED:
            raise ServerBusy(MAX_WAITING_TO_BE_DECIPHERED)
        answer: Answer = asyncio.get_running_loop().create_future()
        self._waiting.push(caller, (cyphertext, answer))
        self._give_turns()
        plain = await answer
        if plain is None:
            if caller != NOBODY:
                self._note_offence(caller)
            raise Undecipherable
        return plain

    def _give_turns(self) -> None:
        while self._free and (batch := self._next_batch()):
            self._free -= 1
            self._start(batch)

    def _start(self, batch: Batch) -> None:
        loop = asyncio.get_running_loop()

        def report(work: Future[list[bytes | None]]) -> None:
            loop.call_soon_threadsafe(self._done, batch, work)

        work = self._executor.submit(self._decrypt_all, [cyphertext for cyphertext, _ in batch])
        work.add_done_callback(report)

    def _next_batch(self) -> Batch:
        """Those whose turn it is: their share of what waits, so that no thread idles while another has several."""
        size = min(max(len(self._waiting) // self._at_a_time, 1), MAX_TOGETHER)
        batch: Batch = []
        while self._waiting and len(batch) < size:
            item = self._waiting.pop()
            if not item[1].done():  # who was cancelled waits no more
                batch.append(item)
        return batch

    def _decrypt_all(self, cyphertexts: list[bytes]) -> list[bytes | None]:
        """In a thread."""
        return [self._decrypted(cyphertext) for cyphertext in cyphertexts]

    def _decrypted(self, cyphertext: bytes) -> bytes | None:
        try:
            return self._decrypt(cyphertext)
        except CryptoError:
            return None

    def _done(self, batch: Batch, work: Future[list[bytes | None]]) -> None:
        self._free += 1
        self._give_turns()
        waiting = [answer for _, answer in batch if not answer.done()]
        if work.cancelled():  # the threads are stopped
            for answer in waiting:
                answer.cancel()
        elif (defect := work.exception()) is not None:
            for answer in waiting:
                answer.set_exception(defect)
        else:
            for (_, answer), plain in zip(batch, work.result(), strict=True):
                if not answer.done():
                    answer.set_result(plain)

    def _note_offence(self, caller: int) -> None:
        bucket = self._offenders.pop(caller, None) or TokenBucket(UNDECIPHERABLE_PER_SECOND, UNDECIPHERABLE)
        self._offenders[caller] = bucket
        bucket.take(1, self._clock())
        if len(self._offenders) > MAX_OFFENDERS:
            self._offenders.popitem(last=False)
