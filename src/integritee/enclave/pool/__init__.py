"""The pool of trusted operations (TOPs) that wait for a sidechain block."""

from .entry import Origin, PoolEntry, PoolLimits, StatusChanged
from .errors import (
    AlreadyImported,
    Evicted,
    Expired,
    LimitReached,
    NonceTooFar,
    PoolError,
    RefusedElsewhere,
    Replaced,
    StaleNonce,
    TemporarilyBanned,
    TooLarge,
    TooLowPriority,
)
from .pool import TopPool

__all__ = [
    "AlreadyImported",
    "Evicted",
    "Expired",
    "LimitReached",
    "NonceTooFar",
    "Origin",
    "PoolEntry",
    "PoolError",
    "PoolLimits",
    "RefusedElsewhere",
    "Replaced",
    "StaleNonce",
    "StatusChanged",
    "TemporarilyBanned",
    "TooLarge",
    "TooLowPriority",
    "TopPool",
]
