"""What an empty sidechain block costs, by number of accounts in the ledger.

In process, without disk and sockets: build on the state, commit, root, encrypt, sign. Cost must follow the change,
not the state.
"""

from __future__ import annotations

import gc
import os
import statistics
import time

from integritee.apps.catalog import DEFAULT_LEDGER as LEDGER
from integritee.crypto import Ed25519Pair, blake2_256
from integritee.enclave.sidechain.author import Assignment, BlockBuilder
from integritee.frame.overlay import Overlay
from integritee.trie import Trie

SIZES = (10, 10_000, 100_000)
ROUNDS = 3000
BALANCE = 10**12


def empty_block_ms() -> dict[int, float]:
    """Median milliseconds by number of accounts. Rounds alternate, so that drifts of the machine hit all alike."""
    states = {size: _state(size) for size in SIZES}
    samples: dict[int, list[float]] = {size: [] for size in SIZES}
    gc.collect()
    gc.freeze()
    for _ in range(ROUNDS):
        for size in SIZES:
            start = time.perf_counter()
            states[size] = _empty_block(states[size])
            samples[size].append((time.perf_counter() - start) * 1000)
    return {size: statistics.median(found) for size, found in samples.items()}


KEYS = Ed25519Pair.from_seed(blake2_256(b"bench"))


def _empty_block(state: Trie) -> Trie:
    assignment = Assignment(
        shard=bytes(32), mrenclave=bytes(32), signing=KEYS, ledger_pair=KEYS, state_key=bytes(32), parent=None
    )
    builder = BlockBuilder(assignment, LEDGER, state, time.time_ns() // 1_000_000, bytes(32))
    builder.begin_calls()
    return builder.seal(time.time_ns() // 1_000_000, os.urandom).state


def _state(accounts: int) -> Trie:
    runtime = LEDGER.runtime(Overlay(Trie.empty()))
    runtime.initialize_genesis(KEYS.public)
    for number in range(accounts):
        runtime.balances.mint(blake2_256(number.to_bytes(8, "little")), BALANCE)
    runtime.system.reset_events()
    state = Trie.from_items({k: v for k, v in runtime.state.changes().items() if v is not None})
    state.root()
    return state
