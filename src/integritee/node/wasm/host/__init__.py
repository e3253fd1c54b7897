"""The host functions of Substrate's runtimes, by what they are about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..interface import HostFunction
from .child_storage import child_storage
from .crypto import crypto
from .hashing import hashing
from .heap import allocator
from .messages import logging, misc, panic_handler
from .storage import storage
from .trie import trie
from .without_effect import offchain_index, transaction_index, wasm_tracing

INTERFACES: Final = (
    storage,
    child_storage,
    trie,
    misc,
    crypto,
    hashing,
    offchain_index,
    allocator,
    panic_handler,
    logging,
    transaction_index,
    wasm_tracing,
)

HOST_FUNCTIONS: Final[Mapping[str, HostFunction]] = {
    name: function for interface in INTERFACES for name, function in interface.functions.items()
}
"""By import name, ``ext_<interface>_<function>_version_<n>``."""
