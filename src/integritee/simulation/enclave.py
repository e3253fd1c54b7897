"""One validateer's enclave as its host and its users meet it, on a disk that can fail. All contact with the core is
here.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from integritee.apps.catalog import DEFAULT_LEDGER as LEDGER
from integritee.boundary.messages import ImportBlocks, ParentchainBlock, ParentchainParams, SyncState
from integritee.crypto import KeyPair, blake2_256
from integritee.enclave.bootstrap import Wishes, recover
from integritee.enclave.core import EnclaveCore
from integritee.enclave.keys import SHIELDING_LABEL, SIGNING_LABEL
from integritee.enclave.parentchain.onboarding import Phase
from integritee.enclave.pool.gossip import OperationGossip
from integritee.enclave.replica import Effects
from integritee.enclave.sidechain.production import Production
from integritee.enclave.sidechain.slots import Slot
from integritee.enclave.store import SealedStore, StoreError
from integritee.errors import IntegriteeError
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import SignedBlock
from integritee.stf.operation import DirectCall, TrustedCallSigned, TrustedOperation
from integritee.stf.runtime import LedgerRuntime

from .disk import Disk, PowerFailure
from .keys import pair, seed, shielding_secret
from .provisioning import provision

MRENCLAVE: Final = blake2_256(b"integritee/simulation/code")
SEAL_KEY: Final = blake2_256(b"integritee/simulation/seal")
KIND: Final = 1
BATCH: Final = 8
"""Calls executed between two looks at the time; there is always enough of it."""


class EnclaveDown(Exception):
    """The enclave's process is gone."""


