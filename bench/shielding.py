"""How often per second this machine can decipher a shielded call, if it does nothing else.

The bound of every design that takes RSA-3072 messages: one private-key operation per call. All cores work on it,
in threads, for the operation runs without the interpreter lock.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

from integritee.crypto import ShieldingKey

CALL_BYTES = 180
"""About the size of a signed transfer: one block of RSA."""


def decrypts_per_second(seconds: float) -> float:
    """Rate of `ShieldingKey.decrypt` on all cores."""
    key = ShieldingKey.generate()
    message = key.public.encrypt(bytes(CALL_BYTES))
    cores = os.cpu_count() or 1

    def work(deadline: float) -> int:
        done = 0
        while time.perf_counter() < deadline:
            key.decrypt(message)
            done += 1
        return done

    with ThreadPoolExecutor(cores) as threads:
        start = time.perf_counter()
        counts = list(threads.map(work, [start + seconds] * cores))
        return sum(counts) / (time.perf_counter() - start)
