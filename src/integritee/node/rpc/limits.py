"""Every bound of the node's JSON-RPC. What a caller may occupy follows from this page.

Values of sc-rpc-server and sc-cli where they have one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_REQUEST_BYTES: Final = 15 * 1024 * 1024
"""Longest message that is looked at (``--rpc-max-request-size``)."""

MAX_RESPONSE_BYTES: Final = 15 * 1024 * 1024
"""Longest reply to one message; a longer one is replaced by an error (``--rpc-max-response-size``)."""

MAX_BATCH: Final = 1024
"""Calls of one batch."""

MAX_NESTING: Final = 128
"""Levels of arrays and objects in one message (the limit of serde_json)."""

MAX_SUBSCRIPTIONS: Final = 1024
"""Open subscriptions of one connection (``--rpc-max-subscriptions-per-connection``)."""

MAX_KEYS_PAGE: Final = 1000
"""Keys that `state_getKeysPaged` returns at once."""

MAX_STORAGE_KEYS: Final = 4096
"""Keys one storage query, proof or subscription may name."""

MAX_BLOCK_NUMBERS: Final = 4096
"""Numbers one `chain_getBlockHash` may ask for."""

MAX_QUERY_BLOCKS: Final = 1024
"""Blocks one `state_queryStorage` may span."""

MAX_REMOVED_EXTRINSICS: Final = 4096
"""Extrinsics one `author_removeExtrinsic` may name."""


MAX_STORAGE_CHANGES: Final = 16_384
"""Values one `dev_setStorage` may change."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Bounds of the server. Sizes in bytes, times in seconds."""

    connections: int = 100
    """Sockets served at the same time (``--rpc-max-connections``); further ones are told 429 and closed."""

    outgoing_bytes: int = 2 * MAX_RESPONSE_BYTES
    """Bytes waiting for a client that does not read, above which it is dropped."""

    resume_bytes: int = 64 * 1024
    """While more than this waits for a client, its next request is not looked at."""

    ping_seconds: float = 30.0
    """Between signs of life asked of a silent client; one that gives none for half of that is dropped."""

    close_seconds: float = 0.3
    """Time for clients to take note when the server stops."""
