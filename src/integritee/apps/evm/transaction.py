"""What the EVM is asked to do, where, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from .journal import AccountChange

CHAIN_ID: Final = 42
BASE_FEE: Final = 1
"""Base units of the native token per gas; burned."""

BLOCK_GAS_LIMIT: Final = 15_000_000
"""Most gas that one call may ask for."""

MAX_STEPS: Final = 500_000
"""Instructions that one call may take. Gas alone would grant it many seconds of the enclave's time."""

FRAME_STEPS: Final = 40
"""Steps that count for opening a frame (CALL, CREATE …) beside its instructions."""

COPIED_BYTES_PER_STEP: Final = 1024
"""Bytes read out of memory at once that count as a step: call data, init code, output, what is hashed or logged."""

ANALYSED_BYTES_PER_STEP: Final = 16
"""Bytes of a frame's code that count as a step when it jumps for the first time."""

ZERO_ADDRESS: Final = bytes(20)

Precompile: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True)
class Transaction:
    """A call of `target`, or the creation of a contract if that is None: at a `salt`, if given, as by CREATE2.

    Amounts in base units; `max_fee` and `priority_fee` per gas. `nonce` None means the next. `access_list` holds
    addresses and slots that are to be warm from the start (EIP-2930).
    """

    source: bytes
    target: bytes | None
    data: bytes
    value: int
    gas_limit: int
    max_fee: int = BASE_FEE
    priority_fee: int | None = None
    nonce: int | None = None
    access_list: tuple[tuple[bytes, tuple[int, ...]], ...] = ()
    salt: bytes | None = None


@dataclass(frozen=True)
class Surroundings:
    """What contracts can learn of the block they run in. There are no precompiled contracts in the ledger."""

    number: int
    timestamp: int
    """Unix seconds."""
    base_fee: int = BASE_FEE
    gas_limit: int = BLOCK_GAS_LIMIT
    chain_id: int = CHAIN_ID
    coinbase: bytes = ZERO_ADDRESS
    difficulty: int = 0
    block_hashes: tuple[bytes, ...] = ()
    """Of the blocks before, latest first; what is not here reads as zero."""
    max_steps: int = MAX_STEPS
    precompiles: Mapping[bytes, Precompile] = field(default_factory=dict)


@dataclass(frozen=True)
class Log:
    """An event of a contract."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True)
class Receipt:
    """What came of a transaction that was valid. Of one that failed, `changes` hold no more than gas and nonce."""

    gas_used: int
    fee: int
    """Base units paid for gas, the tip included."""
    tip: int
    output: bytes
    created: bytes | None
    logs: tuple[Log, ...]
    changes: tuple[AccountChange, ...]
    failure: Exception | None = None
