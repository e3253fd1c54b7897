"""The ledger's own apps: every trusted call and getter that each shard offers, whatever else it runs.

Discriminants, arguments, senders and fees follow the worker's `app-libs/stf` (trusted_call.rs, getter.rs); the
relayed notes follow the clients that speak them (`@encointer/types`). The discriminants stand alone on the wire:
these apps have no index.
"""

from .assets import AssetHoldings
from .balances import NativeToken
from .development import Development
from .maintenance import Maintenance
from .notes import PrivateNotes
from .session_proxies import SessionProxies
from .shard import Shard

NATIVE_APPS = (NativeToken, PrivateNotes, SessionProxies, AssetHoldings, Maintenance, Shard)

__all__ = [
    "NATIVE_APPS",
    "AssetHoldings",
    "Development",
    "Maintenance",
    "NativeToken",
    "PrivateNotes",
    "SessionProxies",
    "Shard",
]
