"""Where runs begin: a shard of n validateers that have found each other, and clients with savings in its ledger.

Getting there takes a while, so it is done once in a process for each n, without faults; runs begin on copies.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

from integritee.enclave.sidechain.slots import SLOT_MS
from integritee.node.runtime.runtime import TEER
from integritee.primitives.sidechain import SignedBlock

from .archive import Archive
from .block_store import BlockStore
from .clients import SAVINGS, SHIELDING_FEE_PART
from .clock import Clock
from .disk import Disk
from .enclave import MRENCLAVE, Enclave
from .errors import LawBroken
from .keys import GOVERNOR, USERS
from .memo import remember
from .network import Network
from .parentchain import BLOCK_MS, START_MS, Parentchain
from .patches import Patches
from .trace import Trace
from .validateer import Surroundings, Validateer

FUNDS: Final = 10_000 * TEER
"""What each enclave's account gets for fees."""

MAX_BLOCKS: Final = 60
"""Parentchain blocks in which a step of the beginning must succeed."""


@dataclass(frozen=True)
class Start:
    """A network at Unix time `now` (ms). `disks` are those of the validateers, `authorities` their accounts in the
    order of the shard's status, `blocks` the chain that all have."""

    now: int
    archive: Archive
    disks: tuple[dict[str, bytes], ...]
    blocks: tuple[SignedBlock, ...]
    vault: bytes
    authorities: tuple[bytes, ...]
    savings: dict[str, int]
    """Of each client, in the ledger."""
    issued: int
    """By the ledger, as far as the vault has to hold it."""


class Beginning:
    """The network while it comes to be."""

    def __init__(self) -> None:
        self.clock = Clock(START_MS)
        self.parentchain = Parentchain()
        self.around = Surroundings(
            self.clock,
            Trace(self.clock),
            Network(self.clock, random.Random(0)),
            self.parentchain,
            lambda validateer, statuses: None,
            lambda validateer: None,
            lambda validateer, signed: None,
            lambda validateer, blocks, after: None,
        )
        self.clock.every(BLOCK_MS, lambda: self.parentchain.produce(self.clock.now))

    def found(self) -> Validateer:
        """The shard's first validateer begins it."""
        first = self._born()
        self._wait("the shard begins", lambda: first.enclave.core.is_running and first.blocks.height > 0)
        return first

    def join(self, first: Validateer) -> None:
        """One more validateer gets keys and state from the first one and takes its place."""
        other = self._born()
        self._wait("a joiner is registered", lambda: other.enclave.awaits_state)
        first.enclave.provision(other.enclave)
        other.blocks.put(first.blocks.chain(), None)
        other.start()
        self._wait("a joiner makes blocks", lambda: self._makes_blocks(other))

    def _born(self) -> Validateer:
        number = len(self.around.validateers)
        dice = random.Random(number)
        validateer = Validateer(self.around, Enclave(number, Disk(), dice, "start"), dice, BlockStore())
        self.around.validateers.append(validateer)
        self.parentchain.transfer(GOVERNOR, validateer.enclave.account, FUNDS, self.clock.now)
        validateer.is_provisioned = False
        validateer.begin()
        return validateer

    def _makes_blocks(self, validateer: Validateer) -> bool:
        latest = validateer.blocks[validateer.blocks.height].block.block_data
        return latest.block_author == validateer.enclave.account

    def save(self, vault: bytes) -> None:
        """Clients shield what they will spend."""
        for pair in USERS.values():
            amount = SAVINGS * SHIELDING_FEE_PART // (SHIELDING_FEE_PART - 1) + TEER
            self.parentchain.transfer(pair, vault, amount, self.clock.now)
        validateers = self.around.validateers

        def have_all() -> bool:
            return all(
                validateer.enclave.shown.balances.free(pair.public) >= SAVINGS
                for validateer in validateers
                for pair in USERS.values()
            )

        self._wait("clients have savings", have_all)

    def _wait(self, what: str, happened: Callable[[], bool]) -> None:
        for _ in range(MAX_BLOCKS * BLOCK_MS // 1000):
            if happened():
                return
            self.clock.run(1000)
        phases = ", ".join(f"{v} {v.enclave.phase}" for v in self.around.validateers)
        raise LawBroken("without faults a network begins", f"{what}: {phases}")

    def _is_one(self) -> bool:
        return len({validateer.enclave.head_hash for validateer in self.around.validateers}) == 1

    def agree(self) -> None:
        """All have the same latest block, and nothing is under way."""
        self.clock.run(4 * BLOCK_MS + SLOT_MS // 2)  # between slots nothing is under way
        self._wait("all agree", self._is_one)


@cache
def start(validateers: int) -> Start:
    """The beginning of every run of so many validateers."""
    with Patches() as patches:
        remember(patches)
        return _begin(Beginning(), validateers)


def _begin(beginning: Beginning, validateers: int) -> Start:
    first = beginning.found()
    vault = first.enclave.core.keys.vault(MRENCLAVE).public
    for _ in range(1, validateers):
        beginning.join(first)
    beginning.save(vault)
    beginning.agree()
    for validateer in beginning.around.validateers:
        validateer.enclave.save_snapshot()  # restarts need not go through the beginning again
    runtime = first.enclave.shown
    return Start(
        beginning.clock.now,
        beginning.parentchain.archive.copy(),
        tuple(validateer.enclave.disk.contents() for validateer in beginning.around.validateers),
        tuple(first.blocks.chain()),
        vault,
        tuple(beginning.parentchain.authorities(MRENCLAVE)),
        {name: runtime.balances.free(pair.public) for name, pair in USERS.items()},
        runtime.balances.total_issuance.get() - runtime.shard_management.unbacked.get(),
    )
