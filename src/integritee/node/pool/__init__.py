"""The transaction pool: `pool` is the machine, `graph` its order, `status` and `errors` what clients hear."""

from .errors import PoolError
from .pool import PoolChain, PoolLimits, PoolUsage, TransactionPool
from .status import TransactionStatus, Watcher

__all__ = [
    "PoolChain",
    "PoolError",
    "PoolLimits",
    "PoolUsage",
    "TransactionPool",
    "TransactionStatus",
    "Watcher",
]
