"""The enclave as its host and its users meet it, on a disk that can lose power. All contact with the core is here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from unittest.mock import patch

from integritee.apps.catalog import DEFAULT_LEDGER as LEDGER
from integritee.boundary.messages import (
    ImportBlocks,
    ParentchainBlock,
    ParentchainParams,
    RuntimeFacts,
    RuntimeUpdate,
    SyncState,
)
from integritee.crypto import KeyPair, ShieldingKey, blake2_256
from integritee.enclave.bootstrap import Wishes, recover
from integritee.enclave.core import EnclaveCore
from integritee.enclave.keys import SHIELDING_LABEL
from integritee.enclave.parentchain.outbox import OutboxEntry
from integritee.enclave.replica import Effects
from integritee.enclave.sidechain.slots import slot_at
from integritee.enclave.store import SealedStore
from integritee.errors import IntegriteeError
from integritee.metadata import RuntimeMetadata
from integritee.primitives.ids import ParentchainId
from integritee.primitives.rpc import InSidechainBlock
from integritee.primitives.sidechain import SignedBlock
from integritee.stf.operation import DirectCall, IndirectCall, TrustedCallSigned, TrustedOperation
from integritee.stf.runtime import LedgerRuntime

from ..enclave.core.harness import checked_key, parsed, shielding_secret
from ..enclave.store.faulty_directory import FaultyDirectory, PowerFailure, Survival
from ..enclave.store.machine import KIND, SEAL_KEY, counting_random

MRENCLAVE: Final = blake2_256(b"the enclave's code")
URL: Final = "wss://worker.test:2000"
SLOT_MS: Final = 3000


class EnclaveDown(Exception):
    """The enclave's process is gone."""


@dataclass(frozen=True)
class Released:
    """What the enclave lets out once it survives a crash."""

    submit: list[tuple[ParentchainId, bytes]]
    blocks: list[SignedBlock]
    included: list[bytes]
    """Hashes of calls whose users hear that they are in a block."""


class Enclave:
    """One enclave from start to start, with its vault on the chain `home`. `act` is given what it lets out."""

    def __init__(self, home: ParentchainId) -> None:
        self.home = home
        self.disk = FaultyDirectory()
        self.act: Callable[[Released], None] = lambda released: None
        self.starts = 0
        self._random = counting_random()
        self._core: EnclaveCore | None = None
        self._store: SealedStore
        self.start()

    # -- its life ------------------------------------------------------------------------------------

    def start(self, survival: Survival | None = None) -> None:
        """Start on what the disk holds."""
        self.starts += 1
        self.disk.reboot(survival)
        self._store, stored = SealedStore.open(self.disk, SEAL_KEY, KIND, random=self._random)
        if self._store.get_secret(SHIELDING_LABEL) is None:
            self._store.put_secret(SHIELDING_LABEL, shielding_secret())
        with patch.object(ShieldingKey, "from_private_json", staticmethod(checked_key)):
            wishes = Wishes(URL, shielding_target=self.home, check_invariants=True, slot_ms=SLOT_MS)
            self._core = recover(self._store, stored, MRENCLAVE, wishes, LEDGER, self._random)

    def crash(self) -> None:
        self._core = None

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
    def _power(self) -> Iterator[EnclaveCore]:
        """The core for as long as there is power. Raises EnclaveDown."""
        try:
            yield self.core
        except PowerFailure:
            self.crash()
            raise EnclaveDown from None

    def _release(self, effects: Effects) -> None:
        """What the driver does: sync, then act."""
        if self._store.sequence > self._store.synced:
            self._store.sync()
        self.core.show_durable()
        submit = [(which, extrinsic) for which, batch in effects.submit.items() for extrinsic in batch]
        included = [changed.hash for changed in effects.statuses if isinstance(changed.status, InSidechainBlock)]
        self.act(Released(submit, effects.blocks, included))

    def save_snapshot(self) -> None:
        """As the driver does beside the slots. Raises EnclaveDown."""
        with self._power() as core:
            if core.is_running and self._store.sequence:
                self._store.snapshot(core.state.items(), core.snapshot_meta())

    # -- the host's side -----------------------------------------------------------------------------

    def introduce(self, params: ParentchainParams) -> SyncState:
        with self._power() as core, patch.object(RuntimeMetadata, "parse", staticmethod(parsed)):
            return core.connect(params)

    def set_runtime(self, which: ParentchainId, facts: RuntimeFacts) -> None:
        with self._power() as core, patch.object(RuntimeMetadata, "parse", staticmethod(parsed)):
            core.set_runtime(RuntimeUpdate(which, facts))

    def import_blocks(self, which: ParentchainId, blocks: list[ParentchainBlock]) -> SyncState:
        with self._power() as core:
            self._release(core.import_blocks(ImportBlocks(which, blocks)))
            return core.sync_state(which)

    def serve_slot(self, now: int) -> None:
        """Make the block of the slot that begins now, if it is ours."""
        with self._power() as core:
            production = core.begin_slot(slot_at(now, SLOT_MS), now)
            if production is None:
                return
            while production.step(8):
                pass
            self._release(core.finish_slot(production, now + 1))

    # -- the users' side -----------------------------------------------------------------------------

    def sign(self, who: KeyPair, nonce: int, name: str, *args: object) -> TrustedCallSigned:
        call = LEDGER.call(name, who.public, *args)
        return LEDGER.sign_call(call, nonce, who, MRENCLAVE, self.shard)

    def shielded(self, signed: TrustedCallSigned) -> bytes:
        """What a user puts into an invocation on the parentchain."""
        plain = LEDGER.codec(TrustedOperation).encode(IndirectCall(signed))
        return self.core.keys.shielding.public.encrypt(plain)

    def submit(self, signed: TrustedCallSigned, now: int) -> bytes:
        """Admit a call as the trusted RPC does after deciphering; its hash. Raises what that answers."""
        hash, _ = self.core.admit(LEDGER.codec(TrustedOperation).encode(DirectCall(signed)), now)
        return hash

    @property
    def shown(self) -> LedgerRuntime:
        """The ledger as getters show it."""
        return self.core.view.runtime

    @property
    def is_running(self) -> bool:
        return self.is_up and self.core.is_running

    @property
    def shard(self) -> bytes:
        return self.core.config.shard

    @property
    def account(self) -> bytes:
        """On parentchains."""
        return self.core.keys.signing.public

    @property
    def vault(self) -> bytes:
        return self.core.keys.vault(self.shard).public

    # -- what laws read ------------------------------------------------------------------------------

    @property
    def halted(self) -> IntegriteeError | None:
        return self.core.halted

    @property
    def runtime(self) -> LedgerRuntime:
        """The ledger after the latest block."""
        return self.core.runtime

    def seen(self, which: ParentchainId) -> int:
        """Number of the latest verified parentchain block."""
        follower = self.core.links[which].follower
        return follower.head.number if follower else 0

    def processed(self, which: ParentchainId) -> int:
        """Number of the parentchain block whose effects are in the ledger."""
        return self.runtime.parentchain(which).number.get() or 0

    def pending(self, which: ParentchainId) -> list[OutboxEntry]:
        """Extrinsics that are not known to be final."""
        return list(self.core.links[which].outbox.entries.values())
