"""How often per second this machine can verify the signature of a call, if it does nothing else.

The bound of every design whose calls are signed with sr25519. All cores work on it, in processes, for the operation
keeps the interpreter lock.
"""

from __future__ import annotations

import os
import time
from multiprocessing import get_context

from integritee.crypto import Sr25519Pair, verify_sr25519

CALL_BYTES = 150
"""About the size of what a transfer's signature covers."""


def verifies_per_second(seconds: float) -> float:
    """Rate of `verify_sr25519` on all cores."""
    cores = os.cpu_count() or 1
    with get_context("spawn").Pool(cores) as processes:
        return sum(processes.map(_rate, [seconds] * cores, chunksize=1))


def _rate(seconds: float) -> float:
    pair = Sr25519Pair.from_uri("//Alice")
    message = bytes(CALL_BYTES)
    signature = pair.sign(message)
    begun, done = time.perf_counter(), 0
    while (spent := time.perf_counter() - begun) < seconds:
        assert verify_sr25519(signature, message, pair.public)
        done += 1
    return done / spent
