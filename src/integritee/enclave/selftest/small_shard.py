"""An enclave's core on this machine's disk, on a `SmallChain`: no sockets, and time is what it is told.

The steps are those of the enclave's driver; its effects are kept for who looks at them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from integritee.apps.catalog import ledger_of
from integritee.boundary.messages import ImportBlocks
from integritee.crypto import KeyPair, Sr25519Pair, blake2_256
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import SignedBlock
from integritee.stf.operation import DirectCall, TrustedOperation

from ..attestation import SealPolicy, SimulationTee
from ..bootstrap import SEAL_LABEL, Wishes, config_of, recover
from ..core import EnclaveCore
from ..keys import SHIELDING_LABEL, Randomness
from ..replica import Effects
from ..sidechain.slots import SLOT_MS, slot_at
from ..store import DiskDirectory, SealedStore
from .check import Mismatch
from .ecall import LEDGER as LEDGER_CHOICE
from .primitives import golden_shielding_key
from .small_chain import FUNDS, VAULT_FUNDS, SmallChain

LEDGER: Final = ledger_of(config_of(LEDGER_CHOICE))
MRENCLAVE: Final = blake2_256(b"self-test/mrenclave")
SHARD: Final = blake2_256(b"self-test/shard")
URL: Final = "wss://self-test:2000"
TEE: Final = SimulationTee(MRENCLAVE, bytes(32))
ALICE: Final = Sr25519Pair.from_uri("//Alice")
"""Rich in a development ledger."""
BOB: Final = Sr25519Pair.from_uri("//Bob")


class SmallShard:
    """The enclave of one data directory; `restart` is its next life."""

    def __init__(self, path: Path, chain: SmallChain, random: Randomness) -> None:
        self.path, self.chain, self._random = path, chain, random
        self.core: EnclaveCore
        self._store: SealedStore
        self._open()

    def _open(self) -> None:
        key = TEE.seal_key(SEAL_LABEL, SealPolicy.MRENCLAVE)
        self._store, stored = SealedStore.open(DiskDirectory(self.path), key, int(TEE.kind), random=self._random)
        if self._store.get_secret(SHIELDING_LABEL) is None:  # making one takes long
            self._store.put_secret(SHIELDING_LABEL, golden_shielding_key().private_json())
        wishes = Wishes(URL, SHARD, check_invariants=True)
        self.core = recover(self._store, stored, MRENCLAVE, wishes, LEDGER, self._random)

    def close(self) -> None:
        self._store.close()

    def restart(self) -> None:
        self.close()
        self._open()
        self.connect()

    @property
    def account(self) -> bytes:
        return self.core.keys.signing.public

    # -- the parentchain -----------------------------------------------------------------------------

    def connect(self) -> None:
        self.core.connect(self.chain.params())

    def settle_on_chain(self) -> None:
        """Have the chain note all at once that the enclave is on record and serves the shard with a vault."""
        vault = self.core.keys.vault(SHARD).public
        self.chain.endow(self.account, FUNDS)
        self.chain.endow(vault, VAULT_FUNDS)
        self.chain.register(self.account, MRENCLAVE, URL)
        self.chain.serve(SHARD, MRENCLAVE, [self.account])
        self.chain.delegate(vault, self.account)

    def follow(self, now: int) -> None:
        """Import all blocks that the chain has."""
        state = self.core.sync_state()
        numbers = range(state.number + 1, self.chain.height + 1)
        blocks = [self.chain.block(number, state.watched_keys) for number in numbers]
        self._durable(self.core.import_blocks(ImportBlocks(ParentchainId.Integritee, blocks), now))

    # -- the sidechain -------------------------------------------------------------------------------

    def submit(self, who: KeyPair, name: str, *args: Any, now: int) -> bytes:
        """Admit a call as the trusted RPC does; its hash."""
        nonce = self.core.pool.next_nonce(who.public, self.core.runtime.system.nonce(who.public))
        signed = LEDGER.sign_call(LEDGER.call(name, who.public, *args), nonce, who, MRENCLAVE, SHARD)
        return self.core.admit(LEDGER.codec(TrustedOperation).encode(DirectCall(signed)), now)[0]

    def produce(self, now: int) -> SignedBlock:
        """Serve the slot at Unix time `now` (ms) to its end. Raises Mismatch if no block may be made in it."""
        production = self.core.begin_slot(slot_at(now, SLOT_MS), now)
        if production is None:
            raise Mismatch("the slot", f"no block, the enclave is {self.core.shown_phase}", "a block")
        while production.step(8):
            pass
        return self._durable(self.core.finish_slot(production, now + 1)).gossip[0]

    def receive(self, blocks: list[SignedBlock], now: int) -> Effects:
        return self._durable(self.core.receive_blocks(blocks, now, is_complete=True))

    def _durable(self, effects: Effects) -> Effects:
        if self._store.sequence > self._store.synced:
            self._store.sync()
        self.core.show_durable()
        return effects