def seeded_random(seed: str) -> Callable[[int], bytes]:
    """Randomness of an enclave: never the same bytes twice, always the same sequence."""
    drawn = 0

    def draw(size: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return hashlib.shake_128(f"{seed}/{drawn}".encode()).digest(size)

    return draw


class Enclave:
    """The enclave of validateer `number`, from start to start. `act` is given what it lets out."""

    def __init__(self, number: int, disk: Disk, dice: random.Random, seeded: str) -> None:
        self.number, self.disk = number, disk
        self.signing = pair(self._name)
        self.act: Callable[[Effects], None] = lambda effects: None
        self.starts = 0
        self._dice, self._random = dice, seeded_random(f"{seeded}/{number}")
        self._core: EnclaveCore | None = None
        self._store: SealedStore
        self._gossip: OperationGossip

    # -- its life ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start on what the disk holds. Raises EnclaveDown if that ends badly."""
        self.starts += 1
        with self._power():
            self._store, stored = SealedStore.open(self.disk, SEAL_KEY, KIND, random=self._random)
            if self._store.get_secret(SHIELDING_LABEL) is None:
                self._store.put_secret(SIGNING_LABEL, seed(self._name))
                self._store.put_secret(SHIELDING_LABEL, shielding_secret())
            wishes = Wishes(f"wss://validateer-{self.number}")
            self._core = core = recover(self._store, stored, MRENCLAVE, wishes, LEDGER, self._random)
            self._gossip = OperationGossip(core.keys.state, core.config.shard, self.account, self._random)

    @property
    def _name(self) -> str:
        return f"validateer {self.number}"

    def crash(self) -> None:
        """Its process ends; the machine loses power, too."""
        self._core = None
        self.disk.reboot(self._dice)

    @property
    def is_up(self) -> bool:
        return self._core is not None

    @property
    def core(self) -> EnclaveCore:
        """Raises EnclaveDown."""
        if self._core is None:
            raise EnclaveDown
        return self._core

    @contextmanager
    def _power(self) -> Iterator[None]:
        """What goes wrong with the disk ends the process: who cannot write must not act. Raises EnclaveDown."""
        try:
            yield
        except (PowerFailure, StoreError):
            self.crash()
            raise EnclaveDown from None

    def provision(self, other: Enclave) -> None:
        """Hand keys and state to another enclave, which has to be started again.

        Raises EnclaveDown if the other's disk fails, and what refuses one end or the other.
        """
        with other._power():
            provision(self.core, other.core, self._random)
        other.crash()

    def release(self, effects: Effects) -> None:
        """What the driver does: sync, then act."""
        if self._store.sequence > self._store.synced:
            self._store.sync()
        self.core.show_durable()
        self.act(effects)

    def save_snapshot(self) -> None:
        """As the driver does beside the slots. Raises EnclaveDown."""
        with self._power():
            if self.core.is_running and self._store.sequence:
                self._store.snapshot(self.core.state.items(), self.core.snapshot_meta())

    # -- the host's side -----------------------------------------------------------------------------

    def connect(self, params: ParentchainParams) -> None:
        with self._power():
            self.core.connect(params)

    def sync_state(self) -> SyncState:
        return self.core.sync_state()

    def import_parentchain(self, blocks: list[ParentchainBlock], now: int) -> None:
        with self._power():
            self.release(self.core.import_blocks(ImportBlocks(ParentchainId.Integritee, blocks), now))

    def receive_blocks(self, blocks: list[SignedBlock], now: int) -> None:
        with self._power():
            self.release(self.core.receive_blocks(blocks, now))

    def hear_all(self, now: int, *, nobody_answered: bool) -> None:
        """Peers have no more blocks, as far as they answered."""
        with self._power():
            self.release(self.core.receive_blocks([], now, True, nobody_answered))

    def receive_operations(self, sealed: bytes, now: int) -> None:
        """Admit what another enclave did, call by call. Raises GossipError."""
        for plain in self._gossip.open(sealed, now):
            with suppress(IntegriteeError):  # it is done already
                if blake2_256(plain) not in self.core.pool:
                    self.core.admit(plain, now)

    def sealed_operations(self, now: int) -> bytes | None:
        """Calls for the other enclaves, if any are due."""
        return self._gossip.batch(now)

    def serve_slot(self, slot: Slot, now: int) -> None:
        """Do what is due in a slot, and make its block if it is ours."""
        with self._power():
            self.release(self.core.tick(now))
            production = self.core.begin_slot(slot, now)
            if production is not None:
                self.release(self.core.finish_slot(self._executed(production), now + 1))

    def _executed(self, production: Production) -> Production:
        while production.step(BATCH):
            pass
        return production

    # -- the users' side -----------------------------------------------------------------------------

    def sign(self, who: KeyPair, nonce: int, name: str, *args: object) -> TrustedCallSigned:
        return LEDGER.sign_call(LEDGER.call(name, who.public, *args), nonce, who, MRENCLAVE, MRENCLAVE)

    def submit(self, signed: TrustedCallSigned, now: int) -> None:
        """Admit a call as the trusted RPC does after deciphering. Raises what that answers, and EnclaveDown."""
        plain = LEDGER.codec(TrustedOperation).encode(DirectCall(signed))
        self.core.admit(plain, now)
        self._gossip.add(plain, now)

    @property
    def shown(self) -> LedgerRuntime:
        """The ledger as getters show it."""
        return self.core.view.runtime

    # -- what laws read ------------------------------------------------------------------------------

    @property
    def account(self) -> bytes:
        """On the parentchain, and as author of blocks."""
        return self.signing.public

    @property
    def halted(self) -> IntegriteeError | None:
        return self.core.halted

    @property
    def phase(self) -> str:
        return self.core.shown_phase if self.is_up else "down"

    @property
    def awaits_state(self) -> bool:
        """Whether only another enclave's state can help it."""
        return self.core.phase is Phase.AWAITING_STATE

    @property
    def head_hash(self) -> bytes:
        """Of the latest block; zeros before the first."""
        return self.core.head.hash() if self.core.head else bytes(32)

    @property
    def head_number(self) -> int:
        return self.core.head.block_number if self.core.head else 0

    @property
    def untold(self) -> list[SignedBlock]:
        """Right behind a start: blocks of the chain, oldest first, that a crash may have kept from the host."""
        return self.core.replica.blocks_to_repeat()

    @property
    def state_root(self) -> bytes:
        return self.core.state.root()


def top_hash(signed: TrustedCallSigned) -> bytes:
    """By which a call that came over the trusted RPC is known."""
    return LEDGER.top_hash(DirectCall(signed))
